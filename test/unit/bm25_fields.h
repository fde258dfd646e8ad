/*
 * bm25_fields.h
 *	  Documents of several fields, made of random texts, with bodies, queries and scores by
 *	  brute force. Included behind bm25_brute.h.
 */
#ifndef BARQ_BM25_FIELDS_H
#define BARQ_BM25_FIELDS_H

/* ---- documents ---- */

/*
 * The words of a field are doc->words[*first .. *first + the result - 1]: a document's
 * fields are parts of it, more of them in later fields.
 */
static uint32
field_of(const Doc *doc, uint32 nfields, uint32 field, uint32 *first)
{
	uint32		all = nfields * (nfields + 1) / 2;

	*first = doc->n * (field * (field + 1) / 2) / all;
	return doc->n * ((field + 1) * (field + 2) / 2) / all - *first;
}

/* Empty fields of some documents are NULL, of the others empty. */
static bool
is_null(const Doc *doc, uint32 nfields, uint32 field)
{
	uint32		first;

	return field_of(doc, nfields, field, &first) == 0 && (doc->n + field) % 2 == 0;
}

static void
tokens_of(const Corpus *corpus, const Doc *doc, uint32 nfields, BarqTermTable *terms,
		  BarqTokens *tokens)
{
	memset(tokens, 0, sizeof(*tokens));
	tokens->tokens = palloc(sizeof(BarqToken) * (doc->n + 1));
	for (uint32 f = 0; f < nfields; f++)
	{
		uint32		first;
		uint32		n = field_of(doc, nfields, f, &first);

		for (uint32 i = 0; i < n; i++)
		{
			const char *word = corpus->words[doc->words[first + i]];
			BarqToken  *token = &tokens->tokens[tokens->ntokens++];

			token->term = barq_terms_intern(terms, word, strlen(word));
			token->position = i + 1;
		}
		tokens->length += n;
		if (nfields > 1)
			barq_tokens_end_field(tokens, is_null(doc, nfields, f));
	}
}

/* Which documents a body has, and how they are given to it. */
typedef struct How
{
	uint32		from;
	uint32		step;
	bool		live;			/* only documents that are not dead */
	bool		encoded;
	bool		shuffled;
} How;

static void
build(BarqBodyWriter *writer, const Corpus *corpus, uint32 nfields, bool positions, How how)
{
	MemoryContext context = shim_context_push();
	BarqTermTable *terms = barq_terms_create(context);
	BarqTermTable *own = barq_terms_create(context);
	BarqBm25Builder *builder = barq_bm25_builder_create(terms, nfields, positions, context);
	uint32		count = (corpus->n - how.from + how.step - 1) / how.step;

	for (uint32 i = 0; i < count; i++)
	{
		const Doc  *doc = &corpus->docs[how.from + how.step * (how.shuffled ? count - 1 - i : i)];
		BarqTokens	tokens;

		if (how.live && doc->dead)
			continue;
		tokens_of(corpus, doc, nfields, how.encoded ? own : terms, &tokens);
		add_document(builder, how.encoded ? own : NULL, doc, &tokens, positions);
	}
	shim_writer_init(writer);
	barq_bm25_builder_write(builder, writer);
	shim_context_pop();
}

/* ---- brute force ---- */

static uint32
frequency_in_field(const Corpus *corpus, const Doc *doc, uint32 nfields, uint32 field,
				   const BarqBm25Term *term)
{
	uint32		first;
	uint32		n = 0;
	Doc			part = *doc;
	BarqBm25Term here = *term;

	part.n = field_of(doc, nfields, field, &first);
	part.words += first;
	if (!term->prefix)
		return frequency_in(corpus, &part, term);

	/* the expansions that count in this field, one by one */
	here.nexpansions = 1;
	for (uint32 i = 0; i < term->nexpansions; i++)
	{
		here.expansions = &term->expansions[i];
		if (barq_bm25_has_field(term->expansions[i].fields, field))
			n += frequency_in(corpus, &part, &here);
	}
	return n;
}

/* The frequency of a term of a query in the fields in which it counts. */
static uint32
counting_frequency(const Corpus *corpus, const Doc *doc, const BarqBm25Query *query, uint32 term)
{
	uint32		n = 0;

	for (uint32 f = 0; f < query->nfields; f++)
		if (barq_bm25_has_field(query->terms[term].fields, f))
			n += frequency_in_field(corpus, doc, query->nfields, f, &query->terms[term]);
	return n;
}

/* Whether the terms of one of a term's variants are all there. */
static bool
variant_held(const Corpus *corpus, const Doc *doc, const BarqBm25Query *query, uint32 term)
{
	for (uint32 i = 0; i < query->terms[term].nvariants; i++)
	{
		const BarqBm25Variant *variant = &query->variants[query->terms[term].variants[i]];
		bool		all = true;

		for (uint32 j = 0; j < variant->nterms; j++)
			all &= counting_frequency(corpus, doc, query, variant->terms[j]) > 0;
		if (all)
			return true;
	}
	return query->terms[term].nvariants == 0;
}

/* The score of a document, whose conditions are of single terms; -1: none. */
static double
score_of(const Corpus *corpus, const Doc *doc, const BarqBm25Query *query)
{
	double		score = 0;
	double		best = 0;
	double		norms[BARQ_BM25_FIELDS];

	for (uint32 i = 0; i < query->nconditions; i++)
		if ((counting_frequency(corpus, doc, query, query->conditions[i].terms[0]) > 0) !=
			(query->conditions[i].occur == BARQ_MUST))
			return -1;
	for (uint32 f = 0; f < query->nfields; f++)
	{
		uint32		first;

		norms[f] = barq_bm25_field_norm(&query->fields[f], field_of(doc, query->nfields, f, &first));
	}
	for (uint32 f = 0; f < query->nfields; f++)
	{
		double		sum = 0;

		for (uint32 i = 0; i < query->nterms; i++)
		{
			uint32		frequencies[BARQ_BM25_FIELDS];

			if (query->terms[i].weight == 0 || (query->best && query->terms[i].fields != 1u << f) ||
				!variant_held(corpus, doc, query, i))
				continue;
			for (uint32 g = 0; g < query->nfields; g++)
				frequencies[g] = frequency_in_field(corpus, doc, query->nfields, g, &query->terms[i]);
			sum += barq_bm25_fields_share(query, query->terms[i].weight,
										  barq_bm25_wtf(query, query->terms[i].fields, frequencies, 1, norms));
		}
		score = sum;
		best = Max(best, sum);
	}
	score = query->best ? best : score;
	return score > 0 ? score : -1;
}

/* Let the expansions of a term, if it has any, count in fields at random, as those of a pool. */
static void
mask_expansions(BarqBm25Term *term, uint32 nfields)
{
	bool		masked = random_bits() % 2 == 0;

	for (uint32 i = 0; i < term->nexpansions && masked; i++)
		if (random_bits() % 3 > 0)
			term->expansions[i].fields = 1 + random_bits() % barq_bm25_every_field(nfields);
}

/* A random query without conditions over some of the fields; weights may be 0. */
static void
make_fields_query(BarqBm25Query *query, const Corpus *corpus, uint32 nfields, uint32 nterms, bool prefixes)
{
	BarqBm25Field *fields = palloc(sizeof(BarqBm25Field) * nfields);
	uint32		asked = random_bits() % 2 == 0 ? 0 :
		1 + random_bits() % barq_bm25_every_field(nfields);

	make_query(query, corpus, nterms, 0, prefixes);
	query->nvariants = 0;
	for (uint32 f = 0; f < nfields; f++)
	{
		uint64		tokens = 0;
		uint32		first;

		for (uint32 i = 0; i < corpus->n; i++)
			tokens += field_of(&corpus->docs[i], nfields, f, &first);
		fields[f].weight = random_bits() % 8 == 0 ? 0 : random_bits() % 1000 / 100.0;
		fields[f].b = random_bits() % 11 / 10.0;
		fields[f].avglen = tokens / (double) corpus->counted;
	}
	query->nfields = nfields;
	query->fields = fields;
	for (uint32 i = 0; i < query->nterms; i++)
	{
		query->terms[i].fields = query->terms[i].df_fields = asked;
		query->terms[i].nvariants = 0;
		mask_expansions(&query->terms[i], nfields);
	}
}

#endif							/* BARQ_BM25_FIELDS_H */
