/*
 * bench_dead.c
 *	  A merge of one graph of which a share of the rows is dead: recall of a walk
 *	  through the dead rows before the merge; CPU time and recall of keeping the
 *	  graph, beside those of building a new one from the live rows.
 *
 *	  bench_dead base.npy | made [-n 50000] [-m 16] [-c 64] [-M cosine|l2|ip] [-r runs]
 *		[-e 40,160] [-d 0.1,0.2,0.3]
 *
 * Two ways to die: each row by chance, and in regions (the rows nearest to some rows
 * chosen by chance). `made`: 96 dimensions of 24 latent ones in 256 clusters. Queries are 3,000 rows of the
 * file after the first n. Recall@10 is
 * against the exact answer by codes. Time is CPU time of one process, the shortest of
 * the runs, from loading the work area to the finished body. To build:
 * bench/micro/build.sh bench_dead.
 */
#include "../../test/unit/hnsw_bodies.h"

#include <time.h>

#include "hnsw/hnsw_work.h"
#include "vectors.h"

#define QUERIES		3000
#define REGIONS		8

static int	m = 16;
static int	efc = 64;
static int	runs = 1;
static long n = 50000;
static BarqCodec codec;
static const char *efs = "40,160";

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Build or merge `runs` times; the shortest CPU time. */
static double
timed(BarqBodyWriter *body, BarqMergeInput *input)
{
	double		best = INFINITY;

	for (int run = 0; run < runs; run++)
	{
		double		t = cpu_now();

		if (run > 0)
			shim_writer_free(body);
		build(body, &codec, m, efc, input, 1, 1);
		best = Min(best, cpu_now() - t);
	}
	return best;
}

static void
report(const char *what, double seconds, const BarqBodyWriter *body, const float *queries,
	   const uint8 *skip)
{
	char	   *list = strdup(efs);

	printf("  %s %6.2f s", what, seconds);
	for (char *tok = strtok(list, ","); tok != NULL; tok = strtok(NULL, ","))
		printf("  %.4f", recall(body, &codec, queries, QUERIES, atoi(tok), 10, skip, false));
	fflush(stdout);
	free(list);
}

/* Mark a share of the rows of a body dead; returns how many. */
static uint32
kill_rows(const BarqBodyWriter *body, double share, bool regions, uint8 *dead)
{
	void	   *mem = malloc(barq_query_bytes(&codec));
	uint32		wanted = (uint32) (share * n);
	uint32		ndead = 0;

	while (!regions && ndead < wanted)
	{
		uint32		row = (uint32) (random_uniform() * n);

		ndead += !barq_bit_is_set(dead, row);
		barq_bit_set(dead, row);
	}
	if (regions)
	{
		uint32		size = wanted / REGIONS;
		BarqHit    *best = malloc(sizeof(BarqHit) * (size + 1));
		BarqView	view = shim_view(body, false);

		while (ndead < wanted)
		{
			float	   *x = malloc(sizeof(float) * codec.dims);
			uint32		row = (uint32) (random_uniform() * n);

			barq_codec_decode(&codec, barq_hnsw_kind.vectors->row_code(&view, row), x);
			size = Min(size, wanted - ndead);
			exact_rows(body, &codec, barq_query_prepare(mem, &codec, x), dead, size, best);
			for (uint32 i = 0; i < size; i++)
				barq_bit_set(dead, best[i].row);
			free(x);
			ndead += size;
			if (size == 0)
				break;
		}
		free(best);
	}
	free(mem);
	return ndead;
}

/* Clusters of few latent dimensions, and a little noise. */
static float *
make_vectors(long rows, long dims)
{
	enum
	{
		CLUSTERS = 256,
		LATENT = 24
	};
	float	   *centres = random_vectors(CLUSTERS, LATENT);
	float	   *axes = random_vectors(LATENT, (int) dims);
	float	   *x = random_vectors((int) rows, (int) dims);

	for (long row = 0; row < rows; row++)
	{
		const float *centre = centres + (long) (random_uniform() * CLUSTERS) * LATENT;

		for (long i = 0; i < dims; i++)
			x[row * dims + i] *= 0.1f;
		for (int l = 0; l < LATENT; l++)
		{
			float		at = centre[l] + 0.5f * random_normal();

			for (long i = 0; i < dims; i++)
				x[row * dims + i] += at * axes[l * dims + i];
		}
	}
	free(centres);
	free(axes);
	return x;
}

int
main(int argc, char **argv)
{
	char	   *shares = strdup("0.1,0.2,0.25,0.3,0.4,0.5,0.7");
	BarqMetric	metric = BARQ_METRIC_COSINE;
	BarqBodyWriter flat;
	BarqBodyWriter graph;
	const float *base;
	const float *queries;
	long		rows;
	long		dims;
	int			opt;
	char	   *left = NULL;

	while ((opt = getopt(argc, argv, "n:m:c:M:r:e:d:")) != -1)
	{
		if (opt == 'n')
			n = atol(optarg);
		else if (opt == 'm')
			m = atoi(optarg);
		else if (opt == 'c')
			efc = atoi(optarg);
		else if (opt == 'r')
			runs = atoi(optarg);
		else if (opt == 'e')
			efs = optarg;
		else if (opt == 'd')
			shares = optarg;
		else if (opt == 'M')
			metric = metric_named(optarg);
		else
			return 1;
	}
	if (argc - optind != 1)
	{
		fprintf(stderr, "usage: bench_dead [options] base.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select("auto");
	if (strcmp(argv[optind], "made") == 0)
		base = make_vectors(rows = n + QUERIES, dims = 96);
	else
		base = load_npy(argv[optind], &rows, &dims);
	if (rows < n + QUERIES)
		return 1;
	queries = base + n * dims;
	barq_codec_init(&codec, metric, BARQ_QUANT_SQ8, (int) dims);
	make_flat(&flat, &codec, base, (int) n, 0);
	build_from_flat(&graph, &codec, m, efc, &flat, 1);
	printf("%ld x %ld, m %d, ef_construction %d; recall at ef_search %s\n", n, dims, m, efc, efs);

	for (char *tok = strtok_r(shares, ",", &left); tok != NULL; tok = strtok_r(NULL, ",", &left))
	{
		for (int regions = 0; regions <= 1; regions++)
		{
			BarqView	view = shim_view(&graph, false);
			uint8	   *dead = calloc(1, n / 8 + 1);
			uint32		ndead = kill_rows(&graph, atof(tok), regions, dead);
			BarqMergeInput input = {&view, dead, (uint32) n - ndead};
			BarqMergeInput fresh_input = {NULL, NULL, (uint32) n - ndead};
			BarqBodyWriter merged;
			BarqBodyWriter live;
			BarqBodyWriter fresh;
			BarqView	live_view;
			double		seconds = timed(&merged, &input);

			printf("%3.0f %% dead %s", 100 * atof(tok), regions ? "in regions" : "by chance ");
			report("walk", 0, &graph, queries, dead);
			report("merge", seconds, &merged, queries, NULL);
			shim_writer_init(&live);
			barq_flat_merge(&live, &codec, &input, 1);
			live_view = shim_view(&live, false);
			fresh_input.view = &live_view;
			seconds = timed(&fresh, &fresh_input);
			report("new", seconds, &fresh, queries, NULL);
			printf("\n");
			shim_writer_free(&merged);
			shim_writer_free(&live);
			shim_writer_free(&fresh);
			free(dead);
		}
	}
	return 0;
}
