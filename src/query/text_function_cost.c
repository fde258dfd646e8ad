/*
 * text_function_cost.c
 *	  What <@>, @@@ and <@@ cost where they are computed from the text itself.
 *
 * The functions' COST in the catalog is that of a text of some hundred words.
 * Most of it is the parser's work, which grows with the text; so where the text
 * is a column whose width ANALYZE knows, the planner is told what that width
 * costs. Else short texts, of which thousands are scored in a millisecond, are
 * sorted too seldom.
 */
#include "postgres.h"

#include "am/am.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "query/text_binding.h"
#include "utils/lsyscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_cost_support);

/* In cheap operators: of a call, and of a byte of the text. */
#define CALL_COST	40
#define BYTE_COST	1.5

bool
barq_text_function_cost(SupportRequestCost *request)
{
	List	   *args = NIL;
	Var		   *value;
	RangeTblEntry *rte;
	int32		width;

	if (request->root == NULL || request->node == NULL)
		return false;
	if (IsA(request->node, FuncExpr))
		args = ((FuncExpr *) request->node)->args;
	else if (IsA(request->node, OpExpr))
		args = ((OpExpr *) request->node)->args;
	if (args == NIL)
		return false;
	value = linitial(args);
	while (IsA(value, RelabelType))
		value = (Var *) ((RelabelType *) value)->arg;
	if (!IsA(value, Var) || value->varlevelsup != 0 || IS_SPECIAL_VARNO(value->varno) ||
		value->varattno <= 0)
		return false;
	rte = planner_rt_fetch(value->varno, request->root);
	if (rte->rtekind != RTE_RELATION)
		return false;
	width = get_attavgwidth(rte->relid, value->varattno);
	/* of values that lie out of line the width is a pointer's */
	if (width <= 0 || barq_toast_pages(rte->relid) > 0)
		return false;
	request->startup = 0;
	request->per_tuple = cpu_operator_cost * (CALL_COST + BYTE_COST * width);
	return true;
}

/* Of functions that have nothing else to tell the planner. */
Datum
barq_text_cost_support(PG_FUNCTION_ARGS)
{
	Node	   *node = (Node *) PG_GETARG_POINTER(0);

	if (IsA(node, SupportRequestCost) &&
		barq_text_function_cost((SupportRequestCost *) node))
		PG_RETURN_POINTER(node);
	PG_RETURN_POINTER(NULL);
}
