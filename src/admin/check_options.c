/*
 * check_options.c
 *	  barq_check() of options: those with which an index was built, compared with
 *	  the catalog, the partitioned index and the text search configuration.
 */
#include "postgres.h"

#include "access/genam.h"
#include "admin/admin.h"
#include "am/am.h"
#include "text_index/text_index.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_ts_config.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#define PLACE "options"

/* The configurations that fields have of their own. */
static void
check_field_configs(Relation index, const BarqTextOptions *options, BarqComplain complain, void *arg)
{
	Oid			configs[BARQ_BM25_FIELDS];

	if (options->configs_fingerprint == 0)
		return;
	(void) barq_text_field_configs(index, configs);
	if (barq_text_field_configs_fingerprint(configs) != options->configs_fingerprint)
		complain(arg, "warning", PLACE,
				 pstrdup("a text search configuration of a field was altered after the index was built; REINDEX brings its rows up to date"));
}

void
barq_check_configuration(Relation index, const BarqTextOptions *options,
						 BarqComplain complain, void *arg)
{
	Oid			config = barq_text_config_of(RelationGetRelid(index), options);
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	if (!OidIsValid(config) || !barq_text_config_names(config, schema, name))
	{
		complain(arg, "error", PLACE,
				 psprintf("text search configuration %s, with which it was built, no longer exists; ALTER INDEX ... SET (text_config = '...') and REINDEX give it another one",
						  quote_qualified_identifier(options->config_schema, options->config_name)));
		return;
	}
	if (barq_text_config_fingerprint(config) != options->config_fingerprint)
		complain(arg, "warning", PLACE,
				 psprintf("text search configuration %s was altered after the index was built; REINDEX brings its rows up to date",
						  quote_qualified_identifier(schema, name)));
	check_field_configs(index, options, complain, arg);
	if (!IsPinnedObject(TSConfigRelationId, config) &&
		!list_member_oid(barq_text_config_dependencies(RelationGetRelid(index)), config))
		complain(arg, "warning", PLACE,
				 psprintf("no dependency on text search configuration %s is recorded, so that it could be dropped; REINDEX records it",
						  quote_qualified_identifier(schema, name)));
}

/* Whom check_language() tells. */
typedef struct Listener
{
	BarqComplain complain;
	void	   *arg;
} Listener;

/* BarqLanguageVisitor: report a language whose configuration was altered or dropped since. */
static void
check_language(void *arg, const char *name, Oid config, bool altered)
{
	const Listener *to = arg;

	if (!OidIsValid(config))
		to->complain(to->arg, "warning", PLACE,
					 psprintf("text search configuration %s, the language of rows, no longer exists, nor one that is defined like it; queries are not read in it",
							  name));
	else if (altered)
		to->complain(to->arg, "warning", PLACE,
					 psprintf("text search configuration %s, the language of rows, was altered after they were written; REINDEX brings them up to date",
							  name));
}

/*
 * For an index of text of a partition: report each partitioned index above it with
 * other options, for searches of that table fail.
 */
static void
check_ancestors(Relation index, const BarqFrozenOptions *built, BarqComplain complain, void *arg)
{
	ListCell   *cell;

	if (!index->rd_rel->relispartition)
		return;
	foreach(cell, get_partition_ancestors(RelationGetRelid(index)))
	{
		Relation	parent = index_open(lfirst_oid(cell), AccessShareLock);
		BarqFrozenOptions wanted;
		char	   *differing;
		char	   *of_parent;

		barq_text_freeze_options(parent, parent->rd_options, &wanted);
		if (barq_text_partition_differs(index, built, parent, &wanted, &differing, &of_parent))
			complain(arg, "error", PLACE,
					 psprintf("was built with %s, but index \"%s\" of the partitioned table has %s; searches of that table fail",
							  differing, RelationGetRelationName(parent), of_parent));
		index_close(parent, AccessShareLock);
	}
}

void
barq_check_options(Relation index, const BarqFrozenOptions *built,
				   BarqComplain complain, void *arg)
{
	const BarqIndexKind *kind = barq_index_kind(built->index_kind);
	BarqFrozenOptions wanted;
	char	   *now;
	char	   *pending;

	if (kind == &barq_bm25_index_kind)
	{
		barq_check_configuration(index, barq_text_options(built), complain, arg);
		check_ancestors(index, built, complain, arg);
		if (barq_text_options(built)->language != 0)
			barq_text_languages_visit(index, check_language, &(Listener) {complain, arg});
	}
	kind->freeze(index, index->rd_options, &wanted);
	if (barq_options_differ(index, built, index, &wanted, &now, &pending))
		complain(arg, "warning", PLACE,
				 psprintf("has %s until REINDEX gives it %s", now, pending));
}
