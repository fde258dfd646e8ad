/*
 * text_frequencies.c
 *	  Document frequencies of terms, expansions of prefixes, and the weights that
 *	  follow from them, kept with a statement's statistics (text_statistics.c).
 *
 * The frequency of a term is looked up when a query of the statement first uses
 * the term. It is capped at the number of documents, which may have been frozen
 * before documents with the term were added.
 */
#include "postgres.h"

#include "base/array.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/known_counts.h"
#include "text_index/text_statistics.h"
#include "utils/memutils.h"

/* A term, or a prefix, whose frequency is known. In the statistics' context. */
typedef struct BarqTermFrequency
{
	BarqBm25Text text;
	bool		prefix;
	uint32		fields;			/* in which it counts, a bit each; 0: all */
	uint64		df;				/* documents with the term, or any expansion */
	uint32		nexpansions;	/* of a prefix */
	BarqBm25Text *expansions;
	struct BarqTermFrequency *next; /* in the same bucket */
} BarqTermFrequency;

/* ---- looking terms up in the leaves ---- */

/* Terms to look up in every leaf. */
typedef struct FrequencyCall
{
	BarqTermFrequency **wanted;
	uint32		n;
	uint64	   *leaf;			/* df of each in the leaf visited last */
} FrequencyCall;

/*
 * What the df of a term in segments depends on, palloc'd, as bytes by which it is kept with
 * their snapshot; NULL if it is quickly found.
 */
static char *
key_of_frequency(const BarqTermFrequency *known, uint32 *length)
{
	StringInfoData key;
	uint32		fields = known->fields;

	if (!known->prefix && (fields & (fields - 1)) == 0)
		return NULL;
	initStringInfo(&key);
	appendBinaryStringInfo(&key, (const char *) &fields, sizeof(fields));
	for (uint32 i = 0; i < (known->prefix ? known->nexpansions : 1); i++)
	{
		const BarqBm25Text *text = known->prefix ? &known->expansions[i] : &known->text;

		appendBinaryStringInfo(&key, (const char *) &text->fields, sizeof(text->fields));
		appendBinaryStringInfo(&key, (const char *) &text->length, sizeof(text->length));
		appendBinaryStringInfo(&key, text->text, (int) text->length);
	}
	*length = (uint32) key.len;
	return key.data;
}

/* The df of a term in the segments of a leaf. */
static uint64
frequency_in_segments(BarqTextState *state, const BarqTermFrequency *known)
{
	uint32		length = 0;
	char	   *key = key_of_frequency(known, &length);
	uint64		df = 0;

	if (key != NULL && barq_known_count(state->snapshot, key, length, &df))
	{
		pfree(key);
		return df;
	}
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		df += known->prefix ?
			barq_bm25_df_any(&state->views[i], known->expansions, known->nexpansions, known->fields) :
			barq_bm25_df(&state->views[i], known->text.text, known->text.length, known->fields);
	if (key == NULL)
		return df;
	barq_known_count_keep(state->snapshot, key, length, df);
	pfree(key);
	return df;
}

/* BarqLeafVisitor: the df of all wanted terms in a leaf. */
static void
visit_frequencies(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	FrequencyCall *call = arg;

	for (uint32 i = 0; i < call->n; i++)
	{
		const BarqTermFrequency *known = call->wanted[i];
		uint64		df;

		if ((i & 63) == 0)
			CHECK_FOR_INTERRUPTS();
		df = known->prefix ?
			barq_text_log_df_any(state->log, known->expansions, known->nexpansions,
								 known->fields) :
			barq_text_log_df(state->log, known->text.text, known->text.length, known->fields);
		df += frequency_in_segments(state, known);
		call->leaf[i] = df;
	}
}

/* Add the frequencies in the leaf visited last. */
static void
add_frequencies(void *arg)
{
	FrequencyCall *call = arg;

	for (uint32 i = 0; i < call->n; i++)
		call->wanted[i]->df += call->leaf[i];
}

/* ---- prefixes ---- */

/* Terms that a prefix stands for, collected from all leaves. */
typedef struct ExpansionCall
{
	const BarqBm25Text *prefix;
	uint32		fields;			/* of which terms are wanted, a bit each; 0: all */
	BarqTermTable *terms;
} ExpansionCall;

/* BarqTermVisitor: add a term to the table. */
static void
add_expansion(void *table, const char *text, uint32 length, uint32 df)
{
	(void) barq_terms_intern(table, text, length);
}

/*
 * BarqLeafVisitor: add the first expansions of each segment of a leaf. The set
 * only grows, so visiting a leaf again from the start does no harm.
 */
static void
visit_expansions(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	ExpansionCall *call = arg;

	barq_text_log_expand(state->log, call->prefix->text, call->prefix->length, call->fields,
						 BARQ_BM25_EXPANSIONS, add_expansion, call->terms);
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		barq_bm25_expand(&state->views[i], call->prefix->text, call->prefix->length, call->fields,
						 BARQ_BM25_EXPANSIONS, add_expansion, call->terms);
}

static int
compare_texts(const void *a, const void *b)
{
	const BarqBm25Text *x = a;
	const BarqBm25Text *y = b;

	return barq_compare_terms(x->text, x->length, y->text, y->length);
}

/*
 * Set the expansions of a prefix or a pool: the first `most` terms of a table in the order of
 * barq_compare_terms(), copied into the statistics' context. fields: those in which each
 * counts, by its number in the table; NULL: all.
 */
static void
keep_expansions(BarqTextStatistics *statistics, BarqTermFrequency *known,
				const BarqTermTable *terms, const uint32 *fields, uint32 most)
{
	uint32		n = barq_terms_count(terms);
	BarqBm25Text *sorted = palloc_extended(sizeof(BarqBm25Text) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	MemoryContext old;

	for (uint32 i = 0; i < n; i++)
	{
		sorted[i].text = barq_terms_text(terms, i, &sorted[i].length);
		sorted[i].fields = fields == NULL ? 0 : fields[i];
	}
	qsort(sorted, n, sizeof(BarqBm25Text), compare_texts);
	n = Min(n, most);

	old = MemoryContextSwitchTo(statistics->context);
	known->expansions = palloc(sizeof(BarqBm25Text) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		known->expansions[i].text = pnstrdup(sorted[i].text, sorted[i].length);
		known->expansions[i].length = sorted[i].length;
		known->expansions[i].fields = sorted[i].fields;
	}
	known->nexpansions = n;
	MemoryContextSwitchTo(old);
}

/*
 * Set the expansions of a prefix: the first BARQ_BM25_EXPANSIONS terms, of those in its
 * fields, that begin with it.
 */
static void
expand_prefix(BarqTextStatistics *statistics, BarqTermFrequency *prefix)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "barq expansions",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	ExpansionCall call = {&prefix->text, prefix->fields, barq_terms_create(scratch)};

	barq_text_each_leaf(statistics, visit_expansions, NULL, &call);
	keep_expansions(statistics, prefix, call.terms, NULL, BARQ_BM25_EXPANSIONS);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* The terms of a pool. */
typedef struct Pool
{
	BarqTermTable *terms;
	uint32	   *fields;			/* of each, by its number; 0: all */
	uint32		n;
	uint32		space;
} Pool;

/* Add a term that counts in some fields (0: all), besides those in which it is known to. */
static void
add_to_pool(Pool *pool, const BarqBm25Text *text, uint32 fields)
{
	uint32		number = barq_terms_intern(pool->terms, text->text, text->length);

	if (number < pool->n)
	{
		pool->fields[number] = pool->fields[number] == 0 || fields == 0 ? 0 :
			pool->fields[number] | fields;
		return;
	}
	BARQ_ARRAY_RESERVE(pool->fields, pool->space, pool->n + 1, 16);
	pool->fields[pool->n++] = fields;
}

/*
 * Set the expansions of a pool: its alternatives, and the expansions of those that are prefixes,
 * each in those of the pool's fields in which it counts.
 */
static void
expand_pool(BarqTextStatistics *statistics, BarqTermFrequency *known, const BarqBm25Term *term)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "barq pool",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Pool		pool = {.terms = barq_terms_create(scratch)};

	for (uint32 i = 0; i < term->nalternatives; i++)
	{
		const BarqBm25Alternative *alternative = &term->alternatives[i];
		BarqTermFrequency one = {
			.text = alternative->text,
			.fields = barq_bm25_both_fields(known->fields, alternative->text.fields)
		};

		if (!alternative->prefix)
			add_to_pool(&pool, &one.text, alternative->text.fields);
		else
			expand_prefix(statistics, &one);
		for (uint32 j = 0; j < one.nexpansions; j++)
			add_to_pool(&pool, &one.expansions[j], alternative->text.fields);
	}
	keep_expansions(statistics, known, pool.terms, pool.fields, PG_UINT32_MAX);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* ---- the table of known frequencies ---- */

static BarqTermFrequency **
bucket_of(BarqTextStatistics *statistics, const char *text, uint32 length)
{
	return &statistics->buckets[hash_bytes((const unsigned char *) text, length) % BARQ_FREQUENCY_BUCKETS];
}

/* The frequency of a term, or of a prefix, in fields; NULL: not looked up yet. */
static BarqTermFrequency *
find_frequency(BarqTextStatistics *statistics, const char *text, uint32 length, bool prefix,
			   uint32 fields)
{
	for (BarqTermFrequency *known = *bucket_of(statistics, text, length); known != NULL; known = known->next)
		if (known->prefix == prefix && known->fields == fields &&
			barq_compare_terms(known->text.text, known->text.length, text, length) == 0)
			return known;
	return NULL;
}

void
barq_text_statistics_know(BarqTextStatistics *statistics, const BarqGlobalTerm *term)
{
	BarqTermFrequency *known = MemoryContextAllocZero(statistics->context, sizeof(BarqTermFrequency));
	BarqTermFrequency **bucket = bucket_of(statistics, term->text.text, term->text.length);

	known->text = term->text;
	known->prefix = term->prefix;
	known->df = term->df;
	known->nexpansions = term->nexpansions;
	known->expansions = term->expansions;
	known->next = *bucket;
	*bucket = known;
}

void
barq_text_statistics_each(BarqTextStatistics *statistics, BarqFrequencyVisitor visit, void *arg)
{
	for (int i = 0; i < BARQ_FREQUENCY_BUCKETS; i++)
		for (const BarqTermFrequency *known = statistics->buckets[i]; known != NULL; known = known->next)
		{
			BarqGlobalTerm term = {
				.text = known->text,
				.prefix = known->prefix,
				.df = known->df,
				.nexpansions = known->nexpansions,
				.expansions = known->expansions
			};

			visit(arg, &term);
		}
}

/*
 * Raise the error that given statistics lack a term: the query was turned into other
 * terms where they were gathered.
 */
pg_noreturn static void
raise_not_given(const BarqBm25Term *term)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the statistics of a bm25global lack the term \"%s\"",
					pnstrdup(term->text.text, term->text.length)),
			 errhint("The text search configuration, or its dictionaries, differ between the servers, or changed since.")));
}

/*
 * Look up the frequencies of those terms for which `scores` is true, as far as
 * they are not known: afterwards find_frequency() finds each of them. An error
 * leaves the table as it was.
 */
static void
look_up_frequencies(BarqTextStatistics *statistics, const BarqBm25Term *terms, const bool *scores, uint32 n)
{
	FrequencyCall call = {0};
	MemoryContext old;

	call.wanted = palloc_extended(sizeof(BarqTermFrequency *) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
	{
		BarqTermFrequency *known;

		if (!scores[i] || find_frequency(statistics, terms[i].text.text, terms[i].text.length,
										 terms[i].prefix, terms[i].df_fields))
			continue;
		if (!OidIsValid(statistics->index))
			raise_not_given(&terms[i]);
		old = MemoryContextSwitchTo(statistics->context);
		known = palloc0(sizeof(BarqTermFrequency));
		/* terminated, as all terms; but the key of a pool has zero bytes of its own */
		known->text.text = memcpy(palloc0(terms[i].text.length + 1), terms[i].text.text,
								  terms[i].text.length);
		known->text.length = terms[i].text.length;
		known->prefix = terms[i].prefix;
		known->fields = terms[i].df_fields;
		MemoryContextSwitchTo(old);
		if (terms[i].nalternatives > 0)
			expand_pool(statistics, known, &terms[i]);
		else if (known->prefix)
			expand_prefix(statistics, known);
		call.wanted[call.n++] = known;
	}
	if (call.n > 0)
	{
		call.leaf = palloc0(sizeof(uint64) * (Size) call.n);
		barq_text_each_leaf(statistics, visit_frequencies, add_frequencies, &call);
	}

	/* complete: only now may other calls find them */
	for (uint32 i = 0; i < call.n; i++)
	{
		BarqTermFrequency **bucket = bucket_of(statistics, call.wanted[i]->text.text,
											   call.wanted[i]->text.length);

		call.wanted[i]->df = Min(call.wanted[i]->df, statistics->totals.documents);
		call.wanted[i]->next = *bucket;
		*bucket = call.wanted[i];
	}
}

uint64
barq_text_statistics_df(BarqTextStatistics *statistics, const char *text, uint32 length,
						uint32 fields)
{
	BarqBm25Term term = {.text = {.text = text, .length = length}, .df_fields = fields};
	bool		scores = true;

	look_up_frequencies(statistics, &term, &scores, 1);
	return find_frequency(statistics, text, length, false, fields)->df;
}

void
barq_text_statistics_weigh(BarqTextStatistics *statistics, BarqBm25Term *terms,
						   const double *boosts, uint32 n, double k1)
{
	bool	   *scores = palloc_extended(sizeof(bool) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < n; i++)
		scores[i] = boosts[i] > 0;
	look_up_frequencies(statistics, terms, scores, n);
	for (uint32 i = 0; i < n; i++)
	{
		const BarqTermFrequency *known;

		if (!scores[i])
			continue;
		known = find_frequency(statistics, terms[i].text.text, terms[i].text.length, terms[i].prefix,
							   terms[i].df_fields);
		terms[i].weight = barq_bm25_idf(statistics->totals.documents, known->df) *
			(k1 + 1) * boosts[i];
		terms[i].df = known->df;
		terms[i].nexpansions = known->nexpansions;
		terms[i].expansions = known->expansions;
	}
	pfree(scores);
}
