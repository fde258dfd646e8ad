/*
 * facets.c
 *	  barq_facets() and its arguments. Calls facet_rows.c, which counts, and facet_results.c.
 */
#include "postgres.h"

#include "access/attnum.h"
#include "am/filter_words.h"
#include "base/array.h"
#include "base/script.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "count/facets.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_facets);

static const char *const kind_names[] = {"term", "range", "histogram", "stats"};

/* ---- columns ---- */

/* The name by which a column of the index, from 0, is known: of the table's, or its own. */
static char *
column_name(const BarqCountCall *call, int column)
{
	AttrNumber	number = call->index->rd_index->indkey.values[column];

	if (number > 0)
		return NameStr(TupleDescAttr(RelationGetDescr(call->table), number - 1)->attname);
	return NameStr(TupleDescAttr(RelationGetDescr(call->index), column)->attname);
}

/* Raise ERRCODE_UNDEFINED_COLUMN: the index has no filter column of this name. */
pg_noreturn static void
raise_no_column(const BarqCountCall *call, const char *name)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < call->columns.filters; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ",
						 column_name(call, call->columns.filter_columns[i]));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("index \"%s\" has no filter column \"%s\"",
					RelationGetRelationName(call->index), name),
			 list.len == 0 ?
			 errhint("Make the index with the columns to count: USING barq_bm25 (body, price, brand text_filter_ops).") :
			 errhint("Its filter columns are: %s.", list.data)));
}

/* Check the caller's right to read the columns of the table that a column is made of. */
static void
check_right(const BarqCountCall *call, int column)
{
	Oid			table = RelationGetRelid(call->table);
	AttrNumber	number = call->index->rd_index->indkey.values[column];
	Bitmapset  *attributes = NULL;
	int			i = -1;

	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	if (number > 0)
		attributes = bms_make_singleton(number - FirstLowInvalidHeapAttributeNumber);
	else
		pull_varattnos((Node *) RelationGetIndexExpressions(call->index), 1, &attributes);
	while ((i = bms_next_member(attributes, i)) >= 0)
		if (pg_attribute_aclcheck(table, (AttrNumber) (i + FirstLowInvalidHeapAttributeNumber),
								  GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(call->table->rd_rel->relkind),
						   RelationGetRelationName(call->table));
}

/* Fill in a filter column of the index, from 0. */
static void
open_column(const BarqCountCall *call, int filter, BarqFacetColumn *column)
{
	int			number = call->columns.filter_columns[filter];
	Oid			class_type = call->index->rd_opcintype[number];

	column->column = filter;
	column->name = column_name(call, number);
	column->form = barq_filter_form(class_type);
	column->set = column->form >= BARQ_FILTER_INTEGERS;
	column->type = column->set ? get_element_type(class_type) : class_type;
	column->word_type = column->type;
	column->hashed = column->type == TEXTOID;
	column->collation = call->index->rd_indcollation[number];
	if (column->form == BARQ_FILTER_ENUM)
		column->type = getBaseType(TupleDescAttr(RelationGetDescr(call->index), number)->atttypid);
	if (column->form == BARQ_FILTER_UUID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("facets of column \"%s\" are not supported", column->name),
				 errdetail("The index keeps 8 of the 16 bytes of a uuid."),
				 errhint("Make its text a column of the index: (%s::text).", quote_identifier(column->name))));
}

/* The number, in facets->columns, of a column of the index by its name; added if new. */
static int
find_column(BarqFacets *facets, const char *name)
{
	BarqCountCall *call = &facets->call;
	int			number = 0;

	for (int i = 0; i < facets->ncolumns; i++)
		if (strcmp(facets->columns[i].name, name) == 0)
			return i;
	while (number < call->columns.filters &&
		   strcmp(column_name(call, call->columns.filter_columns[number]), name) != 0)
		number++;
	if (number == call->columns.filters)
		raise_no_column(call, name);
	check_right(call, call->columns.filter_columns[number]);
	memset(&facets->columns[facets->ncolumns], 0, sizeof(BarqFacetColumn));
	open_column(call, number, &facets->columns[facets->ncolumns]);
	return facets->ncolumns++;
}

/* ---- arguments ---- */

/* Add a facet of a column by its name. */
static BarqFacet *
want(BarqFacetCall *call, BarqFacetKind kind, const char *name)
{
	BarqFacet  *facet;

	BARQ_ARRAY_RESERVE(call->wanted, call->space, call->nwanted + 1, 8);
	facet = &call->wanted[call->nwanted++];
	memset(facet, 0, sizeof(BarqFacet));
	facet->kind = kind;
	facet->column = find_column(&call->facets, name);
	return facet;
}

/* Raise ERRCODE_DATATYPE_MISMATCH: a column has no facets of this kind. */
pg_noreturn static void
raise_type(const BarqFacetCall *call, const BarqFacet *facet)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of type %s cannot have a facet of kind \"%s\"",
					call->facets.columns[facet->column].name,
					format_type_be(call->facets.columns[facet->column].type),
					kind_names[facet->kind]),
			 errhint("Columns of numbers, dates and times can.")));
}

static bool
is_time(const BarqFacetColumn *column)
{
	return column->form == BARQ_FILTER_DATE || column->form == BARQ_FILTER_TIMESTAMP;
}

/* Raise an error unless the column of a facet has numbers, dates or times. */
static void
check_ordered(const BarqFacetCall *call, const BarqFacet *facet)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];

	if (!barq_facet_is_number(column) && !is_time(column))
		raise_type(call, facet);
}

/* Add a facet of each name of an array. */
static void
want_names(BarqFacetCall *call, BarqFacetKind kind, ArrayType *names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (names == NULL)
		return;
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		BarqFacet  *facet;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of a column of barq_facets() is NULL")));
		facet = want(call, kind, TextDatumGetCString(elements[i]));
		if (kind == BARQ_FACET_STATS)
			check_ordered(call, facet);
	}
}

/* A number or string of JSON as text; NULL for other values. */
static char *
scalar_text(const JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return NULL;
}

/* Add a bound to a range facet. */
static void
add_bound(BarqFacetCall *call, BarqFacet *facet, const char *given)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];
	Oid			input;
	Oid			output;
	Oid			io_param;
	bool		is_varlena;
	Datum		value;

	getTypeInputInfo(column->type, &input, &io_param);
	getTypeOutputInfo(column->type, &output, &is_varlena);
	value = OidInputFunctionCall(input, unconstify(char *, given), io_param, -1);
	facet->bounds = repalloc(facet->bounds, sizeof(uint64) * (facet->nbounds + 2));
	facet->shown = repalloc(facet->shown, sizeof(char *) * (facet->nbounds + 2));
	facet->bounds[facet->nbounds] = barq_filter_word(column->type, value, InvalidOid);
	facet->shown[facet->nbounds] = OidOutputFunctionCall(output, value);
	if (facet->nbounds > 0 && facet->bounds[facet->nbounds] <= facet->bounds[facet->nbounds - 1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bounds of ranges of column \"%s\" must ascend", column->name),
				 errdetail("%s follows %s.", facet->shown[facet->nbounds],
						   facet->shown[facet->nbounds - 1])));
	facet->nbounds++;
}

/* Read the unit or the width of a histogram. */
static void
read_step(BarqFacetCall *call, BarqFacet *facet, const char *given)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];

	if (is_time(column))
	{
		facet->unit = cstring_to_text(given);
		return;
	}
	facet->width = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(given)));
	if (!(facet->width > 0) || isinf(facet->width) ||
		(column->form == BARQ_FILTER_INTEGER &&
		 (facet->width != floor(facet->width) || facet->width > 1e18)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the width of a histogram of column \"%s\" must be a positive %s, not %s",
						column->name,
						column->form == BARQ_FILTER_INTEGER ? "integer" : "number", given)));
}

/* Raise ERRCODE_INVALID_PARAMETER_VALUE: the form of ranges or histograms. */
pg_noreturn static void
raise_form(BarqFacetKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 kind == BARQ_FACET_RANGE ?
			 errmsg("ranges of barq_facets() must be a JSON object of columns and their bounds") :
			 errmsg("histograms of barq_facets() must be a JSON object of columns and their steps"),
			 kind == BARQ_FACET_RANGE ?
			 errhint("For example {\"price\": [10, 100], \"made\": [\"2026-01-01\"]}.") :
			 errhint("For example {\"price\": 10, \"made\": \"month\"}.")));
}

/* Add the facets of a JSON object: columns, and bounds or a step of each. */
static void
want_json(BarqFacetCall *call, BarqFacetKind kind, Jsonb *json)
{
	JsonbIterator *at;
	JsonbValue	value;
	JsonbIteratorToken token;
	BarqFacet  *facet = NULL;

	if (json == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(json))
		raise_form(kind);
	at = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&at, &value, false)) != WJB_DONE)
	{
		const char *given;

		if (token == WJB_KEY)
		{
			facet = want(call, kind, pnstrdup(value.val.string.val, value.val.string.len));
			check_ordered(call, facet);
			facet->bounds = palloc(sizeof(uint64));
			facet->shown = palloc(sizeof(char *));
		}
		if (token != WJB_VALUE && token != WJB_ELEM &&
			!(token == WJB_BEGIN_ARRAY && kind == BARQ_FACET_RANGE) &&
			!(token == WJB_BEGIN_OBJECT && facet == NULL))
		{
			if (token == WJB_KEY || token == WJB_END_ARRAY || token == WJB_END_OBJECT)
				continue;
			raise_form(kind);
		}
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		given = scalar_text(&value);
		if (given == NULL || (token == WJB_VALUE) != (kind == BARQ_FACET_HISTOGRAM))
			raise_form(kind);
		if (kind == BARQ_FACET_RANGE)
			add_bound(call, facet, given);
		else
			read_step(call, facet, given);
	}
}

/* ---- the function ---- */

#define ARRAY_ARGUMENT(n)	(PG_ARGISNULL(n) ? NULL : PG_GETARG_ARRAYTYPE_P(n))
#define JSON_ARGUMENT(n)	(PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n))

/*
 * barq_facets(index regclass, query text, columns text[], ranges jsonb, histograms jsonb,
 * stats text[], filter text, filter_args text[], size int) -> set of (column, value, count,
 * kind); no row for a NULL query. Raises ERRCODE_UNDEFINED_COLUMN for a column that the index
 * does not have, ERRCODE_DATATYPE_MISMATCH for one whose type has no such facets,
 * ERRCODE_INSUFFICIENT_PRIVILEGE for one that the caller may not read,
 * ERRCODE_INVALID_PARAMETER_VALUE for bad ranges, steps and sizes, and the errors of
 * barq_count_call_begin() and of the statement.
 */
Datum
barq_facets(PG_FUNCTION_ARGS)
{
	BarqFacetCall call = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	BarqFacets *facets = &call.facets;

	barq_expect_arguments(fcinfo, 9);
	barq_begin_rows(fcinfo, 4);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	call.size = PG_ARGISNULL(8) ? PG_INT32_MAX : PG_GETARG_INT32(8);
	if (call.size < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("size of barq_facets() must be at least 1"),
				 errhint("NULL returns all values.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	barq_count_call_begin(&facets->call, "barq_facets()", fcinfo->flinfo->fn_oid, PG_GETARG_OID(0),
						  PG_GETARG_TEXT_PP(1), PG_ARGISNULL(6) ? NULL : PG_GETARG_TEXT_PP(6),
						  ARRAY_ARGUMENT(7));
	facets->columns = palloc_array(BarqFacetColumn, BARQ_MAX_FILTERS);
	want_names(&call, BARQ_FACET_TERM, ARRAY_ARGUMENT(2));
	want_json(&call, BARQ_FACET_RANGE, JSON_ARGUMENT(3));
	want_json(&call, BARQ_FACET_HISTOGRAM, JSON_ARGUMENT(4));
	want_names(&call, BARQ_FACET_STATS, ARRAY_ARGUMENT(5));
	facets->context = AllocSetContextCreate(CurrentMemoryContext, "barq facet groups",
											ALLOCSET_DEFAULT_SIZES);
	if (call.nwanted > 0)
		barq_facets_collect(facets);
	for (uint32 n = 0; n < call.nwanted; n++)
		barq_facet_put(&call, &call.wanted[n]);
	barq_facets_end(facets);
	barq_count_call_end(&facets->call);
	SPI_finish();
	PG_RETURN_NULL();
}
