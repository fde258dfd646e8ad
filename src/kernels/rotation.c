/*
 * rotation.c
 *	  A random rotation that needs no matrix: rounds of sign flips and
 *	  Walsh-Hadamard transforms (Ailon & Chazelle, "The fast Johnson-
 *	  Lindenstrauss transform", SIAM J. Comput. 39, 2009; RaBitQ's own library
 *	  rotates by a relative of it).
 *
 * The rotation depends on the number of dimensions alone, so codes can be
 * compared across segments, indexes and servers. It is computed with float
 * additions, subtractions and multiplications in a fixed order, without
 * contraction, so it gives the same bits on every machine: a row is the same
 * whoever encodes it. (Nothing would break if it did not: two rotations that
 * differ in their last bits differ by far less than a code loses.)
 */
#include "codec_internal.h"

/*
 * One round spreads a vector that is anything but random over all
 * coordinates; the others make what is left of its structure vanish.
 */
#define ROUNDS 3

/* 64 random signs (splitmix64's finalizer; Steele et al., OOPSLA 2014). */
static uint64_t
random_signs(int which, int at)
{
	uint64_t	z = ((uint64_t) which << 32 | (uint32_t) at) + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
flip(float *x, int n, int which)
{
	for (int at = 0; at < n; at += 64)
	{
		uint64_t	signs = random_signs(which, at);

		for (int i = 0; i < 64; i++)
		{
			uint32_t	bits;

			memcpy(&bits, x + at + i, sizeof(bits));
			bits ^= (uint32_t) (signs >> i) << 31;
			memcpy(x + at + i, &bits, sizeof(bits));
		}
	}
}

static void
transform(float *x, int n)
{
	float		by = (float) (1 / sqrt((double) n));

	for (int i = 0; i < n; i++)
		x[i] *= by;
	barq_kernels->hadamard(x, n);
}

/* Turn each coordinate of the first half and its fellow of the second by 45°. */
static void
join_halves(float *x, int n)
{
	const float by = (float) sqrt(0.5);
	int			half = n / 2;

	for (int i = 0; i < half; i++)
	{
		float		a = x[i] * by;
		float		b = x[i + half] * by;

		x[i] = a + b;
		x[i + half] = a - b;
	}
}

/* The largest power of two that is no larger than n. */
static int
block_of(int n)
{
	int			block = 64;

	while (block * 2 <= n)
		block *= 2;
	return block;
}

/*
 * Rotate x in place; n is a multiple of 64. Where n is no power of two, the
 * largest one below it is transformed at the front, then at the back; the two
 * may overlap by little, so the halves are then joined.
 */
void
barq_rotate(float *x, int n)
{
	int			block = block_of(n);

	for (int round = 0; round < ROUNDS; round++)
	{
		flip(x, n, 2 * round);
		transform(x, block);
		if (block < n)
		{
			/* else the second would undo much of the first */
			flip(x, n, 2 * round + 1);
			transform(x + n - block, block);
			join_halves(x, n);
		}
	}
}

/* Each step undoes itself. */
void
barq_rotate_back(float *x, int n)
{
	int			block = block_of(n);

	for (int round = ROUNDS - 1; round >= 0; round--)
	{
		if (block < n)
		{
			join_halves(x, n);
			transform(x + n - block, block);
			flip(x, n, 2 * round + 1);
		}
		transform(x, block);
		flip(x, n, 2 * round);
	}
}
