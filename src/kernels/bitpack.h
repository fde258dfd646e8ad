/*
 * bitpack.h
 *	  Packs small numbers into as few bits as the largest of them needs.
 *
 * A block has 128 numbers, interleaved over four 32-bit lanes: number 4k + l is
 * the k-th of lane l, so that a vector register of 16 bytes unpacks four at
 * once (Lemire & Boytsov, Decoding billions of integers per second through
 * vectorization, 2015). It takes 16 bytes for each bit of width. If there are
 * fewer numbers, they are packed one after the other, lowest bit first.
 */
#ifndef BARQ_BITPACK_H
#define BARQ_BITPACK_H

#include <stddef.h>
#include <stdint.h>

#define BARQ_PACK_BLOCK 128

/* Bits that the largest of n numbers needs: 0 to 32. */
extern int	barq_pack_width(const uint32_t *numbers, int n);

/* Bytes of n packed numbers of `bits` bits each. */
static inline size_t
barq_pack_bytes(int n, int bits)
{
	return n == BARQ_PACK_BLOCK ? (size_t) 16 * bits : ((size_t) n * bits + 7) / 8;
}

/*
 * Pack n <= BARQ_PACK_BLOCK numbers of at most `bits` bits into out, which has
 * barq_pack_bytes(n, bits) bytes, and unpack them. in and out need no alignment.
 */
extern void barq_pack(const uint32_t *numbers, int n, int bits, uint8_t *out);
extern void barq_unpack(const uint8_t *in, int n, int bits, uint32_t *numbers);

/*
 * Unpack n gaps, row - previous - 1, and sum them up to rows. The first gap is
 * that from `first`, the least possible row. Overflow wraps.
 */
extern void barq_unpack_rows(const uint8_t *in, int n, int bits, uint32_t first,
							 uint32_t *rows);

#endif							/* BARQ_BITPACK_H */
