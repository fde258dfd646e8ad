/*
 * bench_parts.c
 *	  Recall and time of searches of rows that lie in several graphs, beside one graph of
 *	  all of them, outside of a server.
 *
 *	  bench_parts base.npy query.npy gt.npy -S 60,25,15 [-M cosine|l2|ip] [-m 16] [-c 64]
 *		[-e 40,80] [-n rows] [-Q queries] [-P path] [-L avx2]
 *
 * -S: the rows of each graph, as shares, largest first; a share below 1,000 rows or 1 MB of
 * codes is still a graph here. Rows are dealt at random by a fixed seed. -P: graphs are
 * kept in files of this prefix, and taken from there. gt.npy: as for bench_hnsw, or `-`.
 *
 * The graphs are searched as a scan does it (scan_rounds.c): one after the other, the best
 * keys so far bound the next, and the best ef_search rows of all are re-scored, here with
 * the vectors. "one": a graph of all rows; "parts": as a scan searches them; "whole": with
 * whole beams in all. -L: the instruction set. Times are CPU times of a search of all graphs, the shortest of several runs.
 * To build: bench/micro/build.sh bench_parts.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>
#include <time.h>

#include "../../test/unit/pgshim.h"
#include "hnsw/hnsw_work.h"
#include "kernels/kernels.h"
#include "vector_index/best_keys.h"
#include "vectors.h"
#include "graphs.h"
#include "scored.h"

#undef qsort

#define MOST_PARTS	64
#define K			10

static int	m = 16;
static int	efc = 64;
static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqCodec codec;
static long n;
static long dims;
static long nq;
static const float *base;
static const float *query;

static double
exact(const float *a, const float *b)
{
	return float_distance(a, b, (int) dims, metric);
}

static void
build(const uint32 *ids, long count, BarqBodyWriter *body)
{
	build_graph(&codec, (BarqHnswOptions) {m, efc}, base, ids, count, 2, body);
}

/* As build(), from a file of this prefix if it is there, and kept there. */
static void
kept_build(const uint32 *ids, long count, const char *prefix, int part, BarqBodyWriter *body)
{
	char		path[1024];

	if (prefix == NULL)
	{
		build(ids, count, body);
		return;
	}
	snprintf(path, sizeof(path), "%s.%d", prefix, part);
	if (access(path, R_OK) != 0)
	{
		build(ids, count, body);
		save_body(body, path);
	}
	load_body(body, path);
}

/*
 * Search `parts` graphs for each query; `whole`: the beams of all are as broad as that of
 * the first (BarqSearchParams.lesser).
 */
static void
search_all(BarqView *views, int parts, int ef, bool whole, const int32 *gt, long gtk, const char *name)
{
	void	   *mem = malloc(barq_query_bytes(&codec));
	double		best_time = INFINITY;
	long		good = 0;
	Ranked	   *ranked = malloc(sizeof(Ranked) * ef * parts);
	BarqHit    *hits = malloc(sizeof(BarqHit) * ef);
	double	   *heap = malloc(sizeof(double) * ef);

	for (int run = 0; run < 5; run++)
	{
		double		total = 0;

		scored = 0;
		good = 0;
		for (long q = 0; q < nq; q++)
		{
			BestKeys	best = {heap, 0, ef};
			int			count = 0;
			double		t = cpu_now();
			double		farthest;
			BarqQuery  *prepared;

			shim_context_push();
			prepared = barq_query_prepare(mem, &codec, query + q * dims);
			for (int part = 0; part < parts; part++)
			{
				BarqSearchParams params = {
					.breadth = ef,
					.query = prepared,
					.lesser = part > 0 && views[part].rows <= views[0].rows / 2 && !whole
				};
				BarqSearch *search = barq_hnsw_kind.vectors->begin(&views[part], &params);
				const ItemPointerData *tids = (const ItemPointerData *)
					(views[part].base + ((const BarqBodyHeader *) views[part].base)->tids_off);
				float		bound = key_to_beat(&best);
				int			found = 0;
				int			got;

				do
				{
					got = barq_hnsw_kind.vectors->next(search, bound, hits + found, ef - found);
					found += got;
				} while (got > 0 && found < ef);
				for (int i = 0; i < found; i++)
				{
					ranked[count].distance = hits[i].key;
					ranked[count++].id = tid_to_id(&tids[hits[i].row]);
					note_key(&best, hits[i].key);
				}
				barq_hnsw_kind.vectors->end(search);
			}
			qsort(ranked, count, sizeof(Ranked), compare_ranked);
			shim_context_pop();
			total += cpu_now() - t;

			count = Min(count, ef);
			for (int i = 0; i < count; i++)
				ranked[i].distance = exact(query + q * dims, base + (long) ranked[i].id * dims);
			qsort(ranked, count, sizeof(Ranked), compare_ranked);
			farthest = exact(query + q * dims, base + (long) gt[q * gtk + K - 1] * dims);
			for (int i = 0; i < Min(K, count); i++)
				good += ranked[i].distance <= farthest;
		}
		best_time = Min(best_time, total);
	}
	printf("%-10s ef %4d  recall %.4f  %8.1f us  scored %.0f\n", name, ef, (double) good / (nq * K),
		   best_time / nq * 1e6, (double) scored / nq);
	fflush(stdout);
	free(mem);
	free(ranked);
	free(hits);
	free(heap);
}

/* The K nearest of base to each query, by distances of the vectors. */
static const int32 *
exact_truth(void)
{
	int32	   *truth = malloc(nq * K * sizeof(int32));
	Ranked	   *all = malloc(n * sizeof(Ranked));

	for (long q = 0; q < nq; q++)
	{
		for (long i = 0; i < n; i++)
			all[i] = (Ranked) {exact(query + q * dims, base + i * dims), (uint32) i};
		qsort(all, n, sizeof(Ranked), compare_ranked);
		for (int i = 0; i < K; i++)
			truth[q * K + i] = (int32) all[i].id;
	}
	free(all);
	return truth;
}

int
main(int argc, char **argv)
{
	const char *efs = "40,80,160";
	const char *shares = "60,25,15";
	const char *prefix = NULL;
	const char *level = "auto";
	long		max_rows = LONG_MAX;
	long		max_queries = LONG_MAX;
	double		share[MOST_PARTS];
	double		sum = 0;
	int			parts = 0;
	BarqBodyWriter bodies[MOST_PARTS + 1];
	BarqView	views[MOST_PARTS + 1];
	const int32 *gt;
	long		gtk = K;
	long		d;
	uint32	   *ids;
	long		from = 0;
	char	   *list;
	int			opt;

	while ((opt = getopt(argc, argv, "S:M:m:c:e:n:Q:P:L:")) != -1)
	{
		switch (opt)
		{
			case 'S':
				shares = optarg;
				break;
			case 'M':
				metric = metric_named(optarg);
				break;
			case 'm':
				m = atoi(optarg);
				break;
			case 'c':
				efc = atoi(optarg);
				break;
			case 'e':
				efs = optarg;
				break;
			case 'n':
				max_rows = atol(optarg);
				break;
			case 'Q':
				max_queries = atol(optarg);
				break;
			case 'L':
				level = optarg;
				break;
			case 'P':
				prefix = optarg;
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 3)
	{
		fprintf(stderr, "usage: bench_parts base.npy query.npy gt.npy|- -S shares [options]\n");
		return 1;
	}
	shim_init();
	barq_kernels_select(level);
	base = load_npy(argv[optind], &n, &dims);
	query = load_npy(argv[optind + 1], &nq, &d);
	n = Min(n, max_rows);
	nq = Min(nq, max_queries);
	gt = strcmp(argv[optind + 2], "-") == 0 ? exact_truth() :
		 load_npy(argv[optind + 2], &d, &gtk);
	barq_codec_init(&codec, metric, BARQ_QUANT_SQ8, (int) dims);

	list = strdup(shares);
	for (char *tok = strtok(list, ","); tok != NULL && parts < MOST_PARTS; tok = strtok(NULL, ","))
		sum += share[parts++] = atof(tok);
	ids = malloc(n * sizeof(uint32));
	for (long i = 0; i < n; i++)
		ids[i] = (uint32) i;
	kept_build(ids, n, prefix, 0, &bodies[0]);
	srand48(1);
	for (long i = n - 1; i > 0; i--)
	{
		long		j = (long) (drand48() * (i + 1));
		uint32		other = ids[j];

		ids[j] = ids[i];
		ids[i] = other;
	}
	for (int part = 0; part < parts; part++)
	{
		long		count = part == parts - 1 ? n - from : (long) (n * share[part] / sum);
		uint32	   *chosen = ids + from;
		uint8	   *bits = calloc(1, n / 8 + 1);
		long		at = 0;

		/* rows of a segment are in TID order */
		for (long i = 0; i < count; i++)
			barq_bit_set(bits, chosen[i]);
		for (long i = 0; i < n; i++)
			if (barq_bit_is_set(bits, i))
				chosen[at++] = (uint32) i;
		free(bits);
		kept_build(chosen, count, prefix, part + 1, &bodies[part + 1]);
		from += count;
	}
	for (int i = 0; i <= parts; i++)
		views[i] = shim_view(&bodies[i], false);
	printf("%ld x %ld, kernels %s, %d graphs\n", n, dims, barq_kernels->name, parts);
	list = strdup(efs);
	for (char *tok = strtok(list, ","); tok != NULL; tok = strtok(NULL, ","))
	{
		search_all(views, 1, atoi(tok), true, gt, gtk, "one");
		search_all(views + 1, parts, atoi(tok), true, gt, gtk, "whole");
		search_all(views + 1, parts, atoi(tok), false, gt, gtk, "parts");
	}
	return 0;
}
