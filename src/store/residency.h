/*
 * residency.h
 *	  How much images are used, and which of their pages are in memory. With barq in
 *	  shared_preload_libraries, an entry in shared memory for each image that a
 *	  session has mapped; otherwise the functions know this process alone.
 */
#ifndef BARQ_RESIDENCY_H
#define BARQ_RESIDENCY_H

#include "base/compat.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"
#include "store/image.h"

/* The index option "memory". */
typedef enum BarqMemory
{
	BARQ_MEMORY_AUTO,
	BARQ_MEMORY_KEEP,			/* evicted last */
	BARQ_MEMORY_COLD			/* evicted first, never prefetched */
} BarqMemory;

/* The heat of one search. */
#define BARQ_HEAT_ONE	1024

/* Where an image is, and how it is used. */
typedef struct BarqImageUse
{
	uint8		id[BARQ_ID_BYTES];	/* of its segment */
	BarqLocator locator;		/* of its index, which names its folder */
	int			backend;
	bool		mapped;			/* by a session, since the server started */
	int			sessions;		/* that have it mapped */
	BarqMemory	memory;
	uint64		heat;			/* searches, BARQ_HEAT_ONE each, which decay */
	TimestampTz searched;		/* time of the last search, coarse; 0: none */
	TimestampTz verified;		/* when it was last read to verify it; 0: never */
	TimestampTz evicted;		/* time of the last eviction; 0: none */
	uint64		evictions;
} BarqImageUse;

/* ---- residency.c ---- */

/* Request shared memory; called while shared_preload_libraries are loaded. */
extern void barq_residency_request_shmem(void);

/*
 * Note that this process has mapped an image of `index`; that it is about to unmap
 * it. Both take an LWLock. Called by image.c alone.
 */
extern void barq_residency_attach(Relation index, BarqMapping *mapping);
extern void barq_residency_detach(BarqMapping *mapping);

/*
 * Note a search of a mapped image, of an index with this option. Takes no lock and,
 * but once a second, writes to memory of this process only.
 */
extern void barq_residency_searched(BarqMapping *mapping, BarqMemory memory);

/*
 * Note that a part of a mapped image is read into memory to verify it, which is no search:
 * with a budget the launcher counts it again. Takes no lock.
 */
extern void barq_residency_verified(BarqMapping *mapping);

/*
 * Let go of the pages of images that are being evicted, and publish the searches noted.
 * Called at the start of each search, at the end of each transaction and at
 * invalidations, which wake idle sessions. Costs two reads of shared memory if there
 * is nothing to do. Raises no error.
 */
extern void barq_residency_catch_up(void);

/*
 * Make all sessions let go of the pages of n images, so that the kernel can drop them
 * (it keeps pages that a process has in its page table). Mappings stay valid: a later
 * access reads the page again. Waits for sessions that are idle, wait_ms at most; a
 * session in the middle of a statement is not waited for beyond that. Returns whether
 * all sessions have let go. Without shared memory, speaks of this process alone.
 */
extern bool barq_residency_let_go(const uint8 (*ids)[BARQ_ID_BYTES], int n, int wait_ms);

/* Copy the entry of an image to *use. False if there is none. Takes an LWLock. */
extern bool barq_residency_get(const uint8 *id, BarqImageUse *use);

/* All entries, palloc'd; *n receives their number. Takes an LWLock. */
extern BarqImageUse *barq_residency_list(int *n);

/* The rest needs shared memory and is called by the launcher or by functions of SQL. */

/* Advance the coarse clock; multiply all heat by `keep`, between 0 and 1. */
extern void barq_residency_tick(TimestampTz now, double keep);

/* Set or add the entry of an image that no session has mapped yet. */
extern void barq_residency_seed(const BarqImageUse *use);

/* Remove the entry of an image whose file is gone, unless a session has it mapped. */
extern void barq_residency_forget(const uint8 *id);

/* Note the option of an image's index; an eviction. Nothing if there is no entry. */
extern void barq_residency_set_memory(const uint8 *id, BarqMemory memory);
extern void barq_residency_note_eviction(const uint8 *id, TimestampTz now, bool by_hand);

/*
 * Have searches that find an image not in memory set this latch, of the launcher; NULL:
 * none. Has one done so since the last call?
 */
extern void barq_residency_wake_by_reads(Latch *latch);
extern bool barq_residency_was_read(void);

/* Has this server run no launcher yet? The first call says so, later ones do not. */
extern bool barq_residency_is_new(void);

/* ---- page_cache.c: pages of files, as the kernel caches them ---- */

/*
 * Bytes of a file, and of its pages in the page cache. False if the file cannot be
 * opened. Checks for interrupts.
 */
extern bool barq_cached_bytes(const char *path, uint64 *bytes, uint64 *cached);

/*
 * Drop pages of a file from the page cache: those that are in the page table of no
 * process, in `want` bytes of the file from *hand on, beginning again at its start;
 * PG_UINT64_MAX: all. Dirty pages are written first. *hand receives the next position.
 */
extern void barq_uncache(const char *path, uint64 want, uint64 *hand);

/*
 * Read a file into the page cache, from *position on, until its end, which returns
 * true, or `deadline` (0: none). False if it cannot be read. Checks for interrupts.
 */
extern bool barq_read_into_cache(const char *path, uint64 *position, TimestampTz deadline);

/* ---- heat_file.c: the heat of images, kept over a restart ---- */

/* Write entries to the file below the image root. Failures are logged at DEBUG1. */
extern void barq_heat_write(const BarqImageUse *uses, int n);

/*
 * Read the entries of the file, palloc'd, the hottest first; *n receives their number,
 * 0 if there is no valid file.
 */
extern BarqImageUse *barq_heat_read(int *n);

/* Its path, below an image root, palloc'd. */
extern char *barq_heat_path(const char *root);

/* ---- budget.c: the launcher's part ---- */

/*
 * Do what is due: advance clock and heat, write the heat file, prefetch after a start,
 * evict what is beyond barq.memory_budget. `reading`: when barq_residency_was_read() was true
 * first since the last call; 0: it was not. Returns the milliseconds until the next call;
 * *least receives those until one because of it.
 */
extern long barq_budget_pass(TimestampTz reading, long *least);

/* Write the heat file; before_shmem_exit callback of the launcher. */
extern void barq_budget_at_exit(int code, Datum arg);

#endif							/* BARQ_RESIDENCY_H */
