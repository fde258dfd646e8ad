/*
 * bm25_bodies.h
 *	  Bodies of ranked text for tests of src/bm25: their dead rows, searches of several
 *	  compared with brute force, checks, merges.
 */
#ifndef BARQ_BM25_BODIES_H
#define BARQ_BM25_BODIES_H

#include "bm25_brute.h"

/* Bodies that are searched together. */
typedef struct Bodies
{
	int			n;
	BarqBodyWriter body[8];
	uint8	   *dead[8];
	bool		pages;
} Bodies;

/* A document's score by brute force; at most 0: it does not match. */
typedef double (*ScoreOf) (const Corpus *corpus, const Doc *doc, const BarqBm25Query *query);

/* Whether the parts of a document's score sum up to it, bit by bit. */
static bool
parts_are(const BarqBm25Query *query, const char *document, uint32 bytes, double score)
{
	BarqBm25Part *parts;
	uint32		n = barq_bm25_explain_document(query, document, bytes, &parts);
	double		sum = 0;

	for (uint32 i = 0; i < n; i++)
		sum += parts[i].part;
	return sum == score;
}

/* A bit for each row of a dead document; *live: the others, unless NULL. */
static uint8 *
dead_of(const Corpus *corpus, const BarqBodyWriter *body, uint32 *live)
{
	BarqView	view = shim_view(body, false);
	Bm25Body	opened;
	uint8	   *dead = calloc(view.rows / 8 + 1, 1);

	barq_bm25_open(&opened, &view);
	if (live != NULL)
		*live = 0;
	for (uint32 row = 0; row < view.rows; row++)
	{
		ItemPointerData tid = barq_bm25_tid(&opened, row);
		uint32		doc = ItemPointerGetBlockNumber(&tid) * 50 + ItemPointerGetOffsetNumber(&tid) - 1;

		if (corpus->docs[doc].dead)
			dead[row / 8] |= 1 << (row % 8);
		else if (live != NULL)
			(*live)++;
	}
	return dead;
}

static int
compare_hits(const void *a, const void *b)
{
	const BarqBm25Hit *x = a;
	const BarqBm25Hit *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &x->tid, (ItemPointer) &y->tid);
}

/* All rows in batches of max, each resumed at the end of the last one. */
static bool
same_answers(const Corpus *corpus, const Bodies *bodies, const BarqBm25Query *query, ScoreOf score_of,
			 uint32 max)
{
	BarqBm25Hit *wanted = palloc(sizeof(BarqBm25Hit) * (corpus->n + 1));
	uint32		nwanted = 0;
	uint32		at = 0;
	BarqBm25Top top;
	bool		resumed = false;
	bool		good = true;

	for (uint32 i = 0; i < corpus->n; i++)
	{
		double		score = corpus->docs[i].dead ? -1 : score_of(corpus, &corpus->docs[i], query);

		if (score > 0)
		{
			wanted[nwanted].score = score;
			wanted[nwanted++].tid = corpus->docs[i].tid;
		}
	}
	qsort(wanted, nwanted, sizeof(BarqBm25Hit), compare_hits);
	for (int batch = 0; batch < 3 && good; batch++)
	{
		ItemPointerData after_tid = {0};
		double		after_score = 0;
		uint32		expected;

		if (resumed)
		{
			after_score = wanted[at - 1].score;
			after_tid = wanted[at - 1].tid;
		}
		barq_bm25_top_init(&top, max);
		top.resumed = resumed;
		top.after_score = after_score;
		top.after_tid = after_tid;
		for (int i = 0; i < bodies->n; i++)
		{
			BarqView	view = shim_view(&bodies->body[i], bodies->pages);
			bool		recheck;

			barq_bm25_search(&view, query, bodies->dead[i], NULL, 0, &top, &recheck);
			good &= !recheck;
		}
		barq_bm25_top_sort(&top);
		expected = Min(max, nwanted - at);
		good &= top.count == expected;
		for (uint32 i = 0; i < expected && good; i++)
			good &= top.hits[i].score == wanted[at + i].score &&
				ItemPointerEquals(&top.hits[i].tid, &wanted[at + i].tid);
		if (!good)
			printf("# batch %d: %u of %u rows\n", batch, top.count, expected);
		at += expected;
		resumed = at > 0;
		if (at == nwanted)
			break;
	}
	return good;
}

static int	nreports;

static void
note_report(void *arg, const char *place, const char *message)
{
	if (nreports++ < 3 && arg != NULL)
		printf("# %s: %s: %s\n", (char *) arg, place, message);
}

static bool
clean(const BarqBodyWriter *body, bool pages)
{
	BarqView	view = shim_view(body, pages);

	nreports = 0;
	shim_context_push();
	barq_bm25_kind.check(&view, note_report, "check");
	shim_context_pop();
	return nreports == 0;
}

static void
merge(BarqBodyWriter *out, const Bodies *bodies)
{
	BarqView	views[8];
	BarqMergeInput inputs[8];

	shim_context_push();
	for (int i = 0; i < bodies->n; i++)
	{
		views[i] = shim_view(&bodies->body[i], bodies->pages);
		inputs[i].view = &views[i];
		inputs[i].dead = bodies->dead[i];
		inputs[i].live = 0;
	}
	shim_writer_init(out);
	barq_bm25_merge(out, inputs, bodies->n, NULL);
	shim_context_pop();
}

static void
free_bodies(Bodies *bodies)
{
	for (int i = 0; i < bodies->n; i++)
	{
		shim_writer_free(&bodies->body[i]);
		free(bodies->dead[i]);
	}
}

#endif							/* BARQ_BM25_BODIES_H */
