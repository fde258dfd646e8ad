/*
 * scored.h
 *	  Counts the codes that searches score: the linker sends their calls of
 *	  barq_query_keys() here (build.sh).
 */
#ifndef BARQ_BENCH_SCORED_H
#define BARQ_BENCH_SCORED_H

#include "kernels/kernels.h"

static uint64 scored = 0;

extern void __real_barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
								   const uint32_t *ids, int n, float *keys);
extern void __wrap_barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
								   const uint32_t *ids, int n, float *keys);

void
__wrap_barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
					   const uint32_t *ids, int n, float *keys)
{
	scored += n;
	__real_barq_query_keys(query, base, stride, ids, n, keys);
}

#endif							/* BARQ_BENCH_SCORED_H */
