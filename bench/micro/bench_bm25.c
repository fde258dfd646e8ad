/*
 * bench_bm25.c
 *	  Build time, bytes and latency of the BM25 kind outside of a server.
 *
 *	  bench_bm25 [-w /usr/share/wordnet] [-s english.stop] [-n 1000000] [-g 3]
 *		[-Q 200] [-k 10] [-r 5] [-P] [-a] [-F 5] [-m 8] [-b] [-l level] [-o body] [-i body]
 *
 * Documents are -g random glosses of WordNet each, 1: every gloss once (-n is
 * left out then). Words are runs of letters and digits, in lower case, without
 * the stop words of -s and with the commonest endings cut off. -P: with
 * positions. -a: alternatives alone, no other forms of queries. -F: the first words of a
 * document, so many, are a field of their own, of weight 3 (not with -b). -m: build as many
 * bodies and merge them, the documents dealt out 5,000 at a time. -b: compare each answer with every document scored (slow). -l: the
 * kernels' level. -o, -i: keep the body in a file; measure one kept there.
 *
 * Queries have one to five words drawn from one random gloss each. Times of
 * searches are CPU times, the shortest of -r runs a query. To build:
 * bench/micro/build.sh bench_bm25.
 */
#include "postgres.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "bm25/bm25_read.h"
#include "kernels/kernels.h"
#include "utils/memutils.h"

#undef printf
#undef fprintf
#undef snprintf
#undef qsort

#include "glosses.h"

#define FEW_WORDS 5				/* words of most queries */
#define DEALT 5000				/* documents of a run, one after the other */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* of this process: other load on the machine counts less */
static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void
build(BarqBodyWriter *writer, const Documents *d, uint32 run, uint32 runs, bool positions,
	  double *adding, double *writing)
{
	MemoryContext context = shim_context_push();
	BarqBm25Builder *builder = barq_bm25_builder_create(vocabulary, d->title > 0 ? 2 : 1, positions, context);
	BarqTokens	tokens = {.tokens = malloc(sizeof(BarqToken) * 16384)};
	double		start;
	uint32		added = 0;

	for (uint32 i = 0; i < d->n; i++)
	{
		ItemPointerData tid;

		if (i / DEALT % runs != run)
			continue;
		if (added % 1024 == 0)
			*adding -= cpu_now();
		document_tokens(d, i, &tokens);
		document_tid(i, &tid);
		barq_bm25_builder_add(builder, &tid, &tokens);
		if (added++ % 1024 == 1023)
			*adding += cpu_now();
	}
	if (added % 1024 != 0)
		*adding += cpu_now();
	printf("  run %u: %u rows, builder %.1f MB\n", run, added,
		   barq_bm25_builder_bytes(builder) / 1e6);
	start = cpu_now();
	shim_writer_init(writer);
	barq_bm25_builder_write(builder, writer);
	*writing += cpu_now() - start;
	shim_context_pop();
	free(tokens.tokens);
}

/* ---- queries ---- */

typedef struct Words
{
	uint32		n;
	uint32	   *words;
} Words;

static int
compare_terms(const void *a, const void *b)
{
	const BarqBm25Term *x = a;
	const BarqBm25Term *y = b;

	return barq_compare_terms(x->text.text, x->text.length, y->text.text, y->text.length);
}

/* With `required`, all words of it, as a conjunction. */
static void
make_query(BarqBm25Query *query, BarqView *view, const Words *words, BarqBm25Term *terms)
{
	static BarqBm25Field fields[BARQ_BM25_FIELDS];
	BarqBm25Totals totals;
	Bm25Body	opened;

	barq_bm25_open(&opened, view);
	barq_bm25_totals(view, &totals);
	memset(query, 0, sizeof(*query));
	query->k1 = 1.2;
	query->b = 0.75;
	query->avglen = totals.tokens / (double) totals.documents;
	query->scored = true;
	if (opened.nfields > 1)
	{
		query->nfields = opened.nfields;
		query->fields = fields;
		for (uint32 f = 0; f < query->nfields; f++)
			fields[f] = (BarqBm25Field) {.weight = f == 0 ? 3 : 1, .b = query->b,
										.avglen = totals.field_tokens[f] / (double) totals.documents};
	}
	query->terms = terms;
	for (uint32 i = 0; i < words->n; i++)
	{
		BarqBm25Term *term = &terms[query->nterms++];

		memset(term, 0, sizeof(*term));
		term->text.text = barq_terms_text(vocabulary, words->words[i], &term->text.length);
		term->weight = (query->k1 + 1) *
			barq_bm25_idf(totals.documents, barq_bm25_df(view, term->text.text, term->text.length, 0));
	}
	qsort(terms, query->nterms, sizeof(BarqBm25Term), compare_terms);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void
percentiles(const char *name, double *times, uint32 n)
{
	double		sum = 0;

	if (n == 0)
		return;
	qsort(times, n, sizeof(double), compare_doubles);
	for (uint32 i = 0; i < n; i++)
		sum += times[i];
	printf("%-22s %4u queries: p50 %7.3f  p95 %7.3f  p99 %7.3f  mean %7.3f ms\n", name, n,
		   times[n / 2] * 1e3, times[(uint32) (n * 0.95)] * 1e3,
		   times[(uint32) (n * 0.99)] * 1e3, sum / n * 1e3);
}

/* Every document scored: is `top` what comes out? */
static bool
right(const Documents *d, const BarqBm25Query *query, const BarqBm25Top *top)
{
	BarqBm25Top exact;
	BarqTokens	tokens = {.tokens = malloc(sizeof(BarqToken) * 16384)};
	bool		same;
	uint32		wanted[FEW_WORDS];

	for (uint32 t = 0; t < query->nterms; t++)
		wanted[t] = barq_terms_find(vocabulary, query->terms[t].text.text,
									query->terms[t].text.length);
	barq_bm25_top_init(&exact, top->max);
	for (uint32 i = 0; i < d->n; i++)
	{
		double		score = 0;
		ItemPointerData tid;

		document_tokens(d, i, &tokens);
		for (uint32 t = 0; t < query->nterms; t++)
		{
			uint32		tf = 0;

			for (uint32 j = 0; j < tokens.ntokens; j++)
				tf += tokens.tokens[j].term == wanted[t];
			if (tf > 0)
				score += barq_bm25_share(query->terms[t].weight, tf,
										 barq_bm25_norm(query->k1, query->b, tokens.length,
														query->avglen));
		}
		document_tid(i, &tid);
		if (score > 0)
			barq_bm25_top_add(&exact, score, &tid);
	}
	barq_bm25_top_sort(&exact);
	same = exact.count == top->count;
	for (uint32 i = 0; same && i < exact.count; i++)
		same = exact.hits[i].score == top->hits[i].score &&
			ItemPointerCompare(&exact.hits[i].tid, &top->hits[i].tid) == 0;
	free(tokens.tokens);
	return same;
}

typedef enum Form
{
	FORM_ANY,					/* alternatives */
	FORM_MANY,					/* the same, more of them */
	FORM_MUST,					/* all required */
	FORM_PHRASE,				/* the first two as a required phrase */
	FORM_PREFIX					/* the last cut to three letters, a prefix */
} Form;

static BarqBm25Text *expansions;
static uint32 nexpansions;

static void
note_expansion(void *arg, const char *text, uint32 length, uint32 df)
{
	expansions[nexpansions++] = (BarqBm25Text) {.text = pnstrdup(text, length), .length = length};
}

static void
measure(const char *name, BarqView *view, const Documents *d, const Words *words,
		uint32 nqueries, uint32 k, int repeats, bool compare, Form form)
{
	double	   *times = malloc(sizeof(double) * nqueries);
	double	   *part = malloc(sizeof(double) * nqueries);
	uint32		wrong = 0;

	for (uint32 q = 0; q < nqueries; q++)
	{
		BarqBm25Query query;
		BarqBm25Term *terms;
		BarqBm25Condition conditions[FEW_WORDS];
		uint32		numbers[FEW_WORDS] = {0, 1, 2, 3, 4};
		uint32		offsets[FEW_WORDS] = {0, 1, 2, 3, 4};

		shim_context_push();
		terms = palloc(sizeof(BarqBm25Term) * words[q].n);
		make_query(&query, view, &words[q], terms);
		if (form == FORM_MUST || (form == FORM_PHRASE && query.nterms > 1))
		{
			query.conditions = conditions;
			query.nconditions = form == FORM_MUST ? query.nterms : 1;
			for (uint32 i = 0; i < query.nconditions; i++)
				conditions[i] = (BarqBm25Condition) {
					.occur = BARQ_MUST, .phrase = form == FORM_PHRASE,
					.nterms = form == FORM_PHRASE ? 2 : 1,
					.terms = numbers + i,
					.offsets = offsets
				};
		}
		if (form == FORM_PREFIX)
		{
			BarqBm25Term *term = &terms[query.nterms - 1];

			expansions = palloc(sizeof(BarqBm25Text) * BARQ_BM25_EXPANSIONS);
			nexpansions = 0;
			term->prefix = true;
			term->text.length = Min(term->text.length, 3);
			barq_bm25_expand(view, term->text.text, term->text.length, 0, BARQ_BM25_EXPANSIONS,
							 note_expansion, NULL);
			term->expansions = expansions;
			term->nexpansions = nexpansions;
			term->weight = (query.k1 + 1) *
				barq_bm25_idf(view->rows, barq_bm25_df_any(view, expansions, nexpansions, 0));
		}
		times[q] = 1e9;
		for (int r = 0; r < repeats; r++)
		{
			BarqBm25Top top;
			bool		recheck;
			double		start;

			shim_context_push();
			start = cpu_now();
			barq_bm25_top_init(&top, k);
			barq_bm25_search(view, &query, NULL, NULL, 0, &top, &recheck);
			barq_bm25_top_sort(&top);
			times[q] = Min(times[q], cpu_now() - start);
			if (compare && r == 0 && form == FORM_ANY && !right(d, &query, &top))
			{
				wrong++;
				printf("query %u: wrong\n", q);
			}
			shim_context_pop();
		}
		shim_context_pop();
	}
	for (uint32 n = 1; n <= FEW_WORDS && form == FORM_ANY; n++)
	{
		uint32		m = 0;
		char		label[40];

		for (uint32 q = 0; q < nqueries; q++)
			if (words[q].n == n)
				part[m++] = times[q];
		snprintf(label, sizeof(label), "%s, %u words", name, n);
		percentiles(label, part, m);
	}
	percentiles(name, times, nqueries);
	if (compare && form == FORM_ANY)
		printf("%u of %u queries answered wrongly\n", wrong, nqueries);
	free(times);
	free(part);
}

/* `most` words of one gloss at most, or of as many as it takes. */
static void
make_words(Words *words, uint32 nqueries, uint32 most)
{
	uint8	   *known = calloc(1, barq_terms_count(vocabulary));

	for (uint32 q = 0; q < nqueries; q++)
	{
		uint32		want = most <= FEW_WORDS ? 1 + q % most : most;
		const Gloss *gloss = NULL;

		words[q].n = 0;
		words[q].words = malloc(sizeof(uint32) * want);
		for (int try = 0; (try < 20 || most > FEW_WORDS) && words[q].n < want; try++)
		{
			uint32		word;

			if (try == 0 || most > FEW_WORDS)
				do
					gloss = &glosses[random_below(nglosses)];
				while (gloss->n == 0);
			word = gloss->tokens[random_below(gloss->n)].term;
			if (!known[word])
				words[q].words[words[q].n++] = word;
			known[word] = 1;
		}
		for (uint32 i = 0; i < words[q].n; i++)
			known[words[q].words[i]] = 0;
	}
	free(known);
}

static void
save_body(const BarqBodyWriter *body, const char *path)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL || fwrite(body->data, 1, body->size, file) != body->size ||
		fclose(file) != 0)
	{
		perror(path);
		exit(1);
	}
}

static void
load_body(BarqBodyWriter *body, const char *path)
{
	FILE	   *file = fopen(path, "r");
	char		buffer[65536];
	Size		n;

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	shim_writer_init(body);
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		barq_body_write(body, buffer, n);
	fclose(file);
}

int
main(int argc, char **argv)
{
	const char *folder = "/usr/share/wordnet";
	const char *stops = "/usr/share/postgresql/15/tsearch_data/english.stop";
	const char *out = NULL;
	const char *in = NULL;
	uint32		n = 1000000;
	uint32		per = 3;
	uint32		nqueries = 200;
	uint32		k = 10;
	int			repeats = 5;
	int			runs = 1;
	bool		positions = false;
	bool		alone = false;
	bool		compare = false;
	int			c;
	double		start;
	Documents	d = {0};
	BarqBodyWriter body;
	BarqView	view;
	Bm25Body	opened;
	Words	   *words;

	shim_init();
	barq_kernels_init();
	while ((c = getopt(argc, argv, "w:s:n:g:Q:k:r:PaF:m:bl:o:i:")) != -1)
		switch (c)
		{
			case 'w':
				folder = optarg;
				break;
			case 's':
				stops = optarg;
				break;
			case 'n':
				n = atoi(optarg);
				break;
			case 'g':
				per = atoi(optarg);
				break;
			case 'Q':
				nqueries = atoi(optarg);
				break;
			case 'k':
				k = atoi(optarg);
				break;
			case 'r':
				repeats = atoi(optarg);
				break;
			case 'P':
				positions = true;
				break;
			case 'a':
				alone = true;
				break;
			case 'F':
				d.title = atoi(optarg);
				break;
			case 'm':
				runs = atoi(optarg);
				break;
			case 'b':
				compare = true;
				break;
			case 'l':
				if (!barq_kernels_select(optarg))
				{
					fprintf(stderr, "no level \"%s\" here\n", optarg);
					return 1;
				}
				break;
			case 'o':
				out = optarg;
				break;
			case 'i':
				in = optarg;
				break;
			default:
				fprintf(stderr, "see the head of bench_bm25.c for how to use it\n");
				return 1;
		}

	read_glosses(folder, stops);
	make_documents(&d, n, per);
	printf("%u glosses, %u words; %u documents of %.1f words; kernels: %s\n", nglosses,
		   barq_terms_count(vocabulary), d.n, d.tokens / (double) d.n, barq_kernels->name);

	if (in != NULL)
		load_body(&body, in);
	else
	{
		BarqBodyWriter *parts = malloc(sizeof(BarqBodyWriter) * runs);
		double		adding = 0;
		double		writing = 0;

		for (int run = 0; run < runs; run++)
			build(&parts[run], &d, run, runs, positions, &adding, &writing);
		printf("build: add %.2f s (%.2f us a document), write %.2f s\n", adding,
			   adding / d.n * 1e6, writing);
		body = parts[0];
		if (runs > 1)
		{
			BarqView   *views = malloc(sizeof(BarqView) * runs);
			BarqMergeInput *inputs = malloc(sizeof(BarqMergeInput) * runs);

			for (int run = 0; run < runs; run++)
			{
				views[run] = shim_view(&parts[run], false);
				inputs[run] = (BarqMergeInput) {
					&views[run], NULL, views[run].rows
				};
			}
			shim_writer_init(&body);
			shim_context_push();
			start = cpu_now();
			barq_bm25_merge(&body, inputs, runs, NULL);
			printf("merge of %d: %.2f s\n", runs, cpu_now() - start);
			shim_context_pop();
			for (int run = 0; run < runs; run++)
				shim_writer_free(&parts[run]);
		}
	}
	if (out != NULL)
		save_body(&body, out);

	view = shim_view(&body, false);
	barq_bm25_open(&opened, &view);
	printf("body: %.2f MB: TIDs %.2f, lengths %.2f, postings %.2f (%.1f M, %.2f bytes each), "
		   "dictionary %.2f (%llu terms)\n",
		   body.size / 1e6, view.rows * 6e-6, view.rows * opened.header.length_width * 1e-6,
		   (opened.footer.dictionary_off - opened.header.terms_off) / 1e6,
		   opened.footer.postings / 1e6,
		   (opened.footer.dictionary_off - opened.header.terms_off) /
		   (double) opened.footer.postings,
		   (view.size - opened.footer.dictionary_off) / 1e6,
		   (unsigned long long) opened.footer.terms);

	words = malloc(sizeof(Words) * nqueries);
	random_state = 4711;
	make_words(words, nqueries, FEW_WORDS);
	start = now();
	measure("any", &view, &d, words, nqueries, k, repeats, compare, FORM_ANY);
	if (alone)
		return 0;
	measure("all required", &view, &d, words, nqueries, k, repeats, compare, FORM_MUST);
	if (positions)
		measure("phrase of two", &view, &d, words, nqueries, k, repeats, compare, FORM_PHRASE);
	measure("prefix of three", &view, &d, words, Min(nqueries, 50), k, Min(repeats, 2), compare,
			FORM_PREFIX);
	make_words(words, Min(nqueries, 50), 20);
	measure("any of 20 words", &view, &d, words, Min(nqueries, 50), k, repeats, false, FORM_MANY);
	make_words(words, Min(nqueries, 50), 100);
	measure("any of 100 words", &view, &d, words, Min(nqueries, 50), k, repeats, false, FORM_MANY);
	make_words(words, Min(nqueries, 10), 10000);
	measure("any of 10,000 words", &view, &d, words, Min(nqueries, 10), k, 1, false, FORM_MANY);
	printf("searched for %.1f s\n", now() - start);
	return 0;
}
