/*
 * highlight.c
 *	  barq_highlight(): the parts of a text that a query finds, with tags around
 *	  the words found (highlight_find.c finds them).
 *
 * What is shown: up to max_fragments runs of fragment_words words, each chosen
 * for the most terms of the query that no earlier one shows, then for the most
 * terms, then for the shortest way from its first to its last word found, then
 * for coming first. The text itself is copied byte for byte.
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

/* Characters of a gram that follow its first. */
#define MOST_UNITS	2

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
		/* grams reach beyond the character that they begin with */
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
barq_highlight_by(FunctionCallInfo fcinfo, BarqTokenizer *tokenizer)
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
												  tokenizer));

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
	return cstring_to_text_with_len(buf.data, buf.len);
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
	PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, barq_tokenizer_cached(PG_GETARG_OID(2),
																	 BARQ_TOKENIZER_CONFIG)));
}
