/*
 * hybrid_table.c
 *	  The table of a call of barq_hybrid(): found by its row type, and checked;
 *	  hints for relations that cannot be ranked.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "hybrid/hybrid.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define ROW_TYPE_HINT \
	"Name the table by its row type, as in barq_hybrid(NULL::my_table, query => $1)."

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_item_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_item_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hybrid_item);

/* Raise ERRCODE_WRONG_OBJECT_TYPE for an item that is a string (NULL: unknown). */
pg_noreturn static void
raise_item_is_text(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("the first argument of barq_hybrid() must be of the row type of a table"),
			 text == NULL ? errhint(ROW_TYPE_HINT) :
			 errhint("Name the table by its row type: barq_hybrid(NULL::%s, query => $1), not by a string.",
					 text)));
}

/*
 * barq_item_in(cstring) → barq_item: always an error. The type has no values: its
 * purpose is that an untyped literal as first argument of barq_hybrid() is resolved
 * to it. So the error, which explains how to name a table, is raised while the
 * statement is parsed, before `(doc).id` fails for another reason.
 */
Datum
barq_item_in(PG_FUNCTION_ARGS)
{
	raise_item_is_text(PG_ARGISNULL(0) ? NULL : PG_GETARG_CSTRING(0));
}

/* barq_item → cstring: never called, since the type has no values */
Datum
barq_item_out(PG_FUNCTION_ARGS)
{
	raise_item_is_text(NULL);
}

/* barq_hybrid(item barq_item, …): never called, for the same reason */
Datum
barq_hybrid_item(PG_FUNCTION_ARGS)
{
	raise_item_is_text(NULL);
}

Oid
barq_hybrid_table(Oid type)
{
	Oid			table = get_typ_typrelid(type);

	if (!OidIsValid(table) || get_rel_relkind(table) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not the row type of a table", format_type_be(type)),
				 errhint(ROW_TYPE_HINT)));
	return table;
}

/* The relations that a view reads, directly or through other views. */
typedef struct UnderView
{
	List	   *tables;
	List	   *views;			/* those visited */
} UnderView;

static void look_under(Oid view, UnderView *under);

/* Walker: add the relations of a query; views are followed. */
static bool
collect_tables(Node *node, void *context)
{
	UnderView  *under = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind != RTE_RELATION)
			return false;
		if (entry->relkind == RELKIND_VIEW)
			look_under(entry->relid, under);
		else
			under->tables = list_append_unique_oid(under->tables, entry->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_tables, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, collect_tables, context);
}

/* Add the relations that a view reads; locks views with AccessShareLock. */
static void
look_under(Oid view, UnderView *under)
{
	Relation	relation;

	check_stack_depth();
	if (list_member_oid(under->views, view))
		return;
	under->views = lappend_oid(under->views, view);
	relation = try_relation_open(view, AccessShareLock);
	if (relation == NULL)
		return;
	if (relation->rd_rel->relkind == RELKIND_VIEW)
		collect_tables((Node *) get_view_query(relation), under);
	relation_close(relation, AccessShareLock);
}

/*
 * Whether a table has an index of barq; false if the table does not exist. Takes
 * and releases AccessShareLock on the table and its indexes.
 */
static bool
has_barq_index(Oid table)
{
	Relation	relation = try_relation_open(table, AccessShareLock);
	bool		found = false;
	ListCell   *cell;

	if (relation == NULL)
		return false;
	foreach(cell, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found |= barq_has_barq_method(index);
		index_close(index, AccessShareLock);
	}
	relation_close(relation, AccessShareLock);
	return found;
}

/*
 * The qualified name, palloc'd, of the one table under a view that has barq indexes;
 * NULL if there is none or several.
 */
static char *
table_under(Relation view)
{
	UnderView	under = {NIL, NIL};
	Oid			found = InvalidOid;
	ListCell   *cell;

	look_under(RelationGetRelid(view), &under);
	foreach(cell, under.tables)
	{
		if (!has_barq_index(lfirst_oid(cell)))
			continue;
		if (OidIsValid(found))
			return NULL;
		found = lfirst_oid(cell);
	}
	if (!OidIsValid(found))
		return NULL;
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(found)),
									  get_rel_name(found));
}

void
barq_hybrid_check_table(Relation table)
{
	char		kind = table->rd_rel->relkind;
	char	   *under = NULL;

	if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
		kind == RELKIND_MATVIEW)
		return;
	if (kind == RELKIND_VIEW)
		under = table_under(table);
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is not a table or materialized view",
					RelationGetRelationName(table)),
			 under != NULL ?
			 errhint("Name the table under it: barq_hybrid(NULL::%s, query => $1), with the view's condition as the filter.",
					 under) :
			 kind == RELKIND_VIEW ?
			 errhint("Name a table under it that has barq indexes.") :
			 errhint("Rank in SQL and fuse with barq_rrf().")));
}

bool
barq_hybrid_lock_children(Relation table)
{
	List	   *tables;
	ListCell   *lc;

	if (!has_subclass(RelationGetRelid(table)))
		return false;
	tables = find_all_inheritors(RelationGetRelid(table), AccessShareLock, NULL);
	foreach(lc, tables)
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has foreign table \"%s\" below it",
							RelationGetRelationName(table), get_rel_name(lfirst_oid(lc))),
					 errhint("Search shards with barq_sharded().")));
	return list_length(tables) > 1;
}

Oid
barq_hybrid_key_index(Relation table)
{
	List	   *indexes = RelationGetIndexList(table);
	Oid			key = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		/* a key WITHOUT OVERLAPS (18) has no order */
		if (index->rd_index->indisprimary && index->rd_index->indisvalid &&
			index->rd_rel->relam == BTREE_AM_OID)
			key = lfirst_oid(lc);
		index_close(index, AccessShareLock);
	}
	return key;
}
