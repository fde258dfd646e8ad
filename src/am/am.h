/*
 * am.h
 *	  What all access methods share: their routine, inserting a row, VACUUM,
 *	  checks of operator classes, rights to an index's content, options shown.
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

/* ---- routine.c ---- */

/* An IndexAmRoutine with what all access methods have in common; palloc'd. */
extern IndexAmRoutine *barq_am_routine(void);

/* ---- insert.c ---- */

/*
 * Append a value that is not NULL to the growing log. Returns how many pages the
 * log has then, or 0 where no page was added. Its caller frees what it allocates.
 */
typedef uint32 (*BarqRowAppender) (Relation index, Datum value, ItemPointer heap_tid);

/*
 * aminsert of all access methods: append a row, NULL or by `append`, count it,
 * and see to it that the log is sealed when it is long (barq_after_append).
 */
extern void barq_am_insert(Relation index, struct IndexInfo *info, Datum value,
						   bool isnull, ItemPointer heap_tid, BarqRowAppender append);

/* ---- vacuum.c ---- */

extern IndexBulkDeleteResult *barq_bulk_delete(IndexVacuumInfo *info,
											   IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *callback_state);
extern IndexBulkDeleteResult *barq_vacuum_cleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);

/* ---- validate.c ---- */

/* A complaint, as amvalidate functions make them. */
#define BARQ_COMPLAIN(ok, ...) \
	do { \
		ereport(INFO, \
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), \
				 errmsg(__VA_ARGS__))); \
		*(ok) = false; \
	} while (0)

/* What an access method requires of a class: sets *ok to false where it is not so. */
typedef void (*BarqClassCheck) (const FormData_pg_opclass *class, CatCList *operators,
								CatCList *procedures, bool *ok);

/* amvalidate: run the check on a class's operators and support functions. */
extern bool barq_validate_class(Oid opclass, BarqClassCheck check);

/*
 * Whether an operator orders the class's own type. Complains of one that does
 * not order by float8.
 */
extern bool barq_validate_ordering(const FormData_pg_opclass *class,
								   const FormData_pg_amop *op, bool *ok);

/* Complain of an operator with a strategy number that the class has not. */
extern void barq_validate_strategy(const FormData_pg_opclass *class,
								   const FormData_pg_amop *op, bool *ok);

/* ---- shown_options.c ---- */

/* The options of an index, for people: "name=value, ..."; palloc'd. */
extern char *barq_options_text(Relation index, const BarqFrozenOptions *options);

/*
 * Whether two sets of options of the same kind, each with its index, differ;
 * the ones that do, of each, palloc'd.
 */
extern bool barq_options_differ(Relation index, const BarqFrozenOptions *options,
								Relation other_index, const BarqFrozenOptions *other,
								char **differing, char **other_differing);

/* Is `named` the index itself, or a partitioned one that it is a part of? */
static inline bool
barq_is_index_or_parent(Oid named, Oid index)
{
	return named == index ||
		(OidIsValid(named) && get_rel_relispartition(index) &&
		 list_member_oid(get_partition_ancestors(index), named));
}

/* ---- no_class.c ---- */

/*
 * ERRCODE_UNDEFINED_OBJECT, with a hint, for an index whose column's
 * type has no operator class.
 */
extern void barq_check_class(Relation index);

/* ---- content_rights.c ---- */

/*
 * Whether a role may see what an index (also a partitioned
 * one) holds of all rows: it needs SELECT on every column that the keys are
 * computed from, and no row security that hides rows from it. False for an
 * index that does not exist.
 */
extern bool barq_may_see_index_content(Oid index, Oid user);

/*
 * The same of the current user. ERRCODE_INSUFFICIENT_PRIVILEGE, naming the
 * table; ERRCODE_UNDEFINED_OBJECT for an index that does not exist.
 */
extern void barq_check_index_content_rights(Oid index);

/*
 * Raise that an OID is not an index of text: ERRCODE_WRONG_OBJECT_TYPE for a
 * relation of another kind, ERRCODE_UNDEFINED_OBJECT where there is none.
 */
pg_noreturn extern void barq_raise_not_an_index(Oid relation);

#endif							/* BARQ_AM_H */
