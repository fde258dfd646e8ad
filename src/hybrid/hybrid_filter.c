/*
 * hybrid_filter.c
 *	  The filter and the boost of barq_hybrid(): texts that must be one expression
 *	  each, boolean or a number.
 *
 * The text becomes part of the statements, in parentheses. It is parsed
 * here first, alone and in parentheses: both have to give the same single
 * expression, whatever quotes, comments and parentheses it contains. Then it is
 * analysed: types of its parameters, no subqueries, no volatile functions. Names are
 * resolved by the caller's search_path; rights are checked when the statement runs,
 * and are the caller's.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_param.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "hybrid/hybrid.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Words for messages about each expression. */
static const struct
{
	const char *argument;
	const char *type;
} words[BARQ_EXPRS] = {
	{"filter", "boolean"},
	{"boost", "numeric"},
};

/* An expression that is being checked. */
typedef struct ExprCheck
{
	BarqExprKind kind;
	const BarqHybridArgs *args;
	const char *text;
	int			nargs;			/* elements of filter_args */
} ExprCheck;

/* Error context callback: the position of an error is one in the expression's text. */
static void
expr_error_context(void *arg)
{
	const ExprCheck *check = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(check->text);
	}
	errcontext("%s of %s", words[check->kind].argument, check->args->caller);
}

/* Raise ERRCODE_SYNTAX_ERROR. */
pg_noreturn static void
raise_no_expression(BarqExprKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s must be one %s expression", words[kind].argument,
					words[kind].type)));
}

/*
 * The raw parse tree of a text, palloc'd, parsed like an expression of PL/pgSQL.
 * That grammar accepts all that may follow SELECT; raises ERRCODE_SYNTAX_ERROR
 * for anything but a single expression.
 */
static Node *
parse_target(const char *text, BarqExprKind kind)
{
	List	   *list = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select;
	ResTarget  *target;

	if (list_length(list) != 1)
		raise_no_expression(kind);
	select = (SelectStmt *) linitial_node(RawStmt, list)->stmt;
	if (!IsA(select, SelectStmt) ||
		select->distinctClause != NIL || select->intoClause != NULL ||
		select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->groupDistinct ||
		select->havingClause != NULL || select->windowClause != NIL ||
		select->valuesLists != NIL || select->sortClause != NIL ||
		select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL || select->withClause != NULL ||
		select->op != SETOP_NONE || list_length(select->targetList) != 1)
		raise_no_expression(kind);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		raise_no_expression(kind);
	if (IsA(target->val, ColumnRef) &&
		IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		raise_no_expression(kind);
	return target->val;
}

/*
 * The raw parse tree of an expression, which must be the same alone and in
 * parentheses, as the statements have it.
 */
static Node *
parse_expression(const char *text, BarqExprKind kind)
{
	Node	   *alone = parse_target(text, kind);
	Node	   *inside = parse_target(psprintf("(%s\n)", text), kind);

	if (!equal(alone, inside))
		raise_no_expression(kind);
	return alone;
}

/* Walker: true if a raw expression has a subquery. Changes nothing. */
static bool
has_sublink(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		return true;
	return raw_expression_tree_walker(node, has_sublink, context);
}

/*
 * Whether a literal of this type always has the same meaning. False for dates
 * ('today', DateStyle), types that contain them, and others whose input depends
 * on settings.
 */
static bool
literal_is_fixed(Oid type)
{
	Oid			element = get_element_type(type);
	Oid			input;
	Oid			io_param;

	if (OidIsValid(element))
		return literal_is_fixed(element);
	if (type == UNKNOWNOID || type_is_enum(type))
		return true;
	getTypeInputInfo(type, &input, &io_param);
	return func_volatile(input) == PROVOLATILE_IMMUTABLE;
}

/*
 * Walker: true if an expression has a literal whose meaning may change. Reads
 * catalogs only.
 */
static bool
has_moving_literal(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Const))
		return !literal_is_fixed(((Const *) node)->consttype);
	return expression_tree_walker(node, has_moving_literal, context);
}

/*
 * The number of elements (NULL: 0). Raises ERRCODE_ARRAY_SUBSCRIPT_ERROR for an
 * array of several dimensions.
 */
static int
count_elements(ArrayType *args)
{
	if (args == NULL)
		return 0;
	if (ARR_NDIM(args) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("filter_args must be an array of one dimension")));
	return ArrayGetNItems(ARR_NDIM(args), ARR_DIMS(args));
}

/*
 * Raise the error that a parameter, by its number as written, has no value:
 * ERRCODE_UNDEFINED_PARAMETER for $0, ERRCODE_INVALID_PARAMETER_VALUE for
 * others.
 */
pg_noreturn static void
raise_no_value(const char *what, const char *number, ArrayType *args)
{
	int			n = count_elements(args);

	if (strspn(number, "0") == strlen(number))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("%s refers to $%s", what, number),
				 errhint("The elements of filter_args are $1, $2 and so on.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 args == NULL ?
			 errmsg("%s refers to $%s, but filter_args is missing or NULL", what, number) :
			 errmsg("%s refers to $%s, but filter_args has %d element%s", what, number,
					n, n == 1 ? "" : "s"),
			 errhint("Give a value for each parameter: filter_args => ARRAY[...].")));
}

/*
 * Walker: raise_no_value() for a parameter without a value. Done before analysis,
 * which allocates an array as long as the largest number; and by the text of the
 * number, since the parser truncates large ones.
 */
static bool
check_params(Node *node, void *context)
{
	ExprCheck  *check = context;

	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
	{
		const char *number = check->text + ((ParamRef *) node)->location + 1;
		int			length = strspn(number, "0123456789");
		int64		value = 0;

		for (int i = 0; i < length && value <= check->nargs; i++)
			value = value * 10 + (number[i] - '0');
		if (value < 1 || value > check->nargs)
			raise_no_value(words[check->kind].argument, pnstrdup(number, Min(length, 20)),
						   check->args->filter_args);
		return false;
	}
	return raw_expression_tree_walker(node, check_params, context);
}

/*
 * Raise ERRCODE_DATATYPE_MISMATCH unless a boost is a number. Returns it as a float8.
 */
static Node *
coerce_to_number(ParseState *pstate, Node *expr)
{
	Oid			type = exprType(expr);
	Node	   *number = coerce_to_target_type(pstate, expr, type, FLOAT8OID, -1,
											   COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);

	if (number == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("boost must be a number, not of type %s", format_type_be(type)),
				 errhint("Make a number of it, as in CASE WHEN ... THEN 2 ELSE 1 END.")));
	return number;
}

/* barq_hybrid_check_expr(), without its error context. */
static Node *
check_expr(Relation table, ExprCheck *check, int *nparams, Oid **param_types,
		   bool *moving)
{
	BarqExprKind kind = check->kind;
	Node	   *raw = parse_expression(check->text, kind);
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node	   *expr;

	check->nargs = count_elements(check->args->filter_args);
	if (has_sublink(raw, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not contain a subquery", words[kind].argument),
				 errhint("Join the result of %s, or use a function that is STABLE.",
						 check->args->caller)));

	(void) check_params(raw, check);

	pstate->p_sourcetext = check->text;
	setup_parse_variable_parameters(pstate, param_types, nparams);
	item = addRangeTableEntryForRelation(pstate, table, AccessShareLock, NULL,
										 true, true);
	addNSItemToQuery(pstate, item, true, true, true);

	/* raises errors for aggregates, window functions and set-returning functions */
	expr = transformExpr(pstate, raw, EXPR_KIND_WHERE);
	expr = kind == BARQ_EXPR_FILTER ? coerce_to_boolean(pstate, expr, "filter") :
		coerce_to_number(pstate, expr);
	if (pstate->p_hasSubLinks)
		raise_no_expression(kind);
	assign_expr_collations(pstate, expr);

	/* the planned expression includes default arguments of functions */
	if (contain_volatile_functions(expr) ||
		contain_volatile_functions((Node *) expression_planner(copyObject((Expr *) expr))))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not contain volatile functions", words[kind].argument)));
	*moving |= has_moving_literal(expr, NULL);
	free_parsestate(pstate);
	return expr;
}

Node *
barq_hybrid_check_expr(Relation table, BarqExprKind kind, const BarqHybridArgs *args,
					   int *nparams, Oid **param_types, bool *moving)
{
	ExprCheck	check = {kind, args, args->expr[kind], 0};
	ErrorContextCallback callback = {error_context_stack, expr_error_context, &check};
	Node	   *expr;

	error_context_stack = &callback;
	expr = check_expr(table, &check, nparams, param_types, moving);
	error_context_stack = callback.previous;
	return expr;
}

/* The expressions of a call, for messages. */
static const char *
exprs_of(const BarqHybridArgs *args)
{
	return args->expr[BARQ_EXPR_BOOST] == NULL ? "filter" :
		args->expr[BARQ_EXPR_FILTER] == NULL ? "boost" : "filter and boost";
}

void
barq_hybrid_check_params(const BarqHybridArgs *args, int nparams, const Oid *param_types)
{
	const char *what = exprs_of(args);
	bool		both = args->expr[BARQ_EXPR_BOOST] != NULL && args->expr[BARQ_EXPR_FILTER] != NULL;

	for (int i = 0; i < nparams; i++)
	{
		if (!OidIsValid(param_types[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("%s refer%s to $%d, but not to $%d", what, both ? "" : "s",
							nparams, i + 1),
					 errhint("Number the parameters from $1 without gaps, and leave out of filter_args what is not referred to."),
					 errcontext("%s of %s", what, args->caller)));
		if (param_types[i] == UNKNOWNOID)
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine data type of parameter $%d", i + 1),
					 errhint("Give its type by a cast, as in $%d::integer.", i + 1),
					 errcontext("%s of %s", what, args->caller)));
	}
}

/* Error context callback for barq_argument_convert(). */
static void
argument_error_context(void *arg)
{
	const BarqArgument *argument = *(const BarqArgument **) arg;

	errcontext("filter_args of %s, $%d: %s as %s", argument->caller, argument->number,
			   argument->from_name, argument->to_name);
}

void
barq_hybrid_bind_args(BarqHybridEntry *entry, const BarqHybridArgs *call,
					  ParamListInfo params)
{
	ArrayType  *args = call->filter_args;
	const char *what = exprs_of(call);
	BarqArgument *argument = entry->arguments;
	ErrorContextCallback callback = {error_context_stack, argument_error_context,
									 &argument};
	int			n = count_elements(args);
	Datum	   *values;
	bool	   *nulls;
	int16		length;
	bool		by_value;
	char		align;

	if (n < entry->nparams)
		raise_no_value(what, psprintf("%d", entry->nparams), args);
	if (n > entry->nparams)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s ha%s %d parameter%s, but filter_args has %d element%s", what,
						strchr(what, ' ') == NULL ? "s" : "ve",
						entry->nparams, entry->nparams == 1 ? "" : "s",
						n, n == 1 ? "" : "s"),
				 entry->nparams == 0 ?
				 errhint("Leave filter_args out, or refer to its elements in the %s as $1, $2 and so on.", what) :
				 errhint("Refer to each element in the %s, as $1, $2 and so on.", what)));
	if (n == 0)
		return;
	get_typlenbyvalalign(ARR_ELEMTYPE(args), &length, &by_value, &align);
	deconstruct_array(args, ARR_ELEMTYPE(args), length, by_value, align, &values,
					  &nulls, &n);

	error_context_stack = &callback;
	for (int i = 0; i < n; i++, argument++)
	{
		ParamExternData *param = &params->params[i];

		param->ptype = entry->param_types[i];
		param->pflags = PARAM_FLAG_CONST;
		param->isnull = nulls[i];
		param->value = barq_argument_convert(argument, values[i], nulls[i]);
	}
	error_context_stack = callback.previous;
}

/* Mutator: replace parameters by their values. */
static Node *
put_values(Node *node, void *context)
{
	ParamListInfo params = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Param	   *param = (Param *) node;
		ParamExternData *value = &params->params[param->paramid - 1];
		int16		length;
		bool		by_value;

		get_typlenbyval(param->paramtype, &length, &by_value);
		return (Node *) makeConst(param->paramtype, param->paramtypmod,
								  param->paramcollid, length, value->value,
								  value->isnull, by_value);
	}
	return expression_tree_mutator(node, put_values, context);
}

List *
barq_hybrid_filter_quals(BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	ParamListInfo params = makeParamList(entry->nparams);
	Node	   *filter;

	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	barq_hybrid_bind_args(entry, args, params);
	filter = eval_const_expressions(NULL, put_values(copyObject(entry->analysed[BARQ_EXPR_FILTER]), params));
	return make_ands_implicit(canonicalize_qual((Expr *) filter, false));
}
