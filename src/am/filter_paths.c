/*
 * filter_paths.c
 *	  Index paths that the planner does not make: before version 17 none has ORDER BY and
 *	  a condition `= ANY (array)` on a further column, for that would spoil the order of
 *	  a btree index; before 16 a boolean column is no condition, but for btree and hash.
 *
 * Each path of an index of barq that has an ORDER BY is made again with these
 * conditions.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "am/filters.h"
#include "base/compat.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "lifecycle/index_kind.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"

#if PG_VERSION_NUM < 170000

static set_rel_pathlist_hook_type next_hook = NULL;

/* Is an expression the value of an index's column? */
static bool
is_column(Node *expression, IndexOptInfo *index, int column)
{
	ListCell   *cell;
	int			number = 0;

	if (IsA(expression, RelabelType))
		expression = (Node *) ((RelabelType *) expression)->arg;
	if (index->indexkeys[column] != 0)
		return IsA(expression, Var) &&
			((Var *) expression)->varno == (int) index->rel->relid &&
			((Var *) expression)->varattno == index->indexkeys[column] &&
			((Var *) expression)->varlevelsup == 0;

	/* the place of its expression among those of the index */
	for (int i = 0; i < column; i++)
		number += index->indexkeys[i] == 0;
	cell = list_nth_cell(index->indexprs, number);
	return equal(expression, lfirst(cell)) ||
		(IsA(lfirst(cell), RelabelType) &&
		 equal(expression, ((RelabelType *) lfirst(cell))->arg));
}

/* An index clause of a column, made from a clause and the condition that the index is asked. */
static IndexClause *
make_clause(RestrictInfo *rinfo, RestrictInfo *asked, int column)
{
	IndexClause *clause = makeNode(IndexClause);

	clause->rinfo = rinfo;
	clause->indexquals = list_make1(asked);
	clause->lossy = false;
	clause->indexcol = column;
	clause->indexcols = NIL;
	return clause;
}

/* The index clause of `column op ANY (array)`; NULL if the clause is none. */
static IndexClause *
match_array(PlannerInfo *root, RestrictInfo *rinfo, IndexOptInfo *index, int column)
{
	ScalarArrayOpExpr *clause = (ScalarArrayOpExpr *) rinfo->clause;

	if (!IsA(clause, ScalarArrayOpExpr) || !clause->useOr ||
		!is_column(linitial(clause->args), index, column) ||
		!op_in_opfamily(clause->opno, index->opfamily[column]) ||
		(OidIsValid(index->indexcollations[column]) &&
		 index->indexcollations[column] != clause->inputcollid) ||
		bms_is_member(index->rel->relid, pull_varnos(root, lsecond(clause->args))) ||
		contain_volatile_functions(lsecond(clause->args)))
		return NULL;
	return make_clause(rinfo, rinfo, column);
}

/*
 * The index clause of a boolean column: `column`, `NOT column`, `column IS [NOT] TRUE` or FALSE
 * as far as these are never true of NULL; NULL if the clause is none.
 */
static IndexClause *
match_boolean(PlannerInfo *root, RestrictInfo *rinfo, IndexOptInfo *index, int column)
{
	Node	   *clause = (Node *) rinfo->clause;
	bool		wanted = true;
	Expr	   *asked;

	if (IsA(clause, BoolExpr) && ((BoolExpr *) clause)->boolop == NOT_EXPR)
	{
		wanted = false;
		clause = linitial(((BoolExpr *) clause)->args);
	}
	else if (IsA(clause, BooleanTest))
	{
		BoolTestType type = ((BooleanTest *) clause)->booltesttype;

		if (type != IS_TRUE && type != IS_FALSE)
			return NULL;
		wanted = type == IS_TRUE;
		clause = (Node *) ((BooleanTest *) clause)->arg;
	}
	if (exprType(clause) != BOOLOID || index->opcintype[column] != BOOLOID ||
		!is_column(clause, index, column))
		return NULL;
	asked = make_opclause(BooleanEqualOperator, BOOLOID, false, (Expr *) clause,
						  (Expr *) makeBoolConst(wanted, false), InvalidOid, InvalidOid);
	return make_clause(rinfo, make_simple_restrictinfo(root, asked), column);
}

/* Is a clause among the index clauses of a path? */
static bool
has_clause(const IndexPath *path, const RestrictInfo *rinfo)
{
	ListCell   *cell;

	foreach(cell, path->indexclauses)
		if (lfirst_node(IndexClause, cell)->rinfo == rinfo)
			return true;
	return false;
}

/* The clauses of the table that match further columns of a path's index and that it lacks. */
static List *
lacking_clauses(PlannerInfo *root, RelOptInfo *rel, const IndexPath *path)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		IndexClause *clause = NULL;

		if (rinfo->pseudoconstant || has_clause(path, rinfo) ||
			!restriction_is_securely_promotable(rinfo, rel))
			continue;
		for (int i = 1; i < path->indexinfo->nkeycolumns && clause == NULL; i++)
		{
			clause = match_array(root, rinfo, path->indexinfo, i);
			if (clause == NULL && PG_VERSION_NUM < 160000)
				clause = match_boolean(root, rinfo, path->indexinfo, i);
		}
		if (clause != NULL)
			found = lappend(found, clause);
	}
	return found;
}

/* list_sort comparator of index clauses: by their columns, as the planner has them. */
static int
compare_clauses(const ListCell *a, const ListCell *b)
{
	return lfirst_node(IndexClause, a)->indexcol - lfirst_node(IndexClause, b)->indexcol;
}

/* Is an index one of barq's? */
static bool
is_of_barq(const IndexOptInfo *index)
{
	return barq_kind_of_method(GetIndexAmRoutineByAmId(index->relam, false)) != NULL;
}

IndexPath *
barq_filter_whole_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *path)
{
	List	   *clauses;

	if (path->indexorderbys == NIL || path->indexinfo->nkeycolumns < 2 ||
		!is_of_barq(path->indexinfo) ||
		(clauses = lacking_clauses(root, rel, path)) == NIL)
		return path;
	clauses = list_concat_copy(path->indexclauses, clauses);
	list_sort(clauses, compare_clauses);
	return create_index_path(root, path->indexinfo, clauses, path->indexorderbys,
							 path->indexorderbycols, path->path.pathkeys,
							 path->indexscandir, false, PATH_REQ_OUTER(&path->path), 1.0,
							 false);
}

/* set_rel_pathlist_hook */
static void
add_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	List	   *made = NIL;
	ListCell   *cell;

	/* that of src/text_index makes ordered paths too */
	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	foreach(cell, rel->pathlist)
	{
		IndexPath  *path = lfirst(cell);
		IndexPath  *whole;

		if (IsA(path, IndexPath) &&
			(whole = barq_filter_whole_path(root, rel, path)) != path)
		{
			/* it would be kept beside the other if it looks no cheaper */
			rel->pathlist = foreach_delete_current(rel->pathlist, cell);
			made = lappend(made, whole);
		}
	}
	foreach(cell, made)
		add_path(rel, lfirst(cell));
}

void
barq_filter_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_paths;
}

#else

IndexPath *
barq_filter_whole_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *path)
{
	return path;
}

void
barq_filter_init(void)
{
}

#endif
