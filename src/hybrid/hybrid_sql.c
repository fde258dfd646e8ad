/*
 * hybrid_sql.c
 *	  The statements of barq_hybrid() and barq_search_batch(). All names in them are qualified and quoted,
 *	  so that they are independent of search_path; except in the filter and the boost,
 *	  which are the caller's and resolved like the caller's own statements.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "base/names.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

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

/*
 * The qualified name of a type without a modifier, palloc'd. (Of bit it is not "bit",
 * which means bit(1).)
 */
static char *
type_name(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN);
}

Oid
barq_hybrid_parameter_type(const BarqHybridColumn *column, BarqLegKind kind)
{
	return kind == BARQ_LEG_TEXT ? TEXTOID : column->query_type;
}

/*
 * The query of a ranking as an SQL expression, palloc'd. A text query names its
 * index, so that the planner takes no other; so does a vector if an index was named
 * and others could serve, too. A strict text query is checked once more there, where
 * the names of fields are known.
 */
static char *
query_expression(const BarqHybridEntry *entry, BarqLegKind kind)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	int			param = entry->nparams + 1;

	if (kind == BARQ_LEG_VECTOR && !column->by_index)
		return psprintf("$%d", param);
	if (kind == BARQ_LEG_VECTOR)
		return psprintf("%s($%d, '%u'::pg_catalog.regclass)",
						quote_qualified_identifier(get_namespace_name(entry->schema), "barq_by_index"),
						param, column->index);
	return psprintf("%s($%d, '%u'::pg_catalog.regclass%s)",
					quote_qualified_identifier(get_namespace_name(entry->schema), "to_bm25query"),
					param, column->index, entry->strict ? ", 'strict'" : "");
}

/* A column of an index, or its expression, in SQL, palloc'd; and its type. */
static char *
key_expression(Relation table, Relation index, int column, Oid *type)
{
	AttrNumber	attribute = index->rd_index->indkey.values[column];
	int			number = 0;
	Node	   *expression;
	char	   *text;

	if (attribute != 0)
	{
		*type = TupleDescAttr(RelationGetDescr(table), attribute - 1)->atttypid;
		return psprintf("%s.%s", quote_identifier(RelationGetRelationName(table)),
						quote_identifier(get_attname(RelationGetRelid(table), attribute, false)));
	}
	for (int i = 0; i < column; i++)
		number += index->rd_index->indkey.values[i] == 0;
	expression = list_nth(RelationGetIndexExpressions(index), number);
	*type = exprType(expression);
	text = deparse_expression(expression,
							  deparse_context_for(RelationGetRelationName(table),
												  RelationGetRelid(table)),
							  true, false);
	return psprintf("(%s)", text);
}

/*
 * The ranked column, or expression of an index, or a row of its fields, in SQL, palloc'd;
 * and its type.
 */
static char *
ranked_expression(Relation table, const BarqHybridColumn *column, Oid *type)
{
	Relation	index = index_open(column->index, AccessShareLock);
	StringInfoData row;

	initStringInfo(&row);
	if (column->nfields == 1)
		appendStringInfoString(&row, key_expression(table, index, column->fields[0], type));
	else
	{
		for (int i = 0; i < column->nfields; i++)
			appendStringInfo(&row, "%s%s", i == 0 ? "ROW(" : ", ",
							 key_expression(table, index, column->fields[i], type));
		appendStringInfoChar(&row, ')');
		*type = RECORDOID;
	}
	index_close(index, AccessShareLock);
	return row.data;
}

/* The distance of a ranking in SQL, palloc'd. */
static char *
distance_expression(Relation table, const BarqHybridEntry *entry, BarqLegKind kind)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	Oid			type;
	char	   *ranked = ranked_expression(table, column, &type);
	StringInfoData distance;

	initStringInfo(&distance);
	appendStringInfo(&distance, "(%s", ranked);

	/* cast to the operator's type, so that the parser finds this operator */
	if (type != column->left_type)
		appendStringInfo(&distance, "::%s", type_name(column->left_type));
	appendStringInfo(&distance, " %s %s)", operator_name(column->op),
					 query_expression(entry, kind));
	return distance.data;
}

/* A column of the table in SQL, palloc'd. */
static char *
column_expression(Relation table, AttrNumber attnum)
{
	return psprintf("%s.%s", quote_identifier(RelationGetRelationName(table)),
					quote_identifier(get_attname(RelationGetRelid(table), attnum, false)));
}

/* The group's column as a value of its base type, palloc'd. */
static char *
group_expression(Relation table, const BarqHybridEntry *entry)
{
	return psprintf("%s::%s", column_expression(table, entry->group_column),
					type_name(entry->group_type));
}

/* Begin a ranking: up to the condition, without the order. */
static void
begin_ranking(StringInfo sql, Relation table, const BarqHybridEntry *entry,
			  const char *distance, int form)
{
	const char *name = quote_identifier(RelationGetRelationName(table));

	initStringInfo(sql);
	appendStringInfo(sql, "SELECT %s.tableoid, %s.ctid, %s", name, name, distance);
	if ((form & BARQ_LEG_EXACT) != 0)
		appendStringInfoString(sql, " OPERATOR(pg_catalog.+) 0::pg_catalog.float8");
	if (entry->group_column != 0)
		appendStringInfo(sql, ", %s", group_expression(table, entry));
	else if ((form & BARQ_LEG_ROWS) != 0)
		appendStringInfo(sql, ", %s.*::%s", name, barq_qualified_name(table));
	appendStringInfo(sql, " FROM %s WHERE true", barq_qualified_name(table));
	if (entry->expr[BARQ_EXPR_FILTER] != NULL)
		appendStringInfo(sql, " AND (%s\n)", entry->expr[BARQ_EXPR_FILTER]);
}

/*
 * The statement returns the nearest row first. The table has no alias, since the
 * filter may qualify columns with its name. The line break after the filter ends a
 * comment in it. The exact form adds 0 to the distance, which no index matches; its
 * order includes tableoid and ctid, at no further cost. The cast of all columns makes
 * them one row even where a column has the table's name.
 */
char *
barq_hybrid_leg_sql(Relation table, const BarqHybridEntry *entry,
					BarqLegKind kind, int form)
{
	char	   *distance = distance_expression(table, entry, kind);
	bool		exact = (form & BARQ_LEG_EXACT) != 0;
	StringInfoData sql;

	begin_ranking(&sql, table, entry, distance, form);

	/*
	 * Texts without any of the words have no rank. Under row security this condition is not
	 * one of the index, because <@> is not LEAKPROOF: it would be computed from the text of
	 * each row that the policy lets through. Then hits_receive() ends the ranking.
	 */
	if (kind == BARQ_LEG_TEXT &&
		check_enable_rls(RelationGetRelid(table), InvalidOid, true) != RLS_ENABLED)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.<) 0::pg_catalog.float8",
						 distance);
	appendStringInfo(&sql, " ORDER BY 3%s LIMIT ", exact ? ", 1, 2" : "");
	if ((form & BARQ_LEG_LIMIT) != 0)
		appendStringInfo(&sql, "$%d", entry->nparams + 2);
	else
		appendStringInfo(&sql, "%d", entry->candidates[kind]);
	return sql.data;
}

char *
barq_hybrid_members_sql(Relation table, const BarqHybridEntry *entry)
{
	TypeCacheEntry *type = lookup_type_cache(entry->group_type, TYPECACHE_EQ_OPR);
	char	   *group = group_expression(table, entry);
	int			param = entry->nparams + 2;
	StringInfoData sql;

	begin_ranking(&sql, table, entry,
				  distance_expression(table, entry, BARQ_LEG_VECTOR), BARQ_LEG_EXACT);
	appendStringInfo(&sql, " AND (%s %s ANY ($%d) OR ($%d AND %s IS NULL))"
					 " ORDER BY 3, 1, 2",
					 group, operator_name(type->eq_opr), param, param + 1, group);
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

/* Append the condition that a row is one of those that the parameters list. */
static void
append_addresses(StringInfo sql, const char *name, int param, bool has_children)
{
	appendStringInfo(sql, " WHERE %s.ctid OPERATOR(pg_catalog.=) ANY ($%d)", name, param);
	if (has_children)
		appendStringInfo(sql, " AND %s.tableoid OPERATOR(pg_catalog.=) ANY ($%d)", name,
						 param + 1);
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
	appendStringInfo(&sql, "SELECT %s.tableoid, %s.ctid, %s FROM %s %s", name, name, name,
					 barq_qualified_name(table), name);
	append_addresses(&sql, name, 1, has_children);
	return sql.data;
}

/* The table has no alias, since the boost may qualify columns with its name. */
char *
barq_hybrid_details_sql(Relation table, const BarqHybridEntry *entry)
{
	const char *name = quote_identifier(RelationGetRelationName(table));
	const BarqHybridColumn *column = &entry->legs[BARQ_LEG_VECTOR].column;
	StringInfoData sql;
	Oid			type;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s.tableoid, %s.ctid", name, name);
	if (entry->expr[BARQ_EXPR_BOOST] != NULL)
		appendStringInfo(&sql, ", (%s\n)::pg_catalog.float8", entry->expr[BARQ_EXPR_BOOST]);
	else
		appendStringInfoString(&sql, ", 1::pg_catalog.float8");
	if (entry->diverse)
		appendStringInfo(&sql, ", %s::%s", ranked_expression(table, column, &type),
						 type_name(column->left_type));
	else
		appendStringInfoString(&sql, ", NULL");
	if (OidIsValid(entry->key_index))
	{
		Relation	key = index_open(entry->key_index, AccessShareLock);

		for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(key); i++)
			appendStringInfo(&sql, ", %s",
							 column_expression(table, key->rd_index->indkey.values[i]));
		index_close(key, AccessShareLock);
	}
	appendStringInfo(&sql, " FROM %s", barq_qualified_name(table));
	append_addresses(&sql, name, entry->nparams + 1, entry->has_children);
	return sql.data;
}
