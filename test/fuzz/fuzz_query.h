/*
 * fuzz_query.h
 *	  What is fuzzed: the syntax of text queries, outside of a server. Any
 *	  bytes give a syntax error or items which, written out again with every
 *	  character escaped, are read as the same items.
 *
 * Included by one C file, together with the source under test, so that it is
 * compiled with its flags.
 */
#ifndef BARQ_FUZZ_QUERY_H
#define BARQ_FUZZ_QUERY_H

#include "fuzz_server.h"

#include "../../src/text/query_scan.c"

#undef printf
#undef vprintf
#undef fprintf

/* --- what the scanner takes of a server --- */

int
pg_mbstrlen_with_len(const char *mbstr, int limit)
{
	int			n = 0;

	for (int i = 0; i < limit; i++)
		n += ((uint8) mbstr[i] & 0xc0) != 0x80;
	return n;
}

/* --- the test --- */

/* An item as a query of its own: mark, quotes, and every byte escaped. */
static Size
fuzz_write_item(const BarqQueryItem *item, char *to)
{
	Size		n = 0;

	if (item->occur != BARQ_SHOULD)
		to[n++] = item->occur == BARQ_MUST ? '+' : '-';
	if (item->kind == BARQ_ITEM_PHRASE)
		to[n++] = '"';
	for (Size i = 0; i < item->length; i++)
	{
		to[n++] = '\\';
		to[n++] = item->text[i];
	}
	if (item->kind == BARQ_ITEM_PHRASE)
		to[n++] = '"';
	else if (item->kind == BARQ_ITEM_PREFIX)
		to[n++] = '*';
	to[n++] = ' ';
	return n;
}

static bool
fuzz_same_item(const BarqQueryItem *a, const BarqQueryItem *b)
{
	return a->kind == b->kind && a->occur == b->occur && a->length == b->length &&
		memcmp(a->text, b->text, a->length) == 0;
}

/* NULL, or what is wrong. *items: how many there were; -1: an error. */
static const char *
fuzz_query(const uint8 *data, Size size, int *items)
{
	static const char *wrong;
	char	   *query = malloc(Max(size, 1));

	memcpy(query, data, size);
	wrong = NULL;
	*items = -1;
	shim_context_push();
	if (SHIM_TRY())
	{
		BarqQueryScan scan;
		BarqQueryScan again;
		BarqQueryItem item;
		BarqQueryItem item_again;
		char	   *written = palloc(6 * size + 8);
		Size		length = 0;
		Size		last = 0;

		*items = 0;
		barq_query_scan_start(&scan, query, size);
		while (barq_query_scan_next(&scan, &item))
		{
			(*items)++;
			if (scan.at <= last || scan.at > size)
				wrong = "an item takes nothing of the query, or too much";
			last = scan.at;
			if (scan.used > 2 * size || item.text[-1] != ' ' ||
				item.text + item.length > scan.buffer + scan.used)
				wrong = "an item's text is not in the buffer";
			if (item.kind != BARQ_ITEM_PHRASE && item.length == 0)
				wrong = "a word is empty";
			length += fuzz_write_item(&item, written + length);
		}
		barq_query_scan_start(&scan, query, size);
		barq_query_scan_start(&again, written, length);
		while (wrong == NULL && barq_query_scan_next(&scan, &item))
			if (!barq_query_scan_next(&again, &item_again) || !fuzz_same_item(&item, &item_again))
				wrong = "an item written out is read as another";
		if (wrong == NULL && barq_query_scan_next(&again, &item_again))
			wrong = "more items are read than were written out";
		SHIM_END();
	}
	else
	{
		*items = -1;
		if (shim_sqlstate != ERRCODE_SYNTAX_ERROR)
			wrong = "an error is no syntax error";
	}
	shim_context_pop();
	free(query);
	return wrong;
}

#endif							/* BARQ_FUZZ_QUERY_H */
