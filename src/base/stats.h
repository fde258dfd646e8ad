/*
 * stats.h
 *	  Cumulative counters of each index.
 *
 * If barq is in shared_preload_libraries the counters are in shared memory: they
 * count for all sessions until the server stops. Otherwise each process has its
 * own. A process counts in memory of its own first, and adds that to the counters
 * at the end of each transaction, now and then in a long one, and at once what
 * maintenance counts.
 */
#ifndef BARQ_STATS_H
#define BARQ_STATS_H

#include "base/compat.h"

#include "datatype/timestamp.h"
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

/* What this process has counted of one index and not added to the counters yet. */
typedef struct BarqIndexStats
{
	Oid			index;			/* of this database */
	bool		pending;		/* some count is not 0 */
	uint64		counters[BARQ_COUNTERS];
	uint64		lock_waits[BARQ_WAIT_BUCKETS];
} BarqIndexStats;

/* The counters of one index, as barq_stats_read() copies them. */
typedef struct BarqIndexCounts
{
	Oid			index;
	uint64		counters[BARQ_COUNTERS];
	uint64		lock_waits[BARQ_WAIT_BUCKETS];
} BarqIndexCounts;

/*
 * Where this process counts for an index of this database; valid until the
 * transaction ends.
 */
extern BarqIndexStats *barq_stats_of(Oid index);

/*
 * Count n. Adds what maintenance counts (seals, compactions, waits of inserts) to
 * the counters at once, under an LWLock.
 */
extern void barq_count(BarqIndexStats *stats, BarqCounter counter, uint64 n);

/*
 * Count nothing in this process until called with false: its searches are a measurement,
 * not use. The caller resumes on error too.
 */
extern void barq_stats_pause(bool pause);
extern bool barq_stats_paused(void);

/*
 * Add what this process has counted to the counters. Raises no error; takes an
 * LWLock. With `at_end`, called at the end of a transaction.
 */
extern void barq_stats_flush(bool at_end);

/*
 * The counters of the indexes of this database, what this process has counted
 * included: an array of *n, palloc'd in the current memory context.
 */
extern BarqIndexCounts *barq_stats_read(int *n);

/*
 * Set the counters of an index of this database to zero, what this process has counted
 * included. What other processes have counted and not added yet comes after it.
 */
extern void barq_stats_reset_index(Oid index);

/*
 * Drop counters of indexes and databases that exist no more. Needs a transaction;
 * looks only at databases if the process is connected to none.
 */
extern void barq_stats_reclaim(void);

/*
 * Note the number of inserts of an index for a visitor (lifecycle/visitor.c).
 * Returns since when visits have found the same number: `now` at a visit that
 * finds a new one.
 */
extern TimestampTz barq_stats_quiet_since(Oid index, TimestampTz now);

/* Note a wait of this process for a lock, in microseconds, in local memory. */
extern void barq_note_lock_wait(uint64 us);

/* Discard the waits that this process has noted. */
extern void barq_forget_lock_waits(void);

/* Count the noted waits for an index, and discard them. */
extern void barq_count_lock_waits(BarqIndexStats *stats);

/* Microseconds since `start`. */
extern uint64 barq_elapsed_us(instr_time start);

/*
 * Request shared memory for the counters; called while shared_preload_libraries
 * are loaded.
 */
extern void barq_stats_request_shmem(void);

#endif							/* BARQ_STATS_H */
