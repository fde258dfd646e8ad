/*
 * pressure.c
 *	  Backpressure: how an insert reacts to a long growing log. It starts a worker,
 *	  seals a part of the log itself, waits, or fails (barq.backpressure).
 *
 * The backlog is the log plus the provisional segments: searches scan all of it. Where
 * no worker can be had it is the log plus all segments that were never merged.
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

/* This backend's last attempt to start a worker has found no slot. */
static bool no_slot = false;

/* The index that warn_alone() has warned of; InvalidOid: none since its backlog was short. */
static Oid	warned_index = InvalidOid;

/* Size of the log in bytes. */
static uint64
log_bytes(const BarqMeta *meta)
{
	return (uint64) meta->growing_pages * BLCKSZ;
}

/*
 * Size of the backlog in bytes, `alone`: as it is where no worker can be had; fills
 * *meta.
 */
static uint64
backlog_bytes(Relation index, bool alone, BarqMeta *meta)
{
	BarqSegmentDesc *descs = barq_directory_current(index, meta, NULL);
	const BarqIndexKind *kind = barq_index_kind(meta->options.index_kind);
	uint64		bytes = log_bytes(meta);

	for (uint32 i = 0; i < meta->segments; i++)
		if (alone ? descs[i].origin == BARQ_ORIGIN_SEAL :
			kind->is_provisional(&meta->options, descs[i].kind, descs[i].rows))
			bytes += barq_segment_lasting_bytes(&descs[i]);
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
 * In this backend: join small segments or, if there are too few of them, seal a part
 * (barq_seal_some) of a log that has at least `limit` bytes. One of the two, and no
 * merge (L13): the time of an insert is bounded. Returns false, doing nothing, if the
 * maintenance lock is taken.
 */
static bool
serve_inline(Relation index, uint64 limit)
{
	BarqMeta	meta;

	if (!barq_maintenance_try_lock(index))
		return false;
	barq_meta_read(index, &meta);
	if (log_bytes(&meta) >= limit && !barq_join_small(index))
		(void) barq_seal_some(index);
	barq_maintenance_unlock(index);
	return true;
}

/*
 * Is a worker at work or started for an index with a long log? L11: a worker that holds
 * the lock looks at the log again after it. Of another holder that is assumed too, since
 * it may be a worker in a moment, unless this backend knows that no slot is free: the
 * holder is then an insert that seals.
 */
static bool
worker_serves(Relation index)
{
	if (!barq_worker_may_serve(index))
		return false;
	if (barq_maintenance_is_held(index))
		return !no_slot || barq_maintenance_is_held_by_worker(index);
	no_slot = !barq_worker_start(index, true);
	return !no_slot;
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

/* The details of report_limit and warn_alone. Sizes in bytes. */
static int
limit_detail(uint64 log, uint64 backlog, uint64 hard_limit)
{
	if (log >= hard_limit)
		return errdetail("The log has " UINT64_FORMAT " kB, the limit is " UINT64_FORMAT " kB.",
						 log / 1024, hard_limit / 1024);
	return errdetail("The log has " UINT64_FORMAT " kB, segments that wait to be merged have " UINT64_FORMAT " kB, the limit is " UINT64_FORMAT " kB.",
					 log / 1024, (backlog - log) / 1024, hard_limit / 1024);
}

/*
 * barq.backpressure = wait where no worker can be had: warn, once in this session for an
 * index until its backlog is short again. Sizes in bytes.
 */
static void
warn_alone(Relation index, uint64 log, uint64 backlog, uint64 hard_limit)
{
	if (warned_index == RelationGetRelid(index))
		return;
	warned_index = RelationGetRelid(index);
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("index \"%s\" has reached growing_hard_limit, and no background worker merges its segments",
					RelationGetRelationName(index)),
			 limit_detail(log, backlog, hard_limit),
			 errhint("Inserts go on, and searches take longer until VACUUM or barq_compact() has merged the segments. Background workers need barq.background and a free slot of max_worker_processes.")));
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
	uint64		backlog;
	uint64		version = 0;
	TimestampTz patience = 0;

	while ((backlog = backlog_bytes(index, false, &meta)) >= hard_limit)
	{
		TimestampTz now = GetCurrentTimestamp();

		Assert(meta.directory_version >= version);	/* L2 */
		if (meta.directory_version != version)
		{
			version = meta.directory_version;
			patience = TimestampTzPlusMilliseconds(now, PATIENCE_MS);
		}
		if (!worker_serves(index))
		{
			(void) serve_inline(index, hard_limit);
			warn_alone(index, log_bytes(&meta), backlog, hard_limit);
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
			 limit_detail(log, backlog, hard_limit),
			 errhint("Insert more slowly, raise the index's option growing_hard_limit, set barq.backpressure to \"wait\" or \"inline\", or have the segments merged by VACUUM or barq_compact().")));
}

/*
 * The backlog of the index is at its hard limit, and `alone`, no worker can be had: do
 * what barq.backpressure says. Policy and sizes as in barq_after_append().
 */
static void
meet_limit(Relation index, const BarqPolicy *policy, bool alone, uint64 log, uint64 backlog)
{
	instr_time	start;

	switch (barq_backpressure)
	{
		case BARQ_BACKPRESSURE_WAIT:
			if (alone)
			{
				warn_alone(index, log, backlog, policy->growing_hard_limit);
				return;
			}
			INSTR_TIME_SET_CURRENT(start);
			wait_for_room(index, policy->growing_hard_limit);
			count_wait(index, start);
			break;
		case BARQ_BACKPRESSURE_INLINE:
			if (!alone)
				(void) serve_inline(index, policy->growing_limit);
			break;
		case BARQ_BACKPRESSURE_ERROR:
			report_limit(index, log, backlog, policy->growing_hard_limit);
	}
}

void
barq_after_append(Relation index, uint32 growing_pages)
{
	BarqPolicy	policy;
	bool		is_long;
	bool		alone = false;
	uint64		backlog;
	BarqMeta	meta;

	barq_policy_of(index, &policy);
	is_long = (uint64) growing_pages * BLCKSZ >= policy.growing_limit;
	if (is_long)
	{
		alone = !worker_serves(index);
		if (alone)
			(void) serve_inline(index, policy.growing_limit);
	}
	else if (barq_backpressure != BARQ_BACKPRESSURE_WAIT || is_slowed())
		return;

	backlog = backlog_bytes(index, alone, &meta);
	if (is_long && backlog >= policy.growing_hard_limit)
		meet_limit(index, &policy, alone, log_bytes(&meta), backlog);
	else
	{
		if (is_long && warned_index == RelationGetRelid(index))
			warned_index = InvalidOid;
		if (barq_backpressure == BARQ_BACKPRESSURE_WAIT && !alone)
			slow_down(index, backlog, policy.growing_limit);
	}
}
