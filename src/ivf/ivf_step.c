/*
 * ivf_step.c
 *	  Steps: finding the nearest centroid of many rows, by the leader and its
 *	  helpers. README.md, "Work area", has the invariants.
 *
 * Most of a build's time is spent here. All rows of a chunk are compared with
 * one tile of centroids after the other; a tile stays in the first-level cache.
 */
#include "postgres.h"

#include <math.h>
#include <time.h>

#include "flat/hits.h"
#include "ivf/ivf_work.h"

#define TILE_BYTES	(24 * 1024)
#define TILE_MAX	512			/* centroids */
#define LANES		8

/* A claim word from which no chunk can be claimed: no step has so many. */
#define CLOSED(number)	(((uint64) (number) << 32) | PG_UINT32_MAX)

/* Nanoseconds that an idle process waits before it looks for a chunk again. */
#define PAUSE_NS	50000

static void
pause_briefly(void)
{
	struct timespec t = {0, PAUSE_NS};

	nanosleep(&t, NULL);
}

/* The least of n keys, none of them NaN. */
static inline float
least_key(const float *keys, int n)
{
	float		least[LANES];
	int			i;

	for (int k = 0; k < LANES; k++)
		least[k] = INFINITY;
	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			least[k] = keys[i + k] < least[k] ? keys[i + k] : least[k];
	for (; i < n; i++)
		least[0] = Min(least[0], keys[i]);
	for (int k = 1; k < LANES; k++)
		least[0] = Min(least[0], least[k]);
	return least[0];
}

/* The first index of a key that is in keys[]. */
static inline int
find_key(const float *keys, float key)
{
	int			i = 0;

	while (keys[i] != key)
		i++;
	return i;
}

/*
 * Find the nearest centroid of n rows among those near to the centroid of each
 * row's present list: updates lists[], writes the keys to best[].
 */
static void
near_centroids(BarqIvfWork *work, const IvfStep *step, const BarqCodec *codec,
			   const char *rows, uint32 *lists, float *best, uint32 n)
{
	const uint32 *near = (const uint32 *) ivf_work_at(work, step->near_off);
	float		keys[IVF_NEAR];

	for (uint32 i = 0; i < n; i++)
	{
		const uint32 *ids = near + (Size) lists[i] * IVF_NEAR;

		barq_code_keys(codec, rows + i * (Size) codec->stride,
					   ivf_work_at(work, step->centroids_off), codec->stride,
					   ids, IVF_NEAR, keys);
		barq_keys_clean(keys, IVF_NEAR);
		best[i] = least_key(keys, IVF_NEAR);
		lists[i] = ids[find_key(keys, best[i])];
	}
}

/* Find the nearest of all centroids for n rows: writes lists[] and best[]. */
static void
all_centroids(BarqIvfWork *work, const IvfStep *step, const BarqCodec *codec,
			  const char *rows, uint32 *lists, float *best, uint32 n)
{
	Size		stride = codec->stride;
	const char *centroids = ivf_work_at(work, step->centroids_off);
	uint32		tile = Min(Max(TILE_BYTES / stride, 16), TILE_MAX);
	float		keys[TILE_MAX];

	for (uint32 i = 0; i < n; i++)
	{
		best[i] = INFINITY;
		lists[i] = 0;
	}
	for (uint32 at = 0; at < work->lists; at += tile)
	{
		int			count = (int) Min(tile, work->lists - at);

		for (uint32 i = 0; i < n; i++)
		{
			float		least;

			barq_code_keys(codec, rows + i * stride, centroids + at * stride, stride,
						   NULL, count, keys);
			barq_keys_clean(keys, count);
			least = least_key(keys, count);
			if (least < best[i])
			{
				best[i] = least;
				lists[i] = at + find_key(keys, least);
			}
		}
	}
}

/* Do all of n rows have a list? */
static bool
have_lists(const uint32 *lists, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		if (lists[i] == IVF_NO_LIST)
			return false;
	return true;
}

/* Do one chunk of a step: rows [first, first + n). */
static void
nearest_centroids(BarqIvfWork *work, const IvfStep *step, uint32 first, uint32 n)
{
	BarqCodec	codec = ivf_space(&work->codec);
	const char *rows = ivf_work_at(work, step->rows_off) + first * (Size) codec.stride;
	uint32	   *lists = (uint32 *) ivf_work_at(work, step->lists_off) + first;
	uint32		found[IVF_CHUNK_ROWS];
	float		best[IVF_CHUNK_ROWS];

	if (step->goes_on && have_lists(lists, n))
		return;
	if (step->near_off != 0)
		near_centroids(work, step, &codec, rows, lists, best, n);
	else
	{
		/* a process that is killed leaves no list that is not the nearest */
		all_centroids(work, step, &codec, rows, found, best, n);
		memcpy(lists, found, n * sizeof(uint32));
	}
	if (step->keys_off != 0)
		memcpy((float *) ivf_work_at(work, step->keys_off) + first, best, n * sizeof(float));
}

/*
 * Try to claim a chunk of the current step, and do it. False if all chunks are
 * claimed. *done: rows of the chunk; 0 if another process claimed it. The claim
 * fails if the step has been replaced since its claim word was read; while a
 * claimed chunk is not done the leader replaces nothing (README.md, invariants
 * 1 and 2). Raises no error.
 */
static bool
do_chunk(BarqIvfWork *work, uint32 *done)
{
	uint64		claim = pg_atomic_read_u64(&work->claim);
	IvfStep		step;
	uint64		first;
	uint32		n;

	pg_read_barrier();
	step = work->step;
	first = step.first + (claim & PG_UINT32_MAX) * IVF_CHUNK_ROWS;
	if (first >= step.end)
		return false;
	*done = 0;
	if (!pg_atomic_compare_exchange_u64(&work->claim, &claim, claim + 1))
		return true;			/* another process has it; look again */

	n = (uint32) Min(IVF_CHUNK_ROWS, step.end - first);
	Assert(step.end <= Max(work->rows, work->space_sample));
	nearest_centroids(work, &step, (uint32) first, n);
	pg_write_barrier();
	pg_atomic_fetch_add_u32(&work->done, n);
	*done = n;
	return true;
}

void
barq_ivf_step_init(BarqIvfWork *work)
{
	pg_atomic_init_u64(&work->claim, CLOSED(0));
	pg_atomic_init_u32(&work->done, 0);
	pg_atomic_init_u32(&work->finished, 0);
}

void
barq_ivf_step_run(BarqIvfWork *work, const IvfStep *step,
				  BarqIvfProgress progress, void *arg)
{
	uint64		number = (pg_atomic_read_u64(&work->claim) >> 32) + 1;
	uint32		done;

	if (step->first >= step->end)
		return;

	/*
	 * All chunks of the last step are done. A helper that read the old claim
	 * word may read a step that is half written, but its claim then fails,
	 * because the word has changed.
	 */
	pg_atomic_write_u64(&work->claim, CLOSED(number));
	pg_memory_barrier();
	work->step = *step;
	pg_atomic_write_u32(&work->done, 0);
	pg_memory_barrier();
	pg_atomic_write_u64(&work->claim, (number + 1) << 32);

	while (do_chunk(work, &done))
		if (progress != NULL)
			progress(arg, done);
	while (pg_atomic_read_u32(&work->done) < step->end - step->first)
	{
		if (progress != NULL)
			progress(arg, 0);
		pause_briefly();
	}
	pg_read_barrier();
}

void
barq_ivf_work_help(BarqIvfWork *work, BarqIvfProgress progress, void *arg)
{
	uint32		done;

	while (pg_atomic_read_u32(&work->finished) == 0)
	{
		bool		worked = do_chunk(work, &done);

		if (progress != NULL)
			progress(arg, worked ? done : 0);
		if (!worked)
			pause_briefly();
	}
}
