/*
 * query_scan.c
 *	  The syntax of a text query. See query_scan.h; text_query.h for what it
 *	  means.
 *
 * Items stand between ASCII white space, or where a quote opens or closes. An
 * item may begin with a mark, + or -; elsewhere these are letters like any
 * other (e-mail). A word that ends with * is a prefix. A backslash makes the
 * next character a letter.
 */
#include "text/query_scan.h"

#include "compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

void
barq_query_scan_start(BarqQueryScan *scan, const char *query, Size length)
{
	memset(scan, 0, sizeof(*scan));
	scan->query = query;
	scan->length = length;
	scan->buffer = MemoryContextAllocHuge(CurrentMemoryContext, Max(length, 1) * 2);
}

void
barq_query_scan_end(BarqQueryScan *scan)
{
	pfree(scan->buffer);
	scan->buffer = NULL;
}

/* The number of a character, from 1. */
static int
place(const BarqQueryScan *scan, Size at)
{
	return pg_mbstrlen_with_len(scan->query, at) + 1;
}

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Take a character, which a backslash may precede. Returns whether there was
 * one.
 */
static bool
take_char(BarqQueryScan *scan)
{
	bool		escaped = scan->query[scan->at] == '\\';

	if (escaped && ++scan->at == scan->length)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a backslash ends the text query"),
				 errdetail("At character %d.", place(scan, scan->at - 1)),
				 errhint("Write \\\\ for a backslash.")));
	scan->buffer[scan->used++] = scan->query[scan->at++];
	return escaped;
}

static void
scan_phrase(BarqQueryScan *scan, BarqQueryItem *item)
{
	Size		open = scan->at++;

	item->kind = BARQ_ITEM_PHRASE;
	while (scan->at < scan->length && scan->query[scan->at] != '"')
		take_char(scan);
	if (scan->at == scan->length)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a quote is not closed in the text query"),
				 errdetail("It opens at character %d.", place(scan, open)),
				 errhint("Write \\\" for a quote that is part of a word.")));
	scan->at++;
}

static void
scan_word(BarqQueryScan *scan, BarqQueryItem *item)
{
	bool		escaped = false;
	Size		first = scan->used;

	while (scan->at < scan->length && !is_space(scan->query[scan->at]) &&
		   scan->query[scan->at] != '"')
		escaped = take_char(scan);
	item->kind = BARQ_ITEM_WORD;
	if (!escaped && scan->used - first > 1 && scan->buffer[scan->used - 1] == '*')
	{
		item->kind = BARQ_ITEM_PREFIX;
		scan->used--;
	}
}

bool
barq_query_scan_next(BarqQueryScan *scan, BarqQueryItem *item)
{
	char		mark;

	while (scan->at < scan->length && is_space(scan->query[scan->at]))
		scan->at++;
	if (scan->at == scan->length)
		return false;
	item->occur = BARQ_SHOULD;
	mark = scan->query[scan->at];
	if (mark == '+' || mark == '-')
	{
		item->occur = mark == '+' ? BARQ_MUST : BARQ_MUST_NOT;
		scan->at++;
		if (scan->at == scan->length || is_space(scan->query[scan->at]))
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("\"%c\" without a word in the text query", mark),
					 errdetail("At character %d.", place(scan, scan->at - 1)),
					 errhint("Write \\%c for the character itself.", mark)));
	}
	scan->buffer[scan->used++] = ' ';
	item->text = scan->buffer + scan->used;
	if (scan->query[scan->at] == '"')
		scan_phrase(scan, item);
	else
		scan_word(scan, item);
	item->length = scan->buffer + scan->used - item->text;
	return true;
}

void
barq_text_query_check(const char *query, Size length)
{
	BarqQueryScan scan;
	BarqQueryItem item;

	barq_query_scan_start(&scan, query, length);
	while (barq_query_scan_next(&scan, &item))
		CHECK_FOR_INTERRUPTS();
	barq_query_scan_end(&scan);
}

void
barq_text_query_check_strict(const char *query, Size length)
{
	barq_text_query_check(query, length);
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

char *
barq_text_query_escape(const char *query, Size length, Size *escaped_length)
{
	char	   *escaped = MemoryContextAllocHuge(CurrentMemoryContext, length * 2 + 1);
	Size		used = 0;
	bool		at_start = true;

	for (Size at = 0; at < length; at++)
	{
		char		c = query[at];

		if (strchr("\\\"()*^", c) != NULL || (at_start && (c == '+' || c == '-')) ||
			(at_start && c == 'O' && length - at >= 2 && query[at + 1] == 'R' &&
			 (length - at == 2 || is_space(query[at + 2]))))
			escaped[used++] = '\\';
		escaped[used++] = c;
		at_start = is_space(c);
		if ((at & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	escaped[used] = '\0';
	*escaped_length = used;
	return escaped;
}
