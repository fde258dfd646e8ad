/*
 * ivf_check.c
 *	  The check of lists: none is empty, none overlap, together they have all
 *	  rows; and a sample of the rows is nearest to the centroid of its own list.
 *
 * A body that cannot be opened raises ERRCODE_INDEX_CORRUPTED; faults inside of
 * it are reported and the check continues.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "ivf/ivf_layout.h"
#include "miscadmin.h"

/* Every CHECK_EVERY-th row of a list is compared with all centroids. */
#define CHECK_EVERY	256

/*
 * Relative error allowed: the machine that built the lists may have rounded
 * otherwise.
 */
#define CHECK_SLACK	1e-4

/* Report a fault of a list or row; noun: "list" or "row". */
static void
found(BarqCheckReport report, void *arg, const char *noun, uint32 number,
	  const char *message)
{
	char		place[64];

	snprintf(place, sizeof(place), "%s %u", noun, number);
	report(arg, place, message);
}

/*
 * The first row of `list`, not validated. For list == header.lists (one past the
 * last), the number of rows.
 */
static uint32
first_of(IvfLists *lists, uint32 list)
{
	uint32		first;

	memcpy(&first,
		   barq_view_read(lists->view,
						  lists->header.firsts_off + (uint64) list * sizeof(uint32),
						  sizeof(first)),
		   sizeof(first));
	return first;
}

/*
 * Check that every CHECK_EVERY-th row of a list is nearest to the list's
 * centroid. centroids: all of them, stride bytes each; keys (an element for each
 * list) and code (row_bytes) are overwritten.
 */
static void
check_rows(IvfLists *lists, const BarqCodec *space, const char *centroids, uint32 list, float *keys,
		   char *code, BarqCheckReport report, void *arg)
{
	uint32		first;
	uint32		end;

	barq_ivf_list(lists, list, &first, &end);
	for (uint32 row = first; row < end; row += CHECK_EVERY)
	{
		float		least = INFINITY;
		float		largest = 0;

		CHECK_FOR_INTERRUPTS();
		memcpy(code, barq_view_read(lists->view, ivf_code_off(lists, row),
									lists->codec.row_bytes),
			   lists->codec.row_bytes);
		barq_code_keys(space, code, centroids, space->stride, NULL,
					   (int) lists->header.lists, keys);
		barq_keys_clean(keys, (int) lists->header.lists);
		for (uint32 i = 0; i < lists->header.lists; i++)
		{
			least = Min(least, keys[i]);
			largest = Max(largest, fabsf(keys[i]));
		}
		if (keys[list] - least > CHECK_SLACK * largest)
			found(report, arg, "row", row, "in a list whose centroid is not the nearest");
	}
}

void
barq_ivf_check(BarqView *view, BarqCheckReport report, void *arg)
{
	IvfLists	lists;
	BarqCodec	space;
	Size		stride;
	char	   *centroids;
	char	   *code;
	float	   *keys;
	bool		ordered = true;

	barq_vector_check(view, report, arg);
	barq_ivf_open(view, &lists);
	space = ivf_space(&lists.codec);
	stride = space.stride;

	for (uint32 i = 0; i <= lists.header.lists; i++)
	{
		uint32		first = first_of(&lists, i);

		if (i == 0 ? first != 0 : first <= first_of(&lists, i - 1))
		{
			found(report, arg, "list", i, "first row out of order");
			ordered = false;
		}
	}
	if (first_of(&lists, lists.header.lists) != lists.body.rows)
	{
		report(arg, "lists", "rows outside of all lists");
		ordered = false;
	}
	if (!ordered || lists.header.lists == 0)
		return;

	centroids = palloc_extended(lists.header.lists * stride, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < lists.header.lists; i++)
		memcpy(centroids + i * stride,
			   barq_view_read(view, ivf_centroid_off(&lists, i), lists.codec.row_bytes),
			   lists.codec.row_bytes);
	for (uint32 i = 0; i < lists.header.lists && lists.header.spreads_off != 0; i++)
		if (!(ivf_spread(&lists, i) >= 0))
			found(report, arg, "list", i, "spread is not a distance");
	code = palloc(lists.codec.row_bytes);
	keys = palloc_extended(lists.header.lists * sizeof(float), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < lists.header.lists; i++)
		check_rows(&lists, &space, centroids, i, keys, code, report, arg);
	pfree(keys);
	pfree(code);
	pfree(centroids);
}
