/*
 * facets.c
 *	  barq_facets(): its arguments, and the rows of its result from the counted values:
 *	  terms, ranges, histograms, and least, greatest and average values.
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
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_facets);

typedef enum FacetKind
{
	FACET_TERM,
	FACET_RANGE,
	FACET_HISTOGRAM,
	FACET_STATS
} FacetKind;

static const char *const kind_names[] = {"term", "range", "histogram", "stats"};

/* A facet that the caller wants. */
typedef struct Facet
{
	FacetKind	kind;
	int			column;			/* of BarqFacets.columns */

	/* a range */
	int			nbounds;
	uint64	   *bounds;			/* words, ascending */
	char	  **shown;			/* as their type shows them */

	/* a histogram: a unit of date_trunc(), or a width */
	text	   *unit;
	double		width;
} Facet;

typedef struct FacetCall
{
	BarqFacets	facets;
	Facet	   *wanted;
	uint32		nwanted;
	uint32		space;
	int64		size;			/* terms of a column at most */
	ReturnSetInfo *result;
} FacetCall;

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
static Facet *
want(FacetCall *call, FacetKind kind, const char *name)
{
	Facet	   *facet;

	BARQ_ARRAY_RESERVE(call->wanted, call->space, call->nwanted + 1, 8);
	facet = &call->wanted[call->nwanted++];
	memset(facet, 0, sizeof(Facet));
	facet->kind = kind;
	facet->column = find_column(&call->facets, name);
	return facet;
}

/* Raise ERRCODE_DATATYPE_MISMATCH: a column has no facets of this kind. */
pg_noreturn static void
raise_type(const FacetCall *call, const Facet *facet)
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
is_number(const BarqFacetColumn *column)
{
	return column->form == BARQ_FILTER_INTEGER || column->form == BARQ_FILTER_FLOAT;
}

static bool
is_time(const BarqFacetColumn *column)
{
	return column->form == BARQ_FILTER_DATE || column->form == BARQ_FILTER_TIMESTAMP;
}

/* Raise an error unless the column of a facet has numbers, dates or times. */
static void
check_ordered(const FacetCall *call, const Facet *facet)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];

	if (!is_number(column) && !is_time(column))
		raise_type(call, facet);
}

/* Add a facet of each name of an array. */
static void
want_names(FacetCall *call, FacetKind kind, ArrayType *names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (names == NULL)
		return;
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		Facet	   *facet;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the name of a column of barq_facets() is NULL")));
		facet = want(call, kind, TextDatumGetCString(elements[i]));
		if (kind == FACET_STATS)
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
add_bound(FacetCall *call, Facet *facet, const char *given)
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
read_step(FacetCall *call, Facet *facet, const char *given)
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
raise_form(FacetKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 kind == FACET_RANGE ?
			 errmsg("ranges of barq_facets() must be a JSON object of columns and their bounds") :
			 errmsg("histograms of barq_facets() must be a JSON object of columns and their steps"),
			 kind == FACET_RANGE ?
			 errhint("For example {\"price\": [10, 100], \"made\": [\"2026-01-01\"]}.") :
			 errhint("For example {\"price\": 10, \"made\": \"month\"}.")));
}

/* Add the facets of a JSON object: columns, and bounds or a step of each. */
static void
want_json(FacetCall *call, FacetKind kind, Jsonb *json)
{
	JsonbIterator *at;
	JsonbValue	value;
	JsonbIteratorToken token;
	Facet	   *facet = NULL;

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
			!(token == WJB_BEGIN_ARRAY && kind == FACET_RANGE) &&
			!(token == WJB_BEGIN_OBJECT && facet == NULL))
		{
			if (token == WJB_KEY || token == WJB_END_ARRAY || token == WJB_END_OBJECT)
				continue;
			raise_form(kind);
		}
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		given = scalar_text(&value);
		if (given == NULL || (token == WJB_VALUE) != (kind == FACET_HISTOGRAM))
			raise_form(kind);
		if (kind == FACET_RANGE)
			add_bound(call, facet, given);
		else
			read_step(call, facet, given);
	}
}

/* ---- results ---- */

/* Add a row to the result; value NULL: of rows without a value. */
static void
put_row(FacetCall *call, const Facet *facet, const char *kind, const char *value, uint64 count)
{
	Datum		values[4];
	bool		nulls[4] = {false, value == NULL, false, false};

	values[0] = CStringGetTextDatum(call->facets.columns[facet->column].name);
	values[1] = value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
	values[2] = Int64GetDatum((int64) count);
	values[3] = CStringGetTextDatum(kind);
	tuplestore_putvalues(call->result->setResult, call->result->setDesc, values, nulls);
}

/* A value as its type shows it; palloc'd. */
static char *
show(Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/* qsort comparators of pointers to groups: most rows first; ascending words. */
static int
compare_counts(const void *a, const void *b)
{
	uint64		x = (*(BarqFacetGroup *const *) a)->count;
	uint64		y = (*(BarqFacetGroup *const *) b)->count;

	return x > y ? -1 : x < y;
}

static int
compare_words(const void *a, const void *b)
{
	uint64		x = (*(BarqFacetGroup *const *) a)->word;
	uint64		y = (*(BarqFacetGroup *const *) b)->word;

	return x < y ? -1 : x > y;
}

/* A term of the result. */
typedef struct Term
{
	uint64		count;
	Datum		value;
} Term;

typedef struct TermOrder
{
	FmgrInfo   *compare;
	Oid			collation;
} TermOrder;

/* qsort_arg comparator of terms: most rows first, then by value. */
static int
compare_terms(const void *a, const void *b, void *arg)
{
	const TermOrder *order = arg;
	const Term *x = a;
	const Term *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return DatumGetInt32(FunctionCall2Coll(order->compare, order->collation, x->value, y->value));
}

/* The values that most rows have, then the rows without one. */
static void
put_terms(FacetCall *call, const Facet *facet)
{
	BarqFacetColumn *column = &call->facets.columns[facet->column];
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(column, &n);
	TermOrder	order = {
		.compare = &lookup_type_cache(column->type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo,
		.collation = column->collation
	};
	Term	   *terms;
	uint32		candidates = n;

	/* values are read of the terms only that may be returned */
	qsort(groups, n, sizeof(BarqFacetGroup *), compare_counts);
	if (n > call->size)
		for (candidates = (uint32) call->size;
			 candidates < n && groups[candidates]->count == groups[call->size - 1]->count;)
			candidates++;
	terms = palloc_extended(sizeof(Term) * (Size) Max(candidates, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < candidates; i++)
	{
		CHECK_FOR_INTERRUPTS();
		terms[i].count = groups[i]->count;
		terms[i].value = barq_facets_value(&call->facets, column, groups[i]);
	}
	qsort_arg(terms, candidates, sizeof(Term), compare_terms, &order);
	for (uint32 i = 0; i < candidates && i < call->size; i++)
		put_row(call, facet, "term", show(column->type, terms[i].value), terms[i].count);
	if (column->nulls > 0)
		put_row(call, facet, "term", NULL, column->nulls);
}

/* How many rows are below the first bound, between two, and from the last one on. */
static void
put_ranges(FacetCall *call, const Facet *facet)
{
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(&call->facets.columns[facet->column], &n);
	uint32		next = 0;

	qsort(groups, n, sizeof(BarqFacetGroup *), compare_words);
	for (int i = 0; i <= facet->nbounds; i++)
	{
		const char *low = i == 0 ? "" : facet->shown[i - 1];
		const char *high = i == facet->nbounds ? "" : facet->shown[i];
		uint64		count = 0;

		for (; next < n && (i == facet->nbounds || groups[next]->word < facet->bounds[i]); next++)
			count += groups[next]->count;
		put_row(call, facet, "range", psprintf("%c%s,%s)", i == 0 ? '(' : '[', low, high), count);
	}
}

/* The start of the step of a histogram in which a value lies. */
static Datum
step_of(const Facet *facet, const BarqFacetColumn *column, Datum value)
{
	Timestamp	time;

	switch (column->type)
	{
		case DATEOID:
			if (DATE_NOT_FINITE(DatumGetDateADT(value)))
				return value;
			time = DatumGetTimestamp(DirectFunctionCall1(date_timestamp, value));
			return DirectFunctionCall1(timestamp_date,
									   DirectFunctionCall2(timestamp_trunc,
														   PointerGetDatum(facet->unit),
														   TimestampGetDatum(time)));
		case TIMESTAMPOID:
			return DirectFunctionCall2(timestamp_trunc, PointerGetDatum(facet->unit), value);
		case TIMESTAMPTZOID:
			return DirectFunctionCall2(timestamptz_trunc, PointerGetDatum(facet->unit), value);
		case FLOAT4OID:
			return Float8GetDatum(floor(DatumGetFloat4(value) / facet->width) * facet->width);
		case FLOAT8OID:
			return Float8GetDatum(floor(DatumGetFloat8(value) / facet->width) * facet->width);
		default:
			break;
	}
	{
		int64		number = column->type == INT2OID ? DatumGetInt16(value) :
			column->type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
		int64		width = (int64) facet->width;
		int64		below = number % width;

		below += below < 0 ? width : 0;
		return Int64GetDatum(number < PG_INT64_MIN + below ? PG_INT64_MIN : number - below);
	}
}

/* How many rows each step has that has any, in their order. */
static void
put_histogram(FacetCall *call, const Facet *facet)
{
	BarqFacetColumn *column = &call->facets.columns[facet->column];
	Oid			type = column->form == BARQ_FILTER_INTEGER ? INT8OID :
		column->form == BARQ_FILTER_FLOAT ? FLOAT8OID : column->type;
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(column, &n);
	uint64		count = 0;
	uint64		last = 0;

	qsort(groups, n, sizeof(BarqFacetGroup *), compare_words);
	for (uint32 i = 0; i <= n; i++)
	{
		uint64		word = 0;

		CHECK_FOR_INTERRUPTS();
		if (i < n)
		{
			Datum		value = barq_facets_value(&call->facets, column, groups[i]);

			word = barq_filter_word(type, step_of(facet, column, value), InvalidOid);
		}
		if (count > 0 && (i == n || word != last))
		{
			BarqFacetColumn shown = *column;
			BarqFacetGroup group = {.word = last};

			shown.type = type;
			put_row(call, facet, "histogram",
					show(type, barq_facets_value(&call->facets, &shown, &group)), count);
			count = 0;
		}
		if (i < n)
			count += groups[i]->count;
		last = word;
	}
}

/* The average of a column's values, as avg() has it; palloc'd. */
static char *
average(FacetCall *call, BarqFacetColumn *column, BarqFacetGroup **groups, uint32 n, uint64 rows)
{
	double		sum = 0;
	Datum		exact = DirectFunctionCall1(int8_numeric, Int64GetDatum(0));

	for (uint32 i = 0; i < n; i++)
	{
		Datum		value = barq_facets_value(&call->facets, column, groups[i]);
		int64		number;

		CHECK_FOR_INTERRUPTS();
		if (column->form == BARQ_FILTER_FLOAT)
		{
			sum += (column->type == FLOAT4OID ? (double) DatumGetFloat4(value) :
					DatumGetFloat8(value)) * (double) groups[i]->count;
			continue;
		}
		number = column->type == INT2OID ? DatumGetInt16(value) :
			column->type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
		exact = DirectFunctionCall2(numeric_add, exact,
									DirectFunctionCall2(numeric_mul,
														DirectFunctionCall1(int8_numeric, Int64GetDatum(number)),
														DirectFunctionCall1(int8_numeric,
																			Int64GetDatum((int64) groups[i]->count))));
	}
	if (column->form == BARQ_FILTER_FLOAT)
		return show(FLOAT8OID, Float8GetDatum(sum / (double) rows));
	return show(NUMERICOID,
				DirectFunctionCall2(numeric_div, exact,
									DirectFunctionCall1(int8_numeric, Int64GetDatum((int64) rows))));
}

/* The least and the greatest value, and of numbers the average. */
static void
put_stats(FacetCall *call, const Facet *facet)
{
	BarqFacetColumn *column = &call->facets.columns[facet->column];
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(column, &n);
	uint64		rows = 0;

	qsort(groups, n, sizeof(BarqFacetGroup *), compare_words);
	for (uint32 i = 0; i < n; i++)
		rows += groups[i]->count;
	put_row(call, facet, "min", n == 0 ? NULL :
			show(column->type, barq_facets_value(&call->facets, column, groups[0])), rows);
	put_row(call, facet, "max", n == 0 ? NULL :
			show(column->type, barq_facets_value(&call->facets, column, groups[n - 1])), rows);
	if (is_number(column))
		put_row(call, facet, "avg", n == 0 ? NULL : average(call, column, groups, n, rows), rows);
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
	FacetCall	call = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
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
	want_names(&call, FACET_TERM, ARRAY_ARGUMENT(2));
	want_json(&call, FACET_RANGE, JSON_ARGUMENT(3));
	want_json(&call, FACET_HISTOGRAM, JSON_ARGUMENT(4));
	want_names(&call, FACET_STATS, ARRAY_ARGUMENT(5));
	facets->context = AllocSetContextCreate(CurrentMemoryContext, "barq facet groups",
											ALLOCSET_DEFAULT_SIZES);
	if (call.nwanted > 0)
		barq_facets_collect(facets);
	for (uint32 i = 0; i < call.nwanted; i++)
	{
		static void (*const put[])(FacetCall * call, const Facet *facet) = {
			[FACET_TERM] = put_terms,
			[FACET_RANGE] = put_ranges,
			[FACET_HISTOGRAM] = put_histogram,
			[FACET_STATS] = put_stats
		};

		put[call.wanted[i].kind](&call, &call.wanted[i]);
	}
	barq_facets_end(facets);
	barq_count_call_end(&facets->call);
	SPI_finish();
	PG_RETURN_NULL();
}
