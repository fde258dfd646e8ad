/*
 * hnsw_visited.c
 *	  The backend's pool of sets of visited rows, in TopMemoryContext.
 */
#include "postgres.h"

#include "hnsw/hnsw_visited.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#define VISITED_KEEP_FREE	4			/* sets kept while not on loan */
#define VISITED_KEEP_SLOTS	(1 << 19)	/* elements of `slots` kept with each of them */
#define VISITED_KEEP_REST	(1 << 20)	/* hits of `rest` kept with each of them */

/* The least and the most slots of an empty table. */
#define VISITED_FIRST_SLOTS	1024
#define VISITED_MOST_FIRST	(1 << 18)

/*
 * A loan is allocated in the borrower's memory context. When the context is
 * reset, the loan's callback returns the set unless the borrower has.
 */
typedef struct HnswVisitedLoan
{
	MemoryContextCallback callback;
	HnswVisited *visited;		/* NULL once returned */
} HnswVisitedLoan;

static HnswVisited *pool = NULL;

/* Words of a bit for each of so many rows. */
static inline Size
words_of(uint32 rows)
{
	return (Size) rows / 32 + 1;
}

/* Have so many elements of slots, of any content. */
static void
reserve_slots(HnswVisited *visited, Size slots)
{
	if (visited->allocated >= slots)
		return;
	if (visited->slots != NULL)
		pfree(visited->slots);
	visited->slots = NULL;
	visited->allocated = 0;
	visited->slots = MemoryContextAllocHuge(TopMemoryContext, slots * sizeof(uint32));
	visited->allocated = slots;
}

/* Have an empty table of so many slots, a power of two; or bits, where they are fewer. */
static void
make_empty(HnswVisited *visited, uint32 slots)
{
	Size		words = words_of(visited->rows);

	visited->bits = words <= slots;
	visited->count = 0;
	if (visited->bits)
	{
		reserve_slots(visited, words);
		memset(visited->slots, 0, words * sizeof(uint32));
		return;
	}
	reserve_slots(visited, slots);
	memset(visited->slots, 0xff, (Size) slots * sizeof(uint32));
	visited->mask = slots - 1;
	visited->shift = 32 - pg_leftmost_one_pos32(slots);
	visited->most = slots / 2;
}

void
barq_hnsw_visited_grow(HnswVisited *visited)
{
	uint32	   *old = visited->slots;
	uint32		slots = visited->mask + 1;
	Size		size = Min(slots * (Size) 2, words_of(visited->rows));

	Assert(!visited->bits);
	visited->slots = MemoryContextAllocHuge(TopMemoryContext, size * sizeof(uint32));
	visited->allocated = size;
	make_empty(visited, slots * 2);
	for (uint32 i = 0; i < slots; i++)
		if (old[i] != HNSW_VISITED_FREE)
			barq_hnsw_visit(visited, old[i]);
	pfree(old);
}

static void
visited_free(HnswVisited *visited)
{
	if (visited->slots != NULL)
		pfree(visited->slots);
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
	if (visited->allocated > VISITED_KEEP_SLOTS)
	{
		pfree(visited->slots);
		visited->slots = NULL;
		visited->allocated = 0;
	}
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
	make_empty(visited, visited->first_slots);
}

void
barq_hnsw_visited_expect(HnswVisited *visited, uint32 expected)
{
	visited->first_slots = VISITED_FIRST_SLOTS;
	while (visited->first_slots < VISITED_MOST_FIRST && visited->first_slots / 2 < expected)
		visited->first_slots *= 2;
	if (expected >= visited->rows)
		visited->first_slots = PG_UINT32_MAX;
	barq_hnsw_visited_clear(visited);
}

HnswVisited *
barq_hnsw_visited_borrow(uint32 rows, uint32 expected)
{
	HnswVisitedLoan *loan;
	HnswVisited *best = NULL;

	/* the one with most memory, which is the likeliest to suffice */
	for (HnswVisited *v = pool; v != NULL; v = v->next)
		if (v->loan == NULL && (best == NULL || v->allocated > best->allocated))
			best = v;
	if (best == NULL)
	{
		best = MemoryContextAllocZero(TopMemoryContext, sizeof(HnswVisited));
		best->next = pool;
		pool = best;
	}
	best->rows = rows;
	barq_hnsw_visited_expect(best, expected);

	loan = palloc0(sizeof(HnswVisitedLoan));
	loan->callback.func = end_loan;
	loan->callback.arg = loan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &loan->callback);
	loan->visited = best;
	best->loan = loan;
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
