/*
 * rotation.c
 *	  A random rotation without a matrix: rounds of sign flips and
 *	  Walsh-Hadamard transforms (Ailon & Chazelle, "The fast Johnson-
 *	  Lindenstrauss transform", SIAM J. Comput. 39, 2009; RaBitQ's own library
 *	  rotates by a relative of it).
 *
 * The rotation depends only on the number of dimensions, so codes can be
 * compared across segments, indexes and servers. It consists of float
 * additions, subtractions and multiplications in a fixed order, without
 * contraction, so every machine computes the same bits and encodes a vector to
 * the same row. (Nothing would break otherwise: a difference in the last bits
 * is far smaller than the loss of a code.)
 */
#include "codec_internal.h"

/*
 * The first round spreads even a very regular vector over all coordinates; the
 * others remove the rest of its structure.
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

/* Flip the signs of n coordinates, as random_signs(which, ...) says. */
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

/* The normalised Walsh-Hadamard transform of n coordinates, a power of two. */
static void
transform(float *x, int n)
{
	float		by = (float) (1 / sqrt((double) n));

	for (int i = 0; i < n; i++)
		x[i] *= by;
	barq_kernels->hadamard(x, n);
}

/* Rotate coordinates i and n / 2 + i of each pair by 45 degrees. */
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
 * If n is no power of two, the transform has the size of the largest power of
 * two below n, and is applied to the first coordinates, then to the last ones.
 * These may overlap only a little, so join_halves() then mixes the halves.
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
			/* otherwise the second transform would undo much of the first */
			flip(x, n, 2 * round + 1);
			transform(x + n - block, block);
			join_halves(x, n);
		}
	}
}

/* Apply the steps of barq_rotate() in reverse order; each step is its own inverse. */
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
