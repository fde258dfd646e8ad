/*
 * upcoming.h
 *	  The queries of a call that searches for many vectors one after the other: scans
 *	  may do steps for the next ones too that cost less for several at once.
 *
 * The caller announces its queries and says which of them its next statement searches
 * for. A scan compares that with its own query, so an announcement never changes
 * the rows that a scan finds, whatever else the statement scans.
 */
#ifndef BARQ_UPCOMING_H
#define BARQ_UPCOMING_H

#include "postgres.h"

typedef struct BarqUpcoming
{
	MemoryContext context;		/* for what scans keep */
	Oid			type;			/* of the queries */
	const Datum *queries;		/* not toasted, not NULL */
	int			n;
	int			current;		/* the one that is searched for now */
	void	   *scans;			/* state of the scans (vector_index/together.c), in
								 * `context`; NULL at first */
	struct BarqUpcoming *outer; /* announced before this one */
	MemoryContextCallback ended;
} BarqUpcoming;

/*
 * Announce n queries, which live at least as long as the current memory context, until
 * barq_upcoming_end() or the context is reset.
 */
extern BarqUpcoming *barq_upcoming_begin(Oid type, const Datum *queries, int n);
extern void barq_upcoming_end(BarqUpcoming *upcoming);

/* The innermost announcement; NULL: none. */
extern BarqUpcoming *barq_upcoming(void);

#endif							/* BARQ_UPCOMING_H */
