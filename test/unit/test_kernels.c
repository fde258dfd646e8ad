/*
 * test_kernels.c
 *	  Every kernel of every level that this machine supports: its result is that
 *	  of a plain loop in double or in 64-bit integers, its batched form gives the
 *	  same bits as the single one, and it reads or writes nothing outside of its
 *	  operands.
 */
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define MAX_DIMS 16000
#define ROWS 11

/*
 * Operands end before an inaccessible page, so that reading beyond their end
 * ends the program. Odd lengths produce all alignments.
 */
static char *
fenced(size_t bytes)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	size_t		size = (bytes + page - 1) / page * page;
	char	   *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE) != 0)
		exit(2);
	return p + size;
}

static char *a_end,
		   *b_end,
		   *ha_end,
		   *hb_end,
		   *ua_end,
		   *ub_end,
		   *s_end,
		   *rows_end;

static bool
near(double got, double want, double size, int n)
{
	return fabs(got - want) <= (n + 2) * 0x1p-24 * size + 1e-40;
}

static bool
check_floats(const BarqKernels *k, int n)
{
	float	   *a = (float *) a_end - n;
	float	   *b = (float *) b_end - n;
	uint16_t   *ha = (uint16_t *) ha_end - n;
	uint16_t   *hb = (uint16_t *) hb_end - n;
	double		l2 = 0,
				ip = 0,
				l1 = 0,
				aa = 0,
				bb = 0,
				size = 0;
	float		ab_f,
				aa_f,
				bb_f;
	bool		ok = true;

	/* halves hold these values exactly, so all kernels have the same result */
	for (int i = 0; i < n; i++)
	{
		a[i] = (float) (random_normal() * 3);
		b[i] = (float) (random_normal() * 3 + 0.5);
	}
	k->f32_to_f16(a, ha, n);
	k->f32_to_f16(b, hb, n);
	k->f16_to_f32(ha, a, n);
	k->f16_to_f32(hb, b, n);
	for (int i = 0; i < n; i++)
	{
		double		x = a[i],
					y = b[i];

		l2 += (x - y) * (x - y);
		ip += x * y;
		l1 += fabs(x - y);
		aa += x * x;
		bb += y * y;
		size += fabs(x * y);
	}
	ok &= near(k->l2sq(a, b, n), l2, l2, n);
	ok &= near(k->ip(a, b, n), ip, size, n);
	ok &= near(k->l1(a, b, n), l1, l1, n);
	ok &= near(k->l2sq_f16(a, hb, n), l2, l2, n);
	ok &= near(k->ip_f16(a, hb, n), ip, size, n);
	ok &= near(k->l1_f16(a, hb, n), l1, l1, n);
	ok &= near(k->l2sq_f16f16(ha, hb, n), l2, l2, n);
	ok &= near(k->ip_f16f16(ha, hb, n), ip, size, n);
	ok &= near(k->l1_f16f16(ha, hb, n), l1, l1, n);
	k->cosine_parts(a, b, n, &ab_f, &aa_f, &bb_f);
	ok &= near(ab_f, ip, size, n) && near(aa_f, aa, aa, n) && near(bb_f, bb, bb, n);
	return ok;
}

/* how: 0 random, 1 all extreme, 2 extreme with alternating signs */
static bool
check_codes(const BarqKernels *k, int n, int how)
{
	uint8_t    *ua = (uint8_t *) ua_end - n;
	uint8_t    *ub = (uint8_t *) ub_end - n;
	int8_t	   *s = (int8_t *) s_end - n;
	float	   *q = (float *) a_end - n;
	int64_t		us = 0,
				uu = 0;
	double		ip = 0,
				size = 0,
				l1 = 0,
				l1_size = 0,
				codes_l1 = 0,
				codes_size = 0;
	float		sa = 0.0625f,
				oa = -3.5f,
				sb = 0.03f,
				ob = -2.25f;

	for (int i = 0; i < n; i++)
	{
		ua[i] = how == 0 ? (uint8_t) random_bits() : 255;
		ub[i] = how == 0 ? (uint8_t) random_bits() : how == 1 ? 255 : i % 2 * 255;
		s[i] = how == 0 ? (int8_t) random_bits() : how == 1 ? -128 : i % 3 == 0 ? -128 : 127;
		q[i] = (float) (random_normal() * 4);
		us += (int64_t) ua[i] * s[i];
		uu += (int64_t) ua[i] * ub[i];
		ip += (double) q[i] * ua[i];
		size += fabs((double) q[i] * ua[i]);
		l1 += fabs(q[i] - ((double) oa + (double) sa * ua[i]));
		l1_size += fabs(q[i]) + fabs(oa) + sa * ua[i];
		codes_l1 += fabs(((double) oa + (double) sa * ua[i]) -
						 ((double) ob + (double) sb * ub[i]));
		codes_size += fabs(oa) + sa * ua[i] + fabs(ob) + sb * ub[i];
	}
	return k->ip_u8s8(ua, s, n) == us && k->ip_u8u8(ua, ub, n) == uu &&
		near(k->ip_f32u8(q, ua, n), ip, size, n) &&
		near(k->l1_f32u8(q, ua, sa, oa, n), l1, l1_size, n + 4) &&
		near(k->l1_u8u8(ua, sa, oa, ub, sb, ob, n), codes_l1, codes_size, n + 4);
}

/* Rows lie `stride` bytes apart, and the last one ends at the fence. */
static bool
check_batches(const BarqKernels *k, int n, size_t element, int nrows, bool with_ids)
{
	size_t		stride = (size_t) n * element + (element == 1 ? random_bits() % 3 : 0);
	char	   *base = rows_end - stride * (ROWS - 1) - (size_t) n * element;
	uint32_t	ids[ROWS];
	float	   *q = (float *) a_end - n;
	uint8_t    *uq = (uint8_t *) ua_end - n;
	int8_t	   *sq = (int8_t *) s_end - n;
	float		out[3][ROWS];
	int32_t		out_s[ROWS];
	uint32_t	out_u[ROWS];
	bool		ok = true;

	for (int i = 0; i < ROWS; i++)
		ids[i] = (uint32_t) (random_bits() % ROWS);
	for (int i = 0; i < n; i++)
	{
		q[i] = (float) random_normal();
		uq[i] = (uint8_t) random_bits();
		sq[i] = (int8_t) random_bits();
	}
	for (int r = 0; r < ROWS; r++)
	{
		char	   *row = base + (size_t) r * stride;

		for (int i = 0; i < n; i++)
		{
			float		f = (float) random_normal();

			if (element == 4)
				((float *) row)[i] = f;
			else if (element == 2)
				k->f32_to_f16(&f, (uint16_t *) row + i, 1);
			else
				row[i] = (char) random_bits();
		}
	}
	if (element == 4)
	{
		k->l2sq_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[0]);
		k->ip_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[1]);
		k->l1_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[2]);
	}
	else if (element == 2)
	{
		k->l2sq_f16_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[0]);
		k->ip_f16_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[1]);
		k->l1_f16_batch(q, base, stride, with_ids ? ids : NULL, nrows, n, out[2]);
	}
	else
	{
		k->ip_u8s8_batch(sq, base, stride, with_ids ? ids : NULL, nrows, n, out_s);
		k->ip_u8u8_batch(uq, base, stride, with_ids ? ids : NULL, nrows, n, out_u);
	}
	for (int i = 0; i < nrows; i++)
	{
		const void *row = base + (with_ids ? ids[i] : (size_t) i) * stride;
		float		want[3];

		if (element == 1)
		{
			ok &= out_s[i] == k->ip_u8s8(row, sq, n) && out_u[i] == k->ip_u8u8(uq, row, n);
			continue;
		}
		want[0] = element == 4 ? k->l2sq(q, row, n) : k->l2sq_f16(q, row, n);
		want[1] = element == 4 ? k->ip(q, row, n) : k->ip_f16(q, row, n);
		want[2] = element == 4 ? k->l1(q, row, n) : k->l1_f16(q, row, n);
		for (int m = 0; m < 3; m++)
			ok &= memcmp(&want[m], &out[m][i], sizeof(float)) == 0;
	}
	return ok;
}

/* All 65,536 halves to floats and back, and the rounding between neighbours. */
static bool
check_halves(const BarqKernels *k)
{
	for (uint32_t h = 0; h < 65536; h++)
	{
		uint16_t	half = (uint16_t) h,
					back;
		int			exponent = (half >> 10) & 31,
					mantissa = half & 1023;
		double		want = exponent == 0 ? ldexp(mantissa, -24) :
			ldexp(1024 + mantissa, exponent - 25);
		float		f;

		k->f16_to_f32(&half, &f, 1);
		k->f32_to_f16(&f, &back, 1);
		if (exponent == 31)
		{
			if (mantissa == 0 ? back != half || !isinf(f) || (signbit(f) != 0) != half >> 15
				: !isnan(f) || (back & 0x7fff) <= 0x7c00)
				return false;
			continue;
		}
		if (f != (half & 0x8000 ? -want : want) || back != half)
			return false;
		if ((half & 0x7fff) < 0x7bff)
		{
			/* the value halfway to the next half rounds to the even one */
			uint16_t	next = (uint16_t) (half + 1),
						even = half & 1 ? next : half,
						got[3];
			float		upper,
						three[3];

			k->f16_to_f32(&next, &upper, 1);
			three[1] = (f + upper) / 2;
			three[0] = nextafterf(three[1], f);
			three[2] = nextafterf(three[1], upper);
			k->f32_to_f16(three, got, 3);
			if (got[0] != half || got[1] != even || got[2] != next)
				return false;
		}
	}
	return true;
}

/* The kernels' counts are those of bits counted one by one, in n bytes. */
static bool
check_bits(const BarqKernels *k, int n)
{
	uint8_t    *a = (uint8_t *) ua_end - n;
	uint8_t    *b = (uint8_t *) ub_end - n;
	uint32_t	differ = 0,
				both = 0,
				either = 0,
				got_both,
				got_either;

	for (int i = 0; i < n; i++)
	{
		/* counts would overflow first for strings of ones */
		a[i] = random_bits() % 8 < 3 ? 0xff : (uint8_t) random_bits();
		b[i] = random_bits() % 8 < 3 ? (uint8_t) ~a[i] : (uint8_t) random_bits();
		for (int bit = 1; bit < 256; bit *= 2)
		{
			differ += ((a[i] ^ b[i]) & bit) != 0;
			both += (a[i] & b[i] & bit) != 0;
			either += ((a[i] | b[i]) & bit) != 0;
		}
	}
	k->jaccard_parts(a, b, n, &got_both, &got_either);
	return k->hamming(a, b, n) == differ && k->hamming(a, a, n) == 0 &&
		got_both == both && got_either == either;
}

int
main(void)
{
	static const int large[] = {2047, 2048, 3072, 4095, 4096, 8191, 15999, 16000};
	int			nlevels;
	const BarqKernels *const *levels = barq_kernels_all(&nlevels);

	a_end = fenced(MAX_DIMS * 4);
	b_end = fenced(MAX_DIMS * 4);
	ha_end = fenced(MAX_DIMS * 2);
	hb_end = fenced(MAX_DIMS * 2);
	ua_end = fenced(MAX_DIMS);
	ub_end = fenced(MAX_DIMS);
	s_end = fenced(MAX_DIMS);
	rows_end = fenced((size_t) MAX_DIMS * 4 * ROWS);

	tap_ok(barq_kernels != NULL && strcmp(barq_kernels->name, "baseline") == 0,
		   "the baseline is in use until a level is chosen");
	barq_kernels_init();
	tap_ok(barq_kernels_supported(barq_kernels), "the chosen level, %s, is supported",
		   barq_kernels->name);
	tap_ok(!barq_kernels_select("sse9") && !barq_kernels_available("sse9"),
		   "an unknown level is refused");
	tap_ok(barq_kernels_select("baseline") && strcmp(barq_kernels->name, "baseline") == 0 &&
		   barq_kernels_select("auto"), "a level can be chosen by its name");

	for (int l = 0; l < nlevels; l++)
	{
		const BarqKernels *k = levels[l];
		int			bad[5] = {0};

		if (!barq_kernels_supported(k))
		{
			tap_ok(true, "%s # SKIP not on this machine", k->name);
			continue;
		}
		for (int i = 1; i <= 2000 + (int) (sizeof(large) / sizeof(large[0])); i++)
		{
			int			n = i <= 2000 ? i : large[i - 2001];

			if (!bad[0] && !check_floats(k, n))
				bad[0] = n;
			for (int how = 0; how < 3; how++)
				if (!bad[1] && !check_codes(k, n, how))
					bad[1] = n;
			if (!bad[4] && !check_bits(k, n))
				bad[4] = n;
			if (n > 600 && n % 37 != 0 && n <= 2000)
				continue;
			for (size_t element = 1; element <= 4; element *= 2)
				if (!bad[2] && !check_batches(k, n, element, 1 + (int) (random_bits() % ROWS),
											  random_bits() % 2))
					bad[2] = n;
		}
		bad[3] = !check_halves(k);
		tap_ok(!bad[0], "%s: sums of floats and halves are right (first wrong at %d)", k->name, bad[0]);
		tap_ok(!bad[1], "%s: sums over codes are right (first wrong at %d)", k->name, bad[1]);
		tap_ok(!bad[2], "%s: batched and single forms give the same bits (first wrong at %d)", k->name, bad[2]);
		tap_ok(!bad[3], "%s: halves convert to floats and back, and floats round to the nearest half", k->name);
		tap_ok(!bad[4] && check_bits(k, 0), "%s: counts of bits are right (first wrong at %d)", k->name, bad[4]);
	}
	return tap_done();
}
