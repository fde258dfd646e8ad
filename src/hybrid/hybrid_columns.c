/*
 * hybrid_columns.c
 *	  The column or expression, index and operator by which barq_hybrid() ranks.
 *
 * Every valid barq index of the table that the arguments do not exclude is an
 * option. All options have to be on one column (or equal expressions); several
 * columns are an error. An index of several fields ranks by all of them, as a row, or by
 * the named one, unless another index is on that column alone. Indexes without a predicate are preferred, then partial
 * indexes whose predicate the filter implies, then the others, which give the
 * distance or the statistics while rows are found without them. Among equally good
 * ones the choice must not matter: indexes of vectors must have the same distance;
 * for texts there must be one only, since each has its own statistics.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lifecycle/index_kind.h"
#include "lifecycle/lifecycle.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "hybrid/hybrid.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Words for messages about each ranking. */
static const struct
{
	const char *what;
	const char *column_argument;
	const char *index_argument;
	const char *hint;
} words[BARQ_LEGS] = {
	{"vectors", "vector_column", "vector_index", "Create an index of access method barq_hnsw or barq_ivf."},
	{"text", "text_column", "text_index", "Create an index of access method barq_bm25."},
};

/* How well an index fits the filter, the best first. */
typedef enum Fit
{
	FIT_WHOLE,					/* no predicate */
	FIT_IMPLIED,				/* the filter implies its predicate */
	FIT_APART					/* it may lack rows that pass the filter */
} Fit;

/* An index that a ranking may use. */
typedef struct Option
{
	BarqHybridColumn column;
	Node	   *expression;		/* NULL: the index is on a column */
	List	   *predicate;
	const char *name;
	Fit			fit;
} Option;

/* Raise ERRCODE_UNDEFINED_COLUMN if the table has no such column. */
static void
check_column_name(Relation table, BarqLegKind kind, const char *name)
{
	if (get_attnum(RelationGetRelid(table), name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist", name,
						RelationGetRelationName(table)),
				 strchr(name, ',') != NULL ?
				 errhint("%s takes one name. To rank by several columns make one index of them, and name it with %s.",
						 words[kind].column_argument, words[kind].index_argument) :
				 strpbrk(name, "(|") != NULL ?
				 errhint("%s takes the name of a column of the table. An index of an expression is named with %s.",
						 words[kind].column_argument, words[kind].index_argument) :
				 errhint("%s takes the name of a column of the table.", words[kind].column_argument)));
}

/* Find the ordering operator of a family for a type; sets members of *column. */
static bool
find_operator(Oid family, Oid type, BarqLegKind kind, BarqHybridColumn *column)
{
	CatCList   *list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	bool		found = false;

	for (int i = 0; i < list->n_members && !found; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);

		/* the operator of texts is the one with a bm25query, which names its index */
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
 * Whether an open index is a barq index for this kind of ranking. Reads catalogs
 * only.
 */
static bool
ranks(Relation index, BarqLegKind kind)
{
	return barq_has_barq_method(index) &&
		(strcmp(barq_kind_of_method(index->rd_indam)->name, "barq_bm25") == 0) == (kind == BARQ_LEG_TEXT);
}

/* The columns by which an index ranks: the only one, all fields, or the field on `wanted`. */
static void
set_fields(Relation index, AttrNumber wanted, BarqHybridColumn *column)
{
	const BarqIndexKind *kind = barq_kind_of_method(index->rd_indam);

	column->nfields = kind->ranked != NULL ? kind->ranked(index, column->fields) : 1;
	column->one_of_several = false;
	for (int i = 0; i < column->nfields && column->nfields > 1; i++)
		if (wanted != InvalidAttrNumber &&
			index->rd_index->indkey.values[column->fields[i]] == wanted)
		{
			column->fields[0] = column->fields[i];
			column->nfields = 1;
			column->one_of_several = true;
		}
}

/* Let a column be the row of its fields: the operator of the same name, of a record. */
static bool
take_row(BarqHybridColumn *column)
{
	char	   *name = get_opname(column->op);

	column->op = GetSysCacheOid4(OPERNAMENSP, Anum_pg_operator_oid, CStringGetDatum(name),
								 ObjectIdGetDatum(RECORDOID),
								 ObjectIdGetDatum(column->query_type),
								 ObjectIdGetDatum(get_func_namespace(get_opcode(column->op))));
	column->left_type = column->type = RECORDOID;
	column->typmod = -1;
	return OidIsValid(column->op);
}

/*
 * The option of an index, palloc'd; NULL if it cannot be used for this ranking. wanted: the
 * named column, or invalid.
 */
static Option *
option_of(Relation index, BarqLegKind kind, AttrNumber wanted)
{
	Option	   *option = palloc0(sizeof(Option));
	BarqHybridColumn *column = &option->column;
	int			first;

	if (!ranks(index, kind) || !index->rd_index->indisvalid)
		return NULL;
	set_fields(index, wanted, column);
	first = column->fields[0];
	if (!find_operator(index->rd_opfamily[first], index->rd_opcintype[first], kind, column))
		return NULL;
	column->index = RelationGetRelid(index);
	column->of_lists = strcmp(barq_kind_of_method(index->rd_indam)->name, "barq_ivf") == 0;
	if (column->nfields > 1)
	{
		if (!take_row(column))
			return NULL;
	}
	else if ((column->attnum = index->rd_index->indkey.values[first]) == 0)
	{
		/* a named field is no expression, so this is the first column */
		option->expression = copyObject(linitial(RelationGetIndexExpressions(index)));
		column->type = exprType(option->expression);
		column->typmod = exprTypmod(option->expression);
	}
	else
		get_atttypetypmodcoll(index->rd_index->indrelid, column->attnum, &column->type,
							  &column->typmod, &(Oid) {0});
	column->type = getBaseTypeAndTypmod(column->type, &column->typmod);
	option->name = pstrdup(RelationGetRelationName(index));
	option->predicate = copyObject(RelationGetIndexPredicate(index));
	column->partial = option->predicate != NIL;
	return option;
}

/* The options for a ranking, without those on other columns than the named one. */
static List *
collect_options(Relation table, BarqLegKind kind, const BarqHybridArgs *args)
{
	AttrNumber	wanted = args->column[kind] == NULL ? InvalidAttrNumber :
		get_attnum(RelationGetRelid(table), args->column[kind]);
	List	   *options = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Option	   *option = option_of(index, kind, wanted);

		if (option != NULL && (wanted == InvalidAttrNumber || wanted == option->column.attnum))
			options = lappend(options, option);
		index_close(index, AccessShareLock);
	}
	return options;
}

/* The options without indexes of several fields, of which one is ranked, if there are others. */
static List *
without_fields(List *options)
{
	List	   *alone = NIL;
	ListCell   *lc;

	foreach(lc, options)
		if (!((Option *) lfirst(lc))->column.one_of_several)
			alone = lappend(alone, lfirst(lc));
	return alone != NIL ? alone : options;
}

static void
add_name(StringInfo names, const char *format, const char *name)
{
	if (names->len > 0)
		appendStringInfoString(names, ", ");
	appendStringInfo(names, format, name);
}

/* Quoted names of the options' indexes, palloc'd. */
static char *
index_names(List *options)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, options)
		add_name(&names, "\"%s\"", ((Option *) lfirst(lc))->name);
	return names.data;
}

/*
 * Whether both options are on the same column or equal expressions. No side
 * effects.
 */
static bool
same_column(const Option *a, const Option *b)
{
	return a->column.attnum == b->column.attnum && equal(a->expression, b->expression) &&
		(a->column.nfields > 1) == (b->column.nfields > 1);
}

/* The columns and expressions of the options, each once. */
static char *
column_names(Relation table, List *options)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < list_length(options); i++)
	{
		Option	   *option = list_nth(options, i);
		bool		again = false;

		for (int j = 0; j < i && !again; j++)
			again = same_column(option, list_nth(options, j));
		if (again)
			continue;
		if (option->column.nfields > 1)
			add_name(&names, "the fields of index \"%s\"", option->name);
		else if (option->expression != NULL)
			add_name(&names, "the expression of index \"%s\"", option->name);
		else
			add_name(&names, "\"%s\"", get_attname(RelationGetRelid(table), option->column.attnum, false));
	}
	return names.data;
}

/* The index of the table with this name. Errors of barq_hybrid_check_names(). */
static Oid
named_index(Relation table, BarqLegKind kind, const char *name)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Oid			found = InvalidOid;

		if (strcmp(RelationGetRelationName(index), name) == 0)
		{
			if (!ranks(index, kind))
				ereport(ERROR,
						(errcode(ERRCODE_WRONG_OBJECT_TYPE),
						 errmsg("index \"%s\" is not a barq index of %s", name,
								words[kind].what)));
			if (!index->rd_index->indisvalid)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("index \"%s\" is not valid", name)));
			found = RelationGetRelid(index);
		}
		index_close(index, AccessShareLock);
		if (OidIsValid(found))
			return found;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table \"%s\" has no index \"%s\"", RelationGetRelationName(table), name),
			 errhint("%s takes the name of an index of the table, without a schema.",
					 words[kind].index_argument)));
}

void
barq_hybrid_check_names(Relation table, BarqLegKind kind, const BarqHybridArgs *args)
{
	if (args->column[kind] != NULL)
		check_column_name(table, kind, args->column[kind]);
	if (args->index[kind] != NULL)
		named_index(table, kind, args->index[kind]);
}

/* Raise ERRCODE_UNDEFINED_OBJECT: there is no index for this ranking. */
pg_noreturn static void
raise_no_option(Relation table, BarqLegKind kind, const BarqHybridArgs *args)
{
	if (args->column[kind] != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("column \"%s\" of table \"%s\" has no barq index of %s",
						args->column[kind], RelationGetRelationName(table),
						words[kind].what),
				 errhint("%s", words[kind].hint)));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table \"%s\" has no barq index of %s",
					RelationGetRelationName(table), words[kind].what),
			 errhint("%s", words[kind].hint)));
}

/* Raise ERRCODE_AMBIGUOUS_COLUMN: the options are on several columns. */
pg_noreturn static void
raise_several_columns(Relation table, BarqLegKind kind, List *options)
{
	bool		expressions = false;
	ListCell   *lc;

	foreach(lc, options)
		expressions |= ((Option *) lfirst(lc))->expression != NULL ||
			((Option *) lfirst(lc))->column.nfields > 1;
	ereport(ERROR,
			(errcode(ERRCODE_AMBIGUOUS_COLUMN),
			 errmsg("table \"%s\" has barq indexes of %s on several columns: %s",
					RelationGetRelationName(table), words[kind].what,
					column_names(table, options)),
			 expressions ?
			 errhint("Name a column with %s, or an index with %s.",
					 words[kind].column_argument, words[kind].index_argument) :
			 errhint("Name one of them with %s.", words[kind].column_argument)));
}

/*
 * The option with the named index. Raises ERRCODE_INVALID_PARAMETER_VALUE if
 * that is on another column than the named one.
 */
static Option *
take_named(Relation table, BarqLegKind kind, const BarqHybridArgs *args, List *options)
{
	Oid			index = named_index(table, kind, args->index[kind]);
	Option	   *named = NULL;
	ListCell   *lc;

	foreach(lc, options)
	{
		Option	   *option = lfirst(lc);

		if (option->column.index == index)
			named = option;
	}
	if (named == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index \"%s\" is not on column \"%s\"", args->index[kind],
						args->column[kind]),
				 errhint("Name the index alone.")));

	/* other indexes could serve the same expression: the query has to name this one */
	foreach(lc, options)
	{
		Option	   *option = lfirst(lc);

		if (option != named && same_column(option, named) && option->column.op == named->column.op)
			named->column.by_index = true;
	}
	return named;
}

/* The options that fit the filter best; sets their `fit`. */
static List *
best_options(List *options, List *quals)
{
	Fit			best = FIT_APART;
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, options)
	{
		Option	   *option = lfirst(lc);

		option->fit = option->predicate == NIL ? FIT_WHOLE :
			predicate_implied_by(option->predicate, quals, false) ? FIT_IMPLIED : FIT_APART;
		best = Min(best, option->fit);
	}
	foreach(lc, options)
		if (((Option *) lfirst(lc))->fit == best)
			found = lappend(found, lfirst(lc));
	return found;
}

/* Whether all options (at least one) give the same ranking. No side effects. */
static bool
rank_alike(List *options, BarqLegKind kind)
{
	Option	   *first = linitial(options);
	ListCell   *lc;

	if (kind == BARQ_LEG_TEXT)
		return list_length(options) == 1;
	foreach(lc, options)
		if (((Option *) lfirst(lc))->column.op != first->column.op)
			return false;
	return true;
}

void
barq_hybrid_find_column(Relation table, BarqLegKind kind,
						const BarqHybridArgs *args, List *quals,
						BarqHybridColumn *column)
{
	List	   *options;
	List	   *best;
	Option	   *taken;
	ListCell   *lc;

	barq_hybrid_check_names(table, kind, args);
	options = collect_options(table, kind, args);
	if (args->index[kind] != NULL)
	{
		*column = take_named(table, kind, args, options)->column;
		return;
	}
	if (options == NIL)
		raise_no_option(table, kind, args);
	options = without_fields(options);
	taken = linitial(options);
	foreach(lc, options)
		if (!same_column(lfirst(lc), taken))
			raise_several_columns(table, kind, options);

	best = best_options(options, quals);
	if (!rank_alike(best, kind))
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("%s of table \"%s\" has several barq indexes of %s that rank differently: %s",
						taken->column.nfields > 1 ? "a row" : taken->expression != NULL ?
						"an expression" : psprintf("column %s", column_names(table, options)),
						RelationGetRelationName(table), words[kind].what,
						index_names(best)),
				 errhint("Name one of them with %s.", words[kind].index_argument)));
	taken = linitial(best);
	taken->column.by_filter = taken->fit != FIT_WHOLE && !rank_alike(options, kind);
	*column = taken->column;
}
