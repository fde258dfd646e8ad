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
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_stats);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_df_shown);

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

/*
 * barq_bm25_stats(index regclass) → (documents bigint, tokens bigint). Errors:
 * open_statistics().
 */
Datum
barq_bm25_stats(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	BarqBm25Totals totals;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	barq_text_statistics_totals(open_statistics(PG_GETARG_OID(0), &context), &totals);
	MemoryContextDelete(context);
	values[0] = Int64GetDatum((int64) totals.documents);
	values[1] = Int64GetDatum((int64) totals.tokens);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * barq_bm25_df(index regclass, term text) → bigint, the documents that have the
 * term. Errors: open_statistics().
 */
Datum
barq_bm25_df_shown(PG_FUNCTION_ARGS)
{
	text	   *term = PG_GETARG_TEXT_PP(1);
	MemoryContext context;
	uint64		df;

	df = barq_text_statistics_df(open_statistics(PG_GETARG_OID(0), &context),
								 VARDATA_ANY(term), VARSIZE_ANY_EXHDR(term), 0);
	MemoryContextDelete(context);
	PG_RETURN_INT64((int64) df);
}
