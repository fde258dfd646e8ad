/*
 * hybrid_args.c
 *	  The arguments of barq_hybrid() and barq_search_batch(): read by their names,
 *	  checked as far as that is possible without the table.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/script.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "hybrid/hybrid.h"
#include "text/text_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * The arguments of both functions; those of barq_hybrid() in their order, without
 * filter_args.
 */
enum
{
	ARG_ITEM,
	ARG_EMBEDDING,
	ARG_QUERY,
	ARG_K,
	ARG_CANDIDATES,
	ARG_RRF_K,
	ARG_VECTOR_WEIGHT,
	ARG_TEXT_WEIGHT,
	ARG_FILTER,
	ARG_VECTOR_COLUMN,
	ARG_TEXT_COLUMN,
	ARG_QUERY_SYNTAX,
	ARG_VECTOR_INDEX,
	ARG_TEXT_INDEX,
	ARG_GROUP_BY,
	ARG_PER_GROUP,
	ARG_FUSION,
	ARG_DIVERSITY,
	ARG_BOOST,
	ARG_VECTOR_CANDIDATES,
	ARG_TEXT_CANDIDATES,
	ARG_EMBEDDINGS,
	ARG_FILTER_ARGS,
	NARGS
};

/* An argument of a call. */
typedef struct Argument
{
	Datum		value;
	bool		isnull;
	Oid			type;
} Argument;

/* Raise ERRCODE_NULL_VALUE_NOT_ALLOWED. */
pg_noreturn static void
raise_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be NULL", name)));
}

/*
 * A number of rows. Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for NULL,
 * ERRCODE_INVALID_PARAMETER_VALUE for a number below 1 or above
 * BARQ_HYBRID_MOST_ROWS.
 */
static int
rows_argument(const Argument *argument, const char *name)
{
	int			value;

	if (argument->isnull)
		raise_null(name);
	value = DatumGetInt32(argument->value);
	if (value < 1 || value > BARQ_HYBRID_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name,
						BARQ_HYBRID_MOST_ROWS, value)));
	return value;
}

double
barq_hybrid_weight(Datum value, bool isnull, const char *name)
{
	if (isnull)
		raise_null(name);
	if (!isfinite(DatumGetFloat8(value)) || DatumGetFloat8(value) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number and not negative", name)));
	return DatumGetFloat8(value);
}

/* barq_hybrid_weight() of an argument. */
static double
weight_argument(const Argument *argument, const char *name)
{
	return barq_hybrid_weight(argument->value, argument->isnull, name);
}

/* How to fuse. Raises ERRCODE_INVALID_PARAMETER_VALUE for an unknown name. */
static BarqFusion
fusion_argument(const Argument *argument)
{
	static const char *const names[] = {
		[BARQ_FUSION_RRF] = "rrf",
		[BARQ_FUSION_LINEAR] = "linear",
		[BARQ_FUSION_LINEAR_ZSCORE] = "linear_zscore"};
	char	   *name;

	if (argument->isnull)
		raise_null("fusion");
	name = TextDatumGetCString(argument->value);
	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return (BarqFusion) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown fusion \"%s\"", name),
			 errhint("Use \"rrf\", \"linear\" or \"linear_zscore\".")));
}

/* Raise ERRCODE_INVALID_PARAMETER_VALUE unless it is from 0 to 1. */
static double
diversity_argument(const Argument *argument)
{
	double		value;

	if (argument->isnull)
		raise_null("diversity");
	value = DatumGetFloat8(argument->value);
	if (!(value >= 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("diversity must be between 0 and 1, not %g", value),
				 errhint("0 ranks by score alone, 1 by difference from the rows before alone.")));
	return value;
}

/*
 * The highest value that a score may have before its weight: of a row at rank 1, or
 * above any number of standard deviations among twice BARQ_HYBRID_MOST_ROWS rows.
 */
static double
best_term(const BarqHybridArgs *args)
{
	switch (args->fusion)
	{
		case BARQ_FUSION_RRF:
			return barq_rrf_score(1, args->rrf_k, 1);
		case BARQ_FUSION_LINEAR:
			return 1;
		case BARQ_FUSION_LINEAR_ZSCORE:
			return 1000;
	}
	return 1;
}

/*
 * Raise ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE if the highest possible score is not
 * finite.
 */
static void
check_best_score(const BarqHybridArgs *args)
{
	double		best = 0;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (args->wanted[kind])
			best += args->weight[kind] * best_term(args);
	if (!isfinite(best))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("vector_weight and text_weight are too large for a score to be finite"),
				 errhint("Divide both by the same number, which does not change the order of rows.")));
}

static const char *
name_argument(const Argument *argument)
{
	return argument->isnull ? NULL : pstrdup(NameStr(*DatumGetName(argument->value)));
}

static char *
text_argument(const Argument *argument)
{
	return argument->isnull ? NULL : TextDatumGetCString(argument->value);
}

/* Argument `number` of a call, with its type. */
static Argument
argument_at(FunctionCallInfo fcinfo, int number)
{
	Argument	argument = {PG_GETARG_DATUM(number), PG_ARGISNULL(number),
				get_fn_expr_argtype(fcinfo->flinfo, number)};

	return argument;
}

/* The number of the argument with a name. */
static int
argument_named(const char *name)
{
	static const char *const names[NARGS] = {
		"item", "embedding", "query", "k", "candidates", "rrf_k", "vector_weight",
		"text_weight", "filter", "vector_column", "text_column", "query_syntax",
		"vector_index", "text_index", "group_by", "per_group", "fusion", "diversity",
		"boost", "vector_candidates", "text_candidates", "embeddings", "filter_args"};

	for (int i = 0; i < NARGS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	/* a function of another version of the script */
	barq_raise_other_script(psprintf("a function with argument \"%s\"", name));
}

/*
 * Set arguments[NARGS] from a call. The SQL functions differ in the order of their
 * arguments, which their names tell; arguments without a name are in the order of the
 * enum. Arguments that a function does not have are NULL.
 */
static void
collect_arguments(FunctionCallInfo fcinfo, Argument *arguments)
{
	HeapTuple	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid		   *types;
	char	  **names;
	char	   *modes;

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	(void) get_func_arg_info(function, &types, &names, &modes);
	ReleaseSysCache(function);
	for (int i = 0; i < NARGS; i++)
		arguments[i].isnull = true;
	for (int i = 0; i < PG_NARGS(); i++)
		arguments[names[i][0] == '\0' ? i : argument_named(names[i])] = argument_at(fcinfo, i);
}

/*
 * The text query in lenient syntax, palloc'd or the argument itself: a strict query
 * is checked but for names of fields (*strict), a plain one escaped. Errors of
 * barq_query_syntax_by_name() and barq_text_query_check_strict().
 */
static text *
read_query(const Argument *query, const Argument *syntax, bool *strict)
{
	text	   *words = DatumGetTextPP(query->value);
	char	   *name = text_argument(syntax);
	char	   *escaped;
	Size		length;

	if (name == NULL)
		raise_null("query_syntax");
	*strict = false;
	switch (barq_query_syntax_by_name(name))
	{
		case BARQ_SYNTAX_STRICT:
			*strict = barq_text_query_check_strict(VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words), NULL);
			break;
		case BARQ_SYNTAX_PLAIN:
			escaped = barq_text_query_escape(VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words),
											 &length);
			words = cstring_to_text_with_len(escaped, length);
			break;
		case BARQ_SYNTAX_LENIENT:
			break;
	}
	return words;
}

/* An expression as an argument; an empty one is none. */
static char *
expr_argument(const Argument *argument)
{
	char	   *text = text_argument(argument);

	return text != NULL && text[0] == '\0' ? NULL : text;
}

/*
 * Set the expressions and their arguments. Raises ERRCODE_INVALID_PARAMETER_VALUE
 * for arguments without an expression.
 */
static void
read_expressions(const Argument *from, BarqHybridArgs *args)
{
	if (!from[ARG_FILTER_ARGS].isnull)
		args->filter_args = DatumGetArrayTypeP(from[ARG_FILTER_ARGS].value);
	args->expr[BARQ_EXPR_FILTER] = expr_argument(&from[ARG_FILTER]);
	args->expr[BARQ_EXPR_BOOST] = expr_argument(&from[ARG_BOOST]);
	if (args->expr[BARQ_EXPR_FILTER] == NULL && args->expr[BARQ_EXPR_BOOST] == NULL &&
		args->filter_args != NULL && ARR_NDIM(args->filter_args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args needs a filter or a boost")));
}

/*
 * Set group_by and per_group. Raises ERRCODE_INVALID_PARAMETER_VALUE for per_group
 * without group_by, and for too many rows.
 */
static void
read_groups(const Argument *from, BarqHybridArgs *args)
{
	args->group_by = name_argument(&from[ARG_GROUP_BY]);
	args->per_group = 1;
	if (from[ARG_PER_GROUP].isnull)
		return;
	args->per_group = rows_argument(&from[ARG_PER_GROUP], "per_group");
	if (args->group_by == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("per_group needs group_by"),
				 errhint("Name the column whose values make the groups with group_by.")));
	if ((int64) args->per_group * args->k > BARQ_HYBRID_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k groups of per_group rows must not be more than %d rows",
						BARQ_HYBRID_MOST_ROWS)));
}

/*
 * Set k, and the candidates of each ranking. At least k are taken, since fewer could
 * leave places of the result empty, unless a ranking has a number of its own.
 */
static void
read_numbers(const Argument *from, BarqHybridArgs *args)
{
	static const char *const names[BARQ_LEGS] = {"vector_candidates", "text_candidates"};
	const Argument *own[BARQ_LEGS] = {&from[ARG_VECTOR_CANDIDATES], &from[ARG_TEXT_CANDIDATES]};
	int			candidates;

	args->k = rows_argument(&from[ARG_K], "k");
	candidates = Max(args->k, rows_argument(&from[ARG_CANDIDATES], "candidates"));
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		args->capped[kind] = !own[kind]->isnull;
		args->candidates[kind] = own[kind]->isnull ? candidates :
			rows_argument(own[kind], names[kind]);
		if (args->diversity > 0 && args->wanted[kind] &&
			args->candidates[kind] > BARQ_HYBRID_MOST_DIVERSE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("diversity takes at most %d candidates, not %d",
							BARQ_HYBRID_MOST_DIVERSE, args->candidates[kind]),
					 errhint("Each row chosen is compared with all other candidates: ask for fewer.")));
	}
}

/* Set what both functions have. */
static void
read_common(FunctionCallInfo fcinfo, const Argument *from, BarqHybridArgs *args)
{
	args->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	args->row_type = from[ARG_ITEM].type;
	args->table = barq_hybrid_table(args->row_type);
	read_expressions(from, args);
	args->column[BARQ_LEG_VECTOR] = name_argument(&from[ARG_VECTOR_COLUMN]);
}

void
barq_hybrid_read_args(FunctionCallInfo fcinfo, BarqHybridArgs *args)
{
	Argument	from[NARGS];

	memset(args, 0, sizeof(*args));
	args->caller = "barq_hybrid()";
	/* each present form has all arguments but filter_args */
	if (PG_NARGS() <= ARG_TEXT_CANDIDATES)
		barq_raise_other_script(args->caller);
	collect_arguments(fcinfo, from);
	read_common(fcinfo, from, args);

	args->wanted[BARQ_LEG_VECTOR] = !from[ARG_EMBEDDING].isnull;
	args->wanted[BARQ_LEG_TEXT] = !from[ARG_QUERY].isnull;
	if (!args->wanted[BARQ_LEG_VECTOR] && !args->wanted[BARQ_LEG_TEXT])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("embedding and query must not both be NULL"),
				 errhint("Give an embedding, the words of a query, or both.")));
	if (args->wanted[BARQ_LEG_VECTOR])
	{
		args->embedding = from[ARG_EMBEDDING].value;
		args->embedding_type = from[ARG_EMBEDDING].type;
	}
	if (args->wanted[BARQ_LEG_TEXT])
		args->query = read_query(&from[ARG_QUERY], &from[ARG_QUERY_SYNTAX], &args->strict);

	args->diversity = diversity_argument(&from[ARG_DIVERSITY]);
	read_numbers(from, args);
	read_groups(from, args);
	args->fusion = fusion_argument(&from[ARG_FUSION]);
	args->rrf_k = weight_argument(&from[ARG_RRF_K], "rrf_k");
	args->weight[BARQ_LEG_VECTOR] = weight_argument(&from[ARG_VECTOR_WEIGHT], "vector_weight");
	args->weight[BARQ_LEG_TEXT] = weight_argument(&from[ARG_TEXT_WEIGHT], "text_weight");
	check_best_score(args);
	args->column[BARQ_LEG_TEXT] = name_argument(&from[ARG_TEXT_COLUMN]);
	args->index[BARQ_LEG_VECTOR] = name_argument(&from[ARG_VECTOR_INDEX]);
	args->index[BARQ_LEG_TEXT] = name_argument(&from[ARG_TEXT_INDEX]);
}

void
barq_batch_read_args(FunctionCallInfo fcinfo, BarqHybridArgs *args,
					 Datum *embeddings, Oid *embeddings_type)
{
	Argument	from[NARGS];

	memset(args, 0, sizeof(*args));
	args->caller = BARQ_BATCH_CALLER;
	collect_arguments(fcinfo, from);
	if (from[ARG_EMBEDDINGS].isnull)
		raise_null("embeddings");
	*embeddings = from[ARG_EMBEDDINGS].value;
	*embeddings_type = from[ARG_EMBEDDINGS].type;
	read_common(fcinfo, from, args);
	args->wanted[BARQ_LEG_VECTOR] = true;
	args->k = rows_argument(&from[ARG_K], "k");
	args->candidates[BARQ_LEG_VECTOR] = args->k;
	read_groups(from, args);
}
