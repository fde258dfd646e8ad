/*
 * query_scan.c
 *	  The syntax of a text query. See query_scan.h; its meaning is described in
 *	  text_query.h.
 *
 * Items are separated by white space, or by a quote or a parenthesis that opens
 * or closes. + and - are marks only at the start of an item and if a letter, a
 * quote, a parenthesis or an escape follows; quotes and parentheses open only at
 * the start of an item. Elsewhere these characters are letters (e-mail, 27",
 * f(x), -5). A word that ends with * is a prefix; ^ and a number at the end of an
 * item are its boost. The name of a field and a colon, at the start of an item and
 * behind its mark, say where the item, or the items of the group, are looked for.
 *
 * A backslash makes the next character a letter, unless that is an ASCII letter
 * or digit: before these the backslash is a letter itself (C:\Users), except at
 * the start of an item, where it is dropped (\OR).
 *
 * One scanner does lenient and strict reading: where lenient reading repairs the
 * query, strict reading raises an error. So a query that strict reading accepts
 * has the same meaning in both.
 */
#include "text/query_scan.h"

#include "base/compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define LONGEST_BOOST	16		/* characters */

void
barq_query_scan_start(BarqQueryScan *scan, const char *query, Size length, bool strict)
{
	memset(scan, 0, sizeof(*scan));
	scan->query = query;
	scan->length = length;
	scan->strict = strict;
	scan->utf8 = GetDatabaseEncoding() == PG_UTF8;
	scan->buffer = MemoryContextAllocHuge(CurrentMemoryContext, Max(length, 1) * 2);
}

void
barq_query_scan_end(BarqQueryScan *scan)
{
	pfree(scan->buffer);
	scan->buffer = NULL;
}

/* ---- errors of strict reading ---- */

/* The number, from 1, of the character at byte `at`. */
static int
place(const BarqQueryScan *scan, Size at)
{
	return pg_mbstrlen_with_len(scan->query, at) + 1;
}

/*
 * These functions raise ERRCODE_SYNTAX_ERROR in strict reading, and do nothing in
 * lenient reading.
 */

/* The mark at byte `at` has no meaning: within a word, or without one. */
static void
check_mark(const BarqQueryScan *scan, Size at, bool in_word)
{
	char		mark = scan->query[at];

	if (scan->strict)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 !in_word ? errmsg("\"%c\" without a word in the text query", mark) :
				 mark == '"' ? errmsg("a quote inside a word of the text query") :
				 errmsg("\"%c\" inside a word of the text query", mark),
				 errdetail("At character %d.", place(scan, at)),
				 errhint("Write \\%c for the character itself.", mark)));
}

/* The quote or parenthesis (`what`) that opens at byte `at` does not close. */
static void
not_closed(const BarqQueryScan *scan, const char *what, char mark, Size at)
{
	if (scan->strict)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a %s is not closed in the text query", what),
				 errdetail("It opens at character %d.", place(scan, at)),
				 errhint("Write \\%c for a %s that is part of a word.", mark, what)));
}

/* The OR at byte `at` lacks an operand. */
static void
no_operand(const BarqQueryScan *scan, Size at)
{
	if (scan->strict)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("OR needs an operand on each side in the text query"),
				 errdetail("At character %d.", place(scan, at)),
				 errhint("Write \\OR for the word itself.")));
}

/* ---- characters ---- */

/* Bytes of the white space character at byte `at`; 0: it is another character. */
static inline Size
space_at(const char *query, Size at, Size length, bool utf8)
{
	const uint8 *c = (const uint8 *) query + at;
	Size		left = length - at;

	if (left == 0)
		return 0;
	if (c[0] < 0x80)
		return c[0] == ' ' || (c[0] >= '\t' && c[0] <= '\r');
	if (!utf8 || left < 2)
		return 0;
	if (c[0] == 0xc2)			/* next line, no-break space */
		return c[1] == 0x85 || c[1] == 0xa0 ? 2 : 0;
	if (left < 3)
		return 0;
	if (c[0] == 0xe2 && c[1] == 0x80)	/* spaces of several widths; separators */
		return (c[2] >= 0x80 && c[2] <= 0x8a) || c[2] == 0xa8 || c[2] == 0xa9 || c[2] == 0xaf ? 3 : 0;
	if ((c[0] == 0xe1 && c[1] == 0x9a && c[2] == 0x80) ||	/* Ogham space */
		(c[0] == 0xe2 && c[1] == 0x81 && c[2] == 0x9f) ||	/* mathematical space */
		(c[0] == 0xe3 && c[1] == 0x80 && c[2] == 0x80)) /* ideographic space */
		return 3;
	return 0;
}

static inline Size
space_here(const BarqQueryScan *scan, Size at)
{
	return space_at(scan->query, at, scan->length, scan->utf8);
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Whether a mark may precede this character. False for digits, since that would
 * be a number.
 */
static inline bool
is_letter(char c)
{
	return IS_HIGHBIT_SET(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Copy a character into the buffer, without a backslash that escapes it. first: an
 * item begins here. Returns whether it was escaped.
 */
static bool
take_char(BarqQueryScan *scan, bool first)
{
	bool		escaped = false;

	if (scan->query[scan->at] == '\\')
	{
		if (scan->at + 1 < scan->length)
		{
			char		next = scan->query[scan->at + 1];

			escaped = first || !(is_letter(next) || is_digit(next));
			scan->at += escaped;
		}
		else if (scan->strict)
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("a backslash ends the text query"),
					 errdetail("At character %d.", place(scan, scan->at)),
					 errhint("Write \\\\ for a backslash.")));
	}
	scan->buffer[scan->used++] = scan->query[scan->at++];
	return escaped;
}

/* Read the number of a boost; false, with *boost unchanged, if it is none or too large. */
static bool
read_boost(const char *text, Size length, double *boost)
{
	char		number[LONGEST_BOOST + 1];
	Size		digits = 0;
	Size		points = 0;
	double		value;

	if (length == 0 || length > LONGEST_BOOST)
		return false;
	for (Size i = 0; i < length; i++)
	{
		digits += is_digit(text[i]);
		points += text[i] == '.';
	}
	if (digits + points != length || points > 1 || !is_digit(text[0]) ||
		!is_digit(text[length - 1]))
		return false;
	memcpy(number, text, length);
	number[length] = '\0';
	value = strtod(number, NULL);
	if (value > BARQ_QUERY_MOST_BOOST)
		return false;
	*boost = value;
	return true;
}

/*
 * Raise ERRCODE_SYNTAX_ERROR, with the place, in strict reading: the ^ at byte
 * `at` is followed by no boost. Lenient reading does nothing.
 */
static void
no_boost(const BarqQueryScan *scan, Size at)
{
	if (scan->strict)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("\"^\" without a boost in the text query"),
				 errdetail("At character %d.", place(scan, at)),
				 errhint("A boost is a number from 0 to %d at the end of a word, a phrase or a group. Write \\^ for the character itself.",
						 BARQ_QUERY_MOST_BOOST)));
}

/* Read the boost after a closing quote or parenthesis; 1 if there is none. */
static double
take_boost(BarqQueryScan *scan)
{
	Size		from = scan->at + 1;
	Size		to = from;
	double		boost;

	if (scan->at == scan->length || scan->query[scan->at] != '^')
		return 1;
	while (to < scan->length && (is_digit(scan->query[to]) || scan->query[to] == '.'))
		to++;
	if ((to < scan->length && space_here(scan, to) == 0 && scan->query[to] != ')') ||
		!read_boost(scan->query + from, to - from, &boost))
	{
		no_boost(scan, scan->at);
		return 1;
	}
	scan->at = to;
	return boost;
}

/* ---- items ---- */

/* Read a phrase, from its opening quote. */
static void
scan_phrase(BarqQueryScan *scan, BarqQueryItem *item)
{
	Size		open = scan->at++;

	item->kind = BARQ_ITEM_PHRASE;
	while (scan->at < scan->length && scan->query[scan->at] != '"')
		take_char(scan, false);
	if (scan->at == scan->length)
		not_closed(scan, "quote", '"', open);
	else
		scan->at++;
}

/* One kind of unescaped marks in a word: their number, and the place of the last. */
typedef struct Seen
{
	Size		count;
	Size		query_at;
	Size		buffer_at;
} Seen;

static inline void
note_mark(BarqQueryScan *scan, Seen *seen)
{
	seen->count++;
	seen->query_at = scan->at;
	seen->buffer_at = scan->used;
}

/*
 * Read a word, up to white space or a parenthesis that closes a group. Parentheses
 * that open within the word close within it.
 */
static void
scan_word(BarqQueryScan *scan, BarqQueryItem *item)
{
	Size		first = scan->used;
	Size		plain_from = first; /* nothing is escaped from here on */
	Seen		star = {0};
	Seen		caret = {0};
	Seen		open = {0};

	while (scan->at < scan->length && space_here(scan, scan->at) == 0)
	{
		switch (scan->query[scan->at])
		{
			case '"':
				check_mark(scan, scan->at, true);
				break;
			case '*':
				note_mark(scan, &star);
				break;
			case '^':
				note_mark(scan, &caret);
				break;
			case '(':
				note_mark(scan, &open);
				break;
			case ')':
				if (open.count > 0)
					open.count--;
				else if (scan->depth > 0)
					goto ends;
				else if (scan->strict)
					ereport(ERROR,
							(errcode(ERRCODE_SYNTAX_ERROR),
							 errmsg("an unmatched closing parenthesis in the text query"),
							 errdetail("At character %d.", place(scan, scan->at)),
							 errhint("Write \\) for the character itself.")));
				break;
			default:
				break;
		}
		if (take_char(scan, scan->used == first))
			plain_from = scan->used;
	}
ends:
	item->kind = BARQ_ITEM_WORD;
	if (open.count > 0)
		not_closed(scan, "parenthesis", '(', open.query_at);
	if (caret.count > 0)
	{
		Size		number = caret.buffer_at + 1;

		if (caret.buffer_at > first && caret.buffer_at >= plain_from && caret.count == 1 &&
			read_boost(scan->buffer + number, scan->used - number, &item->boost))
			scan->used = caret.buffer_at;
		else
			no_boost(scan, caret.query_at);
	}
	if (star.count > 0)
	{
		if (scan->used - first > 1 && star.buffer_at == scan->used - 1)
		{
			item->kind = BARQ_ITEM_PREFIX;
			scan->used--;
			star.count--;
		}
		if (star.count > 0)
			check_mark(scan, star.query_at, scan->used - first != 1);
	}
}

/* Read the operator OR, if it is next and has operands on both sides. */
static bool
scan_or(BarqQueryScan *scan)
{
	Size		right = scan->at + 2;
	Size		space;

	if (scan->length - scan->at < 2 || memcmp(scan->query + scan->at, "OR", 2) != 0 ||
		(right < scan->length && space_here(scan, right) == 0 &&
		 !(scan->query[right] == ')' && scan->depth > 0)))
		return false;
	while ((space = space_here(scan, right)) > 0)
		right += space;
	if (!scan->has_left || right == scan->length ||
		(scan->query[right] == ')' && scan->depth > 0))
	{
		no_operand(scan, scan->at);
		return false;
	}
	scan->at += 2;
	return true;
}

/*
 * Read the mark of an item, if there is one. False: the mark had no item, and the
 * next item begins after it.
 */
static bool
scan_mark(BarqQueryScan *scan, BarqQueryItem *item)
{
	char		mark = scan->query[scan->at];
	Size		behind = scan->at + 1;
	char		next = behind < scan->length ? scan->query[behind] : ' ';

	if (mark != '+' && mark != '-')
		return true;
	if (space_here(scan, behind) > 0 || behind == scan->length ||
		(next == ')' && scan->depth > 0))
	{
		check_mark(scan, scan->at, false);
		scan->at++;
		return false;
	}
	if (is_letter(next) || next == '"' || next == '(' ||
		(next == '\\' && behind + 1 < scan->length))
	{
		item->occur = mark == '+' ? BARQ_MUST : BARQ_MUST_NOT;
		scan->at++;
	}
	else if (!is_digit(next))
		check_mark(scan, scan->at, false);
	return true;
}

/*
 * The field whose name and a colon are at byte `at`, with something behind them; its number,
 * or -1. *behind: the byte after the colon.
 */
static int
field_at(const BarqQueryScan *scan, Size at, Size *behind)
{
	for (uint32 i = 0; scan->fields != NULL && i < scan->fields->n; i++)
	{
		const char *name = scan->fields->names[i];
		Size		length = name == NULL ? 0 : strlen(name);

		*behind = at + length + 1;
		if (length > 0 && *behind < scan->length &&
			memcmp(scan->query + at, name, length) == 0 && scan->query[at + length] == ':' &&
			space_here(scan, *behind) == 0 &&
			!(scan->query[*behind] == ')' && scan->depth > 0))
			return i;
	}
	return -1;
}

/*
 * The colon behind what looks like the name of a field at byte `at`: a name (check_name() of
 * text_index/text_fields.c), a colon, and neither a space nor "//" behind it. A name begins
 * with no digit: "12:30" is a time. 0: there is none.
 */
static Size
colon_of_name(const BarqQueryScan *scan, Size at)
{
	Size		end = at;

	while (end < scan->length && scan->query[end] != ':' && space_here(scan, end) == 0 &&
		   strchr("\"()\\*^+-", scan->query[end]) == NULL)
		end++;
	if (end == at || end + 1 >= scan->length || scan->query[end] != ':' || is_digit(scan->query[at]) ||
		space_here(scan, end + 1) > 0 || scan->query[end + 1] == ')' ||
		(end + 2 < scan->length && memcmp(scan->query + end + 1, "//", 2) == 0))
		return 0;
	return end;
}

/* Raise ERRCODE_UNDEFINED_COLUMN: the name from byte `at` up to a colon is that of no field. */
pg_noreturn static void
raise_no_field(const BarqQueryScan *scan, Size at, Size colon)
{
	char	   *name = memcpy(palloc(colon - at + 1), scan->query + at, colon - at);

	name[colon - at] = '\0';
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("the text query names the field \"%s\", which does not exist", name),
			 errdetail("At character %d. The query can name the fields %s.", place(scan, at),
					   barq_query_fields_list(scan->fields)),
			 errhint("Write \\%s: if the colon belongs to a word.", name)));
}

/* Read the name of a field in front of an item, if there is one. */
static void
scan_field(BarqQueryScan *scan, BarqQueryItem *item)
{
	Size		behind;
	int			field = field_at(scan, scan->at, &behind);
	Size		colon;

	if (field >= 0)
	{
		item->fields = 1u << field;
		scan->at = behind;
		return;
	}
	if (!scan->any_field && (!scan->known_fields || scan->fields->n == 0))
		return;
	colon = colon_of_name(scan, scan->at);
	if (colon == 0)
		return;
	if (scan->known_fields)
		raise_no_field(scan, scan->at, colon);
	scan->named = true;
	scan->at = colon + 1;
}

/* Open a group. False: it is too deep; its items belong to the group around it. */
static bool
open_group(BarqQueryScan *scan, BarqQueryItem *item)
{
	if (scan->depth == BARQ_QUERY_DEEPEST)
	{
		if (scan->strict)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a text query nests more than %d groups", BARQ_QUERY_DEEPEST),
					 errdetail("At character %d.", place(scan, scan->at))));
		scan->at++;
		scan->ignored++;
		return false;
	}
	scan->opens[scan->depth++] = scan->at++;
	scan->group_fields[scan->depth] = item->fields;
	scan->has_left = false;
	item->kind = BARQ_ITEM_OPEN;
	return true;
}

/* Close a group. False: it was one that open_group() ignored. */
static bool
close_group(BarqQueryScan *scan, BarqQueryItem *item)
{
	if (scan->strict && !scan->has_left)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a group of the text query is empty"),
				 errdetail("It closes at character %d.", place(scan, scan->at)),
				 errhint("Write \\( and \\) for the characters themselves.")));
	scan->at++;
	item->boost = take_boost(scan);
	if (scan->ignored > 0)
	{
		scan->ignored--;
		return false;
	}
	scan->depth--;
	scan->has_left = true;
	item->kind = BARQ_ITEM_CLOSE;
	return true;
}

bool
barq_query_scan_next(BarqQueryScan *scan, BarqQueryItem *item)
{
	for (;;)
	{
		bool		fresh = scan->at == 0 || scan->query[scan->at - 1] == '(';
		Size		space;

		*item = (BarqQueryItem) {
			.occur = BARQ_SHOULD,
			.fields = scan->group_fields[scan->depth],
			.boost = 1
		};
		while ((space = space_here(scan, scan->at)) > 0)
		{
			scan->at += space;
			fresh = true;
		}
		if (scan->at == scan->length)
		{
			if (scan->depth == 0)
				return false;
			not_closed(scan, "parenthesis", '(', scan->opens[scan->depth - 1]);
			scan->depth--;
			item->kind = BARQ_ITEM_CLOSE;
			return true;
		}
		if (scan->query[scan->at] == ')' && scan->depth > 0)
		{
			if (close_group(scan, item))
				return true;
			continue;
		}
		if (fresh)
		{
			if (scan_or(scan))
			{
				scan->has_left = false;
				item->kind = BARQ_ITEM_OR;
				return true;
			}
			if (!scan_mark(scan, item))
				continue;
			scan_field(scan, item);
		}
		if (scan->query[scan->at] == '(')
		{
			if (open_group(scan, item))
				return true;
			continue;
		}
		break;
	}

	scan->buffer[scan->used++] = ' ';
	item->text = scan->buffer + scan->used;
	if (scan->query[scan->at] == '"')
	{
		scan_phrase(scan, item);
		item->length = scan->buffer + scan->used - item->text;
		item->boost = take_boost(scan);
	}
	else
	{
		scan_word(scan, item);
		item->length = scan->buffer + scan->used - item->text;
	}
	Assert(scan->used <= scan->length * 2);
	scan->has_left = true;
	return true;
}

/* ---- checking and escaping ---- */

bool
barq_text_query_check_strict(const char *query, Size length, const BarqQueryFields *fields)
{
	BarqQueryScan scan;
	BarqQueryItem item;
	uint32		nitems = 0;

	barq_query_scan_start(&scan, query, length, true);
	scan.fields = fields;
	scan.any_field = fields == NULL;
	scan.known_fields = fields != NULL;
	while (barq_query_scan_next(&scan, &item))
	{
		if (++nitems > BARQ_QUERY_MOST_TERMS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a text query has more than %d words", BARQ_QUERY_MOST_TERMS)));
		CHECK_FOR_INTERRUPTS();
	}
	barq_query_scan_end(&scan);
	return scan.named;
}

BarqQuerySyntax
barq_query_syntax_by_name(const char *name)
{
	if (strcmp(name, "lenient") == 0)
		return BARQ_SYNTAX_LENIENT;
	if (strcmp(name, "strict") == 0)
		return BARQ_SYNTAX_STRICT;
	if (strcmp(name, "plain") == 0)
		return BARQ_SYNTAX_PLAIN;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown query syntax \"%s\"", name),
			 errhint("Syntaxes are \"lenient\", \"strict\" and \"plain\".")));
}

/*
 * Whether lenient reading might take this character for a mark. first: it is the
 * first character of a word.
 */
static bool
needs_escape(const char *query, Size at, Size length, bool utf8, bool first)
{
	switch (query[at])
	{
		case '\\':
		case '"':
		case '(':
		case ')':
		case '*':
		case '^':
			return true;
		case ':':				/* behind the name of a field */
			return !first && at + 1 < length && space_at(query, at + 1, length, utf8) == 0;
		case '+':
		case '-':
			return first;
		case 'O':
			return first && length - at >= 2 && query[at + 1] == 'R' &&
				(length - at == 2 || space_at(query, at + 2, length, utf8) > 0);
		default:
			return false;
	}
}

char *
barq_text_query_escape(const char *query, Size length, Size *escaped_length)
{
	char	   *escaped = MemoryContextAllocHuge(CurrentMemoryContext, length * 2 + 1);
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;
	bool		first = true;
	Size		used = 0;

	for (Size at = 0, space; at < length; at += Max(space, 1))
	{
		space = space_at(query, at, length, utf8);
		if (space == 0 && needs_escape(query, at, length, utf8, first))
			escaped[used++] = '\\';
		memcpy(escaped + used, query + at, Max(space, 1));
		used += Max(space, 1);
		first = space > 0;
		if ((at & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	escaped[used] = '\0';
	*escaped_length = used;
	return escaped;
}
