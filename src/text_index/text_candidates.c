/*
 * text_candidates.c
 *	  Choosing the barq_bm25 index of a table for a text query: by the indexed
 *	  column or expression and the predicates of partial indexes, or by a name;
 *	  and explaining why there is none.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "text_index/text_index.h"
#include "catalog/index.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "text_index/text_binding.h"
#include "text_index/text_row.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The result of fit_of(): an index fits a value and the query's conditions, or
 * why it does not.
 */
typedef enum Fit
{
	FITS,
	OTHER_EXPRESSION,
	WITHOUT_LANGUAGE,			/* a field, or a row of fields, of an index with a language */
	NOT_VALID,
	NOT_IMPLIED,				/* the conditions do not imply its predicate */
	UNDECIDED					/* they may, by the value of a parameter */
} Fit;

typedef struct Candidate
{
	Oid			index;
	bool		partial;
	bool		made_for;		/* it was made for such values: rows, or single columns */
	Fit			fit;
} Candidate;

/* ---- predicates ---- */

/*
 * Walker: true if an expression uses a parameter of the statement. Changes
 * nothing.
 */
static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return true;
	return expression_tree_walker(node, has_parameter, context);
}

static bool
calls_support(Oid function, void *support)
{
	return get_func_support(function) == *(Oid *) support;
}

/*
 * Walker: true if an expression calls a function with this planner support
 * function. Changes nothing.
 */
static bool
has_text_operator(Node *node, void *support)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, calls_support, support))
		return true;
	return expression_tree_walker(node, has_text_operator, support);
}

/* Set while conditions are folded: an inlined function may call fold() again. */
static bool folding = false;

/*
 * A list of the conditions with the values of parameters, as far as the plan is
 * made for them; NIL when an inlined function calls fold() again. Conditions
 * with text operators are left out: they imply no predicate, and folding them
 * would bind them, that is, call this code again. Raises the errors of the
 * functions that are evaluated.
 */
static List *
fold(PlannerInfo *root, List *conditions, Oid support)
{
	List	   *folded = NIL;
	ListCell   *cell;

	if (folding)
		return NIL;
	foreach(cell, conditions)
		if (!has_text_operator(lfirst(cell), &support))
			folded = lappend(folded, lfirst(cell));
	folding = true;
	PG_TRY();
	{
		folded = (List *) eval_const_expressions(root, (Node *) folded);
	}
	PG_FINALLY();
	{
		folding = false;
	}
	PG_END_TRY();
	return folded;
}

/*
 * Whether the conditions may imply the predicate once parameters are known: true
 * if a condition with a parameter uses a column of the predicate. False for a
 * plan made for given parameter values (boundParams): there
 * predicate_implied_by() has already decided.
 */
static bool
may_follow(PlannerInfo *root, List *predicate, List *conditions, int varno)
{
	Bitmapset  *columns = NULL;
	ListCell   *cell;

	if (root->glob->boundParams != NULL)
		return false;
	pull_varattnos((Node *) predicate, varno, &columns);
	foreach(cell, conditions)
	{
		Bitmapset  *compared = NULL;

		if (!has_parameter(lfirst(cell), NULL))
			continue;
		pull_varattnos(lfirst(cell), varno, &compared);
		if (bms_overlap(columns, compared))
			return true;
	}
	return false;
}

/* ---- candidates ---- */

/*
 * The expression of an index's column (from 0), which is one of an expression, over range
 * table entry 1; not copied.
 */
static Node *
key_expression(Relation index, int column)
{
	int			number = 0;
	Node	   *key;

	for (int i = 0; i < column; i++)
		number += index->rd_index->indkey.values[i] == 0;
	key = list_nth(RelationGetIndexExpressions(index), number);
	while (IsA(key, RelabelType))
		key = (Node *) ((RelabelType *) key)->arg;
	return key;
}

/* Whether an expression, over range table entry 1, is a column of an index. No side effects. */
static bool
is_key(Relation index, int column, Node *expression)
{
	AttrNumber	attribute = index->rd_index->indkey.values[column];

	if (attribute != 0)
		return IsA(expression, Var) && ((Var *) expression)->varattno == attribute;
	return equal(key_expression(index, column), expression);
}

/*
 * Whether an expression, over range table entry 1, is a field of the open index, which is
 * valid, or a row with the values of all fields. *made_for: whether it is a row and the
 * index has several fields, or neither. No side effects.
 */
static bool
indexes_expression(Relation index, Node *expression, bool *made_for)
{
	bool		row = barq_text_is_row(expression);
	BarqTextColumns columns;

	barq_text_columns(index, &columns);
	*made_for = row == (columns.fields > 1 || columns.language >= 0);
	if (row)
		return barq_text_row_fits(index, expression);
	for (int i = 0; i < columns.fields && columns.language < 0; i++)
		if (is_key(index, columns.field_columns[i], expression))
			return true;
	return false;
}

/*
 * Whether an expression, over range table entry 1, has texts of an open index with a
 * language, which is valid, but not the language. No side effects.
 */
static bool
lacks_language(Relation index, Node *expression)
{
	BarqTextColumns columns;

	barq_text_columns(index, &columns);
	if (columns.language < 0)
		return false;
	for (int i = 0; i < columns.fields; i++)
	{
		List	   *elements = IsA(expression, RowExpr) ? ((RowExpr *) expression)->args :
			list_make1(expression);
		ListCell   *cell;

		foreach(cell, elements)
			if (is_key(index, columns.field_columns[i], lfirst(cell)))
				return true;
	}
	return false;
}

/* A copy of a source's expression, over range table entry 1; palloc'd. */
static Node *
over_entry_one(const BarqTextSource *source)
{
	Node	   *expression = copyObject(source->expression);

	ChangeVarNodes(expression, source->varno, 1, 0);
	return expression;
}

/*
 * Whether an index of the source's table fits, or why not (Fit); *made_for: whether it was
 * made for such values. `expression` is over_entry_one(source), `conditions` are the
 * source's, folded. The index is open; palloc's copies of its predicate.
 */
static Fit
fit_of(PlannerInfo *root, Relation index, const BarqTextSource *source, Node *expression,
	   List *conditions, bool *made_for)
{
	List	   *predicate;

	*made_for = false;

	/* fields are read from the metapage, which an index that was not built has not */
	if (!index->rd_index->indisvalid || !index->rd_index->indisready)
		return is_key(index, 0, expression) ? NOT_VALID : OTHER_EXPRESSION;
	if (!indexes_expression(index, expression, made_for))
		return lacks_language(index, expression) ? WITHOUT_LANGUAGE : OTHER_EXPRESSION;
	predicate = copyObject(RelationGetIndexPredicate(index));
	ChangeVarNodes((Node *) predicate, 1, source->varno, 0);
	if (predicate_implied_by(predicate, conditions, false))
		return FITS;
	return may_follow(root, predicate, conditions, source->varno) ? UNDECIDED : NOT_IMPLIED;
}

/*
 * A list of Candidate, palloc'd: the barq_bm25 indexes of a source's table.
 * Takes and releases AccessShareLock on the table and on each of its indexes.
 */
static List *
candidates_of(PlannerInfo *root, Oid support, const BarqTextSource *source)
{
	Relation	table = table_open(source->table, AccessShareLock);
	Node	   *expression = over_entry_one(source);
	List	   *conditions = NIL;
	bool		folded = false;
	List	   *candidates = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (barq_is_text_index(index))
		{
			Candidate  *candidate = palloc(sizeof(Candidate));

			candidate->index = RelationGetRelid(index);
			candidate->partial = RelationGetIndexPredicate(index) != NIL;
			if (candidate->partial && !folded)
			{
				conditions = fold(root, source->conditions, support);
				folded = true;
			}
			candidate->fit = fit_of(root, index, source, expression, conditions,
									&candidate->made_for);
			candidates = lappend(candidates, candidate);
		}
		index_close(index, AccessShareLock);
	}
	table_close(table, AccessShareLock);
	return candidates;
}

/* ---- explanations ---- */

/* The WHERE of a partial index as text, palloc'd; empty for any other index. */
static char *
predicate_of(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Datum		predicate;
	bool		isnull;
	char	   *shown = pstrdup("");

	if (!HeapTupleIsValid(tuple))
		return shown;
	predicate = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isnull);
	if (!isnull)
		shown = TextDatumGetCString(DirectFunctionCall2(pg_get_expr, predicate,
														ObjectIdGetDatum(((Form_pg_index) GETSTRUCT(tuple))->indrelid)));
	ReleaseSysCache(tuple);
	return shown;
}

/* Append a sentence that tells why an index does not fit. */
static void
append_why_not(StringInfo buf, const Candidate *candidate)
{
	const char *name = get_rel_name(candidate->index);

	if (buf->len > 0)
		appendStringInfoChar(buf, ' ');
	switch (candidate->fit)
	{
		case OTHER_EXPRESSION:
			appendStringInfo(buf, "Index \"%s\" is on another column or expression.", name);
			break;
		case WITHOUT_LANGUAGE:
			appendStringInfo(buf, "Index \"%s\" has a language for each row, which the expression does not have.", name);
			break;
		case NOT_VALID:
			appendStringInfo(buf, "Index \"%s\" is not valid.", name);
			break;
		case NOT_IMPLIED:
			appendStringInfo(buf, "The query's conditions do not imply the predicate of index \"%s\": %s.",
							 name, predicate_of(candidate->index));
			break;
		case UNDECIDED:
			appendStringInfo(buf, "The predicate of index \"%s\" depends on a parameter, which a generic plan does not know: %s.",
							 name, predicate_of(candidate->index));
			break;
		case FITS:
			break;
	}
}

/* Quoted names of the (partial or other) candidates that fit; palloc'd. */
static char *
names_of(List *candidates, bool partial)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		if (candidate->fit == FITS && candidate->partial == partial)
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
							 get_rel_name(candidate->index));
	}
	return names.data;
}

/* ---- choosing ---- */

/* Whether an index fits, as far as it is known. No side effects. */
static bool
may_fit(const Candidate *candidate)
{
	return candidate->fit == FITS || candidate->fit == UNDECIDED;
}

/*
 * The candidates without those that fit but were made for other values, if others were made
 * for these: an index of several fields ranks rows, one of a single column that column.
 */
static List *
made_for_it(List *candidates)
{
	List	   *result = NIL;
	bool		any = false;
	ListCell   *cell;

	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		any |= may_fit(candidate) && candidate->made_for;
	}
	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		if (!any || !may_fit(candidate) || candidate->made_for)
			result = lappend(result, candidate);
	}
	return result;
}

/*
 * Set *choice to the index for one source, or to the reason why there is none
 * (texts palloc'd; raises no error itself). An index that was made for such
 * values is preferred to others, a partial index that fits to one of the whole table. No index is chosen while a parameter may
 * decide that a partial index fits. Takes and releases AccessShareLock on the
 * table and its indexes.
 */
static void
choose_of(PlannerInfo *root, Oid support, const BarqTextSource *source, BarqTextChoice *choice)
{
	List	   *candidates = made_for_it(candidates_of(root, support, source));
	bool		partial = false;
	bool		undecided = false;
	bool		language = false;
	int			n = 0;
	StringInfoData why;
	ListCell   *cell;

	memset(choice, 0, sizeof(*choice));
	initStringInfo(&why);
	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		partial |= candidate->fit == FITS && candidate->partial;
		undecided |= candidate->fit == UNDECIDED;
		language |= candidate->fit == WITHOUT_LANGUAGE;
		append_why_not(&why, candidate);
	}
	foreach(cell, candidates)
	{
		Candidate  *candidate = lfirst(cell);

		if (candidate->fit != FITS || candidate->partial != partial)
			continue;
		choice->index = candidate->index;
		n++;
	}
	if (n == 1 && !undecided)
		return;
	choice->index = InvalidOid;
	choice->later = undecided || (n == 0 && source->inherited);
	if (n > 1)
	{
		choice->sqlstate = ERRCODE_AMBIGUOUS_PARAMETER;
		choice->reason = psprintf("several barq_bm25 indexes fit this text query: %s",
								  names_of(candidates, partial));
		choice->hint = "Name one: to_bm25query(query, 'index').";
		return;
	}
	choice->sqlstate = ERRCODE_UNDEFINED_OBJECT;
	choice->reason = psprintf("no barq_bm25 index of table \"%s\" fits this text query",
							  get_rel_name(source->table));
	choice->detail = why.len > 0 ? why.data : NULL;
	choice->hint = candidates == NIL ?
		"Create one with CREATE INDEX ... USING barq_bm25 (...) WITH (text_config = '...')." :
		language ? "Use the operator on a row of the table, as in items <@> 'words', or on ROW() of the index's fields and its language." :
		undecided ? "Write the value into the statement, or name the index: to_bm25query(query, 'index')." :
		"Create one that fits, or name one: to_bm25query(query, 'index').";
}

void
barq_text_choose(PlannerInfo *root, Oid support, List *sources, BarqTextChoice *choice)
{
	ListCell   *cell;

	choose_of(root, support, linitial(sources), choice);
	for_each_from(cell, sources, 1)
	{
		BarqTextSource *source = lfirst(cell);
		BarqTextChoice other;

		choose_of(root, support, source, &other);
		if (OidIsValid(other.index) && other.index == choice->index)
			continue;
		if (OidIsValid(choice->index) && OidIsValid(other.index))
		{
			choice->sqlstate = ERRCODE_AMBIGUOUS_PARAMETER;
			choice->reason = "the texts of this query come from several tables, and each has an index of its own";
			choice->detail = psprintf("Index \"%s\" is of table \"%s\", index \"%s\" of table \"%s\".",
									  get_rel_name(choice->index),
									  get_rel_name(IndexGetRelation(choice->index, false)),
									  get_rel_name(other.index), get_rel_name(source->table));
			choice->hint = "Write the operator into each branch of the UNION, or name one index: to_bm25query(query, 'index').";
		}
		else if (OidIsValid(choice->index))
			*choice = other;
		choice->index = InvalidOid;
		choice->later = true;
		return;
	}
}

void
barq_text_raise(const BarqTextChoice *choice)
{
	ereport(ERROR,
			(errcode(choice->sqlstate), errmsg_internal("%s", choice->reason),
			 choice->detail != NULL ? errdetail_internal("%s", choice->detail) : 0,
			 choice->hint != NULL ? errhint("%s", choice->hint) : 0));
}

/* ---- by a name ---- */

/*
 * The OID of the index with a name, of any access method, among the indexes of
 * one table; InvalidOid if there is none or no such table. Takes and releases
 * AccessShareLock on the table.
 */
static Oid
index_of_table(Oid table_oid, const char *name)
{
	Relation	table = try_relation_open(table_oid, AccessShareLock);
	Oid			index = InvalidOid;
	ListCell   *cell;

	if (table == NULL)
		return InvalidOid;
	foreach(cell, RelationGetIndexList(table))
	{
		char	   *its_name = get_rel_name(lfirst_oid(cell));

		if (its_name != NULL && strcmp(its_name, name) == 0)
			index = lfirst_oid(cell);
	}
	relation_close(table, AccessShareLock);
	return index;
}

/*
 * The OID of the index with a name, of any access method, in the first of the
 * tables (OIDs) that has one; InvalidOid if none has. Takes and releases
 * AccessShareLock on each table; checks for interrupts.
 */
static Oid
index_of_tables(List *tables, const char *name)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		Oid			index = index_of_table(lfirst_oid(cell), name);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(index))
			return index;
	}
	return InvalidOid;
}

Oid
barq_text_index_named(List *tables, const char *name, bool inherited)
{
	Oid			index = index_of_tables(tables, name);
	ListCell   *cell;

	foreach(cell, tables)
	{
		if (!OidIsValid(index))
			index = index_of_tables(barq_partition_ancestors(lfirst_oid(cell)), name);
		if (!OidIsValid(index) && inherited && has_subclass(lfirst_oid(cell)))
			index = index_of_tables(find_all_inheritors(lfirst_oid(cell), NoLock, NULL), name);
	}
	return index;
}

void
barq_text_raise_no_index(List *tables, const char *name)
{
	StringInfoData names;
	StringInfoData indexes;
	ListCell   *cell;

	initStringInfo(&names);
	initStringInfo(&indexes);
	foreach(cell, tables)
	{
		Relation	table = table_open(lfirst_oid(cell), AccessShareLock);
		ListCell   *other;

		appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "",
						 RelationGetRelationName(table));
		foreach(other, RelationGetIndexList(table))
		{
			Relation	index = index_open(lfirst_oid(other), AccessShareLock);

			if (barq_is_text_index(index))
				appendStringInfo(&indexes, "%s\"%s\"", indexes.len > 0 ? ", " : "",
								 RelationGetRelationName(index));
			index_close(index, AccessShareLock);
		}
		table_close(table, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 tables == NIL ? errmsg("no table has an index \"%s\", which a bm25query names", name) :
			 errmsg("table %s has no index \"%s\", which a bm25query names", names.data, name),
			 tables == NIL ? 0 : indexes.len == 0 ? errdetail("It has no barq_bm25 index.") :
			 errdetail("Its barq_bm25 indexes: %s.", indexes.data),
			 errhint("A query names an index of the column's table; to_bm25query(query, 'index'::regclass) takes an index of another table. Put a colon before a query that begins with a word and a colon but names no index.")));
}

/* ---- rights ---- */

/*
 * Whether an OID is a barq_bm25 index of the source's own table whose first key
 * is the source's value. False for an index that does not exist. Takes and
 * releases AccessShareLock on the index.
 */
static bool
is_index_of(Oid index_oid, const BarqTextSource *source)
{
	Relation	index = try_relation_open(index_oid, AccessShareLock);
	bool		own;

	if (index == NULL)
		return false;
	own = barq_is_text_index(index) &&
		index->rd_index->indrelid == source->table &&
		indexes_expression(index, over_entry_one(source), &(bool) {false});
	relation_close(index, AccessShareLock);
	return own;
}

/*
 * Whether is_index_of() is true of the index or, if rows of partitions are
 * included, of a partitioned index above it: its rows are then among the rows of
 * the source's table. Takes and releases AccessShareLock on the indexes.
 */
static bool
is_index_within(Oid index, const BarqTextSource *source)
{
	ListCell   *cell;

	if (is_index_of(index, source))
		return true;
	if (!source->inherited)
		return false;
	foreach(cell, barq_partition_ancestors(index))
		if (is_index_of(lfirst_oid(cell), source))
			return true;
	return false;
}

bool
barq_text_index_is_own(List *sources, Oid index)
{
	ListCell   *cell;

	foreach(cell, sources)
		if (!is_index_within(index, lfirst(cell)))
			return false;
	return sources != NIL;
}

uint8
barq_text_fields_for(Oid index_oid, const BarqTextSource *source)
{
	Relation	index = try_relation_open(index_oid, AccessShareLock);
	BarqTextColumns columns;
	Node	   *expression = over_entry_one(source);
	uint8		fields = 0;

	if (index == NULL)
		return 0;
	if (barq_is_text_index(index) && index->rd_index->indisvalid && index->rd_index->indisready)
	{
		barq_text_columns(index, &columns);
		for (int i = 0; i < columns.fields && columns.fields > 1; i++)
			if (is_key(index, columns.field_columns[i], expression))
				fields |= 1 << i;
	}
	relation_close(index, AccessShareLock);
	return fields;
}

bool
barq_text_same_key(Oid index_oid, Oid other_oid)
{
	Relation	index = try_relation_open(index_oid, AccessShareLock);
	Relation	other = try_relation_open(other_oid, AccessShareLock);
	bool		same = false;

	if (index != NULL && other != NULL && index->rd_index != NULL && other->rd_index != NULL &&
		index->rd_index->indrelid == other->rd_index->indrelid)
		same = index->rd_index->indkey.values[0] == other->rd_index->indkey.values[0] &&
			(index->rd_index->indkey.values[0] != 0 ||
			 equal(key_expression(index, 0), key_expression(other, 0)));
	if (index != NULL)
		relation_close(index, AccessShareLock);
	if (other != NULL)
		relation_close(other, AccessShareLock);
	return same;
}
