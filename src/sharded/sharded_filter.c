/*
 * sharded_filter.c
 *	  The filter of a search over shards: checked as barq_hybrid()'s, its parameters
 *	  replaced by literals, which postgres_fdw ships, and its columns qualified by the
 *	  name that every shard has in the statement.
 */
#include "sharded/sharded.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "hybrid/hybrid.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A part of a filter's text that is replaced: a ParamRef, or a ColumnRef. */
typedef struct Place
{
	Node	   *node;
	int			location;		/* in the text, in bytes */
} Place;

typedef struct Places
{
	int			n;
	int			space;
	Place	   *all;
} Places;

static void
add_place(Places *places, Node *node, int location)
{
	if (places->n == places->space)
	{
		places->space = places->space * 2 + 8;
		places->all = places->all == NULL ? palloc(sizeof(Place) * places->space) :
			repalloc(places->all, sizeof(Place) * places->space);
	}
	places->all[places->n].node = node;
	places->all[places->n++].location = location;
}

/* Walker: collect parameters, and columns that are qualified by more than a table. */
static bool
collect_places(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
		add_place(context, node, ((ParamRef *) node)->location);
	else if (IsA(node, ColumnRef) && list_length(((ColumnRef *) node)->fields) > 2)
		add_place(context, node, ((ColumnRef *) node)->location);
	return raw_expression_tree_walker(node, collect_places, context);
}

static int
compare_places(const void *a, const void *b)
{
	return ((const Place *) a)->location - ((const Place *) b)->location;
}

/*
 * The length in bytes of a column's qualification at the beginning of a text, with its
 * last period. It may contain comments and quoted names: PostgreSQL's scanner reads it.
 */
static int
qualification_length(const char *text, const ColumnRef *column)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	int			dots = list_length(column->fields) - 1;
	core_YYSTYPE value;
	YYLTYPE		location = 0;
	int			token;

	while (dots > 0 && (token = core_yylex(&value, &location, scanner)) != 0)
		if (token == '.')
			dots--;
	scanner_finish(scanner);
	return location + 1;
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

/*
 * A filter with its parameters replaced by literals, one for each number, and with columns
 * qualified by `alias` in place of schema and table; palloc'd.
 */
static char *
replace_places(const char *filter, char **literals, const char *alias)
{
	Places		places = {0};
	StringInfoData text;
	int			done = 0;

	(void) collect_places(linitial_node(RawStmt, raw_parser(filter, RAW_PARSE_PLPGSQL_EXPR))->stmt, &places);
	if (places.n > 0)
		qsort(places.all, places.n, sizeof(Place), compare_places);
	initStringInfo(&text);
	for (int i = 0; i < places.n; i++)
	{
		const Place *place = &places.all[i];

		appendBinaryStringInfo(&text, filter + done, place->location - done);
		done = place->location;
		if (IsA(place->node, ParamRef))
		{
			appendStringInfo(&text, "(%s)", literals[((ParamRef *) place->node)->number - 1]);
			done += 1 + strspn(filter + done + 1, "0123456789");
		}
		else
		{
			appendStringInfo(&text, "%s.", alias);
			done += qualification_length(filter + done, (ColumnRef *) place->node);
		}
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
	return replace_places(filter, literals, quote_identifier(get_rel_name(table)));
}
