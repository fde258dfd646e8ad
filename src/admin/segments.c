/*
 * segments.c
 *	  barq_segments(), and barq_index_status(), which barq_indexes() calls.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "admin/admin.h"
#include "am/am.h"
#include "base/script.h"
#include "catalog/index.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_segments);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_index_status);

#define SEGMENTS_COLUMNS	11
#define STATUS_COLUMNS		10

typedef struct LogCounts
{
	int64		rows;
	int64		dead;
} LogCounts;

static void
count_record(void *arg, const BarqRecord *record)
{
	LogCounts  *counts = arg;

	counts->rows++;
	counts->dead += record->dead;
}

/*
 * Read the directory and count the records of the log, both of one directory
 * version, which *meta receives. Returns the descriptors, palloc'd.
 * ERRCODE_INDEX_CORRUPTED where the log is damaged.
 */
static BarqSegmentDesc *
read_index(Relation index, BarqMeta *meta, LogCounts *counts)
{
	BarqGrowingVisitor visitor = {NULL, count_record, NULL, counts, barq_ring(BAS_BULKREAD)};
	uint64		failed_version = 0;

	for (;;)
	{
		BarqSegmentDesc *descs = barq_directory_current(index, meta, NULL);

		memset(counts, 0, sizeof(*counts));
		if (barq_growing_walk(index, meta, InvalidBlockNumber, &visitor))
			return descs;
		pfree(descs);
		CHECK_FOR_INTERRUPTS();
		barq_meta_check_moved(index, meta->directory_version, &failed_version);
	}
}

/* Bytes of all pages of a segment. */
static int64
segment_page_bytes(const BarqSegmentDesc *desc)
{
	return ((int64) desc->blob_pages + desc->extents_pages + desc->tombstone_pages) * BLCKSZ;
}

/* Add a row for a segment to the result of barq_segments(). */
static void
put_segment(ReturnSetInfo *rsinfo, Relation index, const BarqSegmentDesc *desc)
{
	static const char *const image_names[] = {"missing", "on_disk", "resident"};
	Datum		values[SEGMENTS_COLUMNS];
	bool		nulls[SEGMENTS_COLUMNS] = {0};
	uint64		image_bytes;
	BarqImageState image = barq_image_state(index, desc, &image_bytes);

	values[0] = Int32GetDatum((int32) desc->number);
	values[1] = UUIDPGetDatum((const pg_uuid_t *) desc->id);
	values[2] = CStringGetTextDatum(barq_segment_kind(desc->kind)->name);
	values[3] = Int32GetDatum(desc->level);
	values[4] = CStringGetTextDatum(desc->origin == BARQ_ORIGIN_MERGE ?
									"compacted" : "sealed");
	values[5] = Int64GetDatum(desc->rows);
	values[6] = Int64GetDatum(desc->dead_rows);
	values[7] = Int64GetDatum(segment_page_bytes(desc));
	values[8] = Int64GetDatum((int64) image_bytes);
	values[9] = CStringGetTextDatum(image_names[image]);
	values[10] = TimestampTzGetDatum(desc->created);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * barq_segments(index regclass) → a row for each segment, the growing log last.
 * Errors: barq_admin_open().
 */
Datum
barq_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = barq_admin_open(PG_GETARG_OID(0), AccessShareLock, BARQ_RIGHT_SEE);
	BarqMeta	meta;
	LogCounts	counts;
	BarqSegmentDesc *descs;
	Datum		values[SEGMENTS_COLUMNS];
	bool		nulls[SEGMENTS_COLUMNS] = {0};

	barq_begin_rows(fcinfo, SEGMENTS_COLUMNS);
	descs = read_index(index, &meta, &counts);
	for (uint32 i = 0; i < meta.segments; i++)
		put_segment(rsinfo, index, &descs[i]);

	nulls[0] = nulls[1] = nulls[3] = nulls[10] = true;
	values[2] = CStringGetTextDatum("log");
	values[4] = CStringGetTextDatum("growing");
	values[5] = Int64GetDatum(counts.rows);
	values[6] = Int64GetDatum(counts.dead);
	values[7] = Int64GetDatum((int64) meta.growing_pages * BLCKSZ);
	values[8] = Int64GetDatum(0);
	values[9] = CStringGetTextDatum("none");
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);

	relation_close(index, AccessShareLock);
	return (Datum) 0;
}

/* A time as stored in the metapage, where 0 means never (NULL). */
static Datum
timestamp_or_null(TimestampTz t, bool *isnull)
{
	*isnull = t == 0;
	return TimestampTzGetDatum(t);
}

/* Does an error of freezing options mean that they do not fit? No side effects. */
static bool
is_about_options(int sqlstate)
{
	return sqlstate == ERRCODE_INVALID_PARAMETER_VALUE ||
		sqlstate == ERRCODE_FEATURE_NOT_SUPPORTED ||
		sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		sqlstate == ERRCODE_INVALID_OBJECT_DEFINITION ||
		sqlstate == ERRCODE_UNDEFINED_OBJECT;
}

/*
 * If REINDEX would refuse the options of the catalog (set by an older library, say),
 * the text is the error message: one index must not keep the others from being listed.
 * Freezing options raises its errors with no lock or pin held, so they are caught
 * without a subtransaction.
 */
char *
barq_pending_options(Relation index, const BarqFrozenOptions *built)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile pending = NULL;

	PG_TRY();
	{
		BarqFrozenOptions wanted;
		char	   *now;
		char	   *differing;

		barq_index_kind(built->index_kind)->freeze(index, index->rd_options, &wanted);
		if (barq_options_differ(index, built, index, &wanted, &now, &differing))
			pending = differing;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_about_options(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		pending = psprintf("invalid: %s", error->message);
	}
	PG_END_TRY();
	return pending;
}

/* A text, or NULL. */
static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

/* The columns of barq_index_status() for an index that can be read. */
static void
show_status(Relation index, Datum *values, bool *nulls)
{
	BarqMeta	meta;
	LogCounts	counts;
	BarqSegmentDesc *descs = read_index(index, &meta, &counts);
	int64		rows = counts.rows - counts.dead;
	char	   *pending = barq_pending_options(index, &meta.options);

	for (uint32 i = 0; i < meta.segments; i++)
		rows += (int64) descs[i].rows - descs[i].dead_rows;

	memset(nulls, false, sizeof(bool) * STATUS_COLUMNS);
	values[0] = CStringGetTextDatum(barq_options_text(index, &meta.options));
	values[1] = text_or_null(pending, &nulls[1]);
	values[2] = Int64GetDatum(rows);
	values[3] = Int32GetDatum((int32) meta.segments);
	values[5] = Int64GetDatum((int64) meta.growing_pages * BLCKSZ);
	values[6] = timestamp_or_null(meta.last_seal, &nulls[6]);
	values[7] = timestamp_or_null(meta.last_compaction, &nulls[7]);
	values[9] = text_or_null(barq_rebuild_reason(index, &meta.options, pending), &nulls[9]);
}

/*
 * barq_index_status(index oid) → one row, or none if the relation is gone, is no
 * barq index, is unlogged on a standby, or the user may not see it. An index that is
 * not built or cannot be read has a row with few columns. Raises no error for these.
 */
Datum
barq_index_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = barq_admin_try_open_unbuilt(PG_GETARG_OID(0));
	Datum		values[STATUS_COLUMNS] = {0};
	bool		nulls[STATUS_COLUMNS];
	const char *unread = BARQ_NOT_BUILT;
	BarqMeta	meta;

	barq_begin_rows(fcinfo, STATUS_COLUMNS);
	if (index == NULL)
		return (Datum) 0;

	memset(nulls, true, sizeof(nulls));
	if (barq_is_built(index))
	{
		uint32		format = barq_meta_format(index);

		unread = barq_unread_reason(index, format, &meta);
		if (unread == NULL)
			show_status(index, values, nulls);
		values[4] = Int64GetDatum((int64) RelationGetNumberOfBlocks(index) * BLCKSZ);
		values[8] = Int32GetDatum((int32) format);
		nulls[4] = false;
		nulls[8] = format == 0;
	}
	if (unread != NULL)
		values[9] = text_or_null(unread, &nulls[9]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}
