/*
 * compact.c
 *	  Merging segments into one. choose.c decides which.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/stats.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/filters.h"
#include "store/keyless.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * After a failed merge the next one waits: FIRST_RETRY_MS, twice as long after each
 * further failure, at most LAST_RETRY_MS. A command asks for a merge at any time.
 */
#define FIRST_RETRY_MS	(10 * 1000)
#define LAST_RETRY_MS	(60 * 60 * 1000)

/* The image of a smaller body is written again in a second. */
#ifndef BARQ_CRASH_POINTS
#define RECORD_PAYS_BYTES	(UINT64CONST(64) * 1024 * 1024)
#else							/* tests of crashes go on with small merges */
#define RECORD_PAYS_BYTES	(UINT64CONST(64) * 1024)
#endif

/* One merge, in a memory context of its own. */
typedef struct BarqMerge Merge;

struct BarqMerge
{
	BarqMergePoints points;		/* first: the kind gets its address */
	Relation	index;
	const BarqMergeHost *host;	/* may be NULL */
	const struct BarqMerge *beside; /* the merge at whose point this one runs, or NULL */
	bool		collects;		/* of sealed logs one is made (BarqIndexKind.collect) */
	bool	   *at_point;		/* set while the host is at work (Compaction) */
	BarqMeta	meta;			/* `snapshot` was read from it */
	BarqSnapshot *snapshot;
	const uint8 *id;			/* of the new segment */
	uint32	   *chosen;			/* positions of the inputs in the snapshot */
	uint32		n;				/* number of inputs */

	/* of the inputs, dead rows included: as read by this merge, or by the one that it goes on with */
	const BarqRecordedInput *read;
	bool		recorded;		/* it can go on after an interruption */
	BarqView   *views;			/* of the inputs */
	BarqMergeInput *inputs;
	BarqSegmentDesc *removed;	/* descriptors of the inputs */
	uint64		live;			/* live rows that have a key */
	uint64		keyless;		/* live rows without one */
	const char *body;			/* the merged body; NULL: no row lives */
	uint64		bytes;
	bool		is_publishing;	/* the body is measured: its host gets no more control */
};

/*
 * BarqChange.collect_dead of a merge: set the bits of rows that VACUUM has marked
 * in the inputs since the snapshot was taken. Among rows not marked dead a TID
 * occurs once in an index (store/README.md, 10), so the TIDs of those marks
 * identify their rows in the merged body. ERRCODE_INDEX_CORRUPTED where an input's
 * tombstones are gone, which the maintenance lock excludes.
 */
static void
collect_dead(Relation index, void *arg, uint8 *bitmap)
{
	Merge	   *merge = arg;
	BarqDeadTids dead = {0};

	for (uint32 i = 0; i < merge->n; i++)
	{
		barq_add_new_marks(index, &merge->removed[i], merge->read[i].dead,
						   &merge->views[i], &dead);
	}
	if (dead.n > 0)
		barq_mark_tids(merge->body, merge->bytes, dead.tids, dead.n, bitmap);
}

/* Live rows among an input's first `rows` rows. */
static uint32
live_rows(const BarqRecordedInput *input, uint32 rows)
{
	return rows - (input->dead ? barq_bitmap_count(input->dead, rows) : 0);
}

/* Set merge->read from the snapshot. */
static void
note_inputs(Merge *merge)
{
	BarqRecordedInput *read = palloc(sizeof(BarqRecordedInput) * Max(merge->n, 1));

	for (uint32 i = 0; i < merge->n; i++)
	{
		const BarqSegment *segment = &merge->snapshot->segments[merge->chosen[i]];

		read[i] = (BarqRecordedInput) {segment->desc.id, segment->desc.rows, segment->dead};
	}
	merge->read = read;
}

/*
 * Open views of the chosen segments and count their live rows.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED where they are too many for one segment.
 */
static void
open_inputs(Relation index, Merge *merge)
{
	merge->views = palloc0(sizeof(BarqView) * merge->n);
	merge->inputs = palloc0(sizeof(BarqMergeInput) * merge->n);
	merge->removed = palloc0(sizeof(BarqSegmentDesc) * merge->n);
	for (uint32 i = 0; i < merge->n; i++)
	{
		BarqSegment *segment = &merge->snapshot->segments[merge->chosen[i]];
		BarqMergeInput *input = &merge->inputs[i];

		barq_snapshot_view(merge->snapshot, merge->chosen[i], index, merge->n,
						   &merge->views[i]);
		merge->removed[i] = segment->desc;
		input->view = &merge->views[i];
		input->dead = merge->read[i].dead;
		input->live = live_rows(&merge->read[i], merge->views[i].rows);
		merge->live += input->live;
		merge->keyless += live_rows(&merge->read[i], segment->desc.rows) - input->live;
	}
	if (merge->live + merge->keyless > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" has too many rows for one segment",
						RelationGetRelationName(index))));
}

/* BarqMergePoints.reach of a merge: let its host work. */
static void
reach_point(BarqMergePoints *points, BarqMergePoint point)
{
	Merge	   *merge = (Merge *) points;

	/* L6: the directory that the merge will replace has not been read */
	Assert(!merge->is_publishing);
	if (merge->host == NULL)
		return;
	*merge->at_point = true;
	merge->host->at_point(merge->index, merge, merge->host->arg);
	*merge->at_point = false;
}

/* BarqMergePoints.can_go_on of a merge: record it. */
static bool
record_merge(BarqMergePoints *points)
{
	Merge	   *merge = (Merge *) points;

	/* a merge beside another one is small; the other one may be recorded */
	if (!merge->recorded && merge->beside == NULL)
		merge->recorded = barq_merge_record(merge->index, merge->id, merge->read, merge->n);
	return merge->recorded;
}

/* Note in the metapage that a merge has failed, so that the next one waits. */
static void
note_failure(Relation index)
{
	BarqMeta	meta;
	long		wait = FIRST_RETRY_MS;

	barq_meta_read(index, &meta);
	for (uint32 i = 0; i < meta.upkeep.failures && wait < LAST_RETRY_MS; i++)
		wait *= 2;
	meta.upkeep.failures++;
	meta.upkeep.retry = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													Min(wait, LAST_RETRY_MS));
	barq_meta_set_upkeep(index, &meta.upkeep);
}

/*
 * Has a merge of the index failed a short time ago? Beside another merge: at any time since
 * the last one that was published. A failure there would end the merge under way each time
 * that it goes on, which would never be published.
 */
static bool
is_to_wait(const BarqMeta *meta, const Merge *beside)
{
	return meta->upkeep.failures > 0 &&
		(beside != NULL || GetCurrentTimestamp() < meta->upkeep.retry);
}

/*
 * Have the index kind merge the inputs into a body of this id; fills merge->body
 * and merge->bytes. Returns its writer, or NULL where the kind lacks room now:
 * that is an ERROR if `required`, else a WARNING
 * (ERRCODE_INSUFFICIENT_RESOURCES). At the named points of the merge its host may
 * seal the log (L6).
 */
static BarqBodyWriter *
merge_inputs(Relation index, Merge *merge, bool required)
{
	const BarqIndexKind *kind = barq_index_kind(merge->meta.options.index_kind);
	BarqBodyWriter *writer = NULL;
	char	   *reason = NULL;

	if (merge->points.resumed)
		writer = barq_body_reopen(index, merge->id, &merge->body, &merge->bytes);
	if (writer != NULL)
		return writer;
	merge->body = NULL;
	writer = (merge->collects ? kind->collect : kind->merge)
		(index, &merge->meta.options, merge->id, merge->inputs, merge->n, merge->live,
		 &merge->points, &reason);
	if (writer == NULL)
	{
		ereport(required ? ERROR : WARNING,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("compaction of index \"%s\" was put off",
						RelationGetRelationName(index)),
				 errdetail_internal("%s", reason)));
		note_failure(index);
		return NULL;
	}
	barq_body_set_points(writer, NULL);
	barq_keyless_merge(writer, merge->inputs, merge->n);
	barq_filters_merge(writer, merge->meta.options.filter_columns, merge->inputs, merge->n);
	merge->body = barq_body_finish(writer, &merge->bytes);
	barq_step("compact: merged");

	/* what is left is to write its pages */
	if (barq_body_is_file(writer) && merge->bytes >= RECORD_PAYS_BYTES)
		(void) record_merge(&merge->points);
	return writer;
}

/* Replace the inputs by the merged body, or by nothing where no row of them lives. */
static void
publish_merge(Relation index, Merge *merge, const BarqBodyWriter *writer, instr_time start)
{
	BarqNewSegment segment = {
		.id = merge->id, .origin = merge->collects ? BARQ_ORIGIN_SEAL : BARQ_ORIGIN_MERGE,
		.body = merge->body,
		.bytes = merge->bytes
	};
	BarqChange	change = {0};

	change.remove = merge->removed;
	change.nremove = merge->n;
	change.collect_dead = collect_dead;
	change.arg = merge;
	change.compacted = true;
	if (writer != NULL)
	{
		segment.has_image = barq_body_is_file(writer);
		if (!merge->collects)
			barq_measure_segment(index, &segment, barq_elapsed_us(start), &merge->points);
		merge->is_publishing = true;
		barq_publish_segment(index, &segment, &change);
		if (merge->recorded)
			barq_merge_done(index, merge->id);
	}
	else
		barq_publish(index, &change);
}

static void
count_merge(Relation index, const Merge *merge, instr_time start)
{
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));

	barq_count(stats, BARQ_COUNT_COMPACTIONS, 1);
	barq_count(stats, BARQ_COUNT_ROWS_COMPACTED, merge->live + merge->keyless);
	barq_count(stats, BARQ_COUNT_BYTES_COMPACTED, merge->bytes);
	barq_count(stats, BARQ_COUNT_COMPACTION_US, barq_elapsed_us(start));
	barq_log_if_slow(index, "merge", start, merge->live + merge->keyless, merge->bytes);
}

static int
compare_positions(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Leave of the chosen inputs the smallest ones that have at most `most` bytes together,
 * if those are two or more or all. Sets *bytes to their size; leaves none otherwise.
 */
static void
limit_inputs(Merge *merge, uint64 most, uint64 *bytes)
{
	uint32		n = 0;

	/* segments of a snapshot are sorted, the largest first */
	qsort(merge->chosen, merge->n, sizeof(uint32), compare_positions);
	*bytes = 0;
	while (n < merge->n)
	{
		uint32		at = merge->chosen[merge->n - n - 1];
		uint64		size = merge->snapshot->segments[at].desc.body_bytes;

		if (size > most - *bytes)
			break;
		*bytes += size;
		n++;
	}
	if (n < 2 && n < merge->n)
		n = 0;
	memmove(merge->chosen, merge->chosen + merge->n - n, sizeof(uint32) * n);
	merge->n = n;
}

/* A merge to be run: arguments of compact_once, and its results. */
typedef struct Compaction
{
	Relation	index;
	BarqChoice	choice;
	uint64		most;			/* bytes of the inputs at most; 0: no limit */
	const BarqMergeHost *host;
	const Merge *beside;		/* the merge at whose point this one runs, or NULL */

	bool		at_point;		/* its host is at work: an error is not of this merge */
	uint64		rows;			/* of the new segment */
	uint64		bytes;			/* of the inputs, if there is a limit */
	bool		done;			/* false: none was due, or the kind put it off */
	bool		begun;			/* `id` is set: its image may exist */
	bool		resumed;		/* it went on with a merge that was interrupted */
	bool		cancelled;		/* its error says nothing of the next merge */
	uint8		id[BARQ_ID_BYTES];	/* of the new segment */
} Compaction;

/* Merge the chosen inputs and publish the result; fills the results of *compaction. */
static void
run_merge(Compaction *compaction, Merge *merge)
{
	Relation	index = compaction->index;
	BarqBodyWriter *writer = NULL;
	char	   *folder;
	int			folder_lock;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	compaction->begun = true;
	open_inputs(index, merge);
	barq_step("compact: inputs chosen");

	/* until publication no backend may remove the new image (L7) */
	folder = barq_image_folder(index);
	folder_lock = barq_image_folder_lock(folder);

	if (merge->live + merge->keyless > 0)
		writer = merge_inputs(index, merge, compaction->choice == BARQ_CHOOSE_ALL);
	if (writer != NULL || merge->live + merge->keyless == 0)
	{
		publish_merge(index, merge, writer, start);
		compaction->rows = merge->live + merge->keyless;
		compaction->done = true;
		count_merge(index, merge, start);
	}
	barq_image_unlock(folder_lock);
}

/*
 * Take the inputs of the recorded merge, if there is one that can go on; one that
 * cannot is forgotten. A merge of limited inputs leaves it alone.
 */
static bool
take_recorded(Compaction *compaction, Merge *merge)
{
	if (!barq_meta_has_merge(&merge->meta) || compaction->most > 0 ||
		compaction->beside != NULL)
		return false;
	merge->read = barq_merge_recorded(compaction->index, &merge->meta, merge->snapshot,
									  merge->chosen, &merge->n);
	if (merge->read == NULL)
	{
		barq_merge_forget(compaction->index, merge->meta.upkeep.merge);
		return false;
	}
	memcpy(compaction->id, merge->meta.upkeep.merge, BARQ_ID_BYTES);
	merge->points.resumed = merge->recorded = compaction->resumed = true;
	return true;
}

/* For barq_choose_inputs(): is a segment an input of the merge `arg`, which is under way? */
static bool
is_input(const void *arg, const BarqSegmentDesc *desc)
{
	const Merge *merge = arg;

	for (uint32 i = 0; i < merge->n; i++)
		if (memcmp(merge->removed[i].id, desc->id, BARQ_ID_BYTES) == 0)
			return true;
	return false;
}

/*
 * Run the next merge that the choice asks for. Under a limit the inputs are read from
 * pages, since images that are missing would be made for all segments. Called by
 * barq_try_reading(); returns true, errors go to the caller.
 */
static bool
compact_once(void *arg)
{
	Compaction *compaction = arg;
	Relation	index = compaction->index;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq compact",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Merge		merge = {
		.points = {
			.reach = reach_point, .can_go_on = record_merge,
			.alone = compaction->beside != NULL
		},
		.index = index,
		.host = compaction->host,
		.beside = compaction->beside,
		.collects = compaction->choice == BARQ_CHOOSE_LOGS,
		.at_point = &compaction->at_point,
		.id = compaction->id
	};

	/* so at most one merge of an index is under way, and one small one at its points */
	Assert(barq_may_maintain(index));	/* L1 */
	merge.snapshot = barq_snapshot_get(index, &merge.meta, compaction->most == 0, context);
	merge.chosen = palloc(sizeof(uint32) * Max(merge.snapshot->nsegments, 1));
	if ((compaction->choice == BARQ_CHOOSE_ALL || !is_to_wait(&merge.meta, merge.beside)) &&
		!take_recorded(compaction, &merge))
	{
		merge.n = barq_choose_inputs(index, merge.snapshot, &merge.meta, compaction->choice,
									 merge.beside != NULL ? is_input : NULL, merge.beside,
									 merge.chosen);
		if (merge.n > 0 && compaction->most > 0)
			limit_inputs(&merge, compaction->most, &compaction->bytes);
		note_inputs(&merge);
		barq_new_id(compaction->id);
	}
	if (merge.n > 0 && merge.beside != NULL)
		ereport(DEBUG1,
				(errmsg_internal("%s %u segments beside a merge of %u",
								 merge.collects ? "collecting" : "merging", merge.n,
								 merge.beside->n)));
	if (merge.n > 0)
		run_merge(compaction, &merge);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return true;
}

/*
 * Is an error, given by its SQLSTATE, no sign that the next merge fails too? A merge
 * that a user or a timeout has cancelled, or that lost a deadlock, may be tried at once.
 */
static bool
says_nothing(int code)
{
	return code == ERRCODE_QUERY_CANCELED || code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		code == ERRCODE_LOCK_NOT_AVAILABLE ||
		ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION;
}

/*
 * After an error: remove the files of the merge, unless it can go on. If the error says
 * that merges fail, it cannot, and the next one waits.
 */
static void
undo_merge(void *arg)
{
	Compaction *compaction = arg;

	if (!compaction->cancelled)
	{
		barq_merge_forget(compaction->index, compaction->id);
		note_failure(compaction->index);
	}
	barq_drop_unpublished_image(compaction->index, compaction->id);
}

/*
 * compact_once, for a caller that holds the maintenance lock: no page is re-used
 * under it, so a page of another generation is damage (ERRCODE_INDEX_CORRUPTED).
 * Returns compaction->done.
 */
static bool
compact(Compaction *compaction)
{
	MemoryContext context = CurrentMemoryContext;
	bool		intact = false;

	PG_TRY();
	{
		intact = barq_try_reading(compact_once, compaction);
	}
	PG_CATCH();
	{
		if (!compaction->begun || BarqRelationIsNew(compaction->index))
			PG_RE_THROW();
		compaction->cancelled = compaction->at_point || says_nothing(geterrcode());
		barq_undo_and_rethrow(context, undo_merge, compaction);
	}
	PG_END_TRY();
	if (!intact)
		barq_meta_broken(compaction->index);
	return compaction->done;
}

uint64
barq_compact_segments(Relation index, BarqChoice choice)
{
	uint64		total = 0;

	for (;;)
	{
		Compaction	compaction = {.index = index, .choice = choice};

		if (!compact(&compaction))
			return total;
		total = choice == BARQ_CHOOSE_ALL ? compaction.rows : total + compaction.rows;
		if (choice == BARQ_CHOOSE_ALL && !compaction.resumed)
			return total;
		CHECK_FOR_INTERRUPTS();
	}
}

uint64
barq_compact_idle(Relation index)
{
	uint64		rows = barq_compact_segments(index, BARQ_CHOOSE_AT_REST);

	return rows + barq_compact_segments(index, BARQ_CHOOSE_DUE);
}

bool
barq_compact_next(Relation index, const BarqMergeHost *host)
{
	Compaction	compaction = {.index = index, .choice = BARQ_CHOOSE_DUE, .host = host};

	return compact(&compaction);
}

/* Run the merge that a choice gives beside another one. */
static bool
compact_beside(BarqMerge *merge, BarqChoice choice)
{
	Compaction	compaction = {
		.index = merge->index, .choice = choice, .host = merge->host, .beside = merge
	};

	return compact(&compaction);
}

bool
barq_compact_beside(BarqMerge *merge)
{
	/* L6: merges nest once */
	return merge->beside == NULL &&
		(compact_beside(merge, BARQ_CHOOSE_DUE) || compact_beside(merge, BARQ_CHOOSE_LOGS));
}

void
barq_compact_slice(Relation index, uint64 bytes)
{
	for (;;)
	{
		Compaction	compaction = {.index = index, .choice = BARQ_CHOOSE_DUE, .most = bytes};

		if (bytes == 0 || !compact(&compaction))
			return;
		bytes -= compaction.bytes;
		CHECK_FOR_INTERRUPTS();
	}
}
