/*
 * sharded_filter.c
 *	  The filter of a search over shards: checked as barq_hybrid()'s, its parameters
 *	  replaced by literals, which postgres_fdw ships.
 */
#include "sharded/sharded.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "hybrid/hybrid.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Where a filter's parameters are in its text. */
typedef struct Places
{
	int			n;
	int			space;
	ParamRef  **params;
} Places;

/* Walker: collect the parameters. */
static bool
collect_params(Node *node, void *context)
{
	Places	   *places = context;

	if (node == NULL)
		return false;
	if (!IsA(node, ParamRef))
		return raw_expression_tree_walker(node, collect_params, context);
	if (places->n == places->space)
	{
		places->space = places->space * 2 + 8;
		places->params = places->params == NULL ?
			palloc(sizeof(ParamRef *) * places->space) :
			repalloc(places->params, sizeof(ParamRef *) * places->space);
	}
	places->params[places->n++] = (ParamRef *) node;
	return false;
}

static int
compare_places(const void *a, const void *b)
{
	return (*(ParamRef *const *) a)->location - (*(ParamRef *const *) b)->location;
}

/*
 * A value (NULL: SQL's NULL), read as of a type and written as a literal of it;
 * palloc'd. Raises the errors of the type's input function.
 */
static char *
literal(const char *value, Oid type)
{
	char	   *name = format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN);
	Oid			input;
	Oid			io_param;

	if (value == NULL)
		return psprintf("NULL::%s", name);
	getTypeInputInfo(type, &input, &io_param);
	(void) OidInputFunctionCall(input, unconstify(char *, value), io_param, -1);
	return psprintf("%s::%s", quote_literal_cstr(value), name);
}

/* Replace the parameters of a filter by literals, one for each number; palloc'd. */
static char *
put_literals(const char *filter, char **literals)
{
	Places		places = {0};
	StringInfoData text;
	int			done = 0;

	(void) collect_params(linitial_node(RawStmt, raw_parser(filter, RAW_PARSE_PLPGSQL_EXPR))->stmt, &places);
	qsort(places.params, places.n, sizeof(ParamRef *), compare_places);
	initStringInfo(&text);
	for (int i = 0; i < places.n; i++)
	{
		const ParamRef *param = places.params[i];

		appendBinaryStringInfo(&text, filter + done, param->location - done);
		appendStringInfo(&text, "(%s)", literals[param->number - 1]);
		done = param->location + 1;
		done += strspn(filter + done, "0123456789");
	}
	appendStringInfoString(&text, filter + done);
	return text.data;
}

char *
barq_sharded_filter(Oid table, const char *filter, ArrayType *filter_args, const char *caller)
{
	BarqHybridArgs args = {.caller = caller, .filter_args = filter_args};
	Relation	rel = table_open(table, AccessShareLock);
	int			nparams = 0;
	Oid		   *types = NULL;
	bool		moving = false;
	Datum	   *values = NULL;
	bool	   *nulls = NULL;
	int			n = 0;
	char	  **literals;

	args.expr[BARQ_EXPR_FILTER] = pstrdup(filter);
	(void) barq_hybrid_check_expr(rel, BARQ_EXPR_FILTER, &args, &nparams, &types, &moving);
	barq_hybrid_check_params(&args, nparams, types);
	table_close(rel, AccessShareLock);
	if (filter_args != NULL)
		deconstruct_array(filter_args, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	if (n > nparams)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter has %d parameter%s, but filter_args has %d element%s",
						nparams, nparams == 1 ? "" : "s", n, n == 1 ? "" : "s"),
				 errhint("Refer to each element in the filter, as $1, $2 and so on.")));
	literals = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < nparams; i++)
		literals[i] = literal(nulls[i] ? NULL : TextDatumGetCString(values[i]), types[i]);
	return put_literals(filter, literals);
}
