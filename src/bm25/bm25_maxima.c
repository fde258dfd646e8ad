/*
 * bm25_maxima.c
 *	  Bounds of the shares of a block's postings, which hold for any k1, b and
 *	  statistics.
 *
 * A share w·tf / (tf + k1·(1 - b + b·len/avglen)) grows with tf and falls with
 * len. So it suffices to keep the (tf, len) pairs of those postings that no
 * other posting of the block beats in both, as Lucene does (Mallia, Siedlaczek &
 * Suel, "An experimental study of index compression and DAAT query processing
 * methods", 2019, keep one score). Where there are more pairs than fit, two
 * neighbours are merged into (larger tf, smaller len), which bounds both.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"

/* Whether pair a bounds all postings that pair b bounds. */
static inline bool
beats(Bm25Pair a, Bm25Pair b)
{
	return a.frequency >= b.frequency && a.length <= b.length;
}

/* Extend maxima by a pair; frequency 0: none. */
static void
add_pair(Bm25Maxima *maxima, Bm25Pair pair)
{
	Bm25Pair	kept[BM25_PAIRS + 1];
	int			n = 0;
	bool		placed = false;

	if (pair.frequency == 0)
		return;
	for (int i = 0; i < BM25_PAIRS; i++)
		if (maxima->pairs[i].frequency > 0 && beats(maxima->pairs[i], pair))
			return;

	/* by falling frequency; as no pair beats another, lengths fall as well */
	for (int i = 0; i < BM25_PAIRS; i++)
	{
		Bm25Pair	old = maxima->pairs[i];

		if (old.frequency == 0 || beats(pair, old))
			continue;
		if (!placed && pair.frequency > old.frequency)
		{
			kept[n++] = pair;
			placed = true;
		}
		kept[n++] = old;
	}
	if (!placed)
		kept[n++] = pair;

	if (n > BM25_PAIRS)
	{
		/* merge the second and third: the ends bound the largest shares */
		int			at = 1;

		kept[at].length = kept[at + 1].length;
		for (int i = at + 1; i < n - 1; i++)
			kept[i] = kept[i + 1];
		n--;
	}
	memset(maxima, 0, sizeof(*maxima));
	memcpy(maxima->pairs, kept, n * sizeof(Bm25Pair));
}

void
barq_bm25_maxima_add(Bm25Maxima *maxima, uint32 frequency, uint32 length)
{
	Bm25Pair	pair;

	pair.frequency = Min(frequency, BM25_FREQUENCY_ANY);
	pair.length = Min(length, PG_UINT16_MAX);
	add_pair(maxima, pair);
}

void
barq_bm25_maxima_add_block(Bm25Maxima *maxima, const uint32 *frequencies,
						   const uint32 *lengths, uint32 n)
{
	uint32		shortest[8];	/* by frequency, as most are low: least length */

	memset(shortest, 0xff, sizeof(shortest));
	for (uint32 i = 0; i < n; i++)
	{
		if (likely(frequencies[i] < lengthof(shortest)))
			shortest[frequencies[i]] = Min(shortest[frequencies[i]], lengths[i]);
		else
			barq_bm25_maxima_add(maxima, frequencies[i], lengths[i]);
	}
	for (uint32 tf = lengthof(shortest) - 1; tf > 0; tf--)
		if (shortest[tf] != PG_UINT32_MAX)
			barq_bm25_maxima_add(maxima, tf, shortest[tf]);
}

void
barq_bm25_maxima_merge(Bm25Maxima *maxima, const Bm25Maxima *other)
{
	for (int i = 0; i < BM25_PAIRS; i++)
		add_pair(maxima, other->pairs[i]);
}

/*
 * Rounding does not invalidate the bound. Each step of barq_bm25_share() is
 * monotone in the length, also when rounded. From tf to tf + 1 the share grows
 * by norm / (tf·(tf + 1 + norm)) of itself, far more than rounding errors,
 * unless the norm is almost 0; then the bound is raised.
 */
double
barq_bm25_maxima_bound(const Bm25Maxima *maxima, double weight, const BarqBm25Query *query)
{
	double		bound = 0;

	for (int i = 0; i < BM25_PAIRS && maxima->pairs[i].frequency > 0; i++)
	{
		double		tf = maxima->pairs[i].frequency;
		double		norm = barq_bm25_norm(query->k1, query->b, maxima->pairs[i].length,
										  query->avglen);
		double		share;

		if (maxima->pairs[i].frequency == BM25_FREQUENCY_ANY)
			share = weight * (1 + 1e-15);
		else
			share = barq_bm25_share(weight, tf, norm);
		if (norm < 1e-12 * tf * tf)
			share *= 1 + 1e-15;
		bound = Max(bound, share);
	}
	return bound;
}

/*
 * Rounding: each part of barq_bm25_wtf() is monotone in frequency and length, also when
 * rounded, and so is their sum. The share of two weighted frequencies that hardly differ
 * may be rounded in the other order, so the bound is raised.
 */
double
barq_bm25_fields_bound(const Bm25Maxima *const *maxima, double weight, uint32 fields,
					   const BarqBm25Query *query)
{
	double		wtf = 0;

	for (uint32 f = 0; f < query->nfields; f++)
	{
		double		most = 0;

		if (!barq_bm25_has_field(fields, f) || query->fields[f].avglen <= 0)
			continue;
		for (int i = 0; i < BM25_PAIRS && maxima[f]->pairs[i].frequency > 0; i++)
		{
			double		norm = barq_bm25_field_norm(&query->fields[f], maxima[f]->pairs[i].length);

			if (maxima[f]->pairs[i].frequency == BM25_FREQUENCY_ANY || norm <= 0)
				return weight * (1 + 1e-14);
			most = Max(most, query->fields[f].weight * maxima[f]->pairs[i].frequency / norm);
		}
		wtf += most;
	}
	return barq_bm25_fields_share(query, weight, wtf) * (1 + 1e-14);
}
