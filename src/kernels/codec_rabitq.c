/*
 * codec_rabitq.c
 *	  Codes of 2 bits a dimension after a random rotation: RaBitQ (Gao & Long,
 *	  SIGMOD 2024, arXiv 2405.12497) in its form of several bits (Gao et al.,
 *	  SIGMOD 2025, arXiv 2409.09913).
 *
 * A vector x (under cosine divided by its norm) is split into the mean m of its
 * coordinates, the norm of the rest r = x - m, and o = r / |r|. Zeros are added
 * to o until its dimensions n are a multiple of 64, and o is rotated
 * (rotation.c). Its code c is the vector of {-1.5, -0.5, 0.5, 1.5}^n with the
 * smallest angle to the rotated o. Subtracting the mean costs one float a row and
 * is cheap to undo: <q,x> = dims * m_q * m_x + <r_q, r_x>. The mean replaces
 * RaBitQ's centroid, which would differ between segments, while codes must mean
 * the same in all of them. Without it, vectors of positive coordinates nearly
 * coincide, and codes would have to resolve small differences beside a large
 * common part.
 *
 * Estimates. For a query's rest p, <p,o> is estimated by <p,c> / <o,c> (paper,
 * section 3.2): without bias, because the part of c orthogonal to o points in a
 * random direction. The error is <p',c> / <o,c> for the part p' of p orthogonal
 * to o, hence of standard deviation
 *
 *		|p'| * sqrt((1 - a^2) / a^2 / (n - 1)),		a = <o,c> / |c|
 *
 * (a is 0.94 for 2 bits), and |p'|^2 = |p|^2 - <p,o>^2: near rows are estimated
 * better than in the paper's theorem 3.2, which uses all of |p|. The query's own
 * 8 bits add to the error. The lower bound lies CONFIDENCE deviations below the
 * estimate.
 *
 * Between two rows, <o,o'> is estimated by the cosine of the two codes. That is
 * biased, but exact for equal codes and it grows with the true value, while the
 * product of two estimates without bias would make close neighbours identical.
 * The construction of graphs compares such keys with each other.
 *
 * Refinements. A bound from 2 bits is only likely, whatever is known of the rest, and
 * the rotation rounds. So a row's refinement is independent of its code: the sq8 row of
 * the vector with that row's refinement, 16 bits a dimension, whose bounds are proven.
 * It is longer than the code, but read for a search's last rows only.
 *
 * Functions that the table at the end names have the contracts of the functions
 * of codec.h with nearly the same names.
 */
#include "codec_internal.h"

/* the paper's epsilon_0: measured in docs/performance.md */
#define CONFIDENCE 2.5

/* magnitudes are sorted into this many classes */
#define CLASSES 256

static size_t
row_bytes(int dims)
{
	return barq_rabitq_terms_at(rabitq_dims(dims)) + sizeof(RabitqTrailer);
}

/* A copy of a row's trailer. */
static RabitqTrailer
rabitq_trailer(const BarqCodec *codec, const void *row)
{
	RabitqTrailer t;

	memcpy(&t, (const char *) row + codec->row_bytes - sizeof(t), sizeof(t));
	return t;
}

/*
 * Split x * factor: *mean of its coordinates, *norm of the rest, and the rest
 * divided by that norm and rotated, in rabitq_dims() floats; all zero if the
 * norm is 0.
 */
static void
rotate_rest(const BarqCodec *codec, const float *x, double factor, float *rotated,
			float *mean, double *norm)
{
	int			dims = codec->dims;
	int			n = rabitq_dims(codec->dims);
	double		sum = 0;
	double		sumsq = 0;
	double		by;

	for (int i = 0; i < dims; i++)
		sum += x[i] * factor;
	*mean = (float) (sum / dims);
	for (int i = 0; i < dims; i++)
	{
		double		rest = x[i] * factor - *mean;

		sumsq += rest * rest;
	}
	*norm = sqrt(sumsq);
	by = *norm > 0 ? 1 / *norm : 0;
	for (int i = 0; i < dims; i++)
		rotated[i] = (float) ((x[i] * factor - *mean) * by);
	memset(rotated + dims, 0, (size_t) (n - dims) * sizeof(float));
	barq_rotate(rotated, n);
}

/*
 * The least class of magnitudes that the best code represents by 1.5, others by
 * 0.5. A magnitude times `class`, truncated, is its class, below CLASSES. If the
 * largest k coordinates are at 1.5, <o,c> / |c| = (S / 2 + S_k) / sqrt(n / 4 +
 * 2 k), where S and S_k are the sums of all and of the largest k magnitudes. The
 * best code has the largest of these cosines, here of all classes instead of all
 * k (the paper of 2025 tries scales in the same way).
 */
static int
first_large_class(const float *o, int n, double class)
{
	int			count[CLASSES] = {0};
	double		sum[CLASSES] = {0};
	double		all = 0;
	double		large = 0;
	double		best = -1;
	int			nlarge = 0;
	int			first = CLASSES;

	for (int i = 0; i < n; i++)
	{
		double		size = fabs((double) o[i]);
		int			at = (int) (size * class);

		count[at]++;
		sum[at] += size;
		all += size;
	}
	for (int at = CLASSES; at >= 0; at--)
	{
		double		cosine;

		if (at < CLASSES)
		{
			nlarge += count[at];
			large += sum[at];
		}
		cosine = (all / 2 + large) / sqrt(n / 4.0 + 2.0 * nlarge);
		if (cosine > best)
		{
			best = cosine;
			first = at;
		}
	}
	return first;
}

/* The largest absolute value of n floats. */
static double
largest_magnitude(const float *x, int n)
{
	float		lo,
				hi;

	barq_range(x, n, &lo, &hi);
	return fmax(-(double) lo, hi);
}

static bool
encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	float		o[BARQ_CODEC_MAX_DIMS + 64];
	unsigned char *code = row;
	int			n = rabitq_dims(codec->dims);
	int			plane = n / 4;
	RabitqTrailer t = {0};
	double		factor;
	float		given_norm;
	double		norm;
	double		dot = 0;
	int			nlarge = 0;
	double		class;
	int			first;

	if (!barq_dense_measure(codec, x, &factor, &given_norm))
		return false;
	rotate_rest(codec, x, factor, o, &t.mean, &norm);
	memset(code, 0, (size_t) plane);
	if (norm > 0)
	{
		class = (CLASSES - 0.5) / largest_magnitude(o, n);
		first = first_large_class(o, n, class);
		for (int field = 0; field < 4; field++)
			for (int i = 0; i < plane; i++)
			{
				float		value = o[field * plane + i];
				double		size = fabs((double) value);
				int			large = (int) (size * class) >= first;

				dot += (0.5 + large) * size;
				nlarge += large;
				code[i] |= (unsigned char) ((value < 0 ? 1 - large : 2 + large) <<
											(2 * field));
			}
		/* norms beyond all floats: such rows are far from everything */
		t.norm = norm < FLT_MAX ? (float) norm : FLT_MAX;
		t.factor = (float) (1 / dot);
		t.scale = (float) (1 / sqrt(n / 4.0 + 2.0 * nlarge));
	}
	memcpy(code + plane, &t, sizeof(t));
	return true;
}

static bool
encode(const BarqCodec *codec, const void *value, void *row)
{
	return encode_floats(codec, value, row);
}

/*
 * Set the terms of a query or row: the mean of its coordinates, the norm of its
 * rest, which is step * codes (rotated), and the sum of these codes. of_code: see
 * BarqRabitqTerms.
 */
static void
rabitq_terms(BarqRabitqTerms *t, const BarqCodec *codec, double mean, double norm,
			 double step, int code_sum, bool of_code)
{
	memset(t, 0, sizeof(*t));
	t->code_sum = 1.5 * code_sum;
	t->of_code = of_code;
	if (codec->metric == BARQ_METRIC_L2)
	{
		t->ref = mean;
		t->base = norm * norm;
		t->by_mean_sq = codec->dims;
		t->by_norm_sq = 1;
		t->by_dot = -2 * step;
		t->least = 0;
	}
	else
	{
		t->by_mean = -codec->dims * mean;
		t->by_dot = -step;
		t->least = -INFINITY;
	}
}

/* The codec of the sq8 rows that refinements begin with. */
static BarqCodec
fine_codec(const BarqCodec *codec)
{
	BarqCodec	fine;

	barq_codec_init(&fine, codec->metric, BARQ_QUANT_SQ8, codec->dims);
	(void) barq_codec_refine(&fine);
	return fine;
}

/* Where the refinement of a row's refinement lies. */
static const char *
finest(const BarqCodec *fine, const void *refinement)
{
	return (const char *) refinement + fine->row_bytes;
}

static size_t
refine_bytes(int dims)
{
	return barq_form_sq8.row_bytes(dims) + barq_form_sq8.refine_bytes(dims);
}

static void
encode_refinement(const BarqCodec *codec, const void *value, const void *row, void *refinement)
{
	BarqCodec	fine = fine_codec(codec);

	barq_codec_encode_parts(&fine, value, refinement, (char *) refinement + fine.row_bytes);
}

static bool
refinement_is_sound(const BarqCodec *codec, const void *row, const void *refinement)
{
	BarqCodec	fine = fine_codec(codec);

	return barq_refinement_is_sound(&fine, refinement, finest(&fine, refinement));
}

static void
refined(const BarqQuery *query, const void *row, const void *refinement, BarqInterval *interval)
{
	barq_query_interval(query->fine, refinement, finest(&query->fine->codec, refinement),
						interval);
}

/* Bytes of the arrays of keys. */
static size_t
array_bytes(const BarqCodec *codec)
{
	size_t		n = (size_t) rabitq_dims(codec->dims);

	return ALIGN64(n * sizeof(float)) + ALIGN64(n);
}

static size_t
query_bytes(const BarqCodec *codec)
{
	BarqCodec	fine = fine_codec(codec);

	return array_bytes(codec) + (codec->refine_bytes > 0 ? barq_query_bytes(&fine) : 0);
}

static void
prepare(BarqQuery *query, const void *value, void *arrays)
{
	const float *q = value;
	int			n = rabitq_dims(query->codec.dims);
	float	   *rotated = arrays;
	int8_t	   *codes = (int8_t *) (rotated + n);
	double		total;
	double		factor = barq_dense_query_measure(query, q, &total);
	float		mean;
	double		most;
	double		step;
	double		per_step;
	double		error = 0;
	int			sum = 0;

	rotate_rest(&query->codec, q, factor, rotated, &mean, &query->norm);
	most = largest_magnitude(rotated, n);
	step = most / 127;
	per_step = most > 0 ? 127 / most : 0;
	for (int i = 0; i < n; i++)
	{
		/* 128 makes truncation the floor */
		int			code = (int) (rotated[i] * per_step + 128.5) - 128;
		double		lost = rotated[i] - step * code;

		codes[i] = (int8_t) code;
		sum += code;
		error += lost * lost;
	}
	query->codes = codes;
	query->ref = mean;
	query->code_error = sqrt(error);
	if (query->codec.refine_bytes > 0)
	{
		BarqCodec	fine = fine_codec(&query->codec);

		query->fine = barq_query_prepare((char *) arrays + array_bytes(&query->codec), &fine, value);
	}
	rabitq_terms(&query->rabitq, &query->codec, mean, query->norm,
				 step * query->norm, sum, false);
}

static void
query_keys(const BarqQuery *query, const char *base, size_t stride,
		   const uint32_t *ids, int n, float *keys)
{
	barq_kernels->rabitq_keys_batch(query->codes, &query->rabitq, base, stride, ids, n,
									rabitq_dims(query->codec.dims), keys);
}

static void
code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
		  const uint32_t *ids, int n, float *keys)
{
	_Alignas(64) int8_t codes[BARQ_CODEC_MAX_DIMS + 64];
	const unsigned char *code = a;
	int			plane = rabitq_dims(codec->dims) / 4;
	RabitqTrailer t = rabitq_trailer(codec, a);
	BarqRabitqTerms terms;
	int			sum = 0;

	/* twice the values */
	for (int field = 0; field < 4; field++)
		for (int i = 0; i < plane; i++)
		{
			int			value = 2 * (code[i] >> (2 * field) & 3) - 3;

			codes[field * plane + i] = (int8_t) value;
			sum += value;
		}
	rabitq_terms(&terms, codec, t.mean, t.norm, 0.5 * t.norm * t.scale, sum, true);
	barq_kernels->rabitq_keys_batch(codes, &terms, base, stride, ids, n, 4 * plane, keys);
}

/*
 * The vector with the row's norm in the direction of the code. Keys between rows
 * compare these vectors, and encoding such a vector gives the same code.
 */
static void
decode(const BarqCodec *codec, const void *row, float *x)
{
	float		o[BARQ_CODEC_MAX_DIMS + 64];
	const unsigned char *code = row;
	int			n = rabitq_dims(codec->dims);
	int			plane = n / 4;
	RabitqTrailer t = rabitq_trailer(codec, row);

	for (int field = 0; field < 4; field++)
		for (int i = 0; i < plane; i++)
			o[field * plane + i] = t.scale * ((float) (code[i] >> (2 * field) & 3) - 1.5f);
	barq_rotate_back(o, n);
	for (int i = 0; i < codec->dims; i++)
	{
		double		v = t.mean + (double) t.norm * o[i];

		x[i] = (float) (v > FLT_MAX ? FLT_MAX : v < -FLT_MAX ? -FLT_MAX : v);
	}
}

/*
 * The standard deviation of a key. It depends on the product <p,o>, which is
 * computed from the key and reduced by two deviations, because the key itself
 * has that error.
 */
static double
key_error(const BarqQuery *query, const RabitqTrailer *t, double key)
{
	const BarqCodec *codec = &query->codec;
	double		norms = query->norm * t->norm;
	double		mean = t->mean;
	double		factor = t->factor;
	double		scale = t->scale;
	double		variance;		/* of <o, p / |p|>, were p orthogonal to o */
	double		query_part;
	double		product;
	double		cosine;
	double		error;

	if (!(norms > 0))
		return 0;
	if (codec->metric == BARQ_METRIC_L2)
	{
		double		d = mean - query->ref;

		product = (query->norm * query->norm + (double) t->norm * t->norm +
				   codec->dims * d * d - key) / 2;
	}
	else
		product = -key - codec->dims * query->ref * mean;
	variance = at_least_0((factor * factor) / (scale * scale) - 1) / (rabitq_dims(codec->dims) - 1);
	cosine = at_least_0(fabs(product) / norms - 2 * sqrt(variance));
	if (!(cosine < 1))
		cosine = 1;
	query_part = query->code_error * factor / scale;
	error = norms * sqrt(variance * (1 - cosine * cosine) +
						 query_part * query_part / rabitq_dims(codec->dims));
	return codec->metric == BARQ_METRIC_L2 ? 2 * error : error;
}

/*
 * The distance is that of the key. The bound lies CONFIDENCE deviations below it,
 * and further below by the rounding of floats, the only error if the code is
 * exact.
 */
static void
rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	const BarqCodec *codec = &query->codec;
	RabitqTrailer t = rabitq_trailer(codec, row);
	double		key;
	double		size;
	double		least;

	interval->high = INFINITY;
	if (query->null)
	{
		barq_null_rescore(interval);
		return;
	}
	key = barq_query_key(query, row);
	size = query->norm * query->norm + (double) t.norm * t.norm +
		codec->dims * (query->ref * query->ref + (double) t.mean * t.mean);
	least = key - CONFIDENCE * key_error(query, &t, key) - codec->dims * FLT_EPSILON * size;

	switch (codec->metric)
	{
		case BARQ_METRIC_L2:
			interval->distance = sqrt(key);
			interval->low = fabs(least) <= DBL_MAX ? sqrt(at_least_0(least)) : 0;
			break;
		case BARQ_METRIC_COSINE:
			interval->distance = key < -1 ? 0 : key > 1 ? 2 : 1 + key;
			interval->low = at_least_0(1 + least);
			break;
		default:
			interval->distance = key;
			interval->low = fabs(least) <= DBL_MAX ? least : -INFINITY;
	}
}

const BarqCodecForm barq_form_rabitq = {
	.name = "rabitq",
	.metrics = VECTOR_METRICS & ~BARQ_METRIC_BIT(BARQ_METRIC_L1),
	.max_dims = BARQ_CODEC_MAX_DIMS,
	.least_stride = 64,
	.scoring_bytes = SHORT_ROW_BYTES,
	.row_bytes = row_bytes,
	.value_bytes = barq_dense_value_bytes,
	.value_is_zero = barq_dense_value_is_zero,
	.encode = encode,
	.refine_bytes = refine_bytes,
	.encode_refinement = encode_refinement,
	.refined = refined,
	.refinement_is_sound = refinement_is_sound,
	.encode_floats = encode_floats,
	.decode = decode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = query_keys,
	.rescore = rescore,
	.enclose = barq_rabitq_enclose,
	.code_keys = code_keys
};
