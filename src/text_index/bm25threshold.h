/*
 * bm25threshold.h
 *	  The type bm25threshold: a text query and an upper bound for `<@>`. Only the
 *	  planner makes its values, from `body <@> query < bound` (text_paths.c).
 */
#ifndef BARQ_BM25THRESHOLD_H
#define BARQ_BM25THRESHOLD_H

#include "text_index/bm25query.h"
#include "utils/float.h"

typedef struct BarqThreshold
{
	int32		vl_len_;
	uint32		inclusive;		/* 1: values equal to the bound pass; 0: not */
	float8		bound;			/* of `<@>`, so mostly negative */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* a BarqQueryValue */
} BarqThreshold;

StaticAssertDecl(offsetof(BarqThreshold, query) == 16, "its query is aligned");

#define DatumGetBarqThreshold(datum) ((BarqThreshold *) PG_DETOAST_DATUM(datum))

/* The query of a threshold: a pointer into it, or a detoasted copy, palloc'd. */
static inline BarqQueryValue *
barq_threshold_query(const BarqThreshold *threshold)
{
	return DatumGetBarqQueryValue(PointerGetDatum(threshold->query));
}

/*
 * Whether a value of `<@>` is below the bound, or equal to an inclusive one, as
 * float8 compares.
 */
static inline bool
barq_threshold_passes(const BarqThreshold *threshold, double value)
{
	int			order = float8_cmp_internal(value, threshold->bound);

	return order < 0 || (order == 0 && threshold->inclusive);
}

#endif							/* BARQ_BM25THRESHOLD_H */
