/*
 * bench_filter.c
 *	  Searches within a condition, outside of a server: recall, latency and codes scored by
 *	  the share of the rows that the condition admits and by where these lie.
 *
 *	  bench_filter base.npy query.npy [-m 16] [-c 64] [-p 2] [-M cosine|l2|ip]
 *		[-q sq8|f16|none|rabitq] [-k 10] [-e 80,160] [-w 0.5,0.1] [-o body | -i body]
 *		[-n rows] [-Q queries] [-K independent,near,far] [-D row] [-L level] [-R 0.95] [-S]
 *
 * -w: shares of the rows that are admitted. -K: kinds of conditions. Independent: by a
 * random number of the row. Near, far: the rows with the largest or smallest product with
 * the direction of row -D, for the queries with the largest. -R: the recall for which -e was
 * chosen without a condition. -S: score the rows admitted one by one, too (the time to list
 * them is not measured). -o, -i: keep the body in a file;
 * measure one kept there. Files are .npy (float32). The rows returned, `ef` of them, are
 * put in order by their vectors, as a server does. Times of searches are CPU times, the
 * shortest of several runs. To build: bench/micro/build.sh bench_filter.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "hnsw/hnsw_work.h"
#include "kernels/kernels.h"
#include "vectors.h"
#include "graphs.h"
#include "scored.h"

#undef qsort

#define RUNS	5

static int	m = 16;
static int	efc = 64;
static int	processes = 2;
static int	k = 10;
static double recall = 0;
static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqQuantization quant = BARQ_QUANT_SQ8;
static BarqCodec codec;
static long n;
static long dims;
static long nq;
static const float *base;
static const float *query;

/* One condition: the rows whose rank (of n) is below `below`. */
typedef struct Condition
{
	const uint32 *ranks;		/* by id */
	uint32		below;
	const int  *queries;		/* numbers of queries, nqueries of them */
	int			nqueries;
	int32	   *truth;			/* k ids a query */
} Condition;

static double
exact(const float *a, const float *b)
{
	return float_distance(a, b, (int) dims, metric);
}

/* The k nearest rows that a condition admits, of each of its queries. */
static void
find_truth(Condition *condition)
{
	Ranked	   *best = malloc(sizeof(Ranked) * (k + 1));

	condition->truth = malloc(sizeof(int32) * k * condition->nqueries);
	for (int q = 0; q < condition->nqueries; q++)
	{
		int			found = 0;

		for (long i = 0; i < n; i++)
		{
			Ranked		row;
			int			at;

			if (condition->ranks[i] >= condition->below)
				continue;
			row.distance = exact(query + condition->queries[q] * dims, base + i * dims);
			row.id = (uint32) i;
			if (found == k && row.distance >= best[k - 1].distance)
				continue;
			for (at = found; at > 0 && best[at - 1].distance > row.distance; at--)
				best[at] = best[at - 1];
			best[at] = row;
			found = Min(found + 1, k);
		}
		for (int i = 0; i < k; i++)
			condition->truth[q * k + i] = i < found ? (int32) best[i].id : -1;
	}
	free(best);
}

/* The filter of a condition, as store/filter_rows.c makes it; of bits if `bits`. */
static void
make_filter(const BarqView *view, const Condition *condition, bool bits, BarqRowFilter *filter)
{
	const ItemPointerData *tids = (const ItemPointerData *)
		(view->base + ((const BarqBodyHeader *) view->base)->tids_off);
	uint64	   *words = malloc(sizeof(uint64) * n);
	uint32	   *order = malloc(sizeof(uint32) * n);
	uint32	   *seeds = malloc(sizeof(uint32) * BARQ_FILTER_SEEDS);
	uint8	   *skip = malloc(n / 8 + 8);

	memset(filter, 0, sizeof(*filter));
	memset(skip, 0xff, n / 8 + 8);
	for (uint32 row = 0; row < n; row++)
	{
		words[row] = condition->ranks[tid_to_id(&tids[row])];
		order[words[row]] = row;
		if (words[row] < condition->below)
			barq_bit_clear(skip, row);
	}
	filter->count = condition->below;
	for (int i = 0; i < BARQ_FILTER_SEEDS; i++)
		seeds[i] = order[((uint64) 2 * i + 1) * condition->below / (2 * BARQ_FILTER_SEEDS)];
	filter->seeds = seeds;
	filter->nseeds = BARQ_FILTER_SEEDS;
	if (bits)
		filter->skip = skip;
	else
	{
		filter->words = words;
		filter->low = 0;
		filter->high = condition->below - 1;
	}
	free(order);
}

static void
measure(BarqView *view, const char *name, const Condition *condition, const char *efs, bool bits,
		bool listed)
{
	const BarqVectorSearchOps *ops = (listed ? &barq_flat_kind : &barq_hnsw_kind)->vectors;
	const ItemPointerData *tids = (const ItemPointerData *)
		(view->base + ((const BarqBodyHeader *) view->base)->tids_off);
	char	   *list = strdup(efs);
	void	   *mem = malloc(barq_query_bytes(&codec));
	BarqHit    *hits = malloc(sizeof(BarqHit) * n);
	Ranked	   *ranked = malloc(sizeof(Ranked) * n);
	BarqRowFilter filter;
	bool		all = condition->below == n;
	double	   *best = malloc(sizeof(double) * condition->nqueries);

	make_filter(view, condition, bits, &filter);
	if (listed)
	{
		uint32	   *rows = malloc(sizeof(uint32) * (condition->below + BARQ_BITS_LIST_SPARE));

		barq_bits_list_clear(filter.skip, (uint32) n, rows);
		filter.rows = rows;
	}
	for (char *tok = strtok(list, ","); tok != NULL; tok = strtok(NULL, ","))
	{
		int			ef = atoi(tok);
		int			want = all ? ef : barq_hnsw_rows_wanted(ef, (double) condition->below / n);
		long		good = 0;
		long		wanted = 0;
		double		sum = 0;

		scored = 0;
		for (int q = 0; q < condition->nqueries; q++)
			best[q] = INFINITY;
		for (int run = 0; run < RUNS; run++)
			for (int q = 0; q < condition->nqueries; q++)
			{
				const float *x = query + condition->queries[q] * dims;
				BarqSearchParams params = {.breadth = ef, .filter = all ? NULL : &filter, .recall = recall};
				BarqSearch *search;
				double		t0 = cpu_now();
				int			got = 0;
				int			more;

				if (listed)
				{
					params.filter = NULL;
					params.rows = filter.rows;
					params.nrows = condition->below;
				}
				shim_context_push();
				params.query = barq_query_prepare(mem, &codec, x);
				search = ops->begin(view, &params);
				do
				{
					more = ops->next(search, INFINITY, hits + got, want - got);
					got += more;
				} while (more > 0 && got < want);
				ops->end(search);
				shim_context_pop();
				best[q] = Min(best[q], cpu_now() - t0);
				if (run > 0)
					continue;
				for (int i = 0; i < got; i++)
				{
					ranked[i].id = tid_to_id(&tids[hits[i].row]);
					ranked[i].distance = exact(x, base + (long) ranked[i].id * dims);
				}
				qsort(ranked, got, sizeof(Ranked), compare_ranked);
				for (int i = 0; i < k; i++)
				{
					wanted += condition->truth[q * k + i] >= 0;
					for (int j = 0; j < Min(got, k); j++)
						good += (int32) ranked[j].id == condition->truth[q * k + i];
				}
			}
		for (int q = 0; q < condition->nqueries; q++)
			sum += best[q];
		printf("| %s | %.2f %% | %s | %d | %.4f | %.1f | %.0f |\n", name,
			   100.0 * condition->below / n, listed ? "listed" : bits ? "bits" : "words",
			   ef, (double) good / wanted,
			   sum / condition->nqueries * 1e6, (double) scored / RUNS / condition->nqueries);
		fflush(stdout);
	}
	free(best);
	free(list);
	free(mem);
	free(hits);
	free(ranked);
}

/* Ranks of n numbers, by number in the array. */
static uint32 *
ranks_of(const double *values)
{
	Ranked	   *all = malloc(sizeof(Ranked) * n);
	uint32	   *ranks = malloc(sizeof(uint32) * n);

	for (long i = 0; i < n; i++)
		all[i] = (Ranked) {values[i], (uint32) i};
	qsort(all, n, sizeof(Ranked), compare_ranked);
	for (long i = 0; i < n; i++)
		ranks[all[i].id] = (uint32) i;
	free(all);
	return ranks;
}

static double
unit_product(const float *a, const float *b)
{
	float		ab;
	float		aa;
	float		bb;

	barq_kernels->cosine_parts(a, b, (int) dims, &ab, &aa, &bb);
	return ab / sqrt((double) aa * bb);
}

int
main(int argc, char **argv)
{
	const char *efs = "80,160";
	const char *shares = "0.5,0.1";
	const char *kinds = "independent,near,far";
	const char *out = NULL;
	const char *in = NULL;
	long		max_rows = LONG_MAX;
	long		max_queries = 100;
	int			opt;
	long		d;
	BarqBodyWriter body;
	BarqView	view;
	double	   *values;
	uint32	   *ranks[3];
	int		   *queries[3];
	Ranked	   *by_product;
	const char *names[3] = {"independent", "near", "far"};
	char	   *left;
	const char *level = "auto";
	long		direction = -1;
	bool		score_listed = false;

	while ((opt = getopt(argc, argv, "m:c:p:M:q:k:e:o:i:n:Q:w:K:L:D:R:S")) != -1)
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
			case 'w':
				shares = optarg;
				break;
			case 'K':
				kinds = optarg;
				break;
			case 'R':
				recall = atof(optarg);
				break;
			case 'D':
				direction = atol(optarg);
				break;
			case 'S':
				score_listed = true;
				break;
			case 'L':
				level = optarg;
				break;
			case 'M':
				metric = metric_named(optarg);
				break;
			case 'q':
				quant = quantization_named(optarg);
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 2)
	{
		fprintf(stderr, "usage: bench_filter [options] base.npy query.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select(level);
	base = load_npy(argv[optind], &n, &dims);
	query = load_npy(argv[optind + 1], &nq, &d);
	n = Min(n, max_rows);
	direction = direction < 0 ? n / 3 : Min(direction, n - 1);
	barq_codec_init(&codec, metric, quant, (int) dims);
	if (in != NULL)
		load_body(&body, in);
	else
		build_graph(&codec, (BarqHnswOptions) {m, efc}, base, NULL, n, processes, &body);
	if (out != NULL)
		save_body(&body, out);
	view = shim_view(&body, false);

	/* independent; by the product with a direction, the largest or the smallest first */
	values = malloc(sizeof(double) * n);
	by_product = malloc(sizeof(Ranked) * nq);
	srand48(1);
	for (long i = 0; i < n; i++)
		values[i] = drand48();
	ranks[0] = ranks_of(values);
	for (long i = 0; i < n; i++)
		values[i] = -unit_product(base + i * dims, base + direction * dims);
	ranks[1] = ranks_of(values);
	ranks[2] = malloc(sizeof(uint32) * n);
	for (long i = 0; i < n; i++)
		ranks[2][i] = (uint32) n - 1 - ranks[1][i];
	for (long q = 0; q < nq; q++)
		by_product[q] = (Ranked) {-unit_product(query + q * dims, base + direction * dims), (uint32) q};
	qsort(by_product, nq, sizeof(Ranked), compare_ranked);
	nq = Min(nq, max_queries);
	for (int i = 0; i < 3; i++)
	{
		queries[i] = malloc(sizeof(int) * nq);
		for (int q = 0; q < nq; q++)
			queries[i][q] = i == 0 ? q : (int) by_product[q].id;
	}

	printf("%ld x %ld, kernels %s\n", n, dims, barq_kernels->name);
	printf("| condition | admitted | asked by | ef | recall | us | scored |\n"
		   "| --- | --- | --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < 3; i++)
	{
		char	   *list = strdup(shares);

		if (strstr(kinds, names[i]) == NULL)
			continue;
		for (char *tok = strtok_r(list, ",", &left); tok != NULL; tok = strtok_r(NULL, ",", &left))
		{
			Condition	condition = {ranks[i], (uint32) (atof(tok) * n), queries[i], (int) nq, NULL};

			find_truth(&condition);
			measure(&view, names[i], &condition, efs, condition.below <= sqrt(20000.0 * n), false);
			if (score_listed)
				measure(&view, names[i], &condition, efs, true, true);
			free(condition.truth);
		}
		free(list);
	}
	return 0;
}
