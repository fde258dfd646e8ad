/*
 * kept_rows.h
 *	  The rows that a condition on filter columns admits in a segment, kept by the
 *	  backend for the next searches within the same condition.
 *
 * To set a bit for each match costs a millisecond a million, which is more than the
 * search itself where a segment is large. A segment never changes, so what was found
 * once holds: it is kept as long as a snapshot of this backend has the segment, and
 * passed on from one snapshot to the next. Rows that are dead are left out by each
 * search for itself.
 */
#ifndef BARQ_KEPT_ROWS_H
#define BARQ_KEPT_ROWS_H

#include "store/filter_rows.h"
#include "store/snapshot.h"

/* What is kept of one condition in one segment. */
struct BarqKeptRows
{
	int			references;		/* of snapshots, and of searches that use it */
	uint32		uses;			/* searches within the condition */
	double		spent;			/* what they have spent on asking about rows one by one, as
								 * so many bits set */
	uint8	   *refused;		/* a bit for each row, set: not admitted; NULL: not kept */
	uint32	   *rows;			/* the rows admitted, ascending; NULL: not kept */
	uint32		nrows;
	Size		bytes;			/* of memory */
	uint32		length;			/* of the key: the condition's tests */
	char		key[FLEXIBLE_ARRAY_MEMBER];
};

/* What is kept of a condition, for one search of a segment. */
struct BarqKept
{
	BarqSnapshot *snapshot;
	BarqSegment *segment;
	BarqKeptRows *entry;		/* NULL: nothing can be kept */
};

/*
 * Find the kept rows of a condition in a segment of a snapshot, and count a use of it, unless
 * the same search asks again. It stays valid until the current memory context is reset.
 */
extern void barq_kept_find(BarqKept *kept, BarqSnapshot *snapshot, uint32 segment,
						   const BarqFilterCondition *condition, bool again);

/* Whether the condition was used before, so that its rows may be kept. */
static inline bool
barq_kept_is_used(const BarqKept *kept)
{
	return kept->entry != NULL && kept->entry->uses > 1;
}

/*
 * Whether so many bytes more may be kept of a condition: it was used before, and a quarter of
 * barq.backend_cache has room beside what other segments keep.
 */
extern bool barq_kept_may_keep(const BarqKept *kept, Size bytes);

/* Keep a copy of bits or of rows, if they may be; what was not used for longest gives way. */
extern void barq_kept_keep_refused(const BarqKept *kept, const uint8 *refused, Size bytes);
extern void barq_kept_keep_rows(const BarqKept *kept, const uint32 *rows, uint32 n);

/* Give a segment of a new snapshot what an older one keeps of the same segment. */
extern void barq_kept_share(BarqSegment *segment, const BarqSegment *older);

/* Drop what a segment keeps. Raises no error. */
extern void barq_kept_release(BarqSegment *segment);

/* Bytes that a segment keeps. */
extern Size barq_kept_bytes(const BarqSegment *segment);

#endif							/* BARQ_KEPT_ROWS_H */
