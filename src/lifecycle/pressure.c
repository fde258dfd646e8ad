/*
 * pressure.c
 *	  What an insert does when the growing log is long: have it sealed by a
 *	  worker, seal it itself, wait, or fail. What VACUUM does when it has left
 *	  many dead rows: have them dropped by a worker.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "lifecycle/lifecycle.h"
#include "base/stats.h"
#include "lifecycle/worker.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "base/settings.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* In units of barq.growing_limit: where inserts become slower, and slowest. */
#define SLOW_FROM		1
#define SLOW_OVER		9
#define SLOW_MOST_MS	20

/* A wait looks this often whether it is over. */
#define WAIT_MS			10

/*
 * Nobody published anything for so long: whoever holds the maintenance lock is
 * no worker of ours (or a very long merge), and the deadlock detector does not
 * see this wait. The insert goes on, past the limit.
 */
#define PATIENCE_MS		5000

/* The index, at its version, of which this backend has lost its patience. */
static Oid	impatient_index = InvalidOid;
static uint64 impatient_version = 0;

/* The last transaction of this backend that was slowed down. */
static TransactionId slowed_transaction = InvalidTransactionId;

static uint64
log_bytes(Relation index, BarqMeta *meta)
{
	barq_meta_read(index, meta);
	return (uint64) meta->growing_pages * BLCKSZ;
}

/* What has not come to where searches are fast: the log, provisional segments. */
static uint64
backlog_bytes(Relation index, BarqMeta *meta)
{
	BarqSegmentDesc *descs = barq_directory_current(index, meta, NULL);
	const BarqIndexKind *kind = barq_index_kind(meta->options.index_kind);
	uint64		bytes = (uint64) meta->growing_pages * BLCKSZ;

	for (uint32 i = 0; i < meta->segments; i++)
		if (kind->is_provisional(&meta->options, descs[i].kind, descs[i].rows))
			bytes += descs[i].body_bytes;
	pfree(descs);
	return bytes;
}

static uint32
wait_event(void)
{
	static uint32 event = 0;

	if (event == 0)
		event = BarqWaitEvent("BarqBackpressure");
	return event;
}

/* Whether this transaction has been slowed down: once is enough. */
static bool
is_slowed(void)
{
	return TransactionIdEquals(GetTopTransactionIdIfAny(), slowed_transaction);
}

/* Seal and compact here and now, if nobody else is at it. */
static bool
serve_inline(Relation index, uint64 limit)
{
	BarqMeta	meta;

	if (!barq_maintenance_try_lock(index))
		return false;
	if (log_bytes(index, &meta) >= limit)
	{
		barq_seal_log(index);
		barq_compact_segments(index, false);
	}
	barq_maintenance_unlock(index);
	return true;
}

/* Whether anyone holds the maintenance lock. */
static bool
is_served(Relation index)
{
	if (!barq_maintenance_try_lock(index))
		return true;
	barq_maintenance_unlock(index);
	return false;
}

static void
count_wait(Relation index, instr_time start)
{
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));

	barq_count(stats, BARQ_COUNT_WAITS, 1);
	barq_count(stats, BARQ_COUNT_WAIT_US, barq_elapsed_us(start));
}

/*
 * Who inserts faster than graphs grow is slowed down, a little at a time and
 * the more the farther they are behind: searches read all of the backlog. Once
 * a transaction, so that a bulk load goes on to the hard limit at full speed.
 * Where nobody is at work, no wait would make the backlog shorter.
 */
static void
slow_down(Relation index, uint64 backlog, uint64 limit)
{
	double		over = (double) backlog / limit - SLOW_FROM;
	instr_time	start;

	if (over <= 0 || is_slowed() || !barq_worker_may_serve(index) || !is_served(index))
		return;
	slowed_transaction = GetTopTransactionIdIfAny();
	INSTR_TIME_SET_CURRENT(start);
	barq_nap((long) ceil(SLOW_MOST_MS * Min(over / SLOW_OVER, 1.0)), wait_event());
	count_wait(index, start);
}

/* Whether a worker of ours holds the maintenance lock: at a long merge, then. */
static bool
is_served_by_worker(Relation index)
{
	LOCKTAG		tag;
	VirtualTransactionId *holders;
	int			n;

	SET_LOCKTAG_RELATION(tag, index->rd_lockInfo.lockRelId.dbId,
						 index->rd_lockInfo.lockRelId.relId);
	holders = GetLockConflicts(&tag, ShareUpdateExclusiveLock, &n);
	for (int i = 0; i < n; i++)
	{
		PGPROC	   *proc = BarqVxidProc(holders[i]);
		const char *type = proc ? GetBackgroundWorkerTypeByPid(proc->pid) : NULL;

		if (type != NULL && strcmp(type, BARQ_WORKER_TYPE) == 0)
			return true;
	}
	return false;
}

static void
wait_for_room(Relation index, uint64 hard_limit)
{
	BarqMeta	meta;
	uint64		version = 0;
	TimestampTz patience = 0;

	while (backlog_bytes(index, &meta) >= hard_limit)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (meta.directory_version != version)
		{
			version = meta.directory_version;
			patience = TimestampTzPlusMilliseconds(now, PATIENCE_MS);
		}
		if (!is_served(index) && !barq_worker_start(index, true))
		{
			serve_inline(index, hard_limit);
			return;
		}
		if (now >= patience ||
			(impatient_index == RelationGetRelid(index) && impatient_version == version))
		{
			/* a worker that was started and does not run is of no use */
			if (!serve_inline(index, hard_limit) && !is_served_by_worker(index))
			{
				/* nor would the next page be worth a wait */
				impatient_index = RelationGetRelid(index);
				impatient_version = version;
			}
			return;
		}
		barq_nap(WAIT_MS, wait_event());
	}
}

void
barq_after_append(Relation index, uint32 growing_pages)
{
	uint64		bytes = (uint64) growing_pages * BLCKSZ;
	uint64		limit = (uint64) barq_growing_limit * 1024;
	uint64		hard_limit = Max(limit, (uint64) barq_growing_hard_limit * 1024);
	uint64		backlog;
	BarqMeta	meta;
	instr_time	start;

	if (bytes >= limit)
	{
		/* who holds the lock looks at the log again before he leaves */
		if (!barq_worker_may_serve(index) ||
			(!is_served(index) && !barq_worker_start(index, true)))
		{
			serve_inline(index, limit);
			return;
		}
	}
	else if (barq_backpressure != BARQ_BACKPRESSURE_WAIT || is_slowed())
		return;

	backlog = backlog_bytes(index, &meta);
	if (bytes < limit || backlog < hard_limit)
	{
		if (barq_backpressure == BARQ_BACKPRESSURE_WAIT)
			slow_down(index, backlog, limit);
		return;
	}

	switch (barq_backpressure)
	{
		case BARQ_BACKPRESSURE_WAIT:
			INSTR_TIME_SET_CURRENT(start);
			wait_for_room(index, hard_limit);
			count_wait(index, start);
			break;
		case BARQ_BACKPRESSURE_INLINE:
			serve_inline(index, limit);
			break;
		case BARQ_BACKPRESSURE_ERROR:
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("growing log of index \"%s\" has reached barq.growing_hard_limit",
							RelationGetRelationName(index)),
					 bytes >= hard_limit ?
					 errdetail("The log has " UINT64_FORMAT " kB, the limit is %d kB.",
							   bytes / 1024, barq_growing_hard_limit) :
					 errdetail("The log has " UINT64_FORMAT " kB, segments that wait to be merged have " UINT64_FORMAT " kB, the limit is %d kB.",
							   bytes / 1024, (backlog - bytes) / 1024, barq_growing_hard_limit),
					 errhint("Insert more slowly, raise barq.growing_hard_limit, or set barq.backpressure to \"wait\" or \"inline\".")));
	}
}

void
barq_after_vacuum(Relation index, bool too_long)
{
	bool		shorten = barq_vacuum_may_truncate(index);

	if (barq_worker_may_serve(index) &&
		((too_long && shorten) || barq_has_many_dead(index)) && !is_served(index))
		(void) barq_worker_start(index, shorten);
}
