/*
 * pressure.c
 *	  Backpressure: how an insert reacts to a long growing log. It starts a worker,
 *	  seals the log itself, waits, or fails (barq.backpressure).
 *
 * The backlog is the log plus the provisional segments: searches scan all of it.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "base/settings.h"
#include "base/stats.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/*
 * slow_down() waits up to SLOW_MOST_MS: not at all at a backlog of SLOW_FROM times
 * growing_limit, longest at SLOW_FROM + SLOW_OVER times.
 */
#define SLOW_FROM		1
#define SLOW_OVER		9
#define SLOW_MOST_MS	20

/* Interval at which a waiting insert looks at the backlog. */
#define WAIT_MS			10

/*
 * A wait ends if nothing is published for this long: the maintenance lock is then
 * held by a session that is no worker, or by a very long merge, and the deadlock
 * detector does not see this wait. The insert goes on, beyond the limit.
 */
#define PATIENCE_MS		5000

/* The index whose wait already timed out in this backend, at this version. */
static Oid	impatient_index = InvalidOid;
static uint64 impatient_version = 0;

/* The last transaction of this backend that slow_down() has delayed. */
static TransactionId slowed_transaction = InvalidTransactionId;

/* Size of the log in bytes; fills *meta. */
static uint64
log_bytes(Relation index, BarqMeta *meta)
{
	barq_meta_read(index, meta);
	return (uint64) meta->growing_pages * BLCKSZ;
}

/* Size of the backlog in bytes; fills *meta. */
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

/* Was this transaction slowed down before? No side effects. */
static bool
is_slowed(void)
{
	return TransactionIdEquals(GetTopTransactionIdIfAny(), slowed_transaction);
}

/*
 * Seal the log, if it has at least `limit` bytes, and compact, in this backend.
 * Returns false, doing nothing, if the maintenance lock is taken.
 */
static bool
serve_inline(Relation index, uint64 limit)
{
	BarqMeta	meta;

	if (!barq_maintenance_try_lock(index))
		return false;
	if (log_bytes(index, &meta) >= limit)
	{
		barq_seal_log(index);
		barq_compact_segments(index, BARQ_CHOOSE_DUE);
	}
	barq_maintenance_unlock(index);
	return true;
}

/* Count a wait that began at `start` in the statistics of the index. */
static void
count_wait(Relation index, instr_time start)
{
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));

	barq_count(stats, BARQ_COUNT_WAITS, 1);
	barq_count(stats, BARQ_COUNT_WAIT_US, barq_elapsed_us(start));
}

/*
 * Delay an insert a little, the longer the larger the backlog (both in bytes), so
 * that workers keep up. Once in a transaction: a bulk load goes on to the hard
 * limit at full speed. Not where no backend works on the index: then a wait would
 * not make the backlog shorter.
 */
static void
slow_down(Relation index, uint64 backlog, uint64 limit)
{
	double		over = (double) backlog / limit - SLOW_FROM;
	instr_time	start;

	if (over <= 0 || is_slowed() || !barq_worker_may_serve(index) ||
		!barq_maintenance_is_held(index))
		return;
	slowed_transaction = GetTopTransactionIdIfAny();
	INSTR_TIME_SET_CURRENT(start);
	barq_nap((long) ceil(SLOW_MOST_MS * Min(over / SLOW_OVER, 1.0)), wait_event());
	count_wait(index, start);
}

/*
 * Wait until the backlog is below hard_limit bytes. Has a worker started where no
 * backend is at work, or seals here if that is not possible. Returns early after
 * PATIENCE_MS without a publication.
 */
static void
wait_for_room(Relation index, uint64 hard_limit)
{
	BarqMeta	meta;
	uint64		version = 0;
	TimestampTz patience = 0;

	while (backlog_bytes(index, &meta) >= hard_limit)
	{
		TimestampTz now = GetCurrentTimestamp();

		Assert(meta.directory_version >= version);	/* L2 */
		if (meta.directory_version != version)
		{
			version = meta.directory_version;
			patience = TimestampTzPlusMilliseconds(now, PATIENCE_MS);
		}
		if (!barq_maintenance_is_held(index) && !barq_worker_start(index, true))
		{
			serve_inline(index, hard_limit);
			return;
		}
		if (now >= patience ||
			(impatient_index == RelationGetRelid(index) && impatient_version == version))
		{
			/* the lock may be free: a worker was started and never ran */
			if (!serve_inline(index, hard_limit) && !barq_maintenance_is_held_by_worker(index))
			{
				/* nor wait for the next page of this log */
				impatient_index = RelationGetRelid(index);
				impatient_version = version;
			}
			return;
		}
		barq_nap(WAIT_MS, wait_event());
	}
}

/* barq.backpressure = error: the error. Sizes in bytes. */
static void
report_limit(Relation index, uint64 log, uint64 backlog, uint64 hard_limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("growing log of index \"%s\" has reached growing_hard_limit",
					RelationGetRelationName(index)),
			 log >= hard_limit ?
			 errdetail("The log has " UINT64_FORMAT " kB, the limit is " UINT64_FORMAT " kB.",
					   log / 1024, hard_limit / 1024) :
			 errdetail("The log has " UINT64_FORMAT " kB, segments that wait to be merged have " UINT64_FORMAT " kB, the limit is " UINT64_FORMAT " kB.",
					   log / 1024, (backlog - log) / 1024, hard_limit / 1024),
			 errhint("Insert more slowly, raise the index's option growing_hard_limit, or set barq.backpressure to \"wait\" or \"inline\".")));
}

void
barq_after_append(Relation index, uint32 growing_pages)
{
	uint64		log = (uint64) growing_pages * BLCKSZ;
	uint64		limit;
	uint64		hard_limit;
	uint64		backlog;
	BarqMeta	meta;
	BarqPolicy	policy;
	instr_time	start;

	barq_policy_of(index, &policy);
	limit = policy.growing_limit;
	hard_limit = policy.growing_hard_limit;

	if (log >= limit)
	{
		/* L11: a backend that holds the lock looks at the log again after it */
		if (!barq_worker_may_serve(index) ||
			(!barq_maintenance_is_held(index) && !barq_worker_start(index, true)))
		{
			serve_inline(index, limit);
			return;
		}
	}
	else if (barq_backpressure != BARQ_BACKPRESSURE_WAIT || is_slowed())
		return;

	backlog = backlog_bytes(index, &meta);
	if (log < limit || backlog < hard_limit)
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
			report_limit(index, log, backlog, hard_limit);
	}
}
