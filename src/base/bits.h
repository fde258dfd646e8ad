/*
 * bits.h
 *	  Bitmaps of rows: row 0 is the lowest bit of the first byte.
 */
#ifndef BARQ_BITS_H
#define BARQ_BITS_H

#include "postgres.h"

/* Bytes of a bitmap of n bits. */
static inline Size
barq_bits_bytes(uint64 n)
{
	return (Size) ((n + 7) / 8);
}

static inline bool
barq_bit_is_set(const uint8 *bits, uint64 n)
{
	return (bits[n >> 3] & (1 << (n & 7))) != 0;
}

static inline void
barq_bit_set(uint8 *bits, uint64 n)
{
	bits[n >> 3] |= (uint8) (1 << (n & 7));
}

static inline void
barq_bit_clear(uint8 *bits, uint64 n)
{
	bits[n >> 3] &= (uint8) ~(1 << (n & 7));
}

/*
 * The clear bits among the 64 that begin at bit 64 * word, the first of them
 * lowest; bits from n on count as set.
 */
static inline uint64
barq_bits_clear_word(const uint8 *bits, uint32 n, uint32 word)
{
	uint32		bytes = (n + 7) / 8 - word * 8;
	uint32		rows = n - word * 64;
	uint64		set = 0;

	bits += (Size) word * 8;
#ifndef WORDS_BIGENDIAN
	if (likely(rows >= 64))
	{
		memcpy(&set, bits, sizeof(set));
		return ~set;
	}
#endif
	for (uint32 i = 0; i < Min(bytes, 8); i++)
		set |= (uint64) bits[i] << (8 * i);
	return ~set & (rows < 64 ? (UINT64CONST(1) << rows) - 1 : PG_UINT64_MAX);
}

/* Elements behind the last that barq_bits_list_clear() writes may be overwritten. */
#define BARQ_BITS_LIST_SPARE	2

/*
 * Write the numbers of the clear bits among the first n to list[], ascending; the
 * caller knows how many there are, and has room for BARQ_BITS_LIST_SPARE more. Returns
 * their number. Most words have two at most, in no order that a branch could foresee: so
 * two are written of each, and count as far as they are there.
 */
static inline uint32
barq_bits_list_clear(const uint8 *bits, uint32 n, uint32 *list)
{
	const uint64 last = UINT64CONST(1) << 63;
	uint32		count = 0;

	for (uint32 first = 0; first < n; first += 64)
	{
		uint64		word = barq_bits_clear_word(bits, n, first / 64);
		uint64		second = word & (word - 1);

		list[count] = first + __builtin_ctzll(word | last);
		list[count + 1] = first + __builtin_ctzll(second | last);
		count += (word != 0) + (second != 0);
		if (unlikely(second != 0))
			for (word = second & (second - 1); word != 0; word &= word - 1)
				list[count++] = first + __builtin_ctzll(word);
	}
	return count;
}

#endif							/* BARQ_BITS_H */
