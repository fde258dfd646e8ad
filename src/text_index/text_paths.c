/*
 * text_paths.c
 *	  Index paths for conditions on a score: `body <@> query < bound`.
 *
 * PostgreSQL matches an index only to conditions with an indexed column as
 * operand. Here the operand is an expression over the column. So the hook, called
 * after PostgreSQL has made a table's paths, replaces the condition by `body <@@
 * bm25threshold`, which means the same and is an operator of the class, and calls
 * create_index_paths() once more; this makes plain, ordered, bitmap and
 * parameterized paths as for any index condition. Then the given condition is put
 * back everywhere except in the paths' index quals: it counts as enforced by the
 * paths whose index enforces it, and is a filter in the others.
 *
 * In the same way operations on a row, `items @@@ query` and ORDER BY `items <@> query`,
 * are replaced by operations on the index's first field (text_row.c).
 *
 * The hook is installed in time: opening a table's indexes calls their handler,
 * which loads the library.
 */
#include "postgres.h"

#include "base/upper_bound.h"
#include "text_index/text_index.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "text_index/text_binding.h"
#include "text_index/text_paths.h"
#include "text_index/text_row.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static set_rel_pathlist_hook_type next_hook = NULL;

/* Given conditions, and those that replace them, in the same order. */
typedef struct Replacements
{
	List	   *given;			/* RestrictInfos */
	List	   *derived;
} Replacements;

/*
 * Whether an index is one of barq_bm25 that this query may use: a partial one
 * only if its predicate is implied. No side effects.
 */
static bool
is_usable_index(const IndexOptInfo *index)
{
	return barq_is_text_info(index) && (index->indpred == NIL || index->predOK);
}

/* ---- from a given condition to one of the operator class ---- */

/* The operator <@@ of a family, and the type of its right operand. */
static Oid
threshold_operator(Oid family, Oid *type)
{
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	Oid			found = InvalidOid;

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy == BARQ_TEXT_THRESHOLD_STRATEGY)
		{
			found = op->amopopr;
			*type = op->amoprighttype;
		}
	}
	ReleaseCatCacheList(operators);
	return found;
}

/* A condition in another form: all but the clause is copied. */
static RestrictInfo *
derived_of(PlannerInfo *root, const RestrictInfo *given, OpExpr *clause)
{
	RestrictInfo *derived = makeNode(RestrictInfo);

	memcpy(derived, given, sizeof(RestrictInfo));
	derived->clause = (Expr *) clause;
	derived->leakproof = false;
	derived->left_relids = pull_varnos(root, linitial(clause->args));
	derived->right_relids = pull_varnos(root, lsecond(clause->args));
	derived->norm_selec = derived->outer_selec = -1;
	derived->eval_cost.startup = -1;
	derived->scansel_cache = NIL;
	return derived;
}

/*
 * The condition `text <@@ bm25threshold(query, bound, inclusive)` for a given one;
 * NULL if that does not compare a score of the index's column.
 */
static RestrictInfo *
derive(PlannerInfo *root, IndexOptInfo *index, RestrictInfo *given)
{
	BarqUpperBound bounded;
	Node	   *text;
	Node	   *query;
	Oid			types[3];
	Oid			type;
	Oid			operator;
	Oid			schema;
	Oid			function;
	Node	   *threshold;
	OpExpr	   *clause;
	OpExpr	   *operation;
	int			column;

	if (given->pseudoconstant)
		return NULL;
	if ((operation = barq_text_row_operation(root, index, given->clause)) != NULL)
		return derived_of(root, given, operation);
	if (!barq_read_upper_bound(given->clause, &bounded))
		return NULL;
	if ((operation = barq_text_row_operation(root, index, (Expr *) bounded.operation)) != NULL)
		bounded.operation = operation;
	for (column = 0; column < index->nkeycolumns; column++)
		if (match_index_to_operand(linitial(bounded.operation->args), column, index) &&
			OidIsValid(get_op_opfamily_sortfamily(bounded.operation->opno,
												  index->opfamily[column])))
			break;
	if (column == index->nkeycolumns)
		return NULL;
	text = linitial(bounded.operation->args);
	query = lsecond(bounded.operation->args);
	operator= threshold_operator(index->opfamily[column], &type);
	if (!OidIsValid(operator))
		return NULL;
	types[0] = exprType(query);
	types[1] = FLOAT8OID;
	types[2] = BOOLOID;
	schema = get_func_namespace(get_opcode(operator));
	function = barq_text_function(schema, "bm25threshold", types, 3);
	if (!OidIsValid(function))
		return NULL;

	threshold = (Node *) makeFuncExpr(function, type,
									  list_make3(copyObject(query), copyObject(bounded.bound),
												 makeBoolConst(bounded.inclusive, false)),
									  InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	threshold = eval_const_expressions(root, threshold);
	clause = (OpExpr *) make_opclause(operator, BOOLOID, false, copyObject((Expr *) text),
									  (Expr *) threshold, InvalidOid,
									  bounded.operation->inputcollid);
	set_opfuncid(clause);

	/* a call bound to a column stays one (text_operators.c) */
	if (operation != NULL)
		barq_text_leave_to_row(clause, schema);
	else if (bounded.operation->opfuncid != get_opcode(bounded.operation->opno))
	{
		op_input_types(operator, & types[0], &types[1]);
		function = barq_text_function(schema, "bm25_column_below", types, 2);
		if (!OidIsValid(function))
			return NULL;
		clause->opfuncid = function;
	}

	return derived_of(root, given, clause);
}

/* Add the conditions that have a derived form for this index. */
static void
derive_all(PlannerInfo *root, IndexOptInfo *index, List *conditions, Replacements *all)
{
	ListCell   *cell;

	foreach(cell, conditions)
	{
		RestrictInfo *given = lfirst_node(RestrictInfo, cell);
		RestrictInfo *derived;

		if (list_member_ptr(all->given, given) ||
			(derived = derive(root, index, given)) == NULL)
			continue;
		all->given = lappend(all->given, given);
		all->derived = lappend(all->derived, derived);
	}
}

/* ---- replacing given conditions and putting them back ---- */

/*
 * The member of `to` at the place of a condition in `from`; the condition itself
 * if `from` does not have it.
 */
static RestrictInfo *
exchange(RestrictInfo *condition, const List *from, const List *to)
{
	ListCell   *a;
	ListCell   *b;

	forboth(a, from, b, to)
		if (lfirst(a) == condition)
			return lfirst(b);
	return condition;
}

/* A new list of exchange() of each condition. */
static List *
exchange_all(const List *conditions, const List *from, const List *to)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
		result = lappend(result, exchange(lfirst(cell), from, to));
	return result;
}

bool
barq_text_is_on_row(const RestrictInfo *given)
{
	BarqUpperBound bounded;
	Expr	   *clause = given->clause;

	if (barq_read_upper_bound(clause, &bounded))
		clause = (Expr *) bounded.operation;
	return IsA(clause, OpExpr) && IsA(linitial(((OpExpr *) clause)->args), RowExpr);
}

/*
 * Let the index clauses of a path in a bitmap, and those below it, refer to given conditions.
 * A plain scan may share the path, or be made of it (count_paths.c), so conditions on rows
 * stay filters of such a scan.
 */
static void
restore_bitmap(Path *path, const Replacements *all)
{
	ListCell   *cell;

	if (IsA(path, IndexPath))
		foreach(cell, ((IndexPath *) path)->indexclauses)
		{
			IndexClause *clause = lfirst_node(IndexClause, cell);

			clause->rinfo = exchange(clause->rinfo, all->derived, all->given);
			clause->lossy |= barq_text_is_on_row(clause->rinfo);
		}
	else if (IsA(path, BitmapAndPath))
		foreach(cell, ((BitmapAndPath *) path)->bitmapquals)
			restore_bitmap(lfirst(cell), all);
	else if (IsA(path, BitmapOrPath))
		foreach(cell, ((BitmapOrPath *) path)->bitmapquals)
			restore_bitmap(lfirst(cell), all);
}

/*
 * A plain scan of an index that refers to given conditions: a copy, since a bitmap may
 * share it. It rechecks rows (a newer version of a locked one) by the derived form, so a
 * condition on a row stays a filter; a bitmap scan rechecks by the given one.
 */
static Path *
restored_scan(const IndexPath *path, const Replacements *all)
{
	IndexPath  *copy = makeNode(IndexPath);
	ListCell   *cell;

	memcpy(copy, path, sizeof(IndexPath));
	copy->indexclauses = NIL;
	foreach(cell, path->indexclauses)
	{
		IndexClause *clause = makeNode(IndexClause);

		memcpy(clause, lfirst(cell), sizeof(IndexClause));
		clause->rinfo = exchange(clause->rinfo, all->derived, all->given);
		clause->lossy |= barq_text_is_on_row(clause->rinfo);	/* exchanged here or by a bitmap */
		copy->indexclauses = lappend(copy->indexclauses, clause);
	}
	return (Path *) copy;
}

/* Let the paths of a list refer to given conditions. */
static void
restore_paths(List *paths, const Replacements *all)
{
	ListCell   *cell;

	foreach(cell, paths)
	{
		if (IsA(lfirst(cell), IndexPath))
			lfirst(cell) = restored_scan(lfirst(cell), all);
		else if (IsA(lfirst(cell), BitmapHeapPath))
			restore_bitmap(((BitmapHeapPath *) lfirst(cell))->bitmapqual, all);
	}
}

/* ---- the order of a row ---- */

/* A member of an equivalence class, and its expression. */
typedef struct Exchanged
{
	EquivalenceMember *member;
	Expr	   *expression;
} Exchanged;

List *
barq_text_class_members(EquivalenceClass *class, Relids relids)
{
#if PG_VERSION_NUM >= 180000
	EquivalenceMemberIterator iterator;
	EquivalenceMember *member;
	List	   *members = NIL;

	setup_eclass_member_iterator(&iterator, class, relids);
	while ((member = eclass_member_iterator_next(&iterator)) != NULL)
		members = lappend(members, member);
	return members;
#else
	return class->ec_members;
#endif
}

/*
 * Put the operation of an index in the place of the row's operation by which the query
 * orders this table. *exchanged: what was there; its member is NULL if nothing was.
 */
static void
exchange_order(PlannerInfo *root, RelOptInfo *rel, Exchanged *exchanged)
{
	PathKey    *key;
	ListCell   *cell;
	ListCell   *other;

	exchanged->member = NULL;
	if (root->query_pathkeys == NIL)
		return;
	key = linitial(root->query_pathkeys);
	if (key->pk_eclass->ec_has_volatile)
		return;
	foreach(other, barq_text_class_members(key->pk_eclass, rel->relids))
	{
		EquivalenceMember *member = lfirst(other);

		if (!bms_equal(member->em_relids, rel->relids))
			continue;
		foreach(cell, rel->indexlist)
		{
			OpExpr	   *operation = !is_usable_index(lfirst(cell)) ? NULL :
				barq_text_row_operation(root, lfirst(cell), member->em_expr);

			if (operation == NULL)
				continue;
			exchanged->member = member;
			exchanged->expression = member->em_expr;
			member->em_expr = (Expr *) operation;
			return;
		}
	}
}

/*
 * Lower the estimated rows of a table and its paths. PostgreSQL estimates that a
 * third of the rows pass a condition on an expression; the operator <@@ has an
 * estimate from the index.
 */
static void
correct_rows(PlannerInfo *root, RelOptInfo *rel, const Replacements *all)
{
	List	   *conditions = exchange_all(rel->baserestrictinfo, all->given, all->derived);
	double		rows = clamp_row_est(rel->tuples *
									 clauselist_selectivity(root, conditions, 0, JOIN_INNER, NULL));
	double		share = rows / rel->rows;
	ListCell   *cell;

	if (share >= 1)
		return;
	rel->rows = rows;
	foreach(cell, rel->pathlist)
	{
		Path	   *path = lfirst(cell);

		if (path->param_info == NULL)
			path->rows = clamp_row_est(path->rows * share);
	}
}

/*
 * Add index paths that use the derived conditions in place of the given ones,
 * then restore rel, its ParamPathInfos and its paths (all->given again), except
 * in index quals. The lower estimate of rel's rows (correct_rows) stays.
 */
static void
add_paths(PlannerInfo *root, RelOptInfo *rel, const Replacements *all)
{
	List	   *joininfo = rel->joininfo;
	List	   *kept = NIL;
	ListCell   *cell;
	ListCell   *was;

	if (all->given != NIL)
		correct_rows(root, rel, all);
	rel->joininfo = exchange_all(joininfo, all->given, all->derived);
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		kept = lappend(kept, index->indrestrictinfo);
		if (is_usable_index(index))
			index->indrestrictinfo = exchange_all(index->indrestrictinfo, all->given,
												  all->derived);
	}

	create_index_paths(root, rel);

	rel->joininfo = joininfo;
	forboth(cell, rel->indexlist, was, kept)
		((IndexOptInfo *) lfirst(cell))->indrestrictinfo = lfirst(was);
	foreach(cell, rel->ppilist)
	{
		ParamPathInfo *info = lfirst(cell);

		info->ppi_clauses = exchange_all(info->ppi_clauses, all->derived, all->given);
	}
	if (all->given != NIL)
	{
		restore_paths(rel->pathlist, all);
		restore_paths(rel->partial_pathlist, all);
	}
}

/*
 * set_rel_pathlist_hook: call the hook installed before, then add_paths() if the
 * table has conditions with a derived form, or is ordered by a row.
 */
static void
add_threshold_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	Replacements all = {NIL, NIL};
	Exchanged	order;
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (rte->rtekind != RTE_RELATION || IS_DUMMY_REL(rel))
		return;
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		if (!is_usable_index(index))
			continue;
		derive_all(root, index, index->indrestrictinfo, &all);
		derive_all(root, index, rel->joininfo, &all);
	}
	exchange_order(root, rel, &order);
	if (all.given != NIL || order.member != NULL)
		add_paths(root, rel, &all);
	if (order.member != NULL)
		order.member->em_expr = order.expression;
}

void
barq_text_paths_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_threshold_paths;
}
