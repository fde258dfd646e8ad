/*
 * vector_segments.c
 *	  Which segments an index of vectors writes: sealed logs become flat segments
 *	  or, quickly made, lists; merges become graphs or lists where those pay.
 *	  Both access methods share this; their own parts are in hnsw_kind.c and
 *	  ivf_kind.c.
 */
#include "postgres.h"

#include <math.h>

#include "vector_index/vector_build.h"
#include "miscadmin.h"
#include "base/interrupts.h"
#include "store/work.h"

uint64
barq_scan_cost(const BarqCodec *codec, uint64 rows)
{
	return rows * (codec->row_bytes + barq_codec_form(codec->quant)->scoring_bytes);
}

/*
 * Write rows of the log as a flat body, with half codes or not. Raises
 * ERRCODE_INDEX_CORRUPTED for a record that is no row of the codec.
 */
static void
seal_flat(const BarqCodec *codec, const BarqSealRow *rows, uint32 n, bool halved,
		  BarqBodyWriter *writer)
{
	Size		width = barq_codec_whole_bytes(codec);
	char	   *codes;			/* whole rows, or heads of them */
	ItemPointerData *tids;

	codes = palloc_extended(width * n, MCXT_ALLOC_HUGE);
	tids = palloc_extended(sizeof(ItemPointerData) * (Size) n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *code = codes + i * width;

		if (!barq_row_is_whole(codec, rows[i].payload, rows[i].length))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("a growing record of %u bytes is no row of the index",
							rows[i].length),
					 errhint("Please REINDEX the index.")));
		if (barq_codec_has_heads(codec))
			barq_row_head(codec, code, rows[i].payload, rows[i].payload - code);
		else
			memcpy(code, rows[i].payload, width);
		tids[i] = rows[i].tid;
	}
	barq_flat_write(writer, codec, codes, width, codes + codec->row_bytes, width, tids, n, halved);
	pfree(codes);
	pfree(tids);
}

/* BarqBuildProgress where progress is not shown: checks for interrupts only. */
static void
check_interrupts_only(void *arg, uint32 rows)
{
	barq_check_interrupts();
}

/*
 * Whether a sealed log of a barq_hnsw index gets lists until a merge makes a
 * graph of it: lists cost a tenth of a graph, and a search that meets a dozen
 * such segments during a merge reads a tenth of their rows. barq_ivf seals flat,
 * for the merge that makes its lists comes soon. No side effects.
 */
static bool
seals_lists(const BarqFrozenOptions *frozen, const BarqCodec *codec, uint32 rows)
{
	return frozen->index_kind == BARQ_KIND_HNSW &&
		!barq_codec_has_heads(codec) &&
		codec->metric != BARQ_METRIC_L1 && codec->metric != BARQ_METRIC_JACCARD &&
		barq_ivf_index_kind.pays(codec, rows);
}

/* The lists of a log of so many rows. */
static uint32
lists_of_log(uint64 rows)
{
	return (uint32) sqrt((double) rows);
}

/* Make the lists of a loaded area, write them as those of a log, and release the area. */
static void
write_log(BarqWork *area, const BarqCodec *codec, BarqBuildProgress progress, void *arg,
		  BarqBodyWriter *writer)
{
	BarqIvfWork *lists = barq_ivf_work_attach(area->address);
	uint64		bytes;

	barq_ivf_work_train(lists, progress, arg);
	barq_ivf_work_assign(lists, progress, arg);
	bytes = barq_ivf_work_finish(lists);
	barq_ivf_write_halved(writer, codec, area->address + BARQ_IMAGE_BODY, bytes);
	barq_work_release(area);
}

/* Write rows of the log as a body with lists, by way of a flat one in memory. */
static void
seal_lists(const BarqCodec *codec, const BarqSealRow *rows, uint32 n,
		   BarqBodyWriter *writer)
{
	uint32		wanted = lists_of_log(n);
	BarqBodyWriter *flat;
	BarqView	view;
	BarqMergeInput input = {&view, NULL, n};
	BarqWork   *area;
	const char *body;
	uint64		bytes;

	flat = barq_body_begin_memory((Size) n * (codec->stride + codec->refine_bytes));
	seal_flat(codec, rows, n, false, flat);
	body = barq_body_finish(flat, &bytes);
	barq_view_init_memory(&view, body, bytes);
	area = barq_work_create_private(barq_ivf_work_bytes(codec, wanted, &input, 1));
	(void) barq_ivf_work_load(area->address, codec, wanted, &input, 1);
	barq_body_release(flat);
	write_log(area, codec, check_interrupts_only, NULL, writer);
}

void
barq_vector_seal(const BarqFrozenOptions *frozen, const BarqSealRow *rows, uint32 n,
				 bool quick, BarqBodyWriter *writer)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	if (!quick && seals_lists(frozen, &codec, n))
		seal_lists(&codec, rows, n, writer);
	else
		seal_flat(&codec, rows, n, !quick, writer);
}

void
barq_vector_join(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs,
				 BarqBodyWriter *writer)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	barq_flat_merge(writer, &codec, inputs, ninputs);
}

/*
 * Build a graph or lists in a loaded area, with the team, and complete
 * the body; returns its bytes.
 */
static uint64
build_in_area(const BarqVectorIndexKind *kind, BarqWork *area, const BarqBuildTeam *team)
{
	if (area->attach_path != NULL)
		team->begin(team->arg, area->attach_path, area->bytes);
	kind->lead(area->address, team->progress, team->arg);
	team->finish(team->arg);
	return kind->finish(area->address);
}

BarqBodyWriter *
barq_vector_build(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
				  BarqBuildRows *rows, const char *path, const BarqBuildTeam *team)
{
	const BarqVectorIndexKind *kind = barq_vector_kind(frozen);
	uint64		bytes = kind->rows_area_bytes(frozen, rows);
	BarqWork   *area = NULL;
	char	   *reason;

	if (path != NULL && bytes <= (uint64) maintenance_work_mem * 1024)
		area = barq_work_create_memory(bytes);
	if (path != NULL && area == NULL)
	{
		area = barq_work_extend_file(path, bytes, &reason);
		rows->in_area = area != NULL;
	}
	if (area == NULL)
		area = barq_work_create_private(bytes);
	kind->load_rows(area->address, frozen, rows);
	team->loaded(team->arg);
	return barq_body_begin_work(index, id, area, build_in_area(kind, area, team));
}

/* A smaller area is filled again in a second or two. */
#ifndef BARQ_CRASH_POINTS
#define RESUME_PAYS_BYTES	(UINT64CONST(8) * 1024 * 1024)
#else							/* tests of crashes go on with small merges */
#define RESUME_PAYS_BYTES	(UINT64CONST(64) * 1024)
#endif

/*
 * The area of a merge that was interrupted, or NULL if there is none that can be used.
 * *body_bytes: of the body, if it is complete, else 0.
 */
static BarqWork *
reopen_area(Relation index, const BarqVectorIndexKind *kind, const uint8 *id, uint64 bytes,
			BarqMergeInput *inputs, int ninputs, uint64 *body_bytes)
{
	BarqWork   *area = barq_work_reopen(index, id, bytes);

	if (area == NULL)
		return NULL;
	if (kind->resume != NULL &&
		kind->resume(area->address, bytes, inputs, ninputs, body_bytes))
		return area;
	ereport(DEBUG1, (errmsg_internal("a merge starts over")));
	area->keep = false;
	barq_work_release(area);
	return NULL;
}

/*
 * Merge inputs to a graph or lists, or go on with it. NULL with *reason if room is
 * lacking.
 */
static BarqBodyWriter *
merge_in_area(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
			  BarqMergeInput *inputs, int ninputs, BarqMergePoints *points, char **reason)
{
	const BarqVectorIndexKind *kind = barq_vector_kind(frozen);
	uint64		bytes = kind->area_bytes(frozen, inputs, ninputs);
	uint64		body_bytes = 0;
	BarqWork   *area = NULL;

	if (points != NULL && points->resumed)
		area = reopen_area(index, kind, id, bytes, inputs, ninputs, &body_bytes);
	if (area == NULL)
	{
		area = barq_work_create_shared(index, id, bytes, reason);
		if (area == NULL)
			return NULL;
		kind->load(area->address, frozen, inputs, ninputs, points);
		if (points != NULL && kind->note_loaded != NULL && bytes >= RESUME_PAYS_BYTES)
		{
			kind->note_loaded(area->address);
			area->keep = points->can_go_on(points);
		}
	}
	if (body_bytes == 0)
		body_bytes = build_in_area(kind, area, barq_merge_team(frozen, points));
	return barq_body_begin_work(index, id, area, body_bytes);
}

/* Merge inputs, with so many live rows, to a flat body. */
static BarqBodyWriter *
merge_flat(const BarqCodec *codec, BarqMergeInput *inputs, int ninputs, uint64 live)
{
	BarqBodyWriter *writer = barq_body_begin_memory(live * (codec->stride + codec->refine_bytes));

	barq_flat_merge(writer, codec, inputs, ninputs);
	return writer;
}

BarqBodyWriter *
barq_vector_collect(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
					BarqMergeInput *inputs, int ninputs, uint64 live,
					BarqMergePoints *points, char **reason)
{
	const BarqBuildTeam *team = barq_merge_team(frozen, points);
	uint32		wanted = lists_of_log(live);
	BarqCodec	codec;
	BarqWork   *area;
	BarqBodyWriter *writer;
	uint64		bytes;

	barq_vector_codec(frozen, &codec);
	if (!barq_ivf_index_kind.pays(&codec, live))
		return merge_flat(&codec, inputs, ninputs, live);

	bytes = barq_ivf_work_bytes(&codec, wanted, inputs, ninputs);
	area = barq_work_create_shared(index, id, bytes, reason);
	if (area == NULL)
		return NULL;
	writer = barq_body_begin_file(index, id, bytes + live * codec.stride / 2, reason);
	if (writer == NULL)
		return NULL;
	barq_body_set_points(writer, points);
	(void) barq_ivf_work_load(area->address, &codec, wanted, inputs, ninputs);
	write_log(area, &codec, team->progress, team->arg, writer);
	return writer;
}

BarqBodyWriter *
barq_vector_merge(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
				  BarqMergeInput *inputs, int ninputs, uint64 live,
				  BarqMergePoints *points, char **reason)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	if (barq_vector_kind(frozen)->pays(&codec, live))
		return merge_in_area(index, frozen, id, inputs, ninputs, points, reason);
	return merge_flat(&codec, inputs, ninputs, live);
}

bool
barq_vector_is_provisional(const BarqFrozenOptions *frozen, uint16 segment_kind,
						   uint64 rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return segment_kind != frozen->index_kind &&
		barq_vector_kind(frozen)->pays(&codec, rows);
}

bool
barq_vector_is_urgent(const BarqFrozenOptions *frozen, uint16 segment_kind, uint64 rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	/* scoring a sparse row takes as long as scoring thirty dense codes */
	return barq_codec_has_heads(&codec) &&
		barq_vector_is_provisional(frozen, segment_kind, rows);
}

bool
barq_vector_has_key(Relation index, const BarqFrozenOptions *frozen, Datum value)
{
	BarqCodec	codec;
	void	   *copy;
	void	   *row;
	int			dims;
	const void *elements;
	bool		encoded;

	barq_vector_codec(frozen, &codec);
	elements = barq_vector_space(index)->elements(value, &dims, &copy);
	row = palloc(barq_value_row_bytes(&codec, elements));
	encoded = dims == codec.dims && barq_codec_encode(&codec, elements, row);
	pfree(row);
	if (copy != NULL)
		pfree(copy);
	return encoded;
}
