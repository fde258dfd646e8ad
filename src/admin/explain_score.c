/*
 * explain_score.c
 *	  barq_explain_score(): what each term of a query adds to the score of a row.
 *
 * The row is a value of the type of the index's table; its fields are computed as for the
 * index. So what is explained is the score that `<@>` gives for this row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "admin/admin.h"
#include "base/script.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_explain_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_explain_score_text);

#define COLUMNS 7

/*
 * The name of a field of an open index, palloc'd: by which a query names it, else that of
 * the index's column.
 */
static char *
name_of_field(Relation index, const BarqTextColumns *columns, int field)
{
	BarqFieldParameters *given = barq_text_field_parameters(index, field);
	int			column = columns->field_columns[field];
	AttrNumber	attribute = index->rd_index->indkey.values[column];

	if (given->name != 0)
		return pstrdup(GET_STRING_RELOPTION(given, name));
	if (attribute != 0)
		return get_attname(index->rd_index->indrelid, attribute, false);
	return pstrdup(NameStr(TupleDescAttr(RelationGetDescr(index), column)->attname));
}

/*
 * The document of a row of an index's table, palloc'd; NULL if all its fields are NULL.
 * Expressions of the index are computed as the owner of the table, as when it was built.
 * Raises ERRCODE_DATATYPE_MISMATCH if the record is of another type.
 */
static char *
document_of(Relation index, HeapTupleHeader record, const BarqTextAnalysis *analysis,
			uint32 *bytes)
{
	Relation	heap = table_open(index->rd_index->indrelid, AccessShareLock);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(record), .t_data = record};
	TupleTableSlot *slot;
	EState	   *estate;
	BarqOwnerSwitch caller;
	BarqTextColumns columns;
	BarqTextRow row;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	char	   *document = NULL;

	if (HeapTupleHeaderGetTypeId(record) != heap->rd_rel->reltype)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the row is not one of table \"%s\"", RelationGetRelationName(heap)),
				 errhint("Pass the table by its name or alias: SELECT ... FROM items, barq_explain_score('index', items, 'words').")));
	ItemPointerSetInvalid(&tuple.t_self);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(heap), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(&tuple, slot, false);
	estate = CreateExecutorState();
	GetPerTupleExprContext(estate)->ecxt_scantuple = slot;
	barq_become_owner(heap, &caller);
	FormIndexDatum(BuildIndexInfo(index), slot, estate, values, isnull);
	barq_become_caller(&caller);

	barq_text_columns(index, &columns);
	barq_text_row_from_index(index, &columns, values, isnull, &row);
	if (!barq_text_row_is_null(&row))
		document = barq_text_document(analysis, &row, true, bytes);
	FreeExecutorState(estate);
	ExecDropSingleTupleTableSlot(slot);
	table_close(heap, AccessShareLock);
	return document;
}

/* A term of a query as it is shown, palloc'd: of a pool, its alternatives. */
static char *
shown_term(const BarqBm25Term *term)
{
	StringInfoData shown;

	initStringInfo(&shown);
	if (term->nalternatives == 0)
		appendStringInfo(&shown, "%.*s%s", (int) term->text.length, term->text.text,
						 term->prefix ? "*" : "");
	for (uint32 i = 0; i < term->nalternatives; i++)
	{
		const BarqBm25Alternative *alternative = &term->alternatives[i];

		appendStringInfo(&shown, "%s%.*s%s", i > 0 ? " | " : "", (int) alternative->text.length,
						 alternative->text.text, alternative->prefix ? "*" : "");
	}
	return shown.data;
}

/* Put a row for each part of a score. The index is open. */
static void
put_parts(ReturnSetInfo *rsinfo, Relation index, const BarqBm25Query *query,
		  const BarqBm25Part *parts, uint32 n)
{
	BarqTextColumns columns;

	barq_text_columns(index, &columns);
	for (uint32 i = 0; i < n; i++)
	{
		const BarqBm25Part *part = &parts[i];
		const BarqBm25Term *term = &query->terms[part->term];
		char	   *shown = shown_term(term);
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS] = {false};

		values[0] = CStringGetTextDatum(name_of_field(index, &columns, part->field));
		values[1] = CStringGetTextDatum(shown);
		values[2] = Int64GetDatum(part->frequency);
		values[3] = Int64GetDatum(term->df);
		values[4] = Int64GetDatum(part->length);
		values[5] = Float8GetDatum(term->weight);
		values[6] = Float8GetDatum(part->part);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * The rows of barq_explain_score() for a query, in a context that is deleted afterwards.
 * The statistics are those that `<@>` has in the same statement.
 */
static Datum
explain(FunctionCallInfo fcinfo, const BarqQueryValue *value)
{
	Oid			index_oid = PG_GETARG_OID(0);
	HeapTupleHeader record = PG_GETARG_HEAPTUPLEHEADER(1);
	Oid			named = barq_query_value_find_index(value);
	BarqTextStatistics *statistics;
	MemoryContext context;
	MemoryContext old;
	Relation	index;
	char	   *document;
	uint32		bytes;

	barq_begin_rows(fcinfo, COLUMNS);
	if (!OidIsValid(named))
		named = index_oid;
	else if (!barq_is_index_or_parent(named, index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query is for another index than the one whose scores are to be explained"),
				 errhint("Pass a query that names no index, or this one.")));
	barq_check_index_content_rights(named);
	statistics = barq_text_statistics(named, fcinfo->flinfo->fn_mcxt);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq explained score",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	index = relation_open(index_oid, AccessShareLock);
	document = document_of(index, record, barq_text_statistics_analysis(statistics), &bytes);
	if (document != NULL)
	{
		BarqBm25Query *query = barq_text_bind(statistics, barq_query_value_for(value, named),
											  NULL, 0);
		BarqBm25Part *parts;
		uint32		n = barq_bm25_explain_document(query, document, bytes, &parts);

		put_parts((ReturnSetInfo *) fcinfo->resultinfo, index, query, parts, n);
	}
	relation_close(index, AccessShareLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * barq_explain_score(index regclass, item record, query bm25query) → (field text, term
 * text, tf bigint, df bigint, length bigint, weight float8, part float8): the parts of the
 * score, which is their sum in this order; no row for a score of 0. weight is that of the
 * term, idf · (k1 + 1) · boost. Raises ERRCODE_INVALID_PARAMETER_VALUE if the query names
 * another index, ERRCODE_INSUFFICIENT_PRIVILEGE without the right to the index's content,
 * and the errors of document_of() and barq_text_statistics().
 */
Datum
barq_explain_score(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, PG_GETARG_BARQ_QUERY(2));
}

/* The same with a query of type text, which names no index. */
Datum
barq_explain_score_text(PG_FUNCTION_ARGS)
{
	text	   *words = PG_GETARG_TEXT_PP(2);

	return explain(fcinfo, barq_query_value_make(VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words),
												 InvalidOid));
}
