/*
 * text_binding.h
 *	  Which index a call of <@> or @@@ is for: what the files share that answer
 *	  it at planning (text_support.c, text_sources.c, text_candidates.c) and at
 *	  run time (text_runtime.c). docs/text-search.md has the rules for users.
 */
#ifndef BARQ_TEXT_BINDING_H
#define BARQ_TEXT_BINDING_H

#include "base/compat.h"

#include "nodes/pathnodes.h"
#include "utils/array.h"

/* ---- text_sources.c: from an expression to tables ---- */

/* A table that values of an expression come from. */
typedef struct BarqTextSource
{
	Oid			table;
	int			varno;			/* of the table in what follows */
	Node	   *expression;		/* the value, over the table's columns */
	List	   *conditions;		/* hold for each row: a list, as if ANDed */
	bool		readable;		/* the executor checks SELECT on the table */
	bool		inherited;		/* has rows of children or partitions as well */
	bool		child;			/* is itself a child of what the query says */
} BarqTextSource;

/*
 * The tables that the values of an expression come from: several behind a set
 * operation. False if some values come from no table (constants, functions);
 * *sources has what was found nevertheless. Of conditions those are known that
 * the query has at any level between; parameters in them have their values
 * where the plan is made for these.
 */
extern bool barq_text_sources(PlannerInfo *root, Node *value, List **sources);

/* ---- text_candidates.c: from tables to an index ---- */

/* The index for queries that name none. */
typedef struct BarqTextChoice
{
	Oid			index;			/* InvalidOid: none, for the reason below */
	int			sqlstate;
	const char *reason;			/* an error's message, without more to say than that */
	char	   *detail;			/* or NULL */
	char	   *hint;
	bool		later;			/* a child's plan, or one for known parameters,
								 * may have one */
} BarqTextChoice;

/* `support`: the planner support function of the text operators. */
extern void barq_text_choose(PlannerInfo *root, Oid support, List *sources,
							 BarqTextChoice *choice);

/*
 * A choice's reason as bm25_unbound() takes it: SQLSTATE, message, detail, hint
 * (text_runtime.c).
 */
extern ArrayType *barq_text_choice_array(const BarqTextChoice *choice);

/* Raise a choice's reason. */
pg_noreturn extern void barq_text_raise(const BarqTextChoice *choice);

/*
 * The index of a name (without a schema) among those of tables: of each itself,
 * else of those it is a partition of, else, with `inherited`, of its partitions
 * and children. InvalidOid if there is none.
 */
extern Oid	barq_text_index_named(List *tables, const char *name, bool inherited);

/* Raise that none of the tables (OIDs) has an index of that name. */
pg_noreturn extern void barq_text_raise_no_index(List *tables, const char *name);

/*
 * Is it an index of the value in the table of each source, or of a partition of
 * that table? Then a query that may read the value may use what the index holds;
 * a value of another origin beside it would be scored by rows it may not see.
 */
extern bool barq_text_index_is_own(List *sources, Oid index);

/* Do two indexes of one table index the same expression? */
extern bool barq_text_same_key(Oid index, Oid other);

#endif							/* BARQ_TEXT_BINDING_H */
