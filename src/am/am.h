/*
 * am.h
 *	  Callbacks and checks that all access methods share: the IndexAmRoutine,
 *	  inserting a row, VACUUM, validation of operator classes, options as text,
 *	  rights to the content of an index.
 */
#ifndef BARQ_AM_H
#define BARQ_AM_H

#include "base/compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "catalog/partition.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_opclass.h"
#include "lifecycle/lifecycle.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"

struct		BarqFilterColumns;
struct		IndexPath;
struct		PlannerInfo;

/* ---- routine.c ---- */

/*
 * An IndexAmRoutine with the members that are the same for all access methods;
 * palloc'd. The access method's handler sets the others.
 */
extern IndexAmRoutine *barq_am_routine(void);

/* ---- insert.c ---- */

/*
 * Append a row, with its values of the filter columns, to the growing log; one without a
 * value to search for as a row without a key. Returns the number of pages of the log if a
 * page was added, else 0. Allocates in the current memory context, which the caller
 * resets afterwards. Raises the errors of the values; nothing is appended then.
 */
typedef uint32 (*BarqRowAppender) (Relation index, const Datum *values, const bool *isnull,
								   ItemPointer heap_tid, const struct BarqFilterValues *filters,
								   void *arg);

/*
 * aminsert of all access methods: append a row to the growing log by append(..., arg),
 * count it in the index's statistics, and have a long log sealed (barq_after_append).
 * columns: its filter columns.
 */
extern void barq_am_insert(Relation index, struct IndexInfo *info,
						   const struct BarqFilterColumns *columns, const Datum *values,
						   const bool *isnull, ItemPointer heap_tid,
						   BarqRowAppender append, void *arg);

/* ---- vacuum.c ---- */

/* ambulkdelete: mark dead rows. The result is `stats`, or palloc'd. */
extern IndexBulkDeleteResult *barq_bulk_delete(IndexVacuumInfo *info,
											   IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *callback_state);

/* amvacuumcleanup: reclaim pages and images that nothing refers to. */
extern IndexBulkDeleteResult *barq_vacuum_cleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);

/* ---- validate.c ---- */

/* Report a fault of an operator class as INFO and set *(ok) to false. */
#define BARQ_COMPLAIN(ok, ...) \
	do { \
		ereport(INFO, \
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), \
				 errmsg(__VA_ARGS__))); \
		*(ok) = false; \
	} while (0)

/*
 * Checks a class's operators and support functions: BARQ_COMPLAIN for each fault.
 * The lists are of the class's family and belong to the caller.
 */
typedef void (*BarqClassCheck) (const FormData_pg_opclass *class, CatCList *operators,
								CatCList *procedures, bool *ok);

/*
 * amvalidate: whether `check` finds no fault in a class. True, without a check,
 * for any_ops (no_class.c). filter_support: the number of the support function that a class
 * of filter columns may have, or 0. Reports each fault as INFO; raises an error only for
 * an OID that is no operator class.
 */
extern bool barq_validate_class(Oid opclass, BarqClassCheck check, int filter_support);

/*
 * Whether an operator orders the class's own type. Reports an operator that does
 * not order by float8 as a fault (BARQ_COMPLAIN: INFO, and sets *ok to false),
 * and returns false for it.
 */
extern bool barq_validate_ordering(const FormData_pg_opclass *class,
								   const FormData_pg_amop *op, bool *ok);

/* Report, in the same way, an operator of filter columns that is no condition. */
extern void barq_validate_filter_operator(const FormData_pg_opclass *class,
										  const FormData_pg_amop *op, bool *ok);

/*
 * Report that an operator has an invalid strategy number: INFO, and sets *ok to
 * false (BARQ_COMPLAIN).
 */
extern void barq_validate_strategy(const FormData_pg_opclass *class,
								   const FormData_pg_amop *op, bool *ok);

/* ---- shown_options.c ---- */

/* The options of an index as "name=value, ...", for display; palloc'd. */
extern char *barq_options_text(Relation index, const BarqFrozenOptions *options);

/*
 * Whether two indexes of the same kind have different options. In either case
 * sets *differing and *other_differing to the options of the two indexes that
 * differ, as barq_options_text() writes them (empty: none); palloc'd. What barq chose
 * for the other index (BarqShownOption.chosen) is no difference.
 */
extern bool barq_options_differ(Relation index, const BarqFrozenOptions *options,
								Relation other_index, const BarqFrozenOptions *other,
								char **differing, char **other_differing);

/*
 * The partitioned tables or indexes above a table or index, the nearest first: a
 * list of OIDs, palloc'd; NIL for one that is no partition.
 */
static inline List *
barq_partition_ancestors(Oid relation)
{
	return get_rel_relispartition(relation) ? get_partition_ancestors(relation) : NIL;
}

/*
 * Whether `named` is the index itself, or a partitioned index above it. Takes no
 * lock.
 */
static inline bool
barq_is_index_or_parent(Oid named, Oid index)
{
	return named == index ||
		(OidIsValid(named) && list_member_oid(barq_partition_ancestors(index), named));
}

/* ---- no_class.c ---- */

/*
 * A type's name without its schema, palloc'd. format_type_be() would qualify
 * barq's types from 17 on, where CREATE INDEX restricts search_path.
 */
extern char *barq_type_name(Oid type);

/*
 * Raise ERRCODE_UNDEFINED_OBJECT, with a hint how to index the column's type,
 * for a new index whose operator class is any_ops or of filter columns, and
 * ERRCODE_FEATURE_NOT_SUPPORTED if a further column has a type that filter columns
 * cannot have; return for any other. Called
 * when an index has been created.
 */
extern void barq_check_class(Relation index);

/* ---- parallel_paths.c ---- */

/* Called once, when the library is loaded, before what makes further paths of ordered ones. */
extern void barq_parallel_paths_init(void);

/*
 * Whether an ordered path may run in a parallel worker: its parallel_safe, and its sort key
 * has no parameter that a worker does not get.
 */
extern bool barq_path_suits_workers(struct PlannerInfo *root, const struct IndexPath *path);

/* ---- content_rights.c ---- */

/*
 * Whether a role may see statistics and terms of an index (also a partitioned
 * one), which are computed from all rows: the role needs SELECT on every column
 * that the keys are computed from, and no row security may hide rows from it.
 * False for an index that does not exist. Raises no error for a missing right.
 * Takes and releases AccessShareLock on the index.
 */
extern bool barq_may_see_index_content(Oid index, Oid user);

/*
 * Raise ERRCODE_INSUFFICIENT_PRIVILEGE, naming the table, if the current user may
 * not see the content of an index (barq_may_see_index_content). Raises the errors
 * of barq_raise_not_an_index() if the OID is no index. Takes and releases
 * AccessShareLock on the index.
 */
extern void barq_check_index_content_rights(Oid index);

/*
 * Raise the error that an OID is no index of text: ERRCODE_WRONG_OBJECT_TYPE if it
 * is another relation, ERRCODE_UNDEFINED_OBJECT if there is no such relation.
 */
pg_noreturn extern void barq_raise_not_an_index(Oid relation);

#endif							/* BARQ_AM_H */
