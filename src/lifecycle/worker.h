/*
 * worker.h
 *	  Background workers: who starts one, and how one gives way.
 */
#ifndef BARQ_WORKER_H
#define BARQ_WORKER_H

#include "base/compat.h"

/* As seen in pg_stat_activity.backend_type. */
#define BARQ_WORKER_TYPE	"barq worker"

/*
 * Whether a worker could work on this index: not if only this transaction sees
 * it or holds a lock that a worker would wait for, not for a temporary one,
 * not without a postmaster, not if barq.background is off.
 */
extern bool barq_worker_may_serve(Relation index);

/*
 * Start a worker for the index unless this backend started one that still
 * runs. False if there is no free slot. shorten: it may move pages down and cut
 * off the end of the file.
 */
extern bool barq_worker_start(Relation index, bool shorten);

/*
 * From here on give way to whoever waits for this index, which the caller
 * holds the maintenance lock of; NULL: no longer.
 */
extern void barq_worker_watch(Relation index);

extern PGDLLEXPORT void barq_worker_main(Datum arg);

#endif							/* BARQ_WORKER_H */
