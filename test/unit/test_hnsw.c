/*
 * test_hnsw.c
 *	  The flat and HNSW kinds outside of a server, in TAP. What is right is
 *	  computed by scoring every row, in the same run.
 */
#include "postgres.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgshim.h"
#include "hnsw/hnsw_layout.h"
#include "kernels/kernels.h"

#undef printf
#undef vsnprintf
#undef vprintf
#undef fprintf

static int	ntests = 0;
static int	nfailed = 0;

static void ok(bool passed, const char *fmt,...) pg_attribute_printf(2, 3);

static void
ok(bool passed, const char *fmt,...)
{
	va_list		ap;
	char		name[256];

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	printf("%sok %d - %s\n", passed ? "" : "not ", ++ntests, name);
	fflush(stdout);
	nfailed += !passed;
}

static uint64 random_state = 1;

static double
random_uniform(void)
{
	random_state = random_state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return ((random_state >> 11) + 0.5) / 9007199254740992.0;
}

static float
random_normal(void)
{
	return (float) (sqrt(-2 * log(random_uniform())) * cos(2 * M_PI * random_uniform()));
}

static float *
random_vectors(int n, int dims)
{
	float	   *x = malloc(sizeof(float) * n * dims + 64);

	for (int i = 0; i < n * dims; i++)
		x[i] = random_normal();
	return x;
}

/* ids are kept in TIDs */
static void
id_to_tid(uint32 id, ItemPointerData *tid)
{
	ItemPointerSet(tid, id / 200, id % 200 + 1);
}

static uint32
tid_to_id(const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) * 200 + ItemPointerGetOffsetNumber(tid) - 1;
}

static void
make_flat(BarqBodyWriter *writer, const BarqCodec *codec, const float *x, int n,
		  uint32 first_id)
{
	char	   *rows = malloc((size_t) n * codec->row_bytes + 1);
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		if (!barq_codec_encode(codec, x + (size_t) i * codec->dims,
							   rows + (size_t) i * codec->row_bytes))
			abort();
		id_to_tid(first_id + i, &tids[i]);
	}
	shim_writer_init(writer);
	barq_flat_write(writer, codec, rows, codec->row_bytes, tids, n);
	free(rows);
	free(tids);
}

static void
build(BarqBodyWriter *writer, const BarqCodec *codec, int m, int efc,
	  BarqMergeInput *inputs, int ninputs, int processes)
{
	BarqHnswOptions options = {m, efc};
	uint32		rows = 0;
	uint64		bytes;
	char	   *mem;
	BarqHnswWork *work;

	for (int i = 0; i < ninputs; i++)
		rows += inputs[i].live;
	bytes = barq_hnsw_work_bytes(codec, &options, rows);

	/* the area ends where the mapping does: what is written beyond crashes */
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(mem, 0x77, bytes);
	work = barq_hnsw_work_load(mem, codec, &options, inputs, ninputs);
	for (int p = 1; p < processes; p++)
	{
		if (fork() == 0)
		{
			barq_hnsw_work_insert(barq_hnsw_work_attach(mem), NULL, NULL);
			_exit(0);
		}
	}
	barq_hnsw_work_insert(work, NULL, NULL);
	for (int p = 1; p < processes; p++)
	{
		int			status;

		wait(&status);
		if (status != 0)
			abort();
	}
	shim_writer_init(writer);
	barq_hnsw_work_write(work, writer);
	munmap(mem, bytes);
}

static void
build_from_flat(BarqBodyWriter *writer, const BarqCodec *codec, int m, int efc,
				const BarqBodyWriter *flat, int processes)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, view.rows};

	build(writer, codec, m, efc, &input, 1, processes);
}

static const ItemPointerData *
tids_of(const BarqBodyWriter *body)
{
	return (const ItemPointerData *) (body->data +
									  ((const BarqBodyHeader *) body->data)->tids_off);
}

static int	check_reports;

static void
check_report(void *arg, const char *place, const char *message)
{
	if (check_reports++ < 5)
		printf("# %s: %s: %s\n", (const char *) arg, place, message);
}

static bool
check_clean(const BarqBodyWriter *body, bool pages, const char *name)
{
	BarqView	view = shim_view(body, pages);

	check_reports = 0;
	(view.kind == BARQ_KIND_FLAT ? barq_flat_kind : barq_hnsw_kind).check(&view, check_report, (void *) name);
	return check_reports == 0;
}

/* The ids of the k best rows by their keys, without those in skip. */
static void
exact_rows(const BarqBodyWriter *body, const BarqCodec *codec, const BarqQuery *query,
		   const uint8 *skip, int k, BarqHit *best)
{
	BarqView	view = shim_view(body, false);
	int			n = 0;

	(void) codec;
	for (uint32 row = 0; row < view.rows; row++)
	{
		BarqHit		hit;
		int			i;

		if (skip != NULL && (skip[row / 8] >> (row % 8) & 1))
			continue;
		hit.key = barq_query_key(query, barq_hnsw_kind.row_code(&view, row));
		hit.row = row;
		if (n == k && hit.key >= best[n - 1].key)
			continue;
		if (n < k)
			n++;
		for (i = n - 1; i > 0 && best[i - 1].key > hit.key; i--)
			best[i] = best[i - 1];
		best[i] = hit;
	}
}

/* Recall of k of the first batch, over queries. */
static double
recall(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries,
	   int nq, int ef, int k, const uint8 *skip, bool pages)
{
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqHit    *best = malloc(sizeof(BarqHit) * k);
	BarqHit    *hits = malloc(sizeof(BarqHit) * k);
	long		good = 0;

	for (int q = 0; q < nq; q++)
	{
		BarqView	view = shim_view(body, pages);
		BarqQuery  *query = barq_query_prepare(mem, codec, queries + (size_t) q * codec->dims);
		BarqSearchParams params = {query, ef, skip};
		BarqSearch *search;
		int			n;

		exact_rows(body, codec, query, skip, k, best);
		shim_context_push();
		search = barq_hnsw_kind.search_begin(&view, &params);
		n = barq_hnsw_kind.search_next(search, INFINITY, hits, k);
		barq_hnsw_kind.search_end(search);
		shim_context_pop();
		for (int i = 0; i < n; i++)
			for (int j = 0; j < k; j++)
				good += (hits[i].row == best[j].row || hits[i].key == best[j].key) ? 1 : 0;
	}
	free(mem);
	free(best);
	free(hits);
	return Min(1.0, (double) good / ((double) nq * k));
}

/* Drive a search to its end: every row once, none of skip, batches sorted. */
static bool
drain(const BarqBodyWriter *body, const BarqCodec *codec, const float *q,
	  const uint8 *skip, int ef, int max, bool pages, int bounds)
{
	BarqView	view = shim_view(body, pages);
	const BarqSegmentKind *kind = view.kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqQuery  *query = barq_query_prepare(mem, codec, q);
	BarqSearchParams params = {query, ef, skip};
	BarqSearch *search;
	uint8	   *seen = calloc(1, view.rows + 1);
	BarqHit    *hits = malloc(sizeof(BarqHit) * max);
	float	   *keys = malloc(sizeof(float) * (view.rows + 1));
	bool		good = true;
	uint32		expected = 0;
	uint32		got = 0;
	int			n;

	for (uint32 row = 0; row < view.rows; row++)
	{
		keys[row] = barq_query_key(query, kind->row_code(&view, row));
		expected += !(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
	}
	shim_context_push();
	search = kind->search_begin(&view, &params);
	for (int b = 0; b <= bounds; b++)
	{
		float		bound = INFINITY;

		if (b < bounds)			/* ever larger ones: keys of random rows, sorted */
		{
			float		lo = INFINITY;
			float		hi = -INFINITY;

			for (uint32 row = 0; row < view.rows; row++)
			{
				lo = Min(lo, keys[row]);
				hi = Max(hi, keys[row]);
			}
			bound = lo + (hi - lo) * (b + 0.5) / (bounds + 1);
		}
		while ((n = kind->search_next(search, bound, hits, max)) > 0)
		{
			good &= n <= max;
			for (int i = 0; i < n; i++)
			{
				uint32		row = hits[i].row;

				good &= row < view.rows && !seen[row];
				good &= fabs(hits[i].key - keys[row]) <= 1e-4 * (1 + fabs(keys[row]));
				good &= bound == INFINITY || hits[i].key < bound;
				good &= i == 0 || hits[i - 1].key <= hits[i].key;
				good &= !(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
				seen[row] = 1;
				got++;
			}
		}
		/* the flat kind leaves out none below its bound */
		if (kind == &barq_flat_kind)
			for (uint32 row = 0; row < view.rows; row++)
				good &= seen[row] || keys[row] >= bound ||
					(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
	}
	if (got != expected)
		printf("# %u of %u rows\n", got, expected);
	good &= (got == expected);
	kind->search_end(search);
	shim_context_pop();
	free(mem);
	free(seen);
	free(hits);
	free(keys);
	return good;
}

static uint8 *
random_bits(uint32 n, double share)
{
	uint8	   *bits = calloc(1, n / 8 + 1);

	for (uint32 i = 0; i < n; i++)
		if (random_uniform() < share)
			bits[i / 8] |= 1 << (i % 8);
	return bits;
}

static uint32
count_clear(const uint8 *bits, uint32 n)
{
	uint32		clear = 0;

	for (uint32 i = 0; i < n; i++)
		clear += !(bits[i / 8] >> (i % 8) & 1);
	return clear;
}

/* Does every row of body carry the code of the vector its TID names? */
static bool
rows_match(const BarqBodyWriter *body, const BarqCodec *codec, const float *x,
		   const uint8 *dead_ids, uint32 ids)
{
	BarqView	view = shim_view(body, false);
	uint8	   *seen = calloc(1, ids + 1);
	char	   *code = malloc(codec->row_bytes);
	bool		good = true;
	uint32		expected = dead_ids != NULL ? count_clear(dead_ids, ids) : ids;

	good &= (view.rows == expected);
	for (uint32 row = 0; row < view.rows && good; row++)
	{
		uint32		id = tid_to_id(&tids_of(body)[row]);

		good &= id < ids && !seen[id];
		good &= dead_ids == NULL || !(dead_ids[id / 8] >> (id % 8) & 1);
		if (!good)
			break;
		seen[id] = 1;
		barq_codec_encode(codec, x + (size_t) id * codec->dims, code);
		good &= memcmp(code, barq_hnsw_kind.row_code(&view, row), codec->row_bytes) == 0;
	}
	free(seen);
	free(code);
	return good;
}

static void
test_metrics(void)
{
	static const char *const metric_name[] = {"", "l2", "ip", "cosine", "l1"};
	static const char *const quant_name[] = {"none", "f16", "sq8"};
	int			n = 3000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(50, dims);

	for (int metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
	{
		for (int quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
		{
			BarqCodec	codec;
			BarqBodyWriter flat;
			BarqBodyWriter body;
			double		r;

			barq_codec_init(&codec, metric, quant, dims);
			make_flat(&flat, &codec, x, n, 0);
			build_from_flat(&body, &codec, 16, 64, &flat, 1);
			r = recall(&body, &codec, q, 50, 100, 10, NULL, false);
			ok(r > 0.93 && rows_match(&body, &codec, x, NULL, n) &&
			   check_clean(&body, false, "metrics"),
			   "%s over %s: recall %.3f, rows and graph right", metric_name[metric],
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
	   "built by two processes: recall %.3f, graph clean", two);
	ok(pages == one && check_clean(&body, true, "pages"), "page by page: the same rows");
	ok(check_clean(&flat, false, "flat"), "flat body is clean");

	for (int i = 0; i < 4; i++)
	{
		static const double shares[] = {0, 0.1, 0.5, 0.97};
		uint8	   *skip = random_bits(n, shares[i]);
		double		r = recall(&body, &codec, q, 50, 100, 10, skip, false);

		ok(r > 0.95, "%.0f %% skipped: recall %.3f", shares[i] * 100, r);
		ok(drain(&body, &codec, q, skip, 40, 37, false, 0), "... drained: every other row once");
		ok(drain(&body, &codec, q, skip, 40, 100, false, 7), "... drained under growing bounds");
		ok(drain(&flat, &codec, q, skip, 40, 37, false, 0), "... flat, drained");
		ok(drain(&flat, &codec, q, skip, 40, 100, false, 7), "... flat, drained under growing bounds");
		free(skip);
	}
	ok(drain(&body, &codec, q, NULL, 40, 10, false, 0) &&
	   drain(&body, &codec, q, NULL, 10, 3000, false, 0) &&
	   drain(&flat, &codec, q, NULL, 10, 3000, false, 3),
	   "drained without skip, by few and by many rows");
	ok(drain(&body, &codec, q, NULL, 200, 50, true, 3) &&
	   drain(&flat, &codec, q, NULL, 200, 50, true, 3), "drained page by page");

	/* searches open at once, and one lost by an error */
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
		s[0] = barq_hnsw_kind.search_begin(&view, &params);
		barq_hnsw_kind.search_next(s[0], INFINITY, alone, 10);
		shim_context_pop();		/* without search_end */
		for (int round = 0; round < 3; round++)
		{
			shim_context_push();
			s[1] = barq_hnsw_kind.search_begin(&view, &params);
			s[2] = barq_hnsw_kind.search_begin(&view, &params);
			for (int i = 0; i < 10; i++)
			{
				same &= barq_hnsw_kind.search_next(s[1], INFINITY, a, 1) == 1;
				same &= barq_hnsw_kind.search_next(s[2], INFINITY, b, 1) == 1;
				same &= a[0].row == alone[i].row && b[0].row == alone[i].row;
			}
			if (round != 1)
				barq_hnsw_kind.search_end(s[1]);
			shim_context_pop();
		}
		ok(same, "searches open at once do not disturb each other");
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

	/* with the 5th best key for bound, are the four before it found? */
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
		search = barq_hnsw_kind.search_begin(&view, &params);
		missed += 4 - barq_hnsw_kind.search_next(search, best[4].key, hits, 20);
		search = barq_hnsw_kind.search_begin(&view, &params);
		barq_hnsw_kind.search_next(search, INFINITY, hits, 20);
		missed_without += 4;
		for (int j = 0; j < 20; j++)
			missed_without -= (hits[j].key < best[4].key);
		shim_context_pop();
	}
	ok(missed >= 0 && missed <= missed_without + 8,
	   "a tight bound misses %d of 400 rows, none misses %d", missed, missed_without);
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(mem);
	free(x);
	free(q);
}

static void
test_merge(void)
{
	int			n = 12000;
	int			dims = 32;
	float	   *x = random_vectors(n, dims);
	float	   *q = random_vectors(60, dims);
	static const double shares[] = {0, 0.1, 0.5, 0.7, 0.9};
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

		/* shares[i] of the graph's rows are dead, and all of its last rows' */
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
		r = recall(&merged, &codec, q, 60, 60, 10, NULL, false);
		r_fresh = recall(&fresh, &codec, q, 60, 60, 10, NULL, false);
		ok(r > r_fresh - 0.02 && check_clean(&merged, false, "merged") &&
		   rows_match(&merged, &codec, x, dead_ids, n) &&
		   rows_match(&merged_flat, &codec, x, dead_ids, n) &&
		   drain(&merged, &codec, q, NULL, 40, 100, false, 0),
		   "merge with %.0f %% dead: recall %.3f, built anew %.3f", shares[i] * 100, r, r_fresh);
		shim_writer_free(&merged);
		shim_writer_free(&merged_flat);
		shim_writer_free(&fresh);
		free(dead);
		free(dead_ids);
	}

	/* only the rows nearest to the first query die: a hole in the graph */
	{
		BarqView	view = shim_view(&graph, false);
		uint8	   *dead = calloc(1, 1001);
		void	   *mem = malloc(barq_query_bytes(&codec));
		BarqHit    *best = malloc(sizeof(BarqHit) * 5000);
		BarqMergeInput input = {&view, dead, 3000};
		BarqBodyWriter merged;
		BarqBodyWriter merged_flat;
		BarqBodyWriter fresh;
		double		r;
		double		r_fresh;

		exact_rows(&graph, &codec, barq_query_prepare(mem, &codec, q), NULL, 5000, best);
		for (int i = 0; i < 5000; i++)
			dead[best[i].row / 8] |= 1 << (best[i].row % 8);
		build(&merged, &codec, 16, 64, &input, 1, 1);
		shim_writer_init(&merged_flat);
		barq_flat_merge(&merged_flat, &codec, &input, 1);
		build_from_flat(&fresh, &codec, 16, 64, &merged_flat, 1);
		r = recall(&merged, &codec, q, 60, 60, 10, NULL, false);
		r_fresh = recall(&fresh, &codec, q, 60, 60, 10, NULL, false);
		/* queries into the hole find its rim, which is mended, not made */
		ok(r > r_fresh - 0.05 && check_clean(&merged, false, "hole"),
		   "a whole region dead: recall %.3f, built anew %.3f", r, r_fresh);
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
			/* all but `left` rows die */
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
	ok(good, "bodies of 0 to 40 rows, and merges that leave 0 to 2");
	free(x);
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

	/* two thirds of the rows are one of three vectors */
	for (int i = 0; i < n; i++)
		if (i % 3 != 0)
			memcpy(x + i * dims, x + (i % 2) * 3 * dims, sizeof(float) * dims);
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	make_flat(&flat, &codec, x, n, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 2);
	r = recall(&body, &codec, q, 60, 100, 10, NULL, false);
	ok(r > 0.9 && check_clean(&body, false, "duplicates"), "many equal rows: recall %.3f, all reachable", r);
	ok(drain(&body, &codec, q, NULL, 40, 50, false, 3), "... drained");
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(x);
	free(q);
}

/* Open, check and search a body that may be wrong: an ERROR is right, a crash is not. */
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
		search = kind->search_begin(&view, &params);
		for (int i = 0; i < 20; i++)
		{
			int			n = kind->search_next(search, INFINITY, hits, 50);

			for (int j = 0; j < n; j++)
				kind->row_code(&view, hits[j].row);
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
	check_reports = 1000;		/* say nothing */
	for (int b = 0; b < 2; b++)
	{
		BarqView	view = shim_view(&body[b], false);

		for (int byte = 0; byte < (b == 0 ? 128 : 400); byte++)
		{
			for (int bit = 0; bit < 8; bit++)
			{
				body[b].data[byte] ^= 1 << bit;
				refused += use(&body[b], &view, query, bit & 1);
				tried++;
				body[b].data[byte] ^= 1 << bit;
			}
		}
		/* anything, anywhere */
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
		ok(!use(&body[b], &view, query, false), "the undamaged body is taken");
	}
	ok(refused > tried / 3, "damaged bodies: no crash, %d of %d flips in headers refused", refused, tried);
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
	test_tiny();
	test_metrics();
	test_search();
	test_bound();
	test_merge();
	test_duplicates();
	test_damage();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
