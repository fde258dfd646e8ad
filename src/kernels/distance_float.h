/*
 * distance_float.h
 *	  Part of distance.c: float sums over operands stored as float32, IEEE half
 *	  or unsigned bytes.
 *
 * Every kernel is one loop over four accumulators, so that four additions are in
 * flight. The single and the batched form use the same loop and so give the same
 * bits. Each element passes through at most n - 1 additions; the error bounds of
 * codec_bound.c depend on that.
 */

/* One step: add the terms of two vectors of elements to acc. */
#define STEP_IP(acc, a, b) acc = vf_fmadd(a, b, acc)
#define STEP_L2(acc, a, b) \
	do { \
		VF			diff_ = vf_sub(a, b); \
		acc = vf_fmadd(diff_, diff_, acc); \
	} while (0)
#define STEP_L1(acc, a, b) acc = vf_add(acc, vf_abs(vf_sub(a, b)))
/* b is a code, its value v_offset + v_scale * b */
#define STEP_L1_CODE(acc, a, b) \
	acc = vf_add(acc, vf_abs(vf_sub(a, vf_fmadd(v_scale, b, v_offset))))
#define STEP_L1_CODES(acc, a, b) \
	acc = vf_add(acc, vf_abs(vf_sub(vf_fmadd(v_scale_a, a, v_offset_a), \
									vf_fmadd(v_scale, b, v_offset))))

/*
 * The loop. LA and LB name the loaders (vf_load_LA, vf_tail_LA). Lanes behind
 * the last element are set to zero after the step, because a step may turn zeros
 * into other values.
 */
#define SUM_LOOP(result, a, LA, b, LB, n, STEP) \
	do { \
		VF			s0_ = vf_zero(), \
					s1_ = vf_zero(), \
					s2_ = vf_zero(), \
					s3_ = vf_zero(); \
		int			i_ = 0; \
		\
		for (; i_ + 4 * V_LANES <= (n); i_ += 4 * V_LANES) \
		{ \
			STEP(s0_, vf_load_##LA((a) + i_), vf_load_##LB((b) + i_)); \
			STEP(s1_, vf_load_##LA((a) + i_ + V_LANES), vf_load_##LB((b) + i_ + V_LANES)); \
			STEP(s2_, vf_load_##LA((a) + i_ + 2 * V_LANES), vf_load_##LB((b) + i_ + 2 * V_LANES)); \
			STEP(s3_, vf_load_##LA((a) + i_ + 3 * V_LANES), vf_load_##LB((b) + i_ + 3 * V_LANES)); \
		} \
		if (i_ + 2 * V_LANES <= (n)) \
		{ \
			STEP(s0_, vf_load_##LA((a) + i_), vf_load_##LB((b) + i_)); \
			STEP(s1_, vf_load_##LA((a) + i_ + V_LANES), vf_load_##LB((b) + i_ + V_LANES)); \
			i_ += 2 * V_LANES; \
		} \
		if (i_ + V_LANES <= (n)) \
		{ \
			STEP(s2_, vf_load_##LA((a) + i_), vf_load_##LB((b) + i_)); \
			i_ += V_LANES; \
		} \
		if (i_ < (n)) \
		{ \
			VF			tail_ = vf_zero(); \
			int			rem_ = (n) - i_; \
			\
			STEP(tail_, vf_tail_##LA((a) + i_, rem_), vf_tail_##LB((b) + i_, rem_)); \
			s3_ = vf_add(s3_, vf_first(tail_, rem_)); \
		} \
		(result) = vf_sum(vf_add(vf_add(s0_, s1_), vf_add(s2_, s3_))); \
	} while (0)

#define DEFINE_SUM(name, TA, LA, TB, LB, STEP) \
static float \
name(const TA *a, const TB *b, int n) \
{ \
	float		result; \
	\
	SUM_LOOP(result, a, LA, b, LB, n, STEP); \
	return result; \
}

#define DEFINE_SUM_BATCH(name, TB, LB, STEP) \
static void \
name(const float *q, const char *base, size_t stride, \
	 const uint32_t *ids, int nrows, int n, float *out) \
{ \
	size_t		bytes = (size_t) n * sizeof(TB); \
	\
	prefetch_first(base, stride, ids, nrows, bytes); \
	for (int i = 0; i < nrows; i++) \
	{ \
		const TB   *b = (const TB *) row_at(base, stride, ids, i); \
		\
		prefetch_ahead(base, stride, ids, i, nrows, bytes); \
		SUM_LOOP(out[i], q, f32, b, LB, n, STEP); \
	} \
}

DEFINE_SUM(l2sq, float, f32, float, f32, STEP_L2)
DEFINE_SUM(ip, float, f32, float, f32, STEP_IP)
DEFINE_SUM(l1, float, f32, float, f32, STEP_L1)
DEFINE_SUM(l2sq_f16, float, f32, uint16_t, f16, STEP_L2)
DEFINE_SUM(ip_f16, float, f32, uint16_t, f16, STEP_IP)
DEFINE_SUM(l1_f16, float, f32, uint16_t, f16, STEP_L1)
DEFINE_SUM(l2sq_f16f16, uint16_t, f16, uint16_t, f16, STEP_L2)
DEFINE_SUM(ip_f16f16, uint16_t, f16, uint16_t, f16, STEP_IP)
DEFINE_SUM(l1_f16f16, uint16_t, f16, uint16_t, f16, STEP_L1)
DEFINE_SUM(ip_f32u8, float, f32, uint8_t, u8, STEP_IP)

DEFINE_SUM_BATCH(l2sq_batch, float, f32, STEP_L2)
DEFINE_SUM_BATCH(ip_batch, float, f32, STEP_IP)
DEFINE_SUM_BATCH(l1_batch, float, f32, STEP_L1)
DEFINE_SUM_BATCH(l2sq_f16_batch, uint16_t, f16, STEP_L2)
DEFINE_SUM_BATCH(ip_f16_batch, uint16_t, f16, STEP_IP)
DEFINE_SUM_BATCH(l1_f16_batch, uint16_t, f16, STEP_L1)

static float
l1_f32u8(const float *query, const uint8_t *code, float scale, float offset, int n)
{
	VF			v_scale = vf_set1(scale);
	VF			v_offset = vf_set1(offset);
	float		result;

	SUM_LOOP(result, query, f32, code, u8, n, STEP_L1_CODE);
	return result;
}

static float
l1_u8u8(const uint8_t *a, float sa, float oa,
		const uint8_t *b, float sb, float ob, int n)
{
	VF			v_scale_a = vf_set1(sa);
	VF			v_offset_a = vf_set1(oa);
	VF			v_scale = vf_set1(sb);
	VF			v_offset = vf_set1(ob);
	float		result;

	SUM_LOOP(result, a, u8, b, u8, n, STEP_L1_CODES);
	return result;
}

static void
cosine_parts(const float *a, const float *b, int n, float *ab, float *aa, float *bb)
{
	VF			xy0 = vf_zero(),
				xy1 = vf_zero(),
				xx0 = vf_zero(),
				xx1 = vf_zero(),
				yy0 = vf_zero(),
				yy1 = vf_zero();
	int			i = 0;

	for (; i + 2 * V_LANES <= n; i += 2 * V_LANES)
	{
		VF			x0 = vf_load_f32(a + i);
		VF			y0 = vf_load_f32(b + i);
		VF			x1 = vf_load_f32(a + i + V_LANES);
		VF			y1 = vf_load_f32(b + i + V_LANES);

		xy0 = vf_fmadd(x0, y0, xy0);
		xx0 = vf_fmadd(x0, x0, xx0);
		yy0 = vf_fmadd(y0, y0, yy0);
		xy1 = vf_fmadd(x1, y1, xy1);
		xx1 = vf_fmadd(x1, x1, xx1);
		yy1 = vf_fmadd(y1, y1, yy1);
	}
	if (i + V_LANES <= n)
	{
		VF			x = vf_load_f32(a + i);
		VF			y = vf_load_f32(b + i);

		xy0 = vf_fmadd(x, y, xy0);
		xx0 = vf_fmadd(x, x, xx0);
		yy0 = vf_fmadd(y, y, yy0);
		i += V_LANES;
	}
	if (i < n)
	{
		VF			x = vf_tail_f32(a + i, n - i);
		VF			y = vf_tail_f32(b + i, n - i);

		xy1 = vf_fmadd(x, y, xy1);
		xx1 = vf_fmadd(x, x, xx1);
		yy1 = vf_fmadd(y, y, yy1);
	}
	*ab = vf_sum(vf_add(xy0, xy1));
	*aa = vf_sum(vf_add(xx0, xx1));
	*bb = vf_sum(vf_add(yy0, yy1));
}

/* Round to the nearest half, ties to even; from 65520 on to infinity. */
#if BARQ_WIDTH == 128
static uint16_t
half_from_float(float value)
{
	uint32_t	bits;
	uint32_t	sign;

	memcpy(&bits, &value, sizeof(bits));
	sign = (bits >> 16) & 0x8000;
	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		return (uint16_t) (sign | 0x7e00 | ((bits >> 13) & 0x3ff));
	if (bits >= 0x47800000)
		return (uint16_t) (sign | 0x7c00);
	if (bits < (113u << 23))
	{
		/*
		 * A denormal half: adding 0.5 puts its last bit where float's last
		 * bit is, so the addition itself rounds.
		 */
		float		sum;

		memcpy(&sum, &bits, sizeof(sum));
		sum += 0.5f;
		memcpy(&bits, &sum, sizeof(bits));
		return (uint16_t) (sign | (bits - (126u << 23)));
	}
	bits += 0xfff + ((bits >> 13) & 1);
	return (uint16_t) (sign | ((bits - (112u << 23)) >> 13));
}
#endif

static void
f32_to_f16(const float *src, uint16_t *dst, int n)
{
	int			i = 0;

#if BARQ_WIDTH == 128
	for (; i < n; i++)
	{
		uint16_t	half = half_from_float(src[i]);

		memcpy((char *) dst + 2 * (size_t) i, &half, 2);
	}
#else
	for (; i + V_LANES <= n; i += V_LANES)
		vf_store_f16(dst + i, vf_load_f32(src + i));
	if (i < n)
	{
		uint16_t	tail[V_LANES];

		vf_store_f16(tail, vf_tail_f32(src + i, n - i));
		memcpy(dst + i, tail, (size_t) (n - i) * sizeof(uint16_t));
	}
#endif
}

static void
f16_to_f32(const uint16_t *src, float *dst, int n)
{
	int			i = 0;

	for (; i + V_LANES <= n; i += V_LANES)
		vf_store(dst + i, vf_load_f16(src + i));
	if (i < n)
	{
		float		tail[V_LANES];

		vf_store(tail, vf_tail_f16(src + i, n - i));
		memcpy(dst + i, tail, (size_t) (n - i) * sizeof(float));
	}
}
