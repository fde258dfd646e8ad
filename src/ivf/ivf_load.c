/*
 * ivf_load.c
 *	  Laying out a work area and filling it with the inputs' live rows.
 *
 * Rows of the input whose centroids may be kept come first: they have lists
 * already, so that only the rows after them need to be assigned.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "ivf/ivf_work.h"
#include "base/interrupts.h"

/* Train anew if the automatic number of lists differs by more than this factor. */
#define OUTGROWN	2.0

uint32
barq_ivf_choose_lists(double rows)
{
	/* measured: docs/performance.md, "IVF" */
	double		lists = 2 * sqrt(rows);

	return (uint32) Max(1, Min(lists, BARQ_IVF_MAX_LISTS));
}

/*
 * Number of the input whose centroids may be kept: the IVF body with most live
 * rows, if it has at least half of all live rows and if its number of lists is
 * still acceptable (OUTGROWN); -1 if there is none. Opens that input as *kept,
 * which reads through inputs[...].view; *kept is undefined where the result is -1.
 * given: the user's number of lists, 0 for automatic; wanted: the number to use.
 * ERRCODE_INDEX_CORRUPTED where the candidate is damaged or has another codec.
 */
static int
choose_kept(const BarqCodec *codec, uint32 given, uint32 wanted, uint64 rows,
			BarqMergeInput *inputs, int ninputs, IvfLists *kept)
{
	int			best = -1;

	for (int i = 0; i < ninputs; i++)
		if (inputs[i].view->kind == BARQ_KIND_IVF && inputs[i].live >= (rows + 1) / 2 &&
			(best < 0 || inputs[i].live > inputs[best].live))
			best = i;
	if (best < 0)
		return -1;

	barq_ivf_open(inputs[best].view, kept);
	barq_vector_same_codec(codec, &kept->codec);
	if (kept->header.lists == 0)
		return -1;
	if (given > 0 ? kept->header.wanted != wanted :
		kept->header.wanted * OUTGROWN < wanted || kept->header.wanted > wanted * OUTGROWN)
		return -1;
	return best;
}

uint64
barq_ivf_set_offsets(BarqIvfWork *work)
{
	uint64		rows = work->rows;
	Size		stride = work->codec.stride;
	BarqBodyHeader body;
	BarqVectorHeader vector;
	IvfHeader	header;
	uint64		off;

	work->space_lists = Max(work->wanted, work->lists);
	work->space_sample = barq_ivf_sample_rows(work->space_lists, work->rows);

	barq_vector_headers(&work->codec, BARQ_KIND_IVF, work->rows, &body, &vector);
	work->codes_off = BARQ_AREA_BODY + vector.codes_off;
	Assert(work->codes_off == BARQ_AREA_CODES);
	work->tids_off = BARQ_AREA_BODY + body.tids_off;
	work->refine_off = vector.refine_off != 0 ? BARQ_AREA_BODY + vector.refine_off : 0;
	off = BARQ_AREA_BODY + body.body_bytes;
	work->lists_off = off;
	off = barq_ivf_lay_out_lists(&work->codec, work->space_lists, off, &header);
	work->body_end = off;

	work->list_of_off = off;
	off += barq_align64(rows * sizeof(uint32));
	work->centroids_off = off;
	off += barq_align64((uint64) work->space_lists * stride);
	work->sample_off = off;
	off += barq_align64((uint64) work->space_sample * stride);
	work->sample_list_off = off;
	off += barq_align64((uint64) work->space_sample * sizeof(uint32));
	work->sample_key_off = off;
	off += barq_align64((uint64) work->space_sample * sizeof(float));
	work->near_off = off;
	off += (uint64) work->space_lists * IVF_NEAR * sizeof(uint32);
	return off;
}

/*
 * Set the fields of *work that say how many lists to make of how many rows; lists: the
 * user's number, 0 for automatic. ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS.
 */
static void
begin_area(BarqIvfWork *work, const BarqCodec *codec, uint32 lists, uint64 rows)
{
	barq_vector_limit_rows(rows);
	memset(work, 0, sizeof(*work));
	work->magic = IVF_WORK_MAGIC;
	work->codec = *codec;
	work->rows = (uint32) rows;
	work->wanted = lists > 0 ? lists : barq_ivf_choose_lists((double) rows);
	work->wanted = (uint32) Min(work->wanted, Max(rows, 1));
}

/*
 * Set the fields of *work that follow from the inputs; returns the bytes that the
 * whole area needs. *which receives the number of the input whose centroids may be
 * kept, or -1. *kept receives that input, opened, which reads through
 * inputs[*which].view; it is undefined where *which is -1. Errors of
 * barq_vector_count_live() and choose_kept().
 */
static uint64
lay_out(BarqIvfWork *work, const BarqCodec *codec, uint32 lists,
		BarqMergeInput *inputs, int ninputs, IvfLists *kept, int *which)
{
	uint64		rows = barq_vector_count_live(inputs, ninputs);

	begin_area(work, codec, lists, rows);
	*which = choose_kept(codec, lists, work->wanted, rows, inputs, ninputs, kept);
	if (*which >= 0)
	{
		work->kept = inputs[*which].live;
		work->kept_cost = kept->header.cost;
		work->kept_imbalance = kept->header.imbalance;
		work->kept_wanted = kept->header.wanted;
		work->lists = kept->header.lists;
	}
	return barq_ivf_set_offsets(work);
}

uint64
barq_ivf_rows_bytes(const BarqCodec *codec, uint32 lists, uint64 rows)
{
	BarqIvfWork work;

	begin_area(&work, codec, lists, rows);
	return barq_ivf_set_offsets(&work);
}

BarqIvfWork *
barq_ivf_work_load_rows(void *mem, const BarqCodec *codec, uint32 lists,
						const BarqBuildRows *rows)
{
	BarqIvfWork *work = mem;
	BarqAreaRows area;

	begin_area(work, codec, lists, rows->n);
	(void) barq_ivf_set_offsets(work);
	barq_ivf_step_init(work);
	area = ivf_work_rows(work);
	barq_area_load(&area, NULL, rows);
	return work;
}

uint64
barq_ivf_work_bytes(const BarqCodec *codec, uint32 lists,
					BarqMergeInput *inputs, int ninputs)
{
	BarqIvfWork work;
	IvfLists	kept;
	int			which;

	return lay_out(&work, codec, lists, inputs, ninputs, &kept, &which);
}

BarqIvfWork *
barq_ivf_work_attach(void *mem)
{
	BarqIvfWork *work = mem;

	if (work->magic != IVF_WORK_MAGIC)
		elog(ERROR, "not a work area");
	return work;
}

/*
 * Copy the live rows of one input to the area's rows from `next` on; returns the
 * number of the row after them. Checks for interrupts. ERRCODE_INDEX_CORRUPTED if
 * the input is damaged or has another codec.
 */
static uint32
load_input(BarqIvfWork *work, BarqMergeInput *input, uint32 next)
{
	BarqBodyHeader body;
	BarqVectorHeader vector;
	BarqCodec	codec;
	Size		stride = work->codec.stride;
	ItemPointerData *tids = (ItemPointerData *) ivf_work_at(work, work->tids_off);

	barq_vector_open(input->view, &body, &vector, &codec);
	barq_vector_same_codec(&work->codec, &codec);
	for (uint32 row = 0; row < body.rows; row++)
	{
		char	   *code = ivf_work_at(work, work->codes_off) + next * stride;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (input->dead != NULL && barq_bit_is_set(input->dead, row))
			continue;
		memcpy(code,
			   barq_view_read(input->view, vector.codes_off + row * (uint64) stride,
							  codec.row_bytes),
			   codec.row_bytes);
		barq_maintenance_bytes += codec.row_bytes;
		memset(code + codec.row_bytes, 0, stride - codec.row_bytes);
		if (work->refine_off != 0)
		{
			Size		bytes = codec.refine_bytes;

			memcpy(ivf_work_at(work, work->refine_off) + next * bytes,
				   barq_vector_read_refinement(input->view, &vector, &codec, row), bytes);
			barq_maintenance_bytes += bytes;
		}
		memcpy(&tids[next++],
			   barq_view_read(input->view,
							  body.tids_off + (uint64) row * sizeof(ItemPointerData),
							  sizeof(ItemPointerData)),
			   sizeof(ItemPointerData));
	}
	return next;
}

/*
 * Copy the centroids of an input, and note the lists of its live rows, which
 * are the first rows of the area. Checks for interrupts. ERRCODE_INDEX_CORRUPTED if
 * the input's lists do not cover all its rows.
 */
static void
load_kept(BarqIvfWork *work, IvfLists *kept, const uint8 *dead)
{
	Size		stride = work->codec.stride;
	char	   *centroids = ivf_work_at(work, work->centroids_off);
	uint32	   *list_of = (uint32 *) ivf_work_at(work, work->list_of_off);
	uint32		next = 0;
	uint32		reached = 0;

	for (uint32 list = 0; list < kept->header.lists; list++)
	{
		uint32		row;
		uint32		end;

		barq_check_interrupts();
		memcpy(centroids + list * stride,
			   barq_view_read(kept->view, ivf_centroid_off(kept, list),
							  kept->codec.row_bytes),
			   kept->codec.row_bytes);
		memset(centroids + list * stride + kept->codec.row_bytes, 0,
			   stride - kept->codec.row_bytes);
		barq_ivf_list(kept, list, &row, &end);
		if (row != reached)
			break;
		for (reached = end; row < end; row++)
			if (dead == NULL || !barq_bit_is_set(dead, row))
				list_of[next++] = list;
	}
	if (next != work->kept || reached != kept->body.rows)
		barq_vector_corrupted("rows outside of all lists");
}

BarqIvfWork *
barq_ivf_work_load(void *mem, const BarqCodec *codec, uint32 lists,
				   BarqMergeInput *inputs, int ninputs)
{
	BarqIvfWork *work = mem;
	IvfLists	kept;
	int			which;
	uint32		next = 0;

	(void) lay_out(work, codec, lists, inputs, ninputs, &kept, &which);
	barq_ivf_step_init(work);
	if (which >= 0)
	{
		load_kept(work, &kept, inputs[which].dead);
		next = load_input(work, &inputs[which], next);
	}
	for (int i = 0; i < ninputs; i++)
		if (i != which)
			next = load_input(work, &inputs[i], next);
	Assert(next == work->rows && work->kept <= work->rows);
	return work;
}
