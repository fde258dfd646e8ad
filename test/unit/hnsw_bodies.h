/*
 * hnsw_bodies.h
 *	  Shared by the unit tests of the flat and HNSW kinds: bodies of random
 *	  vectors, and exact answers by scoring every row.
 */
#ifndef BARQ_TEST_HNSW_BODIES_H
#define BARQ_TEST_HNSW_BODIES_H

#include "postgres.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pgshim.h"
#include "base/bits.h"
#include "hnsw/hnsw_layout.h"
#include "kernels/kernels.h"

#undef printf
#undef vsnprintf
#undef vprintf
#undef fprintf

static int	ntests = 0;
static int	nfailed = 0;

static void ok(bool passed, const char *fmt,...) pg_attribute_printf(2, 3);

static inline void
ok(bool passed, const char *fmt,...)
{
	va_list		ap;
	char		name[256];

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	printf("%sok %d - %s\n", passed ? "" : "not ", ++ntests, name);
	fflush(stdout);
	nfailed += !passed;
}

static uint64 random_state = 1;

static inline double
random_uniform(void)
{
	random_state = random_state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return ((random_state >> 11) + 0.5) / 9007199254740992.0;
}

static inline float
random_normal(void)
{
	return (float) (sqrt(-2 * log(random_uniform())) * cos(2 * M_PI * random_uniform()));
}

static inline float *
random_vectors(int n, int dims)
{
	float	   *x = malloc(sizeof(float) * n * dims + 64);

	for (int i = 0; i < n * dims; i++)
		x[i] = random_normal();
	return x;
}

/* ids are kept in TIDs */
static inline void
id_to_tid(uint32 id, ItemPointerData *tid)
{
	ItemPointerSet(tid, id / 200, id % 200 + 1);
}

static inline uint32
tid_to_id(const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) * 200 + ItemPointerGetOffsetNumber(tid) - 1;
}

static inline void
make_flat_as(BarqBodyWriter *writer, const BarqCodec *codec, const float *x, int n,
			 uint32 first_id, bool halved)
{
	char	   *rows = malloc((size_t) n * codec->row_bytes + 1);
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		if (!barq_codec_encode(codec, x + (size_t) i * codec->dims,
							   rows + (size_t) i * codec->row_bytes))
			abort();
		id_to_tid(first_id + i, &tids[i]);
	}
	shim_writer_init(writer);
	barq_flat_write(writer, codec, rows, codec->row_bytes, NULL, 0, tids, n, halved);
	free(rows);
	free(tids);
}

static inline void
make_flat(BarqBodyWriter *writer, const BarqCodec *codec, const float *x, int n,
		  uint32 first_id)
{
	make_flat_as(writer, codec, x, n, first_id, false);
}

/* BarqFindPlaces: each row is at the nearest of some rows. */
#define TEST_PLACES 40

static inline uint32
places_of_rows(const BarqCodec *c, const char *codes, uint32 n, uint32 *places, const char **centroids)
{
	float		keys[TEST_PLACES];
	uint32		ids[TEST_PLACES];

	for (uint32 i = 0; i < TEST_PLACES; i++)
		ids[i] = i;

	for (uint32 i = 0; i < n; i++)
	{
		barq_code_keys(c, codes + i * c->stride, codes, c->stride, ids, TEST_PLACES, keys);
		places[i] = 0;
		for (uint32 place = 1; place < TEST_PLACES; place++)
			if (keys[place] < keys[places[i]])
				places[i] = place;
	}
	*centroids = memcpy(palloc(TEST_PLACES * c->stride), codes, TEST_PLACES * c->stride);
	return TEST_PLACES;
}

static inline void
build(BarqBodyWriter *writer, const BarqCodec *codec, int m, int efc,
	  BarqMergeInput *inputs, int ninputs, int processes)
{
	BarqHnswOptions options = {m, efc};
	uint32		rows = 0;
	uint64		rows_bytes = 0;
	uint64		bytes;
	char	   *mem;
	BarqHnswWork *work;

	for (int i = 0; i < ninputs; i++)
	{
		rows += inputs[i].live;
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	}
	bytes = barq_hnsw_work_bytes(codec, &options, rows, rows_bytes);

	/* the area ends where its mapping ends, so that writes beyond it crash */
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(mem, 0x77, bytes);
	work = barq_hnsw_work_load(mem, codec, &options, inputs, ninputs, NULL);
	for (int p = 1; p < processes; p++)
	{
		if (fork() == 0)
		{
			barq_hnsw_work_insert(barq_hnsw_work_attach(mem), NULL, NULL);
			_exit(0);
		}
	}
	barq_hnsw_work_insert(work, NULL, NULL);
	for (int p = 1; p < processes; p++)
	{
		int			status;

		wait(&status);
		if (status != 0)
			abort();
	}
	shim_writer_init(writer);
	barq_body_write(writer, mem + BARQ_AREA_BODY, barq_hnsw_work_finish(work));
	munmap(mem, bytes);
}

static inline void
build_from_flat(BarqBodyWriter *writer, const BarqCodec *codec, int m, int efc,
				const BarqBodyWriter *flat, int processes)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, view.rows};

	build(writer, codec, m, efc, &input, 1, processes);
}

static inline const ItemPointerData *
tids_of(const BarqBodyWriter *body)
{
	return (const ItemPointerData *) (body->data +
									  ((const BarqBodyHeader *) body->data)->tids_off);
}

static int	check_reports;

static inline void
check_report(void *arg, const char *place, const char *message)
{
	if (check_reports++ < 5)
		printf("# %s: %s: %s\n", (const char *) arg, place, message);
}

static inline bool
check_clean(const BarqBodyWriter *body, bool pages, const char *name)
{
	BarqView	view = shim_view(body, pages);

	check_reports = 0;
	(view.kind == BARQ_KIND_FLAT ? barq_flat_kind : barq_hnsw_kind).check(&view, check_report, (void *) name);
	return check_reports == 0;
}

/* The ids of the k rows with the least keys that are not in skip. */
static inline void
exact_rows(const BarqBodyWriter *body, const BarqCodec *codec, const BarqQuery *query,
		   const uint8 *skip, int k, BarqHit *best)
{
	BarqView	view = shim_view(body, false);
	int			n = 0;

	(void) codec;
	for (uint32 row = 0; row < view.rows; row++)
	{
		BarqHit		hit;
		int			i;

		if (skip != NULL && (skip[row / 8] >> (row % 8) & 1))
			continue;
		hit.key = barq_query_key(query, barq_hnsw_kind.vectors->row_code(&view, row));
		hit.row = row;
		if (n == k && hit.key >= best[n - 1].key)
			continue;
		if (n < k)
			n++;
		for (i = n - 1; i > 0 && best[i - 1].key > hit.key; i--)
			best[i] = best[i - 1];
		best[i] = hit;
	}
}

/*
 * Graphs built by several processes differ from run to run. So are recalls of two graphs
 * compared over so many queries: with 60, the difference of one pair has varied by 0.015.
 */
#define COMPARED_QUERIES 300

/* Recall@k of first batches, over queries; rows as near as the k-th count as found. */
static inline double
recall(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries,
	   int nq, int ef, int k, const uint8 *skip, bool pages)
{
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqHit    *best = malloc(sizeof(BarqHit) * k);
	BarqHit    *hits = malloc(sizeof(BarqHit) * k);
	long		good = 0;

	for (int q = 0; q < nq; q++)
	{
		BarqView	view = shim_view(body, pages);
		BarqQuery  *query = barq_query_prepare(mem, codec, queries + (size_t) q * codec->dims);
		BarqSearchParams params = {query, ef, skip};
		BarqSearch *search;
		int			n;

		exact_rows(body, codec, query, skip, k, best);
		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		n = barq_hnsw_kind.vectors->next(search, INFINITY, hits, k);
		barq_hnsw_kind.vectors->end(search);
		shim_context_pop();
		for (int i = 0; i < n; i++)
		{
			bool		found = hits[i].key <= best[k - 1].key;

			/* keys computed in batches may differ in the last bit */
			for (int j = 0; j < k; j++)
				found |= hits[i].row == best[j].row;
			good += found;
		}
	}
	free(mem);
	free(best);
	free(hits);
	return (double) good / ((double) nq * k);
}

/* Drive a search to its end: true if it returns each row once, none of skip, in sorted batches. */
static inline bool
drain(const BarqBodyWriter *body, const BarqCodec *codec, const float *q,
	  const uint8 *skip, int ef, int max, bool pages, int bounds)
{
	BarqView	view = shim_view(body, pages);
	const BarqSegmentKind *kind = view.kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqQuery  *query = barq_query_prepare(mem, codec, q);
	BarqSearchParams params = {query, ef, skip};
	BarqSearch *search;
	uint8	   *seen = calloc(1, view.rows + 1);
	BarqHit    *hits = malloc(sizeof(BarqHit) * max);
	float	   *keys = malloc(sizeof(float) * (view.rows + 1));
	bool		good = true;
	uint32		expected = 0;
	uint32		got = 0;
	int			n;

	for (uint32 row = 0; row < view.rows; row++)
	{
		keys[row] = barq_query_key(query, kind->vectors->row_code(&view, row));
		expected += !(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
	}
	shim_context_push();
	search = kind->vectors->begin(&view, &params);
	for (int b = 0; b <= bounds; b++)
	{
		float		bound = INFINITY;

		if (b < bounds)			/* rising bounds: keys of random rows, sorted */
		{
			float		lo = INFINITY;
			float		hi = -INFINITY;

			for (uint32 row = 0; row < view.rows; row++)
			{
				lo = Min(lo, keys[row]);
				hi = Max(hi, keys[row]);
			}
			bound = lo + (hi - lo) * (b + 0.5) / (bounds + 1);
		}
		while ((n = kind->vectors->next(search, bound, hits, max)) > 0)
		{
			good &= n <= max;
			for (int i = 0; i < n; i++)
			{
				uint32		row = hits[i].row;

				good &= row < view.rows && !seen[row];
				good &= fabs(hits[i].key - keys[row]) <= 1e-4 * (1 + fabs(keys[row]));
				good &= bound == INFINITY || hits[i].key < bound;
				good &= i == 0 || hits[i - 1].key <= hits[i].key;
				good &= !(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
				seen[row] = 1;
				got++;
			}
		}
		/* a flat search returns all rows below its bound */
		if (kind == &barq_flat_kind)
			for (uint32 row = 0; row < view.rows; row++)
				good &= seen[row] || keys[row] >= bound ||
					(skip != NULL && (skip[row / 8] >> (row % 8) & 1));
	}
	if (got != expected)
		printf("# %u of %u rows\n", got, expected);
	good &= (got == expected);
	kind->vectors->end(search);
	shim_context_pop();
	free(mem);
	free(seen);
	free(hits);
	free(keys);
	return good;
}

static inline uint8 *
random_bits(uint32 n, double share)
{
	uint8	   *bits = calloc(1, n / 8 + 1);

	for (uint32 i = 0; i < n; i++)
		if (random_uniform() < share)
			barq_bit_set(bits, i);
	return bits;
}

static inline uint32
count_clear(const uint8 *bits, uint32 n)
{
	uint32		clear = 0;

	for (uint32 i = 0; i < n; i++)
		clear += !(bits[i / 8] >> (i % 8) & 1);
	return clear;
}

/* Whether each row of a body has the code of the vector that its TID names. */
static inline bool
rows_match(const BarqBodyWriter *body, const BarqCodec *codec, const float *x,
		   const uint8 *dead_ids, uint32 ids)
{
	BarqView	view = shim_view(body, false);
	uint8	   *seen = calloc(1, ids + 1);
	char	   *code = malloc(codec->row_bytes);
	bool		good = true;
	uint32		expected = dead_ids != NULL ? count_clear(dead_ids, ids) : ids;

	good &= (view.rows == expected);
	for (uint32 row = 0; row < view.rows && good; row++)
	{
		uint32		id = tid_to_id(&tids_of(body)[row]);

		good &= id < ids && !seen[id];
		good &= dead_ids == NULL || !(dead_ids[id / 8] >> (id % 8) & 1);
		if (!good)
			break;
		seen[id] = 1;
		barq_codec_encode(codec, x + (size_t) id * codec->dims, code);
		good &= memcmp(code, barq_hnsw_kind.vectors->row_code(&view, row), codec->row_bytes) == 0;
	}
	free(seen);
	free(code);
	return good;
}

#endif							/* BARQ_TEST_HNSW_BODIES_H */
