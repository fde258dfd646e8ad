/*
 * fuzz_query.h
 *	  Fuzz target: the syntax of text queries, outside of a server. Lenient
 *	  reading of any bytes must give items, without an error; these items, written
 *	  out with every character escaped, must be read as the same items. Strict
 *	  reading must give the same items or an error, and reading of the escaped
 *	  input must give its words.
 *
 * One C file includes this together with the source under test, so that it is
 * compiled with its flags.
 */
#ifndef BARQ_FUZZ_QUERY_H
#define BARQ_FUZZ_QUERY_H

#include <math.h>

#include "fuzz_server.h"

#include "../../src/text/query_scan.c"

#undef printf
#undef vprintf
#undef fprintf
#undef sprintf
#undef snprintf

/* --- functions of a server --- */

int
pg_mbstrlen_with_len(const char *mbstr, int limit)
{
	int			n = 0;

	for (int i = 0; i < limit; i++)
		n += ((uint8) mbstr[i] & 0xc0) != 0x80;
	return n;
}

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

/* of text_query.c, which needs dictionaries */
char *
barq_query_fields_list(const BarqQueryFields *fields)
{
	char	   *list = palloc(1);

	list[0] = '\0';
	return list;
}

/* --- the test --- */

#define FUZZ_ITEM_BYTES	32		/* most bytes of an item in addition to its text */

/* Fields that inputs may name. */
static const BarqQueryFields fuzz_fields = {3, {"title", NULL, "b"}};

/* An item as a query of its own: mark, quotes, escapes, boost. */
static Size
fuzz_write_item(const BarqQueryItem *item, char *to)
{
	Size		n = 0;

	if (item->occur != BARQ_SHOULD)
		to[n++] = item->occur == BARQ_MUST ? '+' : '-';
	for (uint32 i = 0; i < fuzz_fields.n && item->kind <= BARQ_ITEM_OPEN; i++)
		if ((item->fields >> i & 1) != 0)
			n += sprintf(to + n, "%s:", fuzz_fields.names[i]);
	switch (item->kind)
	{
		case BARQ_ITEM_OPEN:
			to[n++] = '(';
			break;
		case BARQ_ITEM_CLOSE:
			to[n++] = ')';
			break;
		case BARQ_ITEM_OR:
			n += sprintf(to + n, "OR");
			break;
		case BARQ_ITEM_PHRASE:
			to[n++] = '"';
			break;
		default:
			to[n++] = '\\';
			break;
	}
	for (Size i = 0; i < item->length; i++)
	{
		bool		first = i == 0 && item->kind != BARQ_ITEM_PHRASE;

		if (!first && !is_letter(item->text[i]) && !is_digit(item->text[i]))
			to[n++] = '\\';
		to[n++] = item->text[i];
	}
	if (item->kind == BARQ_ITEM_PHRASE)
		to[n++] = '"';
	else if (item->kind == BARQ_ITEM_PREFIX)
		to[n++] = '*';
	if (item->boost != 1)
		n += sprintf(to + n, "^%.11f", item->boost);
	to[n++] = ' ';
	return n;
}

static bool
fuzz_same_item(const BarqQueryItem *a, const BarqQueryItem *b)
{
	return a->kind == b->kind && a->occur == b->occur && a->length == b->length &&
		a->fields == b->fields &&
		(a->length == 0 || memcmp(a->text, b->text, a->length) == 0) &&
		fabs(a->boost - b->boost) < 1e-10;
}

/* Whether two texts are read as the same items. Raises the errors of strict reading. */
static bool
fuzz_same_items(const char *a, Size a_length, bool a_strict, const char *b, Size b_length)
{
	BarqQueryScan scan_a;
	BarqQueryScan scan_b;
	BarqQueryItem item_a;
	BarqQueryItem item_b;

	barq_query_scan_start(&scan_a, a, a_length, a_strict);
	barq_query_scan_start(&scan_b, b, b_length, false);
	scan_a.fields = scan_b.fields = &fuzz_fields;
	scan_a.known_fields = a_strict;
	while (barq_query_scan_next(&scan_a, &item_a))
		if (!barq_query_scan_next(&scan_b, &item_b) || !fuzz_same_item(&item_a, &item_b))
			return false;
	return !barq_query_scan_next(&scan_b, &item_b);
}

/* Whether a text, escaped, is read as its words only. */
static bool
fuzz_escapes(const char *query, Size size)
{
	BarqQueryScan scan;
	BarqQueryItem item;
	Size		length;
	char	   *escaped = barq_text_query_escape(query, size, &length);
	Size		at = 0;

	barq_query_scan_start(&scan, escaped, length, true);
	scan.fields = &fuzz_fields;
	scan.known_fields = true;
	while (barq_query_scan_next(&scan, &item))
	{
		Size		space;

		while ((space = space_at(query, at, size, true)) > 0)
			at += space;
		if (item.kind != BARQ_ITEM_WORD || item.fields != 0 || item.occur != BARQ_SHOULD || item.boost != 1 ||
			item.length > size - at || memcmp(item.text, query + at, item.length) != 0)
			return false;
		at += item.length;
		if (at < size && space_at(query, at, size, true) == 0)
			return false;
	}
	for (Size space; (space = space_at(query, at, size, true)) > 0;)
		at += space;
	return at == size;
}

/* Write out the items of a lenient reading. NULL, or a description of the fault. */
static const char *
fuzz_items(const char *query, Size size, char *written, Size *length, int *items, bool *whole)
{
	BarqQueryScan scan;
	BarqQueryItem item;
	Size		last = 0;
	int			depth = 0;
	bool		after_or = false;

	barq_query_scan_start(&scan, query, size, false);
	scan.fields = &fuzz_fields;
	while (barq_query_scan_next(&scan, &item))
	{
		bool		text = item.kind <= BARQ_ITEM_PREFIX;

		(*items)++;
		/* marks without words may leave an OR at the end */
		*whole &= !(after_or && item.kind == BARQ_ITEM_CLOSE);
		after_or = item.kind == BARQ_ITEM_OR;
		depth += (item.kind == BARQ_ITEM_OPEN) - (item.kind == BARQ_ITEM_CLOSE);
		if (depth < 0 || depth > BARQ_QUERY_DEEPEST)
			return "groups do not close as they open";
		if ((scan.at <= last && item.kind != BARQ_ITEM_CLOSE) || scan.at > size)
			return "an item takes nothing of the query, or too much";
		last = scan.at;
		if (scan.used > 2 * size ||
			(text && (item.text[-1] != ' ' || item.text + item.length > scan.buffer + scan.used)))
			return "an item's text is not in the buffer";
		if (text && item.kind != BARQ_ITEM_PHRASE && item.length == 0)
			return "a word is empty";
		if (!(item.boost >= 0 && item.boost <= BARQ_QUERY_MOST_BOOST))
			return "a boost is out of range";
		*length += fuzz_write_item(&item, written + *length);
	}
	*whole &= !after_or;
	return depth > 0 ? "a group does not close" : NULL;
}

/*
 * Test one input: NULL, or a description of the fault. *items: their number;
 * *strict: strict reading accepts the input.
 */
static const char *
fuzz_query(const uint8 *data, Size size, int *items, bool *strict)
{
	static const char *wrong;
	static bool strictly;
	char	   *query = malloc(Max(size, 1));

	memcpy(query, data, size);
	wrong = NULL;
	strictly = false;
	*items = 0;
	*strict = false;
	shim_context_push();
	if (SHIM_TRY())
	{
		char	   *written = palloc((2 + FUZZ_ITEM_BYTES) * size + FUZZ_ITEM_BYTES * 64);
		Size		length = 0;
		bool		whole = true;

		wrong = fuzz_items(query, size, written, &length, items, &whole);
		if (wrong == NULL && whole && !fuzz_same_items(query, size, false, written, length))
			wrong = "items written out are read as others";
		if (wrong == NULL && !fuzz_escapes(query, size))
			wrong = "an escaped text is not read as its words";
		if (wrong == NULL)
		{
			strictly = true;
			if (!fuzz_same_items(query, size, true, query, size))
				wrong = "strict reading differs from lenient";
			*strict = true;
		}
		SHIM_END();
	}
	else if (!strictly)
		wrong = "an error without strictness";
	else if (shim_sqlstate != ERRCODE_SYNTAX_ERROR && shim_sqlstate != ERRCODE_UNDEFINED_COLUMN &&
			 shim_sqlstate != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		wrong = "a strict error is no syntax error";
	shim_context_pop();
	free(query);
	return wrong;
}

#endif							/* BARQ_FUZZ_QUERY_H */
