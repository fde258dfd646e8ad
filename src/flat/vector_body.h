/*
 * vector_body.h
 *	  Bodies of vectors, as the vector kinds see them: limits, layout, opening,
 *	  reading and scoring of rows, checks. For flat, hnsw and ivf only; other
 *	  folders use flat.h.
 */
#ifndef BARQ_VECTOR_BODY_H
#define BARQ_VECTOR_BODY_H

#include "base/compat.h"
#include "flat/flat.h"
#include "kernels/kernels.h"

/* Rows of a segment. A beam uses the two highest bits of a row number as flags. */
#define BARQ_MAX_ROWS	((uint32) 0x3fffffff)

static inline uint64
barq_align64(uint64 n)
{
	return (n + BARQ_BODY_ALIGN - 1) & ~(uint64) (BARQ_BODY_ALIGN - 1);
}

/* Raise ERRCODE_INDEX_CORRUPTED; `fault` completes "segment is corrupted: ". */
pg_noreturn extern void barq_vector_corrupted(const char *fault);

/* ERRCODE_PROGRAM_LIMIT_EXCEEDED where a segment cannot hold so many rows. */
extern void barq_vector_limit_rows(uint64 rows);

/*
 * Live rows of all inputs of a merge. ERRCODE_PROGRAM_LIMIT_EXCEEDED above
 * BARQ_MAX_ROWS; an internal error where an input's `live` is not its number
 * of live rows, by which callers size memory.
 */
extern uint32 barq_vector_count_live(BarqMergeInput *inputs, int ninputs);

/*
 * Whether a section of count * width bytes at off is 64-byte aligned, lies
 * behind the body header and inside of `size` bytes.
 */
extern bool barq_section_fits(uint64 size, uint64 off, uint64 count, uint64 width);

/*
 * Fill in both headers of a body: codes follow the headers, then TIDs, then refinements
 * if the codec has them; body->body_bytes is where these end. Sections of the kind come after them: the kind
 * sets header->graph_off and adds their size to body->body_bytes.
 */
extern void barq_vector_headers(const BarqCodec *codec, uint16 kind, uint32 rows,
								BarqBodyHeader *body, BarqVectorHeader *header);

/* Sections of an area's rows. */
typedef struct BarqAreaRows
{
	const BarqCodec *codec;
	uint32		rows;
	char	   *codes;			/* stride bytes each */
	ItemPointerData *tids;
	uint32	   *lists;			/* numbers of other rows, or NULL */
	uint32		list_bytes;		/* from one row's list to the next */
	char	   *refinements;	/* refine_bytes each, or NULL */
} BarqAreaRows;

/*
 * How far the ordering of rows is. In memory that outlasts the process, with the rows and
 * the arrays of barq_area_order(), it lets another process go on.
 */
typedef struct BarqAreaProgress
{
	uint32		row;			/* rows of cycles that begin before it are in their places */
	uint32		to;				/* within the cycle of `row`: the place that is empty */
	bool		in_cycle;
	bool		paused;			/* all this is true: the process checks for interrupts */
	ItemPointerData tid;		/* of the row that was taken out of its place */
	int64		whole;			/* where its whole row is, from `codes`, if codes are heads */
} BarqAreaProgress;

/*
 * Order the rows of an area anew, in place: order[i] is the present number of the row
 * that gets number i. Numbers in lists, which end at PG_UINT32_MAX or at list_bytes,
 * are replaced by number[...], the new number of each row (used if there are lists).
 * Whole rows stay where they are, and heads go on leading to them. Checks for
 * interrupts, also within long cycles. `moved`: a bit for each row, `taken`: room for
 * a row (barq_area_taken_bytes), *progress: all zero at first, or as a process that was
 * interrupted (`paused`) has left them.
 */
extern void barq_area_order(const BarqAreaRows *area, const uint32 *order,
							const uint32 *number, uint8 *moved, char *taken,
							BarqAreaProgress *progress);

/* Bytes of a row's code, list and refinement. */
static inline Size
barq_area_taken_bytes(const BarqAreaRows *area)
{
	return (Size) area->codec->stride + area->list_bytes + area->codec->refine_bytes;
}

/* The same with temporary memory of a bit for each row. */
extern void barq_area_order_once(const BarqAreaRows *area, const uint32 *order,
								 const uint32 *number);

/*
 * Order rows by groups, in place: groups[i] is the group, below ngroups, of row i, and
 * afterwards that of the row that has number i then. firsts[] receives the number of
 * the first row of each group, and area->rows behind the last. Rows of a group come in
 * any order, which the arguments determine; origin[i] receives the number that row i had
 * (NULL: not wanted). Touches one place of each group at a time,
 * so that an area larger than memory is read and written once. For areas without lists,
 * of codecs without heads. Checks for interrupts.
 */
extern void barq_area_group(const BarqAreaRows *area, uint32 *groups, uint32 ngroups,
							uint32 *firsts, uint32 *origin);

/* Zeros from an offset of an area to the next multiple of BARQ_BODY_ALIGN. */
static inline void
barq_area_pad(void *area, uint64 off)
{
	memset((char *) area + off, 0, barq_align64(off) - off);
}

/*
 * Copy rows of a build to an area's codes, TIDs and whole rows, unless the codes are
 * there already; `whole` is the area's section of whole rows. Checks for interrupts.
 */
extern void barq_area_load(const BarqAreaRows *area, char *whole, const BarqBuildRows *rows);

/*
 * Where codes are heads: add to both headers, after barq_vector_headers(), a
 * section of `bytes` of whole rows. It begins at header->rows_off.
 */
extern void barq_vector_add_rows(uint64 bytes, BarqBodyHeader *body,
								 BarqVectorHeader *header);

/*
 * One whole row of a body and its length in bytes; valid until the view is read
 * again. ERRCODE_INDEX_CORRUPTED where the row is outside of the body or its
 * head does not describe it.
 */
extern const void *barq_vector_read_row(BarqView *view, const BarqVectorHeader *header,
										const BarqCodec *codec, uint32 row, Size *length);

/*
 * The refinement of a row, where the body has them; valid until the view is read again.
 * ERRCODE_INDEX_CORRUPTED for a row that the body does not have.
 */
extern const void *barq_vector_read_refinement(BarqView *view, const BarqVectorHeader *header,
											   const BarqCodec *codec, uint32 row);

/*
 * Have the code and the TID of a row of an image loaded into the processor's cache, up
 * to BARQ_AHEAD_BYTES of it, for barq_vector_row_code() and barq_view_tid(). Nothing
 * without an image.
 */
extern void barq_vector_prefetch(BarqView *view, uint32 row);

/*
 * halves.c. Half codes (README.md) are a section behind all others: its bytes are added to
 * the headers, and it is written from codes (or rows of a log) `stride` bytes apart.
 * Only if barq_codec_has_halves(). barq_vector_halves_fit: whether the section lies
 * inside of the body, if there is one. barq_vector_check_halves reports blocks that are
 * not those of the codes; checks for interrupts.
 */
extern void barq_vector_add_halves(const BarqCodec *codec, BarqBodyHeader *body,
								   BarqVectorHeader *header);
extern void barq_vector_write_halves(BarqBodyWriter *writer, const BarqCodec *codec,
									 const char *rows, Size stride, uint32 n);
extern bool barq_vector_halves_fit(const BarqView *view, const BarqVectorHeader *header,
								   const BarqCodec *codec);
extern void barq_vector_check_halves(BarqView *view, const BarqVectorHeader *header,
									 const BarqCodec *codec, BarqCheckReport report, void *arg);

/*
 * Whether a search with this bound can use the half codes of a body; then *terms are
 * those of its query.
 */
extern bool barq_halves_begin(const BarqView *view, const BarqVectorHeader *header,
							  const BarqQuery *query, float bound, BarqHalfTerms *terms);

/*
 * Of n rows from `first` on, 1 <= n <= BARQ_HALVES_AT_ONCE, those whose key may be at most
 * `limit`: their numbers, ascending, into rows[]; returns how many. Counts the n rows as
 * scored. A row with such a key is missed with a probability of 1e-4 at most.
 */
#define BARQ_HALVES_AT_ONCE	256
extern int	barq_halves_find(const BarqView *view, const BarqVectorHeader *header,
							 const BarqCodec *codec, const BarqQuery *query,
							 const BarqHalfTerms *terms, uint32 first, uint32 n, float limit,
							 uint32 *rows);

/* Whether half codes of a row are not in memory; have those of n > 0 rows read at once. */
extern bool barq_halves_are_cold(const BarqView *view, const BarqVectorHeader *header,
								 const BarqCodec *codec, uint32 row);
extern void barq_halves_read_ahead(const BarqView *view, const BarqVectorHeader *header,
								   const BarqCodec *codec, uint32 first, uint32 n);

#define BARQ_AHEAD_BYTES	512

/*
 * Keys, never NaN, of n rows: row ids[i], or row first + i where ids is NULL
 * (with ids, first is 0). The caller has checked row numbers against the body's
 * rows. ERRCODE_INDEX_CORRUPTED where a head refers to bytes outside of the
 * body.
 */
extern void barq_vector_keys(BarqView *view, const BarqVectorHeader *header,
							 const BarqCodec *codec, const BarqQuery *query,
							 const uint32 *ids, uint32 first, int n, float *keys);

/*
 * The same for several queries and n rows from `first` on, which are read once: keys[j * n + i]
 * of queries[j] and row first + i.
 */
extern void barq_vector_keys_many(BarqView *view, const BarqVectorHeader *header,
								  const BarqCodec *codec, const BarqQuery *const *queries,
								  int nqueries, uint32 first, int n, float *keys);

/* ERRCODE_INDEX_CORRUPTED unless an input of a merge has the index's codec. */
extern void barq_vector_same_codec(const BarqCodec *codec, const BarqCodec *input);

/* BarqVectorSearchOps.row_code of all vector kinds. */
extern const void *barq_vector_row_code(BarqView *view, uint32 row);

/*
 * BarqSegmentKind.check of the flat kind, and the part that is common to all
 * vector kinds: report rows with an invalid TID or invalid elements.
 * ERRCODE_INDEX_CORRUPTED where the body cannot be opened or a row not be read.
 */
extern void barq_vector_check(BarqView *view, BarqCheckReport report, void *arg);

#endif							/* BARQ_VECTOR_BODY_H */
