/*
 * codec_decode.c
 *	  From a row back to numbers, and to a row from what was made of them.
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
		case BARQ_QUANT_BITS:
			for (int i = 0; i < codec->dims; i++)
				x[i] = (codes[i / 8] >> (7 - i % 8)) & 1;
			break;
		default:
			memcpy(x, row, (size_t) codec->dims * sizeof(float));
			break;
	}
}

bool
barq_codec_encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	unsigned char bits[BARQ_CODEC_MAX_BITS / 8];

	if (codec->quant != BARQ_QUANT_BITS)
		return barq_codec_encode(codec, x, row);
	memset(bits, 0, ((size_t) codec->dims + 7) / 8);
	for (int i = 0; i < codec->dims; i++)
		if (x[i] > 0.5f)
			bits[i / 8] |= (unsigned char) (0x80 >> i % 8);
	return barq_codec_encode(codec, bits, row);
}
