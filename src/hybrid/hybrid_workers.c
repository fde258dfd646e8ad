/*
 * hybrid_workers.c
 *	  Parallel workers of barq_search_batch(). May call what the folder may.
 *
 * Leader and workers take vectors from a shared counter (of an index of lists many at a
 * time, since these share work), search with plans
 * of their own at the leader's snapshot, and write the addresses that they find to
 * shared memory. The leader fetches the rows. Where a vector's rows are found does not
 * matter for them: a search depends on its snapshot, settings and index only.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/instrument.h"
#include "hybrid/hybrid_batch.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

PGDLLEXPORT void barq_batch_worker(dsm_segment *segment, shm_toc *toc);

#define KEY_SHARED		UINT64CONST(0xBA52000000000001)
#define KEY_EMBEDDINGS	UINT64CONST(0xBA52000000000002)
#define KEY_ARGS		UINT64CONST(0xBA52000000000003)
#define KEY_STRINGS		UINT64CONST(0xBA52000000000004)	/* and the next ones */
#define KEY_USAGE		UINT64CONST(0xBA52000000000010)
#define KEY_QUERY		UINT64CONST(0xBA52000000000011)

/* Strings of a call that workers need, in the order of their keys. */
enum
{
	STRING_FILTER,
	STRING_GROUP,
	STRING_COLUMN,
	NSTRINGS
};

/* Bytes of hits in shared memory, at most; a call with more has no workers. */
#define MOST_BYTES	(UINT64CONST(64) * 1024 * 1024)

/* Vectors for each worker, at least. */
#define LEAST_VECTORS	4

/* A hit in shared memory. */
typedef struct SharedHit
{
	BarqRowAddress at;
	double		distance;
} SharedHit;

/* The shared memory of a call; counts[] and the hits follow. */
typedef struct Shared
{
	Oid			schema;
	Oid			table;
	Oid			row_type;
	Oid			embeddings_type;
	int			k;
	int			per_group;
	int			from;			/* the first vector of this memory */
	int			nvectors;
	int			rows_each;		/* room for each vector's hits */
	int			together;		/* vectors that a process takes at a time */
	pg_atomic_uint32 next;		/* the next vector to search for */
	int			counts[FLEXIBLE_ARRAY_MEMBER];	/* hits of each vector */
} Shared;

/* Bytes in front of the hits. */
static Size
head_bytes(int nvectors)
{
	return MAXALIGN(offsetof(Shared, counts) + sizeof(int) * nvectors);
}

/* The place for the hits of a vector. */
static SharedHit *
hits_of(Shared *shared, int number)
{
	return (SharedHit *) ((char *) shared + head_bytes(shared->nvectors - shared->from)) +
		(Size) (number - shared->from) * shared->rows_each;
}

/* Whether a conversion may run in a worker. Reads catalogs only. */
static bool
conversion_is_safe(const BarqConversion *conversion)
{
	return (conversion->how != BARQ_CONVERT_CAST ||
			func_parallel(conversion->function.fn_oid) == PROPARALLEL_SAFE) &&
		(!conversion->to_length ||
		 func_parallel(conversion->length_function.fn_oid) == PROPARALLEL_SAFE);
}

/* Whether a statement, with its row security, may run in a worker. */
static bool
plan_is_safe(SPIPlanPtr plan)
{
	ListCell   *source;
	ListCell   *query;

	foreach(source, SPI_plan_get_plan_sources(plan))
	{
		foreach(query, ((CachedPlanSource *) lfirst(source))->query_list)
			if (max_parallel_hazard(lfirst_node(Query, query)) != PROPARALLEL_SAFE)
				return false;
	}
	return true;
}

bool
barq_batch_can_share(const BarqBatch *batch)
{
	const BarqHybridEntry *entry = batch->entry;
	const BarqHybridLeg *leg = &entry->legs[BARQ_LEG_VECTOR];
	uint64		bytes = (uint64) batch->nvectors * batch->args.k * batch->args.per_group * sizeof(SharedHit);

	if (max_parallel_workers_per_gather == 0 || IsInParallelMode() ||
		batch->nvectors < 2 * LEAST_VECTORS || bytes > MOST_BYTES ||
		batch->table->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return false;
	for (int i = 0; i < entry->nparams; i++)
		if (!conversion_is_safe(&entry->arguments[i].forth) || OidIsValid(entry->arguments[i].domain) ||
			(entry->arguments[i].checked && !conversion_is_safe(&entry->arguments[i].back)))
			return false;
	return conversion_is_safe(&leg->conversion) && plan_is_safe(leg->plans[0]);
}

/* BarqBatchReceive: write the hits to the shared memory. */
static void
share_ranking(void *arg, int number, const BarqRanking *ranking)
{
	Shared	   *shared = arg;
	SharedHit  *hits = hits_of(shared, number);

	Assert(ranking->nhits <= shared->rows_each);
	for (int i = 0; i < ranking->nhits; i++)
	{
		hits[i].at = ranking->hits[i].at;
		hits[i].distance = ranking->hits[i].distance;
	}
	shared->counts[number - shared->from] = ranking->nhits;
}

/* Search for vectors until there are none left. */
static void
take_part(BarqBatch *batch, Shared *shared)
{
	for (;;)
	{
		uint32		from = pg_atomic_fetch_add_u32(&shared->next, shared->together);

		CHECK_FOR_INTERRUPTS();
		if (from >= (uint32) shared->nvectors)
			break;
		barq_batch_search(batch, (int) from, Min((int) from + shared->together, shared->nvectors),
						  share_ranking, shared);
	}
	barq_batch_end_search(batch);
}

/* Add the hits in shared memory to the result, in the order of the vectors. */
static void
collect(BarqBatch *batch, Shared *shared)
{
	BarqLegHit *hits = palloc0_array(BarqLegHit, shared->rows_each);

	for (int number = shared->from; number < shared->nvectors; number++)
	{
		const SharedHit *found = hits_of(shared, number);
		int			n = shared->counts[number - shared->from];

		for (int i = 0; i < n; i++)
		{
			hits[i].at = found[i].at;
			hits[i].distance = found[i].distance;
		}
		barq_batch_add(batch, number, hits, n);
	}
	pfree(hits);
}

/* Copies of these bytes are put into the shared memory; NULL: none. */
typedef struct Piece
{
	uint64		key;
	const void *bytes;
	Size		length;
} Piece;

/* The pieces of a call; returns their number. */
static int
make_pieces(const BarqBatch *batch, Piece *pieces)
{
	const char *strings[NSTRINGS] = {batch->args.expr[BARQ_EXPR_FILTER], batch->args.group_by,
				batch->args.column[BARQ_LEG_VECTOR]};
	int			n = 0;

	pieces[n++] = (Piece) {KEY_EMBEDDINGS, batch->embeddings, VARSIZE(batch->embeddings)};
	if (batch->args.filter_args != NULL)
		pieces[n++] = (Piece) {KEY_ARGS, batch->args.filter_args, VARSIZE(batch->args.filter_args)};
	for (int i = 0; i < NSTRINGS; i++)
		if (strings[i] != NULL)
			pieces[n++] = (Piece) {KEY_STRINGS + i, strings[i], strlen(strings[i]) + 1};
	if (debug_query_string != NULL)
		pieces[n++] = (Piece) {KEY_QUERY, debug_query_string, strlen(debug_query_string) + 1};
	return n;
}

/* What a process of a call used of buffers and WAL. */
typedef struct Usage
{
	BufferUsage buffers;
	WalUsage	wal;
} Usage;

/*
 * Set up the shared memory of a parallel context, which has none if there was no room
 * for it. *usage: of each worker.
 */
static Shared *
set_up(ParallelContext *context, const BarqBatch *batch, int from, Usage **usage)
{
	Piece		pieces[3 + NSTRINGS];
	int			npieces = make_pieces(batch, pieces);
	int			rows_each = batch->args.k * batch->args.per_group;
	Size		bytes = head_bytes(batch->nvectors - from) +
		mul_size(mul_size(sizeof(SharedHit), rows_each), batch->nvectors - from);
	Size		usage_bytes = mul_size(sizeof(Usage), context->nworkers);
	Shared	   *shared;

	shm_toc_estimate_chunk(&context->estimator, bytes);
	shm_toc_estimate_chunk(&context->estimator, usage_bytes);
	for (int i = 0; i < npieces; i++)
		shm_toc_estimate_chunk(&context->estimator, pieces[i].length);
	shm_toc_estimate_keys(&context->estimator, npieces + 2);
	InitializeParallelDSM(context);
	if (context->seg == NULL)
		return NULL;

	shared = shm_toc_allocate(context->toc, bytes);
	memset(shared, 0, head_bytes(batch->nvectors - from));
	shared->schema = batch->args.schema;
	shared->table = batch->args.table;
	shared->row_type = batch->args.row_type;
	shared->embeddings_type = get_array_type(batch->args.embedding_type);
	shared->k = batch->args.k;
	shared->per_group = batch->args.per_group;
	shared->from = from;
	shared->nvectors = batch->nvectors;
	shared->rows_each = rows_each;
	shared->together = !batch->entry->legs[BARQ_LEG_VECTOR].column.of_lists ? 1 :
		Max(1, Min(BARQ_BATCH_TOGETHER, (batch->nvectors - from) / (2 * (context->nworkers + 1))));
	pg_atomic_init_u32(&shared->next, from);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	*usage = shm_toc_allocate(context->toc, usage_bytes);
	memset(*usage, 0, usage_bytes);
	shm_toc_insert(context->toc, KEY_USAGE, *usage);
	for (int i = 0; i < npieces; i++)
	{
		void	   *copy = shm_toc_allocate(context->toc, pieces[i].length);

		memcpy(copy, pieces[i].bytes, pieces[i].length);
		shm_toc_insert(context->toc, pieces[i].key, copy);
	}
	return shared;
}

bool
barq_batch_share(BarqBatch *batch, int from)
{
	int			request = Min(max_parallel_workers_per_gather,
							  (batch->nvectors - from) / LEAST_VECTORS - 1);
	ParallelContext *context;
	Shared	   *shared;
	Usage	   *usage = NULL;
	int			launched = 0;

	if (request <= 0)
		return false;
	EnterParallelMode();
	context = CreateParallelContext("barq", "barq_batch_worker", request);
	shared = set_up(context, batch, from, &usage);
	if (shared != NULL)
	{
		LaunchParallelWorkers(context);
		launched = context->nworkers_launched;
	}
	if (launched > 0)
	{
		ereport(DEBUG1,
				(errmsg_internal("using %d parallel workers for barq_search_batch()", launched)));
		take_part(batch, shared);
		WaitForParallelWorkersToFinish(context);
		for (int i = 0; i < launched; i++)
			InstrAccumParallelQuery(&usage[i].buffers, &usage[i].wal);
		collect(batch, shared);
	}
	DestroyParallelContext(context);
	ExitParallelMode();
	return launched > 0;
}

/* A piece of the shared memory, copied; NULL: none. */
static void *
copy_piece(shm_toc *toc, uint64 key, bool is_string)
{
	void	   *piece = shm_toc_lookup(toc, key, true);
	Size		length;
	void	   *copy;

	if (piece == NULL)
		return NULL;
	length = is_string ? strlen(piece) + 1 : VARSIZE(piece);
	copy = palloc(length);
	memcpy(copy, piece, length);
	return copy;
}

/*
 * The entry point of workers: search for vectors of the call. PostgreSQL has restored
 * the leader's role, settings, search_path and snapshot.
 */
void
barq_batch_worker(dsm_segment *segment, shm_toc *toc)
{
	Shared	   *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	Usage	   *usage = shm_toc_lookup(toc, KEY_USAGE, false);
	BarqBatch	batch = {0};

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	InstrStartParallelQuery();

	batch.args.caller = BARQ_BATCH_CALLER;
	batch.args.schema = shared->schema;
	batch.args.table = shared->table;
	batch.args.row_type = shared->row_type;
	batch.args.wanted[BARQ_LEG_VECTOR] = true;
	batch.args.k = shared->k;
	batch.args.candidates[BARQ_LEG_VECTOR] = shared->k;
	batch.args.per_group = shared->per_group;
	batch.args.filter_args = copy_piece(toc, KEY_ARGS, false);
	batch.args.expr[BARQ_EXPR_FILTER] = copy_piece(toc, KEY_STRINGS + STRING_FILTER, true);
	batch.args.group_by = copy_piece(toc, KEY_STRINGS + STRING_GROUP, true);
	batch.args.column[BARQ_LEG_VECTOR] = copy_piece(toc, KEY_STRINGS + STRING_COLUMN, true);
	barq_batch_set_vectors(&batch,
						   PointerGetDatum(copy_piece(toc, KEY_EMBEDDINGS, false)),
						   shared->embeddings_type);
	Assert(batch.nvectors == shared->nvectors);

	batch.table = relation_open(batch.args.table, AccessShareLock);
	SPI_connect();
	batch.entry = barq_hybrid_prepare(batch.table, &batch.args);
	take_part(&batch, shared);
	barq_hybrid_release(batch.entry);
	SPI_finish();
	relation_close(batch.table, AccessShareLock);
	InstrEndParallelQuery(&usage[ParallelWorkerNumber].buffers, &usage[ParallelWorkerNumber].wal);
}
