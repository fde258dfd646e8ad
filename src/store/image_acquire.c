/*
 * image_acquire.c
 *	  What a reader does to get the image of a segment: map it, make it, have it
 *	  made, verify a part of it. A reader never does more of that than takes it a few
 *	  milliseconds, unless it may not read pages (barq.allow_fallback) or is a
 *	  maintenance worker. Calls image.c, image_make.c and image_verify.c.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/parallel.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "store/image.h"

/*
 * Bytes that one search makes of missing images; that it verifies in order
 * (docs/performance.md). Few where steps are tested, so that small images have parts.
 */
#ifdef BARQ_CRASH_POINTS
#define MAKE_BYTES		(UINT64CONST(64) * 1024)
#define VERIFY_BYTES	(UINT64CONST(64) * 1024)
#else
#define MAKE_BYTES		(UINT64CONST(8) * 1024 * 1024)
#define VERIFY_BYTES	(UINT64CONST(4) * 1024 * 1024)
#endif

bool		(*barq_image_worker_hook) (Relation index) = NULL;

void
barq_image_effort_init(BarqImageEffort *effort)
{
	bool		maintenance = MyBgworkerEntry != NULL && !IsParallelWorker();

	memset(effort, 0, sizeof(*effort));
	effort->make = maintenance || !barq_allow_fallback ? PG_UINT64_MAX : MAKE_BYTES;
	effort->verify = maintenance ? PG_UINT64_MAX : VERIFY_BYTES;
}

bool
barq_image_is_read_whole(uint64 body_bytes)
{
	static uint64 memory = 0;

	if (memory == 0)
		memory = (uint64) sysconf(_SC_PHYS_PAGES) * (uint64) sysconf(_SC_PAGESIZE);
	return body_bytes <= memory / 2;
}

/* Is a worker at work on the images of the index, or was one started now? */
static bool
worker_serves(Relation index, BarqImageEffort *effort)
{
	if (!effort->asked && barq_image_worker_hook != NULL)
		effort->asked = barq_image_worker_hook(index);
	return effort->asked;
}

/* Take `bytes` from a budget. */
static void
spend(uint64 *budget, uint64 bytes)
{
	if (*budget != PG_UINT64_MAX)
		*budget -= Min(*budget, bytes);
}

/* Map the image of a segment, after making it as far as *effort allows; or NULL. */
static BarqMapping *
map_or_make(Relation index, const BarqSegmentDesc *desc, BarqImageEffort *effort)
{
	BarqMapping *mapping = NULL;
	char	   *reason = NULL;
	BarqImageResult result = barq_image_map(index, desc, &mapping, &reason);
	bool		unmapped = result == BARQ_IMAGE_FAILED;

	if (result == BARQ_IMAGE_NONE && effort->make > 0 &&
		(desc->body_bytes <= effort->make || !worker_serves(index, effort)))
	{
		result = barq_image_make_part(index, desc, effort->make, &reason);
		spend(&effort->make, desc->body_bytes);
		if (result == BARQ_IMAGE_READY)
		{
			result = barq_image_map(index, desc, &mapping, &reason);
			unmapped = result == BARQ_IMAGE_FAILED;
			barq_image_tidy(index);
		}
	}
	if (result == BARQ_IMAGE_FAILED && effort->reason == NULL)
	{
		effort->reason = reason;
		effort->unmapped = unmapped;
	}
	return mapping;
}

/* Unpin a mapping and forget it, in this order of effects: an error may follow. */
static void
drop_mapping(BarqMapping **mapping)
{
	BarqMapping *dropped = *mapping;

	*mapping = NULL;
	barq_mapping_unpin(dropped);
}

void
barq_image_acquire(Relation index, const BarqSegmentDesc *desc, BarqMapping **mapping,
				   BarqImageEffort *effort)
{
	if (*mapping != NULL && (*mapping)->damaged)
		drop_mapping(mapping);
	if (*mapping == NULL)
		*mapping = map_or_make(index, desc, effort);
	if (*mapping == NULL || barq_mapping_is_verified(*mapping) ||
		!barq_image_is_read_whole(desc->body_bytes))
		return;

	/* a marker of its own tells this process nothing of a worker's progress */
	if (effort->verify > 0 &&
		(desc->body_bytes <= effort->verify || !(*mapping)->marker.shared ||
		 !worker_serves(index, effort)))
	{
		bool		intact = barq_mapping_verify(*mapping, effort->verify);

		spend(&effort->verify, desc->body_bytes);
		if (!intact)
		{
			drop_mapping(mapping);
			*mapping = map_or_make(index, desc, effort);
		}
	}
}
