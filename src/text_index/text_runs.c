/*
 * text_runs.c
 *	  A participant's share of CREATE INDEX of text: it tokenises rows into an
 *	  inverted index in memory and writes that as a run whenever its size reaches
 *	  the participant's share of maintenance_work_mem.
 */
#include "postgres.h"

#include "am/filters.h"
#include "base/array.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "store/view.h"
#include "store/work.h"
#include "text_index/text_build.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define PROGRESS_STEP	1000
#define LEAST_MEMORY	(4 * 1024 * 1024)	/* bytes of a participant */

/*
 * Bytes that the tokenizer may keep; it is reset between runs above that, and above half
 * of the limit of a run, so that a run is not written for the tokenizer's sake alone.
 */
#define TOKENIZER_BYTES	(64 * 1024 * 1024)

/* Raise the error of a parallel build without room for a run; reason: its detail. */
pg_noreturn static void
no_room(Relation index, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_DISK_FULL),
			 errmsg("could not write a part of index \"%s\"", RelationGetRelationName(index)),
			 errdetail_internal("%s", reason),
			 errhint("Building an index in parallel needs room for it in the image directory (barq.image_directory).")));
}

/*
 * Copy a finished body into a file of the image directory or, where that has no
 * room, into memory of this process. must_share: raise ERRCODE_DISK_FULL instead.
 * The run lives in the current memory context.
 */
static void
add_run(BarqTextRuns *runs, const char *body, uint64 bytes, bool must_share)
{
	BarqTextRun *run;
	char	   *reason = NULL;

	BARQ_ARRAY_RESERVE(runs->runs, runs->space, runs->nruns + 1, 8);
	run = &runs->runs[runs->nruns];
	run->bytes = bytes;
	run->work = barq_work_create_shared(runs->index, NULL, bytes, &reason);
	if (run->work == NULL && must_share)
		no_room(runs->index, reason);
	if (run->work == NULL)
		run->work = barq_work_create_private(bytes);
	memcpy(run->work->address, body, bytes);
	run->body = run->work->address;
	runs->nruns++;
}

/* Empty the inverted index for another run. */
static void
begin_run(BarqTextRuns *runs)
{
	MemoryContextReset(runs->builder_context);
	memset(&runs->keyless, 0, sizeof(runs->keyless));
	memset(&runs->filters, 0, sizeof(runs->filters));
	runs->filter_bytes = 0;
	if (barq_text_run_languages_bytes(runs) > Min(TOKENIZER_BYTES, runs->limit / 2))
		barq_text_run_languages_reset(runs);
	runs->builder = barq_bm25_builder_create(barq_text_run_languages_terms(runs),
											 barq_text_nfields(&runs->options),
											 runs->options.positions != 0,
											 runs->builder_context);
}

/* Write the inverted index as a run, if it has rows, and begin the next one. */
static void
write_run(BarqTextRuns *runs)
{
	MemoryContext old;
	MemoryContext context;
	BarqBodyWriter *writer;
	const char *body;
	uint64		bytes;

	if (barq_bm25_builder_rows(runs->builder) == 0 && barq_keyless_count(&runs->keyless) == 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "barq run", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	writer = barq_body_begin_memory(barq_bm25_builder_bytes(runs->builder));
	barq_bm25_builder_write(runs->builder, writer);
	barq_keyless_write(writer, &runs->keyless);
	barq_filters_write(writer, runs->columns.filters, &runs->filters);
	body = barq_body_finish(writer, &bytes);
	MemoryContextSwitchTo(old);
	add_run(runs, body, bytes, runs->shared != NULL);
	MemoryContextDelete(context);
	begin_run(runs);
}

/* Add the values of a row's filter columns. */
static void
add_filters(BarqTextRuns *runs, Relation index, ItemPointer tid, Datum *values, bool *isnull)
{
	MemoryContext old = MemoryContextSwitchTo(runs->tokens_context);
	BarqFilterValues filters;

	barq_filter_encode(index, &runs->filter_columns, values, isnull, &filters);
	MemoryContextSwitchTo(old);
	barq_filters_add(&runs->filters, runs->builder_context, tid, filters.words,
					 filters.columns, true);
	runs->filter_bytes += sizeof(BarqFilterRow) + filters.nwords * sizeof(uint64);
}

/* IndexBuildCallback: add a row; arg is a BarqTextRuns. */
static void
add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		bool tuple_is_alive, void *arg)
{
	BarqTextRuns *runs = arg;
	BarqTextRow row;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (runs->columns.filters > 0)
		add_filters(runs, index, tid, values, isnull);
	barq_text_row_from_index(index, &runs->columns, values, isnull, &row);
	if (barq_text_row_is_null(&row))
		barq_keyless_add(&runs->keyless, runs->builder_context, BARQ_KEYLESS_NULL, tid);
	else
	{
		runs->tokens.ntokens = runs->tokens.length = runs->tokens.last_position = 0;
		runs->tokens.nfields = 0;
		old = MemoryContextSwitchTo(runs->tokens_context);
		barq_text_run_tokens(runs, &row, &runs->tokens);
		barq_bm25_builder_add(runs->builder, tid, &runs->tokens);
		MemoryContextSwitchTo(old);
	}

	/* tokens_context holds detoasted values and leftovers of dictionaries */
	if ((++runs->rows & 1023) == 0 || runs->tokens.space > 1024 * 1024)
	{
		MemoryContextReset(runs->tokens_context);
		memset(&runs->tokens, 0, sizeof(runs->tokens));
		if (barq_bm25_builder_bytes(runs->builder) +
			barq_text_run_languages_bytes(runs) +
			barq_keyless_count(&runs->keyless) * sizeof(ItemPointerData) +
			runs->filter_bytes >
			runs->limit)
			write_run(runs);
	}

	if (runs->rows - runs->reported >= PROGRESS_STEP)
	{
		uint64		n = runs->rows - runs->reported;

		runs->reported = runs->rows;
		if (runs->shared != NULL)
			n += pg_atomic_fetch_add_u64(&runs->shared->rows_loaded, n);
		else
			n = runs->rows;
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, n);
	}
}

void
barq_text_runs_scan(BarqTextRuns *runs, Relation heap, Relation index,
					IndexInfo *info, const BarqFrozenOptions *frozen,
					BarqBuildShared *shared, TableScanDesc scan, int participants)
{
	memset(runs, 0, sizeof(*runs));
	runs->index = index;
	runs->options = *barq_text_options(frozen);
	barq_text_columns_of_classes(index, &runs->columns);
	runs->filter_columns = barq_text_filters(&runs->columns);
	runs->analysis.config = runs->options.config;
	runs->analysis.tokenizer = runs->options.tokenizer;
	runs->analysis.by_row = runs->columns.language >= 0;
	runs->analysis.by_field = barq_text_field_configs(index, runs->analysis.configs);
	runs->shared = shared;

	/* half for the inverted index, and the other for the body made of it */
	runs->memory = (Size) maintenance_work_mem * 1024 / participants;
	runs->limit = Max(runs->memory / 2, LEAST_MEMORY);
	runs->tokens_context = AllocSetContextCreate(CurrentMemoryContext, "barq tokens",
												 ALLOCSET_DEFAULT_SIZES);
	runs->builder_context = AllocSetContextCreate(CurrentMemoryContext, "barq builder",
												  ALLOCSET_DEFAULT_SIZES);
	barq_text_run_languages_begin(runs);
	begin_run(runs);
	runs->heap_tuples = table_index_build_scan(heap, index, info, true, scan == NULL || !IsParallelWorker(),
											   add_row, runs, scan);
	write_run(runs);
	MemoryContextDelete(runs->builder_context);
	MemoryContextDelete(runs->tokens_context);
}

void
barq_text_merge(Relation index, BarqBodyWriter *writer, BarqMergeInput *inputs, int ninputs,
				Size memory)
{
	uint64		bytes = barq_bm25_merge_bytes(inputs, ninputs);
	BarqWork   *work = NULL;
	char	   *reason;

	if (bytes > memory)
		work = barq_work_create_shared(index, NULL, bytes, &reason);
	barq_bm25_merge(writer, inputs, ninputs, work != NULL ? work->address : NULL);
	if (work != NULL)
		barq_work_release(work);
}

BarqBodyWriter *
barq_text_merge_runs(Relation index, const uint8 *id, BarqTextRun *runs, int n, Size memory)
{
	BarqMergeInput *inputs = palloc0(sizeof(BarqMergeInput) * n);
	BarqView   *views = palloc0(sizeof(BarqView) * n);
	BarqBodyWriter *writer = NULL;
	BarqTextColumns columns;
	uint64		bytes = 0;
	char	   *reason;

	for (int i = 0; i < n; i++)
	{
		barq_view_init_memory(&views[i], runs[i].body, runs[i].bytes);
		inputs[i].view = &views[i];
		inputs[i].live = views[i].rows;
		bytes += runs[i].bytes;
	}
	writer = barq_body_begin_file(index, id, bytes, &reason);
	if (writer == NULL)
		writer = barq_body_begin_memory(bytes);
	barq_text_merge(index, writer, inputs, n, memory);
	barq_keyless_merge(writer, inputs, n);
	barq_text_columns_of_classes(index, &columns);
	barq_filters_merge(writer, columns.filters, inputs, n);
	return writer;
}

/*
 * Merge this participant's runs into one, in a file: together they have no bound that
 * memory has.
 */
static void
merge_own_runs(BarqTextRuns *runs)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq run",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	uint8		id[BARQ_ID_BYTES];
	BarqBodyWriter *writer;
	BarqTextRun *run = &runs->runs[0];
	const char *body;
	uint64		bytes;
	char	   *reason;

	barq_new_id(id);
	writer = barq_text_merge_runs(runs->index, id, runs->runs, runs->nruns, runs->memory);
	body = barq_body_finish(writer, &bytes);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < runs->nruns; i++)
		barq_work_release(runs->runs[i].work);
	runs->nruns = 0;
	if (barq_body_is_file(writer))
	{
		barq_body_release(writer);
		run->work = barq_work_extend_file(barq_id_path(barq_image_folder(runs->index), id, ".img"),
										  barq_image_file_bytes(bytes), &reason);
		if (run->work == NULL)
			no_room(runs->index, reason);
		run->bytes = bytes;
		run->body = run->work->address + BARQ_IMAGE_BODY;
		runs->nruns = 1;
	}
	else
		add_run(runs, body, bytes, true);
	MemoryContextDelete(context);
}

void
barq_text_runs_publish(BarqTextRuns *runs)
{
	BarqBuildShared *shared = runs->shared;
	BarqTextBuildShared *own = BarqBuildSharedOwn(shared);
	const BarqTextRun *run;
	const char *name;
	int			me;

	if (runs->nruns > 1)
		merge_own_runs(runs);
	Assert(runs->nruns <= 1);
	if (runs->nruns == 0)
		return;
	run = &runs->runs[0];
	name = strrchr(run->work->path, '/') + 1;
	me = pg_atomic_fetch_add_u32(&shared->next_participant, 1);
	strlcpy(own->runs[me].name, name, sizeof(own->runs[me].name));
	own->runs[me].offset = run->body - run->work->address;
	own->runs[me].bytes = run->bytes;
}
