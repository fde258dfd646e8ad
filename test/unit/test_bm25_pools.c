/*
 * test_bm25_pools.c
 *	  Pools of terms that are read by members, against those that are decoded at once and
 *	  against brute force (src/bm25), outside of a server, in TAP.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf

#include "tap.h"

#include "bm25/bm25_search.h"
#include "bm25_brute.h"
#include "bm25_fields.h"

/*
 * The bound of a pool's share in the row at which its members are: by the weighted frequencies
 * of the blocks in which they are there.
 */
static double
pool_bound(Bm25Search *s, const BarqBm25Term *term, const Bm25Cursor *pool, uint32 row)
{
	Bm25FieldScale scales[BARQ_BM25_FIELDS];
	double		bound = 0;

	barq_bm25_field_scales(s->query, scales);
	for (uint32 i = 0; i < pool->nmembers; i++)
	{
		const Bm25Cursor *member = pool->members[i];
		float		here;

		if (member->block >= member->nblocks || member->rows[member->at] != row)
			continue;
		barq_bm25_block_bounds(member, member->block, 1, s->query, scales, 0, &here);
		bound += here;
	}
	return (float) (Max(term->weight, 1e-20) * BM25_RAISE) * bound / (bound + barq_bm25_least_k1(s->query));
}

/*
 * Whether a pool that is read by members has the rows and shares of one that is
 * decoded at once and of brute force, none above its bound, in as many rows as are counted.
 */
static bool
members_agree(const Corpus *corpus, Bm25Search *s, BarqBm25Term *term)
{
	BarqBm25Query alone = *s->query;
	Bm25Cursor *lazy = barq_bm25_open_term(&s->body, term, BM25_MEMBERS);
	Bm25Cursor *decoded = barq_bm25_open_term(&s->body, term, 0);
	uint32		row = 0;
	uint32		rows = 0;
	bool		good = true;

	alone.terms = term;
	alone.nterms = 1;
	if (decoded != NULL && lazy != NULL && lazy->nmembers > 0)
		lazy->weight = decoded->weight = term->weight;
	else
		return true;
	for (; (row = barq_bm25_cursor_seek(lazy, row)) != BM25_NO_ROW; row += 1 + random_bits() % 2 * (random_bits() % 300))
	{
		double		norms[BARQ_BM25_FIELDS];
		double		share;

		if (!barq_bm25_cursor_counts(lazy))
			continue;
		good &= barq_bm25_cursor_seek(decoded, row) == row && barq_bm25_cursor_counts(decoded);
		barq_bm25_row_norms(s, row, norms);
		share = barq_bm25_posting_share(s, lazy, norms);
		good &= share == barq_bm25_posting_share(s, decoded, norms) &&
			share <= pool_bound(s, term, lazy, row) &&
			(share > 0 ? share : -1) == score_of(corpus, &corpus->docs[row], &alone);
	}

	/* again, row by row, from the start and by a copy */
	lazy = barq_bm25_cursor_copy(lazy);
	barq_bm25_cursor_rewind(decoded);
	for (row = 0; (row = barq_bm25_cursor_seek(decoded, row)) != BM25_NO_ROW; row++)
		if (barq_bm25_cursor_counts(decoded))
		{
			rows++;
			good &= barq_bm25_cursor_seek(lazy, row) == row && barq_bm25_cursor_counts(lazy);
		}
	return good && barq_bm25_df_any(s->body.view, term->expansions, term->nexpansions, term->fields) == rows;
}

/* Pools of random terms that count in random fields, read by members and at once. */
static void
test_members(uint32 n, uint32 nwords, uint32 longest, uint32 nfields)
{
	Corpus		corpus;
	BarqBodyWriter body;
	BarqView	view;
	bool		good = true;
	uint32		pools = 0;

	make_corpus(&corpus, n, nwords, longest);
	build(&body, &corpus, nfields, false, (How) {.step = 1});
	view = shim_view(&body, false);
	for (int try = 0; try < 60; try++)
	{
		BarqBm25Query query;
		Bm25Search	s = {0};

		shim_context_push();
		make_fields_query(&query, &corpus, nfields, 6, true);
		barq_bm25_open(&s.body, &view);
		s.query = &query;
		for (uint32 i = 0; i < query.nterms; i++)
			if (query.terms[i].prefix)
			{
				good &= members_agree(&corpus, &s, &query.terms[i]);
				pools++;
			}
		shim_context_pop();
	}
	tap_ok(good && pools > 50, "%u documents of %u fields: pools are the same by members and decoded", n, nfields);
	shim_writer_free(&body);
}

/* Append words to a document. */
static void
add_words(Doc *doc, uint32 word, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		doc->words[doc->n++] = (uint16) word;
}

/*
 * A form whose frequency in one row is beyond what bounds can say: a row that no form lifts to
 * the threshold by itself, in the same blocks, is found by what they add up to.
 */
static void
test_endless(void)
{
	Corpus		corpus = {.n = 400, .words = {"rare", "word"}, .nwords = 2, .counted = 400};
	BarqBm25Text forms[2] = {{.text = "rare", .length = 4}, {.text = "word", .length = 4}};
	BarqBm25Term pool = {.text = {.text = "p", .length = 1}, .prefix = true, .weight = 2,
						 .nexpansions = 2,
						 .expansions = forms};
	BarqBm25Query query = {.k1 = 0.01, .b = 0, .avglen = 5, .scored = true, .nterms = 1, .terms = &pool};
	BarqBodyWriter body;
	BarqView	view;
	BarqBm25Top top;
	bool		recheck;

	corpus.docs = calloc(corpus.n, sizeof(Doc));
	for (uint32 i = 0; i < corpus.n; i++)
	{
		Doc		   *doc = &corpus.docs[i];

		ItemPointerSet(&doc->tid, i / 50, i % 50 + 1);
		doc->words = calloc(20000, sizeof(uint16));
		add_words(doc, 0, i == 390 ? 19000 : i == 395 ? 2 : 0);
		add_words(doc, 1, i < 300 ? 5 : i == 395 ? 4 : 1);
	}
	build(&body, &corpus, 1, false, (How) {.step = 1});
	view = shim_view(&body, false);
	shim_context_push();
	barq_bm25_top_init(&top, 2);
	barq_bm25_search(&view, &query, NULL, NULL, 0, &top, &recheck);
	barq_bm25_top_sort(&top);
	tap_ok(top.count == 2 && ItemPointerEquals(&top.hits[0].tid, &corpus.docs[390].tid) &&
		   ItemPointerEquals(&top.hits[1].tid, &corpus.docs[395].tid) &&
		   top.hits[1].score == brute_score(&corpus, &corpus.docs[395], &query),
		   "a row whose forms add up to the threshold is found beside a form without a bound");
	shim_context_pop();
	shim_writer_free(&body);
}

int
main(void)
{
	shim_init();
	test_endless();
	test_members(300, 20, 30, 2);
	test_members(3000, 40, 30, 2);
	test_members(1500, 25, 200, 5);
	test_members(2000, MAX_WORDS, 20, 8);
	return tap_done();
}
