/*
 * upper_bound.h
 *	  Conditions that a computed number lies below a bound: `expression < bound`.
 */
#ifndef BARQ_UPPER_BOUND_H
#define BARQ_UPPER_BOUND_H

#include "postgres.h"

#include "nodes/primnodes.h"

/* A comparison of the result of an operator with an upper bound. */
typedef struct BarqUpperBound
{
	OpExpr	   *operation;		/* with two arguments */
	Node	   *bound;			/* float8 */
	bool		inclusive;
} BarqUpperBound;

/*
 * Read `operation < bound`, in any of its forms (`<=`, bound first, a float4 bound);
 * false for any other clause. *bounded refers to parts of the clause.
 */
extern bool barq_read_upper_bound(Expr *clause, BarqUpperBound *bounded);

#endif							/* BARQ_UPPER_BOUND_H */
