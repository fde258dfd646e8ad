/*
 * bench_merge.c
 *	  Merges of segments to one graph, outside of a server: rows joined a second of
 *	  processor time by one process, and recall of the merged graph.
 *
 *	  bench_merge base.npy [-s 90000,30000] [-k gg] [-m 16] [-c 64] [-M l2|cosine|ip]
 *		[-q sq8|f16|none|rabitq] [-e 20,40,100] [-r 1,2,3] [-Q 1000] [-p 1] [-L avx2]
 *		[-w folder] [-d 0.1] [-g megabytes] [-b | -t] [-v]
 *
 * -s: rows of each input, drawn from the file by chance; -k: a letter for each: g a graph, l
 * lists, f flat (the last one stands for those that follow). -r: seeds of the draws; means
 * come last. -Q: queries, other rows of the file, answered exactly by the vectors. -w: keep
 * inputs and answers in files of a folder, for the next run. -d: a share of the rows of each
 * input is dead. -g: rows of an area larger than this are inserted by place (near one of 256
 * rows of the area). -b: build one graph of the same rows, in the order of the file, in place of
 * a merge. -t: merge two inputs, the result and the next, and so on. -v: check the body. The
 * second figure of a recall is the share of queries without any row found. To build:
 * bench/micro/build.sh bench_merge.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "../../test/unit/pgshim.h"
#include "base/bits.h"
#include "hnsw/hnsw_work.h"
#include "ivf/ivf.h"
#include "kernels/kernels.h"
#include "vectors.h"
#include "graphs.h"
#include "scored.h"

#undef qsort
#undef snprintf

#define MAX_INPUTS	32
#define MAX_EFS		8
#define WANTED		10			/* rows that a query wants */

extern void __real_barq_code_keys(const BarqCodec *codec, const void *a, const char *base,
								  size_t stride, const uint32_t *ids, int n, float *keys);
extern void __wrap_barq_code_keys(const BarqCodec *codec, const void *a, const char *base,
								  size_t stride, const uint32_t *ids, int n, float *keys);

/* Codes that merges score count, too. */
void
__wrap_barq_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
					  const uint32_t *ids, int n, float *keys)
{
	scored += n;
	__real_barq_code_keys(codec, a, base, stride, ids, n, keys);
}

/* What is measured, and how. */
static const char *path;
static BarqHnswOptions options = {16, 64};
static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqQuantization quant = BARQ_QUANT_SQ8;
static BarqCodec codec;
static const float *base;
static long nbase;
static long dims;
static long nqueries = 1000;
static long sizes[MAX_INPUTS] = {90000, 30000};
static int	ninputs = 2;
static char kinds[MAX_INPUTS + 1];
static const char *folder;
static double dead_share;
static int	processes = 1;
static int	efs[MAX_EFS] = {20, 40, 100};
static int	nefs = 3;
static bool fresh;
static bool chain;
static bool verify;

/* Means over the seeds. */
static double sum_rate;
static double sum_recall[MAX_EFS];

/* The rows of the file in an order by chance, which a seed determines. */
static uint32 *
shuffled(long seed)
{
	uint32	   *ids = malloc(nbase * sizeof(uint32));

	srand48(seed);
	for (long i = 0; i < nbase; i++)
	{
		long		j = (long) (drand48() * (i + 1));

		ids[i] = ids[j];
		ids[j] = (uint32) i;
	}
	return ids;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* Write a flat body of vectors, by their numbers. */
static void
write_flat(BarqBodyWriter *flat, const uint32 *ids, long count)
{
	char	   *rows = malloc((size_t) count * codec.stride);
	ItemPointerData *tids = malloc(count * sizeof(ItemPointerData));

	for (long i = 0; i < count; i++)
	{
		if (!barq_codec_encode(&codec, base + (size_t) ids[i] * dims, rows + i * codec.stride))
			exit(1);
		ItemPointerSet(&tids[i], ids[i] / 256, ids[i] % 256 + 1);
	}
	shim_writer_init(flat);
	barq_flat_write(flat, &codec, rows, codec.stride, NULL, 0, tids, (uint32) count, false);
	free(rows);
	free(tids);
}

/* Make lists of them, as many as a sealed log has. */
static void
write_lists(BarqBodyWriter *body, const uint32 *ids, long count)
{
	BarqBodyWriter flat;
	BarqView	view;
	BarqMergeInput input;
	uint64		bytes;
	char	   *mem;
	BarqIvfWork *work;
	uint32		lists = (uint32) sqrt(count);

	write_flat(&flat, ids, count);
	view = shim_view(&flat, false);
	input = (BarqMergeInput) {&view, NULL, (uint32) count};
	bytes = barq_ivf_work_bytes(&codec, lists, &input, 1);
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	work = barq_ivf_work_load(mem, &codec, lists, &input, 1);
	barq_ivf_work_train(work, NULL, NULL);
	barq_ivf_work_assign(work, NULL, NULL);
	shim_writer_init(body);
	barq_body_write(body, mem + BARQ_AREA_BODY, barq_ivf_work_finish(work));
	munmap(mem, bytes);
	shim_writer_free(&flat);
}

/* The file of something that a seed and its arguments determine. */
static const char *
cached(const char *what, long seed, long first, long count)
{
	static char name[1024];
	const char *file = strrchr(path, '/');

	snprintf(name, sizeof(name), "%s/%s.%s.%d.%d.%d.%d.%ld.%ld.%ld", folder,
			 file == NULL ? path : file + 1, what, (int) metric, (int) quant, options.m,
			 options.ef_construction, seed, first, count);
	return name;
}

/* Make an input of the rows ids[first .. first + count - 1], or take it from its file. */
static void
make_input(BarqBodyWriter *body, char kind, uint32 *ids, long seed, long first, long count)
{
	const char *name = folder == NULL ? NULL :
		cached(kind == 'g' ? "graph" : kind == 'l' ? "lists" : "flat", seed, first, count);

	if (name != NULL && access(name, R_OK) == 0)
	{
		load_body(body, name);
		return;
	}
	if (kind == 'g')
		build_graph(&codec, (BarqHnswOptions) {options.m, options.ef_construction}, base, ids + first, count, 2, body);
	else if (kind == 'l')
		write_lists(body, ids + first, count);
	else
		write_flat(body, ids + first, count);
	if (name != NULL)
		save_body(body, name);
}

/*
 * The distance of the last row wanted for each query, by the vectors, of rows that are not
 * dead.
 */
static double *
farthest_rows(const uint32 *queries, const uint32 *ids, long count, const uint8 *dead, long seed)
{
	double	   *farthest = malloc(nqueries * sizeof(double));
	const char *name = folder == NULL ? NULL :
		cached("truth", seed, nqueries * 1000 + (long) (dead_share * 1000), count);
	int			fd = name == NULL ? -1 : open(name, O_RDONLY);
	BarqBodyWriter file;

	if (fd >= 0 && read(fd, farthest, nqueries * sizeof(double)) == nqueries * (long) sizeof(double))
	{
		close(fd);
		return farthest;
	}
	for (long q = 0; q < nqueries; q++)
	{
		double		best[WANTED + 1];
		int			n = 0;

		for (long i = 0; i < count; i++)
		{
			double		d;
			int			at;

			if (dead != NULL && barq_bit_is_set(dead, ids[i]))
				continue;
			d = float_distance(base + (size_t) queries[q] * dims, base + (size_t) ids[i] * dims,
							   (int) dims, metric);
			if (n == WANTED && d >= best[n - 1])
				continue;
			for (at = n; at > 0 && best[at - 1] > d; at--)
				best[at] = best[at - 1];
			best[at] = d;
			n = Min(n + 1, WANTED);
		}
		farthest[q] = best[WANTED - 1];
	}
	file = (BarqBodyWriter) {.data = (char *) farthest, .size = nqueries * sizeof(double)};
	if (name != NULL)
		save_body(&file, name);
	return farthest;
}

/* Recall of a body, and the share of the queries that find none; *us: time of a query. */
static double
measure(const BarqBodyWriter *body, const uint32 *queries, const double *farthest, int ef,
		double *none, double *us)
{
	BarqView	view = shim_view(body, false);
	const ItemPointerData *tids = (const ItemPointerData *)
		(body->data + ((const BarqBodyHeader *) body->data)->tids_off);
	void	   *mem = malloc(barq_query_bytes(&codec));
	long		good = 0;
	long		lost = 0;
	double		spent = 0;

	for (long q = 0; q < nqueries; q++)
	{
		const float *x = base + (size_t) queries[q] * dims;
		BarqSearchParams params = {.breadth = ef};
		BarqHit		hits[2 * WANTED];
		BarqSearch *search;
		Ranked		ranked[2 * WANTED];
		int			got;
		int			found = 0;
		double		t = cpu_now();

		shim_context_push();
		params.query = barq_query_prepare(mem, &codec, x);
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		got = barq_hnsw_kind.vectors->next(search, INFINITY, hits, 2 * WANTED);
		barq_hnsw_kind.vectors->end(search);
		shim_context_pop();
		spent += cpu_now() - t;
		for (int i = 0; i < got; i++)
			ranked[i].distance = float_distance(x, base + (size_t) tid_to_id(&tids[hits[i].row]) * dims,
												(int) dims, metric);
		qsort(ranked, got, sizeof(Ranked), compare_ranked);
		for (int i = 0; i < Min(got, WANTED); i++)
			found += ranked[i].distance <= farthest[q];
		good += found;
		lost += found == 0;
	}
	free(mem);
	*none = (double) lost / nqueries;
	*us = spent / nqueries * 1e6;
	return (double) good / (nqueries * WANTED);
}

static void
report_damage(void *arg, const char *place, const char *message)
{
	(void) arg;
	printf("  %s: %s\n", place, message);
}

/* BarqFindPlaces: each row is at the nearest of some. */
static uint32
find_places(const BarqCodec *c, const char *codes, uint32 n, uint32 *places, const char **centroids)
{
	enum
	{
		PLACES = 256
	};
	float		keys[PLACES];
	char	   *chosen = palloc(PLACES * c->stride);

	for (uint32 i = 0; i < PLACES; i++)
		memcpy(chosen + i * c->stride, codes + (uint64) i * n / PLACES * c->stride, c->stride);
	for (uint32 i = 0; i < n; i++)
	{
		barq_code_keys(c, codes + (uint64) i * c->stride, chosen, c->stride, NULL, PLACES, keys);
		places[i] = 0;
		for (uint32 place = 1; place < PLACES; place++)
			if (keys[place] < keys[places[i]])
				places[i] = place;
	}
	*centroids = chosen;
	return PLACES;
}

/* Merge inputs to a body, and print how long that takes. */
static void
merge_inputs(long seed, BarqMergeInput *inputs, int n, BarqBodyWriter *body)
{
	uint32		live = 0;
	uint64		bytes;
	char	   *area;
	BarqHnswWork *work;
	double		t[4];
	uint32		joined;

	for (int i = 0; i < n; i++)
		live += inputs[i].live;
	bytes = barq_hnsw_work_bytes(&codec, &options, live, 0);
	area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		exit(1);
	t[0] = cpu_now();
	shim_context_push();
	work = barq_hnsw_work_load(area, &codec, &options, inputs, n, NULL);
	shim_context_pop();
	t[1] = cpu_now();
	joined = live - pg_atomic_read_u32(&work->claimed);
	scored = 0;
	fflush(stdout);
	for (int p = 1; p < processes; p++)
		if (fork() == 0)
		{
			barq_hnsw_work_insert(work, report_progress, NULL);
			_exit(0);
		}
	barq_hnsw_work_insert(work, report_progress, NULL);
	t[2] = cpu_now();
	while (wait(NULL) > 0)
		;
	shim_context_push();
	shim_writer_init(body);
	barq_body_write(body, area + BARQ_AREA_BODY, barq_hnsw_work_finish(work));
	shim_context_pop();
	t[3] = cpu_now();
	munmap(area, bytes);
	printf("seed %ld: load %.2f s, %u rows in %.2f s, finish %.2f s; %.0f rows/s, %.0f codes a row\n",
		   seed, t[1] - t[0], joined, t[2] - t[1], t[3] - t[2], joined / (t[2] - t[1]),
		   (double) scored / joined);
	sum_rate += joined / (t[2] - t[1]);
}

/* Merge the first two inputs, the result and the third, and so on. */
static void
merge_in_turn(long seed, BarqMergeInput *inputs, int n, BarqBodyWriter *body)
{
	BarqBodyWriter merged = {0};
	BarqMergeInput pair[2] = {inputs[0]};
	BarqView	view;

	for (int i = 1; i < n; i++)
	{
		pair[1] = inputs[i];
		merge_inputs(seed, pair, 2, body);
		if (i > 1)
			shim_writer_free(&merged);
		merged = *body;
		view = shim_view(&merged, false);
		pair[0] = (BarqMergeInput) {&view, NULL, view.rows};
	}
}

/* Merge the inputs of a seed, or build a graph of their rows, and measure. */
static void
run(long seed)
{
	uint32	   *ids = shuffled(seed);
	BarqBodyWriter bodies[MAX_INPUTS];
	BarqView	views[MAX_INPUTS];
	BarqMergeInput inputs[MAX_INPUTS];
	uint8	   *dead = calloc(1, nbase / 8 + 1);	/* by number in the file */
	long		rows = 0;
	BarqBodyWriter body;
	double	   *farthest;
	const uint32 *queries;
	int			n = ninputs;

	for (int i = 0; i < ninputs; i++)
		rows += sizes[i];
	if (rows + nqueries > nbase)
	{
		fprintf(stderr, "%s has not so many rows\n", path);
		exit(1);
	}
	for (long i = 0; i < nbase && dead_share > 0; i++)
		if (drand48() < dead_share)
			barq_bit_set(dead, i);
	queries = ids + rows;
	if (fresh)
	{
		n = 1;
		qsort(ids, rows, sizeof(uint32), compare_ids);
		write_flat(&bodies[0], ids, rows);
	}
	else
		for (long i = 0, first = 0; i < ninputs; first += sizes[i++])
			make_input(&bodies[i], kinds[i], ids, seed, first, sizes[i]);
	for (int i = 0; i < n; i++)
	{
		const ItemPointerData *tids = (const ItemPointerData *)
			(bodies[i].data + ((const BarqBodyHeader *) bodies[i].data)->tids_off);
		uint8	   *bits;

		views[i] = shim_view(&bodies[i], false);
		bits = calloc(1, views[i].rows / 8 + 1);
		inputs[i] = (BarqMergeInput) {&views[i], dead_share > 0 ? bits : NULL, views[i].rows};
		for (uint32 row = 0; row < views[i].rows; row++)
			if (barq_bit_is_set(dead, tid_to_id(&tids[row])))
			{
				barq_bit_set(bits, row);
				inputs[i].live--;
			}
	}
	farthest = farthest_rows(queries, ids, rows, dead, seed);

	if (chain)
		merge_in_turn(seed, inputs, n, &body);
	else
		merge_inputs(seed, inputs, n, &body);
	for (int i = 0; i < nefs; i++)
	{
		double		none;
		double		us;
		double		recall;

		scored = 0;
		recall = measure(&body, queries, farthest, efs[i], &none, &us);
		printf("  %d: %.4f (%.4f) %.0f us, %.0f codes", efs[i], recall, none, us,
			   (double) scored / nqueries);
		sum_recall[i] += recall;
	}
	printf("\n");
	if (verify)
	{
		BarqView	view = shim_view(&body, false);

		barq_hnsw_kind.check(&view, report_damage, NULL);
	}
	fflush(stdout);
	shim_writer_free(&body);
	free(farthest);
	free(dead);
	free(ids);
}

/* Numbers between commas; returns how many. */
static int
numbers(char *list, int max, long *to)
{
	int			n = 0;

	for (char *tok = strtok(list, ","); tok != NULL && n < max; tok = strtok(NULL, ","))
		to[n++] = atol(tok);
	return n;
}

int
main(int argc, char **argv)
{
	long		seeds[32] = {1};
	long		values[MAX_EFS];
	int			nseeds = 1;
	const char *level = "auto";
	int			opt;

	memset(kinds, 'g', MAX_INPUTS);
	while ((opt = getopt(argc, argv, "s:k:m:c:M:q:e:r:Q:p:L:w:d:g:btv")) != -1)
	{
		switch (opt)
		{
			case 's':
				ninputs = numbers(optarg, MAX_INPUTS, sizes);
				break;
			case 'k':
				for (int i = 0, at = 0; i < MAX_INPUTS; i++)
				{
					kinds[i] = optarg[at];
					at += optarg[at + 1] != '\0';
				}
				break;
			case 'm':
				options.m = atoi(optarg);
				break;
			case 'c':
				options.ef_construction = atoi(optarg);
				break;
			case 'M':
				metric = metric_named(optarg);
				break;
			case 'q':
				quant = quantization_named(optarg);
				break;
			case 'e':
				nefs = numbers(optarg, MAX_EFS, values);
				for (int i = 0; i < nefs; i++)
					efs[i] = (int) values[i];
				break;
			case 'r':
				nseeds = numbers(optarg, 32, seeds);
				break;
			case 'Q':
				nqueries = atol(optarg);
				break;
			case 'p':
				processes = atoi(optarg);
				break;
			case 'L':
				level = optarg;
				break;
			case 'w':
				folder = optarg;
				break;
			case 'd':
				dead_share = atof(optarg);
				break;
			case 'g':
				options.memory = strtoull(optarg, NULL, 10) * 1024 * 1024;
				options.find_places = find_places;
				break;
			case 'b':
				fresh = true;
				break;
			case 't':
				chain = true;
				break;
			case 'v':
				verify = true;
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 1)
	{
		fprintf(stderr, "usage: bench_merge [options] base.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select(level);
	path = argv[optind];
	base = load_npy(path, &nbase, &dims);
	barq_codec_init(&codec, metric, quant, (int) dims);
	for (int i = 0; i < nseeds; i++)
		run(seeds[i]);
	printf("mean: %.0f rows/s", sum_rate / nseeds);
	for (int i = 0; i < nefs; i++)
		printf("  %d: %.4f", efs[i], sum_recall[i] / nseeds);
	printf("\n");
	return 0;
}
