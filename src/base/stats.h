/*
 * stats.h
 *	  Cumulative counters of each index.
 *
 * If barq is in shared_preload_libraries the counters are in shared memory: they
 * count for all sessions until the server stops. Otherwise each process has its
 * own.
 */
#ifndef BARQ_STATS_H
#define BARQ_STATS_H

#include "base/compat.h"

#include "port/atomics.h"
#include "portability/instr_time.h"

/*
 * Lock waits of searches by duration: below 1 us, 10 us, 100 us, 1 ms, 10 ms,
 * 100 ms, and longer.
 */
#define BARQ_WAIT_BUCKETS	7

typedef enum BarqCounter
{
	BARQ_COUNT_INSERTS,
	BARQ_COUNT_SEARCHES,
	BARQ_COUNT_SEALS,
	BARQ_COUNT_COMPACTIONS,
	BARQ_COUNT_ROWS_SEALED,
	BARQ_COUNT_ROWS_COMPACTED,
	BARQ_COUNT_BYTES_SEALED,
	BARQ_COUNT_BYTES_COMPACTED,
	BARQ_COUNT_SEAL_US,			/* microseconds */
	BARQ_COUNT_COMPACTION_US,
	BARQ_COUNT_WAITS,			/* inserts that had to wait */
	BARQ_COUNT_WAIT_US,
	BARQ_COUNT_ROWS_OUT_OF_ORDER,	/* that strict order returned last */
	BARQ_COUNT_SCANS_CUT,		/* by barq.max_scan_tuples */
	BARQ_COUNTERS
} BarqCounter;

typedef struct BarqIndexStats
{
	Oid			database;
	Oid			index;
	pg_atomic_uint64 counters[BARQ_COUNTERS];
	pg_atomic_uint64 lock_waits[BARQ_WAIT_BUCKETS];

	/* noted by a visitor at its last visit (lifecycle/visitor.c) */
	pg_atomic_uint64 inserts_seen;
	pg_atomic_uint64 quiet_since;	/* TimestampTz; 0: no visit yet */
} BarqIndexStats;

/*
 * The counters of an index of this database; valid as long as the process exists.
 * If all slots are taken, a slot that no view shows. Takes an LWLock.
 */
extern BarqIndexStats *barq_stats_of(Oid index);

static inline void
barq_count(BarqIndexStats *stats, BarqCounter counter, uint64 n)
{
	pg_atomic_fetch_add_u64(&stats->counters[counter], n);
}

/* Note a wait of this process for a lock, in microseconds, in local memory. */
extern void barq_note_lock_wait(uint64 us);

/* Discard the waits that this process has noted. */
extern void barq_forget_lock_waits(void);

/* Add the noted waits to the counters of an index, and discard them. */
extern void barq_count_lock_waits(BarqIndexStats *stats);

/* Microseconds since `start`. */
extern uint64 barq_elapsed_us(instr_time start);

/* Slot i, free ones included, or NULL behind the last one. */
extern BarqIndexStats *barq_stats_slot(int i);

/*
 * Request shared memory for the counters; called while shared_preload_libraries
 * are loaded.
 */
extern void barq_stats_request_shmem(void);

#endif							/* BARQ_STATS_H */
