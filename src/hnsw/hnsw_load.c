/*
 * hnsw_load.c
 *	  Laying out a work area and filling it with the inputs' live rows.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "hnsw/hnsw_merge.h"
#include "hnsw/hnsw_place.h"
#include "hnsw/hnsw_sources.h"
#include "hnsw/hnsw_work.h"
#include "base/interrupts.h"

/*
 * Least ef_construction where an input is a graph or lists, whose rows are
 * numbered by place: neighbours have near numbers. Rows inserted in that order
 * find good neighbours early (GloVe, 170,000 rows: recall 0.934, in random
 * order 0.919), but a narrower search finds only rows of the same place, and
 * links to distant places are missing (m = 4, ef_construction = 8, 40,000 rows
 * of 3 dimensions: recall 0.79, with this 1.00).
 */
#define PLACE_ORDER_EF	32

/*
 * The area has as many upper lists as its row numbers draw, and a sixteenth
 * more: rows of a kept graph keep levels that other row numbers drew. A row
 * whose lists do not fit stays on layer 0.
 */
uint64
barq_hnsw_work_lay_out(BarqHnswWork *work, uint64 rows_bytes)
{
	BarqBodyHeader body;
	BarqVectorHeader vector;
	uint64		off;
	uint64		rows = work->rows;
	uint64		upper = 0;

	for (uint32 row = 0; row < work->rows; row++)
	{
		if ((row & 0xfffff) == 0)
			barq_check_interrupts();
		upper += barq_hnsw_draw_level(row, work->m);
	}
	upper += upper / 16 + 64;
	upper = Min(upper, PG_UINT32_MAX);

	work->upper_size = (uint32) upper;
	work->list_bytes = hnsw_list_bytes(work->m);

	barq_vector_headers(&work->codec, BARQ_KIND_HNSW, work->rows, &body, &vector);
	work->codes_off = BARQ_AREA_BODY + vector.codes_off;
	Assert(work->codes_off == BARQ_AREA_CODES);
	work->tids_off = BARQ_AREA_BODY + body.tids_off;
	work->refine_off = vector.refine_off != 0 ? BARQ_AREA_BODY + vector.refine_off : 0;
	off = BARQ_AREA_BODY + body.body_bytes;
	work->lists_off = off;
	off += rows * work->list_bytes;
	work->rows_off = off;
	off += barq_align64(rows_bytes);
	work->graph_off = off;
	off += hnsw_graph_bytes(work->m, upper);
	work->body_end = off;

	work->upper_off = off;
	off += barq_align64(upper * work->m * sizeof(uint32));
	work->levels_off = off;
	off += barq_align64(rows * sizeof(uint8));
	work->versions_off = off;
	off += barq_align64(rows * sizeof(pg_atomic_uint32));
	work->upper_of_off = off;
	off += barq_align64(rows * sizeof(uint32));
	work->first_off = off;
	off += barq_align64(rows * sizeof(uint32));
	work->sources_off = off;
	off += barq_align64(rows * sizeof(uint8));
	work->windows_off = off;
	work->window_bytes = (uint32) barq_align64(rows / HNSW_BLOCK_ROWS / 8 + 1);
	off += (uint64) 2 * HNSW_WINDOWS * work->window_bytes;
	work->area_bytes = off;
	return off;
}

/* Internal errors for options out of range; callers have validated them. */
static void
check_options(const BarqHnswOptions *options)
{
	if (options->m < HNSW_MIN_M || options->m > HNSW_MAX_M)
		elog(ERROR, "m is out of range: %d", options->m);
	if (options->ef_construction < 1)
		elog(ERROR, "ef_construction is out of range: %d", options->ef_construction);
}

uint64
barq_hnsw_work_bytes(const BarqCodec *codec, const BarqHnswOptions *options,
					 uint32 rows, uint64 rows_bytes)
{
	BarqHnswWork work;

	check_options(options);
	barq_vector_limit_rows(rows);
	memset(&work, 0, sizeof(work));
	work.codec = *codec;
	work.m = options->m;
	work.rows = rows;
	return barq_hnsw_work_lay_out(&work, rows_bytes);
}

BarqHnswWork *
barq_hnsw_work_attach(void *mem)
{
	BarqHnswWork *work = mem;

	if (work->magic != HNSW_WORK_MAGIC)
		elog(ERROR, "not a work area");
	return work;
}

void
barq_hnsw_work_set_level(BarqHnswWork *work, uint32 row, int level)
{
	Assert(row < work->rows && level >= 0 && level <= HNSW_MAX_LAYERS);
	if (level > 0 && (uint32) level > work->upper_size - work->upper_used)
		level = 0;
	hnsw_work_levels(work)[row] = (uint8) level;
	if (level > 0)
		((uint32 *) hnsw_work_at(work, work->upper_of_off))[row] = work->upper_used;
	work->upper_used += level;
}

void
barq_hnsw_work_copy_row(BarqHnswWork *work, uint32 to, BarqView *view,
						const BarqBodyHeader *body,
						const BarqVectorHeader *vector, uint32 from)
{
	char	   *code = hnsw_work_code(work, to);
	Size		length;
	const void *row = barq_vector_read_row(view, vector, &work->codec, from, &length);

	if (barq_codec_has_heads(&work->codec))
	{
		char	   *whole = hnsw_work_at(work, work->rows_off + work->rows_used);

		memcpy(whole, row, length);
		barq_row_head(&work->codec, code, whole, whole - code);
		work->rows_used += length;
	}
	else
		memcpy(code, row, length);
	barq_maintenance_bytes += length;
	memset(code + vector->row_bytes, 0, vector->stride - vector->row_bytes);
	if (work->refine_off != 0)
	{
		Size		bytes = work->codec.refine_bytes;

		memcpy(hnsw_work_at(work, work->refine_off) + to * bytes,
			   barq_vector_read_refinement(view, vector, &work->codec, from), bytes);
		barq_maintenance_bytes += bytes;
	}
	memcpy(&hnsw_work_tids(work)[to],
		   barq_view_read(view, body->tids_off + (uint64) from * sizeof(ItemPointerData),
						  sizeof(ItemPointerData)),
		   sizeof(ItemPointerData));
}

/*
 * Lay out an area of so many rows, with rows_bytes of whole rows, and empty its graph.
 * Returns the table of copies for its rows.
 */
static HnswCopies *
begin_area(BarqHnswWork *work, const BarqCodec *codec, int m, int ef_construction,
		   uint32 rows, uint64 rows_bytes)
{
	memset(work, 0, sizeof(*work));
	work->codec = *codec;
	work->m = m;
	work->ef_construction = ef_construction;
	work->rows = rows;
	barq_hnsw_work_lay_out(work, rows_bytes);
	pg_atomic_init_u32(&work->entry_lock, 0);
	pg_atomic_init_u64(&work->entry, HNSW_NO_ENTRY);
	pg_atomic_init_u32(&work->claimants, 0);
	for (int i = 0; i < HNSW_CLAIMANTS; i++)
		pg_atomic_init_u64(&work->claims[i], 0);
	barq_fill(hnsw_work_at(work, work->versions_off), 0,
			  (uint64) rows * sizeof(pg_atomic_uint32));
	barq_fill(hnsw_work_at(work, work->sources_off), 0, rows);
	barq_fill(hnsw_work_at(work, work->upper_off), 0xff,
			  (uint64) work->upper_size * work->m * sizeof(uint32));
	barq_fill(hnsw_work_at(work, work->lists_off), 0xff, (uint64) rows * work->list_bytes);
	return barq_hnsw_copies_begin(work);
}

/*
 * Give rows the lists that they have in inputs whose graphs can be used. numbers[]: the
 * number of each row from work->kept on, in the order of the inputs; NULL: that is the order.
 * kept: the input that is not among them.
 */
static void
load_lists(BarqHnswWork *work, BarqMergeInput *inputs, int ninputs, int kept,
		   const uint32 *numbers)
{
	uint32		next = work->kept;
	int			nsources = 0;

	for (int i = 0; i < ninputs; i++)
	{
		uint32		rows = inputs[i].view->rows;
		uint32	   *number;

		if (i == kept)
			continue;
		if (nsources == HNSW_SOURCES - 1 || !barq_hnsw_merge_can_keep(work, &inputs[i]))
		{
			next += inputs[i].live;
			continue;
		}
		number = MemoryContextAllocHuge(CurrentMemoryContext, (Size) rows * sizeof(uint32));
		for (uint32 row = 0; row < rows; row++)
		{
			if (inputs[i].dead != NULL && barq_bit_is_set(inputs[i].dead, row))
				number[row] = HNSW_NONE;
			else
			{
				number[row] = numbers == NULL ? next : numbers[next - work->kept];
				next++;
			}
		}
		barq_hnsw_sources_load(work, &inputs[i], number, (uint8) ++nsources);
		pfree(number);
	}
	Assert(next == work->rows);
}

/*
 * All codes and TIDs are in the area: give the rows from work->kept on their order, lists
 * and levels, and find copies. Then they can be inserted. kept: the input whose graph is kept;
 * -1: none, and rows have no lists.
 */
static BarqHnswWork *
end_load(BarqHnswWork *work, const BarqHnswOptions *options, HnswCopies *copies,
		 BarqMergeInput *inputs, int ninputs, int kept)
{
	uint32		counts[HNSW_MAX_LAYERS + 1];
	int			level = HNSW_MAX_LAYERS;
	uint32	   *numbers = NULL;

	if (barq_hnsw_order_by_place(work, options, counts, kept >= 0 ? &numbers : NULL))
		work->ef_construction = Max(work->ef_construction, PLACE_ORDER_EF);
	if (kept >= 0)
		load_lists(work, inputs, ninputs, kept, numbers);
	if (numbers != NULL)
		pfree(numbers);
	for (uint32 row = work->kept; row < work->rows; row++)
	{
		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (work->by_place)
		{
			while (counts[level] == 0)
				level--;
			counts[level]--;
		}
		else
			level = barq_hnsw_draw_level(row, work->m);
		if (barq_hnsw_copies_add(copies, row) != row)
			barq_hnsw_work_set_level(work, row, 0);
		else
			barq_hnsw_work_set_level(work, row, level);
	}
	pfree(copies);
	barq_hnsw_sources_settle(work);
	pg_atomic_init_u32(&work->claimed, work->kept);
	work->magic = HNSW_WORK_MAGIC;
	return work;
}

BarqHnswWork *
barq_hnsw_work_load_rows(void *mem, const BarqCodec *codec, const BarqHnswOptions *options,
						 const BarqBuildRows *rows)
{
	BarqHnswWork *work = mem;
	BarqAreaRows area;
	HnswCopies *copies;

	check_options(options);
	copies = begin_area(work, codec, options->m, options->ef_construction, rows->n,
						rows->whole_bytes);
	area = hnsw_work_rows(work);
	barq_area_load(&area, hnsw_work_at(work, work->rows_off), rows);
	work->rows_used = rows->whole_bytes;
	return end_load(work, options, copies, NULL, 0, -1);
}

BarqHnswWork *
barq_hnsw_work_load(void *mem, const BarqCodec *codec,
					const BarqHnswOptions *options,
					BarqMergeInput *inputs, int ninputs, BarqMergePoints *points)
{
	BarqHnswWork *work = mem;
	uint32		rows = barq_vector_count_live(inputs, ninputs);
	uint64		rows_bytes = 0;
	uint32		next;
	int			kept;
	bool		in_place_order = false;
	HnswCopies *copies;

	check_options(options);
	for (int i = 0; i < ninputs; i++)
	{
		in_place_order |= inputs[i].view->kind != BARQ_KIND_FLAT;
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	}
	copies = begin_area(work, codec, options->m,
						in_place_order ? Max(options->ef_construction, PLACE_ORDER_EF) :
						options->ef_construction,
						rows, rows_bytes);
	kept = barq_hnsw_merge_choose(work, inputs, ninputs);
	if (kept >= 0)
		barq_hnsw_merge_keep(work, &inputs[kept], copies, points);

	next = work->kept;
	for (int i = 0; i < ninputs; i++)
	{
		BarqBodyHeader body;
		BarqVectorHeader vector;
		BarqCodec	in_codec;

		if (i == kept)
			continue;
		barq_vector_open(inputs[i].view, &body, &vector, &in_codec);
		barq_vector_same_codec(codec, &in_codec);
		for (uint32 row = 0; row < body.rows; row++)
		{
			if ((row & 0xfff) == 0)
				barq_check_interrupts();
			if (inputs[i].dead != NULL && barq_bit_is_set(inputs[i].dead, row))
				continue;
			barq_hnsw_work_copy_row(work, next++, inputs[i].view, &body, &vector, row);
		}
	}
	Assert(next == work->rows);
	return end_load(work, options, copies, inputs, ninputs, kept);
}
