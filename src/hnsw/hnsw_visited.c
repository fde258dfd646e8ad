/*
 * hnsw_visited.c
 *	  The backend's pool of visited marks, in TopMemoryContext.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "hnsw/hnsw_visited.h"
#include "utils/memutils.h"

#define VISITED_KEEP_FREE	4			/* marks kept while not on loan */
#define VISITED_KEEP_REST	(1 << 20)	/* hits of `rest` kept with them */

/*
 * Tags of so many bytes are in pages of this size, if the system has such: a search
 * jumps about in all of them, and the first one of a session would otherwise wait for
 * a page of 4 kB after the other (docs/performance.md, "Images: the first search").
 */
#define VISITED_PAGE		((Size) 2 * 1024 * 1024)

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

/* Free the tags, if there are any. */
static void
free_tags(HnswVisited *visited)
{
	if (visited->allocated != NULL)
		pfree(visited->allocated);
	visited->allocated = NULL;
	visited->tags = NULL;
	visited->rows = 0;
}

/* Allocate tags for at least so many rows, all zero, in place of none. */
static void
allocate_tags(HnswVisited *visited, Size rows)
{
	Size		bytes = rows * sizeof(uint16);
	char	   *tags;

	Assert(visited->allocated == NULL);
	if (bytes >= VISITED_PAGE)
	{
		bytes = TYPEALIGN(VISITED_PAGE, bytes);
		visited->allocated = MemoryContextAllocHuge(TopMemoryContext, bytes + VISITED_PAGE);
		tags = (char *) TYPEALIGN(VISITED_PAGE, visited->allocated);
#ifdef MADV_HUGEPAGE
		(void) madvise(tags, bytes, MADV_HUGEPAGE);
#endif
	}
	else
		tags = visited->allocated = MemoryContextAlloc(TopMemoryContext, bytes);
	memset(tags, 0, bytes);
	visited->tags = (uint16 *) tags;
	visited->rows = bytes / sizeof(uint16);
	visited->tag = 0;
}

static void
visited_free(HnswVisited *visited)
{
	free_tags(visited);
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
		free_tags(best);
		allocate_tags(best, (Size) rows + rows / 4 + 64);
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
