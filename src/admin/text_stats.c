/*
 * text_stats.c
 *	  barq_bm25_stats() and barq_bm25_df(): the statistics from which scores are
 *	  computed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "admin/admin.h"
#include "text_index/text_index.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_stats);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_df_shown);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_field_stats);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_field_df);

/*
 * The statistics of an index or a partitioned index, in a new memory context that
 * the caller deletes. The index stays locked to the end of the transaction.
 * ERRCODE_INSUFFICIENT_PRIVILEGE if the user may not see the indexed columns of all
 * rows, which the statistics reveal.
 */
static BarqTextStatistics *
open_statistics(Oid index, MemoryContext *context)
{
	if (get_rel_relkind(index) == RELKIND_PARTITIONED_INDEX)
		barq_check_index_content_rights(index);
	else
		relation_close(barq_admin_open(index, AccessShareLock, BARQ_RIGHT_CONTENT), NoLock);
	*context = AllocSetContextCreate(CurrentMemoryContext, "barq statistics shown",
									 ALLOCSET_DEFAULT_SIZES);
	return barq_text_statistics(index, *context);
}

/* The row (documents bigint, tokens bigint) of an index; field: tokens of this one; NULL: of all. */
static Datum
stats_row(FunctionCallInfo fcinfo, Oid index, const char *field)
{
	MemoryContext context;
	BarqTextStatistics *statistics = open_statistics(index, &context);
	uint32		bit = field == NULL ? 0 : barq_text_field_named(index, field);
	BarqBm25Totals totals;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	barq_text_statistics_totals(statistics, &totals);
	MemoryContextDelete(context);
	values[0] = Int64GetDatum((int64) totals.documents);
	values[1] = Int64GetDatum((int64) (bit == 0 ? totals.tokens :
									   totals.field_tokens[pg_rightmost_one_pos32(bit)]));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * barq_bm25_stats(index regclass) → (documents bigint, tokens bigint). Errors:
 * open_statistics().
 */
Datum
barq_bm25_stats(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(stats_row(fcinfo, PG_GETARG_OID(0), NULL));
}

/*
 * barq_bm25_stats(index regclass, field text) → (documents bigint, tokens bigint): all
 * documents, and the words of a field. Errors: open_statistics(), barq_text_field_named().
 */
Datum
barq_bm25_field_stats(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(stats_row(fcinfo, PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* The number of documents with a term; field: in this one; NULL: in any. */
static int64
df_of(Oid index, text *term, const char *field)
{
	MemoryContext context;
	BarqTextStatistics *statistics = open_statistics(index, &context);
	uint64		df = barq_text_statistics_df(statistics, VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term),
											 field == NULL ? 0 : barq_text_field_named(index, field));

	MemoryContextDelete(context);
	return (int64) df;
}

/*
 * barq_bm25_df(index regclass, term text) → bigint, the documents that have the
 * term. Errors: open_statistics().
 */
Datum
barq_bm25_df_shown(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(df_of(PG_GETARG_OID(0), PG_GETARG_TEXT_PP(1), NULL));
}

/*
 * barq_bm25_df(index regclass, term text, field text) → bigint, the documents that have the
 * term in a field. Errors: open_statistics(), barq_text_field_named().
 */
Datum
barq_bm25_field_df(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(df_of(PG_GETARG_OID(0), PG_GETARG_TEXT_PP(1),
						  text_to_cstring(PG_GETARG_TEXT_PP(2))));
}
