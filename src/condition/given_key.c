/*
 * given_key.c
 *	  Sort keys whose value the index gives with each row.
 *
 * `SELECT id, body <@> 'words' FROM t ORDER BY 2 LIMIT 10`: the score, selected or not, is
 * a column of the scan. To compute it, each row that is returned is cut into words again,
 * a quarter of the time of a query over short texts; the index knows it to the last bit.
 *
 * In the expressions of the target list its place is taken by a CaseTestExpr, which
 * reads a value of the expression context. Only CASE and coercions of arrays give it another
 * meaning, within them, so nothing is replaced there.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "catalog/pg_type.h"
#include "condition/given_key.h"
#include "nodes/nodeFuncs.h"

/* Argument of give(). */
typedef struct Given
{
	Node	   *key;
	bool		found;
} Given;

/* Whether a node evaluates its arguments in the expression context as it is. */
static bool
keeps_context(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
			return true;
		default:
			return false;
	}
}

/* expression_tree_mutator of a Given: replaces the key. */
static Node *
give(Node *node, void *arg)
{
	Given	   *given = arg;

	if (node == NULL)
		return NULL;
	if (equal(node, given->key))
	{
		CaseTestExpr *value = makeNode(CaseTestExpr);

		value->typeId = FLOAT8OID;
		value->typeMod = -1;
		given->found = true;
		return (Node *) value;
	}
	return keeps_context(node) ? expression_tree_mutator(node, give, given) : node;
}

List *
barq_given_key(List *tlist, Node *key, bool *found)
{
	Given		given = {key, false};
	List	   *result;

	Assert(exprType(key) == FLOAT8OID);
	result = castNode(List, give((Node *) tlist, &given));
	*found = given.found;
	return result;
}

void
barq_given_key_set(CustomScanState *css, const BarqSearchNode *search)
{
	ExprContext *context = css->ss.ps.ps_ExprContext;

	context->caseValue_datum = search->scan->xs_orderbyvals[0];
	context->caseValue_isNull = search->scan->xs_orderbynulls[0];
}
