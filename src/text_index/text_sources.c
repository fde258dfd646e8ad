/*
 * text_sources.c
 *	  From an expression in a query to the tables that its values come from:
 *	  through views, subqueries, CTEs, joins, grouping and set operations.
 *
 * Conditions on the rows are carried along: a condition of an outer query on a
 * subquery's columns is rewritten for the subquery's own tables, so that the same
 * partial index is found wherever the condition is written.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "text_index/text_binding.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"

/* A query and the query around it. */
typedef struct Place
{
	PlannerInfo *root;			/* NULL: the query is not planned yet */
	Query	   *query;
	struct Place *outer;
} Place;

typedef struct Search
{
	List	   *sources;
	bool		complete;		/* all values so far come from tables */
	List	   *ctes;			/* of EnteredCte: those that the search is in */
} Search;

/* A CTE, and the value that is traced in it, over range table entry 1. */
typedef struct EnteredCte
{
	CommonTableExpr *cte;
	Node	   *expression;
} EnteredCte;

static void resolve(Search *search, Place *place, Node *expression, List *conditions);

/* ---- expressions ---- */

/* The range table entry of all columns of an expression. */
typedef struct OneRelation
{
	int			varno;			/* 0: none yet; -1: several */
	int			levels_up;
} OneRelation;

/*
 * Walker: set *found to the relation of all Vars (varno -1: several, 0: no Var).
 * Never stops early. PlaceHolderVars do not occur: plain_columns() has removed
 * them.
 */
static bool
find_relation(Node *node, void *context)
{
	OneRelation *found = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (found->varno == 0)
		{
			found->varno = var->varno;
			found->levels_up = var->varlevelsup;
		}
		else if (found->varno != var->varno || found->levels_up != (int) var->varlevelsup)
			found->varno = -1;
		return false;
	}
	return expression_tree_walker(node, find_relation, context);
}

/*
 * A copy of an expression without the marks that outer joins put on columns and
 * without placeholders, so that equal() compares the columns alone.
 */
static Node *
plain_columns(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, PlaceHolderVar))
		return plain_columns((Node *) ((PlaceHolderVar *) node)->phexpr, context);
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

#if PG_VERSION_NUM >= 160000
		var->varnullingrels = NULL;
#endif
#if PG_VERSION_NUM >= 180000
		var->varreturningtype = VAR_RETURNING_DEFAULT;
#endif
		return (Node *) var;
	}
	return expression_tree_mutator(node, plain_columns, context);
}

/* The expression below casts that change no bits; not copied. */
static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Arguments and result of substitute_mutator(). */
typedef struct Substitution
{
	int			varno;
	List	   *expressions;	/* one for each of its columns, or NULL */
	bool		failed;			/* the expression uses other columns, or a subquery */
} Substitution;

/*
 * Mutator: replace each Var of range table entry `varno` by a copy of the
 * expression of its column; sets `failed`, and returns the node as it is, if a
 * Var has no expression or a subquery occurs.
 */
static Node *
substitute_mutator(Node *node, void *context)
{
	Substitution *substitution = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, SubLink))
		substitution->failed = true;
	if (substitution->failed)
		return node;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Node	   *expression = NULL;

		if (var->varno == substitution->varno && var->varlevelsup == 0 && var->varattno > 0 &&
			var->varattno <= list_length(substitution->expressions))
			expression = list_nth(substitution->expressions, var->varattno - 1);
		if (expression == NULL)
			substitution->failed = true;
		return expression == NULL ? node : plain_columns(expression, NULL);
	}
	return expression_tree_mutator(node, substitute_mutator, context);
}

/*
 * A copy of `node` with `expressions` in place of the columns of range table entry
 * varno; NULL if it uses columns without an expression, or a subquery.
 */
static Node *
substitute(Node *node, int varno, List *expressions)
{
	Substitution substitution = {varno, expressions, false};

	node = substitute_mutator(node, &substitution);
	return substitution.failed ? NULL : node;
}

/*
 * A list of substitute() of each member of `nodes`, palloc'd; members for which
 * it is NULL are left out.
 */
static List *
substitute_each(List *nodes, int varno, List *expressions)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, nodes)
	{
		Node	   *node = substitute(lfirst(cell), varno, expressions);

		if (node != NULL)
			result = lappend(result, node);
	}
	return result;
}

/* ---- conditions ---- */

/* Quals of a join tree, which may be a list or an expression, as a new list. */
static List *
as_list(Node *quals)
{
	return quals != NULL && IsA(quals, List) ? list_copy((List *) quals) :
		make_ands_implicit((Expr *) quals);
}

/*
 * Whether range table entry varno is in a join tree. Adds to *conditions those
 * conditions of the tree that are true of the entry's rows in the join's result.
 */
static bool
collect(Node *tree, int varno, List **conditions)
{
	bool		found = false;

	check_stack_depth();
	if (tree == NULL)
		return false;
	if (IsA(tree, RangeTblRef))
		return ((RangeTblRef *) tree)->rtindex == varno;
	if (IsA(tree, FromExpr))
	{
		FromExpr   *from = (FromExpr *) tree;
		ListCell   *cell;

		foreach(cell, from->fromlist)
			found |= collect(lfirst(cell), varno, conditions);
		*conditions = list_concat(*conditions, as_list(from->quals));
	}
	else if (IsA(tree, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) tree;
		List	   *left = NIL;
		List	   *right = NIL;
		bool		in_left = collect(join->larg, varno, &left);
		bool		in_right = collect(join->rarg, varno, &right);
		bool		inner = join->jointype == JOIN_INNER || join->jointype == JOIN_SEMI;
		bool		keeps_left = join->jointype == JOIN_LEFT || join->jointype == JOIN_ANTI;
		bool		keeps_right = join->jointype == JOIN_RIGHT;

		/* a row of the nullable side has passed the join's conditions, or is all NULLs */
		found = in_left || in_right;
		if (inner || in_left || keeps_left)
			*conditions = list_concat(*conditions, left);
		if (inner || in_right || keeps_right)
			*conditions = list_concat(*conditions, right);
		if (inner || (keeps_left && in_right) || (keeps_right && in_left))
			*conditions = list_concat(*conditions, as_list(join->quals));
	}
	return found;
}

/* The table of which varno is a child in this plan; NULL: none, or not planned. */
static AppendRelInfo *
parent_of(Place *place, int varno)
{
	PlannerInfo *root = place->root;

	if (root == NULL || root->append_rel_array == NULL || varno >= root->simple_rel_array_size)
		return NULL;
	return root->append_rel_array[varno];
}

/* The conditions of a query that are true of the rows of one range table entry. */
static List *
conditions_of(Place *place, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, place->query->rtable);
	AppendRelInfo *parent = parent_of(place, varno);
	List	   *conditions = NIL;
	ListCell   *cell;

	if (parent != NULL)
	{
		conditions = conditions_of(place, parent->parent_relid);
		conditions = (List *) adjust_appendrel_attrs(place->root, (Node *) conditions, 1, &parent);
	}
	else
		(void) collect((Node *) place->query->jointree, varno, &conditions);
	foreach(cell, rte->securityQuals)
		conditions = list_concat(conditions, as_list(lfirst(cell)));
	return (List *) plain_columns((Node *) conditions, NULL);
}

/* ---- tables ---- */

/*
 * Whether the executor checks SELECT on a table, or on the table of which it is
 * a child in this plan. No side effects.
 */
static bool
is_readable(Place *place, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, place->query->rtable);
	AppendRelInfo *parent = parent_of(place, varno);
	AclMode		checked = 0;

	if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_COMPOSITE_TYPE)
		return false;
#if PG_VERSION_NUM >= 160000
	if (rte->perminfoindex != 0)
		checked = getRTEPermissionInfo(place->query->rteperminfos, rte)->requiredPerms;
#else
	checked = rte->requiredPerms;
#endif
	if ((checked & ACL_SELECT) != 0)
		return true;
	return parent != NULL && is_readable(place, parent->parent_relid);
}

/* Add the table of range table entry varno, of which `expression` is the value. */
static void
add_source(Search *search, Place *place, int varno, Node *expression, List *conditions)
{
	RangeTblEntry *rte = rt_fetch(varno, place->query->rtable);
	BarqTextSource *source = palloc0(sizeof(BarqTextSource));

	source->table = rte->relid;
	source->varno = varno;
	source->expression = expression;
	source->conditions = conditions;
	source->readable = is_readable(place, varno);
	source->inherited = rte->inh && has_subclass(rte->relid);
	source->child = parent_of(place, varno) != NULL;
	search->sources = lappend(search->sources, source);
}

/* The expressions of a query's result columns. */
static List *
output_of(Query *query)
{
	List	   *targets = query->commandType == CMD_SELECT ? query->targetList :
		query->returningList;
	List	   *expressions = NIL;
	ListCell   *cell;

	foreach(cell, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk && target->resno == list_length(expressions) + 1)
			expressions = lappend(expressions, target->expr);
	}
	return expressions;
}

static void enter_set(Search *search, Place *place, Node *set, int varno, Node *expression,
					  List *conditions);

/*
 * Trace `expression` (over range table entry varno) into the query that defines
 * that entry's columns. Adds sources to search->sources, or sets
 * search->complete to false.
 */
static void
enter(Search *search, Place *outer, Query *query, int varno, Node *expression,
	  List *conditions)
{
	Place		place = {NULL, query, outer};
	List	   *output;

	if (query->setOperations != NULL)
	{
		enter_set(search, &place, query->setOperations, varno, expression, conditions);
		return;
	}
	output = output_of(query);
	expression = substitute(expression, varno, output);
	if (expression == NULL)
		search->complete = false;
	else
		resolve(search, &place, expression, substitute_each(conditions, varno, output));
}

/*
 * Trace `expression` (over range table entry varno) into each branch of a tree
 * of set operations in place's query that contributes rows: all of UNION, the
 * left one of INTERSECT and EXCEPT. Adds sources, or sets search->complete to
 * false.
 */
static void
enter_set(Search *search, Place *place, Node *set, int varno, Node *expression,
		  List *conditions)
{
	check_stack_depth();
	if (IsA(set, SetOperationStmt))
	{
		SetOperationStmt *operation = (SetOperationStmt *) set;

		enter_set(search, place, operation->larg, varno, expression, conditions);
		/* all rows of INTERSECT and EXCEPT come from the left side */
		if (operation->op == SETOP_UNION)
			enter_set(search, place, operation->rarg, varno, expression, conditions);
	}
	else if (IsA(set, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) set)->rtindex, place->query->rtable);

		if (rte->rtekind == RTE_SUBQUERY && rte->subquery != NULL)
			enter(search, place, rte->subquery, varno, expression, conditions);
		else
			search->complete = false;
	}
}

/*
 * Whether the search is in this CTE already. Then the CTE refers to itself, and
 * rows of the recursive branch come from the other branches. The origin of the
 * value is known only if the recursive branch passes the same expression on
 * unchanged; otherwise search->complete becomes false.
 */
static bool
is_recursion(Search *search, CommonTableExpr *cte, Node *expression)
{
	ListCell   *cell;

	foreach(cell, search->ctes)
	{
		EnteredCte *entered = lfirst(cell);

		if (entered->cte != cte)
			continue;
		if (!equal(entered->expression, expression))
			search->complete = false;
		return true;
	}
	return false;
}

/*
 * Trace `expression` (over range table entry varno) into the CTE that the entry
 * `rte` of place's query refers to. Adds sources, or sets search->complete to
 * false; search->ctes is the same afterwards.
 */
static void
enter_cte(Search *search, Place *place, RangeTblEntry *rte, int varno, Node *expression,
		  List *conditions)
{
	Place	   *at = place;
	ListCell   *cell;

	for (Index up = rte->ctelevelsup; up > 0 && at != NULL; up--)
		at = at->outer;
	if (at != NULL)
		foreach(cell, at->query->cteList)
		{
			CommonTableExpr *cte = lfirst(cell);
			EnteredCte	entered = {cte, copyObject(expression)};

			if (strcmp(cte->ctename, rte->ctename) != 0 || !IsA(cte->ctequery, Query))
				continue;
			ChangeVarNodes(entered.expression, varno, 1, 0);
			if (is_recursion(search, cte, entered.expression))
				return;
			search->ctes = lappend(search->ctes, &entered);
			enter(search, at, (Query *) cte->ctequery, varno, expression, conditions);
			search->ctes = list_delete_last(search->ctes);
			return;
		}
	search->complete = false;
}

/*
 * Trace an expression over the range table of place's query. `conditions`, over
 * the same range table, are true of its rows. Adds sources to search->sources,
 * or sets search->complete to false.
 */
static void
resolve(Search *search, Place *place, Node *expression, List *conditions)
{
	OneRelation found = {0, 0};
	RangeTblEntry *rte;

	check_stack_depth();
	expression = strip(expression);
	if (IsA(expression, SubLink) && ((SubLink *) expression)->subLinkType == EXPR_SUBLINK)
	{
		Query	   *query = (Query *) ((SubLink *) expression)->subselect;
		Var		   *column = makeVar(1, 1, exprType(expression), -1, InvalidOid, 0);

		if (IsA(query, Query))
			enter(search, place, query, 1, (Node *) column, NIL);
		else
			search->complete = false;
		return;
	}
	find_relation(expression, &found);
	if (found.varno <= 0)
	{
		search->complete = false;
		return;
	}
	while (found.levels_up > 0 && place != NULL)
	{
		place = place->outer;
		conditions = NIL;
		expression = copyObject(expression);
		IncrementVarSublevelsUp(expression, -1, found.levels_up);
		found.levels_up--;
	}
	if (place == NULL || found.varno > list_length(place->query->rtable))
	{
		search->complete = false;
		return;
	}
	rte = rt_fetch(found.varno, place->query->rtable);
	conditions = list_concat(conditions_of(place, found.varno), conditions);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			add_source(search, place, found.varno, expression, conditions);
			return;
		case RTE_SUBQUERY:
			if (rte->subquery == NULL)
				break;
			enter(search, place, rte->subquery, found.varno, expression, conditions);
			return;
		case RTE_CTE:
			enter_cte(search, place, rte, found.varno, expression, conditions);
			return;
		case RTE_JOIN:
			expression = substitute(expression, found.varno, rte->joinaliasvars);
			if (expression == NULL)
				break;
			resolve(search, place, expression, NIL);
			return;
#if PG_VERSION_NUM >= 180000
		case RTE_GROUP:
			expression = substitute(expression, found.varno, rte->groupexprs);
			if (expression == NULL)
				break;
			resolve(search, place, expression, NIL);
			return;
#endif
		default:
			break;
	}
	search->complete = false;
}

/* The query under planning and those around it; palloc'd. */
static Place *
place_of(PlannerInfo *root)
{
	Place	   *place;

	if (root == NULL)
		return NULL;
	place = palloc(sizeof(Place));
	place->root = root;
	place->query = root->parse;
	place->outer = place_of(root->parent_root);
	return place;
}

bool
barq_text_sources(PlannerInfo *root, Node *value, List **sources)
{
	Search		search = {NIL, true, NIL};

	if (root != NULL)
		resolve(&search, place_of(root), plain_columns(value, NULL), NIL);
	*sources = search.sources;
	return search.complete && search.sources != NIL;
}
