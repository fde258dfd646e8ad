/*
 * bm25_document.c
 *	  Score and conditions of one encoded document: a row of the growing log, or
 *	  a row that is re-checked.
 */
#include "postgres.h"

#include "bm25/bm25_conditions.h"
#include "kernels/kernels.h"

/* The occurrences of a query's term in the document. */
typedef struct Held
{
	uint32		frequency;		/* in the fields in which the term counts */
	uint32		npositions;
	uint32	   *positions;		/* NULL where it keeps none */

	/* of a document of several fields, in place of positions */
	uint32		frequencies[BARQ_BM25_FIELDS];
	uint32		field_npositions[BARQ_BM25_FIELDS];
	uint32	   *field_positions[BARQ_BM25_FIELDS];
} Held;

/*
 * The fields in which a prefix or a pool of the query stands for a term of the document (0:
 * all): those of the query's term, and of the expansion.
 */
static uint32
expands(const BarqBm25Term *term, const char *text, uint32 length)
{
	uint32		low = 0;
	uint32		high = term->nexpansions;

	if (term->nalternatives == 0 &&
		(length < term->text.length || memcmp(text, term->text.text, term->text.length) != 0))
		return BARQ_BM25_NO_FIELDS;
	if (term->weight == 0)
		return term->fields;	/* a condition: all that begin like this */
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		int			order = barq_compare_terms(term->expansions[middle].text,
											   term->expansions[middle].length,
											   text, length);

		if (order == 0)
			return barq_bm25_both_fields(term->fields, term->expansions[middle].fields);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return BARQ_BM25_NO_FIELDS;
}

/* Number of the query's first term that is not before a text; nterms: none. */
static uint32
first_at_least(const BarqBm25Query *query, const char *text, uint32 length)
{
	uint32		low = 0;
	uint32		high = query->nterms;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (barq_compare_terms(query->terms[middle].text.text,
							   query->terms[middle].text.length, text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Merge two ascending lists of positions into a palloc'd one. */
static uint32 *
merge_positions(const uint32 *a, uint32 na, const uint32 *b, uint32 nb)
{
	uint32	   *both = palloc_extended(sizeof(uint32) * ((Size) na + nb), MCXT_ALLOC_HUGE);
	uint32		i = 0;
	uint32		j = 0;

	while (i < na || j < nb)
	{
		bool		first = j == nb || (i < na && a[i] <= b[j]);

		both[i + j] = first ? a[i] : b[j];
		i += first;
		j += !first;
	}
	return both;
}

/* hold() of a document of several fields; fields: those in which the term counts. */
static void
hold_fields(Held *held, const BarqDocumentReader *reader, uint32 fields)
{
	uint32	   *positions = NULL;
	uint32		at = 0;

	if (reader->positions != NULL)
	{
		positions = palloc_extended(sizeof(uint32) * (Size) reader->frequency, MCXT_ALLOC_HUGE);
		barq_document_positions(reader, positions);
	}
	for (uint32 f = 0; f < reader->nfields; at += reader->frequencies[f++])
	{
		uint32		frequency = reader->frequencies[f];

		if (frequency == 0 || !barq_bm25_has_field(fields, f))
			continue;
		held->frequency = (uint32) Min((uint64) held->frequency + frequency, PG_INT32_MAX);
		held->frequencies[f] = (uint32) Min((uint64) held->frequencies[f] + frequency,
											PG_INT32_MAX / BARQ_BM25_FIELDS);
		if (positions == NULL)
			continue;
		held->field_positions[f] = merge_positions(held->field_positions[f],
												   held->field_npositions[f],
												   positions + at, frequency);
		held->field_npositions[f] += frequency;
	}
}

/* Add the term that the reader has read last; a prefix stands for several. */
static void
hold(Held *held, const BarqDocumentReader *reader, uint32 fields)
{
	if (reader->nfields > 1)
	{
		hold_fields(held, reader, fields);
		return;
	}
	if (reader->positions != NULL)
	{
		uint32	   *positions = palloc_extended(sizeof(uint32) * (Size) reader->frequency,
												MCXT_ALLOC_HUGE);

		barq_document_positions(reader, positions);
		if (held->positions != NULL)
		{
			uint32	   *both = merge_positions(held->positions, held->npositions,
											   positions, reader->frequency);

			pfree(positions);
			pfree(held->positions);
			positions = both;
		}
		held->positions = positions;
		held->npositions += reader->frequency;
	}
	held->frequency = (uint32) Min((uint64) held->frequency + reader->frequency, PG_UINT32_MAX);
}

/* Does a phrase occur in one of the fields? lists and counts are scratch, by its terms. */
static bool
phrase_in_fields(const BarqBm25Condition *condition, const Held *held, uint32 nfields,
				 const uint32 **lists, uint32 *counts)
{
	for (uint32 f = 0; f < nfields; f++)
	{
		for (uint32 i = 0; i < condition->nterms; i++)
		{
			lists[i] = held[condition->terms[i]].field_positions[f];
			counts[i] = held[condition->terms[i]].field_npositions[f];
		}
		if (barq_bm25_words_held(condition, counts) &&
			barq_bm25_phrase_fits(condition, lists, counts))
			return true;
	}
	return false;
}

/*
 * Does the document satisfy a word or phrase? Allocates in the current memory context
 * and frees nothing. held: by the query's terms; positions: whether the document has
 * positions.
 */
static Bm25Truth
terms_hold(const BarqBm25Condition *condition, const Held *held, bool positions, uint32 nfields)
{
	uint32		nterms = condition->nterms;
	uint32	   *counts = palloc(sizeof(uint32) * Max(nterms, 1));
	const uint32 **lists;

	for (uint32 i = 0; i < nterms; i++)
		counts[i] = held[condition->terms[i]].frequency;
	if (!barq_bm25_words_held(condition, counts))
		return BM25_NO;
	if (!condition->phrase || condition->offsets[nterms - 1] == condition->offsets[0])
		return BM25_YES;
	if (!positions)
		return BM25_UNSURE;
	lists = palloc(sizeof(uint32 *) * nterms);
	if (nfields > 1)
		return phrase_in_fields(condition, held, nfields, lists, counts) ? BM25_YES : BM25_NO;
	for (uint32 i = 0; i < nterms; i++)
	{
		lists[i] = held[condition->terms[i]].positions;
		counts[i] = held[condition->terms[i]].npositions;
	}
	return barq_bm25_phrase_fits(condition, lists, counts) ? BM25_YES : BM25_NO;
}

/*
 * Does the document satisfy a condition, its occur aside? Allocates in the current
 * memory context and frees nothing. Arguments of terms_hold().
 */
static Bm25Truth
condition_holds(const BarqBm25Condition *condition, const Held *held, bool positions,
				uint32 nfields)
{
	bool		all = condition->kind == BARQ_BM25_ALL;
	Bm25Some	some = barq_bm25_some(condition);
	Bm25Truth	holds = BM25_YES;
	bool		decided = false;

	if (condition->kind == BARQ_BM25_TERMS)
		return terms_hold(condition, held, positions, nfields);
	for (uint32 i = 0; i < condition->nconditions && !decided; i++)
	{
		const BarqBm25Condition *child = &condition->conditions[i];
		Bm25Truth	here = barq_bm25_apply_occur(child->occur,
												 condition_holds(child, held, positions, nfields));

		holds = Min(holds, here);
		decided = all ? holds == BM25_NO : barq_bm25_some_count(&some, here);
	}
	return all ? holds : barq_bm25_some_holds(&some);
}

/* What a term that counts adds to the score. */
static double
share_of(const BarqBm25Query *query, uint32 term, const Held *held, double norm,
		 const double *norms)
{
	double		weight = query->terms[term].weight;

	return query->nfields > 1 ?
		barq_bm25_fields_share(query, weight,
							   barq_bm25_wtf(query, query->terms[term].fields,
											 held[term].frequencies, 1, norms)) :
		barq_bm25_share(weight, held[term].frequency, norm);
}

/*
 * The document's score: the sum of the shares of the terms that it holds, or of those that
 * count in the best field.
 */
static double
score_of(const BarqBm25Query *query, const Held *held, double norm, const double *norms)
{
	bool	   *has = NULL;
	double		score = 0;
	double		sums[BARQ_BM25_FIELDS] = {0};	/* by field, of a query of the best one */

	if (query->nvariants > 0)
	{
		has = palloc(sizeof(bool) * query->nterms);
		for (uint32 i = 0; i < query->nterms; i++)
			has[i] = held[i].frequency > 0;
	}
	for (uint32 i = 0; i < query->nterms; i++)
		if (held[i].frequency > 0 && query->terms[i].weight != 0 &&
			(has == NULL || barq_bm25_term_counts(query, i, has)))
			*(query->best ? &sums[barq_bm25_field_of(&query->terms[i])] : &score) +=
				share_of(query, i, held, norm, norms);
	return query->best ? barq_bm25_best_of(query, sums) : score;
}

/* Read the document to its end; returns its occurrences of each of the query's terms. */
static Held *
read_terms(const BarqBm25Query *query, BarqDocumentReader *reader)
{
	Held	   *held = palloc0(sizeof(Held) * Max(query->nterms, 1));
	bool		prefixes = false;

	for (uint32 i = 0; i < query->nterms; i++)
		prefixes |= query->terms[i].prefix;
	while (barq_document_next(reader))
	{
		uint32		at = first_at_least(query, reader->term, reader->term_length);

		/* a term and a prefix may have the same text */
		for (uint32 i = at; i < query->nterms &&
			 barq_compare_terms(query->terms[i].text.text, query->terms[i].text.length,
								reader->term, reader->term_length) == 0;
			 i++)
			if (!query->terms[i].prefix)
				hold(&held[i], reader, query->terms[i].fields);
		for (uint32 i = 0; prefixes && i < query->nterms; i++)
		{
			uint32		fields = query->terms[i].prefix ?
				expands(&query->terms[i], reader->term, reader->term_length) :
				BARQ_BM25_NO_FIELDS;

			if (fields != BARQ_BM25_NO_FIELDS)
				hold(&held[i], reader, fields);
		}
	}
	return held;
}

/* Words of a field of a document of several. */
static inline uint32
length_of(const BarqDocumentReader *reader, uint32 field)
{
	return reader->lengths[field] == 0 ? 0 : reader->lengths[field] - 1;
}

/* The norms of the fields of a document of several. */
static void
read_norms(const BarqBm25Query *query, const BarqDocumentReader *reader, double *norms)
{
	for (uint32 f = 0; f < query->nfields; f++)
		norms[f] = barq_bm25_field_norm(&query->fields[f], length_of(reader, f));
}

bool
barq_bm25_score_document(const BarqBm25Query *query, const char *document,
						 uint32 length, double *score, bool *recheck)
{
	BarqDocumentReader reader;
	Held	   *held;
	bool		positions;
	double		norms[BARQ_BM25_FIELDS];

	barq_rows_scored++;
	barq_document_open(&reader, document, length);
	if (reader.nfields != Max(query->nfields, 1))
		barq_bm25_corrupted("a document has another number of fields than the index");
	positions = (reader.header->flags & BARQ_DOCUMENT_POSITIONS) != 0;
	held = read_terms(query, &reader);

	*score = 0;
	*recheck = false;
	if (query->nothing)
		return false;
	if (query->nfields > 1)
	{
		read_norms(query, &reader, norms);
		for (uint32 f = 0; f < query->nfields; f++)
			if ((query->not_null >> f & 1) != 0 && reader.lengths[f] == 0)
				return false;
	}
	*score = score_of(query, held, query->nfields > 1 ? 0 :
					  barq_bm25_norm(query->k1, query->b, reader.header->length, query->avglen),
					  norms);
	for (uint32 i = 0; i < query->nconditions; i++)
	{
		const BarqBm25Condition *condition = &query->conditions[i];
		Bm25Truth	holds = barq_bm25_apply_occur(condition->occur,
												  condition_holds(condition, held, positions,
																  reader.nfields));

		if (holds == BM25_NO)
			return false;
		*recheck |= holds == BM25_UNSURE;
	}
	return query->scored ? *score > 0 : true;
}

/* ---- explaining ---- */

/* Times that a sum is nudged at most; once is enough in nearly all cases. */
#define NUDGES	8

/*
 * The number about `guess` that gives `target` when it is added to `sum`. If there is none,
 * as both numbers next to each other are ties that are rounded to the other side, one of
 * these.
 */
static double
rest_of(double target, double sum, double guess)
{
	double		rest = guess;

	while (sum + rest < target)
		rest = nextafter(rest, HUGE_VAL);
	while (sum + rest > target)
		rest = nextafter(rest, -HUGE_VAL);
	return rest;
}

/*
 * Set the last of a term's parts, which have to lead from `score` to `target`, what they
 * add up to: `share`. Nudges the part before it by the last bit of their sum, where the last
 * one alone cannot.
 */
static void
close_parts(BarqBm25Part *parts, uint32 last, double score, double share)
{
	double		target = score + share;

	for (int i = 0; i <= NUDGES; i++)
	{
		double		sum = score;
		uint32		nudged = 0;

		for (uint32 j = 0; j < last; j++)
		{
			sum += parts[j].part;
			if (parts[j].part > 0)
				nudged = j;
		}

		/* the share itself where nothing that counts is before it */
		parts[last].part = rest_of(target, sum, sum == score ? share : target - sum);
		if (sum + parts[last].part == target)
			return;
		parts[nudged].part += nextafter(sum, HUGE_VAL) - sum;
	}
	Assert(false);
}

/*
 * Add the parts of a term of several fields: each field has the portion of the share that
 * it has of the weighted frequency, the last one what then remains. Returns the number of
 * parts; *score is the sum so far.
 */
static uint32
explain_fields(const BarqBm25Query *query, uint32 term, const Held *held, double share,
			   const double *norms, const BarqDocumentReader *reader, BarqBm25Part *parts,
			   double *score)
{
	const uint32 *frequencies = held[term].frequencies;
	uint32		fields = query->terms[term].fields;
	double		wtf = barq_bm25_wtf(query, fields, frequencies, 1, norms);
	uint32		n = 0;
	uint32		last = 0;

	for (uint32 f = 0; f < query->nfields; f++)
	{
		double		own;

		if (!barq_bm25_has_field(fields, f) || frequencies[f] == 0)
			continue;
		own = norms[f] > 0 ? query->fields[f].weight * frequencies[f] / norms[f] : 0;
		if (own > 0)
			last = n;
		parts[n++] = (BarqBm25Part) {
			.term = term,
			.field = f,
			.frequency = frequencies[f],
			.length = length_of(reader, f),
			.part = own == 0 ? 0 : share * (own / wtf)
		};
	}
	close_parts(parts, last, *score, share);
	*score += share;
	return n;
}

/* The number of the field by which a document of a query of the best field has its score. */
static uint32
best_field(const BarqBm25Query *query, const Held *held, const bool *has, const double *norms)
{
	double		sums[BARQ_BM25_FIELDS] = {0};
	uint32		best = 0;

	for (uint32 i = 0; i < query->nterms; i++)
		if (has[i] && query->terms[i].weight != 0 && barq_bm25_term_counts(query, i, has))
			sums[barq_bm25_field_of(&query->terms[i])] += share_of(query, i, held, 0, norms);
	for (uint32 f = 1; f < query->nfields; f++)
		if (sums[f] > sums[best])
			best = f;
	return best;
}

uint32
barq_bm25_explain_document(const BarqBm25Query *query, const char *document, uint32 length,
						   BarqBm25Part **parts)
{
	BarqDocumentReader reader;
	uint32		fields = Max(query->nfields, 1);
	uint32		n = 0;
	uint32		best = 0;		/* field of a query of the best one */
	double		norm = 0;
	double		norms[BARQ_BM25_FIELDS];
	double		score;
	double		sum = 0;
	bool		unsure;
	bool	   *has;
	Held	   *held;

	*parts = palloc_extended(sizeof(BarqBm25Part) * (Size) Max(query->nterms, 1) * fields,
							 MCXT_ALLOC_HUGE);
	if (!barq_bm25_score_document(query, document, length, &score, &unsure))
		return 0;
	barq_document_open(&reader, document, length);
	held = read_terms(query, &reader);
	if (query->nfields > 1)
		read_norms(query, &reader, norms);
	else
		norm = barq_bm25_norm(query->k1, query->b, reader.header->length, query->avglen);
	has = palloc0(sizeof(bool) * Max(query->nterms, 1));
	for (uint32 i = 0; i < query->nterms; i++)
		has[i] = held[i].frequency > 0;
	if (query->best)
		best = best_field(query, held, has, norms);
	for (uint32 i = 0; i < query->nterms; i++)
	{
		double		share;

		if (!has[i] || query->terms[i].weight == 0 || !barq_bm25_term_counts(query, i, has))
			continue;
		share = share_of(query, i, held, norm, norms);
		if (share == 0)
			continue;			/* of fields of weight 0 alone */
		if (query->best && barq_bm25_field_of(&query->terms[i]) != best)
			continue;
		if (query->nfields > 1)
		{
			n += explain_fields(query, i, held, share, norms, &reader, *parts + n, &sum);
			continue;
		}
		sum += share;
		(*parts)[n++] = (BarqBm25Part) {
			.term = i,
			.frequency = held[i].frequency,
			.length = reader.header->length,
			.part = share
		};
	}
	Assert(sum == score);
	return n;
}
