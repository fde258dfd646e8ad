/*
 * document.h
 *	  A tokenised document as a string of bytes: the growing log stores rows of
 *	  text in this form, and segments are sealed from it.
 *
 * Terms are in the order of barq_compare_terms(), each once, with its frequency
 * and, where positions are kept, its ascending positions. A document of several fields
 * has the lengths of its fields behind the header, a frequency of each term for each
 * field, and positions that begin anew with each field. On disk (log pages),
 * so readers check every length.
 */
#ifndef BARQ_DOCUMENT_H
#define BARQ_DOCUMENT_H

#include "text/tokenizer.h"

#define BARQ_DOCUMENT_POSITIONS	0x0001

typedef struct BarqDocumentHeader
{
	uint16		version;		/* 1; 2: of several fields */
	uint16		flags;			/* BARQ_DOCUMENT_* */
	uint32		terms;			/* number of distinct terms */
	uint32		length;			/* number of words with terms: len of BM25; of all fields */
	uint32		fields;			/* 0: one; else uint32 a field follows: its length plus
								 * 1, 0 where it is NULL */
} BarqDocumentHeader;

StaticAssertDecl(sizeof(BarqDocumentHeader) == 16, "BarqDocumentHeader is on disk");

/*
 * Encode tokens, whose terms are in a table; palloc'd, *bytes long. Raises
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above MaxAllocSize.
 */
extern char *barq_document_encode(BarqTermTable *terms, const BarqTokens *tokens,
								  bool positions, uint32 *bytes);

typedef struct BarqDocumentReader
{
	const BarqDocumentHeader *header;
	uint32		nfields;		/* 1 or more */
	const uint32 *lengths;		/* of several fields: by field, as on disk */
	const uint8 *at;
	const uint8 *end;
	uint32		left;			/* terms not read yet */

	/* the term read last */
	const char *term;			/* not terminated; within the document */
	uint32		term_length;
	uint32		frequency;		/* in all fields */
	uint32		frequencies[BARQ_MOST_FIELDS];	/* by field, where there are several */
	const uint8 *positions;		/* deltas, undecoded; NULL without positions */
} BarqDocumentReader;

/*
 * Begin to read a document, which is aligned to 4 bytes and has to outlive the
 * reader. Allocates nothing. Raises ERRCODE_INDEX_CORRUPTED for a damaged
 * header.
 */
extern void barq_document_open(BarqDocumentReader *reader, const char *bytes, uint32 length);

/*
 * Read the next term into the reader; returns false after the last one. Raises
 * ERRCODE_INDEX_CORRUPTED for a damaged document.
 */
extern bool barq_document_next(BarqDocumentReader *reader);

/*
 * Decode the positions of the term read last into out[frequency], those of one field
 * after the other, each ascending; the document has positions. Raises ERRCODE_INDEX_CORRUPTED for a damaged document.
 */
extern void barq_document_positions(const BarqDocumentReader *reader, uint32 *out);

#endif							/* BARQ_DOCUMENT_H */
