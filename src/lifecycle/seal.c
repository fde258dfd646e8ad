/*
 * seal.c
 *	  Sealing: the growing log becomes a segment, or several if it is long.
 *
 * A seal holds its rows in memory several times. So a log is sealed in chunks, each of
 * which becomes a segment and is published before the next one is read (L12): memory
 * is bounded, an error or a crash loses one chunk's work, and a worker can give way.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/stats.h"
#include "base/steps.h"
#include "base/interrupts.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/filters.h"
#include "store/keyless.h"
#include "utils/memutils.h"

/*
 * A chunk has at most BARQ_LOG_LIMITS times growing_limit bytes of log, and so few that
 * the seal fits maintenance_work_mem: it takes up to SEAL_MEMORY times the bytes of
 * its log (measured, docs/performance.md).
 */
#define SEAL_MEMORY		8

/* The frozen records of the log, in the memory context of the seal. */
typedef struct Gathered
{
	const BarqMeta *meta;		/* the log begins at its head */
	BlockNumber stop;			/* and ends before this page */
	BarqBlockList pages;		/* of the frozen log */
	BarqSealRow *rows;			/* live records that have a key */
	uint32		nrows;
	uint32		space;
	BarqKeylessRows keyless;	/* live records without one */
	BarqFilterRows filters;		/* of all live records, if there are filter columns */
	uint64		records;		/* dead ones included */
	bool	   *was_dead;		/* one for each record, in the order of the log */
	uint64		records_space;
	const char *body;			/* made of the rows; NULL: there are none */
	uint64		bytes;
} Gathered;

/* BarqGrowingVisitor.page: note a frozen page. */
static void
gather_page(void *arg, BlockNumber block)
{
	barq_blocks_add(&((Gathered *) arg)->pages, block);
}

/*
 * BarqGrowingVisitor.record: copy a live record, its payload too, to the current
 * memory context, and note whether it is dead.
 */
static void
gather_record(void *arg, const BarqRecord *record)
{
	Gathered   *g = arg;
	BarqSealRow *row;
	char	   *payload;

	BARQ_ARRAY_RESERVE(g->was_dead, g->records_space, g->records + 1, 1024);
	g->was_dead[g->records++] = record->dead;
	if (record->dead)
		return;
	if (record->filters != NULL)
		barq_filters_add(&g->filters, CurrentMemoryContext, &record->tid, record->filters,
						 record->filter_columns, true);
	if (!record->keyed)
	{
		barq_keyless_add(&g->keyless, CurrentMemoryContext, record->keyless, &record->tid);
		return;
	}

	payload = palloc(record->length);
	memcpy(payload, record->payload, record->length);
	BARQ_ARRAY_RESERVE(g->rows, g->space, g->nrows + 1, 1024);
	row = &g->rows[g->nrows++];
	row->tid = record->tid;
	row->payload = payload;
	row->length = record->length;
}

/* A second walk over the frozen records, at publication. */
typedef struct Recheck
{
	Gathered   *gathered;
	uint64		record;			/* number of the next one */
	ItemPointerData *dead;		/* of records that have died since they were gathered */
	uint32		ndead;
} Recheck;

/* BarqGrowingVisitor.record: note the TID of a record that has died since. */
static void
recheck_record(void *arg, const BarqRecord *record)
{
	Recheck    *r = arg;
	bool		was_dead;

	Assert(r->record < r->gathered->records);
	was_dead = r->gathered->was_dead[r->record++];
	Assert(record->dead || !was_dead);	/* L4: a mark is never taken back */
	if (record->dead && !was_dead)
		r->dead[r->ndead++] = record->tid;
}

/*
 * BarqChange.collect_dead of a seal: walk the frozen records again and set the
 * bits of rows that VACUUM has marked since they were gathered. Gathered rows were
 * not dead, so no two have the same TID, and the TID of a record identifies its
 * row in the body.
 */
static void
collect_dead(Relation index, void *arg, uint8 *bitmap)
{
	Gathered   *gathered = arg;
	Recheck		recheck = {.gathered = gathered};
	BarqGrowingVisitor visitor = {NULL, recheck_record, NULL, &recheck, barq_ring(BAS_BULKREAD)};

	recheck.dead = palloc_extended(sizeof(ItemPointerData) *
								   (gathered->nrows + barq_keyless_count(&gathered->keyless)),
								   MCXT_ALLOC_HUGE);
	if (!barq_growing_walk(index, gathered->meta, gathered->stop, &visitor))
		barq_meta_broken(index);
	Assert(recheck.record == gathered->records);
	if (recheck.ndead > 0)
		barq_mark_tids(gathered->body, gathered->bytes, recheck.dead, recheck.ndead, bitmap);
	pfree(recheck.dead);
}

/*
 * Publish the gathered rows as a segment and remove their pages from the log.
 * If `rows`, the number of live records, is 0, removes the pages and adds no
 * segment. quick: as for BarqIndexKind.seal; no image is written. The caller holds the
 * maintenance lock.
 */
static void
publish_seal(Relation index, Gathered *gathered, uint64 stop_generation, uint64 rows,
			 bool quick)
{
	const BarqMeta *meta = gathered->meta;
	BarqBodyWriter *writer;
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment segment = {.id = id, .origin = BARQ_ORIGIN_SEAL, .without_image = quick};
	BarqChange	change = {0};

	change.sealed = true;
	change.growing_head = gathered->stop;
	change.growing_head_generation = stop_generation;
	change.sealed_pages = &gathered->pages;
	change.collect_dead = collect_dead;
	change.arg = gathered;
	if (rows == 0)
	{
		barq_publish(index, &change);
		return;
	}

	writer = barq_body_begin_memory(gathered->pages.count * (Size) BLCKSZ);
	barq_index_kind(meta->options.index_kind)->seal(&meta->options, gathered->rows,
													gathered->nrows, quick, writer);
	barq_keyless_write(writer, &gathered->keyless);
	barq_filters_write(writer, meta->options.filter_columns, &gathered->filters);
	gathered->body = barq_body_finish(writer, &gathered->bytes);
	barq_new_id(id);
	segment.body = gathered->body;
	segment.bytes = gathered->bytes;
	barq_publish_segment(index, &segment, &change);
}

/*
 * Seal the pages of the log from the head of *meta, as just read, to `stop`, which
 * becomes the head; no record is added to them any more. Other arguments and lock as
 * publish_seal. Returns the number of rows sealed.
 */
static uint64
seal_pages(Relation index, const BarqMeta *meta, BlockNumber stop, uint64 stop_generation,
		   bool quick)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));
	Gathered	gathered = {.meta = meta, .stop = stop};
	BarqGrowingVisitor visitor = {gather_page, gather_record, NULL, &gathered,
				barq_ring(BAS_BULKREAD)};
	uint64		rows;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	barq_step("seal: cut");
	if (!barq_growing_walk(index, meta, stop, &visitor))
		barq_meta_broken(index);
	barq_step("seal: gathered");

	rows = gathered.nrows + barq_keyless_count(&gathered.keyless);
	publish_seal(index, &gathered, stop_generation, rows, quick);

	barq_count(stats, BARQ_COUNT_SEALS, 1);
	barq_count(stats, BARQ_COUNT_ROWS_SEALED, rows);
	barq_count(stats, BARQ_COUNT_BYTES_SEALED, gathered.bytes);
	barq_count(stats, BARQ_COUNT_SEAL_US, barq_elapsed_us(start));
	barq_log_if_slow(index, "seal", start, rows, gathered.bytes);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}

/* Pages of one chunk of a log of so many pages, which is divided evenly; at least 1. */
static uint32
chunk_pages(Relation index, uint32 log_pages)
{
	BarqPolicy	policy;
	uint64		most;
	uint32		chunks;

	barq_policy_of(index, &policy);
	most = Min(BARQ_LOG_LIMITS * policy.growing_limit,
			   (uint64) maintenance_work_mem * 1024 / SEAL_MEMORY) / BLCKSZ;
	most = Max(most, 1);
	chunks = (uint32) ((log_pages + most - 1) / most);
	return Max((log_pages + chunks - 1) / Max(chunks, 1), 1);
}

uint64
barq_seal_log(Relation index)
{
	BlockNumber end;
	uint64		end_generation;
	BarqMeta	meta;
	uint64		rows = 0;
	uint32		pages = 0;

	Assert(barq_may_maintain(index));	/* L1 */
	/* records added from now on are left for the next seal, so this one ends */
	if (!barq_growing_cut(index, NULL, &end, &end_generation))
		return 0;
	for (;;)
	{
		BlockNumber stop = end;
		uint64		stop_generation = end_generation;

		barq_meta_read(index, &meta);
		if (pages == 0)
			pages = chunk_pages(index, meta.growing_pages);
		if (!barq_growing_divide(index, &meta, pages, end, &stop, &stop_generation))
		{
			stop = end;
			stop_generation = end_generation;
		}
		rows += seal_pages(index, &meta, stop, stop_generation, false);
		if (stop == end)
			return rows;

		/* L12: the state is consistent, and another process may have this lock now */
		barq_step("seal: chunk published");
		barq_check_interrupts();
	}
}

uint64
barq_seal_some(Relation index)
{
	uint64		bytes;
	BlockNumber stop;
	uint64		stop_generation;
	BarqMeta	meta;

	Assert(barq_may_maintain(index));	/* L1 */
	barq_meta_read(index, &meta);
	if (meta.growing_head == InvalidBlockNumber)
		return 0;
	bytes = barq_index_kind(meta.options.index_kind)->quick_bytes;
	if (!barq_growing_divide(index, &meta, (uint32) Max(bytes / BLCKSZ, 1),
							 InvalidBlockNumber, &stop, &stop_generation))
	{
		if (!barq_growing_cut(index, NULL, &stop, &stop_generation))
			return 0;
		barq_meta_read(index, &meta);
	}
	return seal_pages(index, &meta, stop, stop_generation, true);
}
