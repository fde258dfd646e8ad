/*
 * text_binding.h
 *	  Finding the index for a call of <@> or @@@: shared by the files that do so
 *	  at planning (text_support.c, text_sources.c, text_candidates.c) and at run
 *	  time (text_runtime.c). docs/text-search.md has the rules for users.
 */
#ifndef BARQ_TEXT_BINDING_H
#define BARQ_TEXT_BINDING_H

#include "base/compat.h"

#include "nodes/pathnodes.h"
#include "utils/array.h"

/* ---- text_support.c ---- */

/* A function by its schema, name and n argument types; InvalidOid if there is none. */
extern Oid	barq_text_function(Oid schema, const char *name, const Oid *types, int n);

/* ---- text_sources.c: from an expression to tables ---- */

/* A table that values of an expression come from. */
typedef struct BarqTextSource
{
	Oid			table;
	int			varno;			/* of the table in the two members below */
	Node	   *expression;		/* the value, over the table's columns */
	List	   *conditions;		/* true of each row that values come from: ANDed */
	bool		readable;		/* the executor checks SELECT on the table */
	bool		inherited;		/* rows of children or partitions are included */
	bool		child;			/* a child or partition of the table in the query */
} BarqTextSource;

/*
 * Find the tables that the values of an expression come from: *sources, a list of
 * BarqTextSource, palloc'd; several for a set operation. Returns false if some
 * values come from no table (constants, functions). The conditions of a source
 * are those of all query levels between the table and the expression.
 */
extern bool barq_text_sources(PlannerInfo *root, Node *value, List **sources);

/* ---- text_candidates.c: from tables to an index ---- */

/* The index for queries that name none, or the reason why there is none. */
typedef struct BarqTextChoice
{
	Oid			index;			/* InvalidOid: none, for the reason below */
	int			sqlstate;
	const char *reason;			/* an error message */
	char	   *detail;			/* its detail, or NULL */
	char	   *hint;			/* its hint, or NULL */
	bool		later;			/* a child's plan, or one for known parameters, may
								 * find an index */
} BarqTextChoice;

/*
 * Choose the index for the sources of a value (at least one). `support`: the
 * planner support function of the text operators. Texts are palloc'd.
 */
extern void barq_text_choose(PlannerInfo *root, Oid support, List *sources,
							 BarqTextChoice *choice);

/*
 * A choice's reason as bm25_unbound() takes it: an array of SQLSTATE, message,
 * detail, hint (NULL elements for none); palloc'd (text_runtime.c).
 */
extern ArrayType *barq_text_choice_array(const BarqTextChoice *choice);

/* Raise a choice's reason as an ERROR, with its SQLSTATE, detail and hint. */
pg_noreturn extern void barq_text_raise(const BarqTextChoice *choice);

/*
 * The index with a name (without a schema) among the indexes of tables (OIDs):
 * of the tables themselves, else of the partitioned tables above them, else,
 * with `inherited`, of their partitions and children. InvalidOid if there is
 * none. Takes and releases AccessShareLock on the tables.
 */
extern Oid	barq_text_index_named(List *tables, const char *name, bool inherited);

/* Raise ERRCODE_UNDEFINED_OBJECT: none of the tables (OIDs) has such an index. */
pg_noreturn extern void barq_text_raise_no_index(List *tables, const char *name);

/*
 * Whether an OID is, for each source (at least one), an index of the value in
 * the source's table or in a partition of that. Then the right to read the value
 * includes the right to the index's content: all rows that scores reveal are
 * rows of the value's tables. Takes and releases AccessShareLock on the indexes.
 */
extern bool barq_text_index_is_own(List *sources, Oid index);

/*
 * The field of an index that a source's value is, as a bit; 0 if the index has one field
 * only, or the value is none of its fields. Takes and releases AccessShareLock on it.
 */
extern uint8 barq_text_fields_for(Oid index, const BarqTextSource *source);

/*
 * Whether two OIDs are indexes of one table whose first keys are the same column
 * or expression; false if one does not exist. Takes and releases AccessShareLock
 * on them.
 */
extern bool barq_text_same_key(Oid index, Oid other);

#endif							/* BARQ_TEXT_BINDING_H */
