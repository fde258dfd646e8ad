/*
 * bm25_brute.h
 *	  Random texts and queries for the test of src/bm25, and their answers
 *	  by brute force. Included by bm25_bodies.h.
 */
#ifndef BARQ_BM25_BRUTE_H
#define BARQ_BM25_BRUTE_H

#include "pgshim.h"

#undef sprintf

#include "tap.h"

#include "bm25/bm25_read.h"

#define MAX_WORDS	400			/* of the vocabulary */
#define MAX_LENGTH	600			/* words of a document */

typedef struct Doc
{
	uint32		n;
	uint16	   *words;
	bool		dead;
	ItemPointerData tid;
} Doc;

typedef struct Corpus
{
	uint32		n;
	Doc		   *docs;
	char		words[MAX_WORDS][16];
	uint32		nwords;
	uint64		tokens;
	uint64		counted;		/* documents in the statistics */
} Corpus;

static void
make_corpus(Corpus *corpus, uint32 n, uint32 nwords, uint32 longest)
{
	corpus->n = n;
	corpus->nwords = nwords;
	corpus->docs = calloc(n, sizeof(Doc));
	corpus->tokens = 0;
	corpus->counted = n;
	for (uint32 i = 0; i < nwords; i++)
		sprintf(corpus->words[i], "%c%c%u", 'a' + (int) (random_bits() % 3), 'a' + (int) (random_bits() % 3), i);
	for (uint32 i = 0; i < n; i++)
	{
		Doc		   *doc = &corpus->docs[i];

		doc->n = random_bits() % 20 == 0 ? random_bits() % (longest * 4) : random_bits() % (longest + 1);
		doc->words = calloc(doc->n + 1, sizeof(uint16));
		for (uint32 j = 0; j < doc->n; j++)
		{
			/* frequent and rare words */
			double		u = (random_bits() % 1000000 + 1) / 1000001.0;

			doc->words[j] = (uint16) Min((uint32) (nwords * u * u * u), nwords - 1);
		}
		/* many equal documents: many equal scores */
		if (i > 0 && random_bits() % 4 == 0)
		{
			Doc		   *other = &corpus->docs[random_bits() % i];

			doc->n = other->n;
			doc->words = other->words;
		}
		corpus->tokens += doc->n;
		ItemPointerSet(&doc->tid, i / 50, i % 50 + 1);
	}
}

/* ---- brute force ---- */

static uint32
frequency_in(const Corpus *corpus, const Doc *doc, const BarqBm25Term *term)
{
	uint32		n = 0;

	for (uint32 i = 0; i < doc->n; i++)
	{
		const char *word = corpus->words[doc->words[i]];

		if (!term->prefix)
			n += strlen(word) == term->text.length && memcmp(word, term->text.text, term->text.length) == 0;
		else
			for (uint32 j = 0; j < term->nexpansions; j++)
				n += strlen(word) == term->expansions[j].length &&
					memcmp(word, term->expansions[j].text, term->expansions[j].length) == 0;
	}
	return n;
}

static bool
holds(const Corpus *corpus, const Doc *doc, const BarqBm25Query *query, const BarqBm25Condition *c)
{
	if (c->kind != BARQ_BM25_TERMS)
	{
		uint32		held = 0;

		for (uint32 i = 0; i < c->nconditions; i++)
			held += holds(corpus, doc, query, &c->conditions[i]) ==
				(c->conditions[i].occur == BARQ_MUST);
		return held >= (c->kind == BARQ_BM25_ALL ? c->nconditions : Max(c->least, 1));
	}
	if (!c->phrase)
	{
		for (uint32 i = 0; i < c->nterms; i++)
		{
			bool		all = true;

			for (uint32 j = 0; j < c->nterms; j++)
				if (j == i || (c->variants != NULL && c->variants[j] == c->variants[i]))
					all &= frequency_in(corpus, doc, &query->terms[c->terms[j]]) > 0;
			if (all)
				return true;
		}
		return false;
	}
	for (uint32 start = 0; start < doc->n; start++)
	{
		bool		fits = true;

		for (uint32 i = 0; i < c->nterms && fits; i++)
		{
			uint32		at = start + c->offsets[i] - c->offsets[0];
			bool		any = false;

			for (uint32 j = 0; j < c->nterms; j++)
				if (c->offsets[j] == c->offsets[i] && at < doc->n)
				{
					const BarqBm25Term *term = &query->terms[c->terms[j]];
					const char *word = corpus->words[doc->words[at]];

					any |= strlen(word) == term->text.length &&
						memcmp(word, term->text.text, term->text.length) == 0;
				}
			fits = any;
		}
		if (fits)
			return true;
	}
	return false;
}

/* -1: not among the results */
static inline double
brute_score(const Corpus *corpus, const Doc *doc, const BarqBm25Query *query)
{
	double		score = 0;
	bool		held[64];

	for (uint32 i = 0; i < query->nconditions; i++)
		if (holds(corpus, doc, query, &query->conditions[i]) == (query->conditions[i].occur == BARQ_MUST_NOT))
			return -1;
	for (uint32 i = 0; i < query->nterms; i++)
		held[i] = query->terms[i].weight != 0 && frequency_in(corpus, doc, &query->terms[i]) > 0;
	for (uint32 i = 0; i < query->nterms; i++)
	{
		uint32		tf = held[i] ? frequency_in(corpus, doc, &query->terms[i]) : 0;
		bool		counts = query->terms[i].nvariants == 0;

		for (uint32 j = 0; j < query->terms[i].nvariants && !counts; j++)
		{
			const BarqBm25Variant *variant = &query->variants[query->terms[i].variants[j]];

			counts = true;
			for (uint32 k = 0; k < variant->nterms; k++)
				counts &= held[variant->terms[k]];
		}
		if (tf > 0 && counts)
			score += query->terms[i].weight * tf /
				(tf + query->k1 * (1 - query->b + query->b * doc->n / query->avglen));
	}
	return score > 0 ? score : -1;
}

static int
compare_query_terms(const void *a, const void *b)
{
	const BarqBm25Term *x = a;
	const BarqBm25Term *y = b;

	return barq_compare_terms(x->text.text, x->text.length, y->text.text, y->text.length);
}

/* Give some of a query's terms variants: they score only together with others. */
static void
make_variants(BarqBm25Query *query)
{
	query->variants = palloc0(sizeof(BarqBm25Variant) * 3);
	for (uint32 n = random_bits() % 4; n > 0 && query->nterms > 1; n--)
	{
		BarqBm25Variant *variant = &query->variants[query->nvariants];
		uint32		most = 1 + random_bits() % 3;

		variant->terms = palloc(sizeof(uint32) * query->nterms);
		for (uint32 i = 0; i < query->nterms && variant->nterms < most; i++)
			if (random_bits() % query->nterms < 2)
				variant->terms[variant->nterms++] = i;
		for (uint32 i = 0; i < variant->nterms; i++)
		{
			BarqBm25Term *term = &query->terms[variant->terms[i]];

			if (term->variants == NULL)
				term->variants = palloc(sizeof(uint32) * 3);
			term->variants[term->nvariants++] = query->nvariants;
		}
		query->nvariants += variant->nterms > 0;
	}
}

/* A random condition, sometimes of other conditions. */
static void
make_condition(BarqBm25Condition *c, const BarqBm25Query *query, bool phrases, int depth)
{
	c->occur = random_bits() % 2 ? BARQ_MUST : BARQ_MUST_NOT;
	if (depth > 0 && random_bits() % 3 == 0)
	{
		c->kind = random_bits() % 2 ? BARQ_BM25_ALL : BARQ_BM25_SOME;
		c->nconditions = 1 + random_bits() % 4;
		c->least = random_bits() % 5;	/* now and then more than there are */
		c->conditions = palloc0(sizeof(BarqBm25Condition) * c->nconditions);
		for (uint32 i = 0; i < c->nconditions; i++)
			make_condition(&c->conditions[i], query, phrases, depth - 1);
		return;
	}
	c->phrase = phrases && random_bits() % 2;
	c->nterms = 1 + random_bits() % 3;
	c->terms = palloc(sizeof(uint32) * c->nterms);
	c->offsets = palloc(sizeof(uint32) * c->nterms);
	for (uint32 i = 0; i < c->nterms; i++)
	{
		c->terms[i] = random_bits() % query->nterms;
		c->offsets[i] = i == 0 ? 0 : c->offsets[i - 1] + random_bits() % 3;
		if (c->phrase && query->terms[c->terms[i]].prefix)
			c->phrase = false;
	}
	if (c->phrase || random_bits() % 2)
		return;
	c->variants = palloc(sizeof(uint32) * c->nterms);
	for (uint32 i = 0; i < c->nterms; i++)
		c->variants[i] = i == 0 ? 0 : c->variants[i - 1] + random_bits() % 2;
}

/* Add a word to the expansions of a term, in their order, if it is not among them. */
static void
add_expansion(BarqBm25Term *term, const Corpus *corpus, uint32 word)
{
	BarqBm25Text text = {.text = corpus->words[word], .length = strlen(corpus->words[word])};
	uint32		at = term->nexpansions;

	if (term->expansions == NULL)
		term->expansions = palloc0(sizeof(BarqBm25Text) * corpus->nwords);
	for (; at > 0; at--)
	{
		const BarqBm25Text *before = &term->expansions[at - 1];
		int			order = barq_compare_terms(before->text, before->length, text.text, text.length);

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	memmove(&term->expansions[at + 1], &term->expansions[at],
			(term->nexpansions - at) * sizeof(BarqBm25Text));
	term->expansions[at] = text;
	term->nexpansions++;
}

/* Make a term a pool of a few words, most of them frequent, so that rows hold several. */
static void
make_pool(BarqBm25Term *term, const Corpus *corpus, uint32 number)
{
	static const BarqBm25Alternative some = {.prefix = false};
	uint32		n = 1 + random_bits() % (random_bits() % 4 == 0 ? 12 : 4);
	char	   *key = palloc(8);

	sprintf(key, "%c%u", random_bits() % 2 == 0 ? '\1' : 'z', number);
	term->text.text = key;
	term->text.length = strlen(key);
	term->nalternatives = 1;
	term->alternatives = &some;
	for (uint32 i = 0; i < n; i++)
		add_expansion(term, corpus, random_bits() % (random_bits() % 3 == 0 ? corpus->nwords :
													 Min(corpus->nwords, 10)));
}

/* A random query. conditions: 0: none, 1: required and forbidden words, 2: phrases, too. */
static void
make_query(BarqBm25Query *query, const Corpus *corpus, uint32 nterms, int conditions, bool prefixes)
{
	memset(query, 0, sizeof(*query));
	query->k1 = 0.1 + (random_bits() % 30) / 10.0;
	query->b = (random_bits() % 11) / 10.0;
	query->avglen = corpus->tokens / (double) corpus->counted;
	query->scored = true;
	query->terms = palloc0(sizeof(BarqBm25Term) * nterms);
	for (uint32 i = 0; i < nterms; i++)
	{
		BarqBm25Term *term = &query->terms[query->nterms];
		const char *word = corpus->words[random_bits() % corpus->nwords];
		bool		known = false;
		uint64		df = 0;

		if (random_bits() % 15 == 0)
			word = "zzz";
		term->prefix = prefixes && random_bits() % 3 == 0;
		term->text.text = pstrdup(word);
		term->text.length = term->prefix ? 2 : strlen(word);
		for (uint32 j = 0; j < query->nterms; j++)
			known |= query->terms[j].text.length == term->text.length &&
				memcmp(query->terms[j].text.text, term->text.text, term->text.length) == 0;
		if (known)
			continue;
		if (term->prefix && random_bits() % 2 == 0)
			make_pool(term, corpus, i);
		for (uint32 j = 0; term->prefix && j < corpus->nwords && term->nalternatives == 0; j++)
			if (memcmp(corpus->words[j], term->text.text, 2) == 0)
				add_expansion(term, corpus, j);
		for (uint32 j = 0; j < corpus->n; j++)
			df += frequency_in(corpus, &corpus->docs[j], term) > 0;
		term->weight = barq_bm25_idf(corpus->counted, df) * (query->k1 + 1);
		if (random_bits() % 4 == 0)
			term->weight *= 0.01 + (random_bits() % 1000) / 10.0;
		query->nterms++;
	}
	qsort(query->terms, query->nterms, sizeof(BarqBm25Term), compare_query_terms);

	if (random_bits() % 3 == 0)
		make_variants(query);
	if (conditions == 0 || query->nterms == 0)
		return;
	query->conditions = palloc0(sizeof(BarqBm25Condition) * 3);
	query->nconditions = 1 + random_bits() % 2;
	for (uint32 i = 0; i < query->nconditions; i++)
		make_condition(&query->conditions[i], query, conditions == 2, 2);
}

/* Add a document to a builder: its tokens or, of terms of their own (own), its encoded bytes. */
static inline void
add_document(BarqBm25Builder *builder, BarqTermTable *own, const Doc *doc, const BarqTokens *tokens,
			 bool positions)
{
	uint32		bytes;
	char	   *document;

	if (own == NULL)
	{
		barq_bm25_builder_add(builder, (ItemPointer) &doc->tid, tokens);
		return;
	}
	document = barq_document_encode(own, tokens, positions, &bytes);
	barq_bm25_builder_add_document(builder, (ItemPointer) &doc->tid, document, bytes);
}

#endif							/* BARQ_BM25_BRUTE_H */
