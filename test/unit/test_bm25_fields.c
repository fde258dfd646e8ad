/*
 * test_bm25_fields.c
 *	  Bodies of several fields (src/bm25) outside of a server, in TAP: scores against
 *	  brute force, merges against bodies built at once, damaged bytes.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf

#include "tap.h"

#include "bm25/bm25_search.h"
#include "bm25_bodies.h"
#include "bm25_fields.h"

/* ---- queries ---- */

/* A prefix of a condition stands for all terms that it begins, in all fields. */
static void
unmask_expansions(BarqBm25Term *term)
{
	Size		bytes = sizeof(BarqBm25Text) * term->nexpansions;

	if (term->nexpansions == 0)
		return;
	term->expansions = memcpy(palloc(bytes), term->expansions, bytes);
	for (uint32 i = 0; i < term->nexpansions; i++)
		term->expansions[i].fields = 0;
}

/* Make a query into one that scores fields by themselves: a term for each term and field. */
static void
split_fields(BarqBm25Query *query, bool best)
{
	BarqBm25Field *fields = palloc(sizeof(BarqBm25Field) * query->nfields);
	BarqBm25Term *terms = palloc0(sizeof(BarqBm25Term) * query->nterms * (query->nfields + 1));
	uint32		n = 0;
	uint32		first[BARQ_BM25_FIELDS];
	bool		variants = random_bits() % 3 == 0;

	memset(first, 0xff, sizeof(first));
	query->variants = palloc0(sizeof(BarqBm25Variant) * query->nfields);
	query->conditions = palloc0(sizeof(BarqBm25Condition) * query->nterms);
	for (uint32 i = 0; i < query->nterms; i++)
	{
		for (uint32 f = 0; f < query->nfields; f++)
		{
			if (!barq_bm25_has_field(query->terms[i].fields, f) || query->fields[f].weight == 0)
				continue;
			terms[n] = query->terms[i];
			terms[n].fields = terms[n].df_fields = 1u << f;
			terms[n].weight *= query->fields[f].weight;

			/* the first two of a field score only together */
			if (variants && i == 0)
				first[f] = n;
			else if (variants && i == 1 && first[f] != PG_UINT32_MAX)
			{
				BarqBm25Variant *variant = &query->variants[query->nvariants];

				variant->terms = palloc(sizeof(uint32) * 2);
				variant->terms[variant->nterms++] = first[f];
				variant->terms[variant->nterms++] = n;
				terms[n].variants = terms[first[f]].variants = palloc(sizeof(uint32));
				terms[n].variants[0] = query->nvariants++;
				terms[n].nvariants = terms[first[f]].nvariants = 1;
			}
			n++;
		}
		if (random_bits() % 6 == 0 && query->nconditions < 2 && query->terms[i].nalternatives == 0)
		{
			BarqBm25Condition *condition = &query->conditions[query->nconditions++];

			condition->occur = random_bits() % 3 == 0 ? BARQ_MUST_NOT : BARQ_MUST;
			condition->nterms = 1;
			condition->terms = palloc(sizeof(uint32));
			condition->offsets = palloc0(sizeof(uint32));
			condition->terms[0] = n;
			terms[n] = query->terms[i];
			terms[n].weight = 0;
			unmask_expansions(&terms[n]);
			if (random_bits() % 2 == 0)
				terms[n].fields = 1u << random_bits() % query->nfields;
			n++;
		}
	}
	for (uint32 f = 0; f < query->nfields; f++)
	{
		fields[f] = query->fields[f];
		fields[f].weight = fields[f].weight > 0;
	}
	query->fields = fields;
	query->terms = terms;
	query->nterms = n;
	query->best = best;
}

/* ---- comparing ---- */

/* Whether a document by itself has the score that its row has, to the last bit. */
static bool
same_documents(const Corpus *corpus, const BarqBm25Query *query)
{
	bool		good = true;

	for (uint32 i = 0; i < corpus->n; i += 7)
	{
		MemoryContext context = shim_context_push();
		BarqTermTable *terms = barq_terms_create(context);
		double		wanted = score_of(corpus, &corpus->docs[i], query);
		BarqTokens	tokens;
		uint32		bytes;
		char	   *document;
		double		score;
		bool		recheck;
		bool		comes;

		tokens_of(corpus, &corpus->docs[i], query->nfields, terms, &tokens);
		document = barq_document_encode(terms, &tokens, true, &bytes);
		comes = barq_bm25_score_document(query, document, bytes, &score, &recheck);
		good &= comes == (wanted > 0) && (!comes || score == wanted) && !recheck;
		good &= parts_are(query, document, bytes, comes ? score : 0);
		shim_context_pop();
	}
	return good;
}

static bool
same_bytes(const BarqBodyWriter *a, const BarqBodyWriter *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void
compare(const Corpus *corpus, const Bodies *bodies, uint32 nfields, const char *name)
{
	bool		plain = true;
	bool		prefixes = true;
	bool		many = true;
	bool		documents = true;
	bool		best = true;
	bool		most = true;

	for (int i = 0; i < 20; i++)
	{
		BarqBm25Query query;
		uint32		max = 1 + random_bits() % 20;

		shim_context_push();
		make_fields_query(&query, corpus, nfields, 1 + random_bits() % 6, false);
		plain &= same_answers(corpus, bodies, &query, score_of, max);
		make_fields_query(&query, corpus, nfields, 1 + random_bits() % 6, true);
		prefixes &= same_answers(corpus, bodies, &query, score_of, max);
		documents &= same_documents(corpus, &query);
		make_fields_query(&query, corpus, nfields, 1 + random_bits() % 6, i % 4 == 0);
		split_fields(&query, i % 2 == 0);
		*(i % 2 == 0 ? &best : &most) &= same_answers(corpus, bodies, &query, score_of, max);
		documents &= same_documents(corpus, &query);
		if (i % 10 == 0)
		{
			make_fields_query(&query, corpus, nfields, 60, i % 20 == 0);
			many &= same_answers(corpus, bodies, &query, score_of, max);
			split_fields(&query, i % 20 == 0);
			many &= same_answers(corpus, bodies, &query, score_of, max);
		}
		shim_context_pop();
	}
	tap_ok(best, "%s: the best field's score ranks, with conditions and variants", name);
	tap_ok(most, "%s: the sum of the fields' scores ranks, with conditions and variants", name);
	tap_ok(plain, "%s: batches have the best rows, ties by TID", name);
	tap_ok(prefixes, "%s: queries with prefixes find the best rows", name);
	tap_ok(many, "%s: queries with many terms find the best rows", name);
	tap_ok(documents, "%s: a single document gets the same score", name);
}

/* ---- bounds ---- */

/*
 * Whether the bounds of a term's blocks, of all of them and of the decoded postings are
 * not below any share, for these weights and b of fields.
 */
static bool
bounds_hold(Bm25Search *s, const BarqBm25Term *term)
{
	Bm25FieldScale scales[BARQ_BM25_FIELDS];
	Bm25Cursor *cursor = palloc(barq_bm25_cursor_bytes(s->body.nfields));
	float	   *bounds;
	float		all;
	float		shares[BARQ_BM25_BLOCK];
	float(*by_norm)[BARQ_BM25_BLOCK] = palloc(sizeof(*by_norm) * s->body.nfields);
	uint32(*lengths)[BARQ_BM25_BLOCK] = palloc(sizeof(*lengths) * s->body.nfields);
	float		raised = (float) (Max(term->weight, 1e-20) * BM25_RAISE);
	bool		good = true;

	if (!barq_bm25_cursor_open(cursor, &s->body, &term->text))
		return true;
	cursor->fields = term->fields;
	cursor->weight = term->weight;
	barq_bm25_field_scales(s->query, scales);
	bounds = palloc(sizeof(float) * cursor->nblocks);
	barq_bm25_block_bounds(cursor, 0, cursor->nblocks, s->query, scales, raised, bounds);
	barq_bm25_block_bounds(cursor, BM25_NO_ROW, 1, s->query, scales, raised, &all);
	for (; cursor->block < cursor->nblocks; cursor->block++)
	{
		double		exact = barq_bm25_exact_block_bound(cursor, cursor->block, s->query);

		barq_bm25_cursor_load(cursor);
		barq_bm25_block_shares(s, cursor, scales, raised, shares, by_norm, lengths);
		good &= exact <= barq_bm25_exact_block_bound(cursor, BM25_NO_ROW, s->query);
		for (cursor->at = 0; cursor->at < cursor->n; cursor->at++)
		{
			double		norms[BARQ_BM25_FIELDS];
			double		share;

			barq_bm25_row_norms(s, cursor->rows[cursor->at], norms);
			share = barq_bm25_posting_share(s, cursor, norms);
			good &= share <= shares[cursor->at] && share <= bounds[cursor->block] && share <= all &&
				share <= exact;
		}
	}
	return good;
}

/* Bounds of random queries, whose weights and b are the fields' of no build. */
static void
test_bounds(uint32 n, uint32 nwords, uint32 longest, uint32 nfields)
{
	Corpus		corpus;
	BarqBodyWriter body;
	BarqView	view;
	bool		good = true;
	uint32		terms = 0;

	make_corpus(&corpus, n, nwords, longest);
	build(&body, &corpus, nfields, false, (How) {.step = 1});
	view = shim_view(&body, false);
	for (int try = 0; try < 60; try++)
	{
		BarqBm25Query query;
		Bm25Search	s = {0};

		shim_context_push();
		make_fields_query(&query, &corpus, nfields, 6, false);
		barq_bm25_open(&s.body, &view);
		s.query = &query;
		for (uint32 i = 0; i < query.nterms; i++, terms++)
			good &= bounds_hold(&s, &query.terms[i]);
		shim_context_pop();
	}
	tap_ok(good && terms > 100, "%u documents of %u fields: no bound is below a share, for random weights and b",
		   n, nfields);
	shim_writer_free(&body);
}

static void
test_corpus(uint32 n, uint32 nwords, uint32 longest, uint32 nfields, bool positions)
{
	Corpus		corpus;
	Bodies		one = {1};
	Bodies		several = {3};
	Bodies		merged = {1};
	BarqBodyWriter again;
	char		name[100];

	make_corpus(&corpus, n, nwords, longest);
	sprintf(name, "%u documents of %u fields, positions %s", n, nfields, positions ? "on" : "off");
	build(&one.body[0], &corpus, nfields, positions, (How) {.step = 1});
	tap_ok(clean(&one.body[0], false) && clean(&one.body[0], true),
		   "%s: the check of a built body reports nothing", name);
	build(&again, &corpus, nfields, positions, (How) {.step = 1, .encoded = true, .shuffled = true});
	tap_ok(same_bytes(&again, &one.body[0]),
		   "%s: encoded documents in another order give the same bytes", name);
	shim_writer_free(&again);
	compare(&corpus, &one, nfields, name);
	one.pages = true;
	sprintf(name, "%u documents of %u fields, read by the page", n, nfields);
	compare(&corpus, &one, nfields, name);

	for (uint32 i = 0; i < n; i++)
		corpus.docs[i].dead = random_bits() % 5 == 0;
	for (int i = 0; i < 3; i++)
	{
		build(&several.body[i], &corpus, nfields, positions,
			  (How) {.from = i, .step = 3, .encoded = i == 1, .shuffled = i == 2});
		several.dead[i] = dead_of(&corpus, &several.body[i], NULL);
	}
	sprintf(name, "%u documents of %u fields, three segments, some dead", n, nfields);
	compare(&corpus, &several, nfields, name);

	merge(&merged.body[0], &several);
	tap_ok(clean(&merged.body[0], false), "%s: the check of the merged body reports nothing", name);
	build(&again, &corpus, nfields, positions, (How) {.step = 1, .live = true});
	tap_ok(same_bytes(&again, &merged.body[0]), "%s: a merge gives the body of the live rows", name);
	shim_writer_free(&again);
	several.pages = true;
	merge(&again, &several);
	tap_ok(same_bytes(&again, &merged.body[0]), "%s: inputs read by pages give the same bytes", name);
	shim_writer_free(&again);
	free_bodies(&several);
	shim_writer_free(&one.body[0]);
	shim_writer_free(&merged.body[0]);
}

/* Damaged bytes cause an error or reports, not a crash (which sanitizers find). */
static void
test_damage(bool pages, uint32 nfields)
{
	Corpus		corpus;
	BarqBodyWriter body;
	char	   *whole;
	volatile uint32 noticed = 0;
	volatile uint32 tried = 0;
	MemoryContext volatile context;

	make_corpus(&corpus, 700, 60, 40);
	build(&body, &corpus, nfields, true, (How) {.step = 1});
	whole = malloc(body.size);
	memcpy(whole, body.data, body.size);
	for (volatile int i = 0; i < 400; i++)
	{
		/* a third of the damages in the headers, by which everything else is found */
		Size		space = i % 3 == 0 ? 200 : body.size - sizeof(BarqBodyHeader);
		Size		at = sizeof(BarqBodyHeader) + (i % 3 == 0 ? 6 * corpus.n : 0) + random_bits() % space;
		volatile bool broken = false;

		memcpy(body.data, whole, body.size);
		for (uint32 j = 0; j < 1 + random_bits() % 8 && at + j < body.size; j++)
			body.data[at + j] = (char) random_bits();
		if (memcmp(body.data, whole, body.size) == 0)
			continue;
		tried++;
		context = shim_context_push();
		nreports = 0;
		if (SHIM_TRY())
		{
			BarqView	view = shim_view(&body, pages);

			barq_bm25_kind.check(&view, note_report, NULL);
		}
		else
			broken = true;
		SHIM_END();
		noticed += broken || nreports > 0;
		CurrentMemoryContext = context;
		shim_context_pop();

		for (volatile int j = 0; j < 4; j++)
		{
			context = shim_context_push();
			if (SHIM_TRY())
			{
				BarqView	view = shim_view(&body, pages);
				BarqBm25Query query;
				BarqBm25Top top;
				bool		recheck;

				make_fields_query(&query, &corpus, nfields, j == 3 ? 40 : 1 + random_bits() % 5, j % 2);
				for (uint32 t = 0; t < query.nterms; t++)
					(void) barq_bm25_df_any(&view, query.terms[t].expansions, query.terms[t].nexpansions,
											query.terms[t].fields);
				barq_bm25_top_init(&top, 10);
				barq_bm25_search(&view, &query, NULL, NULL, 0, &top, &recheck);
				barq_bm25_top_init(&top, 10);
				barq_bm25_rest(&view, &(BarqBm25Rest) {&query, NULL, 0}, NULL, &top);
			}
			SHIM_END();
			CurrentMemoryContext = context;
			shim_context_pop();
		}
		if (i % 8 == 0)
		{
			context = shim_context_push();
			if (SHIM_TRY())
			{
				Bodies		bodies = {1, {body}, {NULL}, pages};
				BarqBodyWriter merged;

				merge(&merged, &bodies);
				shim_writer_free(&merged);
			}
			SHIM_END();
			CurrentMemoryContext = context;
			shim_context_pop();
		}
	}
	memcpy(body.data, whole, body.size);
	printf("# %u of %u damages noticed by the check\n", noticed, tried);
	/* the other changes gave valid numbers, which only the image's CRC detects */
	tap_ok(noticed > tried * 3 / 5, "damaged bytes are detected in a body of %u fields %s", nfields,
		   pages ? "read by pages" : "that is mapped");
	shim_writer_free(&body);
	free(whole);
}

int
main(void)
{
	shim_init();
	test_corpus(1, 5, 3, 2, true);
	test_corpus(40, 20, 10, 3, false);
	test_corpus(400, 50, 40, 2, true);
	test_corpus(900, MAX_WORDS, 60, 4, true);
	test_corpus(1000, 30, 12, 2, false);
	test_bounds(3000, 40, 30, 2);
	test_bounds(1500, 25, 200, 5);
	test_bounds(2000, MAX_WORDS, 20, 8);
	test_damage(false, 2);
	test_damage(true, 3);
	return tap_done();
}
