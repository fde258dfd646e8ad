/*
 * test_hnsw.c
 *	  Building and searching flat and HNSW bodies without a server, in TAP.
 */
#include "hnsw_bodies.h"

#include <float.h>

static void
test_tiny(void)
{
	int			dims = 5;
	float	   *x = random_vectors(40, dims);
	BarqCodec	codec;
	bool		good = true;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	for (int n = 0; n <= 40; n = n < 4 ? n + 1 : n * 3)
	{
		for (int m = 2; m <= 100; m += 49)
		{
			BarqBodyWriter flat;
			BarqBodyWriter body;
			BarqBodyWriter again;
			BarqView	view;
			uint8		dead[6];
			BarqMergeInput input = {&view, dead, 0};

			make_flat(&flat, &codec, x, n, 0);
			build_from_flat(&body, &codec, m, 10, &flat, 2);
			good &= check_clean(&body, false, "tiny") && check_clean(&body, true, "tiny") &&
				rows_match(&body, &codec, x, NULL, n) &&
				drain(&body, &codec, x, NULL, 1, 1, false, 0) &&
				drain(&body, &codec, x, NULL, 40, 10, true, 2) &&
				drain(&flat, &codec, x, NULL, 1, 1, false, 2);
			/* all but `left` rows are dead */
			view = shim_view(&body, false);
			for (int left = 0; left <= Min(n, 2); left++)
			{
				memset(dead, 0xff, sizeof(dead));
				for (int row = 0; row < left; row++)
					dead[(n - 1 - row) / 8] &= ~(1 << ((n - 1 - row) % 8));
				input.live = left;
				build(&again, &codec, m, 10, &input, 1, 1);
				good &= check_clean(&again, false, "tiny merge") &&
					drain(&again, &codec, x, NULL, 1, 1, false, 0);
				good &= ((BarqBodyHeader *) again.data)->rows == (uint32) left;
				shim_writer_free(&again);
				shim_writer_init(&again);
				barq_flat_merge(&again, &codec, &input, 1);
				good &= check_clean(&again, false, "tiny flat merge") &&
					drain(&again, &codec, x, NULL, 1, 1, false, 0);
				shim_writer_free(&again);
			}
			shim_writer_free(&flat);
			shim_writer_free(&body);
		}
	}
	ok(good, "bodies of 0 to 40 rows, and merges that leave 0 to 2 of them, are sound");
	free(x);
}

static void
test_metrics(void)
{
	static const char *const metric_name[] = {"", "l2", "ip", "cosine", "l1"};
	static const char *const quant_name[] = {"none", "f16", "sq8", "rabitq"};
	int			n = 3000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(50, dims);

	for (int metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
	{
		for (int quant = BARQ_QUANT_NONE;
			 quant <= (metric == BARQ_METRIC_L1 ? BARQ_QUANT_SQ8 : BARQ_QUANT_RABITQ); quant++)
		{
			BarqCodec	codec;
			BarqBodyWriter flat;
			BarqBodyWriter body;
			double		r;

			barq_codec_init(&codec, metric, quant, dims);
			make_flat(&flat, &codec, x, n, 0);
			build_from_flat(&body, &codec, 16, 64, &flat, 1);
			r = recall(&body, &codec, q, 50, 100, 10, NULL, false);
			ok(r > 0.93 && r == recall(&body, &codec, q, 50, 100, 10, NULL, true) &&
			   rows_match(&body, &codec, x, NULL, n) &&
			   check_clean(&body, false, "metrics"),
			   "%s over %s: recall %.3f, also by pages; rows and graph are sound", metric_name[metric],
			   quant_name[quant], r);
			shim_writer_free(&flat);
			shim_writer_free(&body);
		}
	}
	free(x);
	free(q);
}

static void
test_search(void)
{
	int			n = 10000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(100, dims);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	BarqBodyWriter parallel;
	double		one;
	double		two;
	double		pages;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 1);
	build_from_flat(&parallel, &codec, 16, 64, &flat, 2);
	one = recall(&body, &codec, q, 100, 100, 10, NULL, false);
	two = recall(&parallel, &codec, q, 100, 100, 10, NULL, false);
	pages = recall(&body, &codec, q, 100, 100, 10, NULL, true);
	ok(one > 0.95, "10,000 rows: recall %.3f", one);
	ok(two > 0.95 && check_clean(&parallel, false, "two processes") &&
	   rows_match(&parallel, &codec, x, NULL, n),
	   "two processes build a sound graph: recall %.3f", two);
	ok(pages == one && check_clean(&body, true, "pages"), "a body read by pages gives the same rows");
	ok(check_clean(&flat, false, "flat"), "the check of a flat body reports nothing");

	for (int i = 0; i < 4; i++)
	{
		static const double shares[] = {0, 0.1, 0.5, 0.97};
		uint8	   *skip = random_bits(n, shares[i]);
		double		r = recall(&body, &codec, q, 50, 100, 10, skip, false);

		ok(r > 0.95, "recall with %.0f %% of the rows skipped: %.3f", shares[i] * 100, r);
		ok(drain(&body, &codec, q, skip, 40, 37, false, 0), "... drained: every other row once");
		ok(drain(&body, &codec, q, skip, 40, 100, false, 7), "... drained under growing bounds");
		ok(drain(&flat, &codec, q, skip, 40, 37, false, 0), "... flat, drained");
		ok(drain(&flat, &codec, q, skip, 40, 100, false, 7), "... flat, drained under growing bounds");
		free(skip);
	}
	ok(drain(&body, &codec, q, NULL, 40, 10, false, 0) &&
	   drain(&body, &codec, q, NULL, 10, 3000, false, 0) &&
	   drain(&flat, &codec, q, NULL, 10, 3000, false, 3),
	   "a search to its end returns each row once, in small and large batches");
	ok(drain(&body, &codec, q, NULL, 200, 50, true, 3) &&
	   drain(&flat, &codec, q, NULL, 200, 50, true, 3), "a search to its end by pages returns each row once");

	/* several open searches, one of them abandoned by an error */
	{
		BarqView	view = shim_view(&body, false);
		void	   *mem = malloc(barq_query_bytes(&codec));
		BarqSearchParams params = {barq_query_prepare(mem, &codec, q), 100, NULL};
		BarqHit		alone[10];
		BarqHit		a[10];
		BarqHit		b[10];
		BarqSearch *s[3];
		bool		same = true;

		shim_context_push();
		s[0] = barq_hnsw_kind.vectors->begin(&view, &params);
		barq_hnsw_kind.vectors->next(s[0], INFINITY, alone, 10);
		shim_context_pop();		/* without calling end */
		for (int round = 0; round < 3; round++)
		{
			shim_context_push();
			s[1] = barq_hnsw_kind.vectors->begin(&view, &params);
			s[2] = barq_hnsw_kind.vectors->begin(&view, &params);
			for (int i = 0; i < 10; i++)
			{
				same &= barq_hnsw_kind.vectors->next(s[1], INFINITY, a, 1) == 1;
				same &= barq_hnsw_kind.vectors->next(s[2], INFINITY, b, 1) == 1;
				same &= a[0].row == alone[i].row && b[0].row == alone[i].row;
			}
			if (round != 1)
				barq_hnsw_kind.vectors->end(s[1]);
			shim_context_pop();
		}
		ok(same, "searches that are open at the same time do not disturb each other");
		free(mem);
	}
	shim_writer_free(&flat);
	shim_writer_free(&body);
	shim_writer_free(&parallel);
	free(x);
	free(q);
}

static void
test_bound(void)
{
	int			n = 8000;
	int			dims = 24;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(100, dims);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	void	   *mem;
	int			missed = 0;
	int			missed_without = 0;

	/* with the 5th best key as bound, the four rows before it must be found */
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	mem = malloc(barq_query_bytes(&codec));
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 1);
	for (int i = 0; i < 100; i++)
	{
		BarqView	view = shim_view(&body, false);
		BarqQuery  *query = barq_query_prepare(mem, &codec, q + i * dims);
		BarqSearchParams params = {query, 80, NULL};
		BarqHit		best[5];
		BarqHit		hits[20];
		BarqSearch *search;

		exact_rows(&body, &codec, query, NULL, 5, best);
		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		missed += 4 - barq_hnsw_kind.vectors->next(search, best[4].key, hits, 20);
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		barq_hnsw_kind.vectors->next(search, INFINITY, hits, 20);
		missed_without += 4;
		for (int j = 0; j < 20; j++)
			missed_without -= (hits[j].key < best[4].key);
		shim_context_pop();
	}
	/* such a search ends early, but finds most rows below the bound */
	ok(missed >= 0 && missed <= missed_without + 20,
	   "searches with a tight bound miss %d of 400 rows, without a bound %d", missed, missed_without);
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(mem);
	free(x);
	free(q);
}

/* A graph of random vectors, and queries for it. */
typedef struct Searched
{
	int			n;
	int			dims;
	float	   *x;
	float	   *q;
	BarqCodec	codec;
	void	   *mem;			/* of a prepared query */
	BarqBodyWriter flat;
	BarqBodyWriter body;
} Searched;

/* Make rows and queries. */
static void
make_searched(Searched *s, int n, int dims, int queries)
{
	s->n = n;
	s->dims = dims;
	s->x = random_vectors(n, dims);
	s->q = random_vectors(queries, dims);
	barq_codec_init(&s->codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	s->mem = malloc(barq_query_bytes(&s->codec));
}

/* Build the graph. */
static void
build_searched(Searched *s, int m, int ef_construction)
{
	make_flat(&s->flat, &s->codec, s->x, s->n, 0);
	build_from_flat(&s->body, &s->codec, m, ef_construction, &s->flat, 1);
}

static BarqQuery *
query_of(Searched *s, int i)
{
	return barq_query_prepare(s->mem, &s->codec, s->q + i * s->dims);
}

static void
free_searched(Searched *s)
{
	shim_writer_free(&s->flat);
	shim_writer_free(&s->body);
	free(s->mem);
	free(s->x);
	free(s->q);
}

/* Rows below a bound that a search with a beam of few rows returns. */
static int
found_below(BarqView *view, const BarqQuery *query, float bound, bool lesser)
{
	BarqSearchParams params = {.query = query, .breadth = 10, .lesser = lesser};
	BarqHit		hits[10];
	BarqSearch *search = barq_hnsw_kind.vectors->begin(view, &params);
	int			n = barq_hnsw_kind.vectors->next(search, bound, hits, 10);

	barq_hnsw_kind.vectors->end(search);
	return n;
}

/*
 * A graph that a larger one bounds: where all of its rows beat the bound, it returns what a
 * whole beam does; else nearly, and driven to its end each row once.
 */
static void
test_lesser(bool copies)
{
	Searched	s;
	int			differ = 0;
	int			missed = 0;
	int			missed_of_few = 0;
	int			twice = 0;
	int			never = 0;
	int			n = 4000;
	uint8	   *seen = calloc(barq_bits_bytes(n) + 8, 1);

	make_searched(&s, n, 24, 40);
	/* with copies, which leave the order of the beam, nearly */
	if (copies)
		memcpy(s.x, s.x + 100 * s.dims, 50 * s.dims * sizeof(float));
	build_searched(&s, 8, 40);
	for (int i = 0; i < 40; i++)
	{
		BarqView	view = shim_view(&s.body, false);
		BarqQuery  *query = query_of(&s, i);
		BarqSearchParams whole = {.query = query, .breadth = 60};
		BarqSearchParams lesser = {.query = query, .breadth = 60, .lesser = true};
		BarqHit		hits[60];
		BarqHit		again[60];
		BarqSearch *search;
		int			got;

		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &whole);
		differ += barq_hnsw_kind.vectors->next(search, FLT_MAX, hits, 60) != 60;
		barq_hnsw_kind.vectors->end(search);
		search = barq_hnsw_kind.vectors->begin(&view, &lesser);
		differ += barq_hnsw_kind.vectors->next(search, FLT_MAX, again, 60) != 60;
		barq_hnsw_kind.vectors->end(search);
		for (int j = 0; j < 60; j++)
			differ += again[j].key > hits[copies ? 59 : j].key;

		search = barq_hnsw_kind.vectors->begin(&view, &whole);
		missed += barq_hnsw_kind.vectors->next(search, hits[10].key, again, 60);
		barq_hnsw_kind.vectors->end(search);
		search = barq_hnsw_kind.vectors->begin(&view, &lesser);
		got = barq_hnsw_kind.vectors->next(search, hits[10].key, again, 60);
		missed -= got;
		missed_of_few += found_below(&view, query, hits[10].key, false) - found_below(&view, query, hits[10].key, true);
		memset(seen, 0, barq_bits_bytes(n));
		for (int all = 0; got > 0; got = barq_hnsw_kind.vectors->next(search, INFINITY, again, 60))
		{
			for (int j = 0; j < got; j++)
			{
				twice += barq_bit_is_set(seen, again[j].row);
				barq_bit_set(seen, again[j].row);
			}
			all += got;
			twice += all > n;
		}
		for (int row = 0; row < n; row++)
			never += !barq_bit_is_set(seen, row);
		barq_hnsw_kind.vectors->end(search);
		shim_context_pop();
	}
	ok(differ <= (copies ? 120 : 0), "a graph that a larger one bounds returns %s rows of a whole beam where all beat the bound (%d of 2,400 differ)",
	   copies ? "nearly all" : "the", differ);
	ok(missed_of_few <= 0, "of a beam of few rows no part is searched first (%d missed)", missed_of_few);
	ok(missed <= 60, "with a tight bound nearly those (%d of 400 missed)", missed);
	ok(twice == 0 && never == 0, "driven to its end it returns each row once (%d twice, %d never)", twice, never);
	free(seen);
	free_searched(&s);
}

/* A search that is broadened after its first rows returns what a broad one does. */
static void
test_broaden(void)
{
	Searched	s;
	int			differ = 0;
	int			missed = 0;
	int			n = 4000;
	uint8	   *skip = calloc(barq_bits_bytes(n) + 8, 1);

	make_searched(&s, n, 24, 40);
	build_searched(&s, 6, 24);
	for (int i = 0; i < 40; i++)
	{
		BarqView	view = shim_view(&s.body, false);
		BarqQuery  *query = query_of(&s, i);
		BarqSearchParams narrow = {.query = query, .breadth = 20};
		BarqSearchParams broad = {.query = query, .breadth = 90};
		BarqHit		hits[90];
		BarqHit		again[90];
		BarqSearch *search;

		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &broad);
		barq_hnsw_kind.vectors->next(search, INFINITY, hits, 90);
		barq_hnsw_kind.vectors->end(search);
		search = barq_hnsw_kind.vectors->begin(&view, &narrow);
		barq_hnsw_kind.vectors->next(search, INFINITY, again, 20);
		differ += !barq_hnsw_kind.vectors->broaden(search, 90, 0, false);
		differ += barq_hnsw_kind.vectors->next(search, INFINITY, again, 90) != 90;
		for (int j = 0; j < 90; j++)
			differ += again[j].row != hits[j].row && again[j].key != hits[j].key;
		barq_hnsw_kind.vectors->end(search);

		/* with rows in skip: nearly */
		for (int row = i; row < n; row += 25)
			barq_bit_set(skip, row);
		narrow.skip = broad.skip = skip;
		search = barq_hnsw_kind.vectors->begin(&view, &broad);
		barq_hnsw_kind.vectors->next(search, INFINITY, hits, 90);
		barq_hnsw_kind.vectors->end(search);
		search = barq_hnsw_kind.vectors->begin(&view, &narrow);
		barq_hnsw_kind.vectors->next(search, INFINITY, again, 20);
		differ += !barq_hnsw_kind.vectors->broaden(search, 90, 0, false);
		differ += barq_hnsw_kind.vectors->next(search, INFINITY, again, 90) != 90;
		for (int j = 0; j < 90; j++)
		{
			differ += barq_bit_is_set(skip, again[j].row);
			missed += again[j].key > hits[89].key;
		}
		barq_hnsw_kind.vectors->end(search);
		memset(skip, 0, barq_bits_bytes(n));
		shim_context_pop();
	}
	ok(differ == 0, "a search that is broadened later returns the rows of a broad one (%d differ)", differ);
	ok(missed <= 36, "or, of rows not in skip, nearly (%d of 3,600 differ)", missed);
	free(skip);
	free_searched(&s);
}

static void
test_duplicates(void)
{
	int			n = 4000;
	int			dims = 16;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(60, dims);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	double		r;

	/* two thirds of the rows have one of three vectors */
	for (int i = 0; i < n; i++)
		if (i % 3 != 0)
			memcpy(x + i * dims, x + (i % 2) * 3 * dims, sizeof(float) * dims);
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 2);
	r = recall(&body, &codec, q, 60, 100, 10, NULL, false);
	ok(r > 0.9 && check_clean(&body, false, "duplicates"), "many equal rows: recall %.3f, all rows are reachable", r);
	ok(drain(&body, &codec, q, NULL, 40, 50, false, 3), "... drained");
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(x);
	free(q);
}

/* Recall at ef_search 40 where rows have copies; then of a merge in which half of the first rows are dead. */
static void
copies_found(const char *name, BarqMetric metric, BarqQuantization quant, int n, int dims,
			 float *x, const float *q, double least)
{
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	BarqBodyWriter merged;
	BarqView	view;
	uint8	   *dead = calloc(1, n / 8 + 1);
	BarqMergeInput input = {&view, dead, 0};
	double		r;

	barq_codec_init(&codec, metric, quant, dims);
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 2);
	r = recall(&body, &codec, q, 60, 40, 10, NULL, false);
	ok(r >= least && check_clean(&body, false, name) && rows_match(&body, &codec, x, NULL, n),
	   "%s: recall %.3f", name, r);
	r = recall(&body, &codec, q, 60, 40, 10, NULL, true);
	ok(r >= least && drain(&body, &codec, q, NULL, 40, 50, true, 3),
	   "... %.3f from pages, drained", r);

	/* every fifth row is dead, and most of the first ones */
	for (int i = 0; i < n; i++)
		if (i < n / 100 ? i % 4 != 0 : i % 5 == 0)
			dead[i / 8] |= 1 << (i % 8);
	view = shim_view(&body, false);
	input.live = count_clear(dead, n);
	r = recall(&body, &codec, q, 60, 40, 10, dead, false);
	ok(r >= least - 0.02 && drain(&body, &codec, q, dead, 40, 50, false, 3), "... %.3f, a fifth skipped", r);
	build(&merged, &codec, 16, 64, &input, 1, 1);
	r = recall(&merged, &codec, q, 60, 40, 10, NULL, false);
	ok(r >= least - 0.02 && check_clean(&merged, false, name) &&
	   drain(&merged, &codec, q, NULL, 40, 50, false, 3), "... %.3f merged", r);
	shim_writer_free(&flat);
	shim_writer_free(&body);
	shim_writer_free(&merged);
	free(dead);
}

static void
test_copies(void)
{
	int			n = 10000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(60, dims);

	for (int i = 0; i < n; i++)
		if (i % 10 == 0)
			memset(x + i * dims, 0, sizeof(float) * dims);
	copies_found("a tenth of the rows zero", BARQ_METRIC_L2, BARQ_QUANT_NONE, n, dims, x, q, 0.92);
	for (int i = n / 2; i < n; i++)
		memcpy(x + i * dims, x + (i - n / 2) * dims, sizeof(float) * dims);
	copies_found("every row twice", BARQ_METRIC_L2, BARQ_QUANT_NONE, n, dims, x, q, 0.93);
	for (int i = 100; i < n; i++)
		memcpy(x + i * dims, x + (i % 100) * dims, sizeof(float) * dims);
	copies_found("100 copies of 100 rows", BARQ_METRIC_L2, BARQ_QUANT_SQ8, n, dims, x, q, 0.98);
	copies_found("... under the inner product", BARQ_METRIC_IP, BARQ_QUANT_NONE, n, dims, x, q, 0.95);
	free(x);
	free(q);
}

/*
 * Rows of very different length under the inner product: the few longest are the
 * nearest ones of all others, and few rows have links from their neighbours.
 */
static void
test_long_rows(void)
{
	int			n = 8000;
	int			nq = 60;
	int			dims = 3;
	float	   *x = malloc(sizeof(float) * n * dims);
	float	   *q = malloc(sizeof(float) * nq * dims);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	double		r;

	for (int i = 0; i < n * dims; i++)
		x[i] = (float) (random_uniform() * random_uniform());
	for (int i = 0; i < nq * dims; i++)
		q[i] = (float) random_uniform();
	barq_codec_init(&codec, BARQ_METRIC_IP, BARQ_QUANT_NONE, dims);
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 2);
	r = recall(&body, &codec, q, nq, 40, 20, NULL, false);
	ok(r > 0.95 && check_clean(&body, false, "long rows"),
	   "inner product, rows of very different length: recall %.3f, all rows are reachable", r);
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(x);
	free(q);
}

/*
 * Tight clusters: a greedy descent ends in another cluster than the query's for one query
 * in five, and layer 0 has no way from there. Of the rows in one graph, and in two parts
 * (an index just after its load).
 */
static void
test_clusters(void)
{
	enum
	{
		CLUSTERS = 200,
		EACH = 200,
		N = CLUSTERS * EACH,
		DIMS = 96,
		NQ = 500
	};
	float	   *centres = random_vectors(CLUSTERS, DIMS);
	float	   *x = random_vectors(N + NQ, DIMS);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	double		r[3];

	for (int i = 0; i < N + NQ; i++)
	{
		const float *centre = centres + (int) (random_uniform() * CLUSTERS) * DIMS;

		for (int d = 0; d < DIMS; d++)
			x[i * DIMS + d] = centre[d] + 0.6f * x[i * DIMS + d];
	}
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	for (int part = 0; part < 3; part++)
	{
		int			first = part == 2 ? N * 3 / 4 : 0;
		int			end = part == 1 ? N * 3 / 4 : N;

		make_flat(&flat, &codec, x + first * DIMS, end - first, first);
		build_from_flat(&body, &codec, 16, 64, &flat, 1);
		r[part] = recall(&body, &codec, x + N * DIMS, NQ, 10, 10, NULL, false);
		shim_writer_free(&flat);
		shim_writer_free(&body);
	}
	ok(r[0] > 0.95, "rows in tight clusters: recall %.3f", r[0]);
	ok(r[1] > 0.95 && r[2] > 0.95, "... of three quarters and of the rest: %.3f, %.3f", r[1], r[2]);
	free(centres);
	free(x);
}

int
main(void)
{
	shim_init();
	barq_kernels_select("auto");
	test_tiny();
	test_metrics();
	test_search();
	test_bound();
	test_lesser(false);
	test_lesser(true);
	test_broaden();
	test_duplicates();
	test_copies();
	test_long_rows();
	test_clusters();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
