/*
 * text_support.c
 *	  Planner support of <@>, @@@ and barq_score(): finds the index for a text query.
 *
 * `body <@> 'words'` names no index, and the name in `body <@> 'index:words'`
 * belongs to an index of the column's table. When the planner simplifies the
 * call, this file replaces it by `body <@> bm25query` with the index that fits.
 * That operator is a member of the operator class, so the index can be used, and
 * EXPLAIN shows the index. A query whose value is not known yet (a parameter, a
 * column, a subquery) becomes bm25_bind(query, index). If no index was found, the
 * query becomes bm25_unbound(query, …) where another plan may find one; otherwise
 * an error is raised here (text_runtime.c has both functions).
 *
 * This works wherever the planner does: prepared statements, functions, views,
 * CTEs, lateral queries. Dropping, creating or renaming an index invalidates the
 * plans that depend on its table, or on the index itself: the index is added to
 * the plan's list of relations.
 *
 * The replaced call keeps the operator but gets another function,
 * bm25_column_…(), as a sign that the executor checks the right to read the
 * column, so that the function has no rights to check (text_operators.c).
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "base/script.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "text_index/text_binding.h"
#include "text_index/text_row.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_support);

/* The type and functions that this file uses, from the operators' schema. */
typedef struct Beside
{
	Oid			schema;
	Oid			query_type;
	Oid			to_query;		/* to_bm25query(text, text, ...) */
	Oid			to_query_oid;	/* to_bm25query(text, regclass, ...) */
	Oid			bind_text;
	Oid			bind;
	Oid			unbound_text;
	Oid			unbound;
	Oid			fields;
} Beside;

Oid
barq_text_function(Oid schema, const char *name, const Oid *types, int n)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(types, n)),
						   ObjectIdGetDatum(schema));
}

/*
 * The OID of a function of two to four arguments, given by its schema, name and
 * the types of three of them; the fourth argument is of type "any". InvalidOid
 * if there is none.
 */
static Oid
function_beside(Oid schema, const char *name, int nargs, Oid first, Oid second, Oid third)
{
	Oid			types[4] = {first, second, third, ANYOID};

	return barq_text_function(schema, name, types, nargs);
}

/* The function to_bm25query() whose index is of this type; InvalidOid if there is none. */
static Oid
to_query_beside(Oid schema, Oid index_type)
{
	Oid			types[] = {TEXTOID, index_type, TEXTOID, FLOAT8OID, FLOAT8OID, TEXTOID, REGCONFIGOID};

	return barq_text_function(schema, "to_bm25query", types, lengthof(types));
}

/*
 * Look up the type and functions in the schema of `function`. Checks no privileges;
 * false if the type is missing. The error of barq_raise_other_script() if the type is
 * there, but not all functions.
 */
static bool
look_beside(Oid function, Beside *beside)
{
	Oid			schema = get_func_namespace(function);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("bm25query"), ObjectIdGetDatum(schema));

	beside->schema = schema;
	beside->query_type = type;
	beside->to_query = to_query_beside(schema, TEXTOID);
	beside->to_query_oid = to_query_beside(schema, REGCLASSOID);
	beside->bind_text = function_beside(schema, "bm25_bind", 2, TEXTOID, REGCLASSOID, InvalidOid);
	beside->bind = function_beside(schema, "bm25_bind", 2, type, REGCLASSOID, InvalidOid);
	beside->unbound_text = function_beside(schema, "bm25_unbound", 4, TEXTOID, REGCLASSARRAYOID, TEXTARRAYOID);
	beside->unbound = function_beside(schema, "bm25_unbound", 4, type, REGCLASSARRAYOID, TEXTARRAYOID);
	beside->fields = function_beside(schema, "bm25_fields", 3, type, REGCLASSOID, INT4OID);
	if (!OidIsValid(type))
		return false;
	if (!OidIsValid(beside->fields) || !OidIsValid(beside->to_query) || !OidIsValid(beside->to_query_oid) ||
		!OidIsValid(beside->bind_text) || !OidIsValid(beside->bind) ||
		!OidIsValid(beside->unbound_text) || !OidIsValid(beside->unbound))
		barq_raise_other_script("the type bm25query");
	return true;
}

/* Whether a node is a call of this function. No side effects. */
static bool
calls(Node *node, Oid function)
{
	return IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == function;
}

/* ---- the query ---- */

/* The query argument of a call, and the index that it names. */
typedef struct GivenQuery
{
	Node	   *query;			/* text or bm25query, without bm25_unbound() */
	const char *name;			/* last part of an index's name; or NULL */
	Oid			index;			/* by OID; or InvalidOid */
	bool		may_name;		/* it may name one at run time */
} GivenQuery;

/*
 * Read the query argument of a call into *given. False if it is bound already,
 * or is a NULL bm25query: the call then stays as it is. *given points into the
 * argument; its name is palloc'd.
 */
static bool
read_query(const Beside *beside, Node *query, GivenQuery *given)
{
	memset(given, 0, sizeof(*given));
	if (calls(query, beside->bind) || calls(query, beside->bind_text) ||
		calls(query, beside->fields))
		return false;
	if (calls(query, beside->unbound) || calls(query, beside->unbound_text))
		query = linitial(((FuncExpr *) query)->args);
	given->query = query;
	if (exprType(query) == TEXTOID)
		return true;
	if (IsA(query, Const))
	{
		const BarqQueryValue *value;

		if (((Const *) query)->constisnull)
			return false;
		value = DatumGetBarqQueryValue(((Const *) query)->constvalue);
		given->index = value->index;
		if (barq_query_value_name(value) != NULL)
			given->name = barq_query_value_last_name(value);
		return true;
	}
	given->may_name = true;
	if (calls(query, beside->to_query) || calls(query, beside->to_query_oid))
	{
		Node	   *index = lsecond(((FuncExpr *) query)->args);

		if (!IsA(index, Const))
			return true;
		given->may_name = false;
		if (((Const *) index)->constisnull)
			return true;
		if (((Const *) index)->consttype == REGCLASSOID)
			given->index = DatumGetObjectId(((Const *) index)->constvalue);
		else
			given->name = barq_query_index_name(TextDatumGetCString(((Const *) index)->constvalue),
												&given->index);
	}
	return true;
}

static Const *
regclass_constant(Oid relation)
{
	return makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relation),
					 false, true);
}

static Const *
array_constant(Oid type, ArrayType *array)
{
	return makeConst(type, -1, InvalidOid, -1, PointerGetDatum(array), false, false);
}

static Const *
query_constant(const Beside *beside, BarqQueryValue *value)
{
	return makeConst(beside->query_type, -1, InvalidOid, -1, PointerGetDatum(value), false, false);
}

/* A call of a function that returns bm25query. */
static Node *
call(const Beside *beside, Oid function, List *args)
{
	return (Node *) makeFuncExpr(function, beside->query_type, args, InvalidOid,
								 exprCollation(linitial(args)), COERCE_EXPLICIT_CALL);
}

/* bm25_bind(query, index) */
static Node *
bind(const Beside *beside, Node *query, Oid index)
{
	return call(beside, exprType(query) == TEXTOID ? beside->bind_text : beside->bind,
				list_make2(query, regclass_constant(index)));
}

/* The query for an index: a constant if its value is known, else bm25_bind(). */
static Node *
bound(const Beside *beside, Node *query, Oid index)
{
	Const	   *constant = (Const *) query;

	if (!IsA(query, Const))
		return bind(beside, query, index);
	if (constant->constisnull)
		return (Node *) makeNullConst(beside->query_type, -1, InvalidOid);
	if (constant->consttype == TEXTOID)
	{
		text	   *words = DatumGetTextPP(constant->constvalue);

		return (Node *) query_constant(beside, barq_query_value_make(VARDATA_ANY(words),
																	 VARSIZE_ANY_EXHDR(words),
																	 index));
	}
	return (Node *) query_constant(beside,
								   barq_query_value_for(DatumGetBarqQueryValue(constant->constvalue),
														index));
}

/* A bound query, for fields of its index (a bit each; 0: an index of one field). */
static Node *
for_fields(const Beside *beside, Node *query, uint8 fields)
{
	Oid			index = barq_text_index_of_query(query);

	if (fields == 0 || !OidIsValid(index))
		return query;
	if (IsA(query, Const))
		return (Node *) query_constant(beside,
									   barq_query_value_of_fields(DatumGetBarqQueryValue(((Const *) query)->constvalue),
																  index, fields));
	return call(beside, beside->fields,
				list_make3(query, regclass_constant(index),
						   makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
									 Int32GetDatum(fields), false, true)));
}

/*
 * bm25_unbound(query, tables, why, value). The last argument depends on a column,
 * which keeps the planner from evaluating the call: it evaluates stable functions
 * of constants for its estimates, and this one would raise an error.
 */
static Node *
unbound(const Beside *beside, const GivenQuery *given, List *tables, const BarqTextChoice *choice,
		Node *value)
{
	Datum	   *oids = palloc(sizeof(Datum) * list_length(tables));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, tables)
		oids[n++] = ObjectIdGetDatum(lfirst_oid(cell));
	return call(beside, exprType(given->query) == TEXTOID ? beside->unbound_text : beside->unbound,
				list_make4(given->query,
						   array_constant(REGCLASSARRAYOID,
										  construct_array(oids, n, REGCLASSOID, sizeof(Oid),
														  true, TYPALIGN_INT)),
						   array_constant(TEXTARRAYOID, barq_text_choice_array(choice)),
						   copyObject(value)));
}

/* ---- the call ---- */

/* OIDs of the sources' tables, each once. */
static List *
tables_of(List *sources)
{
	List	   *tables = NIL;
	ListCell   *cell;

	foreach(cell, sources)
		tables = list_append_unique_oid(tables, ((BarqTextSource *) lfirst(cell))->table);
	return tables;
}

static bool
any_inherited(List *sources)
{
	ListCell   *cell;

	foreach(cell, sources)
		if (((BarqTextSource *) lfirst(cell))->inherited)
			return true;
	return false;
}

static bool
all_readable(List *sources)
{
	ListCell   *cell;

	foreach(cell, sources)
		if (!((BarqTextSource *) lfirst(cell))->readable)
			return false;
	return true;
}

/*
 * The query argument for a call whose value comes from these sources, palloc'd;
 * NULL to leave the call as it is: *own and *index then mean nothing. *own:
 * whether the right to read the values suffices for the call, so that the call
 * itself need not check the right to the index's content. *index: the index that
 * the plan depends on, or InvalidOid. Raises the error that says why no index
 * fits (barq_text_raise), unless another plan may find one, and
 * barq_text_raise_no_index() for a name that no index has.
 */
static Node *
query_for(PlannerInfo *root, Oid support, const Beside *beside, const GivenQuery *given,
		  Node *value, List *sources, bool *own, Oid *index)
{
	List	   *tables = tables_of(sources);
	BarqTextChoice choice;
	Oid			named = given->index;

	*own = true;
	if (given->name != NULL)
	{
		named = barq_text_index_named(tables, given->name, any_inherited(sources));
		if (!OidIsValid(named))
			barq_text_raise_no_index(tables, given->name);
	}
	*index = named;
	if (OidIsValid(named) && barq_text_index_is_own(sources, named))
		return bound(beside, given->query, named);

	barq_text_choose(root, support, sources, &choice);
	if (OidIsValid(named))
	{
		/* statistics of all partitions, for a query of one: checked at run time */
		if (OidIsValid(choice.index) && barq_is_index_or_parent(named, choice.index))
			return bind(beside, given->query, choice.index);
		*own = false;
		return bound(beside, given->query, named);
	}
	*index = choice.index;
	if (OidIsValid(choice.index))
		return bound(beside, given->query, choice.index);
	if (((BarqTextSource *) linitial(sources))->child)
		return NULL;
	if (!choice.later && !given->may_name)
		barq_text_raise(&choice);
	*own = false;
	return unbound(beside, given, tables, &choice, value);
}

/*
 * The call of a SupportRequestSimplify with its query bound to an index,
 * palloc'd; NULL to leave the call as it is. Adds the index to the relations
 * that the plan depends on. Raises the errors of query_for().
 */
static Node *
simplify(SupportRequestSimplify *request)
{
	FuncExpr   *function_call = request->fcall;
	bool		scores = function_call->funcresulttype == FLOAT8OID;
	Beside		beside;
	GivenQuery	given;
	List	   *sources;
	bool		own;
	bool		complete;
	Node	   *value;
	Node	   *query;
	Oid			types[2];
	Oid			operator;
	Oid			index;
	Oid			bound_to;
	OpExpr	   *result;

	if (request->root == NULL || list_length(function_call->args) != 2 ||
		!look_beside(function_call->funcid, &beside) ||
		!read_query(&beside, lsecond(function_call->args), &given))
		return NULL;
	value = linitial(function_call->args);
	complete = barq_text_sources(request->root, value, &sources);
	if (sources == NIL)
		return NULL;
	query = query_for(request->root, get_func_support(function_call->funcid), &beside, &given,
					  value, sources, &own, &index);
	if (query == NULL)
		return NULL;

	bound_to = barq_text_index_of_query(query);
	if (barq_text_is_row(value))
	{
		types[0] = RECORDOID;
		if (OidIsValid(bound_to) && (value = barq_text_row_of(value, bound_to)) == NULL)
			return NULL;
	}
	else
	{
		types[0] = getBaseType(exprType(value)) == TEXTARRAYOID ? TEXTARRAYOID : TEXTOID;
		if (OidIsValid(bound_to))
			query = for_fields(&beside, query, barq_text_fields_for(bound_to, linitial(sources)));
	}
	types[1] = beside.query_type;
	operator= GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid,
							  CStringGetDatum(scores ? "<@>" : "@@@"),
							  ObjectIdGetDatum(types[0]), ObjectIdGetDatum(types[1]),
							  ObjectIdGetDatum(beside.schema));
	if (!OidIsValid(operator))
		return NULL;
	result = (OpExpr *) make_opclause(operator, function_call->funcresulttype, false,
									  (Expr *) value, (Expr *) query,
									  InvalidOid, function_call->inputcollid);
	result->opfuncid = own && complete && all_readable(sources) ?
		function_beside(beside.schema, scores ? "bm25_column_distance" : "bm25_column_matches",
						2, types[0], types[1], InvalidOid) : get_opcode(operator);
	result->location = function_call->location;
	if (!OidIsValid(result->opfuncid))
		return NULL;
	if (OidIsValid(index))
		request->root->glob->relationOids = lappend_oid(request->root->glob->relationOids, index);
	return (Node *) result;
}

/* Whether a function is barq_score(), whose value is minus that of <@>. */
static bool
is_positive_score(Oid function)
{
	char	   *name = get_func_name(function);
	bool		is = name != NULL && strcmp(name, "barq_score") == 0;

	if (name != NULL)
		pfree(name);
	return is;
}

/* 0 - score: minus 0 would be shown as such. */
static Node *
minus(Node *score)
{
	Oid operator= GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid,
								  CStringGetDatum("-"), ObjectIdGetDatum(FLOAT8OID),
								  ObjectIdGetDatum(FLOAT8OID),
								  ObjectIdGetDatum(PG_CATALOG_NAMESPACE));
	OpExpr	   *result = (OpExpr *) make_opclause(operator, FLOAT8OID, false,
												  (Expr *) makeConst(FLOAT8OID, -1, InvalidOid,
																	 sizeof(float8), Float8GetDatum(0),
																	 false, FLOAT8PASSBYVAL),
												  (Expr *) score, InvalidOid, InvalidOid);

	set_opfuncid(result);
	return (Node *) result;
}

/*
 * The planner support function of <@>, @@@ and barq_score() with a query of type text or
 * bm25query.
 */
Datum
barq_text_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);
	Node	   *result;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	result = simplify(request);
	if (result != NULL && request->fcall->funcresulttype == FLOAT8OID &&
		is_positive_score(request->fcall->funcid))
		result = minus(result);
	PG_RETURN_POINTER(result);
}
