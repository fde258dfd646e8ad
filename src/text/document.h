/*
 * document.h
 *	  A tokenised document as one run of bytes: what the growing log keeps of
 *	  a row of text, and what a segment is sealed from.
 *
 * Terms come in the order of barq_compare_terms, each once, with its frequency
 * and, where positions are kept, its ascending positions. On disk (log pages),
 * so readers check every length.
 */
#ifndef BARQ_DOCUMENT_H
#define BARQ_DOCUMENT_H

#include "text/tokenizer.h"

#define BARQ_DOCUMENT_POSITIONS	0x0001

typedef struct BarqDocumentHeader
{
	uint16		version;		/* 1 */
	uint16		flags;			/* BARQ_DOCUMENT_* */
	uint32		terms;			/* distinct ones */
	uint32		length;			/* words kept: BM25's len */
	uint32		reserved;
} BarqDocumentHeader;

StaticAssertDecl(sizeof(BarqDocumentHeader) == 16, "BarqDocumentHeader is on disk");

/* Encode; palloc'd. ERRCODE_PROGRAM_LIMIT_EXCEEDED above MaxAllocSize. */
extern char *barq_document_encode(BarqTermTable *terms, const BarqTokens *tokens,
								  bool positions, uint32 *bytes);

typedef struct BarqDocumentReader
{
	const BarqDocumentHeader *header;
	const uint8 *at;
	const uint8 *end;
	uint32		left;

	/* the term read last */
	const char *term;
	uint32		term_length;
	uint32		frequency;
	const uint8 *positions;		/* deltas, undecoded; NULL without positions */
} BarqDocumentReader;

/*
 * ERRCODE_INDEX_CORRUPTED for bytes that are no document. They stand at a
 * multiple of 4.
 */
extern void barq_document_open(BarqDocumentReader *reader, const char *bytes, uint32 length);
extern bool barq_document_next(BarqDocumentReader *reader);

/* Decode the positions of the term read last into out[frequency]. */
extern void barq_document_positions(const BarqDocumentReader *reader, uint32 *out);

#endif							/* BARQ_DOCUMENT_H */
