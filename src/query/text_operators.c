/*
 * text_operators.c
 *	  <@> and @@@ computed from the text itself: for plans that do not scan the
 *	  index, for the SELECT list, and for rows that a scan has re-checked.
 *
 * Scores use the statistics of the index that the query names, which are the
 * same for the whole statement (am/text.h).
 */
#include "postgres.h"

#include "am/text.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "types/bm25threshold.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_below);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_unbound);

/* A query bound to an index, kept over a statement's calls. */
typedef struct Kept
{
	MemoryContext context;		/* of what follows, reset for another query */
	BarqQueryValue *value;		/* the query that is bound; NULL: none yet */
	BarqBm25Query *query;
	BarqTextAnalysis analysis;
	MemoryContext scratch;		/* of one call */
} Kept;

static Kept *
keep(FunctionCallInfo fcinfo, const BarqQueryValue *value, bool scored)
{
	Kept	   *kept = fcinfo->flinfo->fn_extra;
	MemoryContext owner = fcinfo->flinfo->fn_mcxt;
	BarqTextStatistics *statistics;
	MemoryContext old;

	if (kept != NULL && kept->value != NULL && VARSIZE(kept->value) == VARSIZE(value) &&
		memcmp(kept->value, value, VARSIZE(value)) == 0)
		return kept;

	if (!OidIsValid(value->index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the text query names no index, and none was found for it"),
				 errhint("Name one: to_bm25query(query, 'index').")));
	if (kept == NULL)
	{
		kept = MemoryContextAllocZero(owner, sizeof(Kept));
		kept->context = AllocSetContextCreate(owner, "barq text query", ALLOCSET_SMALL_SIZES);
		kept->scratch = AllocSetContextCreate(owner, "barq text call", ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = kept;
	}
	kept->value = NULL;
	MemoryContextReset(kept->context);
	statistics = barq_text_statistics(value->index, owner);
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
score_of(FunctionCallInfo fcinfo, Oid type)
{
	double		score;

	if (!score_argument(fcinfo, keep(fcinfo, PG_GETARG_BARQ_QUERY(1), true), type, &score))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(-score);
}

static Datum
matches(FunctionCallInfo fcinfo, Oid type)
{
	Kept	   *kept = keep(fcinfo, PG_GETARG_BARQ_QUERY(1), false);
	double		score;

	/* a query that asks for nothing finds nothing */
	if (kept->query->nconditions == 0)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(score_argument(fcinfo, kept, type, &score));
}

static Datum
below(FunctionCallInfo fcinfo, Oid type)
{
	BarqThreshold *threshold = DatumGetBarqThreshold(PG_GETARG_DATUM(1));
	double		score;

	if (!score_argument(fcinfo, keep(fcinfo, barq_threshold_query(threshold), true), type, &score))
		score = 0;
	PG_RETURN_BOOL(barq_threshold_passes(threshold, -score));
}

/*
 * text <@> bm25query → float8: minus the BM25 score, 0 where no term of the
 * query occurs or where it asks for other rows (+must, -not).
 * ERRCODE_UNDEFINED_OBJECT without an index; ERRCODE_SYNTAX_ERROR.
 */
Datum
barq_text_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, TEXTOID);
}

/* text[] <@> bm25query → float8 */
Datum
barq_text_array_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, TEXTARRAYOID);
}

/* text @@@ bm25query → boolean. Errors as <@>. */
Datum
barq_text_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, TEXTOID);
}

/* text[] @@@ bm25query → boolean */
Datum
barq_text_array_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, TEXTARRAYOID);
}

/* text <@@ bm25threshold → boolean: is `<@>` below the bound? Errors as <@>. */
Datum
barq_text_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, TEXTOID);
}

/* text[] <@@ bm25threshold → boolean */
Datum
barq_text_array_below(PG_FUNCTION_ARGS)
{
	return below(fcinfo, TEXTARRAYOID);
}

/*
 * Either operator with a bare text as query: the planner replaces it
 * (text_support.c), unless there is no index to replace it with.
 */
Datum
barq_text_unbound(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("no barq_bm25 index fits this text and query"),
			 errhint("Create one with CREATE INDEX ... USING barq_bm25 (...) WITH (text_config = '...'), or name it: to_bm25query(query, 'index').")));
}
