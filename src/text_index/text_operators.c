/*
 * text_operators.c
 *	  <@> and @@@ computed from the text itself: for plans that do not scan the
 *	  index, for the SELECT list, and for rows that a scan has re-checked.
 *
 * Scores use the statistics of the index that the query names, which are the
 * same for the whole statement (am/text.h). They tell about rows that the caller
 * may not see, so he needs the right to all that the index holds, but for a call
 * that the planner has bound to a column of a table: there the executor checks
 * the right to read the column.
 *
 * How a call is known to be bound: the planner (text_support.c) leaves <@> with
 * the function bm25_column_distance instead of its own. In an expression of a
 * query an operator always has its own function, and no operator can be given a
 * C function of ours but by us; so whoever calls bm25_column_distance by name, or
 * makes an operator of it, is not believed.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/primnodes.h"
#include "text_index/bm25threshold.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

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
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_unbound);

/* A query bound to an index, kept over a statement's calls. */
typedef struct Kept
{
	MemoryContext context;		/* of what follows, reset for another query */
	BarqQueryValue *value;		/* as given; NULL: none yet */
	BarqBm25Query *query;
	BarqTextAnalysis analysis;
	MemoryContext scratch;		/* of one call */
} Kept;

/* Is a call one that the planner has bound (above), of the operator with `own`? */
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

/* Is it called for each element of an array, by ANY or ALL? */
static bool
is_for_array(const FmgrInfo *flinfo)
{
	return flinfo->fn_expr != NULL && IsA(flinfo->fn_expr, ScalarArrayOpExpr);
}

/* A query that is for no index, nor is there a table that tells which. */
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
 * The query of a call; `own` is the function of an operator that the planner has
 * not bound.
 */
static Kept *
keep(FunctionCallInfo fcinfo, const BarqQueryValue *value, PGFunction own, bool scored)
{
	Kept	   *kept = fcinfo->flinfo->fn_extra;
	MemoryContext owner = fcinfo->flinfo->fn_mcxt;
	BarqTextStatistics *statistics;
	Oid			index;
	MemoryContext old;

	if (kept != NULL && kept->value != NULL && VARSIZE(kept->value) == VARSIZE(value) &&
		memcmp(kept->value, value, VARSIZE(value)) == 0)
		return kept;

	index = barq_query_value_find_index(value);
	if (!OidIsValid(index))
		raise_unbound(fcinfo->flinfo);
	if (!is_bound(fcinfo->flinfo, own))
		barq_check_index_content_rights(index);
	if (kept == NULL)
	{
		kept = MemoryContextAllocZero(owner, sizeof(Kept));
		kept->context = AllocSetContextCreate(owner, "barq text query", ALLOCSET_SMALL_SIZES);
		kept->scratch = AllocSetContextCreate(owner, "barq text call", ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = kept;
	}
	kept->value = NULL;
	MemoryContextReset(kept->context);
	statistics = barq_text_statistics(index, owner);
	old = MemoryContextSwitchTo(kept->context);
	kept->analysis = *barq_text_statistics_analysis(statistics);
	kept->query = scored ? barq_text_bind(statistics, value, NULL, 0) :
		barq_text_bind(statistics, NULL, &value, 1);
	kept->value = memcpy(palloc(VARSIZE(value)), value, VARSIZE(value));
	MemoryContextSwitchTo(old);
	return kept;
}

/* Score and conditions of the first argument. */
static bool
score_argument(FunctionCallInfo fcinfo, Kept *kept, Oid type, double *score)
{
	MemoryContext old = MemoryContextSwitchTo(kept->scratch);
	uint32		bytes;
	char	   *document = barq_text_document(&kept->analysis, type, PG_GETARG_DATUM(0),
											  true, &bytes);
	bool		unsure;
	bool		comes = barq_bm25_score_document(kept->query, document, bytes, score, &unsure);

	MemoryContextSwitchTo(old);
	MemoryContextReset(kept->scratch);
	return comes;
}

static Datum
score_of(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	double		score;

	if (!score_argument(fcinfo, keep(fcinfo, PG_GETARG_BARQ_QUERY(1), own, true), type, &score))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(-score);
}

static Datum
matches(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	Kept	   *kept = keep(fcinfo, PG_GETARG_BARQ_QUERY(1), own, false);
	double		score;

	/* a query that asks for nothing finds nothing */
	if (kept->query->nconditions == 0)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(score_argument(fcinfo, kept, type, &score));
}

static Datum
below(FunctionCallInfo fcinfo, PGFunction own, Oid type)
{
	BarqThreshold *threshold = DatumGetBarqThreshold(PG_GETARG_DATUM(1));
	double		score;

	if (!score_argument(fcinfo, keep(fcinfo, barq_threshold_query(threshold), own, true), type, &score))
		score = 0;
	PG_RETURN_BOOL(barq_threshold_passes(threshold, -score));
}

/*
 * text <@> bm25query → float8: minus the BM25 score, 0 where no term of the
 * query occurs or where it asks for other rows (+must, -not).
 * ERRCODE_UNDEFINED_OBJECT without an index; ERRCODE_INSUFFICIENT_PRIVILEGE
 * unless the caller may see what the index holds.
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

/* text @@@ bm25query → boolean. Errors as <@>. */
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
 * The same, of calls that the planner has bound to a column: no right is
 * checked there. Called otherwise each is the function above.
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

/* text <@@ bm25threshold → boolean: is `<@>` below the bound? Errors as <@>. */
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

/* The same, made of a call of <@> that the planner has bound to a column. */
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
 * Either operator with a bare text as query: the planner replaces it
 * (text_support.c), unless it sees no table that the text comes from.
 */
Datum
barq_text_unbound(PG_FUNCTION_ARGS)
{
	raise_unbound(fcinfo->flinfo);
}
