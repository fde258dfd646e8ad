/*
 * internal.h
 *	  Functions of this folder that no other folder calls. Numbers with an L are
 *	  the invariants of README.md.
 */
#ifndef BARQ_LIFECYCLE_INTERNAL_H
#define BARQ_LIFECYCLE_INTERNAL_H

#include "lifecycle/choose.h"
#include "lifecycle/lifecycle.h"
#include "postmaster/bgworker.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

/*
 * May this backend publish in an index (L1)? It holds the maintenance lock or a
 * stronger one, or is building an index that no insert uses yet (CREATE INDEX
 * CONCURRENTLY builds under a weaker lock). For assertions.
 */
static inline bool
barq_may_maintain(Relation index)
{
	return CheckRelationLockedByMe(index, ShareUpdateExclusiveLock, true) ||
		!index->rd_index->indisready;
}

/* ---- lock.c ---- */

/*
 * Take the maintenance lock if it is free; does not wait. Returns whether it was
 * taken. It is released by barq_maintenance_unlock(), or at the end of the
 * transaction.
 */
extern bool barq_maintenance_try_lock(Relation index);

/* Release the maintenance lock now, not at the end of the transaction. */
extern void barq_maintenance_unlock(Relation index);

/*
 * Does another backend hold the maintenance lock, or one that conflicts with it?
 * Tries to take it without waiting, and releases it again if that succeeds: another
 * backend's attempt may fail meanwhile. Processes invalidation messages.
 */
extern bool barq_maintenance_is_held(Relation index);

/* Does a barq worker hold the maintenance lock? Takes no heavyweight lock. */
extern bool barq_maintenance_is_held_by_worker(Relation index);

/*
 * Call try_lock(index) up to `tries` times, 5 ms apart, for a lock that others
 * hold for an instant only. Returns whether it was taken.
 */
#define BARQ_LOCK_TRIES		20
extern bool barq_lock_within(Relation index, bool (*try_lock) (Relation index),
							 int tries);

/* Wait for `ms` or until the latch is set, then CHECK_FOR_INTERRUPTS. */
extern void barq_nap(long ms, uint32 wait_event);

/* ---- seal.c ---- */

/*
 * For an insert: seal the first part of the log, of quick_bytes (BarqIndexKind) and the
 * rest of the record that ends there, or all of it if it is shorter, into the body that is
 * made quickest (BarqIndexKind.seal), without an image.
 * Returns the number of rows sealed. Publishes; no merge is under way (L6). The caller
 * holds the maintenance lock. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern uint64 barq_seal_some(Relation index);

/* ---- join.c ---- */

/*
 * For an insert: join small segments that inserts have sealed by copying their live
 * rows into one, if so many of a size exist (join.c). Returns whether it did. Reads
 * pages, not images, and writes no image. The caller holds the maintenance lock;
 * no merge is under way (L6). ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern bool barq_join_small(Relation index);

/* ---- inputs.c ---- */

/*
 * Choose the inputs of the next merge of `index` by barq_choose() (choose.h).
 * `snapshot` was read from `meta`. Writes positions in the snapshot to chosen[], which
 * has room for all of them, and returns their number; 0: no merge is due. is_busy(arg,
 * desc): does a merge under way read the segment? NULL: none is under way.
 */
extern uint32 barq_choose_inputs(Relation index, const BarqSnapshot *snapshot,
								 const BarqMeta *meta, BarqChoice choice,
								 bool (*is_busy) (const void *arg, const BarqSegmentDesc *desc),
								 const void *arg, uint32 *chosen);

/* ---- compact.c; the caller holds the maintenance lock ---- */

/*
 * What the process in which a merge runs does at the named points of the merge
 * (base/merge_points.h): it may publish there (L6), which a worker does to seal a log
 * that has become long.
 */
typedef struct BarqMerge BarqMerge;
typedef struct BarqMergeHost
{
	void		(*at_point) (Relation index, BarqMerge *merge, void *arg);
	void	   *arg;
} BarqMergeHost;

/*
 * For at_point: run the merge that is due beside `merge`, if there is one (choose.c); its
 * host is that of `merge`. Returns whether there was one. An error of it ends both, and is
 * counted once. ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern bool barq_compact_beside(BarqMerge *merge);

/*
 * Run the next merge that the policy asks for; false if none is due, if it was put off
 * (WARNING), or soon after a merge of the index has failed. host may be NULL.
 * ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern bool barq_compact_next(Relation index, const BarqMergeHost *host);

/*
 * For an index without inserts: merge its segments into as few as max_merged_size
 * allows, then run the merges that are due. Returns the number of rows merged; 0 soon
 * after a merge has failed.
 */
extern uint64 barq_compact_idle(Relation index);

/*
 * Run merges that the policy asks for, as far as their inputs have at most `bytes` bytes
 * in total: of a larger merge the smallest inputs. Reads pages, not images.
 * ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern void barq_compact_slice(Relation index, uint64 bytes);

/* ---- merge_record.c: the record of a merge that can go on (L18) ---- */

/* An input of the merge, as it was when the merge read it. */
typedef struct BarqRecordedInput
{
	const uint8 *id;
	uint32		rows;
	const uint8 *dead;			/* bitmap of rows that were dead; NULL: none */
} BarqRecordedInput;

/*
 * Record that the merge of n inputs, which makes the segment `id`, can go on with the
 * files of that id. False, if another merge is recorded, the index is new, or the file
 * cannot be written: then it cannot. The caller holds the maintenance lock.
 */
extern bool barq_merge_record(Relation index, const uint8 *id,
							  const BarqRecordedInput *inputs, uint32 n);

/*
 * The inputs of the recorded merge, palloc'd, and in chosen[] their positions in the
 * snapshot, which was read from `meta`; *n: their number. NULL if the record has expired.
 */
extern const BarqRecordedInput *barq_merge_recorded(Relation index, const BarqMeta *meta,
													const BarqSnapshot *snapshot,
													uint32 *chosen, uint32 *n);

/*
 * Remove the record of the merge that makes the segment `id`, if it is that, and its
 * files. The caller holds the maintenance lock.
 */
extern void barq_merge_forget(Relation index, const uint8 *id);

/* The merge `id` is published, which ended its record: remove the file of the record. */
extern void barq_merge_done(Relation index, const uint8 *id);

/* Remove the record if it has expired. The caller holds the maintenance lock. */
extern void barq_merge_expire(Relation index);

/* ---- slots.c ---- */

typedef enum BarqSlotKind
{
	BARQ_SLOT_WORKER,			/* barq.max_workers of them */
	BARQ_SLOT_HELPER			/* max_parallel_maintenance_workers */
} BarqSlotKind;

/*
 * Take a slot if one is free; a process may take several. It is held until the
 * transaction ends or barq_slots_release(). Waits for nothing.
 */
extern bool barq_slot_take(BarqSlotKind kind);

/* Release all slots of a kind that this process holds. */
extern void barq_slots_release(BarqSlotKind kind);

/* Slots that processes hold, this one included; whether one is free. Take no lock. */
extern int	barq_slots_taken(BarqSlotKind kind);
extern bool barq_slot_is_free(BarqSlotKind kind);

/* ---- page_step.c ---- */

/*
 * A step that writes pages. It adds to `unreached` each page that it writes, and
 * replaces the list when it makes pages reachable: at any moment the list holds the
 * pages that nothing reaches and that no other process knows (L14).
 */
typedef void (*BarqPageStep) (Relation index, void *arg, BarqBlockList *unreached);

/*
 * Run a step, and free the pages that are in its list when it returns or fails. If it
 * fails, also remove the image of the segment `image` (an id, or NULL) if that was not
 * published; then the error is raised again. Not nested. The caller holds the
 * maintenance lock.
 */
extern void barq_run_page_step(Relation index, BarqPageStep run, const uint8 *image,
							   void *arg);

/*
 * Remove the image of a segment unless the directory lists it, or the metapage says
 * that the merge that makes it can go on.
 */
extern void barq_drop_unpublished_image(Relation index, const uint8 *id);

/*
 * Called in PG_CATCH: call undo(arg), which may write pages, in spite of the error, and
 * raise the error again. An error of undo() itself is ignored. `context`: the caller's
 * memory context. The caller's transaction aborts.
 */
pg_noreturn extern void barq_undo_and_rethrow(MemoryContext context,
											  void (*undo) (void *arg), void *arg);

/* ---- publish.c ---- */

/* A segment whose pages were copied elsewhere. */
typedef struct BarqMovedSegment
{
	BarqSegmentDesc desc;		/* with new extents, and one more move */
	bool		tombstones;		/* the publication writes its tombstones anew */
} BarqMovedSegment;

/* One publication: the difference between the current directory and the next. */
typedef struct BarqChange
{
	BarqSegmentDesc *add;		/* NULL: none */
	const BarqSegmentDesc *remove;	/* nremove of the current segments */
	uint32		nremove;

	/*
	 * Set the bits of rows of `add` that died since its body was built; called
	 * again with a clear bitmap if VACUUM interferes. NULL: none can have died.
	 */
	void		(*collect_dead) (Relation index, void *arg, uint8 *bitmap);
	void	   *arg;

	bool		sealed;			/* the log gets a new head */
	BlockNumber growing_head;
	uint64		growing_head_generation;
	const BarqBlockList *sealed_pages;	/* of the log before that head */
	bool		compacted;		/* note the time as that of the last compaction */

	const BarqMovedSegment *moved;	/* these stay, with other pages */
	uint32		nmoved;
	const BarqBlockList *moved_pages;	/* nothing reaches these afterwards */
	BarqPageSupply *supply;		/* pages to write to; NULL: any */
} BarqChange;

/*
 * Write a new directory, swap, free the pages that only the old one reached, and
 * remove the images of removed segments. Starts again where VACUUM bumps the epoch
 * meanwhile. The caller holds the maintenance lock.
 */
extern void barq_publish(Relation index, BarqChange *change);

/*
 * The same within a step (barq_run_page_step), which has added the pages that it wrote
 * for the change to `unreached`.
 */
extern void barq_publish_in_step(Relation index, BarqChange *change,
								 BarqBlockList *unreached);

/*
 * For collect_dead: set the bits of a body's rows that have one of the given TIDs,
 * which are sorted here. (A kind may write rows in another order than it got them.)
 */
extern void barq_mark_tids(const char *body, uint64 bytes, ItemPointerData *dead,
						   uint32 ndead, uint8 *bitmap);

/* TIDs of rows that died; all zero when empty, the array palloc'd. */
typedef struct BarqDeadTids
{
	ItemPointerData *tids;
	uint32		n;
	uint32		space;
} BarqDeadTids;

/*
 * For collect_dead of a merge or join: append to *dead the TIDs of the rows of a
 * segment that VACUUM has marked since its marks were read as `before` (NULL: it had
 * none). `view` is of that segment. Among rows not marked dead a TID occurs once in an
 * index (store/README.md, S10), so these TIDs identify their rows in the new body. The
 * caller holds the maintenance lock, so ERRCODE_INDEX_CORRUPTED if the tombstones are
 * gone.
 */
extern void barq_add_new_marks(Relation index, const BarqSegmentDesc *desc,
							   const uint8 *before, BarqView *view, BarqDeadTids *dead);

/* ---- move_down.c, cut_end.c ---- */

typedef enum BarqShrink
{
	BARQ_SHRINK_NOTHING,
	BARQ_SHRINK_MORE,			/* a batch was moved: call again */
	BARQ_SHRINK_CUT				/* the end of the file is free: barq_cut_end() */
} BarqShrink;

/*
 * Move one batch of pages down and publish it, if more than `free_share` of the file
 * is free; `length` as for barq_shrink(). The caller holds the maintenance lock and
 * calls again after BARQ_SHRINK_MORE. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern BarqShrink barq_move_down(Relation index, double free_share, double length);

/* Is the free end of the file long enough to be cut? Reads *reachable only. */
extern bool barq_end_is_long(const BarqReachable *reachable);

/*
 * Does the table's option vacuum_truncate (or the setting of that name) allow a lock
 * for a cut? Reads the relcache; takes no lock. False if the table is gone.
 */
extern bool barq_table_allows_cut(Relation index);

/* ---- lost_pages.c: the parts of barq_free_lost() ---- */

/*
 * Fill *reachable, and `suspects` with the pages that nothing seems to reach. Those that
 * the free space map offers are left out if it is known to be right and `believe_map`,
 * which also withdraws from the map what it offers and something reaches. Pages that an
 * insert owns may be among them. Allocates in the current memory context. The caller
 * holds the maintenance lock.
 */
extern void barq_find_suspects(Relation index, BufferAccessStrategy strategy,
							   bool believe_map, BarqReachable *reachable,
							   BarqBlockList *suspects);

/*
 * Remove from `suspects` the pages that are stamped free; `offer`: offer them to the free
 * space map. Keeps VACUUM's pace. Needs no lock, but the file must not be cut.
 */
extern void barq_offer_suspects(Relation index, BufferAccessStrategy strategy, bool offer,
								BarqBlockList *suspects);

/*
 * Stamp those of `suspects` free that nothing reaches. Returns false if it was given up
 * because inserts held LockPage 0. The caller holds the maintenance lock.
 */
extern bool barq_free_suspects(Relation index, const BarqBlockList *suspects);

/* ---- worker_start.c, worker.c ---- */

/*
 * The job of a worker, passed in bgw_extra. Settings are not part of it: a session's
 * do not steer maintenance (policy.h).
 */
typedef struct BarqWorkerOrder
{
	Oid			database;
	Oid			index;
	bool		shorten;		/* may move pages down and cut the file */
} BarqWorkerOrder;

/*
 * Describe a background worker that connects to a database and is not started again: the function in this library that it runs, its type and name for
 * pg_stat_activity. The caller adds bgw_extra or an argument.
 */
extern void barq_describe_worker(BackgroundWorker *worker, BgWorkerStartTime start_time,
								 const char *function, const char *type, const char *name);

/*
 * The beginning of a worker's main function: signals, low priority, the connection to
 * a database, no time limit on transactions.
 */
extern void barq_begin_worker(Oid database);

/* The value of pg_stat_activity.backend_type for workers. */
#define BARQ_WORKER_TYPE	"barq worker"

/*
 * Could a worker work on this index? Reads local state only. Not if this
 * transaction created it or holds a lock that a worker would wait for, nor for a
 * temporary index, without a postmaster, or with barq.background off.
 */
extern bool barq_worker_may_serve(Relation index);

/*
 * Start a worker for the index unless one that this backend started still runs;
 * does not wait for it. Returns false if no slot is free. Reads the metapage
 * (ERRCODE_INDEX_CORRUPTED if it is damaged). shorten: the worker may move pages
 * down and cut off the end of the file.
 */
extern bool barq_worker_start(Relation index, bool shorten);

/*
 * From now on let barq_check_interrupts() exit this process where another one
 * waits for `index`, whose maintenance lock the caller holds; NULL: stop that.
 */
extern void barq_worker_watch(Relation index);

#endif							/* BARQ_LIFECYCLE_INTERNAL_H */
