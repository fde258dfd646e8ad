/*
 * ivf_write.c
 *	  Completing a finished work area as a body: rows in the order of their lists, in
 *	  place; lists without rows are left out. Called by the leader.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "ivf/ivf_work.h"
#include "base/interrupts.h"

/*
 * Order rows by their lists, in place. Receive: firsts[], the number of the first row of
 * each list that has rows, and the end of the last one; names[], which of the area's
 * lists each one is. Returns the number of lists that have rows.
 */
static uint32
order_rows(BarqIvfWork *work, uint32 *firsts, uint32 *names)
{
	BarqAreaRows area = ivf_work_rows(work);
	uint32		lists = 0;

	barq_area_group(&area, (uint32 *) ivf_work_at(work, work->list_of_off), work->lists,
					firsts, NULL);
	for (uint32 list = 0; list < work->lists; list++)
	{
		if (firsts[list] == firsts[list + 1])
			continue;
		names[lists] = list;
		firsts[lists++] = firsts[list];
	}
	firsts[lists] = work->rows;
	return lists;
}

/* Write the spreads (ivf_spread()) of the lists of order_rows() to spreads[]. */
static void
find_spreads(BarqIvfWork *work, const uint32 *firsts, const uint32 *names, uint32 lists,
			 float *spreads)
{
	BarqCodec	space = ivf_space(&work->codec);
	const char *codes = ivf_work_at(work, work->codes_off);
	float		keys[IVF_CHUNK_ROWS];

	for (uint32 i = 0; i < lists; i++)
	{
		double		sum = 0;

		for (uint32 at = firsts[i]; at < firsts[i + 1]; at += IVF_CHUNK_ROWS)
		{
			int			n = (int) Min(IVF_CHUNK_ROWS, firsts[i + 1] - at);

			barq_check_interrupts();
			barq_code_keys(&space,
						   ivf_work_at(work, work->centroids_off) + names[i] * (Size) space.stride,
						   codes + at * (Size) space.stride, space.stride, NULL, n, keys);
			barq_keys_clean(keys, n);
			for (int j = 0; j < n; j++)
				sum += Max(keys[j], 0);
		}
		spreads[i] = (float) sqrt(sum / (firsts[i + 1] - firsts[i]) / space.dims);
	}
}

uint64
barq_ivf_lay_out_lists(const BarqCodec *codec, uint32 lists, uint64 off, IvfHeader *header)
{
	off += sizeof(IvfHeader);
	header->firsts_off = off;
	off += barq_align64(((uint64) lists + 1) * sizeof(uint32));
	header->centroids_off = off;
	off += barq_align64((uint64) lists * codec->stride);
	if (codec->metric == BARQ_METRIC_IP)
	{
		header->spreads_off = off;
		off += barq_align64((uint64) lists * sizeof(float));
	}
	return off;
}

uint64
barq_ivf_work_finish(BarqIvfWork *work)
{
	Size		stride = work->codec.stride;
	Size		space = (Size) work->lists + 1;
	char	   *start = ivf_work_at(work, BARQ_AREA_BODY);
	uint32	   *firsts = palloc_extended(sizeof(uint32) * space, MCXT_ALLOC_HUGE);
	uint32	   *names = palloc_extended(sizeof(uint32) * space, MCXT_ALLOC_HUGE);
	BarqBodyHeader body;
	BarqVectorHeader vector;
	IvfHeader	header = {0};

	work->phase = IVF_PHASE_ORDERING;
	header.magic = IVF_MAGIC;
	header.version = IVF_VERSION;
	header.lists = order_rows(work, firsts, names);
	header.wanted = work->wanted;
	header.cost = work->cost;
	header.imbalance = work->imbalance;

	barq_vector_headers(&work->codec, BARQ_KIND_IVF, work->rows, &body, &vector);
	vector.graph_off = body.body_bytes;
	Assert(BARQ_AREA_BODY + vector.graph_off == work->lists_off);
	body.body_bytes = barq_ivf_lay_out_lists(&work->codec, header.lists, vector.graph_off,
											 &header);
	Assert(BARQ_AREA_BODY + body.body_bytes <= work->body_end);

	/* zeros between the sections */
	barq_area_pad(work, work->tids_off + (uint64) work->rows * sizeof(ItemPointerData));
	if (work->refine_off != 0)
		barq_area_pad(work, work->refine_off + (uint64) work->rows * work->codec.refine_bytes);
	memset(start + vector.graph_off, 0, body.body_bytes - vector.graph_off);
	memcpy(start + vector.graph_off, &header, sizeof(header));
	memcpy(start + header.firsts_off, firsts, ((Size) header.lists + 1) * sizeof(uint32));
	for (uint32 i = 0; i < header.lists; i++)
	{
		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		memcpy(start + header.centroids_off + i * stride,
			   ivf_work_at(work, work->centroids_off) + names[i] * stride, stride);
	}
	if (header.spreads_off != 0)
		find_spreads(work, firsts, names, header.lists,
					 (float *) (start + header.spreads_off));
	memcpy(start, &body, sizeof(body));
	memcpy(start + sizeof(body), &vector, sizeof(vector));

	work->body_bytes = body.body_bytes;
	pg_write_barrier();			/* a process that goes on finds all of it */
	work->phase = IVF_PHASE_COMPLETE;

	pfree(names);
	pfree(firsts);
	return body.body_bytes;
}
