/*
 * facet_results.c
 *	  Rows of barq_facets(): terms, ranges, histograms and statistics, made of the groups of a
 *	  column.
 */
#include "postgres.h"

#include "am/filter_words.h"
#include "common/int.h"
#include "count/facets.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Add a row to the result; value NULL: of rows without a value. */
static void
put_row(BarqFacetCall *call, const BarqFacet *facet, const char *kind, const char *value, uint64 count)
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
put_terms(BarqFacetCall *call, const BarqFacet *facet)
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
put_ranges(BarqFacetCall *call, const BarqFacet *facet)
{
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(&call->facets.columns[facet->column], &n);
	uint64	   *counts = palloc0(sizeof(uint64) * (facet->nbounds + 1));

	for (uint32 i = 0; i < n; i++)
	{
		int			range = 0;

		CHECK_FOR_INTERRUPTS();
		while (range < facet->nbounds && groups[i]->word >= facet->bounds[range])
			range++;
		counts[range] += groups[i]->count;
	}
	for (int i = 0; i <= facet->nbounds; i++)
		put_row(call, facet, "range", psprintf("%c%s,%s)", i == 0 ? '(' : '[',
											   i == 0 ? "" : facet->shown[i - 1],
											   i == facet->nbounds ? "" : facet->shown[i]), counts[i]);
}

static int64
integer_value(const BarqFacetColumn *column, Datum value)
{
	return column->type == INT2OID ? DatumGetInt16(value) :
		column->type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* The start of the step of a histogram in which a value lies. */
static Datum
step_of(const BarqFacet *facet, const BarqFacetColumn *column, Datum value)
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
		int64		number = integer_value(column, value);
		int64		width = (int64) facet->width;
		int64		below = number % width;

		below += below < 0 ? width : 0;
		return Int64GetDatum(number < PG_INT64_MIN + below ? PG_INT64_MIN : number - below);
	}
}

/* How many rows each step has that has any, in their order. */
static void
put_histogram(BarqFacetCall *call, const BarqFacet *facet)
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

static Datum
numeric_of(int64 number)
{
	return DirectFunctionCall1(int8_numeric, Int64GetDatum(number));
}

/*
 * The average of a column's values, as avg() has it, palloc'd; those of floats are added up in
 * the order of the groups.
 */
static char *
average(BarqFacetCall *call, BarqFacetColumn *column, BarqFacetGroup **groups, uint32 n, uint64 rows)
{
	double		sum = 0;
	int64		part = 0;
	Datum		exact = numeric_of(0);

	for (uint32 i = 0; i < n; i++)
	{
		Datum		value = barq_facets_value(&call->facets, column, groups[i]);
		int64		number;
		int64		more;

		CHECK_FOR_INTERRUPTS();
		if (column->form == BARQ_FILTER_FLOAT)
		{
			sum += (column->type == FLOAT4OID ? (double) DatumGetFloat4(value) :
					DatumGetFloat8(value)) * (double) groups[i]->count;
			continue;
		}
		number = integer_value(column, value);
		if (!pg_mul_s64_overflow(number, (int64) groups[i]->count, &more) &&
			!pg_add_s64_overflow(part, more, &more))
		{
			part = more;
			continue;
		}
		exact = DirectFunctionCall2(numeric_add, exact,
									DirectFunctionCall2(numeric_mul, numeric_of(number),
														numeric_of((int64) groups[i]->count)));
	}
	exact = DirectFunctionCall2(numeric_add, exact, numeric_of(part));
	if (column->form == BARQ_FILTER_FLOAT)
		return show(FLOAT8OID, Float8GetDatum(sum / (double) rows));
	return show(NUMERICOID,
				DirectFunctionCall2(numeric_div, exact, numeric_of((int64) rows)));
}

/* The least and the greatest value, and of numbers the average. */
static void
put_stats(BarqFacetCall *call, const BarqFacet *facet)
{
	BarqFacetColumn *column = &call->facets.columns[facet->column];
	uint32		n;
	BarqFacetGroup **groups = barq_facets_groups(column, &n);
	uint64		rows = 0;
	uint32		least = 0;
	uint32		greatest = 0;

	/* sums of floats depend on their order */
	if (column->form == BARQ_FILTER_FLOAT)
		qsort(groups, n, sizeof(BarqFacetGroup *), compare_words);
	for (uint32 i = 0; i < n; i++)
	{
		rows += groups[i]->count;
		least = groups[i]->word < groups[least]->word ? i : least;
		greatest = groups[i]->word > groups[greatest]->word ? i : greatest;
	}
	put_row(call, facet, "min", n == 0 ? NULL :
			show(column->type, barq_facets_value(&call->facets, column, groups[least])), rows);
	put_row(call, facet, "max", n == 0 ? NULL :
			show(column->type, barq_facets_value(&call->facets, column, groups[greatest])), rows);
	if (barq_facet_is_number(column))
		put_row(call, facet, "avg", n == 0 ? NULL : average(call, column, groups, n, rows), rows);
}

void
barq_facet_put(BarqFacetCall *call, const BarqFacet *facet)
{
	static void (*const put[])(BarqFacetCall * call, const BarqFacet *facet) = {
		[BARQ_FACET_TERM] = put_terms,
		[BARQ_FACET_RANGE] = put_ranges,
		[BARQ_FACET_HISTOGRAM] = put_histogram,
		[BARQ_FACET_STATS] = put_stats
	};

	put[facet->kind](call, facet);
}
