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

/*
 * The rows of one segment that a search may return, dead ones left out. Made in the
 * memory context that was current, and freed with it.
 */
typedef struct BarqRowFilter
{
	uint32		count;			/* rows admitted */
	const uint8 *skip;			/* a bit for each row, set: dead or not admitted;
								 * NULL: all rows are admitted, or `rows` has them */
	const uint32 *rows;			/* the rows admitted, ascending; NULL: not listed */
} BarqRowFilter;

typedef struct BarqRowSource BarqRowSource;

/* A condition. The owner of a scan embeds it in a struct with its own state. */
struct BarqRowSource
{
	/*
	 * Fill in *filter: rows with a key of a segment of a snapshot. With few rows
	 * (at most `list_below`), they are listed; otherwise there is a bit for each.
	 * Raises ERRCODE_BARQ_SEGMENT_GONE if pages were re-used.
	 */
	void		(*segment) (BarqRowSource *source, Relation index,
							BarqSnapshot *snapshot, uint32 segment, BarqView *view,
							uint32 list_below, BarqRowFilter *filter);

	/* Whether a row of the log, or one without a key, is admitted. */
	bool		(*row) (BarqRowSource *source, const ItemPointerData *tid);

	/* rows of the whole index that are admitted, about; 0: not known */
	double		admitted;
};

#endif							/* BARQ_ROW_FILTER_H */
