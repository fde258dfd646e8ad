/*
 * hnsw_visited.c
 *	  The backend's pool of visited marks, in TopMemoryContext.
 */
#include "postgres.h"

#include "hnsw/hnsw_visited.h"
#include "utils/memutils.h"

#define VISITED_KEEP_FREE	4			/* marks kept while not on loan */
#define VISITED_KEEP_REST	(1 << 20)	/* hits of `rest` kept with them */

/*
 * A loan is allocated in the borrower's memory context. When the context is
 * reset, the loan's callback returns the marks unless the borrower has.
 */
typedef struct HnswVisitedLoan
{
	MemoryContextCallback callback;
	HnswVisited *visited;		/* NULL once returned */
} HnswVisitedLoan;

static HnswVisited *pool = NULL;

static void
visited_free(HnswVisited *visited)
{
	if (visited->tags != NULL)
		pfree(visited->tags);
	if (visited->rest != NULL)
		pfree(visited->rest);
	pfree(visited);
}

void
barq_hnsw_visited_return(HnswVisited *visited)
{
	int			nfree = 0;

	Assert(visited->loan != NULL);
	visited->loan->visited = NULL;
	visited->loan = NULL;
	if (visited->rest_size > VISITED_KEEP_REST)
	{
		pfree(visited->rest);
		visited->rest = NULL;
		visited->rest_size = 0;
	}
	for (HnswVisited **p = &pool; *p != NULL;)
	{
		HnswVisited *v = *p;

		if (v->loan == NULL && ++nfree > VISITED_KEEP_FREE)
		{
			*p = v->next;
			visited_free(v);
		}
		else
			p = &v->next;
	}
}

/* Callback of the borrower's memory context. */
static void
end_loan(void *arg)
{
	HnswVisitedLoan *loan = arg;

	if (loan->visited != NULL)
		barq_hnsw_visited_return(loan->visited);
}

void
barq_hnsw_visited_clear(HnswVisited *visited)
{
	if (++visited->tag == 0)
	{
		memset(visited->tags, 0, visited->rows * sizeof(uint16));
		visited->tag = 1;
	}
}

HnswVisited *
barq_hnsw_visited_borrow(uint32 rows)
{
	HnswVisitedLoan *loan;
	HnswVisited *best = NULL;

	/* the smallest that suffices, else the largest, which grows least */
	for (HnswVisited *v = pool; v != NULL; v = v->next)
	{
		if (v->loan != NULL)
			continue;
		if (best == NULL ||
			(v->rows >= rows ? best->rows < rows || v->rows < best->rows :
			 best->rows < rows && v->rows > best->rows))
			best = v;
	}
	if (best == NULL)
	{
		best = MemoryContextAllocZero(TopMemoryContext, sizeof(HnswVisited));
		best->next = pool;
		pool = best;
	}
	if (best->rows < rows || best->tags == NULL)
	{
		/* a quarter more, so that a growing index seldom reallocates */
		Size		size = (Size) rows + rows / 4 + 64;

		if (best->tags != NULL)
			pfree(best->tags);
		best->tags = NULL;
		best->rows = 0;
		best->tags = MemoryContextAllocExtended(TopMemoryContext,
												size * sizeof(uint16),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		best->rows = size;
		best->tag = 0;
	}

	loan = palloc0(sizeof(HnswVisitedLoan));
	loan->callback.func = end_loan;
	loan->callback.arg = loan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &loan->callback);
	loan->visited = best;
	best->loan = loan;
	barq_hnsw_visited_clear(best);
	return best;
}

void
barq_hnsw_rest_grow(HnswVisited *visited, Size used, Size size)
{
	/*
	 * BARQ_ARRAY_RESERVE would copy all of rest, not only the used part, which
	 * after a few batches is small; and would allocate in the search's context.
	 */
	BarqHit    *bigger;

	size = Max(size, visited->rest_size * 2);
	size = Max(size, 4096);
	bigger = MemoryContextAllocHuge(TopMemoryContext, size * sizeof(BarqHit));
	if (visited->rest != NULL)
	{
		memcpy(bigger, visited->rest, used * sizeof(BarqHit));
		pfree(visited->rest);
	}
	visited->rest = bigger;
	visited->rest_size = size;
}
