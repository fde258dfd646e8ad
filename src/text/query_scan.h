/*
 * query_scan.h
 *	  The syntax of a text query alone: items, marks and escapes, whatever the
 *	  words become. No tokenizer, so that a fuzzer can have it.
 */
#ifndef BARQ_QUERY_SCAN_H
#define BARQ_QUERY_SCAN_H

#include "text/text_query.h"

typedef enum BarqItemKind
{
	BARQ_ITEM_WORD,
	BARQ_ITEM_PHRASE,
	BARQ_ITEM_PREFIX,			/* the star taken off */
	BARQ_ITEM_OPEN,				/* (, with the group's mark */
	BARQ_ITEM_CLOSE,			/* ), with the group's boost: one for each OPEN */
	BARQ_ITEM_OR
} BarqItemKind;

typedef struct BarqQueryItem
{
	BarqItemKind kind;
	BarqOccur	occur;
	double		boost;			/* 0 to BARQ_QUERY_MOST_BOOST; 1: none given */

	/*
	 * Without quotes and escapes; text[-1] is a space and the items' texts
	 * follow each other, so that items of a row are a text again.
	 */
	const char *text;
	Size		length;
} BarqQueryItem;

typedef struct BarqQueryScan
{
	const char *query;
	Size		length;
	bool		strict;			/* errors where lenient reading mends */
	bool		utf8;			/* spaces beyond ASCII are known */
	Size		at;
	char	   *buffer;			/* 2 · length bytes suffice */
	Size		used;
	int			depth;			/* groups that are open */
	Size		opens[BARQ_QUERY_DEEPEST];	/* where they do */
	Size		ignored;		/* … and, within them, those too deep to be read */
	bool		has_left;		/* an OR here has something before it */
} BarqQueryScan;

/*
 * Read a query item after item; the query stays the caller's, items are good
 * until barq_query_scan_end. Lenient reading raises no error; strict reading
 * ERRCODE_SYNTAX_ERROR with the place, or ERRCODE_PROGRAM_LIMIT_EXCEEDED for
 * groups deeper than BARQ_QUERY_DEEPEST, and else reads the same items.
 */
extern void barq_query_scan_start(BarqQueryScan *scan, const char *query, Size length,
								  bool strict);
extern bool barq_query_scan_next(BarqQueryScan *scan, BarqQueryItem *item);
extern void barq_query_scan_end(BarqQueryScan *scan);

#endif							/* BARQ_QUERY_SCAN_H */
