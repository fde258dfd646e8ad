/*
 * seal.c
 *	  Turning the growing log into a segment.
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "store/keyless.h"
#include "base/steps.h"
#include "utils/memutils.h"

/* Rows gathered from the frozen records, and which records were dead. */
typedef struct Gathered
{
	BarqSealRow *rows;			/* that have a key */
	uint32		nrows;
	uint32		space;
	BarqKeylessRows keyless;
	uint64		records;		/* records walked, dead ones included */
	bool	   *was_dead;		/* a record each */
	uint64		records_space;
	BarqBlockList pages;
	BlockNumber stop;
	const BarqMeta *meta;
	const char *body;			/* made of the rows; NULL: there are none */
	uint64		bytes;
} Gathered;

static void
gather_page(void *arg, BlockNumber block)
{
	barq_blocks_add(&((Gathered *) arg)->pages, block);
}

static void
gather_record(void *arg, const BarqRecord *record)
{
	Gathered   *g = arg;
	char	   *payload;

	if (g->records == g->records_space)
	{
		g->records_space = Max(g->records_space * 2, 1024);
		g->was_dead = g->was_dead == NULL ?
			palloc(sizeof(bool) * g->records_space) :
			repalloc_huge(g->was_dead, sizeof(bool) * g->records_space);
	}
	g->was_dead[g->records++] = record->dead;
	if (record->dead)
		return;
	if (!record->keyed)
	{
		barq_keyless_add(&g->keyless, CurrentMemoryContext, record->keyless, &record->tid);
		return;
	}

	if (g->nrows == g->space)
	{
		g->space = Max(g->space * 2, 1024);
		g->rows = g->rows == NULL ?
			palloc(sizeof(BarqSealRow) * g->space) :
			repalloc_huge(g->rows, sizeof(BarqSealRow) * (Size) g->space);
	}
	payload = palloc(record->length);
	memcpy(payload, record->payload, record->length);
	g->rows[g->nrows].tid = record->tid;
	g->rows[g->nrows].payload = payload;
	g->rows[g->nrows].length = record->length;
	g->nrows++;
}

/* Dead flags read again at publication. */
typedef struct Recheck
{
	Gathered   *gathered;
	uint64		record;
	ItemPointerData *dead;		/* of rows that have died since */
	uint32		ndead;
} Recheck;

static void
recheck_record(void *arg, const BarqRecord *record)
{
	Recheck    *r = arg;
	bool		was_dead = r->gathered->was_dead[r->record++];

	if (record->dead && !was_dead)
		r->dead[r->ndead++] = record->tid;
}

/*
 * Rows gathered were not dead, so no two have the same TID, and those that a
 * record says have died since are found by it in the body.
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
	if (recheck.ndead > 0)
		barq_mark_tids(gathered->body, gathered->bytes, recheck.dead, recheck.ndead, bitmap);
	pfree(recheck.dead);
}

uint64
barq_seal_log(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq seal",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqMeta	meta;
	Gathered	gathered = {0};
	BarqGrowingVisitor visitor = {gather_page, gather_record, NULL, &gathered};
	BarqChange	change = {0};
	BlockNumber stop;
	uint64		stop_generation;
	uint64		rows;
	BarqIndexStats *stats;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	if (!barq_growing_cut(index, NULL, &stop, &stop_generation))
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		return 0;
	}

	barq_meta_read(index, &meta);
	gathered.stop = stop;
	barq_step("seal: cut");
	gathered.meta = &meta;
	if (!barq_growing_walk(index, &meta, stop, &visitor))
		barq_meta_broken(index);
	barq_step("seal: gathered");

	change.sealed = true;
	change.growing_head = stop;
	change.growing_head_generation = stop_generation;
	change.sealed_pages = &gathered.pages;
	change.collect_dead = collect_dead;
	change.arg = &gathered;

	rows = gathered.nrows + barq_keyless_count(&gathered.keyless);
	if (rows > 0)
	{
		const BarqIndexKind *kind = barq_index_kind(meta.options.index_kind);
		BarqBodyWriter *writer = barq_body_begin_memory(gathered.pages.count * (Size) BLCKSZ);
		uint8		id[BARQ_ID_BYTES];
		BarqNewSegment segment = {id, BARQ_ORIGIN_SEAL};

		kind->seal(&meta.options, gathered.rows, gathered.nrows, writer);
		barq_keyless_write(writer, &gathered.keyless);
		gathered.body = barq_body_finish(writer, &gathered.bytes);
		barq_new_id(id);
		segment.body = gathered.body;
		segment.bytes = gathered.bytes;
		barq_publish_segment(index, &segment, &change);
	}
	else
		barq_publish(index, &change);

	stats = barq_stats_of(RelationGetRelid(index));
	barq_count(stats, BARQ_COUNT_SEALS, 1);
	barq_count(stats, BARQ_COUNT_ROWS_SEALED, rows);
	barq_count(stats, BARQ_COUNT_BYTES_SEALED, gathered.bytes);
	barq_count(stats, BARQ_COUNT_SEAL_US, barq_elapsed_us(start));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}
