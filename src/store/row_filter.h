/*
 * row_filter.h
 *	  The rows of an index that a scan may return, where a condition beside the
 *	  search admits only some of them: the TIDs of another index's bitmap, or the
 *	  values of filter columns.
 *
 * A scan asks its BarqRowSource once for each segment and gets a BarqRowFilter, by
 * which the segment is searched; it asks for each row of the log, and for each
 * row without a key, by its TID.
 */
#ifndef BARQ_ROW_FILTER_H
#define BARQ_ROW_FILTER_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "store/snapshot.h"

/* rows from which a walk can begin, at most */
#define BARQ_FILTER_SEEDS	32

/*
 * The rows of one segment that a search may return, dead ones left out. Made in the
 * memory context that was current, and freed with it.
 */
typedef struct BarqRowFilter
{
	uint32		count;			/* rows admitted; at most, unless they are listed */
	const uint8 *skip;			/* a bit for each row, set: dead or not admitted;
								 * NULL: all rows are admitted, or `rows` has them */
	const uint32 *rows;			/* the rows admitted, ascending; NULL: not listed */

	/*
	 * Whether a row is admitted, where neither rows nor skip say so: `skip` then has
	 * only the dead rows. NULL: they do. Errors of barq_view_read().
	 */
	bool		(*admits) (void *arg, uint32 row);
	void	   *arg;

	/* or, in place of `admits`: rows whose word here lies in [low, high] are admitted */
	const uint64 *words;		/* of all rows; NULL: by `admits` */
	uint64		low;
	uint64		high;

	/* some rows that may be admitted, from all over them: where a walk can begin */
	const uint32 *seeds;
	int			nseeds;
} BarqRowFilter;

/* Whether a filter that lists no rows admits a row. Errors of barq_view_read(). */
static inline bool
barq_row_filter_admits(const BarqRowFilter *filter, uint32 row)
{
	if (filter->skip != NULL && (filter->skip[row >> 3] & (1 << (row & 7))) != 0)
		return false;
	if (filter->words != NULL)
		return filter->words[row] - filter->low <= filter->high - filter->low;
	return filter->admits == NULL || filter->admits(filter->arg, row);
}

/* Start reading what tells about a row into the processor's cache. */
static inline void
barq_row_filter_prefetch(const BarqRowFilter *filter, uint32 row)
{
	if (filter->words != NULL)
		__builtin_prefetch(&filter->words[row]);
}

typedef struct BarqRowSource BarqRowSource;

/* A condition. The owner of a scan embeds it in a struct with its own state. */
struct BarqRowSource
{
	/*
	 * Fill in *filter: rows with a key of a segment of a snapshot. With few rows
	 * (at most `list_below`), they are listed; otherwise there is a bit for each, or a
	 * function to ask.
	 * Raises ERRCODE_BARQ_SEGMENT_GONE if pages were re-used.
	 */
	void		(*segment) (BarqRowSource *source, Relation index,
							BarqSnapshot *snapshot, uint32 segment, BarqView *view,
							uint32 list_below, BarqRowFilter *filter);

	/*
	 * Whether a row of the log, or one without a key, is admitted. `filters`: its values
	 * of filter columns (filters.h); NULL: not at hand, and checked already.
	 */
	bool		(*row) (BarqRowSource *source, const ItemPointerData *tid,
						const uint64 *filters);

	/* rows of the whole index that are admitted, about; 0: not known */
	double		admitted;
};

#endif							/* BARQ_ROW_FILTER_H */
