/*
 * highlight.c
 *	  barq_highlight(): the parts of a text that a query finds, with tags around
 *	  the words found.
 *
 * What is marked: each word whose terms a word or a prefix of the query has, in
 * whatever group (of a variant of several terms, where the text has them all);
 * a phrase's words where they stand as the phrase says, or everywhere if they
 * nowhere do. What must not be there is not marked. Words that overlap (the
 * parts of a compound, of a URL) are marked as one; of an ngram tokenizer's
 * runs the characters of the grams found.
 *
 * What is shown: up to max_fragments runs of fragment_words words, each chosen
 * for the most terms of the query that no earlier one shows, then for the most
 * terms, then for the shortest way from its first to its last word found, then
 * for coming first. The text itself is copied byte for byte.
 */
#include "postgres.h"

#include "am/text.h"
#include "catalog/namespace.h"
#include "compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "text/lexize.h"
#include "text/text_query.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/regproc.h"

#define NOT_ASKED	(-1)
#define UNKNOWN		(-2)

/* Characters of a gram that follow its first. */
#define MOST_UNITS	2

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

	/* words and phrases of the query that are not to be missing */
	const BarqClause **leaves;
	uint32		nleaves;
	uint32		leaves_space;

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

/* The words and phrases of clauses and their groups. */
static void
note_leaves(Highlight *h, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];

		if (clause->occur == BARQ_MUST_NOT)
			continue;
		if (clause->nclauses > 0)
		{
			note_leaves(h, clause->clauses, clause->nclauses);
			continue;
		}
		if (h->nleaves == h->leaves_space)
		{
			h->leaves_space = Max(h->leaves_space * 2, 16);
			h->leaves = h->leaves == NULL ?
				palloc(h->leaves_space * sizeof(BarqClause *)) :
				repalloc(h->leaves, h->leaves_space * sizeof(BarqClause *));
		}
		h->leaves[h->nleaves++] = clause;
	}
}

/* The end of the variant that begins with a clause's term i. */
static uint32
variant_end(const BarqClause *clause, uint32 i)
{
	uint32		end = i + 1;

	while (end < clause->nterms && clause->terms[end].offset == clause->terms[i].offset &&
		   clause->terms[end].variant == clause->terms[i].variant)
		end++;
	return end;
}

static void
note_query(Highlight *h, const BarqTextQuery *query)
{
	note_leaves(h, query->clauses, query->nclauses);
	h->exact = barq_terms_create(CurrentMemoryContext);
	h->prefixes = barq_terms_create(CurrentMemoryContext);
	for (uint32 i = 0; i < h->nleaves; i++)
		for (uint32 j = 0; j < h->leaves[i]->nterms; j++)
		{
			const BarqClauseTerm *term = &h->leaves[i]->terms[j];

			barq_terms_intern(term->prefix ? h->prefixes : h->exact, term->text, term->length);
			if (term->prefix)
				h->longest_prefix = Max(h->longest_prefix, term->length);
		}
	h->nexact = barq_terms_count(h->exact);
	h->nasked = h->nexact + barq_terms_count(h->prefixes);
	h->asked = MemoryContextAllocZero(CurrentMemoryContext,
									  Max(h->nasked, 1) * sizeof(Asked));
	for (uint32 i = 0; i < h->nleaves; i++)
		for (uint32 j = 0, next; j < h->leaves[i]->nterms; j = next)
		{
			const BarqClauseTerm *term = &h->leaves[i]->terms[j];

			next = variant_end(h->leaves[i], j);
			if (h->leaves[i]->kind == BARQ_CLAUSE_WORD && next == j + 1)
				h->asked[term->prefix ?
						 h->nexact + barq_terms_find(h->prefixes, term->text, term->length) :
						 barq_terms_find(h->exact, term->text, term->length)]
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

/*
 * A word of the text; or, without an advance, a gram that begins with the
 * character seen last.
 */
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
	if (word->advance > 0 && last != NULL && start < last->end)
		last->end = Max(last->end, end);
	else if (word->advance > 0)
	{
		if (h->nunits == h->units_space)
			h->units = more_room(h->units, &h->units_space, sizeof(Unit));
		h->units[h->nunits++] = (Unit) {start, end};
	}
	for (uint32 i = 0; i < word->nterms; i++)
	{
		int32		asked = word->terms[i].again ? NOT_ASKED : asked_as(h, word->terms[i].term);

		if (asked == NOT_ASKED)
			continue;
		/* a prefix finds grams by the character that they begin with */
		if (word->advance == 0 && asked >= (int32) h->nexact)
			end = h->units[h->nunits - 1].end;
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

/* ---- phrases, and variants of several terms ---- */

static int
compare_matches(const void *a, const void *b)
{
	const Match *x = *(const Match *const *) a;
	const Match *y = *(const Match *const *) b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

/* Matches that a term of a clause may be: all of them, for a prefix. */
typedef struct Candidates
{
	Match	  **sorted;			/* by term and position; h->matches are by position */
	uint64		from;
	uint64		upto;
} Candidates;

static Candidates
candidates_of(Highlight *h, Match **sorted, const BarqClauseTerm *term)
{
	Candidates	found = {sorted, 0, h->nmatches};
	uint32		number;
	uint64		high = h->nmatches;

	if (term->prefix)
		return found;
	number = barq_terms_find(barq_tokenizer_terms(h->tokenizer), term->text, term->length);
	while (found.from < high)
	{
		uint64		middle = (found.from + high) / 2;

		if (sorted[middle]->term < number)
			found.from = middle + 1;
		else
			high = middle;
	}
	for (found.upto = found.from;
		 found.upto < h->nmatches && sorted[found.upto]->term == number; found.upto++)
		;
	return found;
}

static bool
is_term(Highlight *h, const Match *match, const BarqClauseTerm *term)
{
	uint32		length;
	const char *text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), match->term, &length);

	return (term->prefix ? length >= term->length : length == term->length) &&
		memcmp(text, term->text, term->length) == 0;
}

/* Whether a term stands at a position; if mark, mark its word. */
static bool
term_at(Highlight *h, const BarqClauseTerm *term, uint32 position, bool mark)
{
	uint64		low = 0;
	uint64		high = h->nmatches;
	bool		found = false;

	while (low < high)
	{
		uint64		middle = (low + high) / 2;

		if (h->matches[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < h->nmatches && h->matches[low].position == position; low++)
		if (is_term(h, &h->matches[low], term))
		{
			found = true;
			h->matches[low].marked |= mark;
		}
	return found;
}

/*
 * Whether a phrase stands at a position: at each offset all terms of a variant;
 * if mark, mark its words.
 */
static bool
phrase_at(Highlight *h, const BarqClause *clause, uint32 position, bool mark)
{
	for (uint32 i = 0; i < clause->nterms;)
	{
		uint32		offset = clause->terms[i].offset;
		bool		here = false;

		while (i < clause->nterms && clause->terms[i].offset == offset)
		{
			uint32		first = i;
			uint32		end = variant_end(clause, i);
			bool		all = true;

			for (; i < end; i++)
				all &= term_at(h, &clause->terms[i], position + offset, false);
			here |= all;
			for (i = first; i < end; i++)
				if (all && mark)
					term_at(h, &clause->terms[i], position + offset, true);
		}
		if (!here)
			return false;
	}
	return true;
}

/* Mark a term wherever it stands, or only tell whether it does. */
static bool
mark_term(Highlight *h, Match **sorted, const BarqClauseTerm *term, bool mark)
{
	Candidates	c = candidates_of(h, sorted, term);
	bool		found = false;

	for (uint64 m = c.from; m < c.upto && (mark || !found); m++)
		if (is_term(h, sorted[m], term))
		{
			found = true;
			sorted[m]->marked |= mark;
		}
	return found;
}

/* Mark the variants of a clause that are in the text, wherever they are. */
static void
mark_variants(Highlight *h, Match **sorted, const BarqClause *clause)
{
	for (uint32 i = 0, end; i < clause->nterms; i = end)
	{
		bool		all = true;

		end = variant_end(clause, i);
		for (uint32 j = i; j < end && all; j++)
			all = mark_term(h, sorted, &clause->terms[j], false);
		for (uint32 j = i; j < end && all; j++)
			mark_term(h, sorted, &clause->terms[j], true);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
mark_phrase(Highlight *h, Match **sorted, const BarqClause *clause)
{
	bool		found = false;

	for (uint32 i = 0; i < clause->nterms && clause->terms[i].offset == 0; i++)
	{
		Candidates	c = candidates_of(h, sorted, &clause->terms[i]);

		for (uint64 m = c.from; m < c.upto; m++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!is_term(h, sorted[m], &clause->terms[i]) ||
				!phrase_at(h, clause, sorted[m]->position, false))
				continue;
			found = true;
			phrase_at(h, clause, sorted[m]->position, true);
		}
	}
	if (!found)
		mark_variants(h, sorted, clause);
}

/* Mark what is not marked everywhere, and forget the matches that are not marked. */
static void
mark_matches(Highlight *h)
{
	Match	  **sorted = NULL;
	uint64		kept = 0;

	for (uint32 i = 0; i < h->nleaves && h->nmatches > 0; i++)
	{
		const BarqClause *clause = h->leaves[i];
		bool		several = clause->kind == BARQ_CLAUSE_PHRASE;

		for (uint32 j = 0; j < clause->nterms && !several; j++)
			several = variant_end(clause, j) > j + 1;
		if (!several)
			continue;
		if (sorted == NULL)
		{
			sorted = MemoryContextAllocHuge(CurrentMemoryContext,
											h->nmatches * sizeof(Match *));
			for (uint64 m = 0; m < h->nmatches; m++)
				sorted[m] = &h->matches[m];
			qsort(sorted, h->nmatches, sizeof(Match *), compare_matches);
		}
		if (clause->kind == BARQ_CLAUSE_PHRASE)
			mark_phrase(h, sorted, clause);
		else
			mark_variants(h, sorted, clause);
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

/* The arguments but for the tokenizer, see barq_highlight(). */
static text *
highlight(FunctionCallInfo fcinfo, BarqTokenizer *tokenizer)
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

	note_query(&h, barq_text_query_parse(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query), tokenizer));
	barq_tokenize_words(tokenizer, h.body, h.length, BARQ_WORDS_PLACES, see_word, &h);
	mark_matches(&h);

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

static BarqTokenizer *
tokenizer_of_index(Oid index)
{
	BarqTextAnalysis analysis = barq_text_index_analysis(index);

	return barq_text_tokenizer(&analysis);
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
	PG_RETURN_TEXT_P(highlight(fcinfo, barq_tokenizer_cached(PG_GETARG_OID(2),
															 BARQ_TOKENIZER_CONFIG)));
}

/*
 * The same with an index of barq_bm25 in place of the configuration, by whose
 * configuration and tokenizer the text is read.
 */
PG_FUNCTION_INFO_V1(barq_highlight_by_index);
Datum
barq_highlight_by_index(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(highlight(fcinfo, tokenizer_of_index(PG_GETARG_OID(2))));
}

/*
 * The same with the name of a configuration or, where there is none of that
 * name, of an index: for literals, which could be either.
 */
PG_FUNCTION_INFO_V1(barq_highlight_by_name);
Datum
barq_highlight_by_name(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	List	   *names = BarqQualifiedNames(name);
	Oid			config = get_ts_config_oid(names, true);
	Oid			index;

	if (OidIsValid(config))
		PG_RETURN_TEXT_P(highlight(fcinfo, barq_tokenizer_cached(config, BARQ_TOKENIZER_CONFIG)));
	index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no text search configuration and no index \"%s\"", name)));
	PG_RETURN_TEXT_P(highlight(fcinfo, tokenizer_of_index(index)));
}
