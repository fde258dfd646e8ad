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
	BARQ_ITEM_PREFIX			/* the star taken off */
} BarqItemKind;

typedef struct BarqQueryItem
{
	BarqItemKind kind;
	BarqOccur	occur;

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
	Size		at;
	char	   *buffer;			/* 2 · length bytes suffice */
	Size		used;
} BarqQueryScan;

extern void barq_query_scan_start(BarqQueryScan *scan, const char *query, Size length);
extern bool barq_query_scan_next(BarqQueryScan *scan, BarqQueryItem *item);
extern void barq_query_scan_end(BarqQueryScan *scan);

#endif							/* BARQ_QUERY_SCAN_H */
