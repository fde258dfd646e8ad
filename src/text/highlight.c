/*
 * highlight.c
 *	  barq_highlight(): fragments of a text with tags around the words of a query,
 *	  which highlight_find.c finds.
 *
 * Up to max_fragments fragments of fragment_words words are shown. Each is chosen
 * for the most query terms that no earlier one shows, then for the most query
 * terms, then for the fewest words between its first and its last match, then for
 * its place. The text is copied byte for byte.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "text/highlight.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Characters of a gram after its first: a match may reach so many units further. */
#define MOST_UNITS	2

/* ---- choosing fragments ---- */

/* Units first … last, with the matches from … upto - 1. */
typedef struct Fragment
{
	uint64		first;
	uint64		last;
	uint64		from;
	uint64		upto;
} Fragment;

/* The value of a window. */
typedef struct Score
{
	uint32		fresh;			/* query terms that no chosen fragment shows */
	uint32		distinct;		/* query terms */
	uint64		width;			/* units from the first match to the last */
} Score;

/* Whether score *a is higher than *b. */
static bool
better(const Score *a, const Score *b)
{
	if (a->fresh != b->fresh)
		return a->fresh > b->fresh;
	if (a->distinct != b->distinct)
		return a->distinct > b->distinct;
	return a->width < b->width;
}

/* Count match m as entering (by = 1) or leaving (-1) the window of a score. */
static void
count_in(Highlight *h, uint64 m, int by, Score *score)
{
	QueryTerm  *term = &h->query_terms[h->matches[m].query_term];
	bool		before = term->in_window > 0;
	bool		after;

	term->in_window += by;
	after = term->in_window > 0;
	if (before == after)
		return;
	score->distinct += by;
	if (term->shown == 0)
		score->fresh += by;
}

/*
 * Find the best window of at most `words` units among matches from … upto - 1.
 * False if none is better than *best; else updates *best and *window.
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

/*
 * Choose at most max_fragments fragments of `words` units, into chosen[], sorted by
 * their place. Returns their number.
 */
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

		/* the best window between the fragments chosen so far */
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
			h->query_terms[h->matches[m].query_term].shown++;

		/* extend it to `words` units, on both sides as far as there is room */
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

/* Write bytes at … end - 1 with tags around matches, from *m on, which advances. */
static void
write_text(StringInfo buf, const Highlight *h, Size at, Size end, uint64 *m, const Tags *tags)
{
	while (*m < h->nmatches && h->matches[*m].start < end)
	{
		Size		start = h->matches[*m].start;
		Size		stop = h->matches[*m].end;

		for ((*m)++; *m < h->nmatches && h->matches[*m].start <= Min(stop, end); (*m)++)
			stop = Max(stop, h->matches[*m].end);
		stop = Min(stop, end);
		appendBinaryStringInfo(buf, h->body + at, start - at);
		appendBinaryStringInfo(buf, tags->start, tags->start_length);
		appendBinaryStringInfo(buf, h->body + start, stop - start);
		appendBinaryStringInfo(buf, tags->stop, tags->stop_length);
		at = stop;
		CHECK_FOR_INTERRUPTS();
	}
	appendBinaryStringInfo(buf, h->body + at, end - at);
}

/* The first byte of a fragment: up to white space, punctuation belongs to it. */
static Size
fragment_start(const Highlight *h, const Fragment *f)
{
	Size		low = f->first > 0 ? h->units[f->first - 1].end : 0;
	Size		at = h->units[f->first].start;

	if (f->first == 0)
		return 0;
	while (at > low && !barq_is_space(h->body[at - 1]))
		at--;
	return at;
}

/* The byte after a fragment, in the same way. */
static Size
fragment_end(const Highlight *h, const Fragment *f)
{
	Size		high = f->last + 1 < h->nunits ? h->units[f->last + 1].start : h->length;
	Size		at = h->units[f->last].end;

	if (f->last + 1 == h->nunits)
		return h->length;
	while (at < high && !barq_is_space(h->body[at]))
		at++;
	return at;
}

/* Write n fragments, with an ellipsis between them. */
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

		/* adjacent fragments are joined */
		while (i + 1 < n && fragments[i + 1].first == fragments[i].last + 1)
			i++;
		end = fragment_end(h, &fragments[i]);
		/* a gram extends beyond the unit of its first character */
		for (uint64 next = fragments[i].upto; next > fragments[i].from; next--)
			if (h->matches[next - 1].unit + MOST_UNITS >= fragments[i].last)
				end = Max(end, h->matches[next - 1].end);
		if (i + 1 < n)
			end = Min(end, fragment_start(h, &fragments[i + 1]));
		while (m < h->nmatches && h->matches[m].start < start)
			m++;
		write_text(buf, h, start, end, &m, tags);
		if (i + 1 < n)
			appendStringInfoString(buf, between);
	}
}

text *
barq_highlight_by(FunctionCallInfo fcinfo, const BarqQueryFields *fields, uint32 field,
				  BarqTokenizer *tokenizer)
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
		.length = VARSIZE_ANY_EXHDR(body),
		.field = field,
		.tokenizer = tokenizer
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

	barq_highlight_find(&h, barq_text_query_parse(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
												  fields, tokenizer));

	initStringInfo(&buf);
	if (max_fragments == 0 || h.nunits == 0)
		write_text(&buf, &h, 0, h.length, &m, &tags);
	else
	{
		fragments = palloc(max_fragments * sizeof(Fragment));
		n = choose(&h, max_fragments, fragment_words, fragments);
		if (n == 0)
		{
			/* no match: the beginning of the text */
			fragments[0] = (Fragment) {0, Min(h.nunits, (uint64) fragment_words) - 1, 0, 0};
			n = 1;
		}
		write_fragments(&buf, &h, fragments, n, &tags);
	}
	return cstring_to_text_with_len(buf.data, buf.len);
}

/*
 * barq_highlight(body text, query text, config regconfig, start_tag text,
 * stop_tag text, max_fragments int, fragment_words int) → text. max_fragments = 0:
 * the whole text.
 */
PG_FUNCTION_INFO_V1(barq_highlight);
Datum
barq_highlight(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, NULL, 0, barq_tokenizer_cached(PG_GETARG_OID(2),
																			  BARQ_TOKENIZER_CONFIG)));
}
