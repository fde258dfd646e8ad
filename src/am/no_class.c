/*
 * no_class.c
 *	  The error for an index whose column has no operator class.
 *
 * PostgreSQL's own error says only that there is no default class. So each access
 * method has a default class any_ops for types that have no other one. It has no
 * members, and a build with it fails with a hint for the column's type: the
 * distances, the types, or the access method to use instead.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/am.h"
#include "am/filters.h"
#include "catalog/pg_am.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* list_sort comparator: names, ascending. */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * Join names as "a", "a or b", "a, b or c", sorted and without duplicates; `last`
 * is the text between the last two. palloc'd; sorts the list.
 */
static char *
join_names(List *names, const char *last)
{
	StringInfoData text;
	const char *before = NULL;
	List	   *distinct = NIL;
	ListCell   *cell;
	int			i = 0;

	list_sort(names, compare_names);
	foreach(cell, names)
	{
		if (before == NULL || strcmp(before, lfirst(cell)) != 0)
			distinct = lappend(distinct, lfirst(cell));
		before = lfirst(cell);
	}
	initStringInfo(&text);
	foreach(cell, distinct)
	{
		if (i > 0)
			appendStringInfoString(&text, i + 1 == list_length(distinct) ? last : ", ");
		appendStringInfoString(&text, lfirst(cell));
		i++;
	}
	return text.data;
}

char *
barq_type_name(Oid type)
{
	Oid			element = get_element_type(type);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(OidIsValid(element) ? element : type));
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	char	   *name = form->typnamespace == PG_CATALOG_NAMESPACE ? format_type_be(type) :
		psprintf("%s%s", NameStr(form->typname), OidIsValid(element) ? "[]" : "");

	ReleaseSysCache(tuple);
	return name;
}

/*
 * Has an operator family ordering operators, as those of the first column? Others are of
 * filter columns, or any_ops. Reads catalogs.
 */
static bool
is_search_class(Oid opfamily)
{
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(opfamily));
	bool		found = false;

	for (int i = 0; i < operators->n_members; i++)
		found |= ((Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple))->amoppurpose == AMOP_ORDER;
	ReleaseCatCacheList(operators);
	return found;
}

/*
 * Lists of names, palloc'd: the operator classes of a method for `type`, and all
 * types that the method has classes for.
 */
static void
list_classes(Oid method, Oid type, List **classes, List **types)
{
	CatCList   *list = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(method));

	*classes = *types = NIL;
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_opclass class = (Form_pg_opclass) GETSTRUCT(&list->members[i]->tuple);

		if (class->opcintype == ANYELEMENTOID ||
			!is_search_class(class->opcfamily))
			continue;
		*types = lappend(*types, barq_type_name(class->opcintype));
		if (class->opcintype == type)
			*classes = lappend(*classes, pstrdup(NameStr(class->opcname)));
	}
	ReleaseSysCacheList(list);
}

/*
 * Another way to index a column of this type: a sentence for the hint, preceded by
 * a space, or "". of_texts: of an index of text.
 */
static const char *
suggest_other(Oid type, bool of_texts)
{
	char		category;
	bool		preferred;
	Oid			element = get_element_type(type);

	get_type_category_preferred(OidIsValid(element) ? element : type, &category, &preferred);
	if (of_texts)
		return category == TYPCATEGORY_STRING || type == JSONOID || type == JSONBOID ?
			" Index an expression that is one of these, or cast to one." : "";
	if (category == TYPCATEGORY_STRING)
		return " Texts are indexed by barq_bm25.";
	if (OidIsValid(element) && category == TYPCATEGORY_NUMERIC)
		return " Index an expression that casts the array to vector(n).";
	return "";
}

/*
 * What to write in place of a column of this type, a sentence for the hint, preceded by a
 * space, or "". column: its place in the index, from 0.
 */
static const char *
suggest_filter(Relation index, Oid type, int column)
{
	AttrNumber	attribute = index->rd_index->indkey.values[column];

	if (type != NUMERICOID)
		return "";
	/* an expression has no name */
	return psprintf(" Index (%s::float8), and write that in conditions.", attribute == 0 ? "..." :
					quote_identifier(get_attname(index->rd_index->indrelid, attribute, false)));
}

/* Raise an error if a column of a new index, not the first, is of no filter class. */
static void
check_filter(Relation index, const char *method, int column)
{
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(index), column)->atttypid);
	BarqFilterForm form = barq_filter_form(index->rd_opcintype[column]);

	if (form == BARQ_FILTER_ENUM ? get_typtype(type) == TYPTYPE_ENUM : form != BARQ_FILTER_NONE)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column %d of index \"%s\" cannot be of type %s",
					column + 1, RelationGetRelationName(index), barq_type_name(type)),
			 errdetail("%s searches the first column; further ones are filter columns.", method),
			 errhint("Filter columns are of type %s.%s", barq_filter_types(), suggest_filter(index, type, column))));
}

void
barq_check_class(Relation index)
{
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(index), 0)->atttypid);
	char	   *method = get_am_name(index->rd_rel->relam);
	List	   *classes;
	List	   *types;

	for (int i = 1; i < index->rd_index->indnkeyatts; i++)
		check_filter(index, method, i);
	if (index->rd_opcintype[0] != ANYELEMENTOID &&
		is_search_class(index->rd_opfamily[0]))
		return;
	list_classes(index->rd_rel->relam, type, &classes, &types);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("data type %s has no default operator class for access method \"%s\"",
					barq_type_name(type), method),
			 classes != NIL ?
			 errhint("Name the distance with an operator class after the column: %s.",
					 join_names(classes, " or ")) :
			 errhint("%s indexes columns of type %s.%s", method, join_names(types, " and "),
					 suggest_other(type, strcmp(method, "barq_bm25") == 0))));
}
