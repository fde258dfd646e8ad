/*
 * follow.c
 *	  Renames of text search configurations: after one, or its schema, got another
 *	  name, the option text_config of its indexes is set to the new name, so that a
 *	  restored dump uses the same configuration.
 *
 * An event trigger does that, because ALTER TEXT SEARCH CONFIGURATION may be a
 * session's first statement, and nothing else would load the library then.
 * Searches and inserts do not need it: they find the configuration by the
 * index's dependency (text_index/text_config.c). Only a dump or a build uses the
 * option.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "admin/admin.h"
#include "am/am.h"
#include "text_index/text_index.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_ts_config.h"
#include "commands/event_trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_follow_configurations);

/*
 * OIDs of the relations that depend on any text search configuration, without
 * duplicates; a list in the current memory context.
 */
static List *
dependents(void)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *relations = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TSConfigRelationId));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId)
			relations = list_append_unique_oid(relations, form->objid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return relations;
}

/*
 * Which of the configurations that an index depends on (`configs`, changed here) its
 * option means; InvalidOid if that is not clear. Where there are two, the index was
 * built with one of them, and the option means the other one, which waits for
 * REINDEX.
 */
static Oid
optioned(Relation index, List *configs)
{
	if (list_length(configs) == 2 && barq_is_barq_index(index) && barq_is_built(index))
	{
		BarqMeta	meta;

		barq_meta_read(index, &meta);
		configs = list_delete_oid(configs,
								  barq_text_config_of(RelationGetRelid(index),
													  barq_text_options(&meta.options)));
	}
	return list_length(configs) == 1 ? linitial_oid(configs) : InvalidOid;
}

/* Set the option text_config in the catalog; all other options stay. */
static void
set_text_config(Oid index, const char *name)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(index));
	DefElem    *option = makeDefElem("text_config", (Node *) makeString(pstrdup(name)), -1);
	Datum		values[Natts_pg_class] = {0};
	bool		nulls[Natts_pg_class] = {0};
	bool		replaces[Natts_pg_class] = {0};
	Datum		options;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", index);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	values[Anum_pg_class_reloptions - 1] =
		transformRelOptions(isnull ? (Datum) 0 : options, list_make1(option),
							NULL, NULL, false, false);
	replaces[Anum_pg_class_reloptions - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(classes), values, nulls, replaces);
	CatalogTupleUpdate(classes, &tuple->t_self, tuple);
	table_close(classes, RowExclusiveLock);
}

/*
 * Does the option of an index name one of `configs` or a pinned configuration, on
 * which no dependency is recorded? No side effects.
 */
static bool
names_right(Relation index, List *configs)
{
	Oid			given = barq_text_config_given(index->rd_options);

	return OidIsValid(given) &&
		(list_member_oid(configs, given) || IsPinnedObject(TSConfigRelationId, given));
}

/*
 * Set the option text_config of an index of text where it names a configuration
 * wrongly. Does nothing for other relations. The lock is kept to the end of the
 * transaction, as by ALTER INDEX SET.
 */
static void
follow(Oid relid)
{
	Relation	index = try_relation_open(relid, ShareUpdateExclusiveLock);
	List	   *configs;
	Oid			config;
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	if (index == NULL)
		return;
	configs = barq_text_config_dependencies(relid);
	if (barq_kind_of_method(index->rd_indam) == &barq_bm25_index_kind &&
		!names_right(index, configs))
	{
		config = optioned(index, configs);
		if (OidIsValid(config) && barq_text_config_names(config, schema, name))
			set_text_config(relid, quote_qualified_identifier(schema, name));
	}
	relation_close(index, NoLock);
}

/*
 * barq_follow_configurations() → event_trigger, at the end of commands that can
 * rename a configuration or change its schema.
 */
Datum
barq_follow_configurations(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("barq_follow_configurations() was not called by an event trigger")));
	foreach(cell, dependents())
	{
		CHECK_FOR_INTERRUPTS();
		follow(lfirst_oid(cell));
	}
	PG_RETURN_NULL();
}
