/*
 * test_bm25_parts.c
 *	  Parts of the BM25 kind without a server, in TAP: the dictionary, and the
 *	  maxima by which searches prune.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf

#include "tap.h"

#include "bm25/bm25_read.h"

static void
count_term(void *arg, const char *text, uint32 length, uint32 df)
{
	(*(uint32 *) arg)++;
}

static void
test_dictionary(void)
{
	MemoryContext context = shim_context_push();
	BarqTermTable *terms = barq_terms_create(context);
	BarqBm25Builder *builder = barq_bm25_builder_create(terms, 1, false, context);
	BarqBodyWriter body;
	BarqView	view;
	ItemPointerData tid;
	bool		found = true;
	bool		absent = true;
	uint32		n = 0;

	for (uint32 i = 0; i < 5000; i++)
	{
		char		text[20];
		BarqToken	token;
		BarqTokens	tokens = {&token, 1, 1, 1, 1};

		token.term = barq_terms_intern(terms, text, sprintf(text, "w%u", i * 2));
		token.position = 1;
		ItemPointerSet(&tid, i / 100, i % 100 + 1);
		barq_bm25_builder_add(builder, &tid, &tokens);
	}
	shim_writer_init(&body);
	barq_bm25_builder_write(builder, &body);
	view = shim_view(&body, false);
	for (uint32 i = 0; i < 10000; i++)
	{
		char		text[20];
		uint32		df = barq_bm25_df(&view, text, sprintf(text, "w%u", i), 0);

		if (i % 2 == 0)
			found &= df == 1;
		else
			absent &= df == 0;
	}
	tap_ok(found && barq_bm25_df(&view, "", 0, 0) == 0, "every term of the dictionary is found");
	tap_ok(absent && barq_bm25_df(&view, "a", 1, 0) == 0 && barq_bm25_df(&view, "z", 1, 0) == 0,
		   "no other term is found");
	barq_bm25_expand(&view, "w12", 3, 0, 1000000, count_term, &n);
	tap_ok(n == 1 + 5 + 50, "a prefix is expanded to all its terms");
	n = 0;
	barq_bm25_expand(&view, "w1", 2, 0, 7, count_term, &n);
	tap_ok(n == 7, "a prefix is expanded to at most max terms");
	n = 0;
	barq_bm25_expand(&view, "zz", 2, 0, 7, count_term, &n);
	barq_bm25_expand(&view, "a", 1, 0, 7, count_term, &n);
	tap_ok(n == 0, "a prefix without terms is expanded to none");
	shim_writer_free(&body);
	shim_context_pop();
}

/* Maxima bound the postings of which they were made. */
static void
test_maxima(void)
{
	bool		bound = true;

	for (int i = 0; i < 20000; i++)
	{
		Bm25Maxima	maxima = {0};
		BarqBm25Query query = {0};
		uint32		tf[12];
		uint32		length[12];
		int			n = 1 + random_bits() % 12;
		double		weight = random_bits() % 1000 / 77.0;
		double		b;

		query.k1 = 0.1 + random_bits() % 100 / 10.0;
		query.b = random_bits() % 5 / 4.0;
		query.avglen = 1 + random_bits() % 300;
		for (int j = 0; j < n; j++)
		{
			tf[j] = 1 + (random_bits() % 10 == 0 ? random_bits() % 200000 : random_bits() % 8);
			length[j] = random_bits() % 10 == 0 ? random_bits() % 200000 : random_bits() % 60;
			barq_bm25_maxima_add(&maxima, tf[j], length[j]);
		}
		b = barq_bm25_maxima_bound(&maxima, weight, &query);
		for (int j = 0; j < n; j++)
			bound &= b >= barq_bm25_share(weight, tf[j],
										  barq_bm25_norm(query.k1, query.b, length[j], query.avglen));
	}
	tap_ok(bound, "maxima bound the shares of the postings of which they were made");
}

/*
 * Maxima by field bound the shares of postings of several fields, for random weights, b
 * and fields asked; a posting may be absent from a field.
 */
static void
test_field_maxima(void)
{
	bool		bound = true;

	for (int i = 0; i < 20000; i++)
	{
		uint32		nfields = 2 + random_bits() % (BARQ_BM25_FIELDS - 1);
		Bm25Maxima	maxima[BARQ_BM25_FIELDS] = {0};
		const Bm25Maxima *by_field[BARQ_BM25_FIELDS];
		BarqBm25Field fields[BARQ_BM25_FIELDS];
		BarqBm25Query query = {.nfields = nfields, .fields = fields};
		uint32		tf[12][BARQ_BM25_FIELDS] = {0};
		uint32		length[12][BARQ_BM25_FIELDS];
		int			n = 1 + random_bits() % 12;
		double		weight = random_bits() % 1000 / 77.0;
		uint32		asked = random_bits() % 3 == 0 ? 0 :
			1 + random_bits() % barq_bm25_every_field(nfields);
		double		b;

		query.k1 = 0.1 + random_bits() % 100 / 10.0;
		for (uint32 f = 0; f < nfields; f++)
		{
			by_field[f] = &maxima[f];
			fields[f].weight = random_bits() % 9 == 0 ? 0 : random_bits() % 100000 / 1000.0;
			fields[f].b = random_bits() % 101 / 100.0;
			fields[f].avglen = random_bits() % 9 == 0 ? 0 : 1 + random_bits() % 300 / 7.0;
			for (int j = 0; j < n; j++)
			{
				length[j][f] = 1 + (random_bits() % 10 == 0 ? random_bits() % 200000 : random_bits() % 60);
				if (random_bits() % 3 == 0)
					continue;
				tf[j][f] = 1 + (random_bits() % 10 == 0 ? random_bits() % 200000 : random_bits() % 8);
				barq_bm25_maxima_add(&maxima[f], tf[j][f], length[j][f]);
			}
		}
		b = barq_bm25_fields_bound(by_field, weight, asked, &query);
		for (int j = 0; j < n; j++)
		{
			double		norms[BARQ_BM25_FIELDS];

			for (uint32 f = 0; f < nfields; f++)
				norms[f] = barq_bm25_field_norm(&fields[f], length[j][f]);
			bound &= b >= barq_bm25_fields_share(&query, weight,
												 barq_bm25_wtf(&query, asked, tf[j], 1, norms));
		}
	}
	tap_ok(bound, "maxima by field bound the shares of postings of several fields");
}

int
main(void)
{
	shim_init();
	test_maxima();
	test_field_maxima();
	test_dictionary();
	return tap_done();
}
