/*
 * hybrid_columns.c
 *	  Which columns barq_hybrid() ranks by, through which index and operator,
 *	  and how its arguments become values of their types.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lifecycle/lifecycle.h"
#include "parser/parse_coerce.h"
#include "query/hybrid.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* What to call the rankings' indexes and arguments. */
static const struct
{
	const char *what;
	const char *argument;
	const char *hint;
} words[BARQ_LEGS] = {
	{"vectors", "vector_column", "Create an index of access method barq_hnsw or barq_ivf on a column; indexes on expressions do not count."},
	{"text", "text_column", "Create an index of access method barq_bm25 on a column; indexes on expressions do not count."},
};

Oid
barq_hybrid_table(Oid type)
{
	Oid			table = get_typ_typrelid(type);

	if (!OidIsValid(table) || get_rel_relkind(table) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not the row type of a table", format_type_be(type)),
				 errhint("Name the table by its row type, as in barq_hybrid(NULL::my_table, query => $1).")));
	return table;
}

void
barq_hybrid_check_table(Relation table)
{
	char		kind = table->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view",
						RelationGetRelationName(table))));
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
					 errhint("Rank in SQL and fuse with barq_rrf().")));
	return list_length(tables) > 1;
}

void
barq_hybrid_check_column_name(Relation table, const char *name)
{
	if (get_attnum(RelationGetRelid(table), name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist", name,
						RelationGetRelationName(table))));
}

/* The ordering operator of an operator family for a type. */
static bool
find_operator(Oid family, Oid type, BarqLegKind kind, BarqHybridColumn *column)
{
	CatCList   *list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	bool		found = false;

	for (int i = 0; i < list->n_members && !found; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);

		/* texts are also compared with texts, but a bm25query names its index */
		if (op->amoppurpose == AMOP_ORDER && op->amoplefttype == type &&
			(op->amoprighttype == type) == (kind == BARQ_LEG_VECTOR))
		{
			column->op = op->amopopr;
			column->left_type = op->amoplefttype;
			column->query_type = op->amoprighttype;
			found = true;
		}
	}
	ReleaseCatCacheList(list);
	return found;
}

/*
 * Does an index rank a plain column? *partial says whether it has a
 * predicate.
 */
static bool
index_ranks(Relation index, BarqLegKind kind, BarqHybridColumn *column,
			bool *partial)
{
	char	   *method;

	if (!barq_has_barq_method(index) || !index->rd_index->indisvalid ||
		index->rd_index->indkey.values[0] <= 0)
		return false;
	method = get_am_name(index->rd_rel->relam);
	if ((strcmp(method, "barq_bm25") == 0) != (kind == BARQ_LEG_TEXT) ||
		!find_operator(index->rd_opfamily[0], index->rd_opcintype[0], kind, column))
		return false;
	column->attnum = index->rd_index->indkey.values[0];
	column->index = RelationGetRelid(index);
	*partial = !heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
	return true;
}

static void
add_name(StringInfo names, const char *name)
{
	appendStringInfo(names, "%s\"%s\"", names->len > 0 ? ", " : "", name);
}

/* Candidates of a column, of which the best index is to be taken. */
typedef struct Choice
{
	BarqHybridColumn column;
	bool		partial;
	bool		ambiguous;
} Choice;

/*
 * Another index of a column. One without a predicate is better than one with;
 * of two as good it must not matter which is taken: the same distance, while
 * texts are scored by the statistics of one.
 */
static void
consider(Choice *choice, const BarqHybridColumn *column, bool partial,
		 BarqLegKind kind)
{
	if (!OidIsValid(choice->column.index) || (choice->partial && !partial))
	{
		choice->column = *column;
		choice->partial = partial;
		choice->ambiguous = false;
	}
	else if (choice->partial == partial &&
			 (kind == BARQ_LEG_TEXT || choice->column.op != column->op))
		choice->ambiguous = true;
}

void
barq_hybrid_find_column(Relation table, BarqLegKind kind, const char *name,
						BarqHybridColumn *column)
{
	List	   *indexes = RelationGetIndexList(table);
	AttrNumber	wanted = InvalidAttrNumber;
	Choice		choice = {{0}};
	StringInfoData columns;
	StringInfoData index_names;
	Bitmapset  *seen = NULL;
	ListCell   *lc;

	initStringInfo(&columns);
	initStringInfo(&index_names);
	if (name != NULL)
	{
		barq_hybrid_check_column_name(table, name);
		wanted = get_attnum(RelationGetRelid(table), name);
	}

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		BarqHybridColumn found = {0};
		bool		partial;

		if (index_ranks(index, kind, &found, &partial) &&
			(wanted == InvalidAttrNumber || wanted == found.attnum))
		{
			if (!bms_is_member(found.attnum, seen))
				add_name(&columns, get_attname(RelationGetRelid(table), found.attnum, false));
			seen = bms_add_member(seen, found.attnum);
			add_name(&index_names, RelationGetRelationName(index));
			consider(&choice, &found, partial, kind);
		}
		index_close(index, AccessShareLock);
	}

	if (seen == NULL && name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("column \"%s\" of table \"%s\" has no barq index of %s", name,
						RelationGetRelationName(table), words[kind].what),
				 errhint("%s", words[kind].hint)));
	if (seen == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no barq index of %s",
						RelationGetRelationName(table), words[kind].what),
				 errhint("%s", words[kind].hint)));
	if (bms_membership(seen) == BMS_MULTIPLE)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("table \"%s\" has barq indexes of %s on several columns: %s",
						RelationGetRelationName(table), words[kind].what, columns.data),
				 errhint("Name one of them with %s.", words[kind].argument)));
	if (choice.ambiguous)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("column %s of table \"%s\" has several barq indexes of %s that rank differently: %s",
						columns.data, RelationGetRelationName(table), words[kind].what,
						index_names.data),
				 errhint("Keep one of them, or rank in SQL and fuse with barq_rrf().")));

	*column = choice.column;
	get_atttypetypmodcoll(RelationGetRelid(table), column->attnum, &column->type,
						  &column->typmod, &(Oid) {0});
	column->type = getBaseTypeAndTypmod(column->type, &column->typmod);
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

void
barq_conversion_find(BarqConversion *conversion, Oid from, Oid to, int32 typmod,
					 const char *what, MemoryContext context)
{
	Oid			function;

	memset(conversion, 0, sizeof(*conversion));
	conversion->typmod = typmod;
	if (from == TEXTOID && to != TEXTOID)
	{
		conversion->how = BARQ_CONVERT_TEXT;
		getTypeInputInfo(to, &function, &conversion->io_param);
		fmgr_info_cxt(function, &conversion->function, context);
		return;
	}
	if (from != to)
		switch (find_coercion_pathway(to, from, COERCION_ASSIGNMENT, &function))
		{
			case COERCION_PATH_FUNC:
				conversion->how = BARQ_CONVERT_CAST;
				fmgr_info_cxt(function, &conversion->function, context);
				conversion->cast_nargs = get_func_nargs(function);
				break;
			case COERCION_PATH_RELABELTYPE:
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("%s is of type %s, which cannot become %s", what,
								format_type_be(from), format_type_be(to))));
		}
	if (typmod >= 0 &&
		find_typmod_coercion_function(to, &function) == COERCION_PATH_FUNC)
	{
		fmgr_info_cxt(function, &conversion->length_function, context);
		conversion->to_length = true;
	}
}

Datum
barq_convert(BarqConversion *conversion, Datum value)
{
	if (conversion->how == BARQ_CONVERT_TEXT)
		return InputFunctionCall(&conversion->function, TextDatumGetCString(value),
								 conversion->io_param, conversion->typmod);
	if (conversion->how == BARQ_CONVERT_CAST)
	{
		if (conversion->cast_nargs == 1)
			value = FunctionCall1(&conversion->function, value);
		else if (conversion->cast_nargs == 2)
			value = FunctionCall2(&conversion->function, value,
								  Int32GetDatum(conversion->typmod));
		else
			value = FunctionCall3(&conversion->function, value,
								  Int32GetDatum(conversion->typmod),
								  BoolGetDatum(false));
	}
	if (conversion->to_length)
		value = FunctionCall3(&conversion->length_function, value,
							  Int32GetDatum(conversion->typmod), BoolGetDatum(false));
	return value;
}
