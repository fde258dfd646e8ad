/*
 * array.h
 *	  Arrays that grow by doubling.
 */
#ifndef BARQ_ARRAY_H
#define BARQ_ARRAY_H

#include "postgres.h"

#include "utils/memutils.h"

/*
 * Grow an array to hold at least `needed` elements of `width` bytes; its space
 * at least doubles and is never below `least`. `most`: elements that the
 * caller's counter can count. NULL is allocated in the current memory context,
 * an array given is reallocated where it lies. Updates *space and returns the
 * array. ERRCODE_PROGRAM_LIMIT_EXCEEDED where `needed` is above `most`.
 */
static inline void *
barq_array_grow(void *array, Size *space, Size needed, Size least, Size most, Size width)
{
	Size		wanted = Max(Max(needed, least), *space < most / 2 ? *space * 2 : most);

	if (needed > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many elements of %zu bytes in memory: %zu", width, needed)));
	*space = wanted;
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, wanted * width) :
		repalloc_huge(array, wanted * width);
}

/* The largest value of an integer expression's type, of 4 bytes or of 8. */
#define BARQ_MAX_OF(x) \
	(sizeof(x) > 4 ? (Size) PG_INT64_MAX : \
	 (__typeof__(x)) -1 > 0 ? (Size) PG_UINT32_MAX : (Size) PG_INT32_MAX)

/*
 * Make room for `needed` elements in `array` (a pointer to its elements, NULL at
 * first), whose room for `space` elements is updated. `least`: room from the
 * start. See barq_array_grow().
 */
#define BARQ_ARRAY_RESERVE(array, space, needed, least) \
	do { \
		if (unlikely((Size) (needed) > (Size) (space))) \
		{ \
			Size		space_ = (Size) (space); \
 \
			(array) = barq_array_grow((array), &space_, (needed), (least), \
									  BARQ_MAX_OF(space), sizeof(__typeof__(*(array)))); \
			(space) = space_; \
		} \
	} while (0)

#endif							/* BARQ_ARRAY_H */
