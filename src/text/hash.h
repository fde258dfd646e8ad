/*
 * hash.h
 *	  The hash of short byte strings for the tables of src/text, which are in
 *	  memory only: the hash may change at any time.
 *
 * Bytes are read in groups of eight, the last one padded with zeros. The length
 * is part of the hash, since padding hides zero bytes at the end.
 */
#ifndef BARQ_TEXT_HASH_H
#define BARQ_TEXT_HASH_H

#include "postgres.h"

/* The first eight bytes as a number, fewer padded with zeros. */
static inline uint64
barq_hash_group(const char *text, Size length)
{
	uint64		group = 0;

	if (length >= 8)
	{
		memcpy(&group, text, 8);
		return group;
	}
#ifdef WORDS_BIGENDIAN
	memcpy(&group, text, length);
#else
	if (length >= 4)
	{
		uint32		low;
		uint32		high;

		memcpy(&low, text, 4);
		memcpy(&high, text + length - 4, 4);
		group = (uint64) high << (8 * (length - 4)) | low;
	}
	else
		for (Size i = length; i > 0; i--)
			group = group << 8 | (uint8) text[i - 1];
#endif
	return group;
}

/* Both halves of the 128-bit product, folded. */
static inline uint64
barq_hash_mix(uint64 a, uint64 b)
{
	unsigned __int128 product = (unsigned __int128) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
}

/* The hash of a string whose first group is known. */
static inline uint64
barq_text_hash_rest(uint64 group, const char *text, Size length)
{
	uint64		hash = length * UINT64CONST(0x9e3779b97f4a7c15);

	while (length > 8)
	{
		hash = barq_hash_mix(hash ^ group, UINT64CONST(0xd6e8feb86659fd93));
		text += 8;
		length -= 8;
		group = barq_hash_group(text, length);
	}
	return barq_hash_mix(hash ^ group ^ UINT64CONST(0xa0761d6478bd642f),
						 UINT64CONST(0xe7037ed1a0b428db));
}

static inline uint64
barq_text_hash(const char *text, Size length)
{
	return barq_text_hash_rest(barq_hash_group(text, length), text, length);
}

#endif							/* BARQ_TEXT_HASH_H */
