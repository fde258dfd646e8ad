/*
 * sharded_sql.c
 *	  The statements of a search over shards.
 *
 * A ranking is
 *
 *	(SELECT … FROM shard_1 ORDER BY column <=> '…' LIMIT n)
 *	UNION ALL
 *	(SELECT … FROM shard_2 ORDER BY column <=> '…' LIMIT n) …
 *
 * because postgres_fdw ships a LIMIT only with a scan of a single foreign table, and
 * PostgreSQL scans asynchronously only below a plain Append. In a MATERIALIZED CTE no
 * order is wanted of the Append, so that it stays plain. ONLY, since a table with
 * children is a shard beside them.
 *
 * A row is named by (shard, ctid), in both rankings. If the shard's own table is
 * partitioned, several of its rows have the same ctid; so rows are compared, too.
 */
#include "sharded/sharded.h"

#include "access/table.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * The name that a shard has in a statement, quoted and palloc'd: that of the whole
 * table, by which a filter may qualify columns.
 */
static char *
alias(const BarqShardedArgs *args)
{
	return pstrdup(quote_identifier(get_rel_name(args->table)));
}

/* The qualified and quoted name of something of the extension, palloc'd. */
static char *
own_name(const BarqShardedArgs *args, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(args->schema), name);
}

static char *
own_operator(const BarqShardedArgs *args, const char *name)
{
	return psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(args->schema)), name);
}

/* Append a member of a JSON object, with a comma before it unless it is the first. */
static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, name);
	appendStringInfoString(json, ": ");
	escape_json(json, value);
}

/* Append "UNION ALL", except before the first. */
static void
append_union(StringInfo sql, bool *first)
{
	appendStringInfoString(sql, *first ? "  " : "  UNION ALL\n  ");
	*first = false;
}

char *
barq_sharded_statistics_sql(const BarqShardedArgs *args, List *shards, const char *caller)
{
	StringInfoData sql;
	bool		first = true;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s(s) FROM (\n", own_name(args, "sum"));
	foreach(cell, shards)
	{
		const BarqShard *shard = lfirst(cell);
		StringInfoData json;

		if (shard->missing)
			continue;
		initStringInfo(&json);
		appendStringInfoChar(&json, '{');
		append_member(&json, "query", args->query);
		append_member(&json, "shard", barq_sharded_remote_table(shard));
		append_member(&json, "column", barq_sharded_remote_column(shard, args->text_column));
		if (shard->foreign)
			append_member(&json, "caller", caller);
		appendStringInfoChar(&json, '}');
		append_union(&sql, &first);

		/* no row is at (0,0): the aggregate needs none */
		appendStringInfo(&sql, "SELECT %s(%s::pg_catalog.jsonb) WITHIN GROUP (ORDER BY 0) AS s FROM ONLY %s WHERE ctid = '(0,0)'::pg_catalog.tid\n",
						 own_name(args, "bm25_shard_statistics"), quote_literal_cstr(json.data),
						 barq_qualified_name_by_oid(shard->table));
	}
	appendStringInfoString(&sql, ") AS u");
	return sql.data;
}

/* The columns of a shard as a row of the table's type, palloc'd. */
static char *
row_expression(const BarqShardedArgs *args)
{
	Relation	rel = table_open(args->table, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData row;
	bool		first = true;

	initStringInfo(&row);
	appendStringInfoString(&row, "ROW(");
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
		{
			appendStringInfo(&row, "%s%s.%s", first ? "" : ", ", alias(args),
							 quote_identifier(NameStr(TupleDescAttr(desc, i)->attname)));
			first = false;
		}
	appendStringInfo(&row, ")::%s", barq_qualified_name_by_oid(args->table));
	table_close(rel, NoLock);
	return row.data;
}

/* The distance of vectors as SQL, palloc'd. Raises ERRCODE_UNDEFINED_FUNCTION. */
static char *
vector_distance(const BarqShardedArgs *args)
{
	Oid			type = getBaseType(get_atttype(args->table, get_attnum(args->table, args->vector_column)));
	Oid			op = OpernameGetOprid(list_make2(makeString(get_namespace_name(args->schema)),
												 makeString(args->distance)), type, type);

	if (!OidIsValid(op) || get_op_rettype(op) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no distance \"%s\"", format_type_be(type), args->distance),
				 errhint("Distances are <->, <=>, <#> and <+>, of bit strings <~> and <%%>.")));

	/* "bit" without quotes would be bit(1) */
	return psprintf("%s.%s %s %s::%s", alias(args), quote_identifier(args->vector_column),
					own_operator(args, args->distance), quote_literal_cstr(args->embedding),
					format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN));
}

/* The score of texts as SQL, palloc'd. */
static char *
text_distance(const BarqShardedArgs *args)
{
	Oid			type = get_atttype(args->table, get_attnum(args->table, args->text_column));

	return psprintf("%s.%s%s %s %s::%s", alias(args), quote_identifier(args->text_column),
					type == VARCHAROID ? "::pg_catalog.text" : "",
					own_operator(args, "<@>"), quote_literal_cstr(args->query),
					own_name(args, "bm25global"));
}

/* Append a CTE with a ranking's candidates of all shards, and one with their ranks. */
static void
append_ranking(StringInfo sql, const BarqShardedArgs *args, List *shards, const char *name,
			   const char *distance, const char *condition)
{
	char	   *row = row_expression(args);
	bool		first = true;
	ListCell   *cell;

	appendStringInfo(sql, "%s %s_found AS MATERIALIZED (\n", sql->len == 0 ? "WITH" : ",", name);
	foreach(cell, shards)
	{
		const BarqShard *shard = lfirst(cell);

		if (shard->missing)
			continue;
		append_union(sql, &first);
		appendStringInfo(sql, "(SELECT %s AS doc, %d AS shard, %s.ctid AS at, %s AS d FROM ONLY %s AS %s",
						 row, shard->number, alias(args), distance,
						 barq_qualified_name_by_oid(shard->table), alias(args));
		if (args->filter != NULL)
			appendStringInfo(sql, " WHERE (%s\n)", args->filter);
		appendStringInfo(sql, " ORDER BY %s LIMIT %d)\n", distance, args->candidates);
	}
	appendStringInfo(sql, "), %s AS (\n"
					 "  SELECT *, pg_catalog.row_number() OVER (ORDER BY d, shard, at) AS rank\n"
					 "  FROM %s_found WHERE %s ORDER BY d, shard, at LIMIT %d\n)",
					 name, name, condition, args->candidates);
}

/*
 * Append the last CTE, `fused`: doc, the columns of a result, and what decides among
 * equal scores: the better rank, shard and ctid.
 */
static void
append_fused(StringInfo sql, const BarqShardedArgs *args)
{
	const char *rrf = own_name(args, "barq_rrf");
	const char *rrf_k = double_to_shortest_decimal(args->rrf_k);
	const char *weight[2];

	weight[0] = double_to_shortest_decimal(args->vector_weight);
	weight[1] = double_to_shortest_decimal(args->text_weight);
	appendStringInfoString(sql, ", fused AS (\n");
	if (args->embedding != NULL && args->query != NULL)
		appendStringInfo(sql, "  SELECT CASE WHEN v.shard IS NULL THEN t.doc ELSE v.doc END AS doc,\n"
						 "    %s(v.rank, %s, %s) + %s(t.rank, %s, %s) AS score,\n"
						 "    v.rank::int AS vector_rank, t.rank::int AS text_rank, v.d AS vector_distance, t.d AS text_score,\n"
						 "    LEAST(v.rank, t.rank) AS best, COALESCE(v.shard, t.shard) AS shard, COALESCE(v.at, t.at) AS at\n"
						 "  FROM vectors AS v FULL JOIN texts AS t ON v.shard = t.shard AND v.at = t.at AND v.doc OPERATOR(pg_catalog.*=) t.doc\n",
						 rrf, rrf_k, weight[0], rrf, rrf_k, weight[1]);
	else if (args->embedding != NULL)
		appendStringInfo(sql, "  SELECT doc, %s(rank, %s, %s) AS score, rank::int AS vector_rank, NULL::int AS text_rank,\n"
						 "    d AS vector_distance, NULL::float8 AS text_score, rank AS best, shard, at\n  FROM vectors\n",
						 rrf, rrf_k, weight[0]);
	else
		appendStringInfo(sql, "  SELECT doc, %s(rank, %s, %s) AS score, NULL::int AS vector_rank, rank::int AS text_rank,\n"
						 "    NULL::float8 AS vector_distance, d AS text_score, rank AS best, shard, at\n  FROM texts\n",
						 rrf, rrf_k, weight[1]);
	appendStringInfoChar(sql, ')');
}

char *
barq_sharded_search_sql(const BarqShardedArgs *args, List *shards)
{
	const char *result = "doc, score, vector_rank, text_rank, vector_distance, text_score";
	const char *order = "score DESC, best, shard, at";
	StringInfoData sql;

	initStringInfo(&sql);
	if (args->embedding != NULL)
		append_ranking(&sql, args, shards, "vectors", vector_distance(args), "d < 'NaN'");
	if (args->query != NULL)
		append_ranking(&sql, args, shards, "texts", text_distance(args), "d < 0");
	append_fused(&sql, args);
	if (args->group_by != NULL)
	{
		/* the row of a group that comes first, and how many rows there are to group */
		appendStringInfo(&sql, ", grouped AS (\n"
						 "  SELECT *, pg_catalog.row_number() OVER (PARTITION BY (doc).%s ORDER BY %s) AS place,\n"
						 "    pg_catalog.count (*) OVER () AS found\n"
						 "  FROM fused\n)",
						 quote_identifier(args->group_by), order);
		appendStringInfo(&sql, "\nSELECT %s, found FROM grouped WHERE place = 1", result);
	}
	else
		appendStringInfo(&sql, "\nSELECT %s FROM fused", result);
	appendStringInfo(&sql, " ORDER BY %s LIMIT %d", order, args->k);
	return sql.data;
}
