/*
 * codec_decode.c
 *	  From a row back to numbers: what its code stands for.
 *
 * For those who take means of rows; nobody scores what he gets here.
 */
#include "codec_internal.h"

void
barq_codec_decode(const BarqCodec *codec, const void *row, float *x)
{
	const unsigned char *codes = row;
	Sq8Trailer	t;

	switch (codec->quant)
	{
		case BARQ_QUANT_F16:
			barq_kernels->f16_to_f32(row, x, codec->dims);
			break;
		case BARQ_QUANT_SQ8:
			t = sq8_trailer(codec, row);
			for (int i = 0; i < codec->dims; i++)
				x[i] = t.offset + t.scale * codes[i];
			break;
		default:
			memcpy(x, row, (size_t) codec->dims * sizeof(float));
			break;
	}
}
