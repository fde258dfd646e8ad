/*
 * filter_keys.c
 *	  From scan keys on filter columns to a condition on words (store/filter_rows.h).
 *
 * Each key admits ranges of words. Keys on one column are intersected. Where words say
 * less than values do (hashes, prefixes, comparison of a date with a time), a key
 * admits every row that may satisfy it, and the executor rechecks rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/am.h"
#include "am/filter_words.h"
#include "am/filters.h"
#include "base/compat.h"
#include "base/array.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Local times differ from UTC by less than this; in microseconds, and in days. */
#define ZONE_SLACK	(INT64CONST(36) * USECS_PER_HOUR)
#define DAY_SLACK	2

/* The ranges that keys admit, while they are collected. */
typedef struct Ranges
{
	BarqFilterRange *ranges;
	uint32		n;
	uint32		space;
} Ranges;

/* Add a range; none if it is empty. */
static void
add_range(Ranges *ranges, uint64 low, uint64 high)
{
	if (low > high)
		return;
	BARQ_ARRAY_RESERVE(ranges->ranges, ranges->space, ranges->n + 1, 4);
	ranges->ranges[ranges->n++] = (BarqFilterRange) {low, high};
}

/*
 * Add what `column op value` admits, where the value lies in [low, high] (one word: it
 * is precise) and columns with the same word as the value may be equal to it or not
 * (`vague`).
 */
static void
add_comparison(Ranges *ranges, StrategyNumber strategy, uint64 low, uint64 high, bool vague)
{
	switch (strategy)
	{
		case BARQ_FILTER_LESS:
			if (vague)
				add_range(ranges, 0, high);
			else if (high > 0)
				add_range(ranges, 0, high - 1);
			break;
		case BARQ_FILTER_LESS_EQUAL:
			add_range(ranges, 0, high);
			break;
		case BARQ_FILTER_EQUAL:
			add_range(ranges, low, high);
			break;
		case BARQ_FILTER_GREATER_EQUAL:
			add_range(ranges, low, PG_UINT64_MAX);
			break;
		case BARQ_FILTER_GREATER:
			if (vague)
				add_range(ranges, low, PG_UINT64_MAX);
			else if (low < PG_UINT64_MAX)
				add_range(ranges, low + 1, PG_UINT64_MAX);
			break;
		default:
			elog(ERROR, "strategy %d is of no filter column", strategy);
	}
}

/* The word `slack` away from a finite time or day; infinite ones stay. */
static uint64
word_near(int64 value, int64 slack, int64 least, int64 most)
{
	if (value <= least || value >= most)
		return barq_integer_word(value);
	if (slack < 0)
		return barq_integer_word(value > least - slack ? value + slack : least);
	return barq_integer_word(value < most - slack ? value + slack : most);
}

/*
 * The range of words of a column of type `column` (a date or time) in which a value of
 * another such type lies. Those of different units or zones are only near it.
 */
static void
time_range(Oid column, Oid type, Datum value, uint64 *low, uint64 *high)
{
	int64		time;
	int			overflow = 0;

	if (column == DATEOID)
	{
		Timestamp	stamp = DatumGetTimestamp(value);
		int64		day = stamp / USECS_PER_DAY;

		if (TIMESTAMP_NOT_FINITE(stamp))
		{
			/* as infinite dates, in the order of numbers */
			*low = *high = barq_integer_word(TIMESTAMP_IS_NOBEGIN(stamp) ? PG_INT32_MIN : PG_INT32_MAX);
			return;
		}
		*low = word_near(day, -DAY_SLACK, PG_INT32_MIN, PG_INT32_MAX);
		*high = word_near(day, DAY_SLACK, PG_INT32_MIN, PG_INT32_MAX);
		return;
	}
	if (type == DATEOID)
	{
		time = BarqDateToTimestamp(DatumGetDateADT(value), &overflow);

		/* after all finite times, before infinity */
		if (overflow > 0)
			time = PG_INT64_MAX - 1;
	}
	else
		time = DatumGetTimestamp(value);
	if (column == TIMESTAMPOID && type == DATEOID)
	{
		*low = *high = barq_integer_word(time);
		return;
	}
	*low = word_near(time, -ZONE_SLACK, PG_INT64_MIN, PG_INT64_MAX);
	*high = word_near(time, ZONE_SLACK, PG_INT64_MIN, PG_INT64_MAX);
}

/* Add the values of an enum that satisfy `value op argument`, by the operator itself. */
static void
add_enum_values(Ranges *ranges, Oid type, ScanKey key, Datum argument)
{
	CatCList   *list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));

	for (int i = 0; i < list->n_members; i++)
	{
		Oid			value = ((Form_pg_enum) GETSTRUCT(&list->members[i]->tuple))->oid;

		if (DatumGetBool(FunctionCall2Coll(&key->sk_func, key->sk_collation,
										   ObjectIdGetDatum(value), argument)))
			add_range(ranges, value, value);
	}
	ReleaseCatCacheList(list);
}

/* A column that a key is on. */
typedef struct Column
{
	Oid			type;			/* the class's input type */
	Oid			own_type;		/* the column's, without domains */
	Oid			collation;
} Column;

/* Add what one value of a key admits. Sets *recheck if that is too much. */
static void
add_value(Ranges *ranges, const Column *column, ScanKey key, Oid type, Datum value,
		  bool *recheck)
{
	uint64		low;
	uint64		high;
	bool		vague = false;

	switch (barq_filter_form(column->type))
	{
		case BARQ_FILTER_ENUM:
			add_enum_values(ranges, column->own_type, key, value);
			return;
		case BARQ_FILTER_DATE:
		case BARQ_FILTER_TIMESTAMP:
			if (type == column->type)
				low = high = barq_filter_word(type, value, InvalidOid);
			else
				time_range(column->type, type, value, &low, &high);
			vague = low != high || (column->type == DATEOID && type != DATEOID);
			break;
		case BARQ_FILTER_UUID:
		case BARQ_FILTER_TEXT:
			vague = true;
			low = high = barq_filter_word(column->type, value, column->collation);
			break;
		default:
			low = high = barq_filter_word(type, value, column->collation);
	}
	add_comparison(ranges, key->sk_strategy, low, high, vague);
	*recheck |= vague;
}

/* qsort comparator: by the lower end. */
static int
compare_ranges(const void *a, const void *b)
{
	uint64		x = ((const BarqFilterRange *) a)->low;
	uint64		y = ((const BarqFilterRange *) b)->low;

	return x < y ? -1 : x > y;
}

/* Sort ranges and join those that meet. */
static void
join_ranges(Ranges *ranges)
{
	uint32		n = 0;

	qsort(ranges->ranges, ranges->n, sizeof(BarqFilterRange), compare_ranges);
	for (uint32 i = 0; i < ranges->n; i++)
	{
		BarqFilterRange *last = n > 0 ? &ranges->ranges[n - 1] : NULL;

		if (last != NULL &&
			(last->high == PG_UINT64_MAX || ranges->ranges[i].low <= last->high + 1))
			last->high = Max(last->high, ranges->ranges[i].high);
		else
			ranges->ranges[n++] = ranges->ranges[i];
	}
	ranges->n = n;
}

/* The ranges that a comparison admits: op value, or op ANY (array). */
static void
compare_key(Ranges *ranges, const Column *column, ScanKey key, bool *recheck)
{
	Oid			type = OidIsValid(key->sk_subtype) ? key->sk_subtype : column->type;
	ArrayType  *array;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if ((key->sk_flags & SK_SEARCHARRAY) == 0)
	{
		add_value(ranges, column, key, type, key->sk_argument, recheck);
		join_ranges(ranges);	/* values of an enum */
		return;
	}
	array = DatumGetArrayTypeP(key->sk_argument);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if ((i & 0xff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			add_value(ranges, column, key, type, values[i], recheck);
	}
	join_ranges(ranges);
}

/* A new test of a column, which admits nothing so far. */
static BarqFilterTest *
add_test(BarqFilterCondition *condition, int column)
{
	BarqFilterTest *test;

	condition->tests = condition->tests == NULL ? palloc(sizeof(BarqFilterTest)) :
		repalloc(condition->tests, sizeof(BarqFilterTest) * (condition->ntests + 1));
	test = &condition->tests[condition->ntests++];
	memset(test, 0, sizeof(*test));
	test->column = column;
	return test;
}

/* Leave of a test's ranges the parts that lie in others too. */
static void
intersect(BarqFilterTest *test, const Ranges *others)
{
	Ranges		both = {0};
	uint32		i = 0;
	uint32		j = 0;

	if (test->any)
	{
		test->ranges = others->ranges;
		test->nranges = others->n;
		test->any = false;
		return;
	}
	while (i < test->nranges && j < others->n)
	{
		BarqFilterRange a = test->ranges[i];
		BarqFilterRange b = others->ranges[j];

		add_range(&both, Max(a.low, b.low), Min(a.high, b.high));
		if (a.high < b.high)
			i++;
		else
			j++;
	}
	test->ranges = both.ranges;
	test->nranges = both.n;
}

/* The test of a column of single values, which admits all at first. */
static BarqFilterTest *
test_of(BarqFilterCondition *condition, int column)
{
	BarqFilterTest *test;

	for (int i = 0; i < condition->ntests; i++)
		if (condition->tests[i].column == column)
			return &condition->tests[i];
	test = add_test(condition, column);
	test->null = test->any = true;
	return test;
}

/* Add the tests of a key on a column of arrays: && or @>. */
static void
add_array_key(BarqFilterCondition *condition, int number, const Column *column, ScanKey key)
{
	bool		has_null;
	uint32		n;
	uint64	   *words = barq_filter_set_words(column->type, key->sk_argument,
											  column->collation, &n, &has_null);
	bool		contains = key->sk_strategy == BARQ_FILTER_CONTAINS;
	BarqFilterTest *test = NULL;

	condition->recheck |= barq_filter_form(column->type) == BARQ_FILTER_TEXTS;
	if (contains && has_null)
	{
		condition->never = true;
		return;
	}
	if (!contains || n == 0)
	{
		test = add_test(condition, number);
		test->any = contains;
		test->ranges = palloc(sizeof(BarqFilterRange) * Max(n, 1));
	}
	for (uint32 i = 0; i < n; i++)
	{
		if (contains)
		{
			test = add_test(condition, number);
			test->ranges = palloc(sizeof(BarqFilterRange));
		}
		test->ranges[test->nranges++] = (BarqFilterRange) {words[i], words[i]};
	}
}

/* Add a key on the filter column of this number. */
static void
add_key(BarqFilterCondition *condition, Relation index, int number, ScanKey key)
{
	int			at = key->sk_attno - 1;
	Column		column = {
		index->rd_opcintype[at],
		getBaseType(TupleDescAttr(RelationGetDescr(index), at)->atttypid),
		index->rd_indcollation[at]
	};
	bool		of_sets = barq_filter_form(column.type) >= BARQ_FILTER_INTEGERS;
	BarqFilterTest *test;
	Ranges		ranges = {0};

	if (key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL))
	{
		bool		null = (key->sk_flags & SK_SEARCHNULL) != 0;

		test = of_sets ? add_test(condition, number) : test_of(condition, number);
		if (of_sets)
		{
			test->null = null;
			test->any = !null;
		}
		else
		{
			test->null &= null;
			if (null)
				intersect(test, &ranges);
		}
		return;
	}
	if (key->sk_flags & SK_ISNULL)
	{
		condition->never = true;
		return;
	}
	if (of_sets)
	{
		add_array_key(condition, number, &column, key);
		return;
	}
	compare_key(&ranges, &column, key, &condition->recheck);
	test = test_of(condition, number);
	test->null = false;
	intersect(test, &ranges);
}

BarqFilterCondition *
barq_filter_of_keys(IndexScanDesc scan, const BarqFilterColumns *columns)
{
	BarqFilterCondition *condition = NULL;

	for (int i = 0; i < scan->numberOfKeys; i++)
	{
		ScanKey		key = &scan->keyData[i];
		int			number = 0;

		while (number < columns->n && columns->columns[number] + 1 != key->sk_attno)
			number++;
		if (number == columns->n)
			continue;
		if (condition == NULL)
		{
			condition = palloc0(sizeof(BarqFilterCondition));
			condition->columns = columns->n;
		}
		add_key(condition, scan->indexRelation, number, key);
	}
	for (int i = 0; condition != NULL && i < condition->ntests; i++)
	{
		const BarqFilterTest *test = &condition->tests[i];

		if (!test->null && !test->any && test->nranges == 0)
			condition->never = true;
	}
	return condition;
}
