/*
 * compare.h
 *	  The comparison functions of SQL that a type with a total order has.
 *
 * A btree calls these in contexts that live long, so the functions that
 * compare free the copies made by detoasting.
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
 * barq_<type>_lt and so on, ending with barq_<type>_cmp for btree;
 * compare(fcinfo) says how the two arguments compare: below 0, 0, above 0.
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
