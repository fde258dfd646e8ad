/*
 * compat.h
 *	  The one place that knows the differences between PostgreSQL versions.
 *
 * barq builds on PostgreSQL 15 to 19. Each API that barq uses and that changed
 * between them has one spelling here.
 */
#ifndef BARQ_COMPAT_H
#define BARQ_COMPAT_H

#include "postgres.h"

#include "utils/rel.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 190000
#include "utils/wait_classes.h"
#endif

#if PG_VERSION_NUM < 150000
#error "barq needs PostgreSQL 15 or later"
#endif

/* RelFileNode became RelFileLocator, and its members were renamed, in 16. */
#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
typedef RelFileLocator BarqLocator;
#define BarqLocatorSpace(l)		((l).spcOid)
#define BarqLocatorDatabase(l)	((l).dbOid)
#define BarqLocatorNumber(l)	((l).relNumber)
#define BarqRelationLocator(rel) ((rel)->rd_locator)
#define BarqRelidByNumber(spc, num) RelidByRelfilenumber(spc, num)
#else
#include "storage/relfilenode.h"
typedef RelFileNode BarqLocator;
#define BarqLocatorSpace(l)		((l).spcNode)
#define BarqLocatorDatabase(l)	((l).dbNode)
#define BarqLocatorNumber(l)	((l).relNode)
#define BarqRelationLocator(rel) ((rel)->rd_node)
#define BarqRelidByNumber(spc, num) RelidByRelfilenode(spc, num)
#endif

/* The backend that owns a temporary relation, and its process. */
#if PG_VERSION_NUM >= 170000
#define BarqInvalidBackend	INVALID_PROC_NUMBER
#define BarqBackendProc(backend) ProcNumberGetProc(backend)
#define BarqVxidProc(vxid) ProcNumberGetProc((vxid).procNumber)
#define BarqProcBackend(proc) GetNumberFromPGProc(proc)
#else
#define BarqInvalidBackend	InvalidBackendId
#define BarqBackendProc(backend) BackendIdGetProc(backend)
#define BarqVxidProc(vxid) BackendIdGetProc((vxid).backendId)
#define BarqProcBackend(proc) ((proc)->backendId)
#endif

/* Path of the first file of a relation's main fork, palloc'd. */
#if PG_VERSION_NUM >= 180000
#define BarqLocatorPath(locator, backend) \
	pstrdup(relpathbackend(locator, backend, MAIN_FORKNUM).str)
#else
#define BarqLocatorPath(locator, backend) \
	relpathbackend(locator, backend, MAIN_FORKNUM)
#endif
#define BarqRelationPath(rel) \
	BarqLocatorPath(BarqRelationLocator(rel), (rel)->rd_backend)

/* Whether this transaction created the relation or its storage. */
#if PG_VERSION_NUM >= 160000
#define BarqRelationIsNew(rel) \
	((rel)->rd_createSubid != InvalidSubTransactionId || \
	 (rel)->rd_newRelfilelocatorSubid != InvalidSubTransactionId || \
	 (rel)->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
#else
#define BarqRelationIsNew(rel) \
	((rel)->rd_createSubid != InvalidSubTransactionId || \
	 (rel)->rd_newRelfilenodeSubid != InvalidSubTransactionId || \
	 (rel)->rd_firstRelfilenodeSubid != InvalidSubTransactionId)
#endif

/* Extensions can name their wait events from 17 on. */
#if PG_VERSION_NUM >= 170000
#define BarqWaitEvent(name) WaitEventExtensionNew(name)
#else
#define BarqWaitEvent(name) PG_WAIT_EXTENSION
#endif

/* Give up reads and writes of buffers that an error interrupted. */
#if PG_VERSION_NUM >= 180000
#include "storage/aio_subsys.h"
#define BarqAbortBufferIO()		pgaio_error_cleanup()
#elif PG_VERSION_NUM >= 160000
#define BarqAbortBufferIO()		((void) 0)
#else
#define BarqAbortBufferIO()		AbortBufferIO()
#endif

/*
 * After an error in a transaction that aborts: release the locks of buffers. From 19 on
 * they are no LWLocks, and go with the pins of the owner of resources that had them.
 */
#if PG_VERSION_NUM >= 190000
#include "utils/resowner.h"
extern PGDLLIMPORT const ResourceOwnerDesc buffer_resowner_desc;	/* storage/buf_internals.h */
#define BarqReleaseBufferLocks() \
	ResourceOwnerReleaseAllOfKind(CurrentResourceOwner, &buffer_resowner_desc)
#else
#define BarqReleaseBufferLocks() ((void) 0) /* LWLockReleaseAll() does it */
#endif

/* Whether this process holds a heavyweight lock of exactly this mode. */
#if PG_VERSION_NUM >= 170000
#define BarqHoldsLock(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define BarqHoldsLock(tag, mode) LockHeldByMe(tag, mode)
#endif

/* The map from relfilenodes to relations. */
#if PG_VERSION_NUM >= 160000
#include "utils/relfilenumbermap.h"
#else
#include "utils/relfilenodemap.h"
#endif

/*
 * Cost of a path that cannot return rows in the order it promises. Not infinity:
 * an incremental sort above it would compute infinity minus infinity, and a path
 * whose cost is NaN never loses a comparison.
 */
#define BARQ_REFUSED_COST	1e100

/*
 * Startup cost of a plan that raises an error when it is executed. It is above
 * the cost of a refused path, which 18 may use for a bitmap in a custom plan: a
 * plan with a refused path is still better than one that raises an error.
 */
#define BARQ_ERROR_COST		(BARQ_REFUSED_COST * 1e20)

/* 18 compares the number of disabled nodes of two paths before their costs. */
#if PG_VERSION_NUM >= 180000
#define BarqPathRefuse(index_path) ((index_path)->path.disabled_nodes = 2)
#else
#define BarqPathRefuse(index_path) ((void) (index_path))
#endif

/* Ownership of a relation; pg_maintain, and the MAINTAIN right, came with 17. */
#if PG_VERSION_NUM >= 160000
#define BarqOwnsRelation(relid, user) \
	object_ownercheck(RelationRelationId, relid, user)
#else
#define BarqOwnsRelation(relid, user) pg_class_ownercheck(relid, user)
#endif
#if PG_VERSION_NUM >= 160000
#define BarqOwnsExtension(oid, user) \
	object_ownercheck(ExtensionRelationId, oid, user)
#define BarqMayCreateIn(schema, user) \
	(object_aclcheck(NamespaceRelationId, schema, user, ACL_CREATE) == ACLCHECK_OK)
#else
#define BarqOwnsExtension(oid, user) pg_extension_ownercheck(oid, user)
#define BarqMayCreateIn(schema, user) \
	(pg_namespace_aclcheck(schema, user, ACL_CREATE) == ACLCHECK_OK)
#endif
#if PG_VERSION_NUM >= 170000
#define BarqMayMaintain(relid, user) \
	(pg_class_aclcheck(relid, user, ACL_MAINTAIN) == ACLCHECK_OK)
#else
#define BarqMayMaintain(relid, user) false
#endif

/*
 * The user whose rights to a range table entry's table the executor checks;
 * InvalidOid: the current one. Uses root->parse from 16 on.
 */
#if PG_VERSION_NUM >= 160000
#define BarqCheckedUser(root, rte) \
	((rte)->perminfoindex == 0 ? InvalidOid : \
	 getRTEPermissionInfo((root)->parse->rteperminfos, rte)->checkAsUser)
#else
#define BarqCheckedUser(root, rte) ((rte)->checkAsUser)
#endif

/* The VARSIZE macros: part of postgres.h before 16, a header of their own since. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* The parts of a qualified name; 16 can report errors softly. */
#if PG_VERSION_NUM >= 160000
#define BarqQualifiedNames(name) stringToQualifiedNameList(name, NULL)
#else
#define BarqQualifiedNames(name) stringToQualifiedNameList(name)
#endif

/* Whether VACUUM may truncate a table's files; 18 has a setting, too. */
#if PG_VERSION_NUM >= 190000
#define BarqMayTruncate(options) \
	((options) != NULL && (options)->vacuum_truncate != PG_TERNARY_UNSET ? \
	 (options)->vacuum_truncate == PG_TERNARY_TRUE : vacuum_truncate)
#elif PG_VERSION_NUM >= 180000
#define BarqMayTruncate(options) \
	((options) != NULL && (options)->vacuum_truncate_set ? \
	 (options)->vacuum_truncate : vacuum_truncate)
#else
#define BarqMayTruncate(options) \
	((options) == NULL || (options)->vacuum_truncate)
#endif

/* Whether this is a process of autovacuum that vacuums tables. */
#if PG_VERSION_NUM < 170000
#define AmAutoVacuumWorkerProcess() IsAutoVacuumWorkerProcess()
#endif

/* The point at which VACUUM sleeps by its cost limit, and checks for interrupts. */
#if PG_VERSION_NUM >= 180000
#define BarqVacuumDelay() vacuum_delay_point(false)
#else
#define BarqVacuumDelay() vacuum_delay_point()
#endif

/* Begin an index scan; 18 can count its searches, 19 takes flags. */
#if PG_VERSION_NUM >= 190000
#define BarqIndexBeginScan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define BarqIndexBeginScan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys)
#else
#define BarqIndexBeginScan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#endif

/* Run a plan to its end; it may be rewound and run again. */
#if PG_VERSION_NUM >= 180000
#define BarqExecutorRun(query) ExecutorRun(query, ForwardScanDirection, 0)
#else
#define BarqExecutorRun(query) ExecutorRun(query, ForwardScanDirection, 0, false)
#endif

/* Begin to fetch rows of a table by their TIDs. */
#if PG_VERSION_NUM >= 190000
#define BarqFetchBegin(table)	table_index_fetch_begin(table, SO_NONE)
#else
#define BarqFetchBegin(table)	table_index_fetch_begin(table)
#endif

/* Set up the slot of a scan node; 19 takes flags of the slot. */
#if PG_VERSION_NUM >= 190000
#define BarqInitScanTupleSlot(estate, node, row, ops) \
	ExecInitScanTupleSlot(estate, node, row, ops, 0)
#else
#define BarqInitScanTupleSlot(estate, node, row, ops) \
	ExecInitScanTupleSlot(estate, node, row, ops)
#endif

/* Whether backslashes are ordinary in plain string literals: always, from 19 on. */
#if PG_VERSION_NUM >= 190000
#define BarqStandardStrings()	true
#else
#define BarqStandardStrings()	standard_conforming_strings
#endif

/*
 * The first microsecond of a date (DateADT), or infinity; sets *overflow (int) to 1 if
 * no timestamp is so late.
 */
#if PG_VERSION_NUM >= 190000
#define BarqDateToTimestamp(date, overflow) \
	(DATE_IS_NOBEGIN(date) ? DT_NOBEGIN : DATE_IS_NOEND(date) ? DT_NOEND : \
	 (date) >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE ? (*(overflow) = 1, INT64CONST(0)) : \
	 (Timestamp) (date) * USECS_PER_DAY)
#else
#define BarqDateToTimestamp(date, overflow) date2timestamp_opt_overflow(date, overflow)
#endif

/* Begin a scan of a table that helpers share; 19 takes flags. */
#if PG_VERSION_NUM >= 190000
#define BarqBeginSharedScan(table, shared) table_beginscan_parallel(table, shared, SO_NONE)
#else
#define BarqBeginSharedScan(table, shared) table_beginscan_parallel(table, shared)
#endif

/* A hash table in shared memory; before 19 with an initial size. */
#if PG_VERSION_NUM >= 190000
#define BarqShmemInitHash(name, size, info, flags) ShmemInitHash(name, size, info, flags)
#else
#define BarqShmemInitHash(name, size, info, flags) ShmemInitHash(name, size, size, info, flags)
#endif

/* Whether a path key (PathKey) descends. */
#if PG_VERSION_NUM >= 180000
#define BarqPathKeyDescends(key)	((key)->pk_cmptype != COMPARE_LT)
#else
#define BarqPathKeyDescends(key)	((key)->pk_strategy != BTLessStrategyNumber)
#endif

/* An expression over a parent table as one over a child, of a RelOptInfo. */
#if PG_VERSION_NUM >= 160000
#define BarqAdjustToChild(root, node, child) \
	adjust_appendrel_attrs_multilevel(root, node, child, (child)->top_parent)
#else
#define BarqAdjustToChild(root, node, child) \
	adjust_appendrel_attrs_multilevel(root, node, (child)->relids, (child)->top_parent_relids)
#endif

/* Count one search of a scan, for EXPLAIN (18). */
#if PG_VERSION_NUM >= 180000
#define BarqCountIndexSearch(scan) \
	((scan)->instrument != NULL ? (void) (scan)->instrument->nsearches++ : (void) 0)
#else
#define BarqCountIndexSearch(scan) ((void) (scan))
#endif

/* Set the safe search path of maintenance commands (17). */
#if PG_VERSION_NUM >= 170000
#define BarqRestrictSearchPath() RestrictSearchPath()
#else
#define BarqRestrictSearchPath() ((void) 0)
#endif

/* Stands before a declaration, as in 18, which dropped pg_attribute_noreturn(). */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * Reading a bitmap of TIDs page by page, in the order of blocks: the iterator, and the
 * way in which it hands out offsets, changed in 18.
 */
#include "access/htup_details.h"
#include "nodes/tidbitmap.h"

typedef struct BarqBitmapPage
{
	BlockNumber block;
	bool		lossy;			/* all rows of the page; no offsets */
	bool		recheck;
	int			ntuples;
	OffsetNumber offsets[MaxHeapTuplesPerPage]; /* ascending */
} BarqBitmapPage;

#if PG_VERSION_NUM >= 180000
typedef TBMPrivateIterator *BarqBitmapIterator;
#define barq_bitmap_begin(bitmap)	tbm_begin_private_iterate(bitmap)
#define barq_bitmap_end(iterator)	tbm_end_private_iterate(*(iterator))
#else
typedef TBMIterator *BarqBitmapIterator;
#define barq_bitmap_begin(bitmap)	tbm_begin_iterate(bitmap)
#define barq_bitmap_end(iterator)	tbm_end_iterate(*(iterator))
#endif

/* Read the next page; false after the last one. */
static inline bool
barq_bitmap_next(BarqBitmapIterator *iterator, BarqBitmapPage *page)
{
#if PG_VERSION_NUM >= 180000
	TBMIterateResult result;

	if (!tbm_private_iterate(*iterator, &result))
		return false;
	page->block = result.blockno;
	page->lossy = result.lossy;
	page->recheck = result.recheck;
	page->ntuples = result.lossy ? 0 :
		tbm_extract_page_tuple(&result, page->offsets, MaxHeapTuplesPerPage);
#else
	TBMIterateResult *result = tbm_iterate(*iterator);

	if (result == NULL)
		return false;
	page->block = result->blockno;
	page->lossy = result->ntuples < 0;
	page->recheck = result->recheck;
	page->ntuples = Max(result->ntuples, 0);
	for (int i = 0; i < page->ntuples; i++)
		page->offsets[i] = result->offsets[i];
#endif
	return true;
}

#endif							/* BARQ_COMPAT_H */
