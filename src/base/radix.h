/*
 * radix.h
 *	  Sorting by numbers of up to 64 bits, RADIX_BITS of them at a time. Define and include:
 *
 *	  RADIX_SORT		name of the function
 *	  RADIX_TYPE		type of an element
 *	  RADIX_KEY(e)		its number, of an element (not a pointer)
 *
 * static RADIX_TYPE *RADIX_SORT(RADIX_TYPE *array, RADIX_TYPE *spare, Size n): sort n
 * elements; `spare` has room for as many. Returns the array, of the two, that holds the
 * result. Elements with equal numbers keep their order. Only bits in which numbers differ
 * take a pass. Checks for interrupts.
 */
#include "base/interrupts.h"
#include "port/pg_bitutils.h"

#define RADIX_BITS	11
#define RADIX		(1 << RADIX_BITS)

static RADIX_TYPE *
RADIX_SORT(RADIX_TYPE *array, RADIX_TYPE *spare, Size n)
{
	uint64		differ = 0;

	for (Size i = 1; i < n; i++)
		differ |= RADIX_KEY(array[i]) ^ RADIX_KEY(array[0]);
	while (differ != 0)
	{
		int			shift = pg_rightmost_one_pos64(differ);
		Size		starts[RADIX] = {0};
		Size		sum = 0;
		RADIX_TYPE *swap = array;

		barq_check_interrupts();
		for (Size i = 0; i < n; i++)
			starts[(RADIX_KEY(array[i]) >> shift) & (RADIX - 1)]++;
		for (int i = 0; i < RADIX; i++)
		{
			Size		count = starts[i];

			starts[i] = sum;
			sum += count;
		}
		for (Size i = 0; i < n; i++)
			spare[starts[(RADIX_KEY(array[i]) >> shift) & (RADIX - 1)]++] = array[i];
		array = spare;
		spare = swap;
		differ &= ~((uint64) (RADIX - 1) << shift);
	}
	return array;
}

#undef RADIX_SORT
#undef RADIX_TYPE
#undef RADIX_KEY
#undef RADIX_BITS
#undef RADIX
