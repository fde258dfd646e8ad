/*
 * codec_row.c
 *	  Values and rows as bytes: how many, where, whether they are whole.
 */
#include "codec_internal.h"

size_t
barq_value_bytes(const BarqCodec *codec, const void *value)
{
	if (codec->quant == BARQ_QUANT_BITS)
		return ((size_t) codec->dims + 7) / 8;
	if (codec->quant == BARQ_QUANT_SPARSE)
		return barq_sparse_value_bytes(value);
	return (size_t) codec->dims * sizeof(float);
}

bool
barq_value_is_zero(const BarqCodec *codec, const void *value)
{
	const float *x = value;
	const char *bits = value;

	if (codec->quant == BARQ_QUANT_SPARSE)
		return ((const BarqSparseValue *) value)->nnz == 0;
	if (codec->quant == BARQ_QUANT_BITS)
	{
		for (size_t i = 0; i < barq_value_bytes(codec, value); i++)
			if (bits[i] != 0)
				return false;
		return true;
	}
	for (int i = 0; i < codec->dims; i++)
		if (x[i] != 0)
			return false;
	return true;
}

int
barq_codec_max_dims(BarqQuantization quant)
{
	return quant == BARQ_QUANT_BITS ? BARQ_CODEC_MAX_BITS :
		quant == BARQ_QUANT_SPARSE ? BARQ_CODEC_MAX_SPARSE_DIMS : BARQ_CODEC_MAX_DIMS;
}

bool
barq_codec_is_exact(const BarqCodec *codec)
{
	return codec->quant == BARQ_QUANT_BITS;
}

size_t
barq_value_row_bytes(const BarqCodec *codec, const void *value)
{
	return barq_codec_has_heads(codec) ?
		barq_sparse_row_bytes(((const BarqSparseValue *) value)->nnz) : codec->row_bytes;
}

size_t
barq_row_bytes(const BarqCodec *codec, const void *row)
{
	return barq_codec_has_heads(codec) ?
		barq_sparse_row_bytes(((const SparseHead *) row)->nnz) : codec->row_bytes;
}

bool
barq_row_is_whole(const BarqCodec *codec, const void *row, size_t length)
{
	int64_t		distance;
	size_t		bytes;

	return length >= codec->row_bytes &&
		barq_row_extent(codec, row, &distance, &bytes) && distance == 0 && bytes == length;
}

bool
barq_row_is_sound(const BarqCodec *codec, const void *row)
{
	return !barq_codec_has_heads(codec) || barq_sparse_is_sound(codec, row);
}

bool
barq_row_extent(const BarqCodec *codec, const void *head, int64_t *distance, size_t *length)
{
	SparseHead	h;

	*distance = 0;
	*length = codec->row_bytes;
	if (!barq_codec_has_heads(codec))
		return true;
	memcpy(&h, head, sizeof(h));
	if (h.nnz < 0 || h.nnz > BARQ_SPARSE_MAX_NNZ ||
		h.entries < INT64_MIN + (int64_t) sizeof(h) || h.entries % 8 != 0)
		return false;
	*distance = h.entries - (int64_t) sizeof(h);
	*length = barq_sparse_row_bytes(h.nnz);
	return true;
}

const void *
barq_row_whole(const BarqCodec *codec, const void *row)
{
	return barq_codec_has_heads(codec) ?
		(const char *) row + ((const SparseHead *) row)->entries - sizeof(SparseHead) : row;
}

void
barq_row_head(void *head, const void *row, int64_t distance)
{
	SparseHead	h;

	memcpy(&h, row, sizeof(h));
	h.entries = distance + (int64_t) sizeof(h);
	memcpy(head, &h, sizeof(h));
}

bool
barq_rows_equal(const BarqCodec *codec, const void *a, const void *b)
{
	return barq_codec_has_heads(codec) ? barq_sparse_equal(a, b) :
		memcmp(a, b, codec->row_bytes) == 0;
}
