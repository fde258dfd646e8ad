/*
 * stats.c
 *	  Counters of each index, in shared memory or in memory of this process.
 *
 * A hash table of slots with open addressing. A process takes a slot under the
 * lock; the slot then belongs to its index for ever, so counting needs no lock.
 * Slots of dropped indexes are not re-used: the table is large.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#define SHARED_SLOTS	4096	/* powers of two */
#define LOCAL_SLOTS		256

typedef struct StatsTable
{
	LWLock	   *lock;			/* NULL: the table is local to this process */
	int			nslots;			/* a power of two */
	BarqIndexStats slots[FLEXIBLE_ARRAY_MEMBER];
} StatsTable;

static uint64 lock_waits[BARQ_WAIT_BUCKETS];	/* noted, not counted yet */
static StatsTable *table = NULL;
static BarqIndexStats overflow; /* for indexes without a slot */
static shmem_startup_hook_type previous_startup_hook = NULL;
static shmem_request_hook_type previous_request_hook = NULL;

static Size
table_bytes(int nslots)
{
	return offsetof(StatsTable, slots) + sizeof(BarqIndexStats) * nslots;
}

static void
init_slot(BarqIndexStats *slot)
{
	slot->database = slot->index = InvalidOid;
	for (int i = 0; i < BARQ_COUNTERS; i++)
		pg_atomic_init_u64(&slot->counters[i], 0);
	for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
		pg_atomic_init_u64(&slot->lock_waits[i], 0);
	pg_atomic_init_u64(&slot->inserts_seen, 0);
	pg_atomic_init_u64(&slot->quiet_since, 0);
}

static void
init_table(StatsTable *new_table, int nslots, LWLock *lock)
{
	new_table->lock = lock;
	new_table->nslots = nslots;
	for (int i = 0; i < nslots; i++)
		init_slot(&new_table->slots[i]);
}

/* shmem_request_hook */
static void
request_shmem(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(table_bytes(SHARED_SLOTS));
	RequestNamedLWLockTranche("barq", 1);
}

/* shmem_startup_hook: create the shared table, or attach to it */
static void
start_shmem(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("barq statistics", table_bytes(SHARED_SLOTS), &found);
	if (!found)
		init_table(table, SHARED_SLOTS, &(GetNamedLWLockTranche("barq")->lock));
	LWLockRelease(AddinShmemInitLock);
}

void
barq_stats_request_shmem(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
}

BarqIndexStats *
barq_stats_slot(int i)
{
	if (table == NULL || i >= table->nslots)
		return NULL;
	return &table->slots[i];
}

/*
 * The slot of an index of this database, or the free slot that it may take; NULL if
 * the table is full. Does not take the slot. The caller holds table->lock, unless the
 * table is local to this process.
 */
static BarqIndexStats *
find_slot(Oid index)
{
	uint32		hash = hash_combine(murmurhash32(MyDatabaseId), murmurhash32(index));

	for (int i = 0; i < table->nslots; i++)
	{
		BarqIndexStats *slot = &table->slots[(hash + i) & (table->nslots - 1)];

		if ((slot->index == index && slot->database == MyDatabaseId) ||
			!OidIsValid(slot->index))
			return slot;
	}
	return NULL;
}

BarqIndexStats *
barq_stats_of(Oid index)
{
	static Oid	last_index = InvalidOid;
	static BarqIndexStats *last_slot = NULL;
	BarqIndexStats *slot;

	if (last_index == index)
		return last_slot;

	if (table == NULL)
	{
		table = MemoryContextAlloc(TopMemoryContext, table_bytes(LOCAL_SLOTS));
		init_table(table, LOCAL_SLOTS, NULL);
		init_slot(&overflow);
	}
	if (table->lock != NULL)
		LWLockAcquire(table->lock, LW_EXCLUSIVE);
	slot = find_slot(index);
	if (slot != NULL)
	{
		slot->database = MyDatabaseId;
		slot->index = index;
	}
	if (table->lock != NULL)
		LWLockRelease(table->lock);

	last_index = index;
	last_slot = slot != NULL ? slot : &overflow;
	return last_slot;
}

uint64
barq_elapsed_us(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MICROSEC(now);
}

void
barq_note_lock_wait(uint64 us)
{
	int			bucket = 0;

	for (uint64 limit = 1; us >= limit && bucket < BARQ_WAIT_BUCKETS - 1; limit *= 10)
		bucket++;
	lock_waits[bucket]++;
}

void
barq_forget_lock_waits(void)
{
	memset(lock_waits, 0, sizeof(lock_waits));
}

void
barq_count_lock_waits(BarqIndexStats *stats)
{
	for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
		if (lock_waits[i] > 0)
			pg_atomic_fetch_add_u64(&stats->lock_waits[i], lock_waits[i]);
	barq_forget_lock_waits();
}
