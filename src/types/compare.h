/*
 * compare.h
 *	  Defines the SQL comparison functions of a type with a total order.
 *
 * A btree calls these functions in memory contexts that live long, so the
 * `compare` functions have to free the copies made by detoasting.
 */
#ifndef BARQ_COMPARE_H
#define BARQ_COMPARE_H

#include "postgres.h"

#include "fmgr.h"

#define BARQ_COMPARISON(name, result, compare) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		int			order = compare(fcinfo); \
		\
		result; \
	} \
	extern int	no_such_variable

/*
 * Define barq_<type>_lt, _le, _eq, _ne, _ge, _gt and, for btree, _cmp.
 * compare(fcinfo) returns less than, equal to or more than 0 as the first
 * argument is less than, equal to or greater than the second.
 */
#define BARQ_COMPARISONS(type, compare) \
	BARQ_COMPARISON(barq_##type##_lt, PG_RETURN_BOOL(order < 0), compare); \
	BARQ_COMPARISON(barq_##type##_le, PG_RETURN_BOOL(order <= 0), compare); \
	BARQ_COMPARISON(barq_##type##_eq, PG_RETURN_BOOL(order == 0), compare); \
	BARQ_COMPARISON(barq_##type##_ne, PG_RETURN_BOOL(order != 0), compare); \
	BARQ_COMPARISON(barq_##type##_ge, PG_RETURN_BOOL(order >= 0), compare); \
	BARQ_COMPARISON(barq_##type##_gt, PG_RETURN_BOOL(order > 0), compare); \
	BARQ_COMPARISON(barq_##type##_cmp, PG_RETURN_INT32(order), compare)

#endif							/* BARQ_COMPARE_H */
