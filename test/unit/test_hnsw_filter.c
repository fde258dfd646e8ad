/*
 * test_hnsw_filter.c
 *	  Searches of a graph within a condition: recall where the rows admitted are
 *	  independent of the query, near it and far from it, by each form of a filter, and
 *	  that a search to its end returns each of them once. Deterministic: one process
 *	  builds the graph, of rows made from a fixed seed.
 */
#include "hnsw_bodies.h"
#include "hnsw/hnsw.h"

#define ROWS	20000
#define DIMS	24
#define QUERIES 40
#define BREADTH 60
#define NARROW	10
#define K		10
#define CLUSTERS 100

/* Where the rows are that a condition admits. */
typedef enum Place
{
	INDEPENDENT,
	NEAR,						/* largest products with a direction, as the queries */
	FAR							/* smallest ones */
} Place;

static const char *const place_names[] = {"independent", "near", "far"};

/* Forms of a filter (store/row_filter.h). */
typedef enum Form
{
	BITS,
	WORDS,
	ASKED
} Form;

static const char *const form_names[] = {"bits", "words", "asked"};

typedef struct Ranked
{
	double		value;
	uint32		row;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	double		x = ((const Ranked *) a)->value;
	double		y = ((const Ranked *) b)->value;

	return x < y ? -1 : x > y;
}

/* A condition: rows whose word is below `below`. */
typedef struct Condition
{
	uint64	   *words;			/* by row */
	uint32		below;
	uint8	   *refused;		/* a bit for each row */
	uint32		seeds[BARQ_FILTER_SEEDS];
} Condition;

static bool
asked(void *arg, uint32 row)
{
	const Condition *condition = arg;

	return condition->words[row] < condition->below;
}

static void
make_condition(Condition *condition, const BarqBodyWriter *body, const float *x, Place place,
			   double share)
{
	Ranked	   *all = malloc(sizeof(Ranked) * ROWS);

	condition->words = malloc(sizeof(uint64) * ROWS);
	condition->refused = calloc(1, ROWS / 8 + 8);
	condition->below = (uint32) (share * ROWS);
	for (uint32 row = 0; row < ROWS; row++)
	{
		double		first = x[(size_t) tid_to_id(&tids_of(body)[row]) * DIMS];

		all[row].row = row;
		all[row].value = place == INDEPENDENT ? random_uniform() : place == NEAR ? -first : first;
	}
	qsort(all, ROWS, sizeof(Ranked), compare_ranked);
	for (uint32 i = 0; i < ROWS; i++)
	{
		condition->words[all[i].row] = i;
		if (i >= condition->below)
			barq_bit_set(condition->refused, all[i].row);
	}
	for (uint32 i = 0; i < BARQ_FILTER_SEEDS; i++)
		condition->seeds[i] = all[(uint64) i * condition->below / BARQ_FILTER_SEEDS].row;
	free(all);
}

static void
free_condition(Condition *condition)
{
	free(condition->words);
	free(condition->refused);
}

static BarqRowFilter
filter_of(Condition *condition, Form form)
{
	BarqRowFilter filter = {.count = condition->below, .seeds = condition->seeds,
							.nseeds = BARQ_FILTER_SEEDS};

	if (form == BITS)
		filter.skip = condition->refused;
	else if (form == WORDS)
	{
		filter.words = condition->words;
		filter.high = condition->below - 1;
	}
	else
	{
		filter.admits = asked;
		filter.arg = condition;
	}
	return filter;
}

/* Recall@K of searches, or -1 if one returned a row that is not admitted. */
static double
recall_within(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries,
			  Condition *condition, Form form, int breadth, bool pages)
{
	BarqRowFilter filter = filter_of(condition, form);
	void	   *mem = malloc(barq_query_bytes(codec));
	int			want = Max(barq_hnsw_rows_wanted(breadth, (double) condition->below / ROWS), K);
	long		good = 0;

	for (int q = 0; q < QUERIES; q++)
	{
		BarqView	view = shim_view(body, pages);
		BarqQuery  *query = barq_query_prepare(mem, codec, queries + (size_t) q * DIMS);
		BarqSearchParams params = {.query = query, .breadth = breadth, .filter = &filter};
		BarqHit		best[K];
		BarqHit		hits[BREADTH];
		BarqSearch *search;
		int			n = 0;
		int			got;

		exact_rows(body, codec, query, condition->refused, K, best);
		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		do
		{
			got = barq_hnsw_kind.vectors->next(search, INFINITY, hits + n, want - n);
			n += got;
		} while (got > 0 && n < want);
		barq_hnsw_kind.vectors->end(search);
		shim_context_pop();
		for (int i = 0; i < n; i++)
		{
			if (condition->words[hits[i].row] >= condition->below)
				return -1;
			good += i < K && hits[i].key <= best[K - 1].key;
		}
	}
	free(mem);
	return (double) good / (QUERIES * K);
}

/* Does a search to its end, `batch` rows at a time, return each admitted row once? */
static bool
drained(const BarqBodyWriter *body, const BarqCodec *codec, const float *query,
		Condition *condition, Form form, int batch, bool bounded)
{
	BarqRowFilter filter = filter_of(condition, form);
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqView	view = shim_view(body, false);
	BarqSearchParams params = {.query = barq_query_prepare(mem, codec, query), .breadth = batch < 100 ? NARROW : BREADTH,
							   .filter = &filter};
	uint8	   *seen = calloc(1, ROWS / 8 + 8);
	BarqHit    *hits = malloc(sizeof(BarqHit) * batch);
	float		bound = bounded ? 10 : INFINITY;
	uint32		rows = 0;
	bool		good = true;
	BarqSearch *search;

	shim_context_push();
	search = barq_hnsw_kind.vectors->begin(&view, &params);
	for (;;)
	{
		int			n = barq_hnsw_kind.vectors->next(search, bound, hits, batch);

		if (n == 0 && isinf(bound))
			break;
		if (n == 0)
			bound = bound < 40 ? bound + 3 : INFINITY;
		for (int i = 0; i < n; i++)
		{
			good &= !barq_bit_is_set(seen, hits[i].row) &&
				condition->words[hits[i].row] < condition->below;
			barq_bit_set(seen, hits[i].row);
			rows++;
		}
	}
	barq_hnsw_kind.vectors->end(search);
	shim_context_pop();
	free(mem);
	free(seen);
	free(hits);
	return good && rows == condition->below;
}

/*
 * Search within a condition that admits a share of the rows, in each form of the filter:
 * recall is at least `least`, and a search to the end returns each row once.
 */
static void
check_condition(const BarqBodyWriter *body, const BarqCodec *codec, const float *x,
				const float *queries, Place place, double share, double least, const char *name)
{
	Condition	condition;

	make_condition(&condition, body, x, place, share);
	for (Form form = BITS; form <= ASKED; form++)
	{
		double		r = recall_within(body, codec, queries, &condition, form, NARROW, false);

		ok(r >= least, "%s, %.0f %%, %s: recall %.3f", name, share * 100, form_names[form], r);
		ok(drained(body, codec, queries, &condition, form, 37, true), "... each row once");
	}
	free_condition(&condition);
}

/*
 * Rows in clusters, between which hardly any neighbour list leads: a walk through admitted
 * rows, whose clusters are not the query's, finds the nearest of these clusters.
 */
static void
test_clusters(const BarqCodec *codec)
{
	static const double shares[] = {0.5, 0.3};
	float	   *centres = random_vectors(CLUSTERS, DIMS);
	float	   *x = random_vectors(ROWS, DIMS);
	float	   *queries = random_vectors(QUERIES, DIMS);
	BarqBodyWriter flat;
	BarqBodyWriter body;

	for (int row = 0; row < ROWS; row++)
		for (int d = 0; d < DIMS; d++)
			x[(size_t) row * DIMS + d] = centres[(size_t) (row % CLUSTERS) * DIMS + d] +
				0.1f * x[(size_t) row * DIMS + d];
	for (int q = 0; q < QUERIES; q++)
		queries[q * DIMS] = 2 + (float) q / QUERIES;
	make_flat(&flat, codec, x, ROWS, 0);
	build_from_flat(&body, codec, 16, 64, &flat, 1);
	for (int i = 0; i < (int) lengthof(shares); i++)
		check_condition(&body, codec, x, queries, FAR, shares[i], 0.9, "clusters, far");
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(centres);
	free(x);
	free(queries);
}

/*
 * Few rows admitted of each cluster: a walk comes to the query's cluster by way of rows that
 * are not admitted, and finds those of it that are.
 */
static void
test_own_cluster(const BarqCodec *codec)
{
	static const double shares[] = {0.04, 0.03};
	const int	clusters = 50;
	float	   *centres = random_vectors(clusters, DIMS);
	float	   *x = random_vectors(ROWS, DIMS);
	float	   *queries = random_vectors(QUERIES, DIMS);
	BarqBodyWriter flat;
	BarqBodyWriter body;

	for (int row = 0; row < ROWS; row++)
		for (int d = 0; d < DIMS; d++)
			x[(size_t) row * DIMS + d] = centres[(size_t) (row % clusters) * DIMS + d] +
				0.3f * x[(size_t) row * DIMS + d];
	for (int q = 0; q < QUERIES; q++)
		for (int d = 0; d < DIMS; d++)
			queries[(size_t) q * DIMS + d] = centres[(size_t) (q % clusters) * DIMS + d] +
				0.3f * queries[(size_t) q * DIMS + d];
	make_flat(&flat, codec, x, ROWS, 0);
	build_from_flat(&body, codec, 16, 64, &flat, 1);
	for (int i = 0; i < (int) lengthof(shares); i++)
		check_condition(&body, codec, x, queries, INDEPENDENT, shares[i], 0.985, "own cluster");
	shim_writer_free(&flat);
	shim_writer_free(&body);
	free(centres);
	free(x);
	free(queries);
}

int
main(void)
{
	static const double shares[] = {0.9, 0.5, 0.3, 0.15, 0.1, 0.05, 0.02};
	float	   *x;
	float	   *queries;
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;

	shim_init();
	barq_kernels_select("auto");
	x = random_vectors(ROWS, DIMS);
	queries = random_vectors(QUERIES, DIMS);
	for (int q = 0; q < QUERIES; q++)
		queries[q * DIMS] = 2 + (float) q / QUERIES;	/* at one end of the first dimension */
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_flat(&flat, &codec, x, ROWS, 0);
	build_from_flat(&body, &codec, 16, 64, &flat, 1);

	for (Place place = INDEPENDENT; place <= FAR; place++)
		for (int i = 0; i < (int) lengthof(shares); i++)
		{
			Condition	condition;
			double		recalls[3];
			bool		once = true;

			make_condition(&condition, &body, x, place, shares[i]);
			for (Form form = BITS; form <= ASKED; form++)
			{
				recalls[form] = recall_within(&body, &codec, queries, &condition, form, BREADTH, false);
				once &= drained(&body, &codec, queries, &condition, form, 37, false) &&
					drained(&body, &codec, queries, &condition, form, 1000, true);
				ok(recalls[form] >= 0.965, "%s, %.0f %%, %s: recall %.3f", place_names[place],
				   shares[i] * 100, form_names[form], recalls[form]);
			}
			ok(once, "%s, %.0f %%: a search to its end returns each row admitted once",
			   place_names[place], shares[i] * 100);
			if (i % 3 == 1)
				ok(recall_within(&body, &codec, queries, &condition, ASKED, BREADTH, true) == recalls[ASKED],
				   "%s, %.0f %%: a body read by pages gives the same rows", place_names[place],
				   shares[i] * 100);
			free_condition(&condition);
		}

	/* so narrow that far rows are walked through, not scored one by one */
	for (int i = 1; i < 4; i++)
	{
		Condition	condition;

		make_condition(&condition, &body, x, FAR, shares[i]);
		for (Form form = BITS; form <= ASKED; form++)
		{
			double		r = recall_within(&body, &codec, queries, &condition, form, NARROW, false);

			ok(r >= 0.95, "far, %.0f %%, %s, narrow: recall %.3f", shares[i] * 100, form_names[form], r);
			ok(drained(&body, &codec, queries, &condition, form, 37, true), "... each row once");
		}
		free_condition(&condition);
	}

	test_clusters(&codec);
	test_own_cluster(&codec);

	/* the kernel that makes bits of words, at each level and with every remainder */
	for (int level = 0; level < 4; level++)
	{
		static const char *const levels[] = {"baseline", "avx2", "avx512", "auto"};
		bool		same = true;

		if (!barq_kernels_select(levels[level]))
			continue;
		for (int n = 1; n < 40; n++)
		{
			uint64		words[40];
			uint8		bits[8];

			for (int i = 0; i < n; i++)
				words[i] = i % 5 == 0 ? PG_UINT64_MAX - i : (uint64) i << (i % 60);
			for (int high = 0; high < 30; high += 7)
			{
				barq_kernels->out_of_range(words, n, 3, high == 28 ? PG_UINT64_MAX : 3 + high, bits);
				for (int i = 0; i < n; i++)
					same &= barq_bit_is_set(bits, i) ==
						!(words[i] >= 3 && words[i] <= (high == 28 ? PG_UINT64_MAX : 3 + (uint64) high));
			}
		}
		ok(same, "words outside of a range as bits: %s", levels[level]);
	}
	shim_writer_free(&flat);
	shim_writer_free(&body);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
