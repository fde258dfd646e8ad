/*
 * seal.c
 *	  Sealing: the growing log becomes a segment.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/stats.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/keyless.h"
#include "utils/memutils.h"

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
	BarqGrowingVisitor visitor = {NULL, recheck_record, NULL, &recheck};

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
 * segment. The caller holds the maintenance lock.
 */
static void
publish_seal(Relation index, Gathered *gathered, uint64 stop_generation, uint64 rows)
{
	const BarqMeta *meta = gathered->meta;
	BarqBodyWriter *writer;
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment segment = {.id = id, .origin = BARQ_ORIGIN_SEAL};
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
													gathered->nrows, writer);
	barq_keyless_write(writer, &gathered->keyless);
	gathered->body = barq_body_finish(writer, &gathered->bytes);
	barq_new_id(id);
	segment.body = gathered->body;
	segment.bytes = gathered->bytes;
	barq_publish_segment(index, &segment, &change);
}

uint64
barq_seal_log(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqMeta	meta;
	Gathered	gathered = {.meta = &meta};
	BarqGrowingVisitor visitor = {gather_page, gather_record, NULL, &gathered};
	uint64		stop_generation;
	uint64		rows = 0;
	instr_time	start;

	Assert(barq_may_maintain(index));	/* L1 */
	Assert(!barq_merging);		/* L6 */
	INSTR_TIME_SET_CURRENT(start);
	if (barq_growing_cut(index, NULL, &gathered.stop, &stop_generation))
	{
		BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));

		barq_meta_read(index, &meta);
		barq_step("seal: cut");
		if (!barq_growing_walk(index, &meta, gathered.stop, &visitor))
			barq_meta_broken(index);
		barq_step("seal: gathered");

		rows = gathered.nrows + barq_keyless_count(&gathered.keyless);
		publish_seal(index, &gathered, stop_generation, rows);

		barq_count(stats, BARQ_COUNT_SEALS, 1);
		barq_count(stats, BARQ_COUNT_ROWS_SEALED, rows);
		barq_count(stats, BARQ_COUNT_BYTES_SEALED, gathered.bytes);
		barq_count(stats, BARQ_COUNT_SEAL_US, barq_elapsed_us(start));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}
