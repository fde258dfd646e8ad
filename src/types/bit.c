/*
 * bit.c
 *	  Distances between two values of PostgreSQL's type bit. The bits behind the
 *	  last one of a value are zero, and so add nothing to a count.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "kernels/kernels.h"
#include "kernels/measure.h"
#include "types/check.h"
#include "utils/varbit.h"

PG_FUNCTION_INFO_V1(barq_hamming_distance);
PG_FUNCTION_INFO_V1(barq_jaccard_distance);

void
barq_bit_lengths_differ(int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different bit lengths %u and %u", (uint32) a, (uint32) b)));
	pg_unreachable();
}

/* Raise ERRCODE_DATA_EXCEPTION unless both values have the same number of bits. */
static void
check_lengths(const VarBit *a, const VarBit *b)
{
	if (VARBITLEN(a) != VARBITLEN(b))
		barq_bit_lengths_differ(VARBITLEN(a), VARBITLEN(b));
}

/* hamming_distance(bit, bit): number of bits that differ */
Datum
barq_hamming_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	uint32		distance;

	check_lengths(a, b);
	distance = barq_kernels->hamming(VARBITS(a), VARBITS(b), VARBITBYTES(a));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8((double) distance);
}

/*
 * jaccard_distance(bit, bit): 1 - (bits set in both) / (bits set in either), and
 * 1 if no bit is set in both.
 */
Datum
barq_jaccard_distance(PG_FUNCTION_ARGS)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	uint32		both;
	uint32		either;

	check_lengths(a, b);
	barq_kernels->jaccard_parts(VARBITS(a), VARBITS(b), VARBITBYTES(a), &both, &either);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(barq_jaccard(both, either));
}
