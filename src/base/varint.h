/*
 * varint.h
 *	  Numbers of variable length: seven bits a byte, the lowest first; the top
 *	  bit of a byte says that more follow. On disk.
 */
#ifndef BARQ_VARINT_H
#define BARQ_VARINT_H

#include "postgres.h"

#define BARQ_MAX_VARINT 10		/* bytes of a uint64 at most */

/* Write a number to out[], which has room for it; returns the end. */
static inline uint8 *
barq_varint_put(uint8 *out, uint64 value)
{
	while (value >= 0x80)
	{
		*out++ = (uint8) (value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8) value;
	return out;
}

/*
 * Read the number at `in` to *value; returns its end. NULL where the number does
 * not end before `end` or has more than 64 bits.
 */
static inline const uint8 *
barq_varint_get(const uint8 *in, const uint8 *end, uint64 *value)
{
	uint64		result = 0;

	for (int shift = 0; in < end && shift < 64; shift += 7)
	{
		uint8		byte = *in++;

		result |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*value = result;
			return in;
		}
	}
	return NULL;
}

#endif							/* BARQ_VARINT_H */
