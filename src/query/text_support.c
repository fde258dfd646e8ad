/*
 * text_support.c
 *	  Planner support of <@> and @@@: which index a text query is for.
 *
 * `body <@> 'words'` names no index. When the planner simplifies the call, it
 * is replaced by `body <@> bm25query`, with the index that fits; that operator
 * is a member of the operator class, so the index can be used, and EXPLAIN
 * shows which it is. It works wherever the planner does: prepared statements
 * (a parameter is wrapped in to_bm25query), functions, views, CTEs, lateral
 * queries. A dropped index is a change to its table, which makes plans anew.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "am/text.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_support);

/* ---- from an expression to a table ---- */

/* A query and what it stands in. */
typedef struct Place
{
	Query	   *query;
	struct Place *outer;
} Place;

typedef struct OneRelation
{
	int			varno;			/* 0: none yet; -1: several */
	int			levels_up;
} OneRelation;

static bool
find_relation(Node *node, OneRelation *found)
{
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
	return expression_tree_walker(node, find_relation, (void *) found);
}

static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

static List *
as_list(Node *quals)
{
	return quals != NULL && IsA(quals, List) ? (List *) quals :
		make_ands_implicit((Expr *) quals);
}

/* Every qual of a query that has to hold for its rows, as a list. */
static void
collect_quals(Node *jointree, List **quals)
{
	if (jointree == NULL)
		return;
	if (IsA(jointree, FromExpr))
	{
		FromExpr   *from = (FromExpr *) jointree;
		ListCell   *cell;

		*quals = list_concat(*quals, as_list(from->quals));
		foreach(cell, from->fromlist)
			collect_quals(lfirst(cell), quals);
	}
	else if (IsA(jointree, JoinExpr) && ((JoinExpr *) jointree)->jointype == JOIN_INNER)
	{
		JoinExpr   *join = (JoinExpr *) jointree;

		*quals = list_concat(*quals, as_list(join->quals));
		collect_quals(join->larg, quals);
		collect_quals(join->rarg, quals);
	}
}

typedef struct Candidate
{
	Oid			index;
	bool		partial;
} Candidate;

/* Is the index's first column this expression (over range table entry 1)? */
static bool
indexes_expression(Relation index, Node *expression)
{
	AttrNumber	column = index->rd_index->indkey.values[0];

	if (column != 0)
		return IsA(expression, Var) && ((Var *) expression)->varattno == column;
	return equal(strip(linitial(RelationGetIndexExpressions(index))), expression);
}

/* The indexes of a table that fit an expression over it. */
static List *
candidates_of(Oid table, int varno, Node *expression, Query *query)
{
	Relation	rel = table_open(table, AccessShareLock);
	List	   *found = NIL;
	List	   *quals = NIL;
	Node	   *normal = copyObject(expression);
	ListCell   *cell;

	ChangeVarNodes(normal, varno, 1, 0);
	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_indam->aminsert == barq_text_insert &&
			index->rd_index->indisvalid && index->rd_index->indisready &&
			indexes_expression(index, normal))
		{
			List	   *predicate = copyObject(RelationGetIndexPredicate(index));
			bool		fits = true;

			if (predicate != NIL)
			{
				if (quals == NIL)
					collect_quals((Node *) query->jointree, &quals);
				ChangeVarNodes((Node *) predicate, 1, varno, 0);
				fits = predicate_implied_by(predicate, quals, false);
			}
			if (fits)
			{
				Candidate  *candidate = palloc(sizeof(Candidate));

				candidate->index = RelationGetRelid(index);
				candidate->partial = predicate != NIL;
				found = lappend(found, candidate);
			}
		}
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The one to take: a partial index that fits is more particular than one of
 * the whole table. ERRCODE_AMBIGUOUS_PARAMETER where that leaves several.
 */
static Oid
choose(List *candidates)
{
	StringInfoData names;
	Oid			chosen = InvalidOid;
	bool		partial = false;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, candidates)
		partial |= ((Candidate *) lfirst(cell))->partial;
	initStringInfo(&names);
	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		if (candidate->partial != partial)
			continue;
		chosen = candidate->index;
		appendStringInfo(&names, "%s\"%s\"", n++ > 0 ? ", " : "", get_rel_name(chosen));
	}
	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("several barq_bm25 indexes fit this text query: %s", names.data),
				 errhint("Name one: to_bm25query(query, 'index').")));
	return chosen;
}

static Oid
resolve(Place *place, Node *expression)
{
	OneRelation found = {0, 0};
	RangeTblEntry *rte;
	TargetEntry *target;
	Place		inner;
	Var		   *var;

	expression = strip(expression);
	find_relation(expression, &found);
	if (found.varno <= 0 || place == NULL)
		return InvalidOid;
	while (found.levels_up > 0 && place != NULL)
	{
		place = place->outer;
		expression = copyObject(expression);
		IncrementVarSublevelsUp(expression, -1, found.levels_up);
		found.levels_up--;
	}
	if (place == NULL || found.varno > list_length(place->query->rtable))
		return InvalidOid;
	rte = rt_fetch(found.varno, place->query->rtable);
	if (rte->rtekind == RTE_RELATION)
		return choose(candidates_of(rte->relid, found.varno, expression, place->query));

	/* what stands behind a column of something that is not a table */
	if (!IsA(expression, Var) || ((Var *) expression)->varattno <= 0)
		return InvalidOid;
	var = (Var *) expression;
	switch (rte->rtekind)
	{
		case RTE_SUBQUERY:
			if (rte->subquery == NULL || rte->subquery->setOperations != NULL)
				return InvalidOid;
			inner.query = rte->subquery;
			inner.outer = place;
			break;
		case RTE_CTE:
			{
				Place	   *at = place;
				ListCell   *cell;

				for (Index up = rte->ctelevelsup; up > 0 && at != NULL; up--)
					at = at->outer;
				if (at == NULL)
					return InvalidOid;
				inner.query = NULL;
				foreach(cell, at->query->cteList)
				{
					CommonTableExpr *cte = lfirst(cell);

					if (strcmp(cte->ctename, rte->ctename) == 0 && IsA(cte->ctequery, Query))
						inner.query = (Query *) cte->ctequery;
				}
				if (inner.query == NULL || inner.query->commandType != CMD_SELECT ||
					inner.query->setOperations != NULL)
					return InvalidOid;
				inner.outer = at;
				break;
			}
		case RTE_JOIN:
			if (var->varattno > list_length(rte->joinaliasvars))
				return InvalidOid;
			return resolve(place, list_nth(rte->joinaliasvars, var->varattno - 1));
#if PG_VERSION_NUM >= 180000
		case RTE_GROUP:
			if (var->varattno > list_length(rte->groupexprs))
				return InvalidOid;
			return resolve(place, list_nth(rte->groupexprs, var->varattno - 1));
#endif
		default:
			return InvalidOid;
	}
	target = get_tle_by_resno(inner.query->targetList, var->varattno);
	return target == NULL ? InvalidOid : resolve(&inner, (Node *) target->expr);
}

static Place *
place_of(PlannerInfo *root)
{
	Place	   *place;

	if (root == NULL)
		return NULL;
	place = palloc(sizeof(Place));
	place->query = root->parse;
	place->outer = place_of(root->parent_root);
	return place;
}

/* ---- the new query ---- */

/* The function to_bm25query beside another one of ours. */
static Oid
to_bm25query_function(Oid schema)
{
	Oid			types[2] = {TEXTOID, REGCLASSOID};

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("to_bm25query"),
						   PointerGetDatum(buildoidvector(types, 2)),
						   ObjectIdGetDatum(schema));
}

static Const *
query_constant(Oid type, const char *query, Size length, Oid index)
{
	return makeConst(type, -1, InvalidOid, -1,
					 PointerGetDatum(barq_query_value_make(query, length, index)),
					 false, false);
}

static Const *
index_constant(Oid index)
{
	return makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(index),
					 false, true);
}

/* Does a query still lack its index? */
static bool
lacks_index(Node *query, Oid function)
{
	if (exprType(query) == TEXTOID)
		return true;
	if (IsA(query, Const))
		return !((Const *) query)->constisnull &&
			!OidIsValid(DatumGetBarqQueryValue(((Const *) query)->constvalue)->index);
	if (IsA(query, FuncExpr) && ((FuncExpr *) query)->funcid == function)
	{
		Node	   *index = lsecond(((FuncExpr *) query)->args);

		return IsA(index, Const) && ((Const *) index)->constisnull;
	}
	return false;
}

/* The same query, for an index. */
static Node *
with_index(Node *query, Oid type, Oid function, Oid index)
{
	if (IsA(query, Const))
	{
		Const	   *constant = (Const *) query;

		if (constant->constisnull)
			return (Node *) makeNullConst(type, -1, InvalidOid);
		if (constant->consttype == TEXTOID)
		{
			text	   *words = DatumGetTextPP(constant->constvalue);

			return (Node *) query_constant(type, VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words), index);
		}
		else
		{
			BarqQueryValue *value = DatumGetBarqQueryValue(constant->constvalue);

			return (Node *) query_constant(type, value->query, barq_query_value_length(value), index);
		}
	}
	if (exprType(query) != TEXTOID)
		query = linitial(((FuncExpr *) query)->args);
	return (Node *) makeFuncExpr(function, type, list_make2(query, index_constant(index)),
								 InvalidOid, exprCollation(query), COERCE_EXPLICIT_CALL);
}

static Node *
simplify(SupportRequestSimplify *request)
{
	FuncExpr   *call = request->fcall;
	Oid			schema = get_func_namespace(call->funcid);
	Oid			function = to_bm25query_function(schema);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("bm25query"), ObjectIdGetDatum(schema));
	Node	   *value;
	Node	   *query;
	Oid			value_type;
	Oid			operator;
	Oid			index;
	OpExpr	   *result;

	if (list_length(call->args) != 2 || !OidIsValid(function) || !OidIsValid(type))
		return NULL;
	value = linitial(call->args);
	query = lsecond(call->args);
	if (!lacks_index(query, function))
		return NULL;
	index = resolve(place_of(request->root), value);
	if (!OidIsValid(index))
		return NULL;

	value_type = getBaseType(exprType(value)) == TEXTARRAYOID ? TEXTARRAYOID : TEXTOID;
	operator= GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid,
							  CStringGetDatum(call->funcresulttype == FLOAT8OID ? "<@>" : "@@@"),
							  ObjectIdGetDatum(value_type), ObjectIdGetDatum(type),
							  ObjectIdGetDatum(schema));
	if (!OidIsValid(operator))
		return NULL;
	result = (OpExpr *) make_opclause(operator, call->funcresulttype, false, (Expr *) value,
									  (Expr *) with_index(query, type, function, index),
									  InvalidOid, call->inputcollid);
	result->opfuncid = get_opcode(operator);
	result->location = call->location;
	return (Node *) result;
}

Datum
barq_text_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(simplify((SupportRequestSimplify *) request));
	PG_RETURN_POINTER(NULL);
}
