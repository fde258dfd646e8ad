/*
 * bench_ivf.c
 *	  Build time, recall and latency of the IVF kind outside of a server.
 *
 *	  bench_ivf base.npy query.npy [-l 600,1200] [-p 10,20,40 | -r 0.95,0.98] [-n rows]
 *		[-Q queries] [-M cosine|l2|ip|hamming] [-q sq8|f16|none|rabitq|bits]
 *		[-w processes] [-f]
 *
 * For each number of lists (0: chosen) a body is made, and searched with each
 * number of probes (0: chosen), or with the fewest that reach each recall (-r).
 * -f: search the flat body too. Files are .npy (float32, C order); -q bits: a
 * bit a dimension, set where the float is positive. recall@10 against exact
 * search, of the best 40 by keys re-ranked with the vectors, a row as far as
 * the tenth being as good; times of searches are CPU times with the re-scoring,
 * the shortest of several runs. To build:
 * bench/micro/build.sh bench_ivf.
 */
#include "postgres.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "ivf/ivf_layout.h"
#include "kernels/kernels.h"
#include "vectors.h"

#undef qsort

#define K		10
#define WANT	40				/* rows re-ranked, as at ef_search 40 */
#define RUNS	5

static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqQuantization quant = BARQ_QUANT_SQ8;
static BarqCodec codec;
static long n = 0;
static long dims;
static long nq = 200;
static int	processes = 1;
static const float *base;
static const float *query;
static double *truth;			/* distance of the K-th nearest of each query */

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* A float vector as the codec takes values; good until the next call. */
static const void *
value_of(const float *x)
{
	static uint8 *bits = NULL;

	if (quant != BARQ_QUANT_BITS)
		return x;
	if (bits == NULL)
		bits = malloc(dims / 8 + 1);
	bits_of(x, dims, bits);
	return bits;
}

static double
exact(const float *q, uint32 id)
{
	const float *x = base + (size_t) id * dims;
	float		ab;
	float		aa;
	float		bb;

	if (metric == BARQ_METRIC_HAMMING)
	{
		long		differ = 0;

		for (long i = 0; i < dims; i++)
			differ += (q[i] > 0) != (x[i] > 0);
		return differ;
	}
	if (metric == BARQ_METRIC_L2)
		return barq_kernels->l2sq(q, x, (int) dims);
	if (metric == BARQ_METRIC_IP)
		return -barq_kernels->ip(q, x, (int) dims);
	barq_kernels->cosine_parts(q, x, (int) dims, &ab, &aa, &bb);
	return 1 - ab / sqrt((double) aa * bb);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void
find_truth(void)
{
	double	   *d = malloc(sizeof(double) * n);

	truth = malloc(sizeof(double) * nq);
	for (long q = 0; q < nq; q++)
	{
		for (long i = 0; i < n; i++)
			d[i] = exact(query + q * dims, (uint32) i);
		qsort(d, n, sizeof(double), compare_doubles);
		truth[q] = d[Min(K, n) - 1];
	}
	free(d);
}

static uint32
tid_to_id(const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) * 256 + ItemPointerGetOffsetNumber(tid) - 1;
}

static void
make_flat(BarqBodyWriter *writer)
{
	char	   *rows = malloc((size_t) n * codec.row_bytes);
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * n);

	for (long i = 0; i < n; i++)
	{
		(void) barq_codec_encode(&codec, value_of(base + i * dims), rows + i * codec.row_bytes);
		ItemPointerSet(&tids[i], i / 256, i % 256 + 1);
	}
	shim_writer_init(writer);
	barq_flat_write(writer, &codec, rows, codec.row_bytes, NULL, 0, tids, (uint32) n, false);
	free(rows);
	free(tids);
}

static void
build(const BarqBodyWriter *flat, uint32 lists, BarqBodyWriter *writer)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, view.rows};
	uint64		bytes = barq_ivf_work_bytes(&codec, lists, &input, 1);
	char	   *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double		began = seconds(CLOCK_MONOTONIC);
	double		trained;
	double		assigned;
	BarqIvfWork *work = barq_ivf_work_load(mem, &codec, lists, &input, 1);

	for (int p = 1; p < processes; p++)
		if (fork() == 0)
		{
			barq_ivf_work_help(barq_ivf_work_attach(mem), NULL, NULL);
			_exit(0);
		}
	barq_ivf_work_train(work, NULL, NULL);
	trained = seconds(CLOCK_MONOTONIC);
	barq_ivf_work_assign(work, NULL, NULL);
	assigned = seconds(CLOCK_MONOTONIC);
	while (wait(NULL) > 0)
		;
	shim_writer_init(writer);
	barq_body_write(writer, mem + BARQ_AREA_BODY, barq_ivf_work_finish(work));
	munmap(mem, bytes);
	printf("# trained in %.2f s, assigned in %.2f s, written in %.2f s\n", trained - began,
		   assigned - trained, seconds(CLOCK_MONOTONIC) - assigned);
}

/* Search with every query; the share of true neighbours, and µs a query. */
static double
search(const BarqBodyWriter *body, const BarqSegmentKind *kind, uint32 probes, int runs,
	   double *us)
{
	BarqView	view = shim_view(body, false);
	const BarqBodyHeader *header = (const BarqBodyHeader *) body->data;
	const ItemPointerData *tids = (const ItemPointerData *) (body->data + header->tids_off);
	void	   *mem = malloc(barq_query_bytes(&codec));
	double		best = 1e9;
	long		found = 0;

	for (int run = 0; run < runs; run++)
	{
		double		taken = 0;

		found = 0;
		for (long q = 0; q < nq; q++)
		{
			const void *value = value_of(query + q * dims);
			double		began = seconds(CLOCK_PROCESS_CPUTIME_ID);
			BarqQuery  *prepared = barq_query_prepare(mem, &codec, value);
			BarqSearchParams params = {.query = prepared, .breadth = WANT, .probes = (int) probes};
			BarqHit		hits[WANT];
			double		distance[WANT];
			double		bound;
			BarqSearch *s;
			int			got;
			int			good = 0;

			shim_context_push();
			s = kind->vectors->begin(&view, &params);
			got = kind->vectors->next(s, INFINITY, hits, WANT);
			for (int i = 0; i < got; i++)
				barq_query_rescore(prepared, kind->vectors->row_code(&view, hits[i].row),
								   &distance[i], &bound);
			kind->vectors->end(s);
			shim_context_pop();
			taken += seconds(CLOCK_PROCESS_CPUTIME_ID) - began;
			for (int i = 0; i < got; i++)
				good += exact(query + q * dims, tid_to_id(&tids[hits[i].row])) <= truth[q];
			found += Min(good, K);
		}
		best = Min(best, taken);
	}
	free(mem);
	*us = best * 1e6 / nq;
	return (double) found / (nq * Min(K, n));
}

static void
report(const BarqBodyWriter *body, const BarqSegmentKind *kind, uint32 probes)
{
	double		us;
	double		recall = search(body, kind, probes, RUNS, &us);

	printf("%s, probes %u: recall %.4f, %.1f us\n", kind->name, probes, recall, us);
	fflush(stdout);
}

/* The fewest probes, to a sixth, that reach a recall; of all lists, all. */
static uint32
probes_for(const BarqBodyWriter *body, uint32 lists, double wanted)
{
	double		us;
	uint32		probes = 1;

	while (probes < lists && search(body, &barq_ivf_kind, probes, 1, &us) < wanted)
		probes += 1 + probes / 6;
	return Min(probes, lists);
}

int
main(int argc, char **argv)
{
	const char *lists = "0";
	const char *probes = "0";
	const char *recalls = "";
	bool		flat_too = false;
	BarqBodyWriter flat;
	long		rows;
	long		queries;
	char	   *left;
	char	   *next;
	int			c;

	while ((c = getopt(argc, argv, "l:p:r:n:Q:M:q:w:f")) != -1)
		switch (c)
		{
			case 'l':
				lists = optarg;
				break;
			case 'p':
				probes = optarg;
				break;
			case 'r':
				probes = "";
				recalls = optarg;
				break;
			case 'n':
				n = atol(optarg);
				break;
			case 'Q':
				nq = atol(optarg);
				break;
			case 'M':
				metric = optarg[0] == 'l' ? BARQ_METRIC_L2 :
					optarg[0] == 'i' ? BARQ_METRIC_IP :
					optarg[0] == 'h' ? BARQ_METRIC_HAMMING : BARQ_METRIC_COSINE;
				break;
			case 'q':
				quant = optarg[0] == 'n' ? BARQ_QUANT_NONE :
					optarg[0] == 'f' ? BARQ_QUANT_F16 :
					optarg[0] == 'r' ? BARQ_QUANT_RABITQ :
					optarg[0] == 'b' ? BARQ_QUANT_BITS : BARQ_QUANT_SQ8;
				break;
			case 'w':
				processes = atoi(optarg);
				break;
			case 'f':
				flat_too = true;
				break;
			default:
				return 1;
		}
	if (argc - optind != 2)
	{
		fprintf(stderr, "bench_ivf base.npy query.npy …: see the head of bench_ivf.c\n");
		return 1;
	}
	shim_init();
	barq_kernels_init();
	base = load_npy(argv[optind], &rows, &dims);
	query = load_npy(argv[optind + 1], &queries, &dims);
	n = n > 0 ? Min(n, rows) : rows;
	nq = Min(nq, queries);
	barq_codec_init(&codec, metric, quant, (int) dims);
	find_truth();
	make_flat(&flat);
	printf("# %ld x %ld, %u bytes a row, %s\n", n, dims, codec.stride, barq_kernels->name);
	if (flat_too)
		report(&flat, &barq_flat_kind, 0);
	for (const char *l = lists; *l != '\0'; l = *left == ',' ? left + 1 : left)
	{
		BarqBodyWriter body;
		BarqView	view;
		IvfLists	opened;

		build(&flat, (uint32) strtoul(l, &left, 10), &body);
		view = shim_view(&body, false);
		barq_ivf_open(&view, &opened);
		printf("# %u lists, cost %.4f, imbalance %.2f\n", opened.header.lists,
			   opened.header.cost, opened.header.imbalance);
		for (const char *p = probes; *p != '\0'; p = *next == ',' ? next + 1 : next)
		{
			uint32		count = (uint32) strtoul(p, &next, 10);

			report(&body, &barq_ivf_kind,
				   count > 0 ? count : barq_ivf_choose_probes(opened.header.lists));
		}
		for (const char *r = recalls; *r != '\0'; r = *next == ',' ? next + 1 : next)
			report(&body, &barq_ivf_kind,
				   probes_for(&body, opened.header.lists, strtod(r, &next)));
		shim_writer_free(&body);
	}
	return 0;
}
