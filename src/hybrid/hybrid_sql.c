/*
 * hybrid_sql.c
 *	  The statements of barq_hybrid(). Every name in them is qualified and
 *	  quoted, so that they mean the same under any search_path; only the filter
 *	  is the caller's, and is resolved as the caller's own statements are.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

static char *
operator_name(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", oid);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

static char *
table_name(Relation table)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
									  RelationGetRelationName(table));
}

/* The query of a ranking, as a statement takes it: a text, or a vector. */
Oid
barq_hybrid_parameter_type(const BarqHybridColumn *column, BarqLegKind kind)
{
	return kind == BARQ_LEG_TEXT ? TEXTOID : column->query_type;
}

/*
 * A text names its index, in a constant, so that the planner takes no other.
 * So does a vector where an index was named and others could serve as well.
 */
static char *
query_expression(const BarqHybridEntry *entry, BarqLegKind kind)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	int			param = entry->nparams + 1;

	if (kind == BARQ_LEG_VECTOR && !column->by_index)
		return psprintf("$%d", param);
	return psprintf("%s($%d, '%u'::pg_catalog.regclass)",
					quote_qualified_identifier(get_namespace_name(entry->schema),
											   kind == BARQ_LEG_TEXT ? "to_bm25query" : "barq_by_index"),
					param, column->index);
}

/* What is ranked: a column of the table, or an index's expression over it. */
static char *
ranked_expression(Relation table, const BarqHybridColumn *column, Oid *type)
{
	char	   *text;
	Relation	index;
	Node	   *expression;

	if (column->attnum != 0)
	{
		*type = TupleDescAttr(RelationGetDescr(table), column->attnum - 1)->atttypid;
		return psprintf("%s.%s", quote_identifier(RelationGetRelationName(table)),
						quote_identifier(get_attname(RelationGetRelid(table), column->attnum, false)));
	}
	index = index_open(column->index, AccessShareLock);
	expression = linitial(RelationGetIndexExpressions(index));
	*type = exprType(expression);
	text = deparse_expression(expression,
							  deparse_context_for(RelationGetRelationName(table),
												  RelationGetRelid(table)),
							  true, false);
	index_close(index, AccessShareLock);
	return psprintf("(%s)", text);
}

/*
 * A ranking: where the rows lie and how far they are, nearest first. The
 * filter's parameters come first, the query is the one behind them.
 *
 * The table keeps its own name, for the filter may qualify columns with it. A
 * new line ends whatever comment the filter ends in. In the exact form nothing
 * orders by what an index orders by, and so places can decide ties at no cost.
 */
char *
barq_hybrid_leg_sql(Relation table, const BarqHybridEntry *entry,
					BarqLegKind kind, bool exact)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	const char *name = quote_identifier(RelationGetRelationName(table));
	Oid			type;
	char	   *ranked = ranked_expression(table, column, &type);
	StringInfoData distance;
	StringInfoData sql;

	initStringInfo(&distance);
	appendStringInfo(&distance, "(%s", ranked);

	/* the operator's own type, for it to be found among others of its name */
	if (type != column->left_type)
		appendStringInfo(&distance, "::%s",
						 format_type_extended(column->left_type, -1,
											  FORMAT_TYPE_FORCE_QUALIFY));
	appendStringInfo(&distance, " %s %s)", operator_name(column->op),
					 query_expression(entry, kind));

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s.tableoid, %s.ctid, %s", name, name, distance.data);
	if (exact)
		appendStringInfoString(&sql, " OPERATOR(pg_catalog.+) 0::pg_catalog.float8");
	appendStringInfo(&sql, " FROM %s WHERE true", table_name(table));
	if (entry->filter != NULL)
		appendStringInfo(&sql, " AND (%s\n)", entry->filter);

	/* texts without any of the words would come last, and have no rank */
	if (kind == BARQ_LEG_TEXT)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.<) 0::pg_catalog.float8",
						 distance.data);
	appendStringInfo(&sql, " ORDER BY 3%s LIMIT %d", exact ? ", 1, 2" : "",
					 entry->candidates);
	return sql.data;
}

/* A name that no column has, for a name of both means the column. */
static char *
free_name(Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);

	for (int i = 0;; i++)
	{
		char	   *name = psprintf("t%d", i);
		bool		taken = false;

		for (int j = 0; j < desc->natts && !taken; j++)
			taken = strcmp(NameStr(TupleDescAttr(desc, j)->attname), name) == 0;
		if (!taken)
			return name;
		pfree(name);
	}
}

/*
 * The rows at some addresses. Several tables may have a row at the same place,
 * and those not asked for are not worth putting together.
 */
char *
barq_hybrid_rows_sql(Relation table, bool has_children)
{
	char	   *name = free_name(table);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s.tableoid, %s.ctid, %s FROM %s %s "
					 "WHERE %s.ctid OPERATOR(pg_catalog.=) ANY ($1)",
					 name, name, name, table_name(table), name, name);
	if (has_children)
		appendStringInfo(&sql, " AND %s.tableoid OPERATOR(pg_catalog.=) ANY ($2)", name);
	return sql.data;
}
