/*
 * count_call.h
 *	  The statement that barq_count() and barq_facets() run: the rows of an index that
 *	  match a query and satisfy a filter, with the caller's rights.
 */
#ifndef BARQ_COUNT_CALL_H
#define BARQ_COUNT_CALL_H

#include "base/compat.h"

#include "fmgr.h"
#include "text_index/text_index.h"
#include "utils/array.h"
#include "utils/relcache.h"

typedef struct BarqCountCall
{
	const char *caller;			/* name of the SQL function, with () */
	Relation	index;
	Relation	table;
	BarqTextColumns columns;	/* of the index */
	char	   *from;			/* FROM and WHERE, with parameters */
	int			nparams;
	Oid		   *types;			/* of the parameters */
	Datum	   *values;
	char	   *nulls;			/* 'n' or ' ', as SPI takes them */
} BarqCountCall;

/*
 * Make the statement for a query (not NULL) of an index of barq_bm25, and an SQL expression
 * or NULL, with the elements of an array of text as its parameters. function: the SQL
 * function, whose schema has the operator. Keeps AccessShareLock on
 * index and table, which the end of the call closes. Reads no row and checks no rights: the
 * statement's executor does. Raises the errors of barq_raise_not_an_index() and of
 * barq_hybrid_check_expr().
 */
extern void barq_count_call_begin(BarqCountCall *call, const char *caller, Oid function,
								  Oid index, text *query, text *filter, ArrayType *filter_args);
extern void barq_count_call_end(BarqCountCall *call);

/* The SQL expression of a column of the index, from 1; palloc'd. */
extern char *barq_count_call_column(const BarqCountCall *call, int column);

#endif							/* BARQ_COUNT_CALL_H */
