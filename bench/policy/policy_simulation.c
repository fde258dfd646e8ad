/*
 * policy_simulation.c
 *	  Replays years of inserts, deletes and merges with the chooser that the
 *	  lifecycle uses (lifecycle/choose.c), and prints what they cost.
 *
 *	  policy_simulation [-s GB,GB,…] [-r MB/s,…] [-m balanced|reads|writes|all]
 *		[-g kB] [-h MB] [-t ratio] [-k max_segments] [-c MB] [-u share] [-b bytes] [-B bytes]
 *		[-l rows] [-p processes] [-d depth] [-f share,length] [-v]
 *
 * -s: sizes of the index at the end; -r: rates of inserts (bytes of sealed logs), 0: so
 * slow that merges take no time; -g, -h, -t, -k, -c: growing_limit, growing_hard_limit,
 * compaction_ratio (0: by the size), max_segments, max_merged_size; -u: updates instead of
 * inserts from half of the size on, each of which kills a row at random, with VACUUM after
 * this share of the rows was replaced; -b, -B: bytes of a row in a sealed log and in a graph
 * (by default of 96 dimensions of 8 bits); -l: rows of a log when it is sealed; -p: processes
 * that merge (a worker and its helpers); -d: merges under way at once, at most; -f: place
 * segments in a file, which a worker shortens to so many times the used pages where more than
 * a share of it is free (slow at 1 TB); -v: each merge.
 *
 * Printed for each: bytes merged a byte sealed, in the whole run and in its last half;
 * merges of a row; segments, mean and most; the modelled search time as a multiple of
 * that of one graph of all rows, mean and median over the last half of the run; the share of
 * the time that a worker merges; MB/s that inserts reached, which wait where the segments that
 * are provisional have growing_hard_limit bytes, after each log at most five seconds (pressure.c),
 * and the longest such wait. With -f
 * on a line of its own: bytes moved a byte sealed, and the file beside a fresh index, mean and
 * most over the last half of the run.
 *
 * A merge takes its time. Meanwhile logs are sealed, and smaller merges run beside it: the
 * smallest first, which has all processes until it ends, and which collects logs by one of
 * them. Its inputs are there until then.
 *
 * The costs are measured (docs/performance.md, "What merging costs, and what
 * segments cost a search").
 */
#include "postgres.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "file_layout.h"
#include "lifecycle/choose.h"

#undef printf
#undef fprintf
#undef snprintf
#undef qsort

/* Bytes of a row: 96 dimensions, sq8. */
static double flat_bytes = 134.5;
static double graph_bytes = 265;

/* Rows from which on a merge makes a graph (hnsw_kind.c). */
#define GRAPH_PAYS_ROWS 8700

/* Rows a second of a merge, one process: joined to a graph, of logs and of graphs; copied. */
#define LOGGED_A_SECOND	18000
#define JOINED_A_SECOND	28000
#define COPIED_A_SECOND	400000
#define COLLECTED_A_SECOND	150000	/* to one log */

/* Seconds for which an insert waits, while nothing is published (pressure.c). */
#define PATIENCE		5

/* Time of a search, µs: of the statement without the index, and of the segments. */
#define STATEMENT_US	48.0
#define FLAT_ROW_US		0.0060
#define SEALED_US		7.5		/* of a log of 14,000 rows */
#define LOG_GROWTH		0.65	/* the power of its rows with which that grows */
#define GRAPH_US		22.0	/* of 10,000 rows */
#define DOUBLING_US		10.0	/* for each doubling above */
#define BOUNDED			0.85	/* of a graph searched after a larger one, */
#define LESSER			0.67	/* if that has twice its rows */

typedef struct Segment
{
	double		rows;
	double		dead;
	bool		graph;
	bool		sealed;			/* provisional */
	uint32		number;			/* in the layout of the file */
	uint32		busy;			/* number of the merge that reads it; 0: none */
	double		dead_before;	/* when that merge began */
} Segment;

/* A merge under way. */
typedef struct Merge
{
	double		left;			/* seconds of one process */
	uint32		number;
	bool		collects;		/* logs to one log */
} Merge;

#define MOST_MERGES 16
static Merge merges[MOST_MERGES];	/* the last one has the processes */
static int	nmerges;
static int	most_merges = 2;
static double processes = 1;

/* The modelled search time after each seal of the last half of a run. */
static float *factors;
static uint32 nfactors;
static uint32 next_number;

#define MOST	100000

static Segment segments[MOST];
static uint32 nsegments;
static BarqCandidate candidates[MOST];
static uint32 chosen[MOST];

static BarqPolicy policy = {
	.growing_limit = 2 * 1024 * 1024,
	.growing_hard_limit = 64 * 1024 * 1024,
	.ratio = BARQ_RATIO_BY_SIZE,
	.max_segments = 32,
	.largest_merged = UINT64CONST(5) * 1024 * 1024 * 1024
};
static double updates;			/* share of rows replaced before a VACUUM; 0: inserts */
static double rows_of_log;		/* when it is sealed; 0: from growing_limit */
static FileLayout layout;
static uint32 next_segment;
static bool verbose;

static double
bytes_of(const Segment *segment)
{
	return segment->rows * (segment->graph ? graph_bytes : flat_bytes);
}

/*
 * Modelled time of one segment in a search, µs; largest: rows of the one that is searched
 * before, 0 for that one itself.
 */
static double
search_us(const Segment *segment, double largest)
{
	double		us;

	if (!segment->graph)
		return segment->rows < GRAPH_PAYS_ROWS ? 3 + FLAT_ROW_US * segment->rows :
			SEALED_US * pow(segment->rows / 14000, LOG_GROWTH);
	us = GRAPH_US + DOUBLING_US * fmax(log2(segment->rows / 10000), -0.5);
	if (largest == 0)
		return us;
	return us * (segment->rows <= largest / 2 ? LESSER : BOUNDED);
}

static double
live_rows(void)
{
	double		rows = 0;

	for (uint32 i = 0; i < nsegments; i++)
		rows += segments[i].rows - segments[i].dead;
	return rows;
}

/* Modelled time of a search of the whole index, as a multiple of that of one graph. */
static double
search_factor(void)
{
	Segment		one = {.graph = true, .rows = live_rows()};
	double		us = STATEMENT_US;
	uint32		largest = 0;

	for (uint32 i = 0; i < nsegments; i++)
		if (segments[i].rows > segments[largest].rows)
			largest = i;
	for (uint32 i = 0; i < nsegments; i++)
		us += search_us(&segments[i], i == largest ? 0 : segments[largest].rows);
	return us / (STATEMENT_US + search_us(&one, 0));
}

static int
compare_factors(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return x < y ? -1 : x > y;
}

static double
median_factor(void)
{
	qsort(factors, nfactors, sizeof(float), compare_factors);
	return nfactors == 0 ? 0 : factors[nfactors / 2];
}

static void
seal(double rows)
{
	if (nsegments == MOST)
	{
		fprintf(stderr, "too many segments\n");
		exit(1);
	}
	segments[nsegments] = (Segment) {.rows = rows, .sealed = rows >= GRAPH_PAYS_ROWS, .number = ++next_segment};
	layout_write(&layout, next_segment, bytes_of(&segments[nsegments++]));
}

static uint32
choose(BarqChoice choice)
{
	for (uint32 i = 0; i < nsegments; i++)
	{
		const Segment *segment = &segments[i];

		candidates[i] = (BarqCandidate) {
			.bytes = bytes_of(segment), .rows = segment->rows, .dead = segment->dead,
			.provisional = segment->sealed,
			.collectable = segment->sealed,
			.busy = segment->busy
		};
	}
	return barq_choose(candidates, nsegments, &policy, choice, chosen);
}

/* Sums of one run. */
typedef struct Totals
{
	double		sealed;			/* bytes */
	double		merged;			/* bytes */
	double		rows_merged;
	double		merging;		/* seconds */
	double		seconds;
	double		segments;		/* sums over seals */
	double		factor;
	double		most_factor;
	uint64		seals;
	uint32		most;
	double		longest_wait;	/* of inserts, seconds */
} Totals;

/* What a merge makes of its inputs; *seconds of one process. */
static Segment
result_of(const Merge *merge, double *seconds)
{
	Segment		result = {0};
	double		largest = 0;
	double		graphs = 0;
	double		logs = 0;

	for (uint32 i = 0; i < nsegments; i++)
	{
		const Segment *segment = &segments[i];

		if (segment->busy != merge->number)
			continue;
		result.rows += segment->rows - segment->dead_before;
		result.dead += segment->dead - segment->dead_before;
		if (segment->graph && segment->dead_before <= segment->rows / 2)
		{
			largest = fmax(largest, segment->rows - segment->dead_before);
			graphs += segment->rows - segment->dead_before;
		}
		else
			logs += segment->rows - segment->dead_before;
	}
	if (merge->collects)
	{
		result.sealed = true;
		*seconds = processes * result.rows / COLLECTED_A_SECOND;
		return result;
	}
	result.graph = result.rows >= GRAPH_PAYS_ROWS;
	*seconds = result.rows / COPIED_A_SECOND;
	if (result.graph)
		*seconds += (graphs - largest) / JOINED_A_SECOND + logs / LOGGED_A_SECOND;
	return result;
}

/* Begin the merge of n chosen segments. */
static void
begin_merge(uint32 n, bool collects, Totals *totals)
{
	Merge	   *merge = &merges[nmerges++];

	merge->number = ++next_number;
	merge->collects = collects;
	for (uint32 i = 0; i < n; i++)
	{
		segments[chosen[i]].busy = merge->number;
		segments[chosen[i]].dead_before = segments[chosen[i]].dead;
	}
	(void) result_of(merge, &merge->left);
	totals->merging += merge->left;
}

/* Publish the last merge under way. */
static void
end_merge(Totals *totals)
{
	Merge		merge = merges[--nmerges];
	double		seconds;
	Segment		result = result_of(&merge, &seconds);
	uint32		kept = 0;

	result.number = ++next_segment;
	layout_write(&layout, result.number, bytes_of(&result));
	for (uint32 i = 0; i < nsegments; i++)
		if (segments[i].busy != merge.number)
			segments[kept++] = segments[i];
		else
			layout_free(&layout, segments[i].number);
	if (nmerges == 0)
		layout_shorten(&layout);
	if (verbose)
		printf("%10.3f GB sealed: merge of %3u, %10.0f rows, %8.1f MB, then", totals->sealed / 1e9,
			   nsegments - kept, result.rows, bytes_of(&result) / 1e6);
	nsegments = kept;
	if (result.rows > 0)
		segments[nsegments++] = result;
	totals->merged += bytes_of(&result);
	totals->rows_merged += result.rows;
	if (verbose)
	{
		for (uint32 i = 0; i < nsegments; i++)
			printf(" %.0f", segments[i].rows);
		printf("\n");
	}
}

/* Begin the merges that are due, smaller ones beside larger ones. */
static void
begin_due(Totals *totals)
{
	uint32		n;

	while (nmerges < most_merges && (n = choose(BARQ_CHOOSE_DUE)) > 0)
		begin_merge(n, false, totals);
	if (nmerges > 0 && nmerges < most_merges && (n = choose(BARQ_CHOOSE_LOGS)) > 0)
		begin_merge(n, true, totals);
}

/* Let merges work for so many seconds; forever: until none is due. */
static void
let_merge(double seconds, bool forever, Totals *totals)
{
	begin_due(totals);
	while (nmerges > 0 && (forever || seconds > 0))
	{
		Merge	   *last = &merges[nmerges - 1];
		double		needed = last->left / processes;

		if (!forever && needed > seconds)
		{
			last->left -= seconds * processes;
			return;
		}
		seconds -= needed;
		end_merge(totals);
		begin_due(totals);
	}
}

/* Bytes of segments that no merge has made a graph of. */
static double
backlog(void)
{
	double		bytes = 0;

	for (uint32 i = 0; i < nsegments; i++)
		if (segments[i].sealed)
			bytes += bytes_of(&segments[i]);
	return bytes;
}

/* Kill `rows` rows at random: of each segment in proportion. */
static void
kill_rows(double rows)
{
	double		live = 0;

	for (uint32 i = 0; i < nsegments; i++)
		live += segments[i].rows - segments[i].dead;
	for (uint32 i = 0; i < nsegments; i++)
		segments[i].dead += rows * (segments[i].rows - segments[i].dead) / live;
}

/* Insert `bytes` (of graphs) at `rate` bytes of logs a second, 0: slowly. */
static void
run(double size, double rate, Totals *whole, Totals *half)
{
	double		rows_a_log = rows_of_log > 0 ? rows_of_log :
		policy.growing_limit * 0.93 / flat_bytes;
	double		rows = size / graph_bytes;
	double		done = 0;
	double		until = updates > 0 ? 2 * rows : rows;
	double		unvacuumed = 0;
	Totals		totals = {0};
	bool		noted = false;

	nsegments = nmerges = 0;
	nfactors = 0;
	layout_begin(&layout);
	while (done < until)
	{
		double		step = rate > 0 ? rows_a_log * flat_bytes / rate : 0;
		double		factor;
		double		waited = 0;

		seal(rows_a_log);
		totals.sealed += rows_a_log * flat_bytes;
		done += rows_a_log;
		totals.seals++;
		totals.seconds += step;
		if (updates > 0 && done > rows)
		{
			unvacuumed += rows_a_log;
			if (unvacuumed >= updates * rows)
			{
				kill_rows(unvacuumed);
				unvacuumed = 0;
			}
		}

		let_merge(step, rate == 0, &totals);
		while (rate > 0 && nmerges > 0 && waited < PATIENCE && backlog() >= policy.growing_hard_limit)
		{
			totals.seconds += 0.1;
			waited += 0.1;
			let_merge(0.1, false, &totals);
		}
		totals.longest_wait = fmax(totals.longest_wait, waited);

		if (noted)
			layout_note(&layout, live_rows() * graph_bytes);
		factor = search_factor();
		totals.segments += nsegments;
		totals.factor += factor;
		totals.most_factor = fmax(totals.most_factor, factor);
		if ((nfactors & (nfactors - 1)) == 0)
			factors = realloc(factors, 2 * (nfactors + 1) * sizeof(float));
		factors[nfactors++] = (float) factor;
		totals.most = Max(totals.most, nsegments);
		if (!noted && done >= until / 2)
		{
			*half = totals;
			noted = true;
			totals.most = 0;
			totals.most_factor = 0;
			nfactors = 0;
		}
	}
	*whole = totals;
}

static int
numbers(char *text, double *out, int max)
{
	int			n = 0;

	for (char *part = strtok(text, ","); part != NULL && n < max; part = strtok(NULL, ","))
		out[n++] = atof(part);
	return n;
}

int
main(int argc, char **argv)
{
	static const char *const modes[] = {"balanced", "reads", "writes"};
	char		default_sizes[] = "0.1,1,10,100,1000";
	char		default_rates[] = "0,0.05,1";
	double		sizes[32];
	double		rates[32];
	int			nsizes = numbers(default_sizes, sizes, 32);
	int			nrates = numbers(default_rates, rates, 32);
	int			first = 0;
	int			last = 0;
	int			option;

	shim_init();
	while ((option = getopt(argc, argv, "s:r:m:g:h:t:k:c:u:b:B:l:p:d:f:v")) != -1)
	{
		switch (option)
		{
			case 's':
				nsizes = numbers(optarg, sizes, 32);
				break;
			case 'r':
				nrates = numbers(optarg, rates, 32);
				break;
			case 'm':
				last = 2;
				for (int i = 0; i <= 2; i++)
					if (strcmp(optarg, modes[i]) == 0)
						first = last = i;
				break;
			case 'g':
				policy.growing_limit = atof(optarg) * 1024;
				break;
			case 'h':
				policy.growing_hard_limit = atof(optarg) * 1024 * 1024;
				break;
			case 't':
				policy.ratio = atoi(optarg);
				break;
			case 'k':
				policy.max_segments = atoi(optarg);
				break;
			case 'c':
				policy.largest_merged = atof(optarg) > 0 ? atof(optarg) * 1024 * 1024 : PG_UINT64_MAX;
				break;
			case 'u':
				updates = atof(optarg);
				break;
			case 'b':
				flat_bytes = atof(optarg);
				break;
			case 'B':
				graph_bytes = atof(optarg);
				break;
			case 'l':
				rows_of_log = atof(optarg);
				break;
			case 'p':
				processes = atof(optarg);
				break;
			case 'd':
				most_merges = Min(atoi(optarg), MOST_MERGES);
				break;
			case 'f':
				if (sscanf(optarg, "%lf,%lf", &layout.free_share, &layout.length) != 2)
					return 2;
				break;
			case 'v':
				verbose = true;
				break;
			default:
				fprintf(stderr, "usage: see the top of bench/policy/policy_simulation.c\n");
				return 2;
		}
	}
	printf("%-9s %8s %7s | %9s %9s %7s | %8s %5s | %9s %7s %6s | %8s | %5s %s\n", "mode", "GB", "MB/s", "merged/", "2nd half",
		   "rows", "segments", "most", "search", "median", "most", "merging", "MB/s", "waits");
	for (int mode = first; mode <= last; mode++)
		for (int i = 0; i < nsizes; i++)
			for (int j = 0; j < nrates; j++)
			{
				Totals		whole;
				Totals		half = {0};
				double		seals;

				policy.mode = mode;
				run(sizes[i] * 1e9, rates[j] * 1e6, &whole, &half);
				seals = whole.seals - half.seals;
				printf("%-9s %8.3g %7.3g | %9.2f %9.2f %7.2f | %8.1f %5u | %8.2fx %6.2fx %5.1fx | %6.1f %% | %.3f %.1fs\n", modes[mode],
					   sizes[i], rates[j], whole.merged / whole.sealed,
					   (whole.merged - half.merged) / (whole.sealed - half.sealed),
					   whole.rows_merged * flat_bytes / whole.sealed,
					   (whole.segments - half.segments) / seals, whole.most,
					   (whole.factor - half.factor) / seals, median_factor(), whole.most_factor,
					   whole.seconds > 0 ? 100 * whole.merging / processes / whole.seconds : 0,
					   whole.seconds > 0 ? whole.sealed / whole.seconds / 1e6 : 0, whole.longest_wait);
				if (layout.free_share > 0)
					printf("          moved %.2f, file %.2f, %.2f\n", layout.moved / whole.sealed,
						   layout.sum / layout.seals, layout.most);
				fflush(stdout);
			}
	return 0;
}
