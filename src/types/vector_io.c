/*
 * vector_io.c
 *	  Text form, binary form and type modifier of the type vector.
 *
 * Text is "[1,2.5,-3]", white space allowed around elements and brackets;
 * elements come out in the shortest form that reads back as the same float.
 * Binary is two int16 (dimensions, zero) and the elements as float4, in
 * network order. Both are pgvector's.
 */
#include "types/vector.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "types/parse.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(barq_vector_in);
PG_FUNCTION_INFO_V1(barq_vector_out);
PG_FUNCTION_INFO_V1(barq_vector_recv);
PG_FUNCTION_INFO_V1(barq_vector_send);
PG_FUNCTION_INFO_V1(barq_vector_typmod_in);

static inline const char *
skip_space(const char *p)
{
	while (barq_isspace(*p))
		p++;
	return p;
}

/* ERRCODE_INVALID_TEXT_REPRESENTATION; detail may be NULL */
pg_noreturn static void
syntax_error(const char *literal, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type vector: \"%s\"", literal),
			 detail ? errdetail("%s", detail) : 0));
}

/*
 * One element at *p, which moves past it. literal is the whole input, for the
 * message.
 */
static float
read_element(const char **p, const char *literal)
{
	const char *start = *p;
	float		value;

	value = barq_strtof(start, p);
	if (*p == start)
		syntax_error(literal, NULL);

	/* as float4in does, but a number too small becomes 0 */
	if (errno == ERANGE && isinf(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is out of range for type vector",
						pnstrdup(start, *p - start))));

	barq_check_element(value);
	return value;
}

/* No vector can have more elements than its text has commas, plus one. */
static int
count_elements_at_most(const char *p)
{
	int			n = 1;

	while (n < BARQ_VECTOR_MAX_DIM && (p = strchr(p, ',')) != NULL)
	{
		n++;
		p++;
	}
	return n;
}

/* vector_in(cstring, oid, typmod integer) */
Datum
barq_vector_in(PG_FUNCTION_ARGS)
{
	const char *literal = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	const char *p = skip_space(literal);
	BarqVector *result;
	int			dim = 0;

	if (*p != '[')
		syntax_error(literal, "Vector contents must start with \"[\".");

	p = skip_space(p + 1);
	if (*p == ']')
		barq_check_dim(0);

	result = barq_vector_new(count_elements_at_most(p));

	for (;;)
	{
		if (dim == BARQ_VECTOR_MAX_DIM)
			barq_check_dim(dim + 1);

		p = skip_space(p);
		result->x[dim++] = read_element(&p, literal);
		p = skip_space(p);

		if (*p == ']')
			break;
		if (*p != ',')
			syntax_error(literal, NULL);
		p++;
	}

	p = skip_space(p + 1);
	if (*p != '\0')
		syntax_error(literal, "Junk after closing right brace.");

	barq_check_expected_dim(typmod, dim);

	/* junk alone makes the estimate too large, but do not rely on that */
	SET_VARSIZE(result, BARQ_VECTOR_SIZE(dim));
	result->dim = (int16) dim;
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_out(vector) */
Datum
barq_vector_out(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	char	   *text;
	char	   *p;

	/*
	 * FLOAT_SHORTEST_DECIMAL_LEN counts a terminator, whose room the comma
	 * takes.
	 */
	text = palloc(FLOAT_SHORTEST_DECIMAL_LEN * (Size) vec->dim + 3);
	p = text;
	*p++ = '[';
	for (int i = 0; i < vec->dim; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(vec->x[i], p);
	}
	*p++ = ']';
	*p = '\0';

	PG_FREE_IF_COPY(vec, 0);
	PG_RETURN_CSTRING(text);
}

/* vector_recv(internal, oid, typmod integer) */
Datum
barq_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			dim = (int) pq_getmsgint(buf, 2);
	int			unused = (int) pq_getmsgint(buf, 2);
	BarqVector *result;

	barq_check_dim(dim);
	barq_check_expected_dim(typmod, dim);
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));

	result = barq_vector_new(dim);
	for (int i = 0; i < dim; i++)
	{
		result->x[i] = pq_getmsgfloat4(buf);
		barq_check_element(result->x[i]);
	}
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_send(vector) */
Datum
barq_vector_send(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, VARSIZE(vec));
	pq_sendint16(&buf, (uint16) vec->dim);
	pq_sendint16(&buf, (uint16) vec->unused);
	for (int i = 0; i < vec->dim; i++)
		pq_sendfloat4(&buf, vec->x[i]);

	PG_FREE_IF_COPY(vec, 0);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* vector_typmod_in(cstring[]): vector(n), n in 1 .. BARQ_VECTOR_MAX_DIM */
Datum
barq_vector_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *modifiers = PG_GETARG_ARRAYTYPE_P(0);
	int32	   *values;
	int			n;

	values = ArrayGetIntegerTypmods(modifiers, &n);
	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type vector must be at least 1")));
	if (values[0] > BARQ_VECTOR_MAX_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type vector cannot exceed %d",
						BARQ_VECTOR_MAX_DIM)));

	PG_RETURN_INT32(values[0]);
}
