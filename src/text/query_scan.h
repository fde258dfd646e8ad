/*
 * query_scan.h
 *	  The syntax of a text query: items, marks and escapes. Uses no tokenizer, so
 *	  that a fuzzer can be built of it.
 */
#ifndef BARQ_QUERY_SCAN_H
#define BARQ_QUERY_SCAN_H

#include "text/text_query.h"

typedef enum BarqItemKind
{
	BARQ_ITEM_WORD,
	BARQ_ITEM_PHRASE,
	BARQ_ITEM_PREFIX,			/* without its star */
	BARQ_ITEM_OPEN,				/* (, with the group's mark */
	BARQ_ITEM_CLOSE,			/* ), with the group's boost; one for each OPEN */
	BARQ_ITEM_OR
} BarqItemKind;

typedef struct BarqQueryItem
{
	BarqItemKind kind;
	BarqOccur	occur;
	uint32		fields;			/* the field that is named, a bit; of a group: of its items */
	double		boost;			/* 0 to BARQ_QUERY_MOST_BOOST; 1: none given */

	/*
	 * Without quotes and escapes. text[-1] is a space, and texts of successive
	 * items adjoin, so that several items are one text, too.
	 */
	const char *text;
	Size		length;
} BarqQueryItem;

typedef struct BarqQueryScan
{
	const char *query;
	Size		length;
	const BarqQueryFields *fields;	/* NULL: none; set by the caller after the start */
	bool		strict;			/* errors where lenient reading mends */
	bool		any_field;		/* what looks like the name of a field is one; */
	bool		known_fields;	/* or an error, unless there are no names */
	bool		named;			/* whether any_field has found one */
	bool		utf8;			/* spaces beyond ASCII are known */
	Size		at;				/* the byte to read next */
	char	   *buffer;			/* items' texts; 2 · length bytes suffice */
	Size		used;
	int			depth;			/* number of open groups */
	Size		opens[BARQ_QUERY_DEEPEST];	/* where each of them opened */
	uint32		group_fields[BARQ_QUERY_DEEPEST + 1];	/* of items, by depth */
	Size		ignored;		/* open groups within them that are too deep */
	bool		has_left;		/* an OR here has a left operand */
} BarqQueryScan;

/*
 * Read a query item by item; barq_query_scan_next() returns false at its end. The
 * caller keeps the query; items are valid until barq_query_scan_end(). The buffer
 * is palloc'd. Lenient reading raises no error. Strict reading raises
 * ERRCODE_SYNTAX_ERROR with the place, or ERRCODE_PROGRAM_LIMIT_EXCEEDED for
 * groups deeper than BARQ_QUERY_DEEPEST; otherwise it reads the same items. The caller
 * sets fields, any_field and known_fields after the start; with known_fields the name of
 * another field raises ERRCODE_UNDEFINED_COLUMN.
 */
extern void barq_query_scan_start(BarqQueryScan *scan, const char *query, Size length,
								  bool strict);
extern bool barq_query_scan_next(BarqQueryScan *scan, BarqQueryItem *item);
extern void barq_query_scan_end(BarqQueryScan *scan);

#endif							/* BARQ_QUERY_SCAN_H */
