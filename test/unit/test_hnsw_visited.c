/*
 * test_hnsw_visited.c
 *	  The set of rows that a search has visited, beside a plain array, at sizes at which
 *	  it is a table, grows and becomes a bit for each row.
 */
#include "hnsw_bodies.h"
#include "hnsw/hnsw_visited.h"

/* The same answers as from an array of bytes, for n rows in some order. */
static bool
same_as_array(HnswVisited *visited, uint32 rows, uint32 n, uint32 step)
{
	uint8	   *seen = calloc(1, rows);
	bool		same = true;

	for (uint32 i = 0; i < n; i++)
	{
		/* also rows met before, and neighbours */
		uint32		row = (uint32) (((uint64) i / 3 * step + i % 3) % rows);

		same &= barq_hnsw_is_visited(visited, row) == (seen[row] != 0);
		same &= barq_hnsw_visit(visited, row) == (seen[row] == 0);
		seen[row] = 1;
	}
	for (uint32 row = 0; row < rows; row += 7)
		same &= barq_hnsw_is_visited(visited, row) == (seen[row] != 0);
	free(seen);
	return same;
}

static void
test_sizes(void)
{
	static const uint32 sizes[] = {1, 31, 32, 33, 5000, 200000, 10000000, 40000000};

	for (int s = 0; s < lengthof(sizes); s++)
	{
		uint32		rows = sizes[s];
		HnswVisited *visited;
		bool		same = true;
		bool		few = true;

		shim_context_push();
		visited = barq_hnsw_visited_borrow(rows, 1000);
		for (uint32 round = 0; round < 3; round++)
		{
			same &= same_as_array(visited, rows, 3000, 104729 + round);
			few &= visited->bits ? rows / 32 <= 8192 : visited->mask < 8192;
			barq_hnsw_visited_clear(visited);
		}
		ok(same && few, "%u rows, some visited: %s", rows, visited->bits ? "bits" : "a small table");
		same = same_as_array(visited, rows, Min(rows, 2000000) * 3, 1000003);
		ok(same && visited->allocated <= Max(rows / 32 + 1, 4096) + 1,
		   "... many visited: %zu words%s", visited->allocated, visited->bits ? " of bits" : "");
		for (uint32 row = 0; row < rows; row++)
			(void) barq_hnsw_visit(visited, row);
		for (uint32 row = 0; row < rows; row++)
			same &= !barq_hnsw_visit(visited, row);
		ok(same && visited->bits, "... all visited");
		barq_hnsw_visited_clear(visited);
		ok(same_as_array(visited, rows, 3000, 15485863), "... none after that");
		barq_hnsw_visited_return(visited);
		shim_context_pop();
	}
}

/* Nothing is allocated where all rows are expected. */
static void
test_expected(void)
{
	HnswVisited *visited;
	uint32	   *slots;
	bool		same = true;

	shim_context_push();
	visited = barq_hnsw_visited_borrow(3000000, 100);
	barq_hnsw_visited_expect(visited, 3000000);
	slots = visited->slots;
	for (int round = 0; round < 2; round++)
	{
		same &= same_as_array(visited, 3000000, 600000, 7919) && visited->slots == slots;
		barq_hnsw_visited_clear(visited);
	}
	ok(same && visited->slots == slots, "all rows expected: no memory is allocated later");
	barq_hnsw_visited_expect(visited, 100);
	ok(!visited->bits && same_as_array(visited, 3000000, 3000, 7919), "... few again: a table");
	shim_context_pop();
	ok(visited->loan == NULL, "the end of the borrower's context returns the set");
}

/* What the pool keeps does not depend on the rows of the graphs. */
static void
test_kept(void)
{
	HnswVisited *loans[8];
	Size		kept = 0;

	shim_context_push();
	for (int i = 0; i < lengthof(loans); i++)
	{
		uint32		rows = i % 2 == 0 ? 100000000 : 16000000;

		loans[i] = barq_hnsw_visited_borrow(rows, 100);
		barq_hnsw_visited_expect(loans[i], rows);
	}
	for (int i = 0; i < lengthof(loans); i++)
	{
		bool		others = true;

		for (int j = 0; j < i; j++)
			others &= loans[i] != loans[j];
		ok(others, "a loan is lent once (%d)", i);
	}
	for (int i = 0; i < lengthof(loans); i++)
		barq_hnsw_visited_return(loans[i]);
	for (HnswVisited *v = barq_hnsw_visited_borrow(1000, 100); v != NULL; v = v->next)
		kept += v->allocated;
	shim_context_pop();
	ok(kept * sizeof(uint32) <= 8 * 1024 * 1024, "kept for the next search: %zu bytes", kept * sizeof(uint32));
}

int
main(void)
{
	shim_init();
	test_sizes();
	test_expected();
	test_kept();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
