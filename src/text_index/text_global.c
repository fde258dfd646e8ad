/*
 * text_global.c
 *	  <@> and @@@ with a bm25global, which read no index; and a shard's side of the
 *	  gathering of statistics.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "text_index/bm25global.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_global_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_global_score);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_global_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_array_global_matches);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_global_selectivity);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_global_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_shard_row);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_shard_final);

/* ---- operators ---- */

/* A query as bound, kept in fn_extra over the calls of a statement. */
typedef struct GlobalQuery
{
	MemoryContext context;		/* of the members below; reset for another query */
	struct varlena *value;		/* the argument; NULL: none yet */
	BarqBm25Query *query;
	BarqTextAnalysis analysis;
	MemoryContext scratch;		/* reset after each call */
} GlobalQuery;

/*
 * The query argument of a call, bound at the first call and when it changes; scored:
 * for <@>, else for @@@. The result lives in fn_mcxt. Raises the errors of
 * barq_global_read() and barq_text_statistics_given().
 */
static GlobalQuery *
bind_argument(FunctionCallInfo fcinfo, bool scored)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(1));
	GlobalQuery *bound = fcinfo->flinfo->fn_extra;
	BarqTextStatistics *statistics;
	const BarqQueryValue *words;
	BarqGlobal *global;
	MemoryContext old;

	if (bound != NULL && bound->value != NULL && VARSIZE(bound->value) == VARSIZE(value) &&
		memcmp(bound->value, value, VARSIZE(value)) == 0)
		return bound;
	if (bound == NULL)
	{
		MemoryContext owner = fcinfo->flinfo->fn_mcxt;

		bound = MemoryContextAllocZero(owner, sizeof(GlobalQuery));
		bound->context = AllocSetContextCreate(owner, "barq global query", ALLOCSET_SMALL_SIZES);
		bound->scratch = AllocSetContextCreate(owner, "barq global call", ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = bound;
	}
	bound->value = NULL;
	MemoryContextReset(bound->context);
	old = MemoryContextSwitchTo(bound->context);
	global = barq_global_read(PointerGetDatum(value));
	words = barq_global_words(global);
	statistics = barq_text_statistics_given(global);
	bound->analysis = *barq_text_statistics_analysis(statistics);
	bound->query = scored ? barq_text_bind(statistics, words, NULL, 0) :
		barq_text_bind(statistics, NULL, &words, 1);
	bound->value = memcpy(palloc(VARSIZE(value)), value, VARSIZE(value));
	MemoryContextSwitchTo(old);
	return bound;
}

/* Score the text that is the first argument; false: it does not match the query. */
static bool
score_argument(FunctionCallInfo fcinfo, GlobalQuery *bound, Oid type, double *score)
{
	MemoryContext old = MemoryContextSwitchTo(bound->scratch);
	BarqTextRow row = {.nfields = 1, .types = {type}, .values = {PG_GETARG_DATUM(0)}};
	uint32		bytes;
	char	   *document = barq_text_document(&bound->analysis, &row, true, &bytes);
	bool		unsure;
	bool		comes = barq_bm25_score_document(bound->query, document, bytes, score, &unsure);

	MemoryContextSwitchTo(old);
	MemoryContextReset(bound->scratch);
	return comes;
}

/* <@> on a text of type `type`. */
static Datum
score_of(FunctionCallInfo fcinfo, Oid type)
{
	double		score;

	if (!score_argument(fcinfo, bind_argument(fcinfo, true), type, &score))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(-score);
}

/* @@@ on a text of type `type`. */
static Datum
matches(FunctionCallInfo fcinfo, Oid type)
{
	GlobalQuery *bound = bind_argument(fcinfo, false);
	double		score;

	/* a query without words matches no row */
	if (bound->query->nconditions == 0)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(score_argument(fcinfo, bound, type, &score));
}

/*
 * text <@> bm25global → float8: minus the BM25 score by the statistics of the query.
 * Reads no index, so it needs no rights. Raises the errors of bind_argument().
 */
Datum
barq_text_global_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, TEXTOID);
}

/* text[] <@> bm25global → float8 */
Datum
barq_text_array_global_score(PG_FUNCTION_ARGS)
{
	return score_of(fcinfo, TEXTARRAYOID);
}

/* text @@@ bm25global → boolean */
Datum
barq_text_global_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, TEXTOID);
}

/* text[] @@@ bm25global → boolean */
Datum
barq_text_array_global_matches(PG_FUNCTION_ARGS)
{
	return matches(fcinfo, TEXTARRAYOID);
}

/* restrict estimator of @@@ bm25global: one row in a hundred */
Datum
barq_global_selectivity(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(0.01);
}

/* Whether an expression is a column of a foreign table. */
static bool
is_foreign_column(PlannerInfo *root, Node *value)
{
	while (IsA(value, RelabelType))
		value = (Node *) ((RelabelType *) value)->arg;
	return IsA(value, Var) && ((Var *) value)->varlevelsup == 0 && !IS_SPECIAL_VARNO(((Var *) value)->varno) &&
		planner_rt_fetch(((Var *) value)->varno, root)->rtekind == RTE_RELATION &&
		planner_rt_fetch(((Var *) value)->varno, root)->relkind == RELKIND_FOREIGN_TABLE;
}

/*
 * The planner support function of <@> and @@@ with a bm25global: the cost, that of
 * cutting a text into words, except for a column of a foreign table. There the shard
 * computes it; postgres_fdw counts a sort key twice where it ships a LIMIT, and would
 * not ship it.
 */
Datum
barq_global_support(PG_FUNCTION_ARGS)
{
	SupportRequestCost *request = (SupportRequestCost *) PG_GETARG_POINTER(0);
	const double words = 1000;	/* COST of the functions of the other queries */
	List	   *args = NIL;

	if (!IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(NULL);
	if (request->node != NULL && IsA(request->node, OpExpr))
		args = ((OpExpr *) request->node)->args;
	request->startup = 0;
	request->per_tuple = cpu_operator_cost *
		(request->root != NULL && args != NIL && is_foreign_column(request->root, linitial(args)) ? 1 : words);
	PG_RETURN_POINTER(request);
}

/* ---- statistics of a shard ---- */

char *
barq_global_caller(void)
{
	return psprintf(UINT64_FORMAT "/%d/" INT64_FORMAT, GetSystemIdentifier(), MyProcPid,
					(int64) MyStartTimestamp);
}

/*
 * The index of barq_bm25 on a column of a table, without a predicate. Takes and
 * releases AccessShareLock. Raises ERRCODE_UNDEFINED_OBJECT if there is none,
 * ERRCODE_AMBIGUOUS_COLUMN if there are several, ERRCODE_WRONG_OBJECT_TYPE for a view.
 */
static Oid
index_of_column(Oid table, const char *column)
{
	Relation	rel = table_open(table, AccessShareLock);
	AttrNumber	attnum = get_attnum(table, column);
	Oid			found = InvalidOid;
	bool		several = false;
	ListCell   *cell;

	if (rel->rd_rel->relkind == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(rel)),
				 errhint("The foreign table of a shard names a table, which has the index.")));
	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (attnum != InvalidAttrNumber && barq_is_text_index(index) &&
			index->rd_index->indisvalid && index->rd_index->indkey.values[0] == attnum &&
			RelationGetIndexPredicate(index) == NIL)
		{
			several |= OidIsValid(found);
			found = lfirst_oid(cell);
		}
		index_close(index, AccessShareLock);
	}
	if (!OidIsValid(found) || several)
		ereport(ERROR,
				(errcode(several ? ERRCODE_AMBIGUOUS_COLUMN : ERRCODE_UNDEFINED_OBJECT),
				 several ?
				 errmsg("column \"%s\" of table \"%s\" has several barq_bm25 indexes",
						column, RelationGetRelationName(rel)) :
				 errmsg("column \"%s\" of table \"%s\" has no barq_bm25 index",
						column, RelationGetRelationName(rel)),
				 errhint("Each shard needs one barq_bm25 index on the column (on a generated column instead of an expression), without WHERE, with the same options on all shards.")));
	table_close(rel, AccessShareLock);
	return found;
}

/* (boolean, int) → boolean: the state, unchanged. */
Datum
barq_bm25_shard_row(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* A string of an object, palloc'd; NULL: it has none of this name. */
static char *
argument(JsonbContainer *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	return value == NULL || value->type != jbvString ? NULL :
		pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * (boolean, arguments jsonb) → bm25global: the text "query" with the statistics of the
 * index of "column" of the table "shard", a name as in SQL. "caller" is the session
 * (barq_global_caller) that wants them computed by another one; it may be missing.
 * Raises ERRCODE_FDW_ERROR if this is that session, which means that postgres_fdw did
 * not ship the call; ERRCODE_INVALID_PARAMETER_VALUE if another argument is missing;
 * the errors of regclassin(), index_of_column() and barq_global_of_index().
 */
Datum
barq_bm25_shard_final(PG_FUNCTION_ARGS)
{
	JsonbContainer *arguments;
	char	   *query;
	char	   *shard;
	char	   *column;
	char	   *caller;
	Oid			table;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	arguments = &PG_GETARG_JSONB_P(1)->root;
	if (!JsonContainerIsObject(arguments) || (query = argument(arguments, "query")) == NULL ||
		(shard = argument(arguments, "shard")) == NULL ||
		(column = argument(arguments, "column")) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the arguments of bm25_shard_statistics() are not complete")));
	caller = argument(arguments, "caller");
	if (caller != NULL && strcmp(caller, barq_global_caller()) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("the statistics of shard %s were not gathered on its server", shard),
				 errhint("Add the option extensions 'barq' to the foreign server.")));
	table = DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(shard)));
	return barq_global_of_index(query, index_of_column(table, column));
}
