/*
 * hybrid_filter.c
 *	  The filter of barq_hybrid(): a text that must be one boolean expression.
 *
 * The text becomes part of the rankings' statements, in parentheses. It is parsed
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

/* Error context callback: the position of an error is one in the filter's text. */
static void
filter_error_context(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
	errcontext("filter of barq_hybrid()");
}

/* Raise ERRCODE_SYNTAX_ERROR. */
pg_noreturn static void
raise_no_expression(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("filter must be one boolean expression")));
}

/*
 * The raw parse tree of a text, palloc'd, parsed like an expression of PL/pgSQL.
 * That grammar accepts all that may follow SELECT; raises ERRCODE_SYNTAX_ERROR
 * for anything but a single expression.
 */
static Node *
parse_target(const char *text)
{
	List	   *list = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select;
	ResTarget  *target;

	if (list_length(list) != 1)
		raise_no_expression();
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
		raise_no_expression();
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		raise_no_expression();
	if (IsA(target->val, ColumnRef) &&
		IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		raise_no_expression();
	return target->val;
}

/*
 * The raw parse tree of a filter, which must be the same alone and in parentheses,
 * as the statements have it.
 */
static Node *
parse_expression(const char *filter)
{
	Node	   *alone = parse_target(filter);
	Node	   *inside = parse_target(psprintf("(%s\n)", filter));

	if (!equal(alone, inside))
		raise_no_expression();
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
raise_no_value(const char *number, ArrayType *args)
{
	int			n = count_elements(args);

	if (strspn(number, "0") == strlen(number))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("filter refers to $%s", number),
				 errhint("The elements of filter_args are $1, $2 and so on.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 args == NULL ?
			 errmsg("filter refers to $%s, but filter_args is missing or NULL", number) :
			 errmsg("filter refers to $%s, but filter_args has %d element%s", number,
					n, n == 1 ? "" : "s"),
			 errhint("Give a value for each parameter: filter_args => ARRAY[...].")));
}

typedef struct ParamCheck
{
	const char *filter;
	ArrayType  *args;
	int			n;
} ParamCheck;

/*
 * Walker: raise_no_value() for a parameter without a value. Done before analysis,
 * which allocates an array as long as the largest number; and by the text of the
 * number, since the parser truncates large ones.
 */
static bool
check_params(Node *node, void *context)
{
	ParamCheck *check = context;

	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
	{
		const char *number = check->filter + ((ParamRef *) node)->location + 1;
		int			length = strspn(number, "0123456789");
		int64		value = 0;

		for (int i = 0; i < length && value <= check->n; i++)
			value = value * 10 + (number[i] - '0');
		if (value < 1 || value > check->n)
			raise_no_value(pnstrdup(number, Min(length, 20)), check->args);
		return false;
	}
	return raw_expression_tree_walker(node, check_params, context);
}

/* barq_hybrid_check_filter(), without its error context. */
static Node *
check_filter(Relation table, const char *filter, ArrayType *args, int *nparams,
			 Oid **param_types, bool *fixed)
{
	Node	   *raw = parse_expression(filter);
	ParamCheck	check = {filter, args, count_elements(args)};
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node	   *expr;

	if (has_sublink(raw, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("filter must not contain a subquery"),
				 errhint("Join the result of barq_hybrid(), or use a function that is STABLE.")));

	(void) check_params(raw, &check);

	*nparams = 0;
	*param_types = NULL;
	pstate->p_sourcetext = filter;
	setup_parse_variable_parameters(pstate, param_types, nparams);
	item = addRangeTableEntryForRelation(pstate, table, AccessShareLock, NULL,
										 true, true);
	addNSItemToQuery(pstate, item, true, true, true);

	/* raises errors for aggregates, window functions and set-returning functions */
	expr = transformExpr(pstate, raw, EXPR_KIND_WHERE);
	expr = coerce_to_boolean(pstate, expr, "filter");
	if (pstate->p_hasSubLinks)
		raise_no_expression();
	assign_expr_collations(pstate, expr);

	for (int i = 0; i < *nparams; i++)
	{
		if (!OidIsValid((*param_types)[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("filter refers to $%d, but not to $%d", *nparams, i + 1),
					 errhint("Number the parameters from $1 without gaps, and leave out of filter_args what is not referred to.")));
		if ((*param_types)[i] == UNKNOWNOID)
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine data type of parameter $%d", i + 1),
					 errhint("Give its type by a cast, as in $%d::integer.", i + 1)));
	}

	/* the planned expression includes default arguments of functions */
	if (contain_volatile_functions(expr) ||
		contain_volatile_functions((Node *) expression_planner(copyObject((Expr *) expr))))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("filter must not contain volatile functions")));
	*fixed = !has_moving_literal(expr, NULL);
	free_parsestate(pstate);
	return expr;
}

Node *
barq_hybrid_check_filter(Relation table, const char *filter, ArrayType *args,
						 int *nparams, Oid **param_types, bool *fixed)
{
	ErrorContextCallback callback = {error_context_stack, filter_error_context,
				unconstify(char *, filter)};
	Node	   *expr;

	error_context_stack = &callback;
	expr = check_filter(table, filter, args, nparams, param_types, fixed);
	error_context_stack = callback.previous;
	return expr;
}

/* Error context callback for barq_argument_convert(). */
static void
argument_error_context(void *arg)
{
	const BarqArgument *argument = *(const BarqArgument **) arg;

	errcontext("filter_args of barq_hybrid(), $%d: %s as %s", argument->number,
			   argument->from_name, argument->to_name);
}

void
barq_hybrid_bind_filter(BarqHybridEntry *entry, ArrayType *args,
						ParamListInfo params)
{
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
		raise_no_value(psprintf("%d", entry->nparams), args);
	if (n > entry->nparams)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter has %d parameter%s, but filter_args has %d element%s",
						entry->nparams, entry->nparams == 1 ? "" : "s",
						n, n == 1 ? "" : "s"),
				 entry->nparams == 0 ?
				 errhint("Leave filter_args out, or refer to its elements in the filter as $1, $2 and so on.") :
				 errhint("Refer to each element in the filter, as $1, $2 and so on.")));
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
put_values(Node *node, ParamListInfo params)
{
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
	return expression_tree_mutator(node, put_values, (void *) params);
}

List *
barq_hybrid_filter_quals(BarqHybridEntry *entry, ArrayType *args)
{
	ParamListInfo params = makeParamList(entry->nparams);
	Node	   *filter;

	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	barq_hybrid_bind_filter(entry, args, params);
	filter = eval_const_expressions(NULL, put_values(copyObject(entry->expression), params));
	return make_ands_implicit(canonicalize_qual((Expr *) filter, false));
}
