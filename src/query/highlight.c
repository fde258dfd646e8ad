/*
 * highlight.c
 *	  barq_highlight(): the parts of a text that a query finds, with tags around
 *	  the words found.
 *
 * What is marked: each word whose terms a word or a prefix of the query has; a
 * phrase's words where they stand as the phrase says, or everywhere if they
 * nowhere do. What must not be there is not marked. Words that overlap (the
 * parts of a compound, of a URL) are marked as one.
 *
 * What is shown: up to max_fragments runs of fragment_words words, each chosen
 * for the most terms of the query that no earlier one shows, then for the most
 * terms, then for the shortest way from its first to its last word found, then
 * for coming first. The text itself is copied byte for byte.
 */
#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "text/lexize.h"
#include "text/text_query.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define NOT_ASKED	(-1)
#define UNKNOWN		(-2)

/* A term of the query that a document may hold: exact ones, then prefixes. */
typedef struct Asked
{
	bool		everywhere;		/* marked wherever it stands, not in phrases alone */
	uint32		shown;			/* by so many chosen fragments */
	uint32		in_window;		/* while a window passes over it */
} Asked;

/* A word of the text, or several that overlap. */
typedef struct Unit
{
	Size		start;
	Size		end;
} Unit;

/* A term of the query in the text. */
typedef struct Match
{
	uint32		term;
	uint32		asked;
	uint32		position;
	uint32		unit;
	Size		start;
	Size		end;
	bool		marked;
} Match;

typedef struct Highlight
{
	const char *body;
	Size		length;
	BarqTokenizer *tokenizer;
	BarqTextQuery *query;

	BarqTermTable *prefixes;	/* number i here is asked[nexact + i] */
	uint32		longest_prefix;
	BarqTermTable *exact;		/* number i here is asked[i] */
	uint32		nexact;
	Asked	   *asked;
	uint32		nasked;

	/* by number of the tokenizer's terms: what it is asked as */
	int32	   *asked_as;
	uint32		nterms;

	Unit	   *units;
	uint64		nunits;
	uint64		units_space;
	Match	   *matches;		/* in the order of the text */
	uint64		nmatches;
	uint64		matches_space;
	uint64		position;
	Size		last_start;		/* of the word seen last */
} Highlight;

/* ---- what is asked ---- */

static void
note_query(Highlight *h)
{
	BarqTextQuery *query = h->query;

	h->exact = barq_terms_create(CurrentMemoryContext);
	h->prefixes = barq_terms_create(CurrentMemoryContext);
	for (uint32 i = 0; i < query->nclauses; i++)
	{
		const BarqClause *clause = &query->clauses[i];
		bool		prefix = clause->kind == BARQ_CLAUSE_PREFIX;

		for (uint32 j = 0; j < clause->nterms && clause->occur != BARQ_MUST_NOT; j++)
		{
			barq_terms_intern(prefix ? h->prefixes : h->exact,
							  clause->terms[j].text, clause->terms[j].length);
			if (prefix)
				h->longest_prefix = Max(h->longest_prefix, clause->terms[j].length);
		}
	}
	h->nexact = barq_terms_count(h->exact);
	h->nasked = h->nexact + barq_terms_count(h->prefixes);
	h->asked = MemoryContextAllocZero(CurrentMemoryContext,
									  Max(h->nasked, 1) * sizeof(Asked));
	for (uint32 i = h->nexact; i < h->nasked; i++)
		h->asked[i].everywhere = true;
	for (uint32 i = 0; i < query->nclauses; i++)
	{
		const BarqClause *clause = &query->clauses[i];

		for (uint32 j = 0; j < clause->nterms; j++)
			if (clause->occur != BARQ_MUST_NOT && clause->kind == BARQ_CLAUSE_WORDS)
				h->asked[barq_terms_find(h->exact, clause->terms[j].text,
										 clause->terms[j].length)]
					.everywhere = true;
	}
}

/* What a term of the text is asked as: itself, else by its longest prefix. */
static int32
asked_as(Highlight *h, uint32 term)
{
	uint32		length;
	const char *text;
	int32		answer = NOT_ASKED;

	if (term < h->nterms && h->asked_as[term] != UNKNOWN)
		return h->asked_as[term];
	if (term >= h->nterms)
	{
		uint32		n = Max(term + 1, h->nterms * 2);

		h->asked_as = h->asked_as == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(int32)) :
			repalloc_huge(h->asked_as, n * sizeof(int32));
		while (h->nterms < n)
			h->asked_as[h->nterms++] = UNKNOWN;
	}
	text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), term, &length);
	if (h->nexact > 0)
	{
		uint32		found = barq_terms_find(h->exact, text, length);

		if (found != PG_UINT32_MAX)
			answer = found;
	}
	for (uint32 n = Min(length, h->longest_prefix);
		 n > 0 && (answer == NOT_ASKED || !h->asked[answer].everywhere); n--)
	{
		uint32		found = barq_terms_find(h->prefixes, text, n);

		if (found != PG_UINT32_MAX)
			answer = h->nexact + found;
	}
	return h->asked_as[term] = answer;
}

/* ---- what is found ---- */

static void *
more_room(void *array, uint64 *space, Size size)
{
	*space = Max(*space * 2, 64);
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, *space * size) :
		repalloc_huge(array, *space * size);
}

static void
see_word(void *arg, const BarqPiece *word, Size start, Size end)
{
	Highlight  *h = arg;
	uint64		position = h->position;
	Unit	   *last = h->nunits > 0 ? &h->units[h->nunits - 1] : NULL;

	h->position += word->advance;
	/* a parser may make up words, or go back */
	if (end <= start || start < h->last_start)
		return;
	h->last_start = start;
	if (last != NULL && start < last->end)
		last->end = Max(last->end, end);
	else
	{
		if (h->nunits == h->units_space)
			h->units = more_room(h->units, &h->units_space, sizeof(Unit));
		h->units[h->nunits++] = (Unit) {start, end};
	}
	for (uint32 i = 0; i < word->nterms; i++)
	{
		int32		asked = asked_as(h, word->terms[i].term);

		if (asked == NOT_ASKED)
			continue;
		if (h->nmatches == h->matches_space)
			h->matches = more_room(h->matches, &h->matches_space, sizeof(Match));
		h->matches[h->nmatches++] = (Match) {
			.term = word->terms[i].term,
			.asked = asked,
			.position = position + word->terms[i].position,
			.unit = h->nunits - 1,
			.start = start,
			.end = end,
			.marked = h->asked[asked].everywhere
		};
	}
}

static int
compare_matches(const void *a, const void *b)
{
	const Match *x = *(const Match *const *) a;
	const Match *y = *(const Match *const *) b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

/* The first match of a term at a position or later, in matches so sorted. */
static uint64
find_match(Match **sorted, uint64 n, uint32 term, uint32 position)
{
	uint64		low = 0;
	uint64		high = n;

	while (low < high)
	{
		uint64		middle = (low + high) / 2;

		if (sorted[middle]->term < term ||
			(sorted[middle]->term == term && sorted[middle]->position < position))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Whether a phrase stands at a position, where one of its first terms is; if
 * mark, mark its words.
 */
static bool
phrase_at(Match **sorted, uint64 n, const BarqClause *clause, const uint32 *terms,
		  uint32 position, bool mark)
{
	for (uint32 i = 0, next; i < clause->nterms; i = next)
	{
		uint32		at = position + clause->terms[i].offset;
		bool		here = false;

		for (next = i; next < clause->nterms &&
			 clause->terms[next].offset == clause->terms[i].offset;
			 next++)
		{
			uint64		m = find_match(sorted, n, terms[next], at);

			if (m == n || sorted[m]->term != terms[next] || sorted[m]->position != at)
				continue;
			here = true;
			if (mark)
				sorted[m]->marked = true;
		}
		if (!here)
			return false;
	}
	return true;
}

static void
mark_phrase(Match **sorted, uint64 n, const BarqClause *clause, const uint32 *terms)
{
	bool		found = false;

	for (uint32 i = 0; i < clause->nterms && clause->terms[i].offset == 0; i++)
		for (uint64 m = find_match(sorted, n, terms[i], 0);
			 m < n && sorted[m]->term == terms[i]; m++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!phrase_at(sorted, n, clause, terms, sorted[m]->position, false))
				continue;
			found = true;
			phrase_at(sorted, n, clause, terms, sorted[m]->position, true);
		}
	for (uint32 i = 0; i < clause->nterms && !found; i++)
		for (uint64 m = find_match(sorted, n, terms[i], 0);
			 m < n && sorted[m]->term == terms[i]; m++)
			sorted[m]->marked = true;
}

static void
mark_phrases(Highlight *h)
{
	Match	  **sorted = NULL;
	uint64		kept = 0;

	for (uint32 i = 0; i < h->query->nclauses && h->nmatches > 0; i++)
	{
		const BarqClause *clause = &h->query->clauses[i];
		uint32	   *terms;

		if (clause->kind != BARQ_CLAUSE_PHRASE || clause->occur == BARQ_MUST_NOT)
			continue;
		if (sorted == NULL)
		{
			sorted = MemoryContextAllocHuge(CurrentMemoryContext,
											h->nmatches * sizeof(Match *));
			for (uint64 m = 0; m < h->nmatches; m++)
				sorted[m] = &h->matches[m];
			qsort(sorted, h->nmatches, sizeof(Match *), compare_matches);
		}
		terms = palloc(clause->nterms * sizeof(uint32));
		for (uint32 j = 0; j < clause->nterms; j++)
			terms[j] = barq_terms_find(barq_tokenizer_terms(h->tokenizer),
									   clause->terms[j].text, clause->terms[j].length);
		mark_phrase(sorted, h->nmatches, clause, terms);
		pfree(terms);
		CHECK_FOR_INTERRUPTS();
	}
	if (sorted != NULL)
		pfree(sorted);
	for (uint64 m = 0; m < h->nmatches; m++)
		if (h->matches[m].marked)
			h->matches[kept++] = h->matches[m];
	h->nmatches = kept;
}

/* ---- what is shown ---- */

/* Units first … last; of the matches, `from` up to before `upto`. */
typedef struct Fragment
{
	uint64		first;
	uint64		last;
	uint64		from;
	uint64		upto;
} Fragment;

typedef struct Score
{
	uint32		fresh;			/* terms that no chosen fragment shows */
	uint32		distinct;
	uint64		width;			/* units from the first match to the last */
} Score;

static bool
better(const Score *a, const Score *b)
{
	if (a->fresh != b->fresh)
		return a->fresh > b->fresh;
	if (a->distinct != b->distinct)
		return a->distinct > b->distinct;
	return a->width < b->width;
}

static void
count_in(Highlight *h, uint64 m, int by, Score *score)
{
	Asked	   *asked = &h->asked[h->matches[m].asked];
	bool		before = asked->in_window > 0;
	bool		after;

	asked->in_window += by;
	after = asked->in_window > 0;
	if (before == after)
		return;
	score->distinct += by;
	if (asked->shown == 0)
		score->fresh += by;
}

/*
 * The best window of at most `words` units among the matches from … upto - 1,
 * if it beats *best.
 */
static bool
best_window(Highlight *h, uint64 from, uint64 upto, uint64 words, Score *best, Fragment *window)
{
	Score		score = {0};
	bool		found = false;
	uint64		end = from;

	for (uint64 m = from; m < upto; m++)
	{
		while (end < upto && h->matches[end].unit - h->matches[m].unit < words)
			count_in(h, end++, 1, &score);
		score.width = h->matches[end - 1].unit - h->matches[m].unit;
		if (better(&score, best))
		{
			*best = score;
			*window = (Fragment) {h->matches[m].unit, h->matches[end - 1].unit, m, end};
			found = true;
		}
		count_in(h, m, -1, &score);
		if (m % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return found;
}

/* Choose fragments; sorted by their place. Returns how many. */
static int
choose(Highlight *h, int max_fragments, uint64 words, Fragment *chosen)
{
	int			n = 0;

	while (n < max_fragments)
	{
		Score		best = {0};
		Fragment	window;
		int			at = 0;
		bool		found = false;
		uint64		low;
		uint64		high;
		uint64		room;

		/* between those chosen before */
		for (int i = 0; i <= n; i++)
		{
			uint64		from = i > 0 ? chosen[i - 1].upto : 0;
			uint64		upto = i < n ? chosen[i].from : h->nmatches;

			if (best_window(h, from, upto, words, &best, &window))
			{
				at = i;
				found = true;
			}
		}
		if (!found)
			break;
		for (uint64 m = window.from; m < window.upto; m++)
			h->asked[h->matches[m].asked].shown++;

		/* words around it, as many on either side as there is room for */
		low = at > 0 ? chosen[at - 1].last + 1 : 0;
		high = at < n ? chosen[at].first - 1 : h->nunits - 1;
		room = words - (window.last - window.first + 1);
		window.first -= Min(room / 2, window.first - low);
		window.last = Min(window.first + words - 1, high);
		window.first = window.last - low < words - 1 ? low : window.last - (words - 1);
		while (window.from > 0 && h->matches[window.from - 1].unit >= window.first)
			window.from--;
		while (window.upto < h->nmatches && h->matches[window.upto].unit <= window.last)
			window.upto++;

		memmove(chosen + at + 1, chosen + at, (n - at) * sizeof(Fragment));
		chosen[at] = window;
		n++;
	}
	return n;
}

/* ---- writing ---- */

typedef struct Tags
{
	const char *start;
	int			start_length;
	const char *stop;
	int			stop_length;
} Tags;

/* The text from `at` to `end`, with the matches from *m on that lie in it. */
static void
write_text(StringInfo buf, const Highlight *h, Size at, Size end, uint64 *m, const Tags *tags)
{
	while (*m < h->nmatches && h->matches[*m].start < end)
	{
		Size		start = h->matches[*m].start;
		Size		stop = h->matches[*m].end;

		for ((*m)++; *m < h->nmatches && h->matches[*m].start <= stop; (*m)++)
			stop = Max(stop, h->matches[*m].end);
		appendBinaryStringInfo(buf, h->body + at, start - at);
		appendBinaryStringInfo(buf, tags->start, tags->start_length);
		appendBinaryStringInfo(buf, h->body + start, stop - start);
		appendBinaryStringInfo(buf, tags->stop, tags->stop_length);
		at = stop;
		CHECK_FOR_INTERRUPTS();
	}
	appendBinaryStringInfo(buf, h->body + at, end - at);
}

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The bytes of a fragment: what stands directly at its ends belongs to it. */
static Size
fragment_start(const Highlight *h, const Fragment *f)
{
	Size		low = f->first > 0 ? h->units[f->first - 1].end : 0;
	Size		at = h->units[f->first].start;

	if (f->first == 0)
		return 0;
	while (at > low && !is_space(h->body[at - 1]))
		at--;
	return at;
}

static Size
fragment_end(const Highlight *h, const Fragment *f)
{
	Size		high = f->last + 1 < h->nunits ? h->units[f->last + 1].start : h->length;
	Size		at = h->units[f->last].end;

	if (f->last + 1 == h->nunits)
		return h->length;
	while (at < high && !is_space(h->body[at]))
		at++;
	return at;
}

static void
write_fragments(StringInfo buf, const Highlight *h, const Fragment *fragments, int n,
				const Tags *tags)
{
	/* the horizontal ellipsis, where the encoding has it */
	const char *between = GetDatabaseEncoding() == PG_UTF8 ? " \xe2\x80\xa6 " : " ... ";
	uint64		m = 0;

	for (int i = 0; i < n; i++)
	{
		Size		start = fragment_start(h, &fragments[i]);
		Size		end;

		/* fragments that follow each other are one */
		while (i + 1 < n && fragments[i + 1].first == fragments[i].last + 1)
			i++;
		end = fragment_end(h, &fragments[i]);
		while (m < h->nmatches && h->matches[m].start < start)
			m++;
		write_text(buf, h, start, end, &m, tags);
		if (i + 1 < n)
			appendStringInfoString(buf, between);
	}
}

/*
 * barq_highlight(body text, query text, config regconfig, start_tag text,
 * stop_tag text, max_fragments int, fragment_words int). No fragment
 * (max_fragments = 0) means all of the text.
 */
PG_FUNCTION_INFO_V1(barq_highlight);
Datum
barq_highlight(PG_FUNCTION_ARGS)
{
	text	   *body = PG_GETARG_TEXT_PP(0);
	text	   *query = PG_GETARG_TEXT_PP(1);
	text	   *start_tag = PG_GETARG_TEXT_PP(3);
	text	   *stop_tag = PG_GETARG_TEXT_PP(4);
	int			max_fragments = PG_GETARG_INT32(5);
	int			fragment_words = PG_GETARG_INT32(6);
	Tags		tags = {
		.start = VARDATA_ANY(start_tag),
		.start_length = VARSIZE_ANY_EXHDR(start_tag),
		.stop = VARDATA_ANY(stop_tag),
		.stop_length = VARSIZE_ANY_EXHDR(stop_tag)
	};
	Highlight	h = {
		.body = VARDATA_ANY(body),
		.length = VARSIZE_ANY_EXHDR(body)
	};
	Fragment   *fragments;
	int			n;
	StringInfoData buf;
	uint64		m = 0;

	if (max_fragments < 0 || max_fragments > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_fragments must be between 0 and 1000, not %d", max_fragments)));
	if (fragment_words < 1 || fragment_words > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fragment_words must be between 1 and 1000000, not %d", fragment_words)));

	h.tokenizer = barq_tokenizer_cached(PG_GETARG_OID(2), BARQ_TOKENIZER_CONFIG);
	h.query = barq_text_query_parse(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query), h.tokenizer);
	note_query(&h);
	barq_tokenize_words(h.tokenizer, h.body, h.length, false, see_word, &h);
	mark_phrases(&h);

	initStringInfo(&buf);
	if (max_fragments == 0 || h.nunits == 0)
		write_text(&buf, &h, 0, h.length, &m, &tags);
	else
	{
		fragments = palloc(max_fragments * sizeof(Fragment));
		n = choose(&h, max_fragments, fragment_words, fragments);
		if (n == 0)
		{
			/* nothing found: how the text begins */
			fragments[0] = (Fragment) {0, Min(h.nunits, (uint64) fragment_words) - 1, 0, 0};
			n = 1;
		}
		write_fragments(&buf, &h, fragments, n, &tags);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}
