/*
 * text_row.c
 *	  Queries over a row: from the row to the fields of an index, and from an
 *	  operation of fields to one of the index. See text_row.h.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "rewrite/rewriteManip.h"
#include "text_index/text_binding.h"
#include "text_index/text_index.h"
#include "text_index/text_row.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_row_decided);

bool
barq_text_is_row(Node *value)
{
	Oid			type = exprType(value);

	return type == RECORDOID || type_is_rowtype(type);
}

/* The expression below casts that change no bits; not copied. */
static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/*
 * The value of an index's column as an expression over range table entry `varno`,
 * palloc'd. like: a Var of that entry, of which the marks of outer joins are taken.
 */
static Node *
key_over(Relation index, int column, const Var *like)
{
	AttrNumber	attribute = index->rd_index->indkey.values[column];
	ListCell   *cell = list_head(RelationGetIndexExpressions(index));
	Node	   *key;

	if (attribute != 0)
	{
		Form_pg_attribute form = TupleDescAttr(RelationGetDescr(index), column);
		Var		   *var = makeVar(like->varno, attribute, form->atttypid, form->atttypmod,
								  form->attcollation, like->varlevelsup);
		Oid			type;
		int32		typmod;
		Oid			collation;

		/* the column's own type, which the index may have in another one's place */
		get_atttypetypmodcoll(index->rd_index->indrelid, attribute, &type, &typmod, &collation);
		var->vartype = type;
		var->vartypmod = typmod;
		var->varcollid = collation;
#if PG_VERSION_NUM >= 160000
		var->varnullingrels = like->varnullingrels;
#endif
		return (Node *) var;
	}
	for (int i = 0; i < column; i++)
		if (index->rd_index->indkey.values[i] == 0)
			cell = lnext(RelationGetIndexExpressions(index), cell);
	key = copyObject(lfirst(cell));
	ChangeVarNodes(key, 1, like->varno, 0);
	IncrementVarSublevelsUp(key, like->varlevelsup, 0);
	return key;
}

/* The element of a ROW() that is the value `key`, without casts; NULL: none. */
static Node *
element_of(const RowExpr *row, Node *key)
{
	ListCell   *cell;

	foreach(cell, row->args)
		if (equal(strip(lfirst(cell)), strip(key)))
			return lfirst(cell);
	return NULL;
}

/* What find_table() has found. */
typedef struct Table
{
	Var		   *var;			/* NULL: none yet */
	bool		several;
} Table;

/* Walker: the first Var of an expression, and whether others are of another table. */
static bool
find_table(Node *node, void *context)
{
	Table	   *table = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (table->var == NULL)
			table->var = var;
		table->several |= var->varno != table->var->varno ||
			var->varlevelsup != table->var->varlevelsup;
		return false;
	}
	return expression_tree_walker(node, find_table, context);
}

/* A Var of the table that the elements of a ROW() are of; NULL: none, or several tables. */
static Var *
table_of(const RowExpr *row)
{
	Table		table = {NULL, false};

	find_table((Node *) row, &table);
	return table.several ? NULL : table.var;
}

/*
 * The column of an index that element i of its row is: its fields, and behind them its
 * language. No side effects.
 */
static int
column_of_element(const BarqTextColumns *columns, int i)
{
	return i < columns->fields ? columns->field_columns[i] : columns->language;
}

/* The number of elements of the row of an index. No side effects. */
static int
elements_of(const BarqTextColumns *columns)
{
	return columns->fields + (columns->language >= 0);
}

/* ROW() of the index's fields, or NULL (see barq_text_row_of). The index is open. */
static RowExpr *
fields_of(Relation index, Node *row)
{
	RowExpr    *fields = makeNode(RowExpr);
	BarqTextColumns columns;
	Var		   *like;

	row = strip(row);
	if (IsA(row, Var))
		like = ((Var *) row)->varattno == 0 ? (Var *) row : NULL;
	else
		like = IsA(row, RowExpr) ? table_of((RowExpr *) row) : NULL;
	if (like == NULL)
		return NULL;
	barq_text_columns(index, &columns);
	for (int i = 0; i < elements_of(&columns); i++)
	{
		Node	   *key = key_over(index, column_of_element(&columns, i), like);

		if (IsA(row, RowExpr) && (key = element_of((RowExpr *) row, key)) == NULL)
			return NULL;
		fields->args = lappend(fields->args, copyObject(key));
	}
	fields->row_typeid = RECORDOID;
	fields->row_format = COERCE_EXPLICIT_CALL;
	fields->location = -1;
	return fields;
}

bool
barq_text_row_fits(Relation index, Node *row)
{
	return fields_of(index, row) != NULL;
}

Node *
barq_text_row_of(Node *row, Oid index_oid)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	RowExpr    *fields = fields_of(index, row);

	index_close(index, AccessShareLock);
	return (Node *) fields;
}

/* ---- from an operation of a row to one of the index ---- */

Oid
barq_text_index_of_query(Node *query)
{
	bool		call = IsA(query, FuncExpr) && list_length(((FuncExpr *) query)->args) >= 2;

	if (call)
		query = lsecond(((FuncExpr *) query)->args);
	if (!IsA(query, Const) || ((Const *) query)->constisnull)
		return InvalidOid;

	/* bm25_unbound() has tables there, to_bm25query() perhaps a name */
	if (call && ((Const *) query)->consttype != REGCLASSOID)
		return InvalidOid;
	return ((Const *) query)->consttype == REGCLASSOID ?
		DatumGetObjectId(((Const *) query)->constvalue) :
		DatumGetBarqQueryValue(((Const *) query)->constvalue)->index;
}

/* Whether a ROW() is the row of an index: its fields, its language, and nothing else. No side effects. */
static bool
is_row_of(const RowExpr *row, IndexOptInfo *index)
{
	Relation	rel = index_open(index->indexoid, NoLock);
	BarqTextColumns columns;
	bool		same;

	barq_text_columns(rel, &columns);
	same = list_length(row->args) == elements_of(&columns);
	for (int i = 0; i < elements_of(&columns) && same; i++)
		same = match_index_to_operand(list_nth(row->args, i), column_of_element(&columns, i), index);
	index_close(rel, NoLock);
	return same;
}

OpExpr *
barq_text_row_operation(PlannerInfo *root, IndexOptInfo *index, Expr *operation)
{
	OpExpr	   *given = (OpExpr *) operation;
	RowExpr    *row;
	Node	   *query;
	Node	   *field;
	Oid			types[3];
	Oid			function;
	Oid			schema;
	Oid			operator;
	OpExpr	   *result;

	if (!IsA(given, OpExpr) || list_length(given->args) != 2 ||
		!IsA(linitial(given->args), RowExpr))
		return NULL;
	row = linitial(given->args);
	query = lsecond(given->args);
	if (contain_var_clause(query) || contain_volatile_functions(query) ||
		!barq_is_index_or_parent(barq_text_index_of_query(query), index->indexoid) ||
		!is_row_of(row, index))
		return NULL;

	field = linitial(row->args);
	types[0] = exprType(query);
	types[1] = REGCLASSOID;
	types[2] = INT4OID;
	schema = get_func_namespace(get_opcode(given->opno));
	function = barq_text_function(schema, "bm25_fields", types, 3);
	types[1] = types[0];
	types[0] = index->opcintype[0];
	operator= GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid,
							  CStringGetDatum(get_opname(given->opno)),
							  ObjectIdGetDatum(types[0]), ObjectIdGetDatum(types[1]),
							  ObjectIdGetDatum(schema));
	if (!OidIsValid(function) || !OidIsValid(operator) ||
		(!op_in_opfamily(operator, index->opfamily[0]) &&
		 !OidIsValid(get_op_opfamily_sortfamily(operator, index->opfamily[0]))))
		return NULL;
	query = (Node *) makeFuncExpr(function, types[1],
								  list_make3(copyObject(query),
											 makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid),
													   ObjectIdGetDatum(barq_text_index_of_query(query)), false, true),
											 makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
													   Int32GetDatum(BARQ_ALL_FIELDS), false, true)),
								  InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	query = eval_const_expressions(root, query);
	result = (OpExpr *) make_opclause(operator, given->opresulttype, false,
									  copyObject((Expr *) field), (Expr *) query, InvalidOid,
									  exprCollation(field));
	set_opfuncid(result);
	if (given->opresulttype == BOOLOID)
		barq_text_leave_to_row(result, schema);
	return result;
}

void
barq_text_leave_to_row(OpExpr *operation, Oid schema)
{
	const Oid	types[] = {ANYOID, ANYOID};

	operation->opfuncid = barq_text_function(schema, "bm25_row_decided", types, 2);
	if (!OidIsValid(operation->opfuncid))
		set_opfuncid(operation);
}

/*
 * bm25_row_decided(field "any", query "any") → boolean: true. Not strict, so that a recheck
 * by it keeps rows whose first field is NULL (barq_text_leave_to_row()).
 */
Datum
barq_text_row_decided(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}
