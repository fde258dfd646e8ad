/*
 * upcoming.c
 *	  Announcements of queries that will be searched for. Calls nothing of other files.
 */
#include "postgres.h"

#include "am/upcoming.h"
#include "utils/memutils.h"

/* Announcements in force, innermost first. */
static BarqUpcoming *announced = NULL;

BarqUpcoming *
barq_upcoming(void)
{
	return announced;
}

/* MemoryContextCallback: remove an announcement. */
static void
end_announcement(void *arg)
{
	for (BarqUpcoming **link = &announced; *link != NULL; link = &(*link)->outer)
		if (*link == arg)
		{
			*link = (*link)->outer;
			return;
		}
}

BarqUpcoming *
barq_upcoming_begin(Oid type, const Datum *queries, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq upcoming queries",
												  ALLOCSET_DEFAULT_SIZES);
	BarqUpcoming *upcoming = MemoryContextAllocZero(context, sizeof(BarqUpcoming));

	upcoming->context = context;
	upcoming->type = type;
	upcoming->queries = queries;
	upcoming->n = n;
	upcoming->outer = announced;
	upcoming->ended.func = end_announcement;
	upcoming->ended.arg = upcoming;
	MemoryContextRegisterResetCallback(context, &upcoming->ended);
	announced = upcoming;
	return upcoming;
}

void
barq_upcoming_end(BarqUpcoming *upcoming)
{
	MemoryContextDelete(upcoming->context);
}
