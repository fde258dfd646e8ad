/*
 * test_postings.c
 *	  Kernels for blocks of postings (src/kernels/postings_blocks.h), at every
 *	  level that this machine supports, compared with plain loops.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/bitpack.h"
#include "kernels/kernels.h"
#include "tap.h"

#define BLOCK	BARQ_PACK_BLOCK
#define TRIES	300

static uint32_t
random_below(uint32_t n)
{
	return (uint32_t) ((random_bits() >> 32) * n >> 32);
}

/* Make n ascending rows, the first at least `from`, and fill the block with NO_ROW. */
static void
random_rows(uint32_t *rows, int n, uint32_t from, uint32_t gap)
{
	for (int i = 0; i < n; i++)
	{
		rows[i] = from + random_below(gap);
		from = rows[i] + 1;
	}
	for (int i = n; i < BLOCK; i++)
		rows[i] = UINT32_MAX;
}

static void
test_unpack(const BarqKernels *k)
{
	uint32_t	numbers[BLOCK];
	uint32_t	back[BLOCK];
	uint8_t		bytes[BLOCK * 4 + 3];
	bool		same = true;

	for (int bits = 0; bits <= 32; bits++)
		for (int try = 0; try < 20; try++)
		{
			int			shift = try % 4;	/* no alignment is needed */

			for (int i = 0; i < BLOCK; i++)
				numbers[i] = bits == 0 ? 0 :
					try == 0 ? UINT32_MAX >> (32 - bits) : (uint32_t) random_bits() >> (32 - bits);
			barq_pack(numbers, BLOCK, bits, bytes + shift);
			memset(back, 0x55, sizeof(back));
			k->unpack(bytes + shift, bits, back);
			same &= memcmp(numbers, back, sizeof(back)) == 0;
		}
	tap_ok(same, "%s: unpacking gives the packed numbers, for each width", k->name);
}

static void
test_sum_gaps(const BarqKernels *k)
{
	bool		same = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint32_t	rows[BLOCK];
		uint32_t	gaps[BLOCK];
		uint32_t	first = try % 3 == 0 ? 0 : (uint32_t) random_bits();
		uint32_t	next = first;

		for (int i = 0; i < BLOCK; i++)
		{
			/* sums that wrap around, too: the caller checks for them */
			gaps[i] = try % 5 == 0 ? (uint32_t) random_bits() : random_below(1000);
			rows[i] = next + gaps[i];
			next = rows[i] + 1;
		}
		k->sum_gaps(gaps, first);
		same &= memcmp(rows, gaps, sizeof(rows)) == 0;
	}
	tap_ok(same, "%s: gaps are summed up to rows", k->name);
}

static void
test_lengths(const BarqKernels *k)
{
	uint32_t	count = 5000;
	uint8_t    *lengths = malloc(count * 4 + 3);
	bool		same = true;

	for (uint32_t i = 0; i < count * 4 + 3; i++)
		lengths[i] = (uint8_t) random_bits();
	for (int width = 1; width <= 4; width *= 2)
		for (int try = 0; try < TRIES; try++)
		{
			uint32_t	rows[BLOCK];
			uint32_t	out[BLOCK + 1];
			int			n = 1 + (int) random_below(BLOCK);

			random_rows(rows, n, 0, 39);
			if (try % 7 == 0)
				rows[n - 1] = count - 1;
			out[n] = 0x5555;
			k->gather_lengths(lengths, width, rows, n, out);
			for (int i = 0; i < n; i++)
			{
				uint32_t	wanted = 0;

				memcpy(&wanted, lengths + (size_t) rows[i] * (size_t) width, (size_t) width);
				same &= out[i] == wanted;
			}
			same &= out[n] == 0x5555;
		}
	free(lengths);
	tap_ok(same, "%s: lengths of 1, 2 and 4 bytes are gathered", k->name);
}

/* Each step in single precision is within 2^-24 of the exact value. */
static bool
near(double value, double wanted)
{
	return fabs(value - wanted) <= wanted * 6 * 0x1p-24;
}

static void
test_shares(const BarqKernels *k)
{
	bool		good = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint32_t	frequencies[BLOCK];
		uint32_t	lengths[BLOCK];
		float		out[BLOCK];
		float		base = (float) random_uniform();
		float		slope = (float) (random_uniform() / (1 + random_below(1000)));
		float		weight = (float) (random_uniform() * 30);
		int			n = 1 + (int) random_below(BLOCK);

		for (int i = 0; i < n; i++)
		{
			frequencies[i] = 1 + random_below(try % 4 == 0 ? INT32_MAX : 20);
			lengths[i] = random_below(try % 5 == 0 ? INT32_MAX : 2000);
		}
		k->bm25_shares(frequencies, lengths, n, base, slope, weight, out);
		for (int i = 0; i < n; i++)
			good &= near(out[i], (double) weight * frequencies[i] /
						 (frequencies[i] + ((double) base + (double) slope * lengths[i])));
	}
	tap_ok(good, "%s: shares are right, except for rounding", k->name);
}

static void
test_bounds(const BarqKernels *k)
{
	bool		good = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint16_t	pairs[BLOCK][12];	/* 24 bytes apart, three pairs used */
		float		out[BLOCK];
		float		base = (float) random_uniform();
		float		slope = (float) (random_uniform() / (1 + random_below(1000)));
		float		weight = (float) (random_uniform() * 30);
		int			n = 1 + (int) random_below(BLOCK);

		for (int i = 0; i < n; i++)
			for (int j = 0; j < 12; j += 2)
			{
				pairs[i][j] = (uint16_t) (random_below(4) == 0 ? 0 :
										  random_below(10) == 0 ? UINT16_MAX : random_below(50));
				pairs[i][j + 1] = (uint16_t) random_below(try % 3 == 0 ? UINT16_MAX : 100);
			}
		if (try % 4 == 0)
			base = slope = 0;
		k->bm25_bounds(pairs, sizeof(pairs[0]), 3, n, base, slope, weight, out);
		for (int i = 0; i < n; i++)
		{
			double		wanted = 0;

			for (int j = 0; j < 3; j++)
			{
				double		tf = pairs[i][2 * j];
				double		share = tf == UINT16_MAX ? weight :
					weight * tf / (tf + ((double) base + (double) slope * pairs[i][2 * j + 1]));

				if (tf > 0 && share > wanted)
					wanted = share;
			}
			good &= near(out[i], wanted);
		}
	}
	tap_ok(good, "%s: a bound is the largest share of its pairs", k->name);
}

/* The least divisor of the kernels of several fields. */
static double
divisor(double norm)
{
	return norm > 1e-30 ? norm : 1e-30;
}

static void
test_field_parts(const BarqKernels *k)
{
	bool		good = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint16_t	pairs[3 * BLOCK][8];	/* 16 bytes apart, three pairs used */
		float		out[3 * BLOCK];
		float		before[3 * BLOCK];
		float		base = try % 4 == 0 ? 0 : (float) random_uniform();
		float		slope = (float) (random_uniform() / (1 + random_below(1000)));
		float		weight = (float) (random_uniform() * 1000);
		int			n = 1 + (int) random_below(3 * BLOCK);

		for (int i = 0; i < n; i++)
		{
			before[i] = out[i] = random_below(3) == 0 ? 0 : (float) (random_uniform() * 100);
			for (int j = 0; j < 8; j += 2)
			{
				pairs[i][j] = (uint16_t) (random_below(3) == 0 ? 0 :
										  random_below(10) == 0 ? UINT16_MAX : random_below(50));
				pairs[i][j + 1] = (uint16_t) random_below(try % 3 == 0 ? UINT16_MAX : 100);
			}
		}
		k->bm25_add_parts(pairs, sizeof(pairs[0]), 3, n, base, slope, weight, out);
		for (int i = 0; i < n; i++)
		{
			double		most = 0;

			for (int j = 0; j < 6; j += 2)
				most = fmax(most, pairs[i][j] == UINT16_MAX ? (double) 1e30f :
							(double) weight * pairs[i][j] /
							divisor((double) base + (double) slope * pairs[i][j + 1]));
			good &= near(out[i], before[i] + most);
		}
	}
	tap_ok(good, "%s: the largest part of a field is added to the bounds of blocks", k->name);
}

static void
test_fields(const BarqKernels *k)
{
	bool		added = true;
	bool		saturated = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint32_t	frequencies[BLOCK];
		uint32_t	lengths[BLOCK];
		float		by_norm[BLOCK];
		float		out[BLOCK];
		float		before[BLOCK];
		float		base = try % 4 == 0 ? 0 : (float) random_uniform();
		float		slope = (float) ((1 + random_uniform()) / (1 + random_below(1000)));
		float		weight = (float) (random_uniform() * 1000);
		float		k1 = (float) (0.1 + random_uniform() * 9);
		int			n = 1 + (int) random_below(BLOCK);

		for (int i = 0; i < n; i++)
		{
			/* 0: the field is NULL; 1: it is empty; both without the term */
			lengths[i] = random_below(try % 5 == 0 ? INT32_MAX : 2000);
			frequencies[i] = lengths[i] < 2 ? 0 : random_below(try % 3 == 0 ? INT32_MAX : 20);
			before[i] = out[i] = random_below(3) == 0 ? 0 : (float) (random_uniform() * 100);
		}
		k->bm25_add_field(frequencies, lengths, n, base, slope, weight, by_norm, out);
		for (int i = 0; i < n; i++)
		{
			double		by = weight / divisor((double) base + (double) slope * ((double) lengths[i] - 1));

			added &= near(out[i], before[i] + frequencies[i] * by) && (lengths[i] < 2 || near(by_norm[i], by));
			if (random_below(10) == 0)
				out[i] = random_below(2) == 0 ? 0 : 1e35f;
			before[i] = out[i] < 1e30f ? out[i] : 1e30f;
		}
		k->bm25_saturate(out, n, k1, weight);
		for (int i = 0; i < n; i++)
			saturated &= near(out[i], (double) weight * (before[i] / ((double) before[i] + (double) k1)));
	}
	tap_ok(added, "%s: frequencies by norms of a field are added up", k->name);
	tap_ok(saturated, "%s: weighted frequencies become shares", k->name);
}

static void
test_find(const BarqKernels *k)
{
	static float buckets[4096];
	static uint32_t which[4096 + 16];
	bool		values = true,
				most = true;
	bool		rows = true;

	for (int try = 0; try < TRIES; try++)
	{
		int			n = (int) random_below(try % 2 == 0 ? BLOCK + 1 : 4096);
		float		limit = (float) random_uniform();
		uint32_t	places[BLOCK];
		uint32_t	from = (uint32_t) random_bits() >> 1;
		int			shift = (int) random_below(8);
		int			found;
		int			at = 0;

		for (int i = 0; i < 4096; i++)
			buckets[i] = random_below(8) == 0 ? limit : (float) random_uniform();
		found = k->find_at_least(buckets, n, limit, which);
		for (int i = 0; i < n; i++)
			if (buckets[i] >= limit)
				values &= at < found && which[at++] == (uint32_t) i;
		values &= at == found;
		found = k->find_at_most(buckets, n, limit, which);
		at = 0;
		for (int i = 0; i < n; i++)
			if (buckets[i] <= limit)
				most &= at < found && which[at++] == (uint32_t) i;
		most &= at == found;

		n = n > BLOCK ? BLOCK : n;
		for (int i = 0; i < n; i++)
			places[i] = from + (random_below(4096) << shift) + random_below(1u << shift);
		found = k->find_buckets(places, n, from, shift, buckets, limit, which);
		at = 0;
		for (int i = 0; i < n; i++)
			if (buckets[(places[i] - from) >> shift] >= limit)
				rows &= at < found && which[at++] == (uint32_t) i;
		rows &= at == found;
	}
	tap_ok(values, "%s: values of at least a limit are found", k->name);
	tap_ok(most, "%s: values of at most a limit are found", k->name);
	tap_ok(rows, "%s: rows whose buckets have at least a limit are found", k->name);
}

static void
test_find_rows(const BarqKernels *k)
{
	bool		good = true;

	for (int try = 0; try < TRIES; try++)
	{
		uint32_t	rows[BLOCK];
		uint32_t	wanted[BLOCK];
		uint8_t		at[BLOCK];
		int			n = 1 + (int) random_below(BLOCK);
		int			m = (int) random_below(BLOCK + 1);
		uint32_t	from = try % 3 == 0 ? 0 : (uint32_t) random_bits() >> (try % 2);

		random_rows(rows, n, from >= UINT32_MAX - 1000 ? 0 : from, 4);
		for (int i = 0; i < m; i++)
			wanted[i] = random_below(20) == 0 ? (uint32_t) random_bits() % (UINT32_MAX - 1) :
				rows[0] - 3 + random_below(4 * BLOCK);
		k->find_rows(rows, wanted, m, at);
		for (int i = 0; i < m; i++)
		{
			int			where = 0;

			while (where < n && rows[where] != wanted[i])
				where++;
			good &= wanted[i] == UINT32_MAX || at[i] == (where < n ? where : BLOCK);
		}
	}
	tap_ok(good, "%s: rows of a block are found, and other rows are not", k->name);
}

static void
test_packing(void)
{
	uint32_t	numbers[BLOCK];
	uint32_t	back[BLOCK];
	uint8_t		bytes[BLOCK * 4 + 1];
	bool		same = true;
	bool		exact = true;

	for (int bits = 0; bits <= 32; bits++)
		for (int n = 1; n <= BLOCK; n++)
		{
			for (int i = 0; i < n; i++)
				numbers[i] = bits == 0 ? 0 : (uint32_t) random_bits() >> (32 - bits);
			if (bits > 0)
				numbers[random_bits() % n] |= 1u << (bits - 1);
			exact &= barq_pack_width(numbers, n) == bits;
			memset(bytes, 0xAA, sizeof(bytes));
			barq_pack(numbers, n, bits, bytes);
			exact &= bytes[barq_pack_bytes(n, bits)] == 0xAA;
			barq_unpack(bytes, n, bits, back);
			same &= memcmp(numbers, back, n * sizeof(uint32_t)) == 0;
		}
	tap_ok(same, "unpacking gives the packed numbers, for each width and for blocks and fewer numbers");
	tap_ok(exact, "packed numbers take the bytes of barq_pack_bytes()");
}

int
main(void)
{
	int			n;
	const BarqKernels *const *levels = barq_kernels_all(&n);

	for (int i = 0; i < n; i++)
	{
		const BarqKernels *k = levels[i];

		if (!barq_kernels_supported(k))
		{
			printf("# %s: not supported by this machine\n", k->name);
			continue;
		}
		test_unpack(k);
		test_sum_gaps(k);
		test_lengths(k);
		test_shares(k);
		test_bounds(k);
		test_field_parts(k);
		test_fields(k);
		test_find(k);
		test_find_rows(k);
	}
	test_packing();
	return tap_done();
}
