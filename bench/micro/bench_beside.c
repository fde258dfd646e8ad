/*
 * bench_beside.c
 *	  What sealed logs add to searches: recall, and time and codes scored of each log, outside
 *	  of a server.
 *
 *	  bench_beside base.npy query.npy [-B 160000] [-n 14500] [-k 12] [-l 0] [-Q queries]
 *		[-M cosine|l2|ip] [-q sq8|f16|none|rabitq] [-e 40] [-L avx2] [-r runs] [-c MB] [-f] [-w]
 *
 * The first -B rows stand for the graphs of an index: they are scored one by one, not timed,
 * and their best ef_search keys bound the searches of -k logs of -n rows each, which are
 * searched as a scan does it (scan_rounds.c): lists as a seal makes them (-l: so many in
 * place of the root of the rows; -w: without half codes; -f: flat; -c: before each query, not
 * timed, so much other memory is read, as a server does between searches). Recall@10 of the
 * best ef_search rows of all, re-ranked with the vectors. Times are CPU times, the shortest of several runs.
 * To build: bench/micro/build.sh bench_beside.
 */
#include "postgres.h"

#include <math.h>
#include <sys/mman.h>
#include <time.h>

#include "../../test/unit/pgshim.h"
#include "ivf/ivf.h"
#include "hnsw/hnsw_work.h"
#include "kernels/kernels.h"
#include "vector_index/best_keys.h"
#include "vectors.h"
#include "graphs.h"

#undef qsort

#define K		10
#define MOST	64

static BarqMetric metric = BARQ_METRIC_COSINE;
static BarqCodec codec;
static long dims;
static const float *base;
static const float *query;
static bool without_halves = false;

/* A flat body of the rows [first, first + n). */
static void
make_flat(BarqBodyWriter *writer, long first, long n, bool halved)
{
	char	   *rows = malloc((size_t) n * codec.row_bytes);
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * n);

	for (long i = 0; i < n; i++)
	{
		(void) barq_codec_encode(&codec, base + (first + i) * dims, rows + i * codec.row_bytes);
		ItemPointerSet(&tids[i], (first + i) / 256, (first + i) % 256 + 1);
	}
	shim_writer_init(writer);
	barq_flat_write(writer, &codec, rows, codec.row_bytes, NULL, 0, tids, (uint32) n, halved);
	free(rows);
	free(tids);
}

/* Lists of a flat body. */
static void
make_lists(const BarqBodyWriter *flat, uint32 lists, BarqBodyWriter *writer)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, view.rows};
	uint64		mapped = barq_ivf_work_bytes(&codec, lists, &input, 1);
	uint64		bytes;
	char	   *mem = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BarqIvfWork *work = barq_ivf_work_load(mem, &codec, lists, &input, 1);

	barq_ivf_work_train(work, NULL, NULL);
	barq_ivf_work_assign(work, NULL, NULL);
	shim_writer_init(writer);
	bytes = barq_ivf_work_finish(work);
	if (without_halves)
		barq_body_write(writer, mem + BARQ_AREA_BODY, bytes);
	else
		barq_ivf_write_halved(writer, &codec, mem + BARQ_AREA_BODY, bytes);
	munmap(mem, mapped);
}

/* Read so many bytes, so that little else stays in the caches. */
static void
read_other(char *other, size_t bytes)
{
	static volatile char sum;

	for (size_t i = 0; i < bytes; i += 64)
		sum += other[i]++;
}

/* Append up to `want` rows of a segment to ranked[], and their keys to best. */
static int
search(BarqView *view, const BarqSegmentKind *kind, const BarqQuery *prepared, BestKeys *best,
	   Ranked *ranked)
{
	BarqSearchParams params = {.query = prepared, .breadth = best->want, .beside_graphs = true};
	const ItemPointerData *tids = (const ItemPointerData *)
		(view->base + ((const BarqBodyHeader *) view->base)->tids_off);
	BarqSearch *search = kind->vectors->begin(view, &params);
	float		bound = key_to_beat(best);
	BarqHit    *hits = palloc(sizeof(BarqHit) * best->want);
	int			found = 0;
	int			got;

	do
	{
		got = kind->vectors->next(search, bound, hits + found, best->want - found);
		found += got;
	} while (got > 0 && found < best->want);
	for (int i = 0; i < found; i++)
	{
		ranked[i].distance = hits[i].key;
		ranked[i].id = tid_to_id(&tids[hits[i].row]);
		note_key(best, hits[i].key);
	}
	kind->vectors->end(search);
	return found;
}

int
main(int argc, char **argv)
{
	BarqQuantization quant = BARQ_QUANT_SQ8;
	const char *level = "auto";
	long		first = 160000;
	long		n = 14500;
	long		lists = 0;
	long		nq = 500;
	int			logs = 12;
	int			ef = 40;
	int			runs = 5;
	bool		is_flat = false;
	BarqBodyWriter body[MOST + 1];
	BarqView	view[MOST + 1];
	const BarqSegmentKind *kind;
	Ranked	   *of_base;
	int		   *nbase;
	Ranked	   *ranked;
	double	   *heap;
	void	   *mem;
	double	   *truth;
	double	   *d;
	size_t		other_bytes = 0;
	char	   *other;
	double		best_time = INFINITY;
	long		good = 0;
	long		total;
	long		rows;
	long		queries;
	int			c;

	while ((c = getopt(argc, argv, "B:n:k:l:Q:M:q:e:L:r:c:fw")) != -1)
		switch (c)
		{
			case 'B':
				first = atol(optarg);
				break;
			case 'n':
				n = atol(optarg);
				break;
			case 'k':
				logs = Min(atoi(optarg), MOST);
				break;
			case 'l':
				lists = atol(optarg);
				break;
			case 'Q':
				nq = atol(optarg);
				break;
			case 'M':
				metric = metric_named(optarg);
				break;
			case 'q':
				quant = quantization_named(optarg);
				break;
			case 'e':
				ef = atoi(optarg);
				break;
			case 'r':
				runs = atoi(optarg);
				break;
			case 'c':
				other_bytes = (size_t) atol(optarg) << 20;
				break;
			case 'L':
				level = optarg;
				break;
			case 'w':
				without_halves = true;
				break;
			case 'f':
				is_flat = true;
				break;
			default:
				return 1;
		}
	if (argc - optind != 2)
	{
		fprintf(stderr, "bench_beside base.npy query.npy …: see the head of bench_beside.c\n");
		return 1;
	}
	shim_init();
	barq_kernels_init();
	if (!barq_kernels_select(level))
		return 1;
	base = load_npy(argv[optind], &rows, &dims);
	query = load_npy(argv[optind + 1], &queries, &dims);
	nq = Min(nq, queries);
	total = first + n * logs;
	if (total > rows)
	{
		fprintf(stderr, "%ld rows, but the file has %ld\n", total, rows);
		return 1;
	}
	barq_codec_init(&codec, metric, quant, (int) dims);
	kind = is_flat ? &barq_flat_kind : &barq_ivf_kind;

	make_flat(&body[logs], 0, first, false);
	view[logs] = shim_view(&body[logs], false);
	for (int i = 0; i < logs; i++)
	{
		BarqBodyWriter flat;

		make_flat(&flat, first + i * n, n, is_flat && !without_halves);
		if (is_flat)
			body[i] = flat;
		else
		{
			make_lists(&flat, lists > 0 ? (uint32) lists : (uint32) sqrt(n), &body[i]);
			shim_writer_free(&flat);
		}
		view[i] = shim_view(&body[i], false);
	}

	other = calloc(other_bytes + 1, 1);
	mem = malloc(barq_query_bytes(&codec));
	heap = malloc(sizeof(double) * ef);
	ranked = malloc(sizeof(Ranked) * ef * (logs + 1));
	of_base = malloc(sizeof(Ranked) * ef * nq);
	nbase = malloc(sizeof(int) * nq);
	truth = malloc(sizeof(double) * nq);
	d = malloc(sizeof(double) * total);
	for (long q = 0; q < nq; q++)
	{
		BestKeys	best = {heap, 0, ef};
		BestKeys	nearest = {d, 0, K};

		shim_context_push();
		nbase[q] = search(&view[logs], &barq_flat_kind,
						  barq_query_prepare(mem, &codec, query + q * dims), &best, of_base + q * ef);
		shim_context_pop();
		for (long i = 0; i < total; i++)
			note_key(&nearest, float_distance(query + q * dims, base + i * dims, (int) dims, metric));
		truth[q] = key_to_beat(&nearest);
	}

	for (int run = 0; run < runs; run++)
	{
		double		taken = 0;

		good = 0;
		barq_rows_scored = 0;
		for (long q = 0; q < nq; q++)
		{
			BestKeys	best = {heap, 0, ef};
			BarqQuery  *prepared = barq_query_prepare(mem, &codec, query + q * dims);
			int			count = nbase[q];
			double		began;
			int			near = 0;

			memcpy(ranked, of_base + q * ef, sizeof(Ranked) * count);
			for (int i = 0; i < count; i++)
				note_key(&best, ranked[i].distance);
			read_other(other, other_bytes);
			shim_context_push();
			began = cpu_now();
			for (int i = 0; i < logs; i++)
				count += search(&view[i], kind, prepared, &best, ranked + count);
			taken += cpu_now() - began;
			shim_context_pop();
			qsort(ranked, count, sizeof(Ranked), compare_ranked);
			for (int i = 0; i < Min(count, ef); i++)
				near += float_distance(query + q * dims, base + (long) ranked[i].id * dims, (int) dims,
									   metric) <= truth[q];
			good += Min(near, K);
		}
		best_time = Min(best_time, taken);
	}
	printf("%s, %ld + %d x %ld rows, %s: recall %.4f, a log %.2f us and %.0f codes\n", kind->name, first, logs,
		   n, barq_kernels->name, (double) good / nq / K, best_time * 1e6 / nq / logs, (double) barq_rows_scored / nq / logs);
	return 0;
}
