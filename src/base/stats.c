/*
 * stats.c
 *	  Counters of each index, in shared memory or in memory of this process.
 *
 * A hash table of slots, one for each index in use. A process counts in entries of
 * its own (`pending`) and adds them to the slots, which needs the lock only in
 * shared mode unless an index has no slot yet. When all slots are taken, those of
 * the indexes that were not used for longest are given up; visitors give up those
 * of dropped ones.
 */
#include "postgres.h"

#include <time.h>

#include "base/compat.h"
#include "base/shared.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define SHARED_SLOTS	4096
#define RECLAIMED_AT_ONCE	(SHARED_SLOTS / 8)

/* A transaction adds its counts after so many look-ups of an index. */
#define FLUSH_LOOKUPS	1024

/* Entries of this process that outlive a transaction. */
#define KEPT_ENTRIES	16

typedef struct SlotKey
{
	Oid			database;
	Oid			index;
} SlotKey;

typedef struct Slot
{
	SlotKey		key;
	pg_atomic_uint64 counters[BARQ_COUNTERS];
	pg_atomic_uint64 lock_waits[BARQ_WAIT_BUCKETS];
	pg_atomic_uint64 used;		/* time() of the last count */

	/* noted by a visitor at its last visit */
	uint64		inserts_seen;
	TimestampTz quiet_since;	/* 0: no visit yet */
} Slot;

static uint64 lock_waits[BARQ_WAIT_BUCKETS];	/* noted, not counted yet */
static HTAB *slots = NULL;
static LWLock *slots_lock = NULL;	/* NULL: the slots are local to this process */
static HTAB *pending = NULL;	/* of BarqIndexStats, by index */
static int	npending = 0;		/* entries with counts */
static BarqIndexStats *last_entry = NULL;	/* that was looked up */
static int	lookups = 0;		/* since the last flush */
static bool paused = false;

static Size
slots_bytes(void)
{
	return hash_estimate_size(SHARED_SLOTS, sizeof(Slot));
}

/* How slots are found; for shared and for local ones. */
static void
describe_slots(HASHCTL *control)
{
	memset(control, 0, sizeof(*control));
	control->keysize = sizeof(SlotKey);
	control->entrysize = sizeof(Slot);
}

/* Create the shared table, or attach to it. */
static void
attach_slots(LWLock *lock)
{
	HASHCTL		control;

	describe_slots(&control);
	slots = BarqShmemInitHash("barq statistics", SHARED_SLOTS, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	slots_lock = lock;
}

void
barq_stats_request_shmem(void)
{
	static const BarqSharedArea area = {"barq", slots_bytes, attach_slots};

	barq_shared_request(&area);
}

static void
lock_slots(LWLockMode mode)
{
	if (slots_lock != NULL)
		LWLockAcquire(slots_lock, mode);
}

static void
unlock_slots(void)
{
	if (slots_lock != NULL)
		LWLockRelease(slots_lock);
}

static void
init_slot(Slot *slot)
{
	for (int i = 0; i < BARQ_COUNTERS; i++)
		pg_atomic_init_u64(&slot->counters[i], 0);
	for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
		pg_atomic_init_u64(&slot->lock_waits[i], 0);
	pg_atomic_init_u64(&slot->used, 0);
	slot->inserts_seen = 0;
	slot->quiet_since = 0;
}

/* qsort comparator of times. */
static int
compare_times(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Give up at least RECLAIMED_AT_ONCE slots, those not used for longest. The caller
 * holds the lock exclusively. Slots of one second are given up together.
 */
static void
give_up_unused(void)
{
	static uint64 times[SHARED_SLOTS];
	HASH_SEQ_STATUS status;
	Slot	   *slot;
	int			n = 0;

	hash_seq_init(&status, slots);
	while ((slot = hash_seq_search(&status)) != NULL)
		if (n < SHARED_SLOTS)
			times[n++] = pg_atomic_read_u64(&slot->used);
	if (n <= RECLAIMED_AT_ONCE)
		return;
	qsort(times, n, sizeof(uint64), compare_times);
	hash_seq_init(&status, slots);
	while ((slot = hash_seq_search(&status)) != NULL)
		if (pg_atomic_read_u64(&slot->used) <= times[RECLAIMED_AT_ONCE])
			hash_search(slots, &slot->key, HASH_REMOVE, NULL);
}

/*
 * The slot of an index of this database, made if it has none; NULL if that is
 * impossible. The caller holds the lock exclusively.
 */
static Slot *
make_slot(Oid index)
{
	SlotKey		key = {MyDatabaseId, index};
	bool		found = false;
	Slot	   *slot;

	slot = hash_search(slots, &key, slots_lock ? HASH_ENTER_NULL : HASH_ENTER, &found);
	if (slot == NULL)
	{
		give_up_unused();
		slot = hash_search(slots, &key, HASH_ENTER_NULL, &found);
	}
	if (slot != NULL && !found)
		init_slot(slot);
	return slot;
}

/* Create the tables of this process. */
static void
init_tables(void)
{
	HASHCTL		control;

	if (slots == NULL)
	{
		describe_slots(&control);
		slots = hash_create("barq statistics", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(BarqIndexStats);
	pending = hash_create("barq pending statistics", 32, &control, HASH_ELEM | HASH_BLOBS);
}

BarqIndexStats *
barq_stats_of(Oid index)
{
	BarqIndexStats *entry;
	bool		found;

	if (++lookups >= FLUSH_LOOKUPS)
		barq_stats_flush(false);
	if (last_entry != NULL && last_entry->index == index)
		return last_entry;
	if (pending == NULL)
		init_tables();

	/* made here, because a flush at the end of a transaction may not fail */
	if (slots_lock == NULL)
		(void) make_slot(index);
	entry = hash_search(pending, &index, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, sizeof(*entry));
		entry->index = index;
	}
	last_entry = entry;
	return entry;
}

/* Note that an entry has counts. */
static void
make_pending(BarqIndexStats *stats)
{
	npending += !stats->pending;
	stats->pending = true;
}

void
barq_stats_pause(bool pause)
{
	paused = pause;
}

bool
barq_stats_paused(void)
{
	return paused;
}

void
barq_count(BarqIndexStats *stats, BarqCounter counter, uint64 n)
{
	if (paused)
		return;
	stats->counters[counter] += n;
	make_pending(stats);
	if (counter >= BARQ_COUNT_SEALS && counter <= BARQ_COUNT_WAIT_US)
		barq_stats_flush(false);
}

/* Add the counts of an entry to a slot, and set them to zero. */
static void
add_counts(Slot *slot, BarqIndexStats *entry, uint64 now)
{
	for (int i = 0; i < BARQ_COUNTERS; i++)
		if (entry->counters[i] > 0)
			pg_atomic_fetch_add_u64(&slot->counters[i], entry->counters[i]);
	for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
		if (entry->lock_waits[i] > 0)
			pg_atomic_fetch_add_u64(&slot->lock_waits[i], entry->lock_waits[i]);
	if (pg_atomic_read_u64(&slot->used) != now)
		pg_atomic_write_u64(&slot->used, now);
	memset(entry->counters, 0, sizeof(entry->counters));
	memset(entry->lock_waits, 0, sizeof(entry->lock_waits));
	entry->pending = false;
	npending--;
}

/*
 * Add all pending counts to their slots; with `make`, slots that are missing are
 * made, and counts that get none are lost. The caller holds the lock, exclusively
 * if `make`.
 */
static void
add_pending(bool make)
{
	uint64		now = (uint64) time(NULL);
	HASH_SEQ_STATUS status;
	BarqIndexStats *entry;

	hash_seq_init(&status, pending);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		SlotKey		key = {MyDatabaseId, entry->index};
		Slot	   *slot;

		if (!entry->pending)
			continue;
		slot = make ? make_slot(entry->index) : hash_search(slots, &key, HASH_FIND, NULL);
		if (slot != NULL)
			add_counts(slot, entry, now);
	}
}

void
barq_stats_flush(bool at_end)
{
	lookups = 0;
	if (npending > 0)
	{
		lock_slots(LW_SHARED);
		add_pending(false);
		unlock_slots();
	}
	if (npending > 0)
	{
		lock_slots(LW_EXCLUSIVE);
		add_pending(true);
		unlock_slots();
	}
	if (at_end && pending != NULL && hash_get_num_entries(pending) > KEPT_ENTRIES)
	{
		HASH_SEQ_STATUS status;
		BarqIndexStats *entry;

		hash_seq_init(&status, pending);
		while ((entry = hash_seq_search(&status)) != NULL)
			hash_search(pending, &entry->index, HASH_REMOVE, NULL);
		last_entry = NULL;
		npending = 0;
	}
}

BarqIndexCounts *
barq_stats_read(int *n)
{
	BarqIndexCounts *counts;
	HASH_SEQ_STATUS status;
	Slot	   *slot;

	*n = 0;
	barq_stats_flush(false);
	if (slots == NULL)
		return palloc(sizeof(BarqIndexCounts));
	counts = palloc(sizeof(BarqIndexCounts) * Max(hash_get_num_entries(slots), SHARED_SLOTS));
	lock_slots(LW_SHARED);
	hash_seq_init(&status, slots);
	while ((slot = hash_seq_search(&status)) != NULL)
	{
		BarqIndexCounts *to;

		if (slot->key.database != MyDatabaseId)
			continue;
		to = &counts[(*n)++];
		to->index = slot->key.index;
		for (int i = 0; i < BARQ_COUNTERS; i++)
			to->counters[i] = pg_atomic_read_u64(&slot->counters[i]);
		for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
			to->lock_waits[i] = pg_atomic_read_u64(&slot->lock_waits[i]);
	}
	unlock_slots();
	return counts;
}

void
barq_stats_reset_index(Oid index)
{
	SlotKey		key = {MyDatabaseId, index};
	Slot	   *slot;

	barq_stats_flush(false);
	if (slots == NULL)
		return;
	lock_slots(LW_SHARED);
	slot = hash_search(slots, &key, HASH_FIND, NULL);
	if (slot != NULL)
	{
		for (int i = 0; i < BARQ_COUNTERS; i++)
			(void) pg_atomic_exchange_u64(&slot->counters[i], 0);
		for (int i = 0; i < BARQ_WAIT_BUCKETS; i++)
			(void) pg_atomic_exchange_u64(&slot->lock_waits[i], 0);
	}
	unlock_slots();
}

/* Whether a slot's index, or its database, exists no more. Reads the catalogs. */
static bool
is_gone(const SlotKey *key)
{
	if (key->database == MyDatabaseId)
		return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key->index));
	return !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(key->database));
}

void
barq_stats_reclaim(void)
{
	SlotKey    *keys;
	HASH_SEQ_STATUS status;
	Slot	   *slot;
	int			n = 0;

	if (slots == NULL)
		return;

	/* catalogs are not read under the lock */
	keys = palloc(sizeof(SlotKey) * Max(hash_get_num_entries(slots), SHARED_SLOTS));
	lock_slots(LW_SHARED);
	hash_seq_init(&status, slots);
	while ((slot = hash_seq_search(&status)) != NULL)
		keys[n++] = slot->key;
	unlock_slots();
	for (int i = 0; i < n; i++)
	{
		if (!is_gone(&keys[i]))
			continue;
		lock_slots(LW_EXCLUSIVE);
		hash_search(slots, &keys[i], HASH_REMOVE, NULL);
		unlock_slots();
	}
	pfree(keys);
}

TimestampTz
barq_stats_quiet_since(Oid index, TimestampTz now)
{
	TimestampTz since = now;
	Slot	   *slot;

	(void) barq_stats_of(index);
	lock_slots(LW_EXCLUSIVE);
	slot = make_slot(index);
	if (slot != NULL)
	{
		uint64		inserts = pg_atomic_read_u64(&slot->counters[BARQ_COUNT_INSERTS]);

		pg_atomic_write_u64(&slot->used, (uint64) time(NULL));
		if (slot->quiet_since == 0 || slot->inserts_seen != inserts)
			slot->quiet_since = now;
		slot->inserts_seen = inserts;
		since = slot->quiet_since;
	}
	unlock_slots();
	return since;
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
		{
			stats->lock_waits[i] += lock_waits[i];
			make_pending(stats);
		}
	barq_forget_lock_waits();
}
