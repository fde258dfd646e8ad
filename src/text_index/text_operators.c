/*
 * text_operators.c
 *	  <@> and @@@ computed from the text itself: for plans that do not scan the
 *	  index, for the SELECT list, and for rows that a scan rechecks.
 *
 * Scores use the index's statistics, which are the same for the whole statement
 * (text_statistics.c). Statistics reveal something of all rows, so the caller
 * needs the right to all of the index's content; except in a call that the planner
 * has bound to a column of a table, where the executor checks the right to read
 * the column.
 *
 * A bound call is recognised thus: the planner support function (text_support.c)
 * leaves the operator <@> in place but gives it the function
 * bm25_column_distance(). Users cannot write such an expression: in a query an
 * operator always calls its own function. A call of bm25_column_distance() by name,
 * or by an operator created with it, is therefore not taken for a bound one.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/primnodes.h"
#include "port/pg_bitutils.h"
#include "text_index/bm25threshold.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_column_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_column_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_column_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_column_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_column_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_column_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_row_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_row_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_row_column_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_row_column_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_unbound);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_score_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_score_row);

/* A query bound to an index: kept in fn_extra over the calls of a statement. */
typedef struct BoundQuery
{
	MemoryContext context;		/* of the members below; reset for another query */
	BarqQueryValue *value;		/* the argument; NULL: none yet */
	BarqBm25Query *query;
	uint32		nfields;		/* of the index */
	BarqTextAnalysis analysis;
	MemoryContext scratch;		/* reset after each call */
} BoundQuery;

/*
 * Whether the planner has bound this call to a column. `own` is the C function
 * of the operator that a bound call keeps. Reads catalogs only.
 */
static bool
is_bound(const FmgrInfo *flinfo, PGFunction own)
{
	OpExpr	   *call = (OpExpr *) flinfo->fn_expr;
	Oid			function;
	FmgrInfo	operators;

	if (call == NULL || !IsA(call, OpExpr) || call->opfuncid != flinfo->fn_oid)
		return false;
	function = get_opcode(call->opno);
	if (!OidIsValid(function) || function == flinfo->fn_oid)
		return false;
	fmgr_info(function, &operators);
	return operators.fn_addr == own;
}

/*
 * Whether the call is made for each element of an array, by ANY or ALL. No side
 * effects.
 */
static bool
is_for_array(const FmgrInfo *flinfo)
{
	return flinfo->fn_expr != NULL && IsA(flinfo->fn_expr, ScalarArrayOpExpr);
}

/*
 * Raise the error that a query names no index and the text comes from no table:
 * ERRCODE_FEATURE_NOT_SUPPORTED in calls for ANY and ALL, else
 * ERRCODE_UNDEFINED_OBJECT.
 */
pg_noreturn static void
raise_unbound(const FmgrInfo *flinfo)
{
	if (is_for_array(flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ANY and ALL of an array of text queries are not supported"),
				 errhint("Write body @@@ 'one' OR body @@@ 'other', or EXISTS (SELECT FROM unnest(queries) AS q WHERE body @@@ q).")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("no barq_bm25 index is known for this text and query"),
			 errdetail("The text does not come from a table's column."),
			 errhint("Name an index: to_bm25query(query, 'index').")));
}

/*
 * The query argument of a call, bound to its index; scored: for <@>, else for
 * @@@. `own` is the C function that is_bound() takes: rights are checked unless
 * the planner has bound the call. Binds at the first call and when the query
 * changes. The result lives in fn_mcxt, as do the statistics. Raises
 * ERRCODE_UNDEFINED_OBJECT if the query names no index (raise_unbound),
 * ERRCODE_INSUFFICIENT_PRIVILEGE without the right to the index's content, and
 * the errors of barq_text_statistics().
 */
static BoundQuery *
bind_argument(FunctionCallInfo fcinfo, const BarqQueryValue *value, PGFunction own, bool scored)
{
	BoundQuery *bound = fcinfo->flinfo->fn_extra;
	MemoryContext owner = fcinfo->flinfo->fn_mcxt;
	BarqTextStatistics *statistics;
	Oid			index;
	MemoryContext old;

	if (bound != NULL && bound->value != NULL && VARSIZE(bound->value) == VARSIZE(value) &&
		memcmp(bound->value, value, VARSIZE(value)) == 0)
		return bound;

	index = barq_query_value_find_index(value);
	if (!OidIsValid(index))
		raise_unbound(fcinfo->flinfo);
	if (!is_bound(fcinfo->flinfo, own))
		barq_check_index_content_rights(index);
	if (bound == NULL)
	{
		bound = MemoryContextAllocZero(owner, sizeof(BoundQuery));
		bound->context = AllocSetContextCreate(owner, "barq text query", ALLOCSET_SMALL_SIZES);
		bound->scratch = AllocSetContextCreate(owner, "barq text call", ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = bound;
	}
	bound->value = NULL;
	MemoryContextReset(bound->context);
	statistics = barq_text_statistics(index, owner);
	old = MemoryContextSwitchTo(bound->context);
	bound->analysis = *barq_text_statistics_analysis(statistics);
	bound->nfields = barq_text_nfields(barq_text_statistics_options(statistics));
	bound->query = scored ? barq_text_bind(statistics, value, NULL, 0) :
		barq_text_bind(statistics, NULL, &value, 1);
	bound->value = memcpy(palloc(VARSIZE(value)), value, VARSIZE(value));
	MemoryContextSwitchTo(old);
	return bound;
}

/* Whether values of a type are texts: TEXTARRAYOID or TEXTOID, else InvalidOid. */
static Oid
text_type(Oid type)
{
	type = getBaseType(type);
	return type == TEXTARRAYOID || type == TEXTOID ? type : type == VARCHAROID ? TEXTOID : InvalidOid;
}

/*
 * Set *row to the fields of a record, which the planner made of the fields of an index of
 * `nfields` and, by_row, of its language. Raises ERRCODE_DATATYPE_MISMATCH for any other record.
 */
static void
row_of_record(HeapTupleHeader record, uint32 nfields, bool by_row, BarqTextRow *row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(record),
											  HeapTupleHeaderGetTypMod(record));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(record), .t_data = record};
	Datum	   *values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *isnull = palloc(sizeof(bool) * Max(desc->natts, 1));
	bool		fits = desc->natts == (int) nfields + by_row;

	ItemPointerSetInvalid(&tuple.t_self);
	for (uint32 i = 0; i < nfields && fits; i++)
	{
		row->types[i] = text_type(TupleDescAttr(desc, i)->atttypid);
		fits = OidIsValid(row->types[i]);
	}
	row->language_type = InvalidOid;
	if (fits && by_row)
	{
		Oid			type = getBaseType(TupleDescAttr(desc, nfields)->atttypid);

		row->language_type = type == REGCONFIGOID ? REGCONFIGOID : text_type(type);
		fits = row->language_type == REGCONFIGOID || row->language_type == TEXTOID;
	}
	if (!fits)
	{
		ReleaseTupleDesc(desc);
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a row does not have the fields of the index of a text query"),
				 errdetail("The row does not come from the index's table."),
				 errhint("Use the operator on a row of the table: SELECT ... FROM items ORDER BY items <@> 'words'.")));
	}
	heap_deform_tuple(&tuple, desc, values, isnull);
	ReleaseTupleDesc(desc);
	row->nfields = nfields;
	memcpy(row->values, values, sizeof(Datum) * nfields);
	memcpy(row->isnull, isnull, sizeof(bool) * nfields);
	if (by_row)
	{
		row->language = values[nfields];
		row->language_is_null = isnull[nfields];
	}
}

/*
 * Set *row to the first argument of a call: a record of all fields, or the one field that
 * the query is for. Raises ERRCODE_FEATURE_NOT_SUPPORTED if a text is compared with an
 * index of several fields, and its field is not known, or with one that has a language.
 */
static void
row_of_argument(FunctionCallInfo fcinfo, const BoundQuery *bound, Oid type, BarqTextRow *row)
{
	uint8		fields = barq_query_value_fields(bound->value);
	uint32		field = 0;

	if (type == RECORDOID)
	{
		row_of_record(PG_GETARG_HEAPTUPLEHEADER(0), bound->nfields, bound->analysis.by_row, row);
		return;
	}
	if (bound->analysis.by_row)
		barq_text_raise_no_row(barq_query_value_find_index(bound->value));
	row->language_type = InvalidOid;
	if (bound->nfields > 1 && (fields == 0 || (fields & (fields - 1)) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has several fields, and the text is none of them",
						get_rel_name(barq_query_value_find_index(bound->value))),
				 errhint("Use the operator on a column of the index, or on a row of its table.")));
	if (bound->nfields > 1)
		field = pg_rightmost_one_pos32(fields);
	row->nfields = bound->nfields;
	for (int i = 0; i < row->nfields; i++)
	{
		row->types[i] = type;
		row->isnull[i] = i != (int) field;
	}
	row->values[field] = PG_GETARG_DATUM(0);
}

/* What score_argument() says of a text. */
typedef enum Scored
{
	NULL_ROW,					/* a row of which all fields are NULL */
	NO_MATCH,
	MATCH
} Scored;

/*
 * Score the text or row that is the first argument. Leaves nothing in the current memory
 * context.
 */
static Scored
score_argument(FunctionCallInfo fcinfo, BoundQuery *bound, Oid type, double *score)
{
	MemoryContext old = MemoryContextSwitchTo(bound->scratch);
	BarqTextRow row;
	Scored		scored = NULL_ROW;

	row_of_argument(fcinfo, bound, type, &row);
	if (!barq_text_row_is_null(&row))
	{
		uint32		bytes;
		char	   *document = barq_text_document(&bound->analysis, &row, true, &bytes);
		bool		unsure;

		scored = barq_bm25_score_document(bound->query, document, bytes, score, &unsure) ?
			MATCH : NO_MATCH;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(bound->scratch);
	return scored;
}

/* <@> on a text of type `type`. */
static Datum
score_of(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	double		score;

	switch (score_argument(fcinfo, bind_argument(fcinfo, PG_GETARG_BARQ_QUERY(1), own, true), type, &score))
	{
		case MATCH:
			PG_RETURN_FLOAT8(-score);
		case NO_MATCH:
			PG_RETURN_FLOAT8(0);
		default:
			PG_RETURN_NULL();
	}
}

/* @@@ on a text of type `type`. */
static Datum
matches(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(1);
	BoundQuery *bound;
	double		score;

	bound = bind_argument(fcinfo, value, own, false);
	switch (score_argument(fcinfo, bound, type, &score))
	{
		case MATCH:

			/* a query without words matches no row */
			PG_RETURN_BOOL(bound->query->nconditions > 0);
		case NO_MATCH:
			PG_RETURN_BOOL(false);
		default:
			PG_RETURN_NULL();
	}
}

/* <@@ on a text of type `type`. */
static Datum
below(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	BarqThreshold *threshold = DatumGetBarqThreshold(PG_GETARG_DATUM(1));
	double		score;

	if (score_argument(fcinfo, bind_argument(fcinfo, barq_threshold_query(threshold), own, true), type, &score) != MATCH)
		score = 0;
	PG_RETURN_BOOL(barq_threshold_passes(threshold, -score));
}

/*
 * text <@> bm25query → float8: minus the BM25 score; 0 where no term of the
 * query occurs or a condition (+must, -not) excludes the text. Raises
 * ERRCODE_UNDEFINED_OBJECT if the query names no index,
 * ERRCODE_INSUFFICIENT_PRIVILEGE without the right to the index's content, and
 * the errors of barq_text_statistics().
 */
Datum
barq_text_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_score, TEXTOID);
}

/* text[] <@> bm25query → float8 */
Datum
barq_text_array_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_array_score, TEXTARRAYOID);
}

/* text @@@ bm25query → boolean. Raises the errors of barq_text_score(). */
Datum
barq_text_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_matches, TEXTOID);
}

/* text[] @@@ bm25query → boolean */
Datum
barq_text_array_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_array_matches, TEXTARRAYOID);
}

/*
 * The functions of calls that the planner has bound to a column, where no rights
 * are checked. In any other call each is the same as the function above.
 */
Datum
barq_text_column_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_score, TEXTOID);
}

Datum
barq_text_array_column_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_array_score, TEXTARRAYOID);
}

Datum
barq_text_column_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_matches, TEXTOID);
}

Datum
barq_text_array_column_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_array_matches, TEXTARRAYOID);
}

/*
 * text <@@ bm25threshold → boolean: whether `<@>` is below the bound. Raises the
 * errors of barq_text_score().
 */
Datum
barq_text_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, barq_text_below, TEXTOID);
}

/* text[] <@@ bm25threshold → boolean */
Datum
barq_text_array_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, barq_text_array_below, TEXTARRAYOID);
}

/*
 * text <@@ bm25threshold for a call of <@> that the planner had bound to a
 * column: checks no rights. In any other call the same as barq_text_below().
 */
Datum
barq_text_column_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, barq_text_below, TEXTOID);
}

Datum
barq_text_array_column_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, barq_text_array_below, TEXTARRAYOID);
}

/*
 * record <@> bm25query → float8, of the fields of an index: NULL if all of them are. Raises
 * the errors of barq_text_score().
 */
Datum
barq_text_row_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_row_score, RECORDOID);
}

/* record @@@ bm25query → boolean */
Datum
barq_text_row_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_row_matches, RECORDOID);
}

/* Both, for calls that the planner has bound to a table's row; no rights are checked. */
Datum
barq_text_row_column_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, barq_text_row_score, RECORDOID);
}

Datum
barq_text_row_column_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, barq_text_row_matches, RECORDOID);
}

/* The score of a value of type `type`: minus <@>, as a positive number. */
static Datum
positive_score_of(FunctionCallInfo fcinfo, Oid type)
{
	double		score;

	switch (score_argument(fcinfo, bind_argument(fcinfo, PG_GETARG_BARQ_QUERY(1), NULL, true), type, &score))
	{
		case MATCH:
			PG_RETURN_FLOAT8(score);
		case NO_MATCH:
			PG_RETURN_FLOAT8(0);
		default:
			PG_RETURN_NULL();
	}
}

/*
 * barq_score(text, bm25query) → float8, of a value that comes from no table: the planner
 * replaces other calls by 0 - (value <@> query) (text_support.c). Raises the errors of
 * barq_text_score().
 */
Datum
barq_score(PG_FUNCTION_ARGS)
{
	return positive_score_of(fcinfo, TEXTOID);
}

/* barq_score(text[], bm25query) → float8 */
Datum
barq_score_array(PG_FUNCTION_ARGS)
{
	return positive_score_of(fcinfo, TEXTARRAYOID);
}

/* barq_score(record, bm25query) → float8 */
Datum
barq_score_row(PG_FUNCTION_ARGS)
{
	return positive_score_of(fcinfo, RECORDOID);
}

/*
 * <@> and @@@ with a query of type text: always an error. The planner replaces
 * such a call (text_support.c) unless the text comes from no table.
 */
Datum
barq_text_unbound(PG_FUNCTION_ARGS)
{
	raise_unbound(fcinfo->flinfo);
}
