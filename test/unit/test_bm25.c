/*
 * test_bm25.c
 *	  The kind of ranked text (src/bm25) outside of a server, in TAP: answers
 *	  against brute force, merges against bodies built at once, damaged bytes.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf

#include "tap.h"

#include "bm25_bodies.h"

static void
tokens_of(const Corpus *corpus, const Doc *doc, BarqTermTable *terms, BarqTokens *tokens)
{
	memset(tokens, 0, sizeof(*tokens));
	tokens->tokens = palloc(sizeof(BarqToken) * (doc->n + 1));
	for (uint32 i = 0; i < doc->n; i++)
	{
		const char *word = corpus->words[doc->words[i]];

		tokens->tokens[i].term = barq_terms_intern(terms, word, strlen(word));
		tokens->tokens[i].position = i + 1;
	}
	tokens->ntokens = tokens->length = tokens->last_position = doc->n;
}

/* A body of the documents from, from + step, from + 2 * step, ... */
static void
build(BarqBodyWriter *writer, const Corpus *corpus, uint32 from, uint32 to, uint32 step,
	  bool positions, bool encoded, bool shuffled)
{
	MemoryContext context = shim_context_push();
	BarqTermTable *terms = barq_terms_create(context);
	BarqTermTable *own = barq_terms_create(context);
	BarqBm25Builder *builder = barq_bm25_builder_create(terms, 1, positions, context);

	for (uint32 i = from; i < to; i += step)
	{
		uint32		at = shuffled ? from + (to - 1 - i) / step * step : i;
		const Doc  *doc = &corpus->docs[at];
		BarqTokens	tokens;

		if (at >= to)
			continue;
		tokens_of(corpus, doc, encoded ? own : terms, &tokens);
		add_document(builder, encoded ? own : NULL, doc, &tokens, positions);
	}
	shim_writer_init(writer);
	barq_bm25_builder_write(builder, writer);
	shim_context_pop();
}

/* ---- comparing ---- */

typedef struct Matches
{
	uint32		n;
	bool		ordered;
	bool		recheck;
	ItemPointerData last;
	uint8	   *found;
} Matches;

static void
note_matches(void *arg, BarqMatchedRows *rows)
{
	Matches    *m = arg;
	const ItemPointerData *tids = rows->tids;

	for (uint32 i = 0; i < rows->n; i++)
	{
		ItemPointerData tid = tids[i];

		/* a row's number is that of its TID among those of the segment */
		m->ordered &= memcmp(barq_view_read(rows->view,
											((const BarqBodyHeader *) barq_view_read(rows->view, 0, sizeof(BarqBodyHeader)))->tids_off +
											sizeof(ItemPointerData) * rows->rows[i],
											sizeof(ItemPointerData)),
							 &tid, sizeof(ItemPointerData)) == 0;
		if (m->n > 0)
			m->ordered &= ItemPointerCompare(&m->last, &tid) < 0;
		m->last = tids[i];
		m->found[ItemPointerGetBlockNumber(&tids[i]) * 50 + ItemPointerGetOffsetNumber(&tids[i]) - 1]++;
		m->n++;
	}
	m->recheck |= rows->recheck;
}

static bool
same_matches(const Corpus *corpus, const Bodies *bodies, const BarqBm25Query *query, bool unsure)
{
	Matches		m = {0, true, false, {{0}}, calloc(corpus->n + 1, 1)};
	bool		good = true;

	for (int i = 0; i < bodies->n; i++)
	{
		BarqView	view = shim_view(&bodies->body[i], bodies->pages);

		m.n = 0;
		barq_bm25_match(&view, query, bodies->dead[i], note_matches, &m);
	}
	good &= m.ordered;
	for (uint32 i = 0; i < corpus->n; i++)
	{
		bool		matches = !corpus->docs[i].dead &&
			(!query->scored || brute_score(corpus, &corpus->docs[i], query) > 0);

		for (uint32 j = 0; j < query->nconditions; j++)
			matches &= holds(corpus, &corpus->docs[i], query, &query->conditions[j]) ==
				(query->conditions[j].occur == BARQ_MUST);
		/* recheck may be set without need, but not missing */
		good &= unsure && m.recheck ? !matches || m.found[i] == 1 : m.found[i] == matches;
	}
	free(m.found);
	return good;
}

/* The rows of score 0 in a few batches. matching: NULL, or a further query. */
static bool
same_rest(const Corpus *corpus, const Bodies *bodies, const BarqBm25Query *ranking,
		  const BarqBm25Query *matching, uint32 max, bool unsure)
{
	BarqBm25Rest rest = {ranking, &matching, matching != NULL};
	uint8	   *found = calloc(corpus->n + 1, 1);
	BarqBm25Top top;
	ItemPointerData after = {0};
	bool		any_unsure = false;
	bool		good = true;

	do
	{
		barq_bm25_top_init(&top, max + corpus->n / 5);
		top.resumed = true;
		top.after_tid = after;
		for (int i = 0; i < bodies->n; i++)
		{
			BarqView	view = shim_view(&bodies->body[i], bodies->pages);

			barq_bm25_rest(&view, &rest, bodies->dead[i], &top);
		}
		barq_bm25_top_sort(&top);
		for (uint32 i = 0; i < top.count; i++)
		{
			ItemPointer tid = &top.hits[i].tid;

			good &= top.hits[i].score == 0 && ItemPointerCompare(&after, tid) < 0;
			any_unsure |= top.hits[i].unsure;
			found[ItemPointerGetBlockNumber(tid) * 50 + ItemPointerGetOffsetNumber(tid) - 1]++;
			after = *tid;
		}
	} while (top.count == top.max);
	for (uint32 i = 0; i < corpus->n; i++)
	{
		const Doc  *doc = &corpus->docs[i];
		bool		comes = !doc->dead && (ranking == NULL || brute_score(corpus, doc, ranking) < 0);

		for (uint32 j = 0; matching != NULL && j < matching->nconditions; j++)
			comes &= holds(corpus, doc, matching, &matching->conditions[j]) ==
				(matching->conditions[j].occur == BARQ_MUST);
		good &= any_unsure && unsure ? !comes || found[i] == 1 : found[i] == comes;
	}
	free(found);
	return good;
}

static bool
same_documents(const Corpus *corpus, const BarqBm25Query *query)
{
	bool		good = true;

	for (uint32 i = 0; i < corpus->n; i += 7)
	{
		MemoryContext context = shim_context_push();
		BarqTermTable *terms = barq_terms_create(context);
		BarqTokens	tokens;
		uint32		bytes;
		char	   *document;
		double		score;
		double		wanted = brute_score(corpus, &corpus->docs[i], query);
		bool		recheck;
		bool		comes;

		tokens_of(corpus, &corpus->docs[i], terms, &tokens);
		document = barq_document_encode(terms, &tokens, true, &bytes);
		comes = barq_bm25_score_document(query, document, bytes, &score, &recheck);
		good &= comes == (wanted > 0) && (!comes || score == wanted) && !recheck;
		good &= parts_are(query, document, bytes, comes ? score : 0);
		shim_context_pop();
	}
	return good;
}

static void
compare_all(const Corpus *corpus, const Bodies *bodies, bool positions, const char *name)
{
	bool		plain = true;
	bool		many = true;
	bool		conditional = true;
	bool		prefixes = true;
	bool		matches = true;
	bool		rest = true;

	for (int i = 0; i < 25; i++)
	{
		BarqBm25Query query;
		BarqBm25Query matching;
		uint32		max = 1 + random_bits() % 20;

		shim_context_push();
		make_query(&query, corpus, 1 + random_bits() % 6, 0, false);
		plain &= same_answers(corpus, bodies, &query, brute_score, max);
		make_query(&query, corpus, 1 + random_bits() % 6, 0, true);
		prefixes &= same_answers(corpus, bodies, &query, brute_score, max);
		make_query(&query, corpus, 2 + random_bits() % 5, positions ? 2 : 1, i % 3 == 0);
		conditional &= same_answers(corpus, bodies, &query, brute_score, max);
		matches &= same_matches(corpus, bodies, &query, false);
		rest &= same_rest(corpus, bodies, i % 5 == 0 ? NULL : &query, NULL, max, false);
		make_query(&matching, corpus, 2 + random_bits() % 5, positions ? 2 : 1, false);
		matching.scored = false;
		rest &= same_rest(corpus, bodies, &query, &matching, max, false);
		query.scored = false;
		matches &= same_matches(corpus, bodies, &query, false);
		if (i % 10 == 0)
		{
			make_query(&query, corpus, 60, i % 20 == 0 ? 0 : 1, true);
			many &= same_answers(corpus, bodies, &query, brute_score, max);
		}
		if (!positions)
		{
			make_query(&query, corpus, 2 + random_bits() % 5, 2, false);
			rest &= same_rest(corpus, bodies, &query, NULL, max, true);
			query.scored = false;
			matches &= same_matches(corpus, bodies, &query, true);
		}
		shim_context_pop();
	}
	tap_ok(plain, "%s: batches have the best rows, ties by TID", name);
	tap_ok(prefixes, "%s: queries with prefixes find the best rows", name);
	tap_ok(conditional, "%s: queries with conditions find the best rows", name);
	tap_ok(many, "%s: queries with many terms find the best rows", name);
	tap_ok(matches, "%s: queries of conditions alone find their rows", name);
	tap_ok(rest, "%s: rows of score 0 come in TID order", name);
}

static void
test_corpus(uint32 n, uint32 nwords, uint32 longest, bool positions)
{
	Corpus		corpus;
	Bodies		one = {1};
	Bodies		several = {3};
	Bodies		merged = {1};
	BarqBodyWriter again;
	char		name[100];
	uint32		live;
	bool		totals = true;

	make_corpus(&corpus, n, nwords, longest);
	sprintf(name, "%u documents, positions %s", n, positions ? "on" : "off");
	build(&one.body[0], &corpus, 0, n, 1, positions, false, false);
	tap_ok(clean(&one.body[0], false) && clean(&one.body[0], true), "%s: the check of a built body reports nothing", name);
	build(&again, &corpus, 0, n, 1, positions, true, true);
	tap_ok(again.size == one.body[0].size && memcmp(again.data, one.body[0].data, again.size) == 0,
		   "%s: encoded documents in another order give the same bytes", name);
	compare_all(&corpus, &one, positions, name);
	one.pages = true;
	sprintf(name, "%u documents, positions %s, read by the page", n, positions ? "on" : "off");
	compare_all(&corpus, &one, positions, name);

	/* three interleaved segments with dead rows */
	for (uint32 i = 0; i < n; i++)
		corpus.docs[i].dead = random_bits() % 5 == 0;
	for (int i = 0; i < 3; i++)
	{
		BarqView	view;
		BarqBm25Totals t;

		build(&several.body[i], &corpus, i, n, 3, positions, i == 1, i == 2);
		several.dead[i] = dead_of(&corpus, &several.body[i], &live);
		view = shim_view(&several.body[i], false);
		shim_context_push();
		barq_bm25_totals(&view, &t);
		totals &= t.documents == view.rows;
		shim_context_pop();
	}
	tap_ok(totals, "totals of segments add up");
	sprintf(name, "%u documents, positions %s, three segments, some dead", n, positions ? "on" : "off");
	compare_all(&corpus, &several, positions, name);

	/* the merged body equals a body of the live rows */
	merge(&merged.body[0], &several);
	tap_ok(clean(&merged.body[0], false), "%s: the check of the merged body reports nothing", name);
	several.pages = true;
	shim_writer_free(&again);
	merge(&again, &several);
	tap_ok(again.size == merged.body[0].size && memcmp(again.data, merged.body[0].data, again.size) == 0,
		   "%s: inputs read by pages give the same bytes", name);
	sprintf(name, "%u documents, positions %s, merged", n, positions ? "on" : "off");
	compare_all(&corpus, &merged, positions, name);

	if (positions)
	{
		bool		documents = true;

		for (int i = 0; i < 20; i++)
		{
			BarqBm25Query query;

			shim_context_push();
			make_query(&query, &corpus, 1 + random_bits() % 6, i % 3, i % 2);
			documents &= same_documents(&corpus, &query);
			shim_context_pop();
		}
		tap_ok(documents, "%s: a single document gets the same score", name);
	}
	free_bodies(&one);
	free_bodies(&several);
	free_bodies(&merged);
	shim_writer_free(&again);
}

/* Damaged bytes cause an error or reports, not a crash (which sanitizers find). */
static void
test_damage(bool pages)
{
	Corpus		corpus;
	BarqBodyWriter body;
	char	   *whole;
	volatile uint32 noticed = 0;
	volatile uint32 tried = 0;
	MemoryContext volatile context;

	make_corpus(&corpus, 700, 60, 40);
	build(&body, &corpus, 0, corpus.n, 1, true, false, false);
	whole = malloc(body.size);
	memcpy(whole, body.data, body.size);
	for (int i = 0; i < 400; i++)
	{
		Size		at = sizeof(BarqBodyHeader) + random_bits() % (body.size - sizeof(BarqBodyHeader));
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

		for (int j = 0; j < 4; j++)
		{
			context = shim_context_push();
			if (SHIM_TRY())
			{
				BarqView	view = shim_view(&body, pages);
				BarqBm25Query query;
				BarqBm25Top top;
				bool		recheck;

				make_query(&query, &corpus, 1 + random_bits() % 5, j % 3, j % 2);
				barq_bm25_top_init(&top, 10);
				barq_bm25_search(&view, &query, NULL, NULL, 0, &top, &recheck);
				barq_bm25_top_init(&top, 10);
				barq_bm25_rest(&view, &(BarqBm25Rest) {&query, NULL, 0}, NULL, &top);
			}
			SHIM_END();
			CurrentMemoryContext = context;
			shim_context_pop();
		}
	}
	memcpy(body.data, whole, body.size);
	printf("# %u of %u damages noticed by the check\n", noticed, tried);
	/* the other changes gave valid numbers, which only the image's CRC detects */
	tap_ok(noticed > tried * 3 / 4, "damaged bytes are detected in a body %s", pages ? "read by pages" : "that is mapped");
	shim_writer_free(&body);
	free(whole);
}

int
main(void)
{
	shim_init();
	test_corpus(1, 5, 3, true);
	test_corpus(40, 20, 10, false);
	test_corpus(400, 50, 40, true);
	test_corpus(2500, MAX_WORDS, 60, true);
	test_corpus(3000, 30, 12, false);
	test_corpus(300, 40, MAX_LENGTH, true);
	test_damage(false);
	test_damage(true);
	return tap_done();
}
