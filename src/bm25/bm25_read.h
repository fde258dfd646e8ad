/*
 * bm25_read.h
 *	  Opening a body; its lengths, TIDs and dictionary. All functions raise
 *	  ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
#ifndef BARQ_BM25_READ_H
#define BARQ_BM25_READ_H

#include "bm25/bm25_layout.h"

/* An opened body: its headers have been checked against its size. */
typedef struct Bm25Body
{
	BarqView   *view;
	uint64		tids_off;
	BarqBm25Header header;
	BarqBm25Footer footer;
	bool		positions;
	uint32		nfields;		/* 1 or more */
	BarqBm25FieldHeader fields[BARQ_BM25_FIELDS];	/* of several */
} Bm25Body;

/* A term of the dictionary. */
typedef struct Bm25Entry
{
	const char *text;			/* of a walk: valid until its next step */
	uint32		length;
	uint32		df;
	uint64		record;			/* offset in the body */
	uint64		record_bytes;
	Bm25Maxima	maxima;			/* over all blocks; of the first field */

	/* of a body of several fields */
	uint32		fields;			/* of a pool's: in which it counts; 0: all */
	uint32		field_df[BARQ_BM25_FIELDS];
	Bm25Maxima	field_maxima[BARQ_BM25_FIELDS - 1]; /* of the fields but the first */
} Bm25Entry;

/*
 * Read and check a body's headers. Allocates nothing; the view must outlive *body.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_open(Bm25Body *body, BarqView *view);

/*
 * Length of a row's document in tokens; row is below view->rows, here and below.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_length(const Bm25Body *body, uint32 row);

/*
 * The stored length of a field in a row of a body of several fields: its length plus 1, 0
 * where it is NULL. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_field_length(const Bm25Body *body, uint32 field, uint32 row);

/* Stored lengths of a field in n rows, which ascend; errors of the above. */
extern void barq_bm25_field_lengths(const Bm25Body *body, uint32 field, const uint32 *rows,
									uint32 n, uint32 *lengths);

/* Lengths of n rows, which ascend. ERRCODE_INDEX_CORRUPTED for a damaged body. */
extern void barq_bm25_lengths(const Bm25Body *body, const uint32 *rows, uint32 n,
							  uint32 *lengths);

/* TID of a row. ERRCODE_INDEX_CORRUPTED for a damaged body. */
extern ItemPointerData barq_bm25_tid(const Bm25Body *body, uint32 row);

/*
 * The first row whose TID is after a TID; view->rows if there is none.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_row_after(const Bm25Body *body, const ItemPointerData *tid);

/* A walk through the dictionary, in its order. */
typedef struct Bm25DictWalk
{
	const Bm25Body *body;
	uint64		block;			/* the block after the current one */
	char	   *bytes;			/* copy of the current block; unused if mapped */
	Size		space;
	const char *at;				/* in the current block */
	const char *end;
	uint32		left;			/* terms of the block that are not read */
	uint64		record;			/* offset in the body of the next record */
	char	   *text;			/* BM25_MAX_TERM bytes */
	bool		pending;		/* the entry has been read but not returned */
	Bm25Entry	entry;			/* the current term */
} Bm25DictWalk;

/*
 * Begin a walk at the first term that is not before `from` (length 0: at the
 * first term). Allocates in the current memory context, as later steps do.
 * ERRCODE_INDEX_CORRUPTED for a damaged dictionary.
 */
extern void barq_bm25_walk_begin(Bm25DictWalk *walk, const Bm25Body *body,
								 const char *from, uint32 length);

/*
 * Step to the next term: walk->entry and its text are valid until the next step.
 * Returns false at the end. ERRCODE_INDEX_CORRUPTED for a damaged dictionary.
 */
extern bool barq_bm25_walk_next(Bm25DictWalk *walk);


/*
 * Look a term up; false if the body does not have it. entry->text is `text`.
 * Allocates nothing that outlives the call. ERRCODE_INDEX_CORRUPTED for a damaged
 * dictionary.
 */
extern bool barq_bm25_find(const Bm25Body *body, const char *text, uint32 length,
						   Bm25Entry *entry);

#endif							/* BARQ_BM25_READ_H */
