/*
 * bm25_layout.h
 *	  The bytes of a body (README.md has the picture), and bounds of blocks. For
 *	  the files of this folder; other folders use bm25.h.
 */
#ifndef BARQ_BM25_LAYOUT_H
#define BARQ_BM25_LAYOUT_H

#include "base/compat.h"
#include "base/varint.h"
#include "bm25/bm25.h"
#include "kernels/bitpack.h"

#define BM25_VERSION		1
#define BM25_VERSION_FIELDS	2	/* of a body of several fields */
#define BM25_FOOTER_MAGIC	0x35324D42	/* "BM25" */
#define BM25_POSITIONS		0x0001	/* BarqBm25Header.flags */
#define BM25_PAIRS			3	/* (frequency, length) pairs that bound a block */
#define BM25_DICT_BLOCK		16	/* terms that are front-coded together */
#define BM25_MAX_TERM		8192	/* bytes; tokenizers give no longer terms */
#define BM25_NO_ROW			PG_UINT32_MAX	/* after all rows */

/* At BarqBodyHeader.kind_off: facts known before the first posting is written. */
typedef struct BarqBm25Header
{
	uint16		version;
	uint16		flags;
	uint32		length_width;	/* bytes of a length: 1, 2 or 4 */
	uint64		tokens;			/* sum of lengths */
	uint64		lengths_off;	/* length_width bytes a row */
	uint64		terms_off;		/* postings, term after term */
	uint32		max_length;
	uint32		fields;			/* 0: one; else that many BarqBm25FieldHeader follow, and
								 * lengths above are of the first field, tokens of all */
	uint32		reserved[6];
} BarqBm25Header;

StaticAssertDecl(sizeof(BarqBm25Header) == 64, "BarqBm25Header is on disk");

/* A field of a body of several. A length is stored plus 1; 0: the field is NULL. */
typedef struct BarqBm25FieldHeader
{
	uint64		tokens;			/* sum of lengths */
	uint64		lengths_off;	/* length_width bytes a row */
	uint32		length_width;	/* bytes of a stored length: 1, 2 or 4 */
	uint32		max_length;
	uint32		nulls;			/* rows in which it is NULL */
	uint32		reserved;
} BarqBm25FieldHeader;

StaticAssertDecl(sizeof(BarqBm25FieldHeader) == 32, "BarqBm25FieldHeader is on disk");

/* The last 64 bytes of the body: facts known after the last posting. */
typedef struct BarqBm25Footer
{
	uint32		magic;			/* BM25_FOOTER_MAGIC */
	uint32		reserved;
	uint64		terms;			/* distinct ones */
	uint64		postings;
	uint64		dictionary_off; /* front-coded blocks of BM25_DICT_BLOCK terms */
	uint64		dictionary_bytes;
	uint64		blocks;			/* of the dictionary */
	uint64		index_off;		/* uint64[blocks + 1]: start of each block, from
								 * dictionary_off; the last: dictionary_bytes */
	uint64		reserved2;
} BarqBm25Footer;

StaticAssertDecl(sizeof(BarqBm25Footer) == 64, "BarqBm25Footer is on disk");

/*
 * Bounds of a set of postings: for each posting there is a pair with at least
 * its frequency and at most its document's length. Pairs with frequency 0 are
 * unused; they follow the used ones. BM25_FREQUENCY_ANY: any frequency.
 */
#define BM25_FREQUENCY_ANY	PG_UINT16_MAX

typedef struct Bm25Pair
{
	uint16		frequency;
	uint16		length;			/* tokens; 65535 for longer documents, too */
} Bm25Pair;

typedef struct Bm25Maxima
{
	Bm25Pair	pairs[BM25_PAIRS];
} Bm25Maxima;

/* A block of postings, of a term that has several blocks. */
typedef struct Bm25Skip
{
	uint32		last_row;
	uint32		offset;			/* of the block, from the term's first block */
	uint8		row_bits;		/* widths of packed numbers */
	uint8		frequency_bits;
	uint16		reserved;
	Bm25Maxima	maxima;
} Bm25Skip;

StaticAssertDecl(sizeof(Bm25Skip) == 24, "Bm25Skip is on disk");

/* A block of postings in a field beyond the first, which is in Bm25Skip. */
typedef struct Bm25FieldSkip
{
	uint8		frequency_bits;
	uint8		reserved[3];
	Bm25Maxima	maxima;
} Bm25FieldSkip;

StaticAssertDecl(sizeof(Bm25FieldSkip) == 16, "Bm25FieldSkip is on disk");

/*
 * The record of a term, at terms_off + its offset. Of one block: row_bits,
 * frequency_bits, the block. Of several: padding to a multiple of 8, the
 * blocks, padding, the table of Bm25Skip, with which the record ends. A block:
 * gaps (row - previous row - 1), packed; frequencies - 1, packed; positions as
 * varints of differences.
 *
 * With several fields a posting has a frequency in each, which may be 0: a block has
 * packed frequencies (not less 1) field after field, the positions of a posting are
 * those of its fields one after the other, each beginning with its first. Maxima are by
 * field, over the postings with a frequency there. A record of one block begins with
 * row_bits and a byte of frequency_bits a field; behind a table of Bm25Skip is one of
 * Bm25FieldSkip, block after block, for each field but the first.
 */

/* Raise ERRCODE_INDEX_CORRUPTED; `fault` is a clause about the segment. */
pg_noreturn extern void barq_bm25_corrupted(const char *fault);

/* ---- bm25_maxima.c ---- */

/* Extend maxima to bound another posting; n postings; all that `other` bounds. */
extern void barq_bm25_maxima_add(Bm25Maxima *maxima, uint32 frequency, uint32 length);
extern void barq_bm25_maxima_add_block(Bm25Maxima *maxima, const uint32 *frequencies,
									   const uint32 *lengths, uint32 n);
extern void barq_bm25_maxima_merge(Bm25Maxima *maxima, const Bm25Maxima *other);

/*
 * Upper bound of what barq_bm25_share() gives for any posting that the maxima
 * bound, rounding included.
 */
extern double barq_bm25_maxima_bound(const Bm25Maxima *maxima, double weight,
									 const BarqBm25Query *query);

/*
 * The same for postings of several fields: maxima[f] bound those in the f-th field. fields:
 * those in which the term counts, a bit each; 0: all.
 */
extern double barq_bm25_fields_bound(const Bm25Maxima *const *maxima, double weight,
									 uint32 fields, const BarqBm25Query *query);

#endif							/* BARQ_BM25_LAYOUT_H */
