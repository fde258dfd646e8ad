/*
 * dense_io.c
 *	  Text form, binary form and type modifier of the types vector and
 *	  halfvec.
 *
 * Text is "[1,2.5,-3]", with white space allowed around elements and brackets.
 * Output uses the shortest form that reads back as the same float. Binary is
 * two int16 (dimensions, zero), then the elements as float4 or as the two bytes
 * of a half, in network order. All forms are pgvector's.
 */
#include "types/dense.h"

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "types/parse.h"

PG_FUNCTION_INFO_V1(barq_vector_recv);
PG_FUNCTION_INFO_V1(barq_halfvec_recv);
PG_FUNCTION_INFO_V1(barq_vector_send);
PG_FUNCTION_INFO_V1(barq_halfvec_send);

/* vector_in(cstring, oid, typmod integer), halfvec_in */
static Datum
dense_in(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	const char *literal = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	const char *p = barq_skip_space(literal);
	BarqDense  *result;
	float	   *x;
	int			dim = 0;

	if (*p != '[')
		barq_syntax_error(type, literal, "Vector contents must start with \"[\".");

	p = barq_skip_space(p + 1);
	if (*p == ']')
		barq_check_dim(type, 0);

	result = barq_dense_new(type, barq_count_elements(p, type->max_dim));
	x = barq_dense_scratch(type, result);

	for (;;)
	{
		if (dim == type->max_dim)
			barq_check_dim(type, dim + 1);

		p = barq_skip_space(p);
		x[dim++] = barq_read_element(type, &p, literal);
		p = barq_skip_space(p);

		if (*p == ']')
			break;
		if (*p != ',')
			barq_syntax_error(type, literal, NULL);
		p++;
	}

	p = barq_skip_space(p + 1);
	if (*p != '\0')
		barq_syntax_error(type, literal, "Junk after closing right brace.");

	barq_check_expected_dim(typmod, dim);

	/* the estimate counted commas, so dim is at most that */
	SET_VARSIZE(result, BARQ_DENSE_SIZE(type, dim));
	result->dim = (int16) dim;
	barq_dense_store(type, result, x);
	PG_RETURN_POINTER(result);
}

/* vector_out(vector), halfvec_out(halfvec) */
static Datum
dense_out(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	const float *x = barq_dense_floats(type, value);
	char	   *text;
	char	   *p;

	/*
	 * FLOAT_SHORTEST_DECIMAL_LEN includes a terminator, in whose place the
	 * comma goes.
	 */
	text = palloc(FLOAT_SHORTEST_DECIMAL_LEN * (Size) value->dim + 3);
	p = text;
	*p++ = '[';
	for (int i = 0; i < value->dim; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(x[i], p);
	}
	*p++ = ']';
	*p = '\0';

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_CSTRING(text);
}

/*
 * Read the header of a binary form. Returns a value for the elements that
 * follow, palloc'd in the current memory context.
 */
static BarqDense *
receive_header(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			dim = (int) pq_getmsgint(buf, 2);
	int			unused = (int) pq_getmsgint(buf, 2);

	barq_check_dim(type, dim);
	barq_check_expected_dim(PG_GETARG_INT32(2), dim);
	barq_check_unused(unused);
	return barq_dense_new(type, dim);
}

/* vector_recv(internal, oid, typmod integer) */
Datum
barq_vector_recv(PG_FUNCTION_ARGS)
{
	BarqDense  *result = receive_header(fcinfo, &barq_vector_type);
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	float	   *x = (float *) result->x;
	const char *bytes = pq_getmsgbytes(buf, result->dim * (int) sizeof(float));
	bool		finite = true;

	/* loops without calls or branches, which the compiler makes vector instructions of */
	for (int i = 0; i < result->dim; i++)
	{
		const uint32 exponent = 0x7f800000;
		uint32		bits;

		memcpy(&bits, bytes + i * sizeof(bits), sizeof(bits));
		bits = pg_ntoh32(bits);
		memcpy(&x[i], &bits, sizeof(bits));
		finite &= (bits & exponent) != exponent;
	}
	for (int i = 0; !finite && i < result->dim; i++)
		barq_check_element(&barq_vector_type, x[i]);
	PG_RETURN_POINTER(result);
}

/* halfvec_recv(internal, oid, typmod integer) */
Datum
barq_halfvec_recv(PG_FUNCTION_ARGS)
{
	BarqDense  *result = receive_header(fcinfo, &barq_halfvec_type);
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	uint16	   *x = (uint16 *) result->x;

	for (int i = 0; i < result->dim; i++)
	{
		x[i] = (uint16) pq_getmsgint(buf, 2);
		if (unlikely(!BARQ_HALF_IS_FINITE(x[i])))
			barq_element_not_finite(&barq_halfvec_type,
									(x[i] & 0x3ff) ? NAN : INFINITY);
	}
	PG_RETURN_POINTER(result);
}

/* Begin the message of a binary form and write the header. */
static void
begin_send(StringInfo buf, const BarqDense *value)
{
	pq_begintypsend(buf);
	enlargeStringInfo(buf, VARSIZE(value));
	pq_sendint16(buf, (uint16) value->dim);
	pq_sendint16(buf, (uint16) value->unused);
}

/* vector_send(vector) */
Datum
barq_vector_send(PG_FUNCTION_ARGS)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	const float *x = (const float *) value->x;
	StringInfoData buf;

	begin_send(&buf, value);
	for (int i = 0; i < value->dim; i++)
		pq_sendfloat4(&buf, x[i]);

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* halfvec_send(halfvec) */
Datum
barq_halfvec_send(PG_FUNCTION_ARGS)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	const uint16 *x = (const uint16 *) value->x;
	StringInfoData buf;

	begin_send(&buf, value);
	for (int i = 0; i < value->dim; i++)
		pq_sendint16(&buf, x[i]);

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* vector_typmod_in(cstring[]), halfvec_typmod_in(cstring[]) */
static Datum
dense_typmod_in(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_INT32(barq_typmod_in(type, PG_GETARG_DATUM(0)));
}

BARQ_DENSE_FUNCTION(in);
BARQ_DENSE_FUNCTION(out);
BARQ_DENSE_FUNCTION(typmod_in);
