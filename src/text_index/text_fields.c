/*
 * text_fields.c
 *	  Which columns of an index of text are fields (searched) and which are filter
 *	  columns.
 *
 * A column is a field if its operator class ranks. Before there were fields, only the
 * first column was one, whatever the classes of others; the metapage tells.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "text_index/text_index.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Whether an operator family has the operator <@>. Reads catalogs only. */
static bool
family_ranks(Oid family)
{
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	bool		ranks = false;

	for (int i = 0; i < operators->n_members && !ranks; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		ranks = op->amopstrategy == BARQ_TEXT_SCORE_STRATEGY;
	}
	ReleaseCatCacheList(operators);
	return ranks;
}

/* Number the columns; one_field: all but the first are filter columns. */
static void
number_columns(Relation index, bool one_field, BarqTextColumns *columns)
{
	memset(columns, 0, sizeof(*columns));
	columns->language = -1;
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		bool		field = i == 0 || (!one_field && family_ranks(index->rd_opfamily[i]));

		columns->field_of[i] = -1;
		if (!field && barq_text_is_language(index, i))
		{
			if (columns->language >= 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						 errmsg("index \"%s\" has two languages for each row",
								RelationGetRelationName(index)),
						 errdetail("They are the columns %d and %d.", columns->language + 1, i + 1),
						 errhint("A column that only conditions use has the operator class oid_ops or text_filter_ops.")));
			columns->language = i;
		}
		if (!field)
		{
			columns->filter_columns[columns->filters++] = i;
			continue;
		}
		if (columns->fields == BARQ_TEXT_MOST_FIELDS)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_COLUMNS),
					 errmsg("index \"%s\" has more than %d fields",
							RelationGetRelationName(index), BARQ_TEXT_MOST_FIELDS),
					 errhint("Give columns that only conditions use the operator class text_filter_ops.")));
		columns->field_of[i] = columns->fields;
		columns->field_columns[columns->fields++] = i;
	}
}

void
barq_text_columns_of_classes(Relation index, BarqTextColumns *columns)
{
	number_columns(index, false, columns);
}

/* A leaf of a partitioned index; InvalidOid if it has none. Takes no lock. */
static Oid
leaf_of(Oid index)
{
	ListCell   *cell;

	foreach(cell, find_inheritance_children(index, NoLock))
	{
		Oid			leaf = lfirst_oid(cell);

		if (get_rel_relkind(leaf) == RELKIND_PARTITIONED_INDEX)
			leaf = leaf_of(leaf);
		if (OidIsValid(leaf))
			return leaf;
	}
	return InvalidOid;
}

void
barq_text_columns(Relation index, BarqTextColumns *columns)
{
	number_columns(index, false, columns);
	if (columns->fields == 1)
		return;
	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
	{
		Oid			leaf = leaf_of(RelationGetRelid(index));

		if (OidIsValid(leaf))
		{
			Relation	rel = index_open(leaf, AccessShareLock);

			barq_text_columns(rel, columns);
			index_close(rel, AccessShareLock);
		}
	}
	else if (barq_text_options(&barq_meta_cached(index, false)->options)->nfields == 0)
		number_columns(index, true, columns);
}

BarqFilterColumns
barq_text_filters(const BarqTextColumns *columns)
{
	BarqFilterColumns filters = {.n = columns->filters};

	memcpy(filters.columns, columns->filter_columns, sizeof(filters.columns));
	return filters;
}

BarqFieldParameters *
barq_text_field_parameters(Relation index, int field)
{
	BarqTextColumns columns;
	BarqFieldParameters *given;
	bytea	  **options = RelationGetIndexAttOptions(index, true);

	number_columns(index, false, &columns);
	given = (BarqFieldParameters *) options[columns.field_columns[field]];
	if (given == NULL)
	{
		given = palloc0(sizeof(BarqFieldParameters));
		given->weight = 1;
		given->b = -1;
	}
	return given;
}

bool
barq_text_field_configs(Relation index, Oid *configs)
{
	BarqTextColumns columns;
	bool		any = false;

	memset(configs, 0, sizeof(Oid) * BARQ_BM25_FIELDS);
	number_columns(index, false, &columns);
	for (int i = 0; i < columns.fields && columns.fields > 1; i++)
	{
		BarqFieldParameters *given = barq_text_field_parameters(index, i);

		if (given->text_config == 0)
			continue;
		configs[i] = barq_text_config_recorded(GET_STRING_RELOPTION(given, text_config));
		if (!OidIsValid(configs[i]))
			configs[i] = barq_text_config_named(GET_STRING_RELOPTION(given, text_config), false);
		any = true;
	}
	return any;
}

List *
barq_text_own_configs(Relation index)
{
	BarqTextColumns columns;
	List	   *configs = NIL;

	number_columns(index, false, &columns);
	for (int i = 0; i < columns.fields; i++)
	{
		BarqFieldParameters *given = barq_text_field_parameters(index, i);
		Oid			config = given->text_config == 0 ? InvalidOid :
			barq_text_config_recorded(GET_STRING_RELOPTION(given, text_config));

		if (OidIsValid(config))
			configs = list_append_unique_oid(configs, config);
	}
	return configs;
}

uint32
barq_text_field_configs_fingerprint(const Oid *configs)
{
	uint32		hash = 0;
	bool		any = false;

	for (int i = 0; i < BARQ_BM25_FIELDS; i++)
		if (OidIsValid(configs[i]))
		{
			hash = hash_combine(hash, hash_combine(i + 1, barq_text_config_fingerprint(configs[i])));
			any = true;
		}
	return any && hash == 0 ? 1 : hash;
}

/* The names of all fields of an open index, of a single one too, palloc'd. */
static void
names_of(Relation index, BarqQueryFields *names)
{
	BarqTextColumns columns;

	memset(names, 0, sizeof(*names));
	barq_text_columns(index, &columns);
	for (int i = 0; i < columns.fields; i++)
	{
		BarqFieldParameters *given = barq_text_field_parameters(index, i);
		AttrNumber	attribute = index->rd_index->indkey.values[columns.field_columns[i]];

		names->n++;
		if (given->name != 0)
			names->names[i] = pstrdup(GET_STRING_RELOPTION(given, name));
		else if (attribute != 0)
			names->names[i] = get_attname(index->rd_index->indrelid, attribute, false);
	}
}

void
barq_text_field_names(Oid index_oid, BarqQueryFields *names)
{
	Relation	index = index_open(index_oid, AccessShareLock);

	names_of(index, names);
	if (names->n == 1)
		memset(names, 0, sizeof(*names));
	index_close(index, AccessShareLock);
}

uint32
barq_text_field_named(Oid index_oid, const char *name)
{
	Relation	index = relation_open(index_oid, AccessShareLock);
	BarqQueryFields names;
	uint32		n;

	names_of(index, &names);
	for (n = 0; n < names.n; n++)
		if (names.names[n] != NULL && strcmp(names.names[n], name) == 0)
			break;
	if (n == names.n)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("index \"%s\" has no field \"%s\"", RelationGetRelationName(index), name),
				 errhint("Its fields are %s.", barq_query_fields_list(&names))));
	relation_close(index, AccessShareLock);
	return names.n == 1 ? 0 : 1u << n;
}

/*
 * Raise ERRCODE_INVALID_PARAMETER_VALUE if a query could not name a field so (NULL or
 * empty: no name is given).
 */
static void
check_name(const char *name)
{
	if (name == NULL || name[0] == '\0')
		return;
	if (strlen(name) >= NAMEDATALEN || strpbrk(name, " \t\n\r\f\v:\"()\\*^+-") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be the name of a field", name),
				 errhint("A name has at most %d bytes, and no spaces or marks of a text query.",
						 NAMEDATALEN - 1)));
}

/*
 * Raise ERRCODE_INVALID_NAME or ERRCODE_UNDEFINED_OBJECT if a text (NULL: none is given) names
 * no configuration.
 */
static void
check_config(const char *name)
{
	if (name != NULL)
		(void) barq_text_config_named(name, false);
}

/*
 * bm25_ops_options(internal) → void: the parameters of a field. Bounds are checked by
 * PostgreSQL.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_ops_options);
Datum
barq_bm25_ops_options(PG_FUNCTION_ARGS)
{
	local_relopts *options = (local_relopts *) PG_GETARG_POINTER(0);

	init_local_reloptions(options, sizeof(BarqFieldParameters));
	add_local_real_reloption(options, "weight", "how much the field counts", 1, 0, 1000,
							 offsetof(BarqFieldParameters, weight));
	add_local_real_reloption(options, "b", "how much the field's length counts", -1, 0, 1,
							 offsetof(BarqFieldParameters, b));
	add_local_string_reloption(options, "name", "the field's name in queries", NULL, check_name,
							   NULL, offsetof(BarqFieldParameters, name));
	add_local_string_reloption(options, "text_config", "text search configuration of the field", NULL,
							   check_config, NULL, offsetof(BarqFieldParameters, text_config));
	PG_RETURN_VOID();
}
