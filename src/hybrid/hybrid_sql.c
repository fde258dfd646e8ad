/*
 * hybrid_sql.c
 *	  The statements of barq_hybrid(). All names in them are qualified and quoted,
 *	  so that they are independent of search_path; except in the filter, which is
 *	  the caller's and resolved like the caller's own statements.
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

/* OPERATOR(schema.name), palloc'd. */
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

/* The qualified and quoted name, palloc'd. */
static char *
table_name(Relation table)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
									  RelationGetRelationName(table));
}

Oid
barq_hybrid_parameter_type(const BarqHybridColumn *column, BarqLegKind kind)
{
	return kind == BARQ_LEG_TEXT ? TEXTOID : column->query_type;
}

/*
 * The query of a ranking as an SQL expression, palloc'd. A text query names its
 * index, so that the planner takes no other; so does a vector if an index was named
 * and others could serve, too.
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

/* The ranked column, or expression of an index, in SQL, palloc'd; and its type. */
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
 * The statement returns tableoid, ctid and distance, the nearest row first. The
 * table has no alias, since the filter may qualify columns with its name. The line
 * break after the filter ends a comment in it. The exact form adds 0 to the distance,
 * which no index matches; its order includes tableoid and ctid, at no further cost.
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

	/* cast to the operator's type, so that the parser finds this operator */
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

	/* texts without any of the words have no rank */
	if (kind == BARQ_LEG_TEXT)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.<) 0::pg_catalog.float8",
						 distance.data);
	appendStringInfo(&sql, " ORDER BY 3%s LIMIT %d", exact ? ", 1, 2" : "",
					 entry->candidates);
	return sql.data;
}

/* An alias that is not the name of a column, which would take precedence; palloc'd. */
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
 * With children, rows of several tables may have the same ctid. The condition on
 * tableoid excludes most of them; rows_receive() ignores the rest.
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
