/*
 * test_nearest.c
 *	  What a curve is measured by: the nearest rows of several queries by one scan, beside
 *	  searches of a flat body, and the breadths at which a walk meets rows, beside searches that
 *	  are as broad.
 */
#include "hnsw_bodies.h"

#define ROWS	3000
#define DIMS	24
#define QUERIES	19
#define WANT	50

/* One scan gives each query what a search of its own does. */
static void
test_together(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries, int n,
			  int want, bool pages, const char *name)
{
	BarqView	view = shim_view(body, pages);
	const BarqQuery *prepared[QUERIES];
	BarqHit    *hits = malloc(sizeof(BarqHit) * n * want);
	BarqHit    *alone = malloc(sizeof(BarqHit) * want);
	bool		same = true;
	int			got;

	shim_context_push();
	for (int q = 0; q < n; q++)
		prepared[q] = barq_query_prepare(palloc(barq_query_bytes(codec)), codec, queries + (size_t) q * DIMS);
	got = barq_flat_nearest(&view, prepared, n, want, hits);
	for (int q = 0; q < n; q++)
	{
		BarqSearchParams params = {prepared[q], want, NULL};
		BarqSearch *search = barq_flat_kind.vectors->begin(&view, &params);
		int			expected = barq_flat_kind.vectors->next(search, INFINITY, alone, want);

		barq_flat_kind.vectors->end(search);
		same &= got == expected;
		for (int i = 0; i < Min(got, expected); i++)
			same &= hits[q * want + i].row == alone[i].row &&
				fabsf(hits[q * want + i].key - alone[i].key) <= 1e-5f * (1 + fabsf(alone[i].key));
	}
	shim_context_pop();
	ok(same && got == Min(want, (int) view.rows), "%s: %d rows of %d queries by one scan%s, as by searches", name, got, n,
	   pages ? " of pages" : "");
	free(hits);
	free(alone);
}

/* A search of a breadth returns the wanted rows that are met at it, and no others of them. */
static void
test_breadths(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries)
{
	static const int breadths[] = {10, 20, 50, 64, 90, 200, 400, 800};
	BarqView	view = shim_view(body, false);
	const BarqQuery *query;
	BarqHit		best[WANT];
	BarqHit    *found = malloc(sizeof(BarqHit) * ROWS);
	uint32		rows[WANT];
	int			needed[WANT];
	int			differ = 0;
	int			asked = 0;
	int			missed = 0;

	for (int q = 0; q < QUERIES; q++)
	{
		BarqSearchParams params = {.breadth = 1000};

		shim_context_push();
		query = barq_query_prepare(palloc(barq_query_bytes(codec)), codec, queries + (size_t) q * DIMS);
		(void) barq_flat_nearest(&view, &query, 1, WANT, best);
		for (int i = 0; i < WANT; i++)
			rows[i] = best[i].row;
		params.query = query;
		barq_hnsw_kind.vectors->breadths(&view, &params, BARQ_NO_ROW, rows, WANT, needed);
		for (int b = 0; b < lengthof(breadths); b++)
		{
			BarqSearch *search;
			int			n;

			params.breadth = breadths[b];
			search = barq_hnsw_kind.vectors->begin(&view, &params);
			n = barq_hnsw_kind.vectors->next(search, INFINITY, found, breadths[b]);
			barq_hnsw_kind.vectors->end(search);
			for (int i = 0; i < Min(WANT, breadths[b]); i++)
			{
				bool		met = false;

				for (int j = 0; j < n; j++)
					met |= found[j].row == rows[i];
				differ += met != (needed[i] != BARQ_BREADTH_NEVER && needed[i] <= breadths[b]);
				missed += !met;
				asked++;
			}
		}
		shim_context_pop();
	}
	ok(differ <= asked / 200 && missed > asked / 50, "of %d rows asked about at a breadth %d were missed, %d of them not told",
	   asked, missed, differ);
	free(found);
}

/* A row that is as if it were not there leads nowhere, and the broadest beam holds all rows. */
static void
test_absent(const BarqBodyWriter *body, const BarqCodec *codec, const float *query)
{
	BarqView	view = shim_view(body, false);
	BarqSearchParams params = {.breadth = ROWS};
	uint32	   *rows = malloc(sizeof(uint32) * ROWS);
	int		   *needed = malloc(sizeof(int) * ROWS);
	int			met = 0;
	int			far = 0;

	shim_context_push();
	params.query = barq_query_prepare(palloc(barq_query_bytes(codec)), codec, query);
	for (uint32 i = 0; i < ROWS; i++)
		rows[i] = i;
	barq_hnsw_kind.vectors->breadths(&view, &params, 5, rows, ROWS, needed);
	for (int i = 0; i < ROWS; i++)
	{
		met += needed[i] != BARQ_BREADTH_NEVER;
		far += needed[i] != BARQ_BREADTH_NEVER && needed[i] > 1000;
	}
	shim_context_pop();
	ok(needed[5] == BARQ_BREADTH_NEVER && met > ROWS * 95 / 100, "all but the absent row are met: %d of %d, %d after 1000 others",
	   met, ROWS, far);
	free(rows);
	free(needed);
}

int
main(void)
{
	static const struct
	{
		BarqQuantization quant;
		const char *name;
	} forms[] = {{BARQ_QUANT_SQ8, "sq8"}, {BARQ_QUANT_NONE, "none"}, {BARQ_QUANT_F16, "f16"}, {BARQ_QUANT_RABITQ, "rabitq"}};
	float	   *x = random_vectors(ROWS, DIMS);
	float	   *queries = random_vectors(QUERIES, DIMS);

	shim_init();
	barq_kernels_select("auto");

	/* equal rows, whose keys are equal */
	for (int i = 100; i < ROWS; i += 97)
		memcpy(x + i * DIMS, x + (i - 50) * DIMS, sizeof(float) * DIMS);
	for (int i = 0; i < lengthof(forms); i++)
	{
		BarqCodec	codec;
		BarqBodyWriter flat;
		BarqBodyWriter few;
		BarqBodyWriter graph;

		barq_codec_init(&codec, BARQ_METRIC_L2, forms[i].quant, DIMS);
		make_flat(&flat, &codec, x, ROWS, 0);
		make_flat(&few, &codec, x, 30, 0);
		test_together(&flat, &codec, queries, QUERIES, 130, false, forms[i].name);
		test_together(&flat, &codec, queries, QUERIES, 130, true, forms[i].name);
		test_together(&flat, &codec, queries, 1, 7, false, forms[i].name);
		test_together(&few, &codec, queries, 16, 130, false, forms[i].name);
		if (forms[i].quant == BARQ_QUANT_RABITQ)
			continue;
		build_from_flat(&graph, &codec, 6, 24, &flat, 1);
		test_breadths(&graph, &codec, queries);
		test_absent(&graph, &codec, queries);
		test_together(&graph, &codec, queries, QUERIES, 40, false, "a graph");
	}
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
