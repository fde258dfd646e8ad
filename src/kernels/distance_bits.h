/*
 * distance_bits.h
 *	  Part of distance.c: counts of bits in bit strings of whole bytes. Counts
 *	  are exact, so they may be added up in any order.
 */

/* The last bytes of n, from i on, and zeros; n - i < I_BYTES. */
BARQ_INLINE VI
bits_tail(const uint8_t *p, int i, int n)
{
#ifdef vi_tail
	return vi_tail(p + i, n - i);
#else
	char		buffer[I_BYTES] = {0};

	/* the last I_BYTES bytes, without those that were counted before */
	if (n >= I_BYTES)
		return vi_and(vi_load(p + n - I_BYTES), vi_load(byte_mask + n - i));
	memcpy(buffer, p, (size_t) n);
	return vi_load(buffer);
#endif
}

static uint32_t
hamming(const uint8_t *a, const uint8_t *b, int n)
{
	VI			s0 = vi_zero(),
				s1 = vi_zero();
	int			i = 0;

	for (; i + 2 * I_BYTES <= n; i += 2 * I_BYTES)
	{
		s0 = vi_add(s0, vi_bits(vi_xor(vi_load(a + i), vi_load(b + i))));
		s1 = vi_add(s1, vi_bits(vi_xor(vi_load(a + i + I_BYTES), vi_load(b + i + I_BYTES))));
	}
	if (i + I_BYTES <= n)
	{
		s0 = vi_add(s0, vi_bits(vi_xor(vi_load(a + i), vi_load(b + i))));
		i += I_BYTES;
	}
	if (i < n)
		s1 = vi_add(s1, vi_bits(vi_xor(bits_tail(a, i, n), bits_tail(b, i, n))));
	return (uint32_t) vi_sum(vi_add(s0, s1));
}

static void
jaccard_parts(const uint8_t *a, const uint8_t *b, int n,
			  uint32_t *both, uint32_t *either)
{
	VI			in_both = vi_zero(),
				in_either = vi_zero();

	for (int i = 0; i < n; i += I_BYTES)
	{
		VI			x,
					y;

		if (i + I_BYTES <= n)
		{
			x = vi_load(a + i);
			y = vi_load(b + i);
		}
		else
		{
			x = bits_tail(a, i, n);
			y = bits_tail(b, i, n);
		}
		in_both = vi_add(in_both, vi_bits(vi_and(x, y)));
		in_either = vi_add(in_either, vi_bits(vi_or(x, y)));
	}
	*both = (uint32_t) vi_sum(in_both);
	*either = (uint32_t) vi_sum(in_either);
}
