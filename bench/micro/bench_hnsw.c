/*
 * bench_hnsw.c
 *	  Build time, recall and latency of the HNSW kind outside of a server.
 *
 *	  bench_hnsw base.npy query.npy gt.npy [-m 16] [-c 64] [-p 2]
 *		[-M cosine|l2|ip|l1|hamming|jaccard] [-q sq8|f16|none|rabitq|bits|sparse] [-k 10] [-e 40,80,160]
 *		[-o body | -i body] [-s 0.01,0.1] [-d 0.1] [-n rows] [-Q queries] [-f]
 *
 * -o, -i: keep the body in a file; measure one kept there, without building.
 * -s: search again with these shares of the rows skipped.
 * -n, -Q: use the first rows and queries alone; gt.npy then has to be `-`: the
 * truth is computed. -f: search the flat body too.
 * -d: then delete this share of the rows and merge: time of keeping the graph.
 *
 * Files are .npy (float32, int32, C order). -q bits: a bit a dimension, set where
 * the float is positive; -q sparse: the floats that are not zero. Rows are re-ranked with the float
 * query against their codes and, as a server does it, with the vectors. Times
 * of searches are CPU times, the shortest of several runs; `scored` counts
 * codes scored a query: the linker wraps the functions that score, to count. To build:
 * bench/micro/build.sh bench_hnsw.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "hnsw/hnsw_work.h"
#include "kernels/kernels.h"
#include "vectors.h"
#include "graphs.h"
#include "scored.h"

#undef qsort

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Codes that builds score count, too. */
extern void __real_barq_code_keys(const BarqCodec *codec, const void *a,
								  const char *base, size_t stride,
								  const uint32_t *ids, int n, float *keys);
extern void __wrap_barq_code_keys(const BarqCodec *codec, const void *a,
								  const char *base, size_t stride,
								  const uint32_t *ids, int n, float *keys);

void
__wrap_barq_code_keys(const BarqCodec *codec, const void *a, const char *base,
					  size_t stride, const uint32_t *ids, int n, float *keys)
{
	scored += n;
	__real_barq_code_keys(codec, a, base, stride, ids, n, keys);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* What is measured, and how. */
static int	m = 16;
static int	efc = 64;
static int	processes = 2;
static int	k = 10;
static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqQuantization quant = BARQ_QUANT_SQ8;
static BarqCodec codec;
static long n;
static long dims;
static long nq;
static const float *base;
static const float *query;
static const int32 *gt;
static long gtk;

/* the longest row of bits or of a sparse vector */
#define MAX_ROW		(16 + 8 * BARQ_SPARSE_MAX_NNZ)

/* A float vector as the codec takes values; good until the next call. */
static const void *
value_of(const float *x)
{
	static char memory[8 + 8 * BARQ_SPARSE_MAX_NNZ] pg_attribute_aligned(8);
	BarqSparseValue *sparse = (BarqSparseValue *) memory;
	int			at = 0;

	if (quant == BARQ_QUANT_BITS)
	{
		bits_of(x, dims, (uint8 *) memory);
		return memory;
	}
	if (quant != BARQ_QUANT_SPARSE)
		return x;
	sparse->nnz = 0;
	for (long i = 0; i < dims; i++)
		if (x[i] != 0)
			sparse->entries[sparse->nnz++] = (int32) i;
	for (long i = 0; i < dims; i++)
		if (x[i] != 0)
			((float *) (sparse->entries + sparse->nnz))[at++] = x[i];
	return sparse;
}

static double
exact(const float *a, const float *b, int dims, BarqMetric metric)
{
	double		distance;

	if (quant == BARQ_QUANT_BITS || quant == BARQ_QUANT_SPARSE)
	{
		static void *row = NULL;
		static void *mem = NULL;

		/* its rows lose nothing */
		if (row == NULL)
		{
			row = malloc(MAX_ROW);
			mem = malloc(barq_query_bytes(&codec));
		}
		if (!barq_codec_encode(&codec, value_of(b), row))
			exit(1);
		barq_query_rescore(barq_query_prepare(mem, &codec, value_of(a)), row, &distance, &distance);
		return distance;
	}
	return float_distance(a, b, dims, metric);
}

/* Encode into a flat body: what a merge has for input. */
static void
encode(BarqBodyWriter *flat)
{
	double		t = now();
	char	   *rows = malloc((size_t) n * codec.stride);
	ItemPointerData *tids = malloc(n * sizeof(ItemPointerData));

	for (long i = 0; i < n; i++)
	{
		const void *value = value_of(base + i * dims);
		char	   *code = rows + i * codec.stride;
		char	   *row = code;

		if (barq_codec_has_heads(&codec))
			row = malloc(barq_value_row_bytes(&codec, value));
		if (!barq_codec_encode(&codec, value, row))
			exit(1);
		if (row != code)
			barq_row_head(&codec, code, row, row - code);
		ItemPointerSet(&tids[i], i / 256, i % 256 + 1);
	}
	shim_writer_init(flat);
	barq_flat_write(flat, &codec, rows, codec.stride, NULL, 0, tids, (uint32) n, false);
	free(rows);
	free(tids);
	printf("%ld x %ld, row %u bytes, kernels %s; encoded in %.2f s\n",
		   n, dims, codec.row_bytes, barq_kernels->name, now() - t);
}

static void
build(const BarqBodyWriter *flat, BarqBodyWriter *body)
{
	BarqHnswOptions options = {m, efc};
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, (uint32) n};
	uint64		bytes = barq_hnsw_work_bytes(&codec, &options, (uint32) n,
											 barq_vector_rows_bytes(&input));
	char		path[] = "/dev/shm/bench_hnsw.XXXXXX";
	int			fd = mkstemp(path);
	char	   *area;
	struct rusage usage;
	BarqHnswWork *work;
	double		t = now();
	double		cpu;
	uint64		links = 0;

	if (fd < 0 || ftruncate(fd, bytes) != 0)
		exit(1);
	unlink(path);
	area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	work = barq_hnsw_work_load(area, &codec, &options, &input, 1, NULL);
	printf("load %.2f s (%.1f MB)\n", now() - t, bytes / 1e6);
	t = now();
	cpu = cpu_now();
	scored = 0;
	for (int p = 1; p < processes; p++)
	{
		if (fork() == 0)
		{
			barq_hnsw_work_insert(work, report_progress, NULL);
			_exit(0);
		}
	}
	barq_hnsw_work_insert(work, report_progress, NULL);
	cpu = cpu_now() - cpu;
	while (wait(NULL) > 0)
		;
	getrusage(RUSAGE_CHILDREN, &usage);
	cpu += usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6;
	for (long i = 0; i < n; i++)
		links += hnsw_list_length(hnsw_work_list(work, 0, i), 2 * m);
	printf("insert %.2f s, CPU %.2f s, %.1f links a row, scored %.1f a row%s\n",
		   now() - t, cpu, (double) links / n, (double) scored / n,
		   processes > 1 ? " by this process" : "");
	fflush(stdout);
	t = now();
	shim_writer_init(body);
	barq_body_write(body, area + BARQ_AREA_BODY, barq_hnsw_work_finish(work));
	printf("write %.2f s (%.1f MB)\n", now() - t, body->size / 1e6);
	munmap(area, bytes);
	close(fd);
}

static uint8 *
random_bits(double share, uint32 *set)
{
	uint8	   *bits = calloc(1, n / 8 + 1);

	*set = 0;
	srand48(1);
	for (long i = 0; i < n; i++)
	{
		if (drand48() < share)
		{
			bits[i / 8] |= 1 << (i % 8);
			++*set;
		}
	}
	return bits;
}

static void
merge(BarqView *view, double dead_share)
{
	BarqHnswOptions options = {m, efc};
	uint32		set;
	uint8	   *dead = random_bits(dead_share, &set);
	BarqMergeInput input = {view, dead, (uint32) n - set};
	char	   *area = mmap(NULL, barq_hnsw_work_bytes(&codec, &options, input.live,
													   barq_vector_rows_bytes(&input)),
							PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double		t = now();
	BarqHnswWork *work = barq_hnsw_work_load(area, &codec, &options, &input, 1, NULL);

	printf("merge: %u of %u live rows kept with their graph in %.2f s\n",
		   work->kept, input.live, now() - t);
	free(dead);
}

/* The k nearest of base to each query, by distances of the vectors. */
static const int32 *
exact_truth(void)
{
	int32	   *truth = malloc(nq * k * sizeof(int32));
	Ranked	   *all = malloc(n * sizeof(Ranked));

	for (long q = 0; q < nq; q++)
	{
		for (long i = 0; i < n; i++)
		{
			all[i].distance = exact(query + q * dims, base + i * dims, dims, metric);
			all[i].id = (uint32) i;
		}
		qsort(all, n, sizeof(Ranked), compare_ranked);
		for (int i = 0; i < k; i++)
			truth[q * k + i] = (int32) all[i].id;
	}
	free(all);
	return truth;
}

/* Of the nearest k, how many are in gt? */
static int
count_good(const Ranked *ranked, int got, long q)
{
	const float *x = query + q * dims;
	double		farthest = exact(x, base + (long) gt[q * gtk + k - 1] * dims, dims, metric);
	int			good = 0;

	/* another row as far as the last is as good: of bits there are many */
	for (int i = 0; i < Min(k, got); i++)
		good += exact(x, base + (long) ranked[i].id * dims, dims, metric) <= farthest;
	return good;
}

/* Of gt's k, how many may be found? */
static int
count_wanted(long q, const bool *skipped)
{
	int			wanted = k;

	for (int j = 0; j < k; j++)
		wanted -= skipped[gt[q * gtk + j]];
	return wanted;
}

static void
search_all(BarqView *view, const char *efs, const uint8 *skip)
{
	const BarqSegmentKind *kind = view->kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
	const ItemPointerData *tids = (const ItemPointerData *)
		(view->base + ((const BarqBodyHeader *) view->base)->tids_off);
	char	   *list = strdup(efs);
	void	   *mem = malloc(barq_query_bytes(&codec));
	BarqHit    *hits = malloc(sizeof(BarqHit) * 10000);
	Ranked	   *ranked = malloc(sizeof(Ranked) * 10000);
	double	   *times = malloc(sizeof(double) * nq);
	bool	   *skipped = calloc(sizeof(bool), n);	/* by id */

	for (uint32 row = 0; skip != NULL && row < n; row++)
		skipped[tid_to_id(&tids[row])] = barq_bit_is_set(skip, row);
	printf("    ef   recall  (codes only)     us/query    p50    p99   scored\n");
	for (char *tok = strtok(list, ","); tok != NULL; tok = strtok(NULL, ","))
	{
		int			ef = atoi(tok);
		long		good = 0;
		long		good_codes = 0;
		long		wanted = 0;
		double		best = INFINITY;

		for (int run = 0; run < 5; run++)
		{
			double		total = 0;

			good = good_codes = wanted = 0;
			scored = 0;
			for (long q = 0; q < nq; q++)
			{
				BarqSearchParams params = {.breadth = ef, .skip = skip};
				BarqSearch *search;
				BarqQuery  *prepared;
				int			got;
				int			top = Max(2 * k, k + 10);
				const void *value = value_of(query + q * dims);
				double		t0 = cpu_now();

				shim_context_push();
				prepared = barq_query_prepare(mem, &codec, value);
				params.query = prepared;
				search = kind->vectors->begin(view, &params);
				got = kind->vectors->next(search, INFINITY, hits, top);
				for (int i = 0; i < got; i++)
				{
					double		low;

					barq_query_rescore(prepared,
									   kind->vectors->row_code(view, hits[i].row),
									   &ranked[i].distance, &low);
					ranked[i].id = tid_to_id(&tids[hits[i].row]);
				}
				qsort(ranked, got, sizeof(Ranked), compare_ranked);
				kind->vectors->end(search);
				shim_context_pop();
				times[q] = cpu_now() - t0;
				total += times[q];

				good_codes += count_good(ranked, got, q);
				for (int i = 0; i < got; i++)
					ranked[i].distance = exact(query + q * dims,
											   base + (long) ranked[i].id * dims,
											   dims, metric);
				qsort(ranked, got, sizeof(Ranked), compare_ranked);
				good += count_good(ranked, got, q);
			}
			best = Min(best, total);
		}
		for (long q = 0; q < nq; q++)
			wanted += count_wanted(q, skipped);
		qsort(times, nq, sizeof(double), compare_doubles);
		printf("%6d   %.4f  (%.4f)        %8.1f  %7.1f %7.1f  %7.1f\n", ef,
			   (double) good / wanted, (double) good_codes / wanted,
			   best / nq * 1e6, times[nq / 2] * 1e6, times[nq * 99 / 100] * 1e6,
			   (double) scored / nq);
		fflush(stdout);
	}
	free(list);
	free(mem);
	free(hits);
	free(ranked);
	free(times);
	free(skipped);
}

int
main(int argc, char **argv)
{
	const char *efs = "20,40,80,160,320,640";
	const char *out = NULL;
	const char *in = NULL;
	char	   *shares = NULL;
	char	   *left = NULL;
	double		dead_share = 0;
	long		max_rows = LONG_MAX;
	long		max_queries = LONG_MAX;
	bool		search_flat = false;
	int			opt;
	long		d;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	BarqView	view;

	while ((opt = getopt(argc, argv, "m:c:p:M:q:k:e:d:o:i:s:n:Q:f")) != -1)
	{
		switch (opt)
		{
			case 'm':
				m = atoi(optarg);
				break;
			case 'c':
				efc = atoi(optarg);
				break;
			case 'p':
				processes = atoi(optarg);
				break;
			case 'k':
				k = atoi(optarg);
				break;
			case 'd':
				dead_share = atof(optarg);
				break;
			case 'e':
				efs = optarg;
				break;
			case 'o':
				out = optarg;
				break;
			case 'i':
				in = optarg;
				break;
			case 'n':
				max_rows = atol(optarg);
				break;
			case 'Q':
				max_queries = atol(optarg);
				break;
			case 'f':
				search_flat = true;
				break;
			case 's':
				shares = optarg;
				break;
			case 'M':
				metric = strcmp(optarg, "l2") == 0 ? BARQ_METRIC_L2 :
					strcmp(optarg, "ip") == 0 ? BARQ_METRIC_IP :
					strcmp(optarg, "hamming") == 0 ? BARQ_METRIC_HAMMING :
					strcmp(optarg, "jaccard") == 0 ? BARQ_METRIC_JACCARD :
					strcmp(optarg, "l1") == 0 ? BARQ_METRIC_L1 : BARQ_METRIC_COSINE;
				break;
			case 'q':
				quant = strcmp(optarg, "none") == 0 ? BARQ_QUANT_NONE :
					strcmp(optarg, "f16") == 0 ? BARQ_QUANT_F16 :
					strcmp(optarg, "rabitq") == 0 ? BARQ_QUANT_RABITQ :
					strcmp(optarg, "bits") == 0 ? BARQ_QUANT_BITS :
					strcmp(optarg, "sparse") == 0 ? BARQ_QUANT_SPARSE : BARQ_QUANT_SQ8;
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 3)
	{
		fprintf(stderr, "usage: bench_hnsw [options] base.npy query.npy gt.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select("auto");
	base = load_npy(argv[optind], &n, &dims);
	query = load_npy(argv[optind + 1], &nq, &d);
	n = Min(n, max_rows);
	nq = Min(nq, max_queries);
	gtk = k;
	barq_codec_init(&codec, metric, quant, (int) dims);
	if (strcmp(argv[optind + 2], "-") == 0)
		gt = exact_truth();
	else
		gt = load_npy(argv[optind + 2], &d, &gtk);

	if (in != NULL)
		load_body(&body, in);
	else
	{
		encode(&flat);
		build(&flat, &body);
	}
	if (search_flat && in == NULL)
	{
		view = shim_view(&flat, false);
		search_all(&view, "0", NULL);
	}
	if (out != NULL)
		save_body(&body, out);
	view = shim_view(&body, false);
	if (dead_share > 0)
		merge(&view, dead_share);

	search_all(&view, efs, NULL);
	for (char *tok = shares == NULL ? NULL : strtok_r(shares, ",", &left); tok != NULL;
		 tok = strtok_r(NULL, ",", &left))
	{
		uint32		set;
		uint8	   *skip = random_bits(atof(tok), &set);

		printf("%u of %ld rows skipped\n", set, n);
		search_all(&view, efs, skip);
		free(skip);
	}
	return 0;
}
