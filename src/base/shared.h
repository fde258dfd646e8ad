/*
 * shared.h
 *	  Areas of shared memory, which exist if barq is in shared_preload_libraries.
 */
#ifndef BARQ_SHARED_H
#define BARQ_SHARED_H

#include "postgres.h"

#include "storage/lwlock.h"

typedef struct BarqSharedArea
{
	const char *name;			/* also of its LWLock's tranche; static */

	/* Bytes that attach() takes. Called once, when MaxBackends is known. */
	Size		(*bytes) (void);

	/*
	 * Create the area with ShmemInitStruct() or ShmemInitHash(), or attach to it;
	 * `lock` is the area's own. Called under AddinShmemInitLock.
	 */
	void		(*attach) (LWLock *lock);
} BarqSharedArea;

/*
 * Request an area; called while shared_preload_libraries are loaded. `area` stays
 * valid as long as the process.
 */
extern void barq_shared_request(const BarqSharedArea *area);

/* Is barq in shared_preload_libraries? */
extern bool barq_is_preloaded(void);

#endif							/* BARQ_SHARED_H */
