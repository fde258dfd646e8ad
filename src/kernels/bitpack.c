/*
 * bitpack.c
 *	  Packing of small numbers, and unpacking of fewer than a block; whole
 *	  blocks are unpacked by the kernels of the level in use.
 */
#include "kernels/bitpack.h"

#include "kernels/kernels.h"

#include <string.h>

typedef uint32_t Lanes __attribute__((vector_size(16)));

/* Load 16 bytes of any alignment. */
static inline Lanes
load(const uint8_t *in)
{
	Lanes		lanes;

	memcpy(&lanes, in, sizeof(lanes));
	return lanes;
}

/* Store 16 bytes to any alignment. */
static inline void
store(void *out, Lanes lanes)
{
	memcpy(out, &lanes, sizeof(lanes));
}

int
barq_pack_width(const uint32_t *numbers, int n)
{
	uint32_t	all = 0;

	for (int i = 0; i < n; i++)
		all |= numbers[i];
	return all == 0 ? 0 : 32 - __builtin_clz(all);
}

/* Pack a block. Every caller passes a constant `bits`, so the loop unrolls. */
static inline __attribute__((always_inline)) void
pack_block(const uint32_t *numbers, const int bits, uint8_t *out)
{
	Lanes		word = {0, 0, 0, 0};
	int			used = 0;

	for (int k = 0; k < 32; k++)
	{
		Lanes		value = load((const uint8_t *) (numbers + 4 * k));

		word |= value << used;
		used += bits;
		if (used >= 32)
		{
			store(out, word);
			out += 16;
			used -= 32;
			word = used > 0 ? value >> (bits - used) : (Lanes) {
														   0, 0, 0, 0
													   };
		}
	}
}

#define EACH_WIDTH(X) \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
	X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)

void
barq_pack(const uint32_t *numbers, int n, int bits, uint8_t *out)
{
	if (n == BARQ_PACK_BLOCK)
	{
		switch (bits)
		{
#define CASE(b) case b: pack_block(numbers, b, out); break;
			EACH_WIDTH(CASE)
#undef CASE
			default:
				break;
		}
		return;
	}
	memset(out, 0, barq_pack_bytes(n, bits));
	for (size_t i = 0, bit = 0; i < (size_t) n; i++, bit += bits)
	{
		uint64_t	value = (uint64_t) numbers[i] << (bit % 8);

		for (size_t byte = bit / 8; value != 0; byte++, value >>= 8)
			out[byte] |= (uint8_t) value;
	}
}

/* Unpack fewer numbers than a block, of 1 to 32 bits, reading 8 bytes for each. */
static void
unpack_few(const uint8_t *in, int n, int bits, uint32_t *numbers)
{
	size_t		bytes = barq_pack_bytes(n, bits);
	uint64_t	low = (UINT64_C(1) << bits) - 1;
	size_t		bit = 0;
	int			i = 0;

	for (; i < n && bit / 8 + 8 <= bytes; i++, bit += bits)
	{
		uint64_t	value;

		memcpy(&value, in + bit / 8, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value = __builtin_bswap64(value);
#endif
		numbers[i] = (uint32_t) (value >> (bit % 8) & low);
	}
	for (; i < n; i++, bit += bits)
	{
		size_t		byte = bit / 8;
		uint64_t	value = 0;

		for (int j = 0; j < 5 && byte + j < bytes; j++)
			value |= (uint64_t) in[byte + j] << (8 * j);
		numbers[i] = (uint32_t) (value >> (bit % 8) & low);
	}
}

void
barq_unpack(const uint8_t *in, int n, int bits, uint32_t *numbers)
{
	if (n == BARQ_PACK_BLOCK)
		barq_kernels->unpack(in, bits, numbers);
	else if (bits == 0)
		memset(numbers, 0, sizeof(uint32_t) * n);
	else
		unpack_few(in, n, bits, numbers);
}

void
barq_unpack_rows(const uint8_t *in, int n, int bits, uint32_t first, uint32_t *rows)
{
	barq_unpack(in, n, bits, rows);
	if (n == BARQ_PACK_BLOCK)
		barq_kernels->sum_gaps(rows, first);
	else
		for (int i = 0; i < n; i++)
			first = (rows[i] += first) + 1;
}
