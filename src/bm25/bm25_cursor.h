/*
 * bm25_cursor.h
 *	  Cursors over the postings of one term, or of several terms as one, in row
 *	  order. A cursor only moves forward, except where it is copied or its block
 *	  is set back.
 *
 * All functions raise ERRCODE_INDEX_CORRUPTED for a damaged body. Parts of a
 * cursor are allocated in the memory context that is current when they are
 * first needed; nothing but their context frees them.
 */
#ifndef BARQ_BM25_CURSOR_H
#define BARQ_BM25_CURSOR_H

#include "bm25/bm25_read.h"

/* Postings of one term, or of several pooled. */
typedef struct Bm25Cursor
{
	const Bm25Body *body;
	uint32		df;
	uint32		nblocks;
	const Bm25Skip *skips;
	uint64		blocks_off;		/* in the body, of the first block */
	uint64		blocks_end;
	Bm25Maxima	maxima;			/* over all blocks; of the first field */
	uint32		nfields;		/* of the body */
	uint32		fields;			/* in which the term counts, a bit each; 0: all */
	const Bm25FieldSkip *field_skips;	/* of several fields: nfields - 1 for each block */

	/*
	 * Of a pool of few terms: a cursor for each. The pool itself is read by
	 * barq_bm25_cursor_seek(), as a block of one posting, the current row.
	 */
	uint32		nmembers;		/* 0: not such a pool */
	struct Bm25Cursor **members;

	/* of many pooled terms: all postings, decoded; else NULL */
	const uint32 *pool_rows;
	const uint32 *pool_frequencies;
	const uint32 *pool_fields;	/* of several fields: nfields for each posting */

	uint32		block;			/* current block; nblocks: at the end */
	uint32		loaded;			/* block whose rows are decoded; BM25_NO_ROW: none */
	bool		has_frequencies;	/* whether its frequencies are decoded, too */
	uint32		n;				/* postings in it */
	uint32		at;				/* current posting */
	uint32		rows[BARQ_BM25_BLOCK + 1];	/* BM25_NO_ROW behind the last */
	uint32		frequencies[BARQ_BM25_BLOCK];

	Bm25Skip	single;			/* skips of a term of one block */

	/* encoded positions of block position_block, read up to posting position_at */
	uint32		position_block;
	uint32		position_at;
	const uint8 *position_bytes;
	const uint8 *position_next;
	const uint8 *position_end;
	uint8	   *position_copy;	/* of those bytes, if the body is read by pages */
	Size		position_copy_space;
	uint32	   *positions;		/* of the current posting, decoded */
	uint32		position_space;

	double		weight;			/* for searches */

	/* of a body of several fields; else not allocated */
	Bm25Maxima	field_maxima[BARQ_BM25_FIELDS - 1]; /* over all blocks, of the fields but
													 * the first */
	Bm25FieldSkip single_fields[BARQ_BM25_FIELDS - 1];
	uint32		field_frequencies[BARQ_BM25_FIELDS][BARQ_BM25_BLOCK];
} Bm25Cursor;

/* Bytes of a cursor over a body of n fields. */
static inline Size
barq_bm25_cursor_bytes(uint32 nfields)
{
	return nfields == 1 ? offsetof(Bm25Cursor, field_maxima) :
		offsetof(Bm25Cursor, field_frequencies) + nfields * BARQ_BM25_BLOCK * sizeof(uint32);
}

/* The entry of a block for a field beyond the first, of a body of several. */
static inline const Bm25FieldSkip *
barq_bm25_field_skip(const Bm25Cursor *cursor, uint32 block, uint32 field)
{
	return &cursor->field_skips[(Size) block * (cursor->nfields - 1) + field - 1];
}

/* The maxima of a field in a block; BM25_NO_ROW: in all blocks. */
static inline const Bm25Maxima *
barq_bm25_field_maxima(const Bm25Cursor *cursor, uint32 block, uint32 field)
{
	if (block == BM25_NO_ROW)
		return field == 0 ? &cursor->maxima : &cursor->field_maxima[field - 1];
	return field == 0 ? &cursor->skips[block].maxima :
		&barq_bm25_field_skip(cursor, block, field)->maxima;
}

/*
 * bm25_cursor.c: make a cursor over nothing, to be filled in by the callers
 * below. It has barq_bm25_cursor_bytes() of the body's fields. Allocates nothing.
 */
extern void barq_bm25_cursor_init(Bm25Cursor *cursor, const Bm25Body *body);

/* Set a cursor, and its members, to the first block, with nothing decoded. */
extern void barq_bm25_cursor_rewind(Bm25Cursor *cursor);

/* The same, but blocks that are decoded may be used again. */
extern void barq_bm25_cursor_restart(Bm25Cursor *cursor);

/*
 * Open a cursor at the first posting of a term of the dictionary; its parts are
 * palloc'd in the current memory context. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_cursor_open_entry(Bm25Cursor *cursor, const Bm25Body *body,
										const Bm25Entry *entry);

/*
 * Open a cursor for a term; its parts are palloc'd in the current memory context.
 * False if the segment does not have the term. ERRCODE_INDEX_CORRUPTED for a damaged
 * body.
 */
extern bool barq_bm25_cursor_open(Bm25Cursor *cursor, const Bm25Body *body,
								  const BarqBm25Text *term);

/*
 * bm25_pool.c: open a cursor for several terms as if they were one; a row's frequency is
 * the sum of theirs. False if the segment has none of them. Where it has one it is that
 * term's cursor; where it has up to `most` a pool with members, whose rows may be such in
 * which no term counts in its fields (barq_bm25_cursor_counts()); of more all postings are
 * decoded at once. In the current memory context. Checks for interrupts.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern bool barq_bm25_cursor_open_pooled(Bm25Cursor *cursor, const Bm25Body *body,
										 const BarqBm25Text *terms, uint32 nterms, uint32 most);

/*
 * Look n terms up: *entries, palloc'd, receives those that the segment has; returns their
 * number. *postings: the sum of their df. Checks for interrupts. ERRCODE_INDEX_CORRUPTED for a
 * damaged dictionary.
 */
extern uint32 barq_bm25_find_all(const Bm25Body *body, const BarqBm25Text *terms, uint32 nterms,
								 Bm25Entry **entries, uint64 *postings);

/* A pool of so many terms is read by members. */
#define BM25_MEMBERS	8

/*
 * ---- bm25_members.c: pools with members ----
 *
 * Make a pool with n members, which have so many postings in all; those of fewest come first.
 * Sorts entries. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_pool_open_members(Bm25Cursor *pool, const Bm25Body *body,
										Bm25Entry *entries, uint32 n, uint64 postings);

/* The fields in which an entry of a pool counts; 0: all. */
static inline uint32
barq_bm25_entry_fields(const Bm25Body *body, const Bm25Entry *entry)
{
	return body->nfields == 1 || entry->fields == barq_bm25_every_field(body->nfields) ? 0 :
		entry->fields;
}

/* Limit the fields in which a cursor's term counts, or those of its members. */
extern void barq_bm25_cursor_limit_fields(Bm25Cursor *cursor, uint32 fields);

/* barq_bm25_cursor_open_entry(), for the fields in which the entry counts. */
extern void barq_bm25_cursor_open_counting(Bm25Cursor *cursor, const Bm25Body *body,
										   const Bm25Entry *entry);

/* barq_bm25_cursor_seek() of a pool. */
extern uint32 barq_bm25_pool_seek(Bm25Cursor *pool, uint32 row);

/* Add the frequencies of the current row up: barq_bm25_cursor_frequencies() of a pool. */
extern void barq_bm25_pool_frequencies(Bm25Cursor *pool);

/*
 * Add frequencies[i * stride] of a member in the i-th field to sums[i], as far as the member
 * counts there. All sums of pools' frequencies are made here or by rows (bm25_pool*.c).
 */
static inline void
barq_bm25_pool_add(const Bm25Cursor *member, const uint32 *frequencies, Size stride, uint32 *sums)
{
	uint32		most = member->nfields == 1 ? PG_INT32_MAX : PG_INT32_MAX / BARQ_BM25_FIELDS;

	for (uint32 f = 0; f < member->nfields; f++)
		if (barq_bm25_has_field(member->fields, f))
			sums[f] = (uint32) Min((uint64) sums[f] + frequencies[f * stride], most);
}

/*
 * bm25_pool_fields.c: the same for n entries of a body of several fields, which have so
 * many postings in all.
 */
extern bool barq_bm25_pool_fields(Bm25Cursor *cursor, const Bm25Body *body,
								  const Bm25Entry *entries, uint32 n, uint64 postings);

/*
 * Decode the rows of the current block, which is below nblocks.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_cursor_load(Bm25Cursor *cursor);

/*
 * Decode the frequencies of the block whose rows are decoded. ERRCODE_INDEX_CORRUPTED
 * for a damaged body.
 */
extern void barq_bm25_cursor_frequencies(Bm25Cursor *cursor);

/*
 * Does the current posting count: has it a frequency in one of the cursor's fields? May
 * decode frequencies. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
static inline bool barq_bm25_cursor_counts(Bm25Cursor *cursor);

/*
 * Positions of the current posting, those of one field after the other, in each ascending,
 * as many as its frequency; valid
 * until the next call. Only where the body has positions and the cursor is not
 * pooled. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern const uint32 *barq_bm25_cursor_positions(Bm25Cursor *cursor);

/*
 * Encoded positions of postings [at, at + n) of the decoded block, and their
 * bytes; valid until the next call. Only where the body has positions and the cursor
 * is not pooled. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern const uint8 *barq_bm25_cursor_position_bytes(Bm25Cursor *cursor, uint32 at, uint32 n,
													Size *bytes);

/*
 * A new cursor at the first posting of another cursor's term, palloc'd in the current
 * memory context. It shares the other cursor's arrays, which must live as long.
 */
extern Bm25Cursor *barq_bm25_cursor_copy(const Bm25Cursor *cursor);

/* Move forward to the block that may hold `row`, without decoding it. */
static inline void
barq_bm25_cursor_shallow(Bm25Cursor *cursor, uint32 row)
{
	uint32		block = cursor->block;
	uint32		step;

	if (block >= cursor->nblocks || likely(cursor->skips[block].last_row >= row))
		return;

	/* skips[block] ends before `row`: double the step, then halve it */
	for (step = 1; block + step < cursor->nblocks &&
		 cursor->skips[block + step].last_row < row;
		 step *= 2)
		block += step;
	for (; step > 0; step /= 2)
		if (block + step < cursor->nblocks && cursor->skips[block + step].last_row < row)
			block += step;
	cursor->block = block + 1;
}

/*
 * In the decoded block: the first posting from the current one on whose row is
 * at or after `row`; n if there is none.
 */
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

/*
 * Move forward to the first posting at or after `row`; returns its row, or
 * BM25_NO_ROW at the end.
 */
static inline uint32
barq_bm25_cursor_seek(Bm25Cursor *cursor, uint32 row)
{
	if (unlikely(cursor->nmembers > 0))
		return barq_bm25_pool_seek(cursor, row);
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

		/* the last row of a term's only block is not known beforehand */
		cursor->block++;
	}
}

/* The frequency of the current posting. */
static inline uint32
barq_bm25_cursor_frequency(Bm25Cursor *cursor)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return cursor->frequencies[cursor->at];
}

static inline bool
barq_bm25_cursor_counts(Bm25Cursor *cursor)
{
	if (likely(cursor->fields == 0))
		return true;
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	for (uint32 i = 0; i < cursor->nfields; i++)
		if ((cursor->fields >> i & 1) != 0 && cursor->field_frequencies[i][cursor->at] > 0)
			return true;
	return false;
}

/* The frequency of another posting of the decoded block. */
static inline uint32
barq_bm25_cursor_frequency_at(Bm25Cursor *cursor, uint32 at)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return cursor->frequencies[at];
}

#endif							/* BARQ_BM25_CURSOR_H */
