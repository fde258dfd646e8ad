/*
 * bench_curve.c
 *	  What measuring a segment's recall curve costs and how sure it is, outside of a server.
 *
 *	  bench_curve base.npy [-m 16] [-c 64] [-p 2] [-M cosine|l2|ip] [-q sq8|none|f16|rabitq]
 *		[-n rows] [-o body | -i body] [-r 3] [-s samples] [-Q queries.npy] [-d dump]
 *
 * Builds a graph (-o keeps its body in a file; -i reads one), and prints the processor time of
 * the build and of barq_measure_curve(), the shortest of -r runs, with the breadths that
 * the curve gives for some targets.
 *
 * -d: writes what `samples` rows, evenly spread, need as queries: a line a sample with the
 * breadths of its hundred nearest and their distances by the codes, as float32 (200 numbers; -1
 * where no walk meets a row). With -Q the same of queries that are not rows. To build:
 * bench/micro/build.sh bench_curve.
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
#include "base/stats.h"
#include "hnsw/hnsw_work.h"
#include "ivf/ivf.h"
#include "kernels/kernels.h"
#include "vector_index/recall_measure.h"
#include "vectors.h"
#include "graphs.h"

#undef qsort

#define NEAREST		100

static BarqCodec codec;
static BarqHnswOptions options = {BARQ_HNSW_DEFAULT_M, BARQ_HNSW_DEFAULT_EF_CONSTRUCTION};

/* What recall_measure.c asks of other parts of the server. */
const BarqSegmentKind *
barq_segment_kind(uint16 id)
{
	return id == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
}

void
barq_vector_codec(const BarqFrozenOptions *frozen, BarqCodec *of)
{
	(void) frozen;
	*of = codec;
}

const BarqVectorOptions *
barq_vector_options(const BarqFrozenOptions *frozen)
{
	static BarqVectorOptions of;

	(void) frozen;
	of.m = (uint16) options.m;
	of.ef_construction = (uint16) options.ef_construction;
	return &of;
}

uint64
barq_elapsed_us(instr_time start)
{
	(void) start;
	return PG_UINT64_MAX;		/* no more samples than needed */
}

/* What a query needs, as a line of the dump. */
static void
dump_query(FILE *file, BarqView *view, const void *value, uint32 absent)
{
	BarqNeighbour nearest[NEAREST];
	float		line[2 * NEAREST];
	BarqMeasured measured = {.absent = absent, .asked = NEAREST, .nearest = nearest};
	int			n;

	measured.query = barq_query_prepare(palloc(barq_query_bytes(&codec)), &codec, value);
	barq_measure_nearest(view, false, &measured, 1, NEAREST, NULL);
	n = measured.n;
	for (int i = 0; i < NEAREST; i++)
	{
		line[i] = i < n && nearest[i].needed != BARQ_BREADTH_NEVER ? (float) nearest[i].needed : -1;
		line[NEAREST + i] = i < n ? (float) nearest[i].distance : INFINITY;
	}
	fwrite(line, sizeof(line), 1, file);
}

static void
dump(const char *path, BarqView *view, uint32 rows, long samples, const char *queries)
{
	FILE	   *file = fopen(path, "w");
	const float *query = NULL;
	long		dims;

	if (file == NULL)
		exit(1);
	if (queries != NULL)
		query = load_npy(queries, &samples, &dims);
	for (long i = 0; i < samples; i++)
	{
		uint32		row = queries != NULL ? BARQ_NO_ROW : (uint32) ((double) i * rows / samples);

		shim_context_push();
		if (queries != NULL)
			dump_query(file, view, query + i * dims, row);
		else
		{
			const void *code = barq_vector_row_code(view, row);
			void	   *value = palloc(barq_row_value_bytes(&codec, code));

			barq_row_value(&codec, code, value);
			dump_query(file, view, value, row);
		}
		shim_context_pop();
	}
	fclose(file);
}

static void
measure(BarqView *view, int repeats)
{
	const double targets[] = {0.8, 0.9, 0.95, 0.98, 0.99};
	BarqFrozenOptions frozen = {.index_kind = BARQ_KIND_HNSW};
	uint64		statistics[8];
	const BarqRecallCurve *curve;
	double		best = INFINITY;

	for (int i = 0; i < repeats; i++)
	{
		double		t = cpu_now();

		shim_context_push();
		barq_measure_curve(&frozen, view, 0, NULL, statistics);
		shim_context_pop();
		best = Min(best, cpu_now() - t);
	}
	curve = barq_curve_of(statistics);
	if (curve == NULL)
	{
		printf("no curve\n");
		return;
	}
	printf("curve: %.3f s of %d samples, %.0f us each;", best, curve->samples, best / curve->samples * 1e6);
	for (int k = 10; k <= 100; k *= 10)
	{
		printf(" LIMIT %d:", k);
		for (int i = 0; i < (int) lengthof(targets); i++)
		{
			BarqCurvePart part = {curve, 1, false};
			double		reached;
			int			breadth = barq_parts_breadth(&part, 1, NULL, k, targets[i], BARQ_CURVE_MOST, &reached);

			printf(" %g %d", targets[i], breadth);
		}
	}
	printf("\n");
}

int
main(int argc, char **argv)
{
	BarqMetric	metric = BARQ_METRIC_COSINE;
	BarqQuantization quant = BARQ_QUANT_SQ8;
	const char *out = NULL;
	const char *in = NULL;
	const char *dump_file = NULL;
	const char *queries = NULL;
	long		max_rows = LONG_MAX;
	long		samples = 1000;
	int			processes = 2;
	int			repeats = 3;
	int			opt;
	long		n;
	long		dims;
	const float *base;
	BarqBodyWriter body;
	BarqView	view;

	while ((opt = getopt(argc, argv, "m:c:p:M:q:n:o:i:r:s:Q:d:")) != -1)
	{
		switch (opt)
		{
			case 'm':
				options.m = atoi(optarg);
				break;
			case 'c':
				options.ef_construction = atoi(optarg);
				break;
			case 'p':
				processes = atoi(optarg);
				break;
			case 'M':
				metric = metric_named(optarg);
				break;
			case 'q':
				quant = quantization_named(optarg);
				break;
			case 'n':
				max_rows = atol(optarg);
				break;
			case 'o':
				out = optarg;
				break;
			case 'i':
				in = optarg;
				break;
			case 'r':
				repeats = atoi(optarg);
				break;
			case 's':
				samples = atol(optarg);
				break;
			case 'Q':
				queries = optarg;
				break;
			case 'd':
				dump_file = optarg;
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 1)
	{
		fprintf(stderr, "usage: bench_curve [options] base.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select(getenv("BARQ_SIMD") != NULL ? getenv("BARQ_SIMD") : "auto");
	base = load_npy(argv[optind], &n, &dims);
	n = Min(n, max_rows);
	barq_codec_init(&codec, metric, quant, (int) dims);
	if (in != NULL)
		load_body(&body, in);
	else
	{
		double		t = cpu_now();
		struct rusage usage;

		build_graph(&codec, options, base, NULL, n, processes, &body);
		getrusage(RUSAGE_CHILDREN, &usage);
		printf("build: %.2f s of processor time, kernels %s\n",
			   cpu_now() - t + usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6, barq_kernels->name);
	}
	if (out != NULL)
		save_body(&body, out);
	view = shim_view(&body, false);
	if (repeats > 0)
		measure(&view, repeats);
	if (dump_file != NULL)
		dump(dump_file, &view, (uint32) n, samples, queries);
	return 0;
}
