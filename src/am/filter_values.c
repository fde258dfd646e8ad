/*
 * filter_values.c
 *	  Types of filter columns, and their values as words.
 */
#include "postgres.h"

#include <math.h>

#include "am/am.h"
#include "am/filters.h"
#include "am/filter_words.h"
#include "base/array.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

BarqFilterForm
barq_filter_form(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return BARQ_FILTER_INTEGER;
		case OIDOID:
		case REGCONFIGOID:
			return BARQ_FILTER_OID;
		case FLOAT4OID:
		case FLOAT8OID:
			return BARQ_FILTER_FLOAT;
		case BOOLOID:
			return BARQ_FILTER_BOOL;
		case DATEOID:
			return BARQ_FILTER_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return BARQ_FILTER_TIMESTAMP;
		case UUIDOID:
			return BARQ_FILTER_UUID;
		case TEXTOID:
			return BARQ_FILTER_TEXT;
		case ANYENUMOID:
		case ANYELEMENTOID:
			return BARQ_FILTER_ENUM;
		case INT2ARRAYOID:
		case INT4ARRAYOID:
			return BARQ_FILTER_INTEGERS;
		case TEXTARRAYOID:
			return BARQ_FILTER_TEXTS;
		default:
			return BARQ_FILTER_NONE;
	}
}

const char *
barq_filter_types(void)
{
	return "smallint, integer, bigint, oid, real, double precision, boolean, date, timestamp, timestamp with time zone, uuid, text, character varying, an enum, smallint[], integer[] and text[]";
}

/* The word of a number, in the order of PostgreSQL: NaN is the last. */
static uint64
float_word(double value)
{
	uint64		bits;

	if (isnan(value))
		return PG_UINT64_MAX;
	if (value == 0)
		value = 0;				/* -0 is 0 */
	memcpy(&bits, &value, sizeof(bits));
	return (bits >> 63) ? ~bits : bits | (UINT64CONST(1) << 63);
}

/* A hash under a collation: equal texts have equal words. */
static uint64
text_word(Datum value, Oid collation)
{
	return DatumGetUInt64(DirectFunctionCall2Coll(hashtextextended, collation, value,
												  Int64GetDatum(0)));
}

uint64
barq_filter_word(Oid type, Datum value, Oid collation)
{
	const pg_uuid_t *uuid;
	uint64		word = 0;

	switch (type)
	{
		case INT2OID:
			return barq_integer_word(DatumGetInt16(value));
		case INT4OID:
			return barq_integer_word(DatumGetInt32(value));
		case INT8OID:
			return barq_integer_word(DatumGetInt64(value));
		case BOOLOID:
			return DatumGetBool(value);
		case DATEOID:
			return barq_integer_word(DatumGetDateADT(value));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return barq_integer_word(DatumGetTimestamp(value));
		case FLOAT4OID:
			return float_word(DatumGetFloat4(value));
		case FLOAT8OID:
			return float_word(DatumGetFloat8(value));
		case UUIDOID:
			uuid = DatumGetUUIDP(value);
			for (int i = 0; i < 8; i++)
				word = word << 8 | uuid->data[i];
			return word;
		case TEXTOID:
			return text_word(value, collation);
		case OIDOID:
		case REGCONFIGOID:
		case ANYENUMOID:
		case ANYELEMENTOID:
			return DatumGetObjectId(value);
		default:
			elog(ERROR, "type %u is of no filter column", type);
	}
	return 0;					/* keep the compiler quiet */
}

static int
compare_words(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

uint64 *
barq_filter_set_words(Oid type, Datum value, Oid collation, uint32 *n, bool *has_null)
{
	Oid			element = type == INT2ARRAYOID ? INT2OID : type == INT4ARRAYOID ? INT4OID : TEXTOID;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	uint64	   *words;
	uint32		given = 0;

	get_typlenbyvalalign(element, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(value), element, length, by_value, align,
					  &elements, &nulls, &count);
	words = palloc(sizeof(uint64) * Max(count, 1));
	*has_null = false;
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			*has_null = true;
		else
			words[given++] = barq_filter_word(element, elements[i], collation);
	}
	qsort(words, given, sizeof(uint64), compare_words);
	*n = 0;
	for (uint32 i = 0; i < given; i++)
		if (i == 0 || words[i] != words[*n - 1])
			words[(*n)++] = words[i];
	pfree(elements);
	pfree(nulls);
	return words;
}

void
barq_filter_encode(Relation index, const BarqFilterColumns *which, const Datum *values,
				   const bool *isnull, BarqFilterValues *filters)
{
	int			columns = which->n;
	uint64	   *words;
	uint64	   *sets[BARQ_MAX_FILTERS];
	uint32		nset[BARQ_MAX_FILTERS];
	uint64		total = 1 + columns;

	memset(filters, 0, sizeof(*filters));
	if (columns == 0)
		return;
	for (int i = 0; i < columns; i++)
	{
		int			at = which->columns[i];
		bool		has_null;
		Oid			type = index->rd_opcintype[at];

		sets[i] = NULL;
		nset[i] = 0;
		if (!isnull[at] && barq_filter_form(type) >= BARQ_FILTER_INTEGERS)
			sets[i] = barq_filter_set_words(type, values[at],
											index->rd_indcollation[at], &nset[i], &has_null);
		total += nset[i];
	}
	words = palloc0(sizeof(uint64) * total);
	filters->columns = columns;
	filters->nwords = 1 + columns;
	filters->words = words;
	for (int i = 0; i < columns; i++)
	{
		int			at = which->columns[i];
		Oid			type = index->rd_opcintype[at];

		if (isnull[at])
			words[0] |= UINT64CONST(1) << i;
		if (barq_filter_form(type) >= BARQ_FILTER_INTEGERS)
			words[0] |= UINT64CONST(1) << (32 + i);
		else if (!isnull[at])
			words[1 + i] = barq_filter_word(type, values[at], index->rd_indcollation[at]);
		if (sets[i] == NULL)
			continue;
		words[1 + i] = nset[i];
		memcpy(words + filters->nwords, sets[i], sizeof(uint64) * nset[i]);
		filters->nwords += nset[i];
		pfree(sets[i]);
	}
}
