/*
 * within.c
 *	  All rows of a body of vectors within a radius: a pass over the codes.
 *
 * A row is left out only where its distance is beyond the radius for certain. The keys
 * of a chunk are made at once, as for a search; where the form proves an interval from
 * the key, most rows are left out by that alone. Others are scored exactly, with their
 * refinement, if the first interval has the limit inside of it.
 */
#include "postgres.h"

#include <math.h>

#include "base/bits.h"
#include "flat/vector_body.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

#define WITHIN_CHUNK	256

/* A body that is searched. */
typedef struct Body
{
	BarqView   *view;
	BarqVectorHeader header;
	BarqCodec	codec;
} Body;

/* Whether the limit lies inside of an interval, so that a narrower one may decide. */
static bool
is_open(const BarqInterval *interval, double limit)
{
	return !(interval->low > limit) && !(interval->high < limit);
}

/* The best interval of a row; *interval is one that the key proves, if there is one. */
static void
narrow(Body *body, const BarqWithin *within, uint32 row, BarqInterval *interval)
{
	BarqInterval exact;
	Size		length;

	/* bounds of re-scoring are not always proven */
	if (body->codec.refine_bytes == 0 && !barq_codec_proves(&body->codec))
		return;
	if (body->codec.refine_bytes > 0)
		barq_vector_interval(body->view, row, within->query, &exact);
	else
		barq_query_interval(within->query,
							barq_vector_read_row(body->view, &body->header, &body->codec,
												 row, &length),
							NULL, &exact);
	interval->distance = exact.distance;
	interval->low = Max(interval->low, exact.low);
	interval->high = Min(interval->high, exact.high);
}

/* Search n rows from `first` on, at most WITHIN_CHUNK. */
static void
search_chunk(Body *body, BarqWithin *within, uint32 first, int n)
{
	bool		encloses = barq_query_encloses(within->query);
	float		keys[WITHIN_CHUNK];
	bool		beyond[WITHIN_CHUNK] = {false};
	Size		length;

	if (encloses)
		barq_vector_keys(body->view, &body->header, &body->codec, within->query, NULL,
						 first, n, keys);
	else
		barq_rows_scored += n;
	if (encloses && body->view->base != NULL)
		barq_query_beyond(within->query,
						  body->view->base + body->header.codes_off +
						  (uint64) first * body->header.stride,
						  body->header.stride, n, keys, within->limit, beyond);
	within->rows_scored += n;
	for (int i = 0; i < n; i++)
	{
		uint32		row = first + i;
		BarqInterval interval = {0, -INFINITY, INFINITY};

		if (beyond[i] || (within->skip != NULL && barq_bit_is_set(within->skip, row)))
			continue;
		if (encloses)
			barq_query_enclose(within->query,
							   barq_vector_read_row(body->view, &body->header, &body->codec,
													row, &length),
							   keys[i], &interval);
		if (interval.low > within->limit)
			continue;
		if (is_open(&interval, within->limit))
			narrow(body, within, row, &interval);
		if (!(interval.low > within->limit))
			within->visit(within->arg, row, &interval);
	}
}

void
barq_vector_within_rows(BarqView *view, BarqWithin *within, uint32 first, uint32 end)
{
	BarqBodyHeader header;
	Body		body = {.view = view};

	barq_vector_open(view, &header, &body.header, &body.codec);
	Assert(first <= end && end <= header.rows);
	for (uint32 at = first; at < end; at += WITHIN_CHUNK)
	{
		uint32		batch = Min(end - at, 64 * WITHIN_CHUNK);
		uint64		off = body.header.codes_off + (uint64) at * body.header.stride;

		if ((at - first) % (64 * WITHIN_CHUNK) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			if (barq_view_is_cold(view, off))
				barq_view_read_ahead(view, off, (uint64) batch * body.header.stride);
		}
		search_chunk(&body, within, at, (int) Min(end - at, WITHIN_CHUNK));
	}
}

void
barq_vector_within(BarqView *view, const uint8 *id, BarqWithin *within)
{
	barq_vector_within_rows(view, within, 0, view->rows);
}
