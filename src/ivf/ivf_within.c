/*
 * ivf_within.c
 *	  All rows of a body of lists within a radius: lists that are too far away as a
 *	  whole are skipped.
 *
 * The radius of a list is an upper bound of the distance (L2; under cosine of
 * normalised vectors) of any vector encoded in it from the list's centroid, the vector
 * that the centroid's code stands for. By the triangle inequality no row of the list
 * is nearer to the query than the centroid's distance less that radius
 * (barq_ball_least()).
 *
 * Radii are no part of the body. They cost about what scoring all rows costs, and a
 * body never changes, so a process computes them at its second search of a segment and
 * keeps them by the segment's id.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "ivf/ivf_layout.h"
#include "kernels/kernels.h"
#include "miscadmin.h"
#include "store/meta.h"
#include "utils/memutils.h"

#define CHUNK	256
#define KEPT	32				/* segments whose radii a process keeps */

/* The radii of a segment's lists. */
typedef struct Radii
{
	uint8		id[BARQ_ID_BYTES];
	uint32		searches;		/* 0: unused */
	uint32		lists;
	double	   *radii;			/* in TopMemoryContext; NULL: not computed yet */
	uint64		used;
} Radii;

static Radii kept[KEPT];
static uint64 clock;

/* The place of a segment, perhaps one that another segment had. */
static Radii *
find(const uint8 *id)
{
	Radii	   *oldest = &kept[0];

	for (int i = 0; i < KEPT; i++)
	{
		if (kept[i].searches > 0 && memcmp(kept[i].id, id, BARQ_ID_BYTES) == 0)
		{
			kept[i].used = ++clock;
			return &kept[i];
		}
		if (kept[i].used < oldest->used)
			oldest = &kept[i];
	}
	if (oldest->radii != NULL)
		pfree(oldest->radii);
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->id, id, BARQ_ID_BYTES);
	oldest->used = ++clock;
	return oldest;
}

/* The vector of a centroid, dims floats. */
static void
read_centroid(IvfLists *lists, uint32 list, float *center)
{
	barq_codec_decode(&lists->codec,
					  barq_view_read(lists->view, ivf_centroid_off(lists, list),
									 lists->codec.row_bytes),
					  center);
}

/*
 * The radius of a list. `space` is the codec with L2 in place of its metric; `center`
 * the centroid; `memory` of barq_query_bytes(space).
 */
static double
measure(IvfLists *lists, const BarqCodec *space, uint32 list, const float *center, void *memory)
{
	BarqQuery  *query = barq_query_prepare(memory, space, center);
	bool		encloses = barq_query_encloses(query);
	double		radius = 0;
	uint32		first;
	uint32		end;
	float		keys[CHUNK];

	if (!encloses && !barq_codec_proves(space))
		return INFINITY;
	barq_ivf_list(lists, list, &first, &end);
	for (uint32 at = first; at < end; at += CHUNK)
	{
		int			n = (int) Min(CHUNK, end - at);

		CHECK_FOR_INTERRUPTS();
		if (encloses)
			barq_query_keys(query, lists->view->base + ivf_code_off(lists, at),
							space->stride, NULL, n, keys);
		for (int i = 0; i < n; i++)
		{
			const char *row = lists->view->base + ivf_code_off(lists, at + i);
			BarqInterval interval;

			if (encloses)
				barq_query_enclose(query, row, keys[i], &interval);
			else
				barq_query_interval(query, row, NULL, &interval);
			/* NaN becomes infinity, too */
			radius = interval.high <= radius ? radius :
				interval.high <= DBL_MAX ? interval.high : INFINITY;
		}
	}
	/* an upper bound of the operator's value for L2 is one of the distance, too */
	return radius;
}

/* The radius of a list of bit strings, by Hamming distance. */
static double
measure_bits(IvfLists *lists, uint32 list)
{
	const char *center = lists->view->base + ivf_centroid_off(lists, list);
	float		radius = 0;
	uint32		first;
	uint32		end;
	float		keys[CHUNK];

	barq_ivf_list(lists, list, &first, &end);
	for (uint32 at = first; at < end; at += CHUNK)
	{
		int			n = (int) Min(CHUNK, end - at);

		CHECK_FOR_INTERRUPTS();
		barq_code_keys(&lists->codec, center, lists->view->base + ivf_code_off(lists, at),
					   lists->codec.stride, NULL, n, keys);
		for (int i = 0; i < n; i++)
			radius = Max(radius, keys[i]);
	}
	return radius;
}

/* Compute the radii of all lists, in the current memory context. */
static double *
measure_all(IvfLists *lists)
{
	BarqCodec	space = lists->codec;
	uint32		n = lists->header.lists;
	double	   *radii = palloc(sizeof(double) * n);
	uint64		scored = barq_rows_scored;
	float	   *center;
	void	   *memory;

	if (space.metric == BARQ_METRIC_HAMMING)
	{
		for (uint32 i = 0; i < n; i++)
			radii[i] = measure_bits(lists, i);
		return radii;
	}
	space.metric = BARQ_METRIC_L2;
	space.refine_bytes = 0;
	center = palloc(sizeof(float) * space.dims);
	memory = palloc(barq_query_bytes(&space));
	for (uint32 i = 0; i < n; i++)
	{
		read_centroid(lists, i, center);
		radii[i] = measure(lists, &space, i, center, memory);
	}
	barq_rows_scored = scored;	/* counts what searches score */
	pfree(memory);
	pfree(center);
	return radii;
}

/*
 * The radii of the lists, from the second search of a segment on; NULL if lists cannot
 * be skipped. Valid until the next call.
 */
static const double *
radii_of(IvfLists *lists, const uint8 *id)
{
	Radii	   *kept_radii;
	double	   *radii;

	/* the triangle inequality needs a distance that obeys it */
	if (lists->view->base == NULL || lists->codec.metric == BARQ_METRIC_JACCARD ||
		lists->codec.metric == BARQ_METRIC_L1)
		return NULL;
	kept_radii = find(id);
	kept_radii->searches++;
	if (kept_radii->radii != NULL || kept_radii->searches < 2)
		return kept_radii->radii;
	radii = measure_all(lists);
	kept_radii->radii = MemoryContextAlloc(TopMemoryContext,
										   sizeof(double) * Max(lists->header.lists, 1));
	memcpy(kept_radii->radii, radii, sizeof(double) * lists->header.lists);
	pfree(radii);
	return kept_radii->radii;
}

/* A value below which no distance of a row of a list lies. */
static double
least_distance(IvfLists *lists, const BarqWithin *within, uint32 list, double radius,
			   float *center)
{
	if (lists->codec.metric == BARQ_METRIC_HAMMING)
		return barq_query_key(within->query,
							  lists->view->base + ivf_centroid_off(lists, list)) - radius;
	read_centroid(lists, list, center);
	return barq_ball_least(&lists->codec, within->value, center, radius);
}

void
barq_ivf_within(BarqView *view, const uint8 *id, BarqWithin *within)
{
	IvfLists	lists;
	const double *radii;
	float	   *center;
	uint32		from = 0;		/* rows to be read begin here, */
	uint32		to = 0;			/* and end here so far */

	barq_ivf_open(view, &lists);
	radii = radii_of(&lists, id);
	within->lists += lists.header.lists;
	if (radii == NULL)
	{
		barq_vector_within(view, id, within);
		return;
	}
	center = palloc(sizeof(float) * lists.codec.dims);
	for (uint32 i = 0; i < lists.header.lists; i++)
	{
		uint32		first;
		uint32		end;

		if ((i & 0xff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (least_distance(&lists, within, i, radii[i], center) > within->limit)
		{
			within->lists_skipped++;
			continue;
		}
		barq_ivf_list(&lists, i, &first, &end);
		if (first != to)
		{
			barq_vector_within_rows(view, within, from, to);
			from = first;
		}
		to = end;
	}
	barq_vector_within_rows(view, within, from, to);
	pfree(center);
}
