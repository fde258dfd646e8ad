/*
 * follow.c
 *	  Renames of text search configurations: after one, or its schema, got another
 *	  name, the option text_config of its indexes, and the parameter of that name of their
 *	  fields, are set to the new name, so that a restored dump uses the same configuration.
 *
 * An event trigger does that, because ALTER TEXT SEARCH CONFIGURATION may be a
 * session's first statement, and nothing else would load the library then.
 * Searches and inserts do not need it for the option: they find the configuration by the
 * index's dependency (text_index/text_config.c). Only a dump or a build uses the
 * option. The configurations of fields are found by name.
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
#include "catalog/pg_attribute.h"
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
#include "utils/varlena.h"

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

/* The configuration of the option of an index when it was built; InvalidOid: it is not built. */
static Oid
built_config(Relation index)
{
	BarqMeta	meta;

	if (!barq_is_barq_index(index) || !barq_is_built(index))
		return InvalidOid;
	barq_meta_read(index, &meta);
	return barq_text_config_of(RelationGetRelid(index), barq_text_options(&meta.options));
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
	if (list_length(configs) == 2)
		configs = list_delete_oid(configs, built_config(index));
	return list_length(configs) == 1 ? linitial_oid(configs) : InvalidOid;
}

/* The options in a column of a catalog's tuple, with another text_config; palloc'd. */
static Datum
with_text_config(int cache, HeapTuple tuple, AttrNumber column, const char *name)
{
	DefElem    *option = makeDefElem("text_config", (Node *) makeString(pstrdup(name)), -1);
	bool		isnull;
	Datum		options = SysCacheGetAttr(cache, tuple, column, &isnull);

	return transformRelOptions(isnull ? (Datum) 0 : options, list_make1(option),
							   NULL, NULL, false, false);
}

/* Set the option text_config in the catalog; all other options stay. */
static void
set_text_config(Oid index, const char *name)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(index));
	Datum		values[Natts_pg_class] = {0};
	bool		nulls[Natts_pg_class] = {0};
	bool		replaces[Natts_pg_class] = {0};

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", index);
	values[Anum_pg_class_reloptions - 1] =
		with_text_config(RELOID, tuple, Anum_pg_class_reloptions, name);
	replaces[Anum_pg_class_reloptions - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(classes), values, nulls, replaces);
	CatalogTupleUpdate(classes, &tuple->t_self, tuple);
	table_close(classes, RowExclusiveLock);
}

/*
 * Which of the configurations that an index depends on a name means that is none any more:
 * the only one, or the only one of the name without its schema, which has been renamed.
 * InvalidOid if that is not clear.
 */
static Oid
renamed(const char *name, List *configs)
{
	Oid			found = InvalidOid;
	List	   *parts;
	ListCell   *cell;

	if (list_length(configs) == 1)
		return linitial_oid(configs);
	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || parts == NIL)
		return InvalidOid;
	foreach(cell, configs)
	{
		char		schema[NAMEDATALEN];
		char		now[NAMEDATALEN];

		if (!barq_text_config_names(lfirst_oid(cell), schema, now) || strcmp(now, llast(parts)) != 0)
			continue;
		if (OidIsValid(found))
			return InvalidOid;
		found = lfirst_oid(cell);
	}
	return found;
}

/* Set the parameter text_config of a column of an index in the catalog; the others stay. */
static void
set_field_config(Oid index, AttrNumber column, const char *name)
{
	Relation	attributes = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(index), Int16GetDatum(column));
	Datum		values[Natts_pg_attribute] = {0};
	bool		nulls[Natts_pg_attribute] = {0};
	bool		replaces[Natts_pg_attribute] = {0};

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", column, index);
	values[Anum_pg_attribute_attoptions - 1] =
		with_text_config(ATTNUM, tuple, Anum_pg_attribute_attoptions, name);
	replaces[Anum_pg_attribute_attoptions - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(attributes), values, nulls, replaces);
	CatalogTupleUpdate(attributes, &tuple->t_self, tuple);
	table_close(attributes, RowExclusiveLock);
}

/*
 * Set the parameters of fields that name no configuration to the one of `configs` that got
 * another name. Returns the configurations that fields have then: the relcache has the old
 * parameters until the next command.
 */
static List *
follow_fields(Relation index, List *configs)
{
	BarqTextColumns columns;
	List	   *own = barq_text_own_configs(index);
	List	   *candidates = list_difference_oid(configs, own);

	/* not those that the option means, or meant when the index was built */
	if (list_length(candidates) > 1)
		candidates = list_delete_oid(candidates, barq_text_config_given(index->rd_options));
	if (list_length(candidates) > 1)
		candidates = list_delete_oid(candidates, built_config(index));
	barq_text_columns_of_classes(index, &columns);
	for (int i = 0; i < columns.fields; i++)
	{
		BarqFieldParameters *given = barq_text_field_parameters(index, i);
		const char *stale;
		Oid			config;
		char		schema[NAMEDATALEN];
		char		name[NAMEDATALEN];

		if (given->text_config == 0)
			continue;
		stale = GET_STRING_RELOPTION(given, text_config);
		if (OidIsValid(barq_text_config_recorded(stale)))
			continue;
		config = renamed(stale, candidates);
		if (!OidIsValid(config) || !barq_text_config_names(config, schema, name))
			continue;
		set_field_config(RelationGetRelid(index), columns.field_columns[i] + 1,
						 quote_qualified_identifier(schema, name));
		own = list_append_unique_oid(own, config);
	}
	return own;
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

/* The option text_config of an index of text; NULL: it has none. */
static const char *
option_of(Relation index)
{
	const BarqTextReloptions *given = (const BarqTextReloptions *) index->rd_options;

	return given == NULL ? NULL : GET_STRING_RELOPTION(given, text_config);
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
	List	   *own;
	Oid			config;
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	if (index == NULL)
		return;
	configs = barq_text_config_dependencies(relid);
	if (barq_kind_of_method(index->rd_indam) != &barq_bm25_index_kind)
	{
		relation_close(index, NoLock);
		return;
	}
	own = follow_fields(index, configs);
	if (option_of(index) != NULL && !names_right(index, configs))
	{
		List	   *others = list_difference_oid(configs, own);

		config = optioned(index, others != NIL ? others : list_copy(configs));
		if (!OidIsValid(config))
			config = renamed(option_of(index), others);
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
