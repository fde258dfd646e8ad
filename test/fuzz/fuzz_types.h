/*
 * fuzz_types.h
 *	  Fuzz targets: the text and binary input functions of the vector types,
 *	  outside of a server. Each input must give an error with one of the expected
 *	  SQLSTATEs, or a valid value that converts to text and binary form and back
 *	  to the same bits. A value received in binary form is sent as the same bytes.
 *	  Sanitizers check that no byte outside of the operands is accessed.
 *
 * One C file includes this together with the sources under test, so that these
 * are compiled with its flags. In addition to fuzz_server.h, it defines the
 * functions of a server that these input functions call.
 */
#ifndef BARQ_FUZZ_TYPES_H
#define BARQ_FUZZ_TYPES_H

#include "fuzz_server.h"

#include "../../src/types/check.c"
#include "../../src/types/dense.c"
#include "../../src/types/dense_io.c"
#include "../../src/types/parse.c"
#include "../../src/types/sparse.c"
#include "../../src/types/sparse_io.c"

#undef sprintf
#undef printf
#undef vprintf

/* --- functions of a server --- */

int32 *
ArrayGetIntegerTypmods(ArrayType *arr, int *n)
{
	abort();
}

int
pg_ltoa(int32 value, char *text)
{
	return sprintf(text, "%d", value);
}

int
float_to_shortest_decimal_bufn(float f, char *result)
{
	return sprintf(result, "%.9g", (double) f);
}

int
float_to_shortest_decimal_buf(float f, char *result)
{
	return float_to_shortest_decimal_bufn(f, result);
}

const char *
pq_getmsgbytes(StringInfo msg, int datalen)
{
	return get_bytes(msg, datalen);
}

float4
pq_getmsgfloat4(StringInfo msg)
{
	uint32		bits = pq_getmsgint(msg, 4);
	float4		value;

	memcpy(&value, &bits, 4);
	return value;
}

void
pq_sendfloat4(StringInfo buf, float4 f)
{
	uint32		bits;

	memcpy(&bits, &f, 4);
	pq_sendint32(buf, bits);
}

/* --- the targets --- */

typedef struct FuzzType
{
	const BarqVecType *type;
	PGFunction	in,
				out,
				recv,
				send;
} FuzzType;

typedef struct FuzzTarget
{
	const char *name;
	const FuzzType *type;
	bool		binary;
} FuzzTarget;

static const FuzzType fuzz_vector = {
	&barq_vector_type, barq_vector_in, barq_vector_out, barq_vector_recv, barq_vector_send
};
static const FuzzType fuzz_halfvec = {
	&barq_halfvec_type, barq_halfvec_in, barq_halfvec_out, barq_halfvec_recv, barq_halfvec_send
};
static const FuzzType fuzz_sparsevec = {
	&barq_sparsevec_type, barq_sparsevec_in, barq_sparsevec_out, barq_sparsevec_recv,
	barq_sparsevec_send
};

static const FuzzTarget fuzz_targets[] = {
	{"vector_in", &fuzz_vector, false},
	{"vector_recv", &fuzz_vector, true},
	{"halfvec_in", &fuzz_halfvec, false},
	{"halfvec_recv", &fuzz_halfvec, true},
	{"sparsevec_in", &fuzz_sparsevec, false},
	{"sparsevec_recv", &fuzz_sparsevec, true},
};

/* Whether the value is valid (vector.h, halfvec.h, sparse.h). */
static bool
fuzz_is_valid(const BarqVecType *type, void *value)
{
	BarqDense  *dense = value;
	const float *x;

	if (type == &barq_sparsevec_type)
	{
		BarqSparsevec *sparse = value;
		const float *values = barq_sparsevec_values(sparse);

		if (sparse->dim < 1 || sparse->dim > BARQ_SPARSEVEC_MAX_DIM ||
			sparse->nnz < 0 || sparse->nnz > BARQ_SPARSEVEC_MAX_NNZ ||
			sparse->unused != 0 || VARSIZE(value) != BARQ_SPARSEVEC_SIZE(sparse->nnz))
			return false;
		for (int i = 0; i < sparse->nnz; i++)
			if (sparse->indices[i] <= (i > 0 ? sparse->indices[i - 1] : -1) ||
				sparse->indices[i] >= sparse->dim ||
				!isfinite(values[i]) || values[i] == 0)
				return false;
		return true;
	}

	if (dense->dim < 1 || dense->dim > type->max_dim || dense->unused != 0 ||
		VARSIZE(value) != BARQ_DENSE_SIZE(type, dense->dim))
		return false;
	x = barq_dense_floats(type, dense);
	for (int i = 0; i < dense->dim; i++)
		if (!isfinite(x[i]))
			return false;
	return true;
}

/*
 * Test one input, whose first byte only determines whether there is a type
 * modifier. Returns a description of the fault, or NULL; *accepted: the input
 * gave a value.
 */
static const char *
fuzz_one(const FuzzTarget *target, const uint8 *data, size_t size, bool *accepted)
{
	const FuzzType *type = target->type;
	const char *volatile wrong = NULL;
	char	   *input;
	int32		typmod;

	*accepted = false;
	if (size < 1)
		return NULL;
	typmod = data[0] % 8 == 0 ? 3 : -1;

	/* a copy of exactly its size, for the sanitizer */
	input = malloc(size);
	memcpy(input, data + 1, size - 1);
	input[size - 1] = '\0';

	shim_context_push();
	if (SHIM_TRY())
	{
		void	   *value = target->binary
			? DatumGetPointer(fuzz_receive(type->recv, input, (int) size - 1, typmod))
			: DatumGetPointer(fuzz_call(type->in, input, typmod));
		void	   *text;
		char	   *bytes;

		*accepted = true;
		if (!fuzz_is_valid(type->type, value))
			wrong = "a value that breaks the type's promises";
		else
		{
			text = DatumGetPointer(fuzz_call(type->out, value, -1));
			bytes = (char *) DatumGetPointer(fuzz_call(type->send, value, -1));
			if (!fuzz_same(value, DatumGetPointer(fuzz_call(type->in, text, -1))))
				wrong = "a value that differs when its text is read";
			else if (!fuzz_same(value, DatumGetPointer(fuzz_receive(type->recv, VARDATA(bytes),
																	VARSIZE(bytes) - VARHDRSZ, -1))))
				wrong = "a value that differs when its bytes are received";
			else if (target->binary && ((Size) VARSIZE(bytes) - VARHDRSZ > size - 1 ||
										memcmp(input, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ) != 0))
				wrong = "a value that is sent otherwise than it was received";
		}
	}
	else if (*accepted)
		wrong = "a value whose own text or bytes are refused";
	else if (shim_sqlstate != ERRCODE_INVALID_TEXT_REPRESENTATION &&
			 shim_sqlstate != ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE &&
			 shim_sqlstate != ERRCODE_DATA_EXCEPTION &&
			 shim_sqlstate != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
			 shim_sqlstate != ERRCODE_PROTOCOL_VIOLATION)
		wrong = "an error of a kind that bad input does not have";
	SHIM_END();
	shim_context_pop();
	free(input);
	return wrong;
}

#endif							/* BARQ_FUZZ_TYPES_H */
