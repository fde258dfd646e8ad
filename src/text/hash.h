/*
 * hash.h
 *	  The hash of short byte strings that the tables of src/text use: in memory
 *	  only, so it may change at any time.
 */
#ifndef BARQ_TEXT_HASH_H
#define BARQ_TEXT_HASH_H

#include "postgres.h"

/* Both halves of the 128-bit product, folded. */
static inline uint64
barq_hash_mix(uint64 a, uint64 b)
{
	unsigned __int128 product = (unsigned __int128) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
}

static inline uint64
barq_text_hash(const char *text, Size length, uint64 seed)
{
	uint64		hash = seed ^ (length * UINT64CONST(0x9e3779b97f4a7c15));
	uint64		word;

	while (length > 8)
	{
		memcpy(&word, text, 8);
		hash = barq_hash_mix(hash ^ word, UINT64CONST(0xd6e8feb86659fd93));
		text += 8;
		length -= 8;
	}
	word = 0;
	if (length >= 4)
	{
		uint32		low;
		uint32		high;

		memcpy(&low, text, 4);
		memcpy(&high, text + length - 4, 4);
		word = (uint64) high << 32 | low;
	}
	else if (length > 0)
		word = (uint64) (uint8) text[0] | (uint64) (uint8) text[length / 2] << 8 |
			(uint64) (uint8) text[length - 1] << 16;
	return barq_hash_mix(hash ^ word ^ UINT64CONST(0xa0761d6478bd642f),
						 UINT64CONST(0xe7037ed1a0b428db));
}

#endif							/* BARQ_TEXT_HASH_H */
