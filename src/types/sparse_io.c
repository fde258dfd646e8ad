/*
 * sparse_io.c
 *	  Text form, binary form and type modifier of the type sparsevec.
 *
 * Text is "{1:1.5,3:-2}/5": indices from 1, in any order, with their elements,
 * then the number of dimensions; white space is allowed between tokens. Binary
 * is three int32 (dimensions, elements, zero), the indices from 0 as ascending
 * int32, then the elements as float4, in network order. Both forms are
 * pgvector's.
 */
#include "types/sparse.h"

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "types/parse.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(barq_sparsevec_in);
PG_FUNCTION_INFO_V1(barq_sparsevec_out);
PG_FUNCTION_INFO_V1(barq_sparsevec_recv);
PG_FUNCTION_INFO_V1(barq_sparsevec_send);
PG_FUNCTION_INFO_V1(barq_sparsevec_typmod_in);

/* Most characters of an int32, without a terminator. */
#define INT32_TEXT_LEN 11

/* An element read from text, where indices may come in any order. */
typedef struct TextElement
{
	int32		index;			/* from 0 */
	float		value;
} TextElement;

/* For qsort: by index. */
static int
compare_indices(const void *a, const void *b)
{
	int32		i = ((const TextElement *) a)->index;
	int32		j = ((const TextElement *) b)->index;

	return (i > j) - (i < j);
}

/*
 * Read an integer at *p and move *p past it. Numbers beyond int32 become the
 * largest or smallest int32, which the checks of indices and dimensions refuse
 * as well.
 */
static int32
read_integer(const char **p, const char *literal)
{
	char	   *end;
	long		value = strtol(*p, &end, 10);

	if (end == *p)
		barq_syntax_error(&barq_sparsevec_type, literal, NULL);
	*p = end;

	/* + 1, because the caller subtracts 1 from indices */
	return (int32) Max(Min(value, PG_INT32_MAX), PG_INT32_MIN + 1);
}

/*
 * Read the elements between the braces and move *p from behind the opening brace
 * past the closing one. Writes to `elements`, which has room for all of the
 * text (barq_count_elements), and returns their number. Elements that are zero
 * are left out, and their indices are not checked.
 */
static int
read_elements(const char **p, const char *literal, TextElement *elements)
{
	const BarqVecType *type = &barq_sparsevec_type;
	int			nnz = 0;

	*p = barq_skip_space(*p);
	if (**p == '}')
	{
		(*p)++;
		return 0;
	}

	for (;;)
	{
		int32		index = read_integer(p, literal);
		float		value;

		*p = barq_skip_space(*p);
		if (**p != ':')
			barq_syntax_error(type, literal, NULL);
		*p = barq_skip_space(*p + 1);

		value = barq_read_element(type, p, literal);
		if (value != 0)
		{
			elements[nnz].index = index - 1;
			elements[nnz].value = value;
			nnz++;
		}

		*p = barq_skip_space(*p);
		if (**p != ',' && **p != '}')
			barq_syntax_error(type, literal, NULL);
		if (*(*p)++ == '}')
			return nnz;
	}
}

/* sparsevec_in(cstring, oid, typmod integer) */
Datum
barq_sparsevec_in(PG_FUNCTION_ARGS)
{
	const BarqVecType *type = &barq_sparsevec_type;
	const char *literal = PG_GETARG_CSTRING(0);
	const char *p = barq_skip_space(literal);
	int			most = barq_count_elements(literal, BARQ_SPARSEVEC_MAX_NNZ + 1);
	TextElement *elements;
	BarqSparsevec *result;
	float	   *values;
	int			nnz;
	int			dim;

	/* the dimensions are not known yet */
	barq_check_nnz(most, PG_INT32_MAX);
	elements = palloc(sizeof(TextElement) * most);

	if (*p != '{')
		barq_syntax_error(type, literal, "Vector contents must start with \"{\".");
	p++;
	nnz = read_elements(&p, literal, elements);

	p = barq_skip_space(p);
	if (*p != '/')
		barq_syntax_error(type, literal, "Unexpected end of input.");
	p++;
	dim = read_integer(&p, literal);

	p = barq_skip_space(p);
	if (*p != '\0')
		barq_syntax_error(type, literal, "Junk after closing.");

	barq_check_dim(type, dim);
	barq_check_expected_dim(PG_GETARG_INT32(2), dim);

	qsort(elements, nnz, sizeof(TextElement), compare_indices);
	result = barq_sparsevec_new(dim, nnz);
	values = barq_sparsevec_values(result);
	for (int i = 0; i < nnz; i++)
	{
		result->indices[i] = elements[i].index;
		values[i] = elements[i].value;
		barq_check_index(result->indices, i, dim);
	}
	pfree(elements);
	PG_RETURN_BARQ_SPARSEVEC(result);
}

/* sparsevec_out(sparsevec) */
Datum
barq_sparsevec_out(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);
	const float *values = barq_sparsevec_values(value);
	char	   *text;
	char	   *p;

	/*
	 * Each element: an index, a colon, a float and, in place of the terminator
	 * in the float's length, a comma. Then "{}/", dimensions and a terminator.
	 */
	text = palloc((Size) value->nnz * (INT32_TEXT_LEN + 1 + FLOAT_SHORTEST_DECIMAL_LEN) +
				  INT32_TEXT_LEN + 4);
	p = text;
	*p++ = '{';
	for (int i = 0; i < value->nnz; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += pg_ltoa(value->indices[i] + 1, p);
		*p++ = ':';
		p += float_to_shortest_decimal_bufn(values[i], p);
	}
	*p++ = '}';
	*p++ = '/';
	p += pg_ltoa(value->dim, p);
	*p = '\0';

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_CSTRING(text);
}

/* sparsevec_recv(internal, oid, typmod integer) */
Datum
barq_sparsevec_recv(PG_FUNCTION_ARGS)
{
	const BarqVecType *type = &barq_sparsevec_type;
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		dim = (int32) pq_getmsgint(buf, 4);
	int32		nnz = (int32) pq_getmsgint(buf, 4);
	int32		unused = (int32) pq_getmsgint(buf, 4);
	BarqSparsevec *result;
	float	   *values;

	barq_check_dim(type, dim);
	barq_check_nnz(nnz, dim);
	barq_check_expected_dim(PG_GETARG_INT32(2), dim);
	barq_check_unused(unused);

	result = barq_sparsevec_new(dim, nnz);
	values = barq_sparsevec_values(result);
	for (int i = 0; i < nnz; i++)
	{
		result->indices[i] = (int32) pq_getmsgint(buf, 4);
		barq_check_index(result->indices, i, dim);
	}
	for (int i = 0; i < nnz; i++)
	{
		values[i] = pq_getmsgfloat4(buf);
		barq_check_element(type, values[i]);
		if (values[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("binary representation of sparsevec cannot contain zero values")));
	}
	PG_RETURN_BARQ_SPARSEVEC(result);
}

/* sparsevec_send(sparsevec) */
Datum
barq_sparsevec_send(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);
	const float *values = barq_sparsevec_values(value);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, VARSIZE(value));
	pq_sendint32(&buf, (uint32) value->dim);
	pq_sendint32(&buf, (uint32) value->nnz);
	pq_sendint32(&buf, (uint32) value->unused);
	for (int i = 0; i < value->nnz; i++)
		pq_sendint32(&buf, (uint32) value->indices[i]);
	for (int i = 0; i < value->nnz; i++)
		pq_sendfloat4(&buf, values[i]);

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* sparsevec_typmod_in(cstring[]) */
Datum
barq_sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(barq_typmod_in(&barq_sparsevec_type, PG_GETARG_DATUM(0)));
}
