/*
 * residency.c
 *	  Entries of images in shared memory: who has them mapped, how hot they are, and
 *	  the generation at which sessions have to let go of their pages.
 *
 * A search touches memory of its own process: it counts in the mapping. Once a second,
 * when the launcher has advanced the coarse clock, the counts are added to the entries.
 *
 * An entry lives at least as long as a session has its image mapped, so a mapping's
 * pointer to it is valid. The LWLock protects the set of entries, `sessions` and the
 * table of backends; the other members are atomics.
 *
 * Letting go. An evictor sets `let_go` of its victims to the next generation, then
 * publishes that generation. A backend that sees a new generation drops the pages of
 * its mappings whose `let_go` is newer than the generation that it saw last
 * (MADV_DONTNEED on the mapping, which stays valid), and publishes the generation
 * seen. Idle backends are woken by an announcement (announce.h).
 */
#include "postgres.h"

#include <math.h>
#include <sys/mman.h>

#include "base/settings.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "store/announce.h"
#include "store/residency.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Images that have an entry, at most. Others are the first to be evicted. */
#define ENTRIES		8192

/* Time between two looks at backends that have to let go. */
#define LOOK_MS		5

/* Number of this process among backends, from 0. */
#if PG_VERSION_NUM >= 170000
#define MY_PLACE		MyProcNumber
#else
#define MY_PLACE		(MyBackendId - 1)
#endif

typedef struct BarqResident
{
	uint8		id[BARQ_ID_BYTES];	/* the key: first */
	BarqLocator locator;
	int			backend;
	bool		mapped;			/* by a session, since the server started */
	int			sessions;
	pg_atomic_uint32 memory;	/* BarqMemory */
	pg_atomic_uint64 heat;
	pg_atomic_uint64 searched;	/* TimestampTz */
	pg_atomic_uint64 verified;	/* TimestampTz */
	pg_atomic_uint64 let_go;	/* generation */
	pg_atomic_uint64 evicted;	/* TimestampTz */
	pg_atomic_uint64 evictions;
} BarqResident;

/* A backend that has images mapped. */
typedef struct Holder
{
	int			pid;			/* 0: none */
	pg_atomic_uint64 seen;		/* generation */
} Holder;

typedef struct Residency
{
	LWLock	   *lock;
	pg_atomic_uint64 clock;		/* TimestampTz, advanced by the launcher */
	pg_atomic_uint64 generation;
	pg_atomic_uint32 launched;	/* barq_residency_is_new() */
	pg_atomic_uint32 was_read;	/* from disk, since the launcher last asked */
	Latch *volatile launcher;	/* in shared memory; NULL: it does not run */
	int			places;
	Holder		holders[FLEXIBLE_ARRAY_MEMBER];
} Residency;

static Residency *shared = NULL;	/* NULL: no shared memory */
static HTAB *entries = NULL;	/* of BarqResident, in shared memory */
static dlist_head attached = DLIST_STATIC_INIT(attached);	/* of BarqMapping */
static Holder *mine = NULL;		/* this backend's place, once it had an image */
static uint64 my_clock = 0;		/* at which counts were published */
static uint64 my_generation = 0;	/* at which pages were let go */

/* ---- shared memory ---- */

static Size
header_bytes(void)
{
	return offsetof(Residency, holders) + sizeof(Holder) * MaxBackends;
}

static Size
shared_bytes(void)
{
	return header_bytes() + hash_estimate_size(ENTRIES, sizeof(BarqResident));
}

/* A search of this process finds an image not in memory. Raises no error. */
static void
note_read(void)
{
	Latch	   *launcher = shared->launcher;

	/* once between two passes of the launcher; a latch set for nothing does no harm */
	if (barq_memory_budget > 0 && launcher != NULL &&
		pg_atomic_read_u32(&shared->was_read) == 0 &&
		pg_atomic_exchange_u32(&shared->was_read, 1) == 0)
		SetLatch(launcher);
}

/* BarqSharedArea.attach */
static void
attach_shared(LWLock *lock)
{
	HASHCTL		control;
	bool		found;

	memset(&control, 0, sizeof(control));
	control.keysize = BARQ_ID_BYTES;
	control.entrysize = sizeof(BarqResident);
	entries = BarqShmemInitHash("barq images", ENTRIES, &control,
								HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	shared = ShmemInitStruct("barq residency", header_bytes(), &found);
	barq_view_on_cold(note_read);
	if (found)
		return;
	shared->lock = lock;
	pg_atomic_init_u64(&shared->clock, 0);
	pg_atomic_init_u64(&shared->generation, 0);
	pg_atomic_init_u32(&shared->launched, 0);
	pg_atomic_init_u32(&shared->was_read, 0);
	shared->launcher = NULL;
	shared->places = MaxBackends;
	for (int i = 0; i < shared->places; i++)
	{
		shared->holders[i].pid = 0;
		pg_atomic_init_u64(&shared->holders[i].seen, 0);
	}
}

void
barq_residency_request_shmem(void)
{
	static const BarqSharedArea area = {
		.name = "barq residency",
		.bytes = shared_bytes,
		.attach = attach_shared,
	};

	barq_shared_request(&area);
}

void
barq_residency_wake_by_reads(Latch *latch)
{
	if (shared != NULL)
		shared->launcher = latch;
}

bool
barq_residency_was_read(void)
{
	return shared != NULL && pg_atomic_read_u32(&shared->was_read) != 0 &&
		pg_atomic_exchange_u32(&shared->was_read, 0) != 0;
}

bool
barq_residency_is_new(void)
{
	return shared != NULL && pg_atomic_exchange_u32(&shared->launched, 1) == 0;
}

/* ---- entries; the caller of the static functions holds the lock ---- */

/* The entry of an image, or NULL. */
static BarqResident *
find_entry(const uint8 *id)
{
	return hash_search(entries, id, HASH_FIND, NULL);
}

/* The greatest heat of an image in the same folder. */
static uint64
heat_in_folder(const BarqResident *entry)
{
	HASH_SEQ_STATUS status;
	BarqResident *other;
	uint64		heat = 0;

	hash_seq_init(&status, entries);
	while ((other = hash_seq_search(&status)) != NULL)
		if (other != entry && other->backend == entry->backend &&
			memcmp(&other->locator, &entry->locator, sizeof(BarqLocator)) == 0)
			heat = Max(heat, pg_atomic_read_u64(&other->heat));
	return heat;
}

/*
 * The entry of an image, made if there is none; NULL if there is no room. A search reads
 * every segment, so a new one is as hot as its index: it is the output of a merge of
 * others, or will be.
 */
static BarqResident *
enter(const uint8 *id, BarqLocator locator, int backend)
{
	bool		found;
	BarqResident *entry = hash_search(entries, id, HASH_ENTER_NULL, &found);

	if (entry == NULL || found)
		return entry;
	entry->locator = locator;
	entry->backend = backend;
	entry->mapped = false;
	entry->sessions = 0;
	pg_atomic_init_u32(&entry->memory, BARQ_MEMORY_AUTO);
	pg_atomic_init_u64(&entry->heat, heat_in_folder(entry));
	pg_atomic_init_u64(&entry->searched, 0);
	pg_atomic_init_u64(&entry->verified, 0);
	pg_atomic_init_u64(&entry->let_go, 0);
	pg_atomic_init_u64(&entry->evicted, 0);
	pg_atomic_init_u64(&entry->evictions, 0);
	return entry;
}

/* Copy an entry. */
static void
copy_entry(const BarqResident *entry, BarqImageUse *use)
{
	/* the readers of atomics want pointers to non-const memory */
	BarqResident *e = unconstify(BarqResident *, entry);

	memset(use, 0, sizeof(*use));
	memcpy(use->id, e->id, BARQ_ID_BYTES);
	use->locator = e->locator;
	use->backend = e->backend;
	use->mapped = e->mapped;
	use->sessions = e->sessions;
	use->memory = (BarqMemory) pg_atomic_read_u32(&e->memory);
	use->heat = pg_atomic_read_u64(&e->heat);
	use->searched = (TimestampTz) pg_atomic_read_u64(&e->searched);
	use->verified = (TimestampTz) pg_atomic_read_u64(&e->verified);
	use->evicted = (TimestampTz) pg_atomic_read_u64(&e->evicted);
	use->evictions = pg_atomic_read_u64(&e->evictions);
}

bool
barq_residency_get(const uint8 *id, BarqImageUse *use)
{
	const BarqResident *entry = NULL;

	if (shared == NULL)
		return false;
	LWLockAcquire(shared->lock, LW_SHARED);
	entry = find_entry(id);
	if (entry != NULL)
		copy_entry(entry, use);
	LWLockRelease(shared->lock);
	return entry != NULL;
}

BarqImageUse *
barq_residency_list(int *n)
{
	HASH_SEQ_STATUS status;
	const BarqResident *entry;
	BarqImageUse *list = NULL;
	long		count;

	*n = 0;
	if (shared == NULL)
		return NULL;
	LWLockAcquire(shared->lock, LW_SHARED);
	count = hash_get_num_entries(entries);
	list = palloc_extended(sizeof(BarqImageUse) * Max(count, 1), MCXT_ALLOC_NO_OOM);
	if (list != NULL)
	{
		hash_seq_init(&status, entries);
		while ((entry = hash_seq_search(&status)) != NULL)
			copy_entry(entry, &list[(*n)++]);
	}
	LWLockRelease(shared->lock);
	return list;
}

void
barq_residency_tick(TimestampTz now, double keep)
{
	HASH_SEQ_STATUS status;
	BarqResident *entry;

	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_SHARED);
	pg_atomic_write_u64(&shared->clock, (uint64) now);
	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		uint64		heat = pg_atomic_read_u64(&entry->heat);

		/* what others add meanwhile stays */
		pg_atomic_fetch_sub_u64(&entry->heat, (int64) ceil((double) heat * (1 - keep)));
	}
	LWLockRelease(shared->lock);
}

void
barq_residency_seed(const BarqImageUse *use)
{
	BarqResident *entry;

	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	entry = enter(use->id, use->locator, use->backend);
	if (entry != NULL)
	{
		pg_atomic_fetch_add_u64(&entry->heat, (int64) use->heat);
		pg_atomic_write_u32(&entry->memory, use->memory);
	}
	LWLockRelease(shared->lock);
}

void
barq_residency_forget(const uint8 *id)
{
	const BarqResident *entry;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	entry = find_entry(id);
	if (entry != NULL && entry->sessions == 0)
		hash_search(entries, id, HASH_REMOVE, NULL);
	LWLockRelease(shared->lock);
}

void
barq_residency_set_memory(const uint8 *id, BarqMemory memory)
{
	BarqResident *entry;

	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_SHARED);
	entry = find_entry(id);
	if (entry != NULL)
		pg_atomic_write_u32(&entry->memory, memory);
	LWLockRelease(shared->lock);
}

void
barq_residency_note_eviction(const uint8 *id, TimestampTz now, bool by_hand)
{
	BarqResident *entry;

	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_SHARED);
	entry = find_entry(id);
	if (entry != NULL)
	{
		pg_atomic_write_u64(&entry->evicted, (uint64) now);
		pg_atomic_fetch_add_u64(&entry->evictions, 1);
		if (by_hand)
			pg_atomic_write_u64(&entry->heat, 0);
	}
	LWLockRelease(shared->lock);
}

/* ---- this backend ---- */

/* Add the searches that this process has counted in a mapping to the entry. */
static void
publish_searches(BarqMapping *mapping)
{
	if (mapping->searches == 0 || mapping->resident == NULL)
		return;
	pg_atomic_fetch_add_u64(&mapping->resident->heat,
							(int64) mapping->searches * BARQ_HEAT_ONE);
	pg_atomic_write_u64(&mapping->resident->searched, (uint64) GetCurrentTimestamp());
	mapping->searches = 0;
}

/* Leave the table of backends; the caller holds the lock. */
static void
leave(void)
{
	if (mine != NULL)
		mine->pid = 0;
	mine = NULL;
}

/* before_shmem_exit callback: other processes forget this one's mappings. */
static void
at_exit(int code, Datum arg)
{
	dlist_iter	iter;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	dlist_foreach(iter, &attached)
	{
		BarqMapping *mapping = dlist_container(BarqMapping, attached, iter.cur);

		publish_searches(mapping);
		if (mapping->resident != NULL)
			mapping->resident->sessions--;
		mapping->resident = NULL;
	}
	leave();
	LWLockRelease(shared->lock);
	shared = NULL;
}

/* Enter the table of backends; the caller holds the lock. */
static void
join(void)
{
	static bool registered = false;

	if (mine != NULL || MY_PLACE < 0 || MY_PLACE >= shared->places)
		return;
	if (!registered)
		before_shmem_exit(at_exit, (Datum) 0);
	registered = true;
	mine = &shared->holders[MY_PLACE];
	my_generation = pg_atomic_read_u64(&shared->generation);
	pg_atomic_write_u64(&mine->seen, my_generation);
	mine->pid = MyProcPid;
}

void
barq_residency_attach(Relation index, BarqMapping *mapping)
{
	dlist_push_head(&attached, &mapping->attached);
	mapping->searches = 0;
	mapping->resident = NULL;
	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	join();
	if (mine != NULL)
		mapping->resident = enter(mapping->id, BarqRelationLocator(index), index->rd_backend);
	if (mapping->resident != NULL)
	{
		mapping->resident->mapped = true;
		mapping->resident->sessions++;
	}
	LWLockRelease(shared->lock);
}

void
barq_residency_detach(BarqMapping *mapping)
{
	dlist_delete(&mapping->attached);
	if (shared == NULL)
		return;
	publish_searches(mapping);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (mapping->resident != NULL)
	{
		Assert(mapping->resident->sessions > 0);
		mapping->resident->sessions--;
	}
	mapping->resident = NULL;
	if (dlist_is_empty(&attached))
		leave();
	LWLockRelease(shared->lock);
}

void
barq_residency_searched(BarqMapping *mapping, BarqMemory memory)
{
	mapping->searches++;
	if (mapping->resident != NULL &&
		pg_atomic_read_u32(&mapping->resident->memory) != (uint32) memory)
		pg_atomic_write_u32(&mapping->resident->memory, memory);
}

void
barq_residency_verified(BarqMapping *mapping)
{
	if (mapping->resident == NULL || barq_memory_budget == 0)
		return;
	pg_atomic_write_u64(&mapping->resident->verified, (uint64) GetCurrentTimestamp());
	note_read();
}

/* Take a mapping's pages out of this process's page table. */
static void
let_go(const BarqMapping *mapping)
{
	(void) madvise(mapping->address, mapping->length, MADV_DONTNEED);
	barq_view_forget_answers();
}

void
barq_residency_catch_up(void)
{
	uint64		clock;
	uint64		generation;
	dlist_iter	iter;

	if (mine == NULL)
		return;
	clock = pg_atomic_read_u64(&shared->clock);
	if (clock != my_clock)
	{
		dlist_foreach(iter, &attached)
			publish_searches(dlist_container(BarqMapping, attached, iter.cur));
		my_clock = clock;
	}
	generation = pg_atomic_read_u64(&shared->generation);
	if (generation == my_generation)
		return;
	pg_read_barrier();			/* let_go is read after the generation */
	dlist_foreach(iter, &attached)
	{
		const BarqMapping *mapping = dlist_container(BarqMapping, attached, iter.cur);

		if (mapping->resident == NULL ||
			pg_atomic_read_u64(&mapping->resident->let_go) > my_generation)
			let_go(mapping);
	}
	my_generation = generation;
	pg_write_barrier();			/* pages are let go before that is seen */
	pg_atomic_write_u64(&mine->seen, generation);
}

/* ---- evictors ---- */

/* Number of backends that have not let go at a generation. Takes the lock. */
static int
count_holders(uint64 generation)
{
	int			n = 0;

	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < shared->places; i++)
		if (shared->holders[i].pid != 0 && &shared->holders[i] != mine &&
			pg_atomic_read_u64(&shared->holders[i].seen) < generation)
			n++;
	LWLockRelease(shared->lock);
	return n;
}

/*
 * Mark images as to be let go, publish the generation, which is returned, and announce
 * it; 0 if no session has one of them mapped.
 */
static uint64
publish_generation(const uint8 (*ids)[BARQ_ID_BYTES], int n)
{
	BarqLocator *folders = palloc(sizeof(BarqLocator) * Max(n, 1));
	int			nfolders = 0;
	int			sessions = 0;
	uint64		generation;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	generation = pg_atomic_read_u64(&shared->generation) + 1;
	for (int i = 0; i < n; i++)
	{
		BarqResident *entry = find_entry(ids[i]);

		if (entry == NULL || entry->sessions == 0)
			continue;
		sessions += entry->sessions;
		pg_atomic_write_u64(&entry->let_go, generation);
		if (nfolders == 0 ||
			memcmp(&folders[nfolders - 1], &entry->locator, sizeof(BarqLocator)) != 0)
			folders[nfolders++] = entry->locator;
	}
	pg_write_barrier();
	pg_atomic_write_u64(&shared->generation, generation);
	LWLockRelease(shared->lock);

	for (int i = 0; i < nfolders; i++)
		barq_announce_files(folders[i]);
	pfree(folders);
	return sessions == 0 ? 0 : generation;
}

bool
barq_residency_let_go(const uint8 (*ids)[BARQ_ID_BYTES], int n, int wait_ms)
{
	dlist_iter	iter;
	uint64		generation;

	if (shared == NULL)
	{
		dlist_foreach(iter, &attached)
		{
			const BarqMapping *mapping = dlist_container(BarqMapping, attached, iter.cur);

			for (int i = 0; i < n; i++)
				if (memcmp(mapping->id, ids[i], BARQ_ID_BYTES) == 0)
					let_go(mapping);
		}
		return true;
	}

	generation = publish_generation(ids, n);
	barq_residency_catch_up();
	if (generation == 0)
		return true;
	for (int waited = 0;; waited += LOOK_MS)
	{
		if (count_holders(generation) == 0)
			return true;
		if (waited >= wait_ms)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
