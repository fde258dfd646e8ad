/*
 * shared.c
 *	  Requesting areas of shared memory and attaching to them, by PostgreSQL's
 *	  hooks.
 */
#include "postgres.h"

#include "base/shared.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define MOST_AREAS	8

static const BarqSharedArea *areas[MOST_AREAS];
static int	nareas = 0;
static shmem_startup_hook_type previous_startup_hook = NULL;
static shmem_request_hook_type previous_request_hook = NULL;

/* shmem_request_hook */
static void
request_areas(void)
{
	if (previous_request_hook)
		previous_request_hook();
	for (int i = 0; i < nareas; i++)
	{
		RequestAddinShmemSpace(areas[i]->bytes());
		RequestNamedLWLockTranche(areas[i]->name, 1);
	}
}

/* shmem_startup_hook */
static void
attach_areas(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nareas; i++)
		areas[i]->attach(&GetNamedLWLockTranche(areas[i]->name)->lock);
	LWLockRelease(AddinShmemInitLock);
}

void
barq_shared_request(const BarqSharedArea *area)
{
	Assert(process_shared_preload_libraries_in_progress);
	Assert(nareas < MOST_AREAS);
	if (nareas == 0)
	{
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = request_areas;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = attach_areas;
	}
	areas[nareas++] = area;
}

bool
barq_is_preloaded(void)
{
	return nareas > 0;
}
