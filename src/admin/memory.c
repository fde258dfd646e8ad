/*
 * memory.c
 *	  barq_prewarm(), barq_evict(), and barq_index_memory(), which barq_memory() calls.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/admin.h"
#include "base/shared.h"
#include "catalog/index.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lifecycle/policy.h"
#include "miscadmin.h"
#include "store/residency.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_prewarm);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_evict);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_index_memory);

#define MEMORY_COLUMNS	10

/* Wait of barq_evict() for sessions that are busy. */
#define LET_GO_MS		1000

/* Path of a segment's image, palloc'd. */
static char *
image_path(Relation index, const BarqSegmentDesc *desc)
{
	return barq_id_path(barq_image_folder(index), desc->id, ".img");
}

/*
 * Open the index of the arguments (index, segment) to control it. *only receives the
 * number of the segment, or -1 for all. Errors: barq_admin_open();
 * ERRCODE_NULL_VALUE_NOT_ALLOWED.
 */
static Relation
open_to_steer(FunctionCallInfo fcinfo, int *only)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("index must not be NULL")));
	*only = PG_ARGISNULL(1) ? -1 : PG_GETARG_INT32(1);
	return barq_admin_open(PG_GETARG_OID(0), AccessShareLock, BARQ_RIGHT_STEER);
}

/*
 * The segments of an index, or the one with number `only`, palloc'd; *n receives their
 * number. ERRCODE_UNDEFINED_OBJECT if there is none of that number.
 */
static BarqSegmentDesc *
segments_to_steer(Relation index, int only, uint32 *n)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, NULL);

	*n = meta.segments;
	if (only < 0)
		return descs;
	for (uint32 i = 0; i < meta.segments; i++)
		if (descs[i].number == (uint32) only)
		{
			descs[0] = descs[i];
			*n = 1;
			return descs;
		}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("index \"%s\" has no segment %d", RelationGetRelationName(index), only),
			 errhint("barq_segments() lists the segments.")));
}

/*
 * barq_prewarm(index regclass, segment integer) → bytes of images that are now in
 * memory. Makes missing images. Errors: open_to_steer(), segments_to_steer().
 */
Datum
barq_prewarm(PG_FUNCTION_ARGS)
{
	int			only;
	Relation	index = open_to_steer(fcinfo, &only);
	BarqMemory	memory = barq_memory_of(index);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq prewarm",
												  ALLOCSET_DEFAULT_SIZES);
	BarqMeta	meta;
	const BarqSnapshot *snapshot;
	uint64		total = 0;
	bool		found = only < 0;

	snapshot = barq_snapshot_get(index, &meta, true, context);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegment *segment = &snapshot->segments[i];
		uint64		position = 0;

		if (only >= 0 && segment->desc.number != (uint32) only)
			continue;
		found = true;
		if (segment->mapping == NULL)
			continue;
		barq_residency_searched(segment->mapping, memory);
		if (barq_read_into_cache(image_path(index, &segment->desc), &position, 0))
			total += position;
	}
	if (!found)
	{
		uint32		n;

		(void) segments_to_steer(index, only, &n);
	}
	MemoryContextDelete(context);
	relation_close(index, AccessShareLock);
	PG_RETURN_INT64((int64) total);
}

/*
 * barq_evict(index regclass, segment integer) → bytes of images that are no longer in
 * memory. Its heat is forgotten. Errors: open_to_steer(), segments_to_steer().
 */
Datum
barq_evict(PG_FUNCTION_ARGS)
{
	int			only;
	Relation	index = open_to_steer(fcinfo, &only);
	uint32		n;
	const BarqSegmentDesc *descs = segments_to_steer(index, only, &n);
	uint8(*ids)[BARQ_ID_BYTES] = palloc(BARQ_ID_BYTES * (Size) Max(n, 1));
	uint64		total = 0;

	for (uint32 i = 0; i < n; i++)
		memcpy(ids[i], descs[i].id, BARQ_ID_BYTES);
	(void) barq_residency_let_go((const uint8 (*)[BARQ_ID_BYTES]) ids, (int) n, LET_GO_MS);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *path = image_path(index, &descs[i]);
		uint64		bytes;
		uint64		before;
		uint64		after;
		uint64		hand = 0;

		if (!barq_cached_bytes(path, &bytes, &before) || before == 0)
			continue;
		barq_uncache(path, PG_UINT64_MAX, &hand);
		if (barq_cached_bytes(path, &bytes, &after))
			total += before - Min(before, after);
		barq_residency_note_eviction(descs[i].id, GetCurrentTimestamp(), true);
	}
	relation_close(index, AccessShareLock);
	PG_RETURN_INT64((int64) total);
}

/* Add a row for a segment to the result of barq_index_memory(). */
static void
put_segment(ReturnSetInfo *rsinfo, Relation index, const BarqSegmentDesc *desc)
{
	Datum		values[MEMORY_COLUMNS];
	bool		nulls[MEMORY_COLUMNS] = {0};
	uint64		bytes = 0;
	uint64		cached = 0;
	uint64		unused;
	BarqImageUse use;

	(void) barq_cached_bytes(image_path(index, desc), &bytes, &cached);
	memset(&use, 0, sizeof(use));
	if (!barq_residency_get(desc->id, &use))
		nulls[7] = nulls[8] = true;
	values[0] = Int32GetDatum((int32) desc->number);
	values[1] = CStringGetTextDatum(barq_memory_name(barq_memory_of(index)));
	values[2] = Int64GetDatum((int64) bytes);
	values[3] = Int64GetDatum(barq_image_state(index, desc, &unused) == BARQ_IMAGE_RESIDENT ?
							  (int64) barq_image_file_bytes(desc->body_bytes) : 0);
	values[4] = Int64GetDatum((int64) cached);
	values[5] = Int32GetDatum(use.sessions);
	values[6] = Float8GetDatum((double) use.heat / BARQ_HEAT_ONE);
	values[7] = TimestampTzGetDatum(use.searched);
	values[8] = TimestampTzGetDatum(use.evicted);
	values[9] = Int64GetDatum((int64) use.evictions);
	nulls[7] |= use.searched == 0;
	nulls[8] |= use.evicted == 0;

	/* known only where sessions share memory */
	if (!barq_is_preloaded())
		nulls[5] = nulls[6] = nulls[9] = true;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * barq_index_memory(index oid) → a row for each segment, or none if the relation is
 * gone, is no barq index, is not built, or the user may not see it. Raises no error for
 * these.
 */
Datum
barq_index_memory(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = barq_admin_try_open(PG_GETARG_OID(0));
	BarqMeta	meta;
	BarqSegmentDesc *descs;

	InitMaterializedSRF(fcinfo, 0);
	if (index == NULL)
		return (Datum) 0;

	descs = barq_directory_current(index, &meta, NULL);
	for (uint32 i = 0; i < meta.segments; i++)
	{
		barq_residency_set_memory(descs[i].id, barq_memory_of(index));
		put_segment(rsinfo, index, &descs[i]);
	}
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}
