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
	const double most = 3.4028234663852886e38;	/* the largest float */
	Sq8Trailer	t;

	switch (codec->quant)
	{
		case BARQ_QUANT_F16:
			barq_kernels->f16_to_f32(row, x, codec->dims);
			break;
		case BARQ_QUANT_SQ8:
			t = sq8_trailer(codec, row);
			for (int i = 0; i < codec->dims; i++)
			{
				double		v = t.offset + (double) t.scale * codes[i];

				/* the range of floats, in 255 steps, may end a little above it */
				x[i] = (float) (v > most ? most : v < -most ? -most : v);
			}
			break;
		default:
			memcpy(x, row, (size_t) codec->dims * sizeof(float));
			break;
	}
}
