/*
 * admin.h
 *	  Shared by the SQL functions that show or control an index.
 */
#ifndef BARQ_ADMIN_H
#define BARQ_ADMIN_H

#include "base/compat.h"

#include "lifecycle/lifecycle.h"
#include "text_index/text_index.h"

typedef enum BarqRight
{
	BARQ_RIGHT_SEE,				/* SELECT on the table, or pg_monitor */
	BARQ_RIGHT_CONTENT,			/* may see the indexed columns of all rows */
	BARQ_RIGHT_STEER			/* ownership of the table, or pg_maintain */
} BarqRight;

/* ---- open.c ---- */

/*
 * Open a barq index with `lock`, which the caller releases by relation_close(), and
 * check the current user's right. Errors: ERRCODE_UNDEFINED_OBJECT,
 * ERRCODE_WRONG_OBJECT_TYPE if it is no barq index or a partitioned one,
 * ERRCODE_INSUFFICIENT_PRIVILEGE, ERRCODE_FEATURE_NOT_SUPPORTED for a temporary
 * index of another session, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE for an index
 * that is not built.
 */
extern Relation barq_admin_open(Oid oid, LOCKMODE lock, BarqRight right);

/*
 * Open an index with AccessShareLock, which the caller releases by relation_close().
 * NULL, without an error, if the relation is gone, is no
 * barq index, is a temporary one of another session, is not built, or the current
 * user has no BARQ_RIGHT_SEE on it.
 */
extern Relation barq_admin_try_open(Oid oid);

/* The same, but also an index that is not built, unless it is unlogged on a standby. */
extern Relation barq_admin_try_open_unbuilt(Oid oid);

/*
 * Has the current user BARQ_RIGHT_SEE on the indexes of a table? An error if the table
 * does not exist.
 */
extern bool barq_may_see(Oid table);

/* The same of BARQ_RIGHT_STEER. */
extern bool barq_may_steer(Oid table);

/*
 * Has an open index pages that can be read? Not while a concurrent build is under way
 * or after it failed, nor if the index is unlogged and this is a standby. No side
 * effects.
 */
extern bool barq_is_built(Relation index);

/*
 * Become the owner of the table, as ANALYZE does, before an index's expressions and
 * predicate are evaluated: the current user must not run the owner's functions with
 * the user's own rights. *before is for barq_become_caller(), which ends it; an
 * error ends it too.
 */
typedef struct BarqOwnerSwitch
{
	Oid			user;
	int			security;
	int			settings;
} BarqOwnerSwitch;

extern void barq_become_owner(Relation heap, BarqOwnerSwitch *before);
extern void barq_become_caller(const BarqOwnerSwitch *before);

/* ---- segments.c ---- */

/*
 * Options that wait for REINDEX, as text, palloc'd; NULL if none do. Begins with
 * "invalid: " if REINDEX would refuse them. No side effects.
 */
extern char *barq_pending_options(Relation index, const BarqFrozenOptions *built);

/* ---- recall.c ---- */

/*
 * What barq_recall() measures, with its errors; -1 where the index has fewer than two
 * rows. k: 1 to 1,000; samples: 1 to 10,000.
 */
extern double barq_measure_recall(Oid index, int k, int samples);

/* ---- extension.c ---- */

/*
 * The schema and the owner of an extension, and whether an extension named "vector" is
 * barq's own, of pgvector's names (names/README.md), not pgvector: it requires barq. Read
 * catalogs.
 */
extern Oid	barq_extension_schema(Oid extension);
extern Oid	barq_extension_owner(Oid extension);
extern bool barq_is_names_extension(Oid extension);

/* ---- check_options.c ---- */

/* One row of barq_check(). */
typedef void (*BarqComplain) (void *arg, const char *severity, const char *place,
							  const char *message);

/*
 * For an index of text: complain of a text search configuration that is gone, was
 * altered since the build, or could be dropped.
 */
extern void barq_check_configuration(Relation index, const BarqTextOptions *options,
									 BarqComplain complain, void *arg);

/*
 * Compare the options with which an index was built with those of the catalog, and
 * call complain(arg, ...) for each fault. An error raised here means that REINDEX
 * would fail with the options of the catalog.
 */
extern void barq_check_options(Relation index, const BarqFrozenOptions *built,
							   BarqComplain complain, void *arg);

/* ---- rebuild.c ---- */

#define BARQ_NOT_BUILT \
	"not built: CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY is under way or has failed"

/*
 * Why an index of a format version (barq_meta_format()) cannot be read by this
 * library; palloc'd. NULL if it can: then *meta is its metapage.
 */
extern char *barq_unread_reason(Relation index, uint32 format, BarqMeta *meta);

/*
 * Why an index that can be read should be built anew; palloc'd, NULL if there is no
 * reason. `pending`: options that wait for REINDEX, or NULL.
 */
extern char *barq_rebuild_reason(Relation index, const BarqFrozenOptions *built,
								 const char *pending);

/* ---- ddl.c ---- */

/* Set the object_access_hook; called once, when the library is loaded. */
extern void barq_watch_ddl(void);

#endif							/* BARQ_ADMIN_H */
