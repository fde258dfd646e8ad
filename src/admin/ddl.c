/*
 * ddl.c
 *	  CREATE, ALTER and DROP INDEX: check options together and with the operator
 *	  class, make an index of text depend on its configuration, and give a NOTICE
 *	  of options that wait for REINDEX.
 *
 * PostgreSQL calls object_access_hook after it has changed the catalog. The
 * library is loaded by then, because opening an index, or looking up its access
 * method, calls the handler.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "base/names.h"
#include "am/am.h"
#include "text_index/text_index.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static object_access_hook_type previous_hook = NULL;

/* The reloptions of a pg_class row, copied; *isnull: there are none. */
static Datum
stored_reloptions(HeapTuple tuple, bool *isnull)
{
	Datum		options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, isnull);

	return *isnull ? (Datum) 0 : datumCopy(options, false, -1);
}

/*
 * Does `options` have an option that `other` has not, or has with another value? Both
 * are reloptions as stored, 0 for none. Options of the policy do not count.
 */
static bool
has_others(Datum options, Datum other)
{
	List	   *elements = untransformRelOptions(options);
	List	   *others = untransformRelOptions(other);
	ListCell   *cell;

	foreach(cell, elements)
	{
		DefElem    *element = lfirst(cell);
		ListCell   *other_cell;
		bool		found = barq_policy_is_option(element->defname);

		foreach(other_cell, others)
			found |= equal(element, lfirst(other_cell));
		if (!found)
			return true;
	}
	return false;
}

/* What an ALTER INDEX changes among an index's reloptions. */
typedef enum OptionsChange
{
	CHANGES_NOTHING,
	CHANGES_POLICY,				/* only options that apply at once (policy.h) */
	CHANGES_FROZEN				/* also options that wait for REINDEX */
} OptionsChange;

/*
 * Fetch an index's reloptions as this command leaves them (not yet visible to the
 * caches) to *options. Returns how they differ from those before.
 */
static OptionsChange
new_reloptions(Oid index, Datum *options)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	bool		new_isnull = true;
	bool		old_isnull = true;
	Datum		old_options = (Datum) 0;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(index));
	scan = systable_beginscan(classes, ClassOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	*options = HeapTupleIsValid(tuple) ? stored_reloptions(tuple, &new_isnull) : (Datum) 0;
	systable_endscan(scan);
	table_close(classes, AccessShareLock);

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	if (HeapTupleIsValid(tuple))
	{
		old_options = stored_reloptions(tuple, &old_isnull);
		ReleaseSysCache(tuple);
	}
	if (new_isnull == old_isnull &&
		(new_isnull || datumIsEqual(*options, old_options, false, -1)))
		return CHANGES_NOTHING;
	return has_others(*options, old_options) || has_others(old_options, *options) ?
		CHANGES_FROZEN : CHANGES_POLICY;
}

/* NOTICE of options that have no effect before REINDEX. */
static void
notice_pending(Relation index, const BarqFrozenOptions *built, const BarqFrozenOptions *wanted)
{
	char	   *now;
	char	   *pending;

	if (barq_options_differ(index, built, index, wanted, &now, &pending))
		ereport(NOTICE,
				(errmsg("index \"%s\" keeps %s until it is rebuilt",
						RelationGetRelationName(index), now),
				 errhint("REINDEX INDEX CONCURRENTLY %s gives it %s.",
						 barq_qualified_name(index),
						 pending)));
}

/*
 * Make an index of text depend on the configuration with which it was built (`built`;
 * NULL: not built) and on the one that its option names (`optioned`). Replaces its
 * other dependencies on configurations.
 */
static void
depend_on_configurations(Relation index, const BarqFrozenOptions *built, Oid optioned)
{
	List	   *configs = lcons_oid(optioned, barq_text_own_configs(index));

	if (built != NULL)
		configs = list_append_unique_oid(configs,
										 barq_text_config_of(RelationGetRelid(index),
															 barq_text_options(built)));
	barq_text_config_depend(RelationGetRelid(index), configs);
}

/*
 * Read the options with which an index was built. Returns false if it is not built or
 * has no pages.
 */
static bool
built_options(Relation index, BarqFrozenOptions *built)
{
	BarqMeta	meta;

	if (index->rd_rel->relkind != RELKIND_INDEX || !barq_is_built(index) ||
		RelationGetNumberOfBlocks(index) == 0)
		return false;
	barq_meta_read(index, &meta);
	*built = meta.options;
	return true;
}

/*
 * Handle a new relation: if it is a barq index, check its class and options and
 * record dependencies. Increments the command counter. The relation is opened
 * without a lock: the command holds one since it created the relation. Errors of
 * barq_check_class() and kind->freeze(). It has no pages yet, except after an ALTER
 * TABLE that changes a column's type but not its values: then it has the pages of
 * the index that it replaces.
 */
static void
index_created(Oid relid)
{
	Relation	index;
	const BarqIndexKind *kind;
	BarqFrozenOptions wanted;
	BarqFrozenOptions built;

	/* makes the new index visible; index_create() does the same after the hook */
	CommandCounterIncrement();
	index = relation_open(relid, NoLock);
	kind = barq_kind_of_method(index->rd_indam);
	if (kind != NULL)
	{
		if (kind == &barq_bm25_index_kind && barq_text_is_language(index, 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("column 1 of index \"%s\" is the language of a row, and not a text",
							RelationGetRelationName(index)),
					 errhint("Put the columns that are searched first.")));
		barq_check_class(index);
		kind->freeze(index, index->rd_options, &wanted);
		if (kind == &barq_bm25_index_kind)
		{
			Oid			config = barq_text_options(&wanted)->config;

			depend_on_configurations(index, NULL, config);
			if (built_options(index, &built))
			{
				CommandCounterIncrement();
				depend_on_configurations(index, &built, config);
			}
		}
	}
	relation_close(index, NoLock);
}

/* Handle ALTER INDEX: check new options, record dependencies, NOTICE of pending ones. */
static void
index_altered(Relation index)
{
	const BarqIndexKind *kind = barq_kind_of_method(index->rd_indam);
	BarqFrozenOptions wanted;
	BarqFrozenOptions built;
	Datum		options;
	OptionsChange change;
	bool		is_built;

	change = new_reloptions(RelationGetRelid(index), &options);
	if (change == CHANGES_NOTHING)
		return;
	kind->freeze(index, index_reloptions(index->rd_indam->amoptions, options, false), &wanted);
	is_built = built_options(index, &built);
	if (kind == &barq_bm25_index_kind)
		depend_on_configurations(index, is_built ? &built : NULL,
								 barq_text_options(&wanted)->config);
	if (is_built && change == CHANGES_FROZEN)
		notice_pending(index, &built, &wanted);
}

/*
 * Handle the drop of an old index by REINDEX CONCURRENTLY, which has copied the old
 * index's dependencies to the new one: remove those that the new index does not
 * need.
 */
static void
index_dropped_concurrently(Oid dropped)
{
	Oid			table = IndexGetRelation(dropped, true);
	Relation	heap;
	ListCell   *cell;

	if (!OidIsValid(table))
		return;
	heap = table_open(table, NoLock);
	foreach(cell, RelationGetIndexList(heap))
	{
		Relation	index;
		BarqFrozenOptions built;

		if (lfirst_oid(cell) == dropped ||
			list_length(barq_text_config_dependencies(lfirst_oid(cell))) == 0)
			continue;
		index = index_open(lfirst_oid(cell), AccessShareLock);
		if (barq_kind_of_method(index->rd_indam) == &barq_bm25_index_kind &&
			built_options(index, &built))
			depend_on_configurations(index, &built, barq_text_config_given(index->rd_options));
		index_close(index, NoLock);
	}
	table_close(heap, NoLock);
}

/*
 * Is a relation, perhaps just being created, an index or partitioned index of barq?
 * False for NULL. Looks its access method up, which may load the library of the method
 * and leaves a copy of its table in the current memory context.
 */
static bool
is_barq_index_to_be(Relation rel)
{
	return rel != NULL &&
		(rel->rd_rel->relkind == RELKIND_INDEX ||
		 rel->rd_rel->relkind == RELKIND_PARTITIONED_INDEX) &&
		barq_kind_of_method(GetIndexAmRoutineByAmId(rel->rd_rel->relam, true)) != NULL;
}

/* The object_access_hook; calls the previous one first. */
static void
object_accessed(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	Relation	rel;
	bool		ours;

	if (previous_hook != NULL)
		previous_hook(access, class_id, object_id, sub_id, arg);
	if (class_id != RelationRelationId || sub_id != 0 ||
		(access != OAT_POST_CREATE && access != OAT_POST_ALTER && access != OAT_DROP))
		return;
	if (access == OAT_DROP &&
		(((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_CONCURRENT_LOCK) == 0)
		return;

	/* an index being created is in the relcache only */
	rel = RelationIdGetRelation(object_id);
	ours = is_barq_index_to_be(rel);
	if (ours && access == OAT_POST_ALTER)
		index_altered(rel);
	if (rel != NULL)
		RelationClose(rel);
	if (ours && access == OAT_POST_CREATE)
		index_created(object_id);
	if (ours && access == OAT_DROP)
		index_dropped_concurrently(object_id);
}

void
barq_watch_ddl(void)
{
	previous_hook = object_access_hook;
	object_access_hook = object_accessed;
}
