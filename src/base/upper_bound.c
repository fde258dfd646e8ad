/*
 * upper_bound.c
 *	  Reading conditions `expression < bound`.
 */
#include "postgres.h"

#include "base/upper_bound.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

bool
barq_read_upper_bound(Expr *clause, BarqUpperBound *bounded)
{
	OpExpr	   *op = (OpExpr *) clause;
	Node	   *operation;
	bool		below;

	if (clause == NULL || !IsA(clause, OpExpr) || list_length(op->args) != 2)
		return false;
	switch (get_opcode(op->opno))
	{
		case F_FLOAT8LT:
		case F_FLOAT84LT:
			below = true;
			bounded->inclusive = false;
			break;
		case F_FLOAT8LE:
		case F_FLOAT84LE:
			below = true;
			bounded->inclusive = true;
			break;
		case F_FLOAT8GT:
		case F_FLOAT48GT:
			below = false;
			bounded->inclusive = false;
			break;
		case F_FLOAT8GE:
		case F_FLOAT48GE:
			below = false;
			bounded->inclusive = true;
			break;
		default:
			return false;
	}
	operation = below ? linitial(op->args) : lsecond(op->args);
	bounded->bound = below ? lsecond(op->args) : linitial(op->args);
	if (!IsA(operation, OpExpr) || list_length(((OpExpr *) operation)->args) != 2)
		return false;
	bounded->operation = (OpExpr *) operation;
	if (exprType(bounded->bound) == FLOAT4OID)
		bounded->bound = (Node *) makeFuncExpr(F_FLOAT8_FLOAT4, FLOAT8OID,
											   list_make1(bounded->bound), InvalidOid,
											   InvalidOid, COERCE_IMPLICIT_CAST);
	return exprType(bounded->bound) == FLOAT8OID;
}
