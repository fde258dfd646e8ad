/*
 * text_config.c
 *	  The text search configuration of an index: the one that it was built with,
 *	  and a fingerprint of that configuration's definition.
 *
 * The index depends on its configuration (pg_depend), so that DROP is refused;
 * renaming the configuration or moving it to another schema changes nothing.
 * After ALTER INDEX ... SET (text_config) and until REINDEX the index depends on
 * the old and the new one. The metapage has the OID of the one it was built with.
 * That OID is trusted only if the dependency on it is recorded, or it is pinned,
 * and only in the cluster that built the index: pg_upgrade carries the metapage to
 * a cluster with other OIDs. There the fingerprint and the name decide.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "text_index/text_index.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "port/pg_crc32c.h"
#include "storage/lmgr.h"
#include "tsearch/ts_cache.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* ---- names ---- */

/*
 * A name as a list of schema and name, palloc'd; the schema is pg_catalog if none
 * is given. NIL if the text is not a name.
 */
static List *
catalog_name(const char *name)
{
	List	   *parts;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || parts == NIL ||
		list_length(parts) > 2)
		return NIL;
	if (list_length(parts) == 1)
		parts = lcons("pg_catalog", parts);
	return list_make2(makeString(linitial(parts)), makeString(lsecond(parts)));
}

Oid
barq_text_config_named(const char *name, bool missing_ok)
{
	List	   *parts = catalog_name(name);
	Oid			config = parts == NIL ? InvalidOid : get_ts_config_oid(parts, true);

	if (OidIsValid(config) || missing_ok)
		return config;
	if (parts == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not a name of a text search configuration", name),
				 errhint("Write, for example, text_config = 'english' or text_config = 'public.mine'; \\dF lists them.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("text search configuration \"%s\" does not exist", name),
			 strchr(name, '.') != NULL ? errhint("\\dF *.* lists them.") : errhint("\\dF *.* lists them; one that is not PostgreSQL's own is named with its schema: text_config = 'public.%s'.", name)));
}

Oid
barq_text_config_recorded(const char *name)
{
	List	   *parts = catalog_name(name);
	Oid			schema;

	if (parts == NIL)
		return InvalidOid;
	if (strcmp(strVal(linitial(parts)), "pg_temp") == 0)
		return get_ts_config_oid(parts, true);
	schema = get_namespace_oid(strVal(linitial(parts)), true);
	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid2(TSCONFIGNAMENSP, Anum_pg_ts_config_oid,
						   CStringGetDatum(strVal(lsecond(parts))), ObjectIdGetDatum(schema));
}

bool
barq_text_config_names(Oid config, char *schema, char *name)
{
	HeapTuple	tuple = SearchSysCache1(TSCONFIGOID, ObjectIdGetDatum(config));
	Form_pg_ts_config form;
	char	   *namespace;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_ts_config) GETSTRUCT(tuple);
	namespace = get_namespace_name(form->cfgnamespace);
	if (namespace != NULL)
	{
		strlcpy(name, NameStr(form->cfgname), NAMEDATALEN);
		strlcpy(schema, namespace, NAMEDATALEN);
	}
	ReleaseSysCache(tuple);
	return namespace != NULL;
}

/* ---- fingerprint ---- */

/*
 * Append a dictionary's template and options. follow: also those of the
 * dictionary that it passes its input through, named in an option (a thesaurus
 * does that). Without a schema that one is looked up in pg_catalog only, so that
 * the fingerprint does not depend on the session's search_path.
 */
static void
append_dictionary(StringInfo content, Oid dictionary, bool follow)
{
	HeapTuple	tuple = SearchSysCache1(TSDICTOID, ObjectIdGetDatum(dictionary));
	HeapTuple	template;
	Datum		options;
	bool		isnull;
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
		return;
	template = SearchSysCache1(TSTEMPLATEOID,
							   ObjectIdGetDatum(((Form_pg_ts_dict) GETSTRUCT(tuple))->dicttemplate));
	if (HeapTupleIsValid(template))
	{
		appendStringInfo(content, " %s", NameStr(((Form_pg_ts_template) GETSTRUCT(template))->tmplname));
		ReleaseSysCache(template);
	}
	options = SysCacheGetAttr(TSDICTOID, tuple, Anum_pg_ts_dict_dictinitoption, &isnull);
	if (!isnull)
	{
		appendStringInfo(content, " (%s)", TextDatumGetCString(options));
		foreach(cell, follow ? deserialize_deflist(options) : NIL)
		{
			DefElem    *option = lfirst(cell);

			List	   *name = strcmp(option->defname, "dictionary") == 0 ?
				catalog_name(defGetString(option)) : NIL;

			if (name != NIL)
				append_dictionary(content, get_ts_dict_oid(name, true), false);
		}
	}
	ReleaseSysCache(tuple);
}

uint32
barq_text_config_fingerprint(Oid config)
{
	TSConfigCacheEntry *entry = lookup_ts_config_cache(config);
	HeapTuple	parser = SearchSysCache1(TSPARSEROID, ObjectIdGetDatum(entry->prsId));
	StringInfoData content;
	pg_crc32c	crc;

	initStringInfo(&content);
	if (HeapTupleIsValid(parser))
	{
		appendStringInfoString(&content, NameStr(((Form_pg_ts_parser) GETSTRUCT(parser))->prsname));
		ReleaseSysCache(parser);
	}
	for (int type = 0; type < entry->lenmap; type++)
	{
		if (entry->map[type].len == 0)
			continue;
		appendStringInfo(&content, "\n%d:", type);
		for (int i = 0; i < entry->map[type].len; i++)
			append_dictionary(&content, entry->map[type].dictIds[i], true);
	}
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, content.data, content.len);
	FIN_CRC32C(crc);
	pfree(content.data);
	return crc;
}

/* ---- dependencies ---- */

List *
barq_text_config_dependencies(Oid index)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *configs = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(index));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == TSConfigRelationId)
			configs = list_append_unique_oid(configs, form->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return configs;
}

/*
 * Record a dependency. AccessShareLock on the configuration, kept until the end
 * of the transaction, blocks a concurrent DROP. Raises ERRCODE_UNDEFINED_OBJECT
 * if the configuration was dropped before.
 */
static void
depend_on(Oid index, Oid config)
{
	ObjectAddress depender;
	ObjectAddress referenced;
	char		schema[NAMEDATALEN] = "";
	char		name[NAMEDATALEN] = "";

	barq_text_config_names(config, schema, name);
	LockDatabaseObject(TSConfigRelationId, config, 0, AccessShareLock);
	if (!SearchSysCacheExists1(TSCONFIGOID, ObjectIdGetDatum(config)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration %s was concurrently dropped",
						quote_qualified_identifier(schema, name))));
	ObjectAddressSet(depender, RelationRelationId, index);
	ObjectAddressSet(referenced, TSConfigRelationId, config);
	recordDependencyOn(&depender, &referenced, DEPENDENCY_NORMAL);
}

void
barq_text_config_depend(Oid index, List *configs)
{
	List	   *recorded = barq_text_config_dependencies(index);
	bool		changed = false;
	ListCell   *cell;

	foreach(cell, recorded)
		if (!list_member_oid(configs, lfirst_oid(cell)))
		{
			deleteDependencyRecordsForSpecific(RelationRelationId, index, DEPENDENCY_NORMAL,
											   TSConfigRelationId, lfirst_oid(cell));
			changed = true;
		}
	foreach(cell, configs)
		if (OidIsValid(lfirst_oid(cell)) && !list_member_oid(recorded, lfirst_oid(cell)) &&
			!IsPinnedObject(TSConfigRelationId, lfirst_oid(cell)))
		{
			depend_on(index, lfirst_oid(cell));
			recorded = lappend_oid(recorded, lfirst_oid(cell));
			changed = true;
		}
	if (changed)
		CacheInvalidateRelcacheByRelid(index);
}

/* ---- the configuration of an index ---- */

Oid
barq_text_config_with_fingerprint(uint32 fingerprint)
{
	Relation	configs = table_open(TSConfigRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(configs, InvalidOid, false, NULL, 0, NULL);
	Oid			found = InvalidOid;
	HeapTuple	tuple;

	while (!OidIsValid(found) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			config = ((Form_pg_ts_config) GETSTRUCT(tuple))->oid;

		CHECK_FOR_INTERRUPTS();
		if (barq_text_config_fingerprint(config) == fingerprint)
			found = config;
	}
	systable_endscan(scan);
	table_close(configs, AccessShareLock);
	return found;
}

/*
 * The configuration of an index whose OID on the metapage is not to be trusted:
 * among its dependencies the one with the recorded fingerprint; else the one with
 * the recorded name, if the index depends on it or on none or the fingerprint is
 * the same; else any with the fingerprint. InvalidOid: none of these.
 */
static Oid
recognize(const BarqTextOptions *options, List *dependencies)
{
	Oid			named =
		barq_text_config_recorded(quote_qualified_identifier(options->config_schema,
															 options->config_name));
	ListCell   *cell;

	foreach(cell, dependencies)
		if (barq_text_config_fingerprint(lfirst_oid(cell)) == options->config_fingerprint)
			return lfirst_oid(cell);
	if (OidIsValid(named) &&
		(dependencies == NIL || list_member_oid(dependencies, named) ||
		 IsPinnedObject(TSConfigRelationId, named) ||
		 barq_text_config_fingerprint(named) == options->config_fingerprint))
		return named;
	return barq_text_config_with_fingerprint(options->config_fingerprint);
}

/* The configuration of an index, cached by this backend. */
typedef struct Found
{
	Oid			index;			/* key */
	Oid			built;			/* the OID on the metapage */
	uint64		generation;		/* of configurations, when it was found */
	Oid			config;			/* may be InvalidOid */
	bool		by_field;		/* configs[] are known */
	Oid			configs[BARQ_BM25_FIELDS];
} Found;

static HTAB *found_configs = NULL;

/* Incremented when configurations change. */
static uint64 generation = 1;

/* Syscache callback. */
static void
configurations_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

static void
init_found(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Found);
	control.hcxt = TopMemoryContext;
	CacheRegisterSyscacheCallback(TSCONFIGOID, configurations_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TSCONFIGMAP, configurations_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TSDICTOID, configurations_changed, (Datum) 0);
	found_configs = hash_create("barq text search configurations", 32, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

uint64
barq_text_config_generation(void)
{
	if (found_configs == NULL)
		init_found();
	return generation;
}

void
barq_text_config_forget(Oid index)
{
	if (found_configs == NULL)
		return;
	if (OidIsValid(index))
		(void) hash_search(found_configs, &index, HASH_REMOVE, NULL);
	else
		generation++;
}

Oid
barq_text_config_of(Oid index, const BarqTextOptions *options)
{
	Found	   *found;
	List	   *dependencies;
	Oid			config = InvalidOid;
	uint64		now = generation;

	if (found_configs == NULL)
		init_found();
	found = hash_search(found_configs, &index, HASH_FIND, NULL);
	if (found != NULL && found->generation == now && found->built == options->config)
		return found->config;

	dependencies = barq_text_config_dependencies(index);
	if (options->system_identifier == GetSystemIdentifier() &&
		(list_member_oid(dependencies, options->config) ||
		 IsPinnedObject(TSConfigRelationId, options->config)) &&
		SearchSysCacheExists1(TSCONFIGOID, ObjectIdGetDatum(options->config)))
		config = options->config;
	else
		config = recognize(options, dependencies);

	found = hash_search(found_configs, &index, HASH_ENTER, NULL);
	found->built = options->config;
	found->generation = now;
	found->config = config;
	found->by_field = false;
	return config;
}

/*
 * The configurations of the fields of an index, of which some have their own. A backend looks
 * them up as barq_text_config_of() does. Errors of barq_text_field_configs().
 */
static void
configs_of_fields(Oid index, Oid *configs)
{
	Found	   *found = hash_search(found_configs, &index, HASH_FIND, NULL);
	Relation	rel;
	uint64		now = generation;

	if (found != NULL && found->by_field && found->generation == now)
	{
		memcpy(configs, found->configs, sizeof(found->configs));
		return;
	}
	rel = relation_open(index, AccessShareLock);
	(void) barq_text_field_configs(rel, configs);
	relation_close(rel, NoLock);

	/* the lookup may have changed the table */
	found = hash_search(found_configs, &index, HASH_FIND, NULL);
	if (found == NULL || found->generation != now)
		return;
	memcpy(found->configs, configs, sizeof(found->configs));
	found->by_field = true;
}

BarqTextAnalysis
barq_text_analysis(Oid index, const BarqTextOptions *options)
{
	BarqTextAnalysis analysis = {0};

	analysis.config = barq_text_config_of(index, options);
	analysis.tokenizer = options->tokenizer;
	analysis.by_row = options->language != 0;
	if (!OidIsValid(analysis.config))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration %s, with which index \"%s\" was built, no longer exists",
						quote_qualified_identifier(options->config_schema,
												   options->config_name),
						get_rel_name(index)),
				 errhint("Give the index another one with ALTER INDEX ... SET (text_config = '...'), and REINDEX it.")));
	analysis.by_field = options->configs_fingerprint != 0;
	if (analysis.by_field)
		configs_of_fields(index, analysis.configs);
	return analysis;
}

BarqTextAnalysis
barq_text_analysis_of(Relation index)
{
	BarqTextOptions options = *barq_text_options(&barq_meta_cached(index, false)->options);

	return barq_text_analysis(RelationGetRelid(index), &options);
}
