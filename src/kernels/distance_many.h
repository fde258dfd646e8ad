/*
 * distance_many.h
 *	  Part of distance.c: keys of sq8 rows for several queries at once, and those of
 *	  them that are small enough.
 *
 * With one query most of the time goes into loads of codes and into horizontal sums. For
 * several queries TILE rows are first turned into a *tile*, in which four dimensions
 * (a *group*) of all rows lie side by side. Each 32-bit lane then belongs to one row, so
 * nothing is summed horizontally, and the loads and what the keys need of the rows
 * are shared. Keys have the bits that sq8_keys_batch gives them: sums of integers are
 * exact, and each other number is computed by the same operations in the same order.
 */

/* Rows of a tile; a vector of the widest level holds a group of them. */
#define TILE			16
#define TILE_VECTORS	(TILE * 4 / I_BYTES)

/* Queries whose codes are laid out at once, and those that share loads of a tile. */
#define MANY_LAID_OUT	16
#define MANY_SHARE		8

#define MANY_GROUPS		(BARQ_MANY_DIMS / 4)

/* Tiles that the rows of one are asked for ahead: into the second cache, the first is full. */
#define TILES_AHEAD		2

/* MANY_QUERIES, MANY_PAYS_DIMS: docs/performance.md, "Batches". */
#if defined(__AVX512VNNI__)
#define QUERY_PLANES	1
#define MANY_PAYS_DIMS	160
#define MANY_QUERIES	3
#else
#define QUERY_PLANES	2		/* even and odd bytes, widened to 16 bits */
#define MANY_PAYS_DIMS	BARQ_MANY_DIMS
#define MANY_QUERIES	(BARQ_WIDTH > 128 ? 2 : 3)
#endif

#if BARQ_WIDTH == 512
typedef __m512d VD;
#define vd_set1(x) _mm512_set1_pd(x)
#define vd_load(p) _mm512_load_pd(p)
#define vd_max(a, b) _mm512_max_pd(a, b)
#define vd_load_i32(p) _mm512_cvtepi32_pd(_mm256_load_si256((const __m256i *) (p)))
#define vd_load_f32(p) _mm512_cvtps_pd(_mm256_load_ps(p))
#define vd_store(p, a) _mm512_store_pd(p, a)
#define vd_store_f32(p, a) _mm256_storeu_ps(p, _mm512_cvtpd_ps(a))
#elif BARQ_WIDTH == 256
typedef simde__m256d VD;
#define vd_set1(x) simde_mm256_set1_pd(x)
#define vd_load(p) simde_mm256_load_pd(p)
#define vd_max(a, b) simde_mm256_max_pd(a, b)
#define vd_load_i32(p) simde_mm256_cvtepi32_pd(simde_mm_load_si128((const simde__m128i *) (p)))
#define vd_load_f32(p) simde_mm256_cvtps_pd(simde_mm_load_ps(p))
#define vd_store(p, a) simde_mm256_store_pd(p, a)
#define vd_store_f32(p, a) simde_mm_storeu_ps(p, simde_mm256_cvtpd_ps(a))
#else
typedef simde__m128d VD;
#define vd_set1(x) simde_mm_set1_pd(x)
#define vd_load(p) simde_mm_load_pd(p)
#define vd_max(a, b) simde_mm_max_pd(a, b)
#define vd_load_i32(p) simde_mm_cvtepi32_pd(simde_mm_loadl_epi64((const simde__m128i *) (p)))
#define vd_load_f32(p) \
	simde_mm_cvtps_pd(simde_mm_castsi128_ps(simde_mm_loadl_epi64((const simde__m128i *) (p))))
#define vd_store(p, a) simde_mm_store_pd(p, a)
#define vd_store_f32(p, a) \
	simde_mm_storel_epi64((simde__m128i *) (p), simde_mm_castps_si128(simde_mm_cvtpd_ps(a)))
#endif
#define VD_LANES ((int) (sizeof(VD) / sizeof(double)))

/* Of each 16 bytes of a vector, and 16 bytes of every fourth of LANE_ROWS rows. */
#define LANE_ROWS (I_BYTES / 4)
#if BARQ_WIDTH == 512
#define vi_unpacklo32(a, b) _mm512_unpacklo_epi32(a, b)
#define vi_unpackhi32(a, b) _mm512_unpackhi_epi32(a, b)
#define vi_unpacklo64(a, b) _mm512_unpacklo_epi64(a, b)
#define vi_unpackhi64(a, b) _mm512_unpackhi_epi64(a, b)
#define load_16(p) _mm_loadu_si128((const __m128i *) (p))
#define load_rows_16(row, at) \
	_mm512_inserti64x2(_mm512_inserti64x2(_mm512_inserti64x2(_mm512_castsi128_si512( \
		load_16((row)[0] + (at))), load_16((row)[4] + (at)), 1), \
		load_16((row)[8] + (at)), 2), load_16((row)[12] + (at)), 3)
#elif BARQ_WIDTH == 256
#define vi_unpacklo32(a, b) simde_mm256_unpacklo_epi32(a, b)
#define vi_unpackhi32(a, b) simde_mm256_unpackhi_epi32(a, b)
#define vi_unpacklo64(a, b) simde_mm256_unpacklo_epi64(a, b)
#define vi_unpackhi64(a, b) simde_mm256_unpackhi_epi64(a, b)
#define load_16(p) simde_mm_loadu_si128((const simde__m128i *) (p))
#define load_rows_16(row, at) \
	simde_mm256_inserti128_si256(simde_mm256_castsi128_si256( \
		load_16((row)[0] + (at))), load_16((row)[4] + (at)), 1)
#else
#define vi_unpacklo32(a, b) simde_mm_unpacklo_epi32(a, b)
#define vi_unpackhi32(a, b) simde_mm_unpackhi_epi32(a, b)
#define vi_unpacklo64(a, b) simde_mm_unpacklo_epi64(a, b)
#define vi_unpackhi64(a, b) simde_mm_unpackhi_epi64(a, b)
#define load_rows_16(row, at) simde_mm_loadu_si128((const simde__m128i *) ((row)[0] + (at)))
#endif

/* TILE rows, and what BARQ_SQ8_KEY computes of rows alone. */
typedef struct Tile
{
	/* codes[group * TILE + row] */
	_Alignas(64) uint32_t codes[MANY_GROUPS * TILE];
	_Alignas(64) double scale[TILE];
	_Alignas(64) double offset[TILE];
	_Alignas(64) double sum[TILE];
	_Alignas(64) double mean[TILE]; /* scale * mean of the codes */
	_Alignas(64) double spread[TILE];	/* scale * spread of the codes */
} Tile;

/* A query's codes as the lanes of a tile meet them. */
typedef struct ManyCodes
{
	int32_t		words[QUERY_PLANES][MANY_GROUPS];
} ManyCodes;

/* Lay out the n codes of a query; zeros meet the bytes behind a row's codes. */
static void
lay_out_codes(ManyCodes *codes, const int8_t *q, int n)
{
	for (int g = 0; g * 4 < n; g++)
	{
		int8_t		four[4] = {0};

		if (n - g * 4 >= 4)
			memcpy(four, q + g * 4, 4);
		else
			for (int i = 0; i < n - g * 4; i++)
				four[i] = q[g * 4 + i];
#if QUERY_PLANES == 1
		memcpy(&codes->words[0][g], four, 4);
#else
		for (int plane = 0; plane < 2; plane++)
		{
			int16_t		wide[2] = {four[plane], four[plane + 2]};

			memcpy(&codes->words[plane][g], wide, 4);
		}
#endif
	}
}

/* The numbers of a tile's rows, as they are stored. */
typedef struct TileRows
{
	_Alignas(64) float scale[TILE];
	_Alignas(64) float offset[TILE];
	_Alignas(64) int32_t sum[TILE];
	_Alignas(64) int32_t sumsq[TILE];
} TileRows;

/*
 * Turn 16 bytes of LANE_ROWS rows, which lie at `at` of each: turned[i] has its i-th four
 * bytes of each row.
 */
BARQ_INLINE void
turn_rows(VI turned[4], const char *const *row, size_t at)
{
	VI			r0 = load_rows_16(row, at);
	VI			r1 = load_rows_16(row + 1, at);
	VI			r2 = load_rows_16(row + 2, at);
	VI			r3 = load_rows_16(row + 3, at);
	VI			lo01 = vi_unpacklo32(r0, r1);
	VI			lo23 = vi_unpacklo32(r2, r3);
	VI			hi01 = vi_unpackhi32(r0, r1);
	VI			hi23 = vi_unpackhi32(r2, r3);

	turned[0] = vi_unpacklo64(lo01, lo23);
	turned[1] = vi_unpackhi64(lo01, lo23);
	turned[2] = vi_unpacklo64(hi01, hi23);
	turned[3] = vi_unpackhi64(hi01, hi23);
}

/*
 * Make a tile of the rows base + i * stride, i < nrows <= TILE; the last one is
 * repeated. Reads at most 15 bytes behind the codes, where a row's trailer lies.
 */
BARQ_INLINE void
make_tile(Tile *tile, const char *base, size_t stride, int nrows, int n, double inv_n)
{
	TileRows	rows;
	const char *row[TILE];
	VI			turned[4];

	for (int r = 0; r < TILE; r++)
		row[r] = base + (size_t) (r < nrows ? r : nrows - 1) * stride;
	for (int r = 0; r < TILE; r += LANE_ROWS)
	{
		for (int i = 0; i < n; i += 16)
		{
			turn_rows(turned, row + r, (size_t) i);
			for (int k = 0; k < 4; k++)
				vi_store(tile->codes + (i / 4 + k) * TILE + r, turned[k]);
		}
		turn_rows(turned, row + r, barq_sq8_terms_at(n));
		vi_store(rows.scale + r, turned[0]);
		vi_store(rows.offset + r, turned[1]);
		vi_store(rows.sum + r, turned[2]);
		vi_store(rows.sumsq + r, turned[3]);
	}
	for (int i = 0; i < TILE; i += VD_LANES)
	{
		VD			scale = vd_load_f32(rows.scale + i);
		VD			sum = vd_load_i32(rows.sum + i);

		vd_store(tile->scale + i, scale);
		vd_store(tile->offset + i, vd_load_f32(rows.offset + i));
		vd_store(tile->sum + i, sum);
		vd_store(tile->mean + i, scale * (sum * vd_set1(inv_n)));
		vd_store(tile->spread + i,
				 scale * (vd_load_i32(rows.sumsq + i) - sum * sum * vd_set1(inv_n)));
	}
}

/* Add the products of a group of a tile's vector v and of a query. */
BARQ_INLINE VI
add_products(VI acc, const Tile *tile, const ManyCodes *q, int group, int v)
{
	VI			codes = vi_load(tile->codes + group * TILE + v * (I_BYTES / 4));

#if QUERY_PLANES == 1
	return _mm512_dpbusd_epi32(acc, codes, vi_set1_32(q->words[0][group]));
#else
	return vi_add(acc, vi_add(vi_madd(vi_and(codes, vi_set1_16(0xff)), vi_set1_32(q->words[0][group])),
							  vi_madd(vi_srl16(codes), vi_set1_32(q->words[QUERY_PLANES - 1][group]))));
#endif
}

/*
 * The products of a tile and the queries q[0 ... count - 1], of which the constant
 * `count` is at most MANY_SHARE.
 */
BARQ_INLINE void
dot_tile(const Tile *tile, const ManyCodes *q, const int count, int n,
		 int32_t dots[MANY_SHARE][TILE])
{
	VI			acc[MANY_SHARE][TILE_VECTORS];

	for (int j = 0; j < count; j++)
		for (int v = 0; v < TILE_VECTORS; v++)
			acc[j][v] = vi_zero();
	for (int group = 0; group * 4 < n; group++)
		for (int v = 0; v < TILE_VECTORS; v++)
			for (int j = 0; j < count; j++)
				acc[j][v] = add_products(acc[j][v], tile, &q[j], group, v);
	for (int j = 0; j < count; j++)
		for (int v = 0; v < TILE_VECTORS; v++)
			vi_store(dots[j] + v * (I_BYTES / 4), acc[j][v]);
}

/* The keys of a tile, of which the first nrows are written, from its products. */
BARQ_INLINE void
tile_keys(const Tile *tile, const BarqSq8Terms *t, const int32_t *dots, int nrows,
		  float *keys)
{
	float		all[TILE];
	float	   *out = nrows == TILE ? keys : all;

	for (int i = 0; i < TILE; i += VD_LANES)
	{
		VD			mean = (vd_load(tile->offset + i) - vd_set1(t->ref)) + vd_load(tile->mean + i);
		VD			dot = vd_load_i32(dots + i) - vd_set1(t->query_mean) * vd_load(tile->sum + i);
		VD			key = (vd_set1(t->base) + mean * (vd_set1(t->by_mean) + vd_set1(t->by_mean_sq) * mean)) +
			vd_load(tile->scale + i) * (vd_set1(t->by_spread) * vd_load(tile->spread + i) + vd_set1(t->by_dot) * dot);

		vd_store_f32(out + i, vd_max(key, vd_set1(t->least)));
	}
	if (out == all)
		memcpy(keys, all, sizeof(float) * (size_t) nrows);
}

static void
sq8_keys_many(const int8_t *const *q, const BarqSq8Terms *const *terms, int nqueries,
			  const char *base, size_t stride, int nrows, int n, float *keys)
{
	Tile		tile;
	ManyCodes	codes[MANY_LAID_OUT];
	_Alignas(64) int32_t dots[MANY_SHARE][TILE];

	for (int first = 0; first < nqueries; first += MANY_LAID_OUT)
	{
		int			count = nqueries - first < MANY_LAID_OUT ? nqueries - first : MANY_LAID_OUT;

		for (int j = 0; j < count; j++)
			lay_out_codes(&codes[j], q[first + j], n);
		for (int i = 0; i < nrows; i += TILE)
		{
			int			rows = nrows - i < TILE ? nrows - i : TILE;

			for (size_t at = 0; at < TILE * stride && first == 0; at += 64)
				__builtin_prefetch(base + (size_t) (i + TILES_AHEAD * TILE) * stride + at, 0, 2);
			make_tile(&tile, base + (size_t) i * stride, stride, rows, n, terms[0]->inv_n);
			for (int j = 0, some; j < count; j += some)
			{
				some = TILE_VECTORS == 1 && count - j >= MANY_SHARE ? MANY_SHARE :
					count - j >= 4 ? 4 : count - j >= 2	  ? 2 : 1;
				if (some == MANY_SHARE)
					dot_tile(&tile, codes + j, MANY_SHARE, n, dots);
				else if (some == 4)
					dot_tile(&tile, codes + j, 4, n, dots);
				else if (some == 2)
					dot_tile(&tile, codes + j, 2, n, dots);
				else
					dot_tile(&tile, codes + j, 1, n, dots);
				for (int k = 0; k < some; k++)
					tile_keys(&tile, terms[first + j + k], dots[k], rows,
							  keys + (size_t) (first + j + k) * (size_t) nrows + i);
			}
		}
	}
}

/* One bit for each of 16 values that is at most `limit`. */
BARQ_INLINE unsigned
at_most(const float *values, float limit)
{
#if BARQ_WIDTH == 512
	return _mm512_cmp_ps_mask(_mm512_loadu_ps(values), _mm512_set1_ps(limit), _CMP_LE_OQ);
#elif BARQ_WIDTH == 256
	unsigned	mask = 0;

	for (int i = 0; i < 16; i += 8)
		mask |= (unsigned) simde_mm256_movemask_ps(
					simde_mm256_cmp_ps(simde_mm256_loadu_ps(values + i), simde_mm256_set1_ps(limit), SIMDE_CMP_LE_OQ))
				<< i;
	return mask;
#else
	unsigned	mask = 0;

	for (int i = 0; i < 16; i += 4)
		mask |= (unsigned) simde_mm_movemask_ps(
					simde_mm_cmple_ps(simde_mm_loadu_ps(values + i), simde_mm_set1_ps(limit)))
				<< i;
	return mask;
#endif
}

static int
find_at_most(const float *values, int n, float limit, uint32_t *which)
{
	int			found = 0;
	int			i = 0;

	for (; i + 16 <= n; i += 16)
		for (unsigned mask = at_most(values + i, limit); mask != 0; mask &= mask - 1)
			which[found++] = (uint32_t) (i + __builtin_ctz(mask));
	for (; i < n; i++)
		if (values[i] <= limit)
			which[found++] = (uint32_t) i;
	return found;
}
