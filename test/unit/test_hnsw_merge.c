/*
 * test_hnsw_merge.c
 *	  Merges of flat and HNSW bodies with dead rows, and damaged bodies,
 *	  without a server, in TAP.
 */
#include "hnsw_bodies.h"

static void
test_merge(void)
{
	int			n = 12000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(COMPARED_QUERIES, dims);
	static const double shares[] = {0, 0.1, 0.2, 0.5, 0.9};
	BarqCodec	codec;
	BarqBodyWriter flat[3];
	BarqBodyWriter graph;

	barq_codec_init(&codec, BARQ_METRIC_COSINE, BARQ_QUANT_SQ8, dims);
	make_flat(&flat[0], &codec, x, 8000, 0);
	make_flat(&flat[1], &codec, x + 8000 * dims, 3000, 8000);
	make_flat(&flat[2], &codec, x + 11000 * dims, 1000, 11000);
	build_from_flat(&graph, &codec, 16, 64, &flat[0], 2);

	for (int i = 0; i < 5; i++)
	{
		BarqView	views[3] = {shim_view(&flat[1], false), shim_view(&graph, i == 1),
					shim_view(&flat[2], i == 1)};
		uint8	   *dead_ids = random_bits(n, shares[i]);
		uint8	   *dead = calloc(1, 1001);
		BarqMergeInput inputs[3];
		BarqBodyWriter merged;
		BarqBodyWriter merged_flat;
		BarqBodyWriter fresh;
		double		r;
		double		r_fresh;

		/* mark the graph's rows whose ids are dead, and mostly the entry point */
		for (uint32 row = 0; row < 8000; row++)
		{
			uint32		id = tid_to_id(&tids_of(&graph)[row]);

			if (row == 0 && i > 0)	/* the entry point */
				dead_ids[id / 8] |= 1 << (id % 8);
			if (dead_ids[id / 8] >> (id % 8) & 1)
				dead[row / 8] |= 1 << (row % 8);
		}
		for (uint32 id = 8000; id < (uint32) n; id++)
			dead_ids[id / 8] &= ~(1 << (id % 8));
		inputs[0] = (BarqMergeInput) {&views[0], NULL, 3000};
		inputs[1] = (BarqMergeInput) {&views[1], dead, count_clear(dead, 8000)};
		inputs[2] = (BarqMergeInput) {&views[2], NULL, 1000};
		build(&merged, &codec, 16, 64, inputs, 3, 2);
		shim_writer_init(&merged_flat);
		barq_flat_merge(&merged_flat, &codec, inputs, 3);
		build_from_flat(&fresh, &codec, 16, 64, &merged_flat, 2);
		r = recall(&merged, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
		r_fresh = recall(&fresh, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
		ok(r > r_fresh - 0.02 && check_clean(&merged, false, "merged") &&
		   rows_match(&merged, &codec, x, dead_ids, n) &&
		   rows_match(&merged_flat, &codec, x, dead_ids, n) &&
		   drain(&merged, &codec, q, NULL, 40, 100, false, 0),
		   "merge with %.0f %% dead rows: recall %.3f, of a new graph %.3f", shares[i] * 100, r, r_fresh);
		shim_writer_free(&merged);
		shim_writer_free(&merged_flat);
		shim_writer_free(&fresh);
		free(dead);
		free(dead_ids);
	}

	/*
	 * The rows nearest to the first query are dead: a hole in the graph that is
	 * mended or, if it is too large, makes the graph be built anew
	 */
	for (int hole = 1900; hole <= 3800; hole *= 2)
	{
		BarqView	view = shim_view(&graph, false);
		uint8	   *dead = calloc(1, 1001);
		void	   *mem = malloc(barq_query_bytes(&codec));
		BarqHit    *best = malloc(sizeof(BarqHit) * 5000);
		BarqMergeInput input = {&view, dead, 8000 - hole};
		BarqBodyWriter merged;
		BarqBodyWriter merged_flat;
		BarqBodyWriter fresh;
		double		r;
		double		r_fresh;

		exact_rows(&graph, &codec, barq_query_prepare(mem, &codec, q), NULL, hole, best);
		for (int i = 0; i < hole; i++)
			dead[best[i].row / 8] |= 1 << (best[i].row % 8);
		build(&merged, &codec, 16, 64, &input, 1, 1);
		shim_writer_init(&merged_flat);
		barq_flat_merge(&merged_flat, &codec, &input, 1);
		build_from_flat(&fresh, &codec, 16, 64, &merged_flat, 1);
		r = recall(&merged, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
		r_fresh = recall(&fresh, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
		ok(r > r_fresh - 0.02 && check_clean(&merged, false, "hole"),
		   "merge with a region of %d dead rows: recall %.3f, of a new graph %.3f", hole, r, r_fresh);
		shim_writer_free(&merged);
		shim_writer_free(&merged_flat);
		shim_writer_free(&fresh);
		free(dead);
		free(mem);
		free(best);
	}
	shim_writer_free(&graph);
	for (int i = 0; i < 3; i++)
		shim_writer_free(&flat[i]);
	free(x);
	free(q);
}

/* Rows around so many centres, 0: none; every 37th is a copy of the one 1,000 before it. */
static float *
vectors_around(int n, int dims, int centres)
{
	float	   *x = random_vectors(n, dims);

	for (int i = centres; i < n && centres > 0; i++)
		for (int d = 0; d < dims; d++)
			x[i * dims + d] = x[(i % centres) * dims + d] + 0.1f * x[i * dims + d];
	for (int i = 1000; i < n; i += 37)
		memcpy(x + (size_t) i * dims, x + (size_t) (i - 1000) * dims, dims * sizeof(float));
	return x;
}

/*
 * Graphs, of which one is kept and the rows of the others come with their lists, beside a
 * flat input; with dead rows in all of them, and rows whose copies are in other inputs.
 */
static void
test_graphs(BarqMetric metric, int centres, double share, int processes)
{
	enum
	{
		INPUTS = 4
	};
	static const int sizes[INPUTS] = {2500, 4500, 2000, 1000};
	int			n = 10000;
	int			dims = 24;
	float	   *x = vectors_around(n, dims, centres);
	float	   *q = random_vectors(COMPARED_QUERIES, dims);
	uint8	   *dead_ids = random_bits(n, share);
	BarqCodec	codec;
	BarqBodyWriter bodies[INPUTS];
	BarqView	views[INPUTS];
	BarqMergeInput inputs[INPUTS];
	BarqBodyWriter merged;
	BarqBodyWriter merged_flat;
	BarqBodyWriter fresh;
	double		r;
	double		r_fresh;

	for (int i = 0; i < COMPARED_QUERIES; i++)
		for (int d = 0; d < dims && centres > 0; d++)
			q[i * dims + d] = x[(i % centres) * dims + d] + 0.1f * q[i * dims + d];
	barq_codec_init(&codec, metric, BARQ_QUANT_SQ8, dims);
	for (int i = 0, first = 0; i < INPUTS; first += sizes[i++])
	{
		BarqBodyWriter flat;
		uint8	   *dead;

		make_flat(&flat, &codec, x + (size_t) first * dims, sizes[i], first);
		if (i < INPUTS - 1)
			build_from_flat(&bodies[i], &codec, 8, 48, &flat, 1);
		else
			bodies[i] = flat;
		views[i] = shim_view(&bodies[i], i == 2);
		dead = calloc(1, sizes[i] / 8 + 1);
		for (int row = 0; row < sizes[i]; row++)
			if (barq_bit_is_set(dead_ids, tid_to_id(&tids_of(&bodies[i])[row])))
				barq_bit_set(dead, row);
		inputs[i] = (BarqMergeInput) {&views[i], dead, count_clear(dead, sizes[i])};
		if (i < INPUTS - 1)
			shim_writer_free(&flat);
	}
	build(&merged, &codec, 8, 48, inputs, INPUTS, processes);
	shim_writer_init(&merged_flat);
	barq_flat_merge(&merged_flat, &codec, inputs, INPUTS);
	build_from_flat(&fresh, &codec, 8, 48, &merged_flat, 1);
	r = recall(&merged, &codec, q, COMPARED_QUERIES, 40, 10, NULL, false);
	r_fresh = recall(&fresh, &codec, q, COMPARED_QUERIES, 40, 10, NULL, false);
	ok(r > r_fresh - 0.02 && check_clean(&merged, false, "graphs") &&
	   rows_match(&merged, &codec, x, dead_ids, n) &&
	   drain(&merged, &codec, q, NULL, 40, 100, false, 0),
	   "%d graphs, metric %d, %d centres, %.0f %% dead, %d processes: recall %.3f, of a new graph %.3f",
	   INPUTS - 1, (int) metric, centres, share * 100, processes, r, r_fresh);
	for (int i = 0; i < INPUTS; i++)
	{
		free(unconstify(uint8 *, inputs[i].dead));
		shim_writer_free(&bodies[i]);
	}
	shim_writer_free(&merged);
	shim_writer_free(&merged_flat);
	shim_writer_free(&fresh);
	free(dead_ids);
	free(x);
	free(q);
}

/* Open, check and search a body that may be damaged; returns whether that raised an error. */
static bool
use(const BarqBodyWriter *body, const BarqView *proto, const BarqQuery *query, bool pages)
{
	volatile bool refused = false;

	shim_context_push();
	if (SHIM_TRY())
	{
		BarqView	view = *proto;
		const BarqSegmentKind *kind = view.kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
		BarqSearchParams params = {query, 20, NULL};
		BarqSearch *search;
		BarqHit		hits[50];

		if (pages)
			view.base = NULL;
		kind->check(&view, check_report, (void *) "damaged");
		search = kind->vectors->begin(&view, &params);
		for (int i = 0; i < 20; i++)
		{
			int			n = kind->vectors->next(search, INFINITY, hits, 50);

			for (int j = 0; j < n; j++)
				kind->vectors->row_code(&view, hits[j].row);
		}
	}
	else
		refused = (shim_sqlstate == ERRCODE_INDEX_CORRUPTED);
	SHIM_END();
	shim_context_pop();
	return refused;
}

static void
test_damage(void)
{
	int			n = 400;
	int			dims = 20;
	float	   *x = random_vectors(n, dims);
	BarqCodec	codec;
	BarqBodyWriter body[2];
	void	   *mem;
	BarqQuery  *query;
	int			refused = 0;
	int			tried = 0;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	mem = malloc(barq_query_bytes(&codec));
	query = barq_query_prepare(mem, &codec, x);
	make_flat(&body[0], &codec, x, n, 0);
	build_from_flat(&body[1], &codec, 4, 20, &body[0], 1);
	check_reports = 1000;		/* print no reports */
	for (int b = 0; b < 2; b++)
	{
		BarqView	view = shim_view(&body[b], false);
		uint64		graph_off = ((const BarqVectorHeader *) (body[b].data + 64))->graph_off;

		/* both headers, then the graph's with its layer table */
		for (int i = 0; i < (b == 0 ? 128 : 400); i++)
		{
			uint64		byte = i < 128 ? i : graph_off + i - 128;

			for (int bit = 0; bit < 8; bit++)
			{
				body[b].data[byte] ^= 1 << bit;
				refused += use(&body[b], &view, query, bit & 1);
				tried++;
				body[b].data[byte] ^= 1 << bit;
			}
		}
		/* a random byte anywhere */
		for (int i = 0; i < 3000; i++)
		{
			uint64		at = (uint64) (random_uniform() * (body[b].size - 8));
			uint64		old;
			uint64		new = (uint64) (random_uniform() * 1.8e19);

			memcpy(&old, body[b].data + at, 8);
			memcpy(body[b].data + at, &new, 8);
			use(&body[b], &view, query, i & 1);
			memcpy(body[b].data + at, &old, 8);
		}
		/* cut short */
		for (int i = 0; i < 200; i++)
		{
			BarqView	cut = view;

			cut.size = (uint64) (random_uniform() * view.size);
			if (!use(&body[b], &cut, query, i & 1))
				refused = -1000000;
		}
		ok(!use(&body[b], &view, query, false), "the undamaged body raises no error");
	}
	ok(refused > tried / 3, "damaged bodies cause no crash, %d of %d changes of headers are refused", refused, tried);
	shim_writer_free(&body[0]);
	shim_writer_free(&body[1]);
	free(mem);
	free(x);
}

int
main(void)
{
	shim_init();
	barq_kernels_select("auto");
	test_merge();
	for (int i = 0; i < 3; i++)
	{
		static const double shares[] = {0, 0.12, 0.45};

		test_graphs(BARQ_METRIC_L2, 0, shares[i], 1);
		test_graphs(BARQ_METRIC_L2, 200, shares[i], 3);
		test_graphs(BARQ_METRIC_COSINE, 50, shares[i], 1);
		test_graphs(BARQ_METRIC_IP, 0, shares[i], 2);
	}
	test_damage();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
