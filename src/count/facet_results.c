/*
 * facet_results.c
 *	  Rows of barq_facets(): terms, ranges, histograms and statistics, made of the words of a
 *	  column and their counts, or of its texts.
 */
#include "postgres.h"

#include "am/filter_words.h"
#include "base/array.h"
#include "common/int.h"
#include "count/facets.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
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

/* The number of which barq_integer_word() made a word. */
static inline int64
integer_of(uint64 word)
{
	return (int64) (word ^ (UINT64CONST(1) << 63));
}

/* The number of which a float's word was made (am/filter_values.c). */
static double
float_of(uint64 word)
{
	double		value;

	if (word == PG_UINT64_MAX)
		return get_float8_nan();
	word = (word >> 63) ? word & ~(UINT64CONST(1) << 63) : ~word;
	memcpy(&value, &word, sizeof(value));
	return value;
}

/* The value of a type, not of texts, of which a word was made. */
static Datum
value_of(Oid type, uint64 word)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) integer_of(word));
		case INT4OID:
			return Int32GetDatum((int32) integer_of(word));
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return Int64GetDatum(integer_of(word));
		case DATEOID:
			return Int32GetDatum((int32) integer_of(word));
		case FLOAT4OID:
			return Float4GetDatum((float4) float_of(word));
		case FLOAT8OID:
			return Float8GetDatum(float_of(word));
		case BOOLOID:
			return BoolGetDatum(word != 0);
		default:
			return ObjectIdGetDatum((Oid) word);
	}
}

/* ---- terms ---- */

/* A value of a column; `value` only where words have another order than the values. */
typedef struct Term
{
	uint64		count;
	uint64		word;
	Datum		value;
} Term;

typedef struct TermOrder
{
	FmgrInfo   *compare;		/* NULL: by word */
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
	if (order->compare == NULL)
		return x->word < y->word ? -1 : x->word > y->word;
	return DatumGetInt32(FunctionCall2Coll(order->compare, order->collation, x->value, y->value));
}

/*
 * The number of rows of the size-th of n terms, most rows first: 1 if there are fewer. *ties:
 * how many of those with as many rows are among the first `size`.
 */
static uint64
least_count(const uint64 *counts, Size n, Size size, Size *ties)
{
	uint64	   *sorted;
	uint64	   *copy;
	uint64		least;

	*ties = n;
	if (size >= n)
		return 1;
	copy = palloc_extended(sizeof(uint64) * n * 2, MCXT_ALLOC_HUGE);
	memcpy(copy, counts, sizeof(uint64) * n);
	sorted = barq_words_sort(copy, n, copy + n);
	least = sorted[n - size];
	for (*ties = 0; *ties < size && sorted[n - size + *ties] == least;)
		(*ties)++;
	pfree(copy);
	return least;
}

/*
 * The terms of a column of texts that may be among those returned, with their values; palloc'd.
 * *n receives their number.
 */
static Term *
choose_texts(BarqFacetCall *call, BarqFacetColumn *column, uint32 *n)
{
	uint32		ngroups;
	BarqFacetGroup **groups = barq_facets_groups(column, &ngroups);
	uint64	   *counts = palloc_extended(sizeof(uint64) * (Size) Max(ngroups, 1), MCXT_ALLOC_HUGE);
	Term	   *terms;
	uint64		least;
	Size		ties;

	for (uint32 i = 0; i < ngroups; i++)
		counts[i] = groups[i]->count;
	least = least_count(counts, ngroups, call->size, &ties);

	/* values are read of these only */
	*n = 0;
	for (uint32 i = 0; i < ngroups; i++)
		if (groups[i]->count >= least)
			groups[(*n)++] = groups[i];
	barq_facets_read(&call->facets, column, groups, *n);
	terms = palloc_extended(sizeof(Term) * (Size) Max(*n, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < *n; i++)
		terms[i] = (Term) {.count = groups[i]->count, .value = groups[i]->at.value};
	return terms;
}

/*
 * The terms of another column that may be among those returned: these alone, if words have
 * the order of values. Palloc'd; *n receives their number.
 */
static Term *
choose_words(BarqFacetCall *call, BarqFacetColumn *column, bool ordered, uint32 *n)
{
	const BarqWordCounts *words = &column->words;
	Size		ties;
	uint64		least = least_count(words->counts, words->n, call->size, &ties);
	Term	   *terms = palloc_extended(sizeof(Term) * (ordered ? Min(words->n, (Size) call->size) : words->n) +
										sizeof(Term), MCXT_ALLOC_HUGE);

	*n = 0;
	for (Size i = 0; i < words->n; i++)
	{
		if (words->counts[i] < least)
			continue;
		if (ordered && words->counts[i] == least)
		{
			if (ties == 0)
				continue;
			ties--;
		}
		terms[(*n)++] = (Term) {
			.count = words->counts[i],
			.word = words->words[i],
			.value = value_of(column->type, words->words[i])
		};
	}
	return terms;
}

/* The values that most rows have, then the rows without one. */
static void
put_terms(BarqFacetCall *call, const BarqFacet *facet)
{
	BarqFacetColumn *column = &call->facets.columns[facet->column];
	bool		ordered = !column->hashed && column->form != BARQ_FILTER_ENUM;
	TermOrder	order = {.collation = column->collation};
	uint32		n;
	Term	   *terms = column->hashed ? choose_texts(call, column, &n) :
		choose_words(call, column, ordered, &n);

	if (!ordered)
		order.compare = &lookup_type_cache(column->type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo;
	qsort_arg(terms, n, sizeof(Term), compare_terms, &order);
	for (uint32 i = 0; i < n && i < call->size; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_row(call, facet, "term", show(column->type, terms[i].value), terms[i].count);
	}
	if (column->nulls > 0)
		put_row(call, facet, "term", NULL, column->nulls);
}

/* ---- ranges ---- */

/* How many rows are below the first bound, between two, and from the last one on. */
static void
put_ranges(BarqFacetCall *call, const BarqFacet *facet)
{
	const BarqWordCounts *words = &call->facets.columns[facet->column].words;
	Size		at = 0;

	for (int i = 0; i <= facet->nbounds; i++)
	{
		uint64		rows = 0;

		for (; at < words->n && (i == facet->nbounds || words->words[at] < facet->bounds[i]); at++)
			rows += words->counts[at];
		put_row(call, facet, "range", psprintf("%c%s,%s)", i == 0 ? '(' : '[',
											   i == 0 ? "" : facet->shown[i - 1],
											   i == facet->nbounds ? "" : facet->shown[i]), rows);
	}
}

/* ---- histograms ---- */

/* The start of the step, of a date or time, in which a value lies. */
static Datum
time_step(const BarqFacet *facet, Oid type, Datum value)
{
	Timestamp	time;

	switch (type)
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
		default:
			return DirectFunctionCall2(timestamptz_trunc, PointerGetDatum(facet->unit), value);
	}
}

/* The word of the start of the step of a histogram in which the value of a word lies. */
static uint64
step_of(const BarqFacet *facet, const BarqFacetColumn *column, uint64 word)
{
	int64		number = integer_of(word);
	int64		width = (int64) facet->width;
	int64		below;

	if (facet->unit != NULL)
		return barq_filter_word(column->type,
								time_step(facet, column->type, value_of(column->type, word)),
								InvalidOid);
	if (column->form == BARQ_FILTER_FLOAT)
		return barq_filter_word(FLOAT8OID,
								Float8GetDatum(floor(float_of(word) / facet->width) * facet->width),
								InvalidOid);
	below = number % width;
	below += below < 0 ? width : 0;
	return barq_integer_word(number < PG_INT64_MIN + below ? PG_INT64_MIN : number - below);
}

/*
 * The end of the words from `first` on of which it is known that steps ascend with them: of
 * times with a zone those before the next change of the zone's offset, at which the clock may
 * go back to the day before. All words, of other types.
 */
static Size
end_of_ascent(const BarqFacetColumn *column, Size first)
{
	const BarqWordCounts *words = &column->words;
	pg_time_t	at;
	pg_time_t	change;
	long int	offset[2];
	int			is_dst[2];
	int			changes;
	Size		end = first + 1;
	int64		limit;

	if (column->type != TIMESTAMPTZOID)
		return words->n;
	at = (pg_time_t) floor((double) integer_of(words->words[first]) / USECS_PER_SEC) - 1 +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	changes = pg_next_dst_boundary(&at, &offset[0], &is_dst[0], &change, &offset[1], &is_dst[1],
								   session_timezone);
	if (changes <= 0)
		return changes == 0 ? words->n : end;
	change -= (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	if (pg_mul_s64_overflow(change, USECS_PER_SEC, &limit))
		return words->n;
	while (end < words->n && integer_of(words->words[end]) < limit)
		end++;
	return end;
}

/* The end, at most `limit`, of the words from `first` on that lie in the same step, where steps ascend. */
static Size
end_of_step(const BarqFacet *facet, const BarqFacetColumn *column, Size first, uint64 step,
			Size limit)
{
	const uint64 *words = column->words.words;
	Size		same = first;	/* lies in the step */
	Size		leap = 1;

	while (same + leap < limit && step_of(facet, column, words[same + leap]) == step)
	{
		same += leap;
		leap *= 2;
	}
	for (; leap > 0; leap /= 2)
		if (same + leap < limit && step_of(facet, column, words[same + leap]) == step)
			same += leap;
	return same + 1;
}

/* A step of a histogram and the rows in it. */
typedef struct Step
{
	uint64		word;			/* of its start */
	uint64		count;
} Step;

/* qsort comparator: by start. */
static int
compare_steps(const void *a, const void *b)
{
	uint64		x = ((const Step *) a)->word;
	uint64		y = ((const Step *) b)->word;

	return x < y ? -1 : x > y;
}

/* How many rows each step has that has any, in their order. */
static void
put_histogram(BarqFacetCall *call, const BarqFacet *facet)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];
	const BarqWordCounts *words = &column->words;
	Oid			type = column->form == BARQ_FILTER_INTEGER ? INT8OID :
		column->form == BARQ_FILTER_FLOAT ? FLOAT8OID : column->type;
	Step	   *steps = NULL;
	Size		n = 0;
	Size		space = 0;
	Size		ascent = 0;

	for (Size first = 0, end; first < words->n; first = end)
	{
		uint64		step = step_of(facet, column, words->words[first]);

		CHECK_FOR_INTERRUPTS();
		if (first >= ascent)
			ascent = end_of_ascent(column, first);
		end = end_of_step(facet, column, first, step, ascent);
		BARQ_ARRAY_RESERVE(steps, space, n + 1, 64);
		steps[n] = (Step) {.word = step};
		for (Size i = first; i < end; i++)
			steps[n].count += words->counts[i];
		n++;
	}
	if (n > 1)
		qsort(steps, n, sizeof(Step), compare_steps);
	for (Size i = 0; i < n; i++)
	{
		if (i + 1 < n && steps[i + 1].word == steps[i].word)
			steps[i + 1].count += steps[i].count;
		else
			put_row(call, facet, "histogram", show(type, value_of(type, steps[i].word)), steps[i].count);
	}
}

/* ---- statistics ---- */

static Datum
numeric_of(int64 number)
{
	return DirectFunctionCall1(int8_numeric, Int64GetDatum(number));
}

/*
 * The average of a column's values, of `rows` rows, as avg() has it, palloc'd; those of floats
 * are added up in their order. Raises ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE where the sum of
 * finite floats is not finite, as avg() does.
 */
static char *
average(const BarqFacetColumn *column, uint64 rows)
{
	const BarqWordCounts *words = &column->words;
	double		sum = 0;
	bool		is_finite = true;
	int64		part = 0;
	Datum		exact = numeric_of(0);

	for (Size i = 0; i < words->n; i++)
	{
		int64		number = integer_of(words->words[i]);
		int64		count = (int64) words->counts[i];
		int64		more;

		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (column->form == BARQ_FILTER_FLOAT)
		{
			is_finite = is_finite && isfinite(float_of(words->words[i]));
			sum += float_of(words->words[i]) * (double) count;
			continue;
		}
		if (!pg_mul_s64_overflow(number, count, &more) &&
			!pg_add_s64_overflow(part, more, &more))
		{
			part = more;
			continue;
		}
		exact = DirectFunctionCall2(numeric_add, exact,
									DirectFunctionCall2(numeric_mul, numeric_of(number),
														numeric_of(count)));
	}
	exact = DirectFunctionCall2(numeric_add, exact, numeric_of(part));
	if (is_finite && !isfinite(sum))
		float_overflow_error();
	if (column->form == BARQ_FILTER_FLOAT)
		return show(FLOAT8OID, Float8GetDatum(sum / (double) rows));
	return show(NUMERICOID,
				DirectFunctionCall2(numeric_div, exact, numeric_of((int64) rows)));
}

/* The least and the greatest value, and of numbers the average. */
static void
put_stats(BarqFacetCall *call, const BarqFacet *facet)
{
	const BarqFacetColumn *column = &call->facets.columns[facet->column];
	const BarqWordCounts *words = &column->words;
	Size		n = words->n;
	uint64		rows = 0;

	for (Size i = 0; i < n; i++)
		rows += words->counts[i];
	put_row(call, facet, "min", n == 0 ? NULL :
			show(column->type, value_of(column->type, words->words[0])), rows);
	put_row(call, facet, "max", n == 0 ? NULL :
			show(column->type, value_of(column->type, words->words[n - 1])), rows);
	if (barq_facet_is_number(column))
		put_row(call, facet, "avg", n == 0 ? NULL : average(column, rows), rows);
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
