/*
 * bm25_layout.h
 *	  Inside of the kind: the bytes of a body (README.md has the picture), and
 *	  what its files share. See bm25.h for what others may use.
 */
#ifndef BARQ_BM25_LAYOUT_H
#define BARQ_BM25_LAYOUT_H

#include "bm25/bm25.h"
#include "base/compat.h"
#include "kernels/bitpack.h"

#define BM25_VERSION		1
#define BM25_FOOTER_MAGIC	0x35324D42	/* "BM25" */
#define BM25_POSITIONS		0x0001	/* BarqBm25Header.flags */
#define BM25_PAIRS			3	/* (frequency, length) maxima kept of a block */
#define BM25_DICT_BLOCK		16	/* terms that share a prefix chain */
#define BM25_MAX_TERM		8192	/* bytes; no tokenizer gives longer ones */
#define BM25_NO_ROW			PG_UINT32_MAX

/* At kind_off: what is known before the first posting is. */
typedef struct BarqBm25Header
{
	uint16		version;
	uint16		flags;
	uint32		length_width;	/* bytes of a length: 1, 2 or 4 */
	uint64		tokens;			/* sum of lengths */
	uint64		lengths_off;	/* length_width bytes a row */
	uint64		terms_off;		/* postings, term after term */
	uint32		max_length;
	uint32		reserved[7];
} BarqBm25Header;

StaticAssertDecl(sizeof(BarqBm25Header) == 64, "BarqBm25Header is on disk");

/* The last 64 bytes of the body: what is known after the last posting. */
typedef struct BarqBm25Footer
{
	uint32		magic;			/* BM25_FOOTER_MAGIC */
	uint32		reserved;
	uint64		terms;			/* distinct ones */
	uint64		postings;
	uint64		dictionary_off; /* front-coded blocks of BM25_DICT_BLOCK terms */
	uint64		dictionary_bytes;
	uint64		blocks;			/* of the dictionary */
	uint64		index_off;		/* uint64[blocks + 1]: where each begins */
	uint64		reserved2;
} BarqBm25Footer;

StaticAssertDecl(sizeof(BarqBm25Footer) == 64, "BarqBm25Footer is on disk");

/*
 * A bound for a set of postings: each of them has, for one of the pairs,
 * frequency <= the pair's and length >= the pair's. A pair of frequency 0 is
 * none; FREQUENCY_ANY stands for any.
 */
#define BM25_FREQUENCY_ANY	PG_UINT16_MAX

typedef struct Bm25Pair
{
	uint16		frequency;
	uint16		length;			/* saturated, hence a lower bound itself */
} Bm25Pair;

typedef struct Bm25Maxima
{
	Bm25Pair	pairs[BM25_PAIRS];
} Bm25Maxima;

/* One block of postings of a term that has several. */
typedef struct Bm25Skip
{
	uint32		last_row;
	uint32		offset;			/* of the block, from the first one */
	uint8		row_bits;
	uint8		frequency_bits;
	uint16		reserved;
	Bm25Maxima	maxima;
} Bm25Skip;

StaticAssertDecl(sizeof(Bm25Skip) == 24, "Bm25Skip is on disk");

/*
 * A term's record, at terms_off + its offset. Several blocks: from the next
 * multiple of 8 the blocks, then, so that it ends with the record, the table
 * of Bm25Skip. One block: row_bits, frequency_bits, the block. A block: gaps
 * (row - previous - 1), packed; frequencies - 1, packed; positions, as varints
 * of differences.
 */

/* A term as the dictionary has it. */
typedef struct Bm25Entry
{
	const char *text;			/* valid until the next step or lookup */
	uint32		length;
	uint32		df;
	uint64		record;			/* offset in the body */
	uint64		record_bytes;
	Bm25Maxima	maxima;			/* over all blocks */
} Bm25Entry;

/* An opened body: its headers, checked against its size. */
typedef struct Bm25Body
{
	BarqView   *view;
	uint64		tids_off;
	BarqBm25Header header;
	BarqBm25Footer footer;
	bool		positions;
} Bm25Body;

pg_noreturn extern void barq_bm25_corrupt(const char *what);

/* ---- bm25_read.c ---- */
extern void barq_bm25_open(Bm25Body *body, BarqView *view);
extern uint32 barq_bm25_length(const Bm25Body *body, uint32 row);
extern void barq_bm25_lengths(const Bm25Body *body, const uint32 *rows, uint32 n,
							  uint32 *lengths); /* rows ascend */
extern ItemPointerData barq_bm25_tid(const Bm25Body *body, uint32 row);

/* Walk the dictionary in order, from the first term not before `from`. */
typedef struct Bm25DictWalk
{
	const Bm25Body *body;
	uint64		block;			/* next to be read */
	char	   *bytes;			/* copy of the block under way */
	Size		space;
	const char *at;
	const char *end;
	uint32		left;			/* terms of the block still to come */
	uint64		record;			/* offset where the next record begins */
	char	   *text;			/* BM25_MAX_TERM bytes */
	bool		pending;		/* the entry has been read but not returned */
	Bm25Entry	entry;
} Bm25DictWalk;

extern void barq_bm25_walk_begin(Bm25DictWalk *walk, const Bm25Body *body,
								 const char *from, uint32 length);
extern bool barq_bm25_walk_next(Bm25DictWalk *walk);
extern bool barq_bm25_find(const Bm25Body *body, const char *text, uint32 length,
						   Bm25Entry *entry);

/* ---- bm25_cursor.c: postings of one term, or of several pooled ---- */
typedef struct Bm25Cursor
{
	const Bm25Body *body;
	uint32		df;
	uint32		nblocks;
	const Bm25Skip *skips;
	uint64		blocks_off;		/* in the body, of the first block */
	uint64		blocks_end;
	Bm25Maxima	maxima;			/* over all blocks */

	/* pooled: everything decoded */
	const uint32 *pool_rows;
	const uint32 *pool_frequencies;

	uint32		block;			/* current; nblocks: at the end */
	uint32		loaded;			/* block whose rows are decoded, or BM25_NO_ROW */
	bool		has_frequencies;
	uint32		n;				/* postings in it */
	uint32		at;
	uint32		rows[BARQ_BM25_BLOCK + 1];	/* BM25_NO_ROW behind the last */
	uint32		frequencies[BARQ_BM25_BLOCK];

	Bm25Skip	single;			/* skips of a term of one block */

	/* positions: of the block `position_block`, read up to posting position_at */
	uint32		position_block;
	uint32		position_at;
	const uint8 *position_bytes;
	const uint8 *position_next;
	const uint8 *position_end;
	uint8	   *position_copy;	/* of those bytes, where they are read by the page */
	Size		position_copy_space;
	uint32	   *positions;		/* of the posting under way, decoded */
	uint32		position_space;

	/* for searches */
	double		weight;
} Bm25Cursor;

/* False: the segment does not have the term. Palloc'd parts in the current
 * context. */
extern bool barq_bm25_cursor_open(Bm25Cursor *cursor, const Bm25Body *body,
								  const BarqBm25Text *terms, uint32 nterms, bool pooled);
extern void barq_bm25_cursor_open_entry(Bm25Cursor *cursor, const Bm25Body *body,
										const Bm25Entry *entry);
extern void barq_bm25_cursor_load(Bm25Cursor *cursor);
extern void barq_bm25_cursor_frequencies(Bm25Cursor *cursor);

/* Positions of the current posting, ascending; its frequency many. */
extern const uint32 *barq_bm25_cursor_positions(Bm25Cursor *cursor);

/* As they are kept, those of n postings from the at-th of the block on. */
extern const uint8 *barq_bm25_cursor_position_bytes(Bm25Cursor *cursor, uint32 at, uint32 n,
													Size *bytes);

/* A cursor at the start of the same postings. */
extern Bm25Cursor *barq_bm25_cursor_copy(const Bm25Cursor *cursor);

/* Go to the block that may hold `row`, without reading it. */
static inline void
barq_bm25_cursor_shallow(Bm25Cursor *cursor, uint32 row)
{
	uint32		block = cursor->block;
	uint32		step;

	if (block >= cursor->nblocks || likely(cursor->skips[block].last_row >= row))
		return;

	/* skips[block] is before `row`; double the step, then halve it */
	for (step = 1; block + step < cursor->nblocks &&
		 cursor->skips[block + step].last_row < row;
		 step *= 2)
		block += step;
	for (; step > 0; step /= 2)
		if (block + step < cursor->nblocks && cursor->skips[block + step].last_row < row)
			block += step;
	cursor->block = block + 1;
}

/* In the block that is decoded: the first posting at or after `row`, or n. */
static inline uint32
barq_bm25_cursor_in_block(const Bm25Cursor *cursor, uint32 row)
{
	const uint32 *rows = cursor->rows;
	uint32		at = 0;

	if (rows[cursor->at] >= row)
		return cursor->at;
	for (uint32 step = BARQ_BM25_BLOCK / 2; step > 0; step /= 2)
		at += rows[at + step - 1] < row ? step : 0;
	return at + (rows[at] < row);
}

/* Go to the first posting at or after `row`; BM25_NO_ROW at the end. */
static inline uint32
barq_bm25_cursor_seek(Bm25Cursor *cursor, uint32 row)
{
	for (;;)
	{
		barq_bm25_cursor_shallow(cursor, row);
		if (cursor->block >= cursor->nblocks)
			return BM25_NO_ROW;
		if (cursor->loaded != cursor->block)
			barq_bm25_cursor_load(cursor);
		cursor->at = barq_bm25_cursor_in_block(cursor, row);
		if (cursor->at < cursor->n)
			return cursor->rows[cursor->at];

		/* a term's only block can end before what it promises */
		cursor->block++;
	}
}

/* The frequency of the posting under way. */
static inline uint32
barq_bm25_cursor_frequency(Bm25Cursor *cursor)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return cursor->frequencies[cursor->at];
}

/* The frequency of another posting of its block. */
static inline uint32
barq_bm25_cursor_frequency_at(Bm25Cursor *cursor, uint32 at)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return cursor->frequencies[at];
}

/* ---- bm25_maxima.c ---- */
extern void barq_bm25_maxima_add(Bm25Maxima *maxima, uint32 frequency, uint32 length);
extern void barq_bm25_maxima_add_block(Bm25Maxima *maxima, const uint32 *frequencies,
									   const uint32 *lengths, uint32 n);
extern void barq_bm25_maxima_merge(Bm25Maxima *maxima, const Bm25Maxima *other);
extern double barq_bm25_maxima_bound(const Bm25Maxima *maxima, double weight,
									 const BarqBm25Query *query);

/* ---- bm25_write.c: a body, term after term ---- */
typedef struct Bm25Writer Bm25Writer;

/* lengths and tids of `rows` rows, in TID order; both are used to the end */
extern Bm25Writer *barq_bm25_write_begin(BarqBodyWriter *writer, uint32 rows,
										 const ItemPointerData *tids,
										 const uint32 *lengths, bool positions);
extern void barq_bm25_write_term(Bm25Writer *writer, const char *text, uint32 length);

/*
 * Postings of the term, its rows ascending: the place for the next ones, and how
 * many there is room for; the positions of those then put there, if they are
 * kept (each posting's as varints of differences); and how many were put there.
 */
extern uint32 barq_bm25_write_room(Bm25Writer *writer, uint32 **rows, uint32 **frequencies);
extern void barq_bm25_write_positions(Bm25Writer *writer, const uint8 *positions, Size bytes);
extern void barq_bm25_write_postings(Bm25Writer *writer, uint32 n);
extern void barq_bm25_write_end(Bm25Writer *writer);

/* ---- bm25_conditions.c: must, must not, phrases ---- */
typedef struct Bm25Conditions Bm25Conditions;

/* A cursor for a term of a query, palloc'd; NULL: the segment does not have it. */
extern Bm25Cursor *barq_bm25_open_term(const Bm25Body *body, const BarqBm25Term *term);

extern Bm25Conditions *barq_bm25_conditions_open(const Bm25Body *body,
												 const BarqBm25Query *query,
												 bool *never);
extern bool barq_bm25_conditions_hold(Bm25Conditions *conditions, uint32 row, bool *recheck);

/* The first row from `row` on that may satisfy them, for who has no better idea. */
extern uint32 barq_bm25_conditions_next(Bm25Conditions *conditions, uint32 row);

/* Whether some condition is a must. */
extern bool barq_bm25_conditions_lead(const Bm25Conditions *conditions);

/*
 * Mark the terms of the query that every row must hold; whether there are any.
 * Who has seen to them says so: what requires nothing else is then not asked.
 */
extern bool barq_bm25_conditions_required(const Bm25Conditions *conditions, bool *required);
extern void barq_bm25_conditions_settle(Bm25Conditions *conditions);

/* Whether a row satisfies something; unsure where the index cannot tell. */
typedef enum Bm25Truth
{
	BM25_NO,
	BM25_UNSURE,
	BM25_YES
} Bm25Truth;

static inline Bm25Truth
barq_bm25_marked(BarqOccur occur, Bm25Truth holds)
{
	return occur == BARQ_MUST_NOT ? BM25_YES - holds : holds;
}

/*
 * Of a condition of terms: has each offset a variant whose terms are all
 * there? counts[i]: how often the condition's i-th term is.
 */
extern bool barq_bm25_words_there(const BarqBm25Condition *what, const uint32 *counts);

/*
 * Do the offsets of a phrase fit positions? lists[i] are those of the phrase's
 * i-th term, ascending, counts[i] of them (0: the term is not there).
 */
extern bool barq_bm25_phrase_fits(const BarqBm25Condition *phrase,
								  const uint32 *const *lists, const uint32 *counts);

/* ---- varints: seven bits a byte, lowest first, the top bit: more follow ---- */
static inline uint8 *
barq_varint_put(uint8 *out, uint64 value)
{
	while (value >= 0x80)
	{
		*out++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8) value;
	return out;
}

/* NULL where it does not end before `end` or has more than 64 bits. */
static inline const uint8 *
barq_varint_get(const uint8 *in, const uint8 *end, uint64 *value)
{
	uint64		result = 0;

	for (int shift = 0; in < end && shift < 64; shift += 7)
	{
		uint8		byte = *in++;

		result |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*value = result;
			return in;
		}
	}
	return NULL;
}

#define BM25_MAX_VARINT 10

#endif							/* BARQ_BM25_LAYOUT_H */
