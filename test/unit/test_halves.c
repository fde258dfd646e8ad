/*
 * test_halves.c
 *	  Half codes of sq8 rows, in TAP: every level of kernels finds the rows that a plain
 *	  loop finds; rows within a limit are found, whatever vectors look like; bodies with
 *	  half codes, flat and of lists, return what those without return.
 */
#include "ivf_bodies.h"
#include "flat/hits.h"

/* The rows of half codes within a limit, by a plain loop. */
static int
plain_rows_within(const int8_t *q, const BarqHalfTerms *t, const char *blocks, int nblocks,
				  int groups, float limit, uint32 *which)
{
	int			found = 0;

	for (int b = 0; b < nblocks; b++)
		for (int r = 0; r < BARQ_HALF_ROWS; r++)
		{
			const char *block = blocks + b * BARQ_HALF_BLOCK_BYTES(groups);
			const float *rows = (const float *) (block + groups * 4 * BARQ_HALF_ROWS) + r;
			int32		dot = 0;
			float		mean = rows[0] - t->ref;
			float		least = t->base + mean * (t->by_mean + t->by_mean_sq * mean);

			for (int g = 0; g < groups; g++)
				for (int k = 0; k < 4; k++)
				{
					unsigned char byte = block[(g * BARQ_HALF_ROWS + r) * 4 + k];

					dot += (byte & 15) * q[g * 8 + k] + (byte >> 4) * q[g * 8 + 4 + k];
				}
			least = least + rows[BARQ_HALF_ROWS];
			least = least + t->by_sum * rows[3 * BARQ_HALF_ROWS];
			least = least + rows[2 * BARQ_HALF_ROWS] * (t->by_dot * (float) dot - t->slack);
			if (!(least > limit))
				which[found++] = b * BARQ_HALF_ROWS + r;
		}
	return found;
}

static void
test_kernels(void)
{
	static const int group_counts[] = {1, 2, 3, 4, 5, 8, 12, 13, 97, BARQ_HALF_GROUPS};
	int			nlevels;
	const BarqKernels *const *levels = barq_kernels_all(&nlevels);

	enum
	{
		BLOCKS = 5,
		N = BLOCKS * BARQ_HALF_ROWS
	};

	for (int level = 0; level < nlevels; level++)
	{
		bool		same = true;
		int			total = 0;

		if (!barq_kernels_supported(levels[level]))
			continue;
		random_state = 7;
		for (int i = 0; i < (int) lengthof(group_counts); i++)
			for (int extreme = 0; extreme < 2; extreme++)
			{
				int			groups = group_counts[i];
				Size		bytes = BARQ_HALF_BLOCK_BYTES(groups);
				char	   *blocks = malloc(bytes * BLOCKS);
				int8_t	   *q = malloc(groups * 8);
				BarqHalfTerms t = {0.1f, 3, 0.5f, groups * 8, -0.3f, -0.02f, 40};
				uint32		got[N];
				uint32		want[N];

				for (int k = 0; k < groups * 8; k++)
					q[k] = extreme ? 127 : (int8_t) ((int) (random_uniform() * 255) - 127);
				for (int b = 0; b < BLOCKS; b++)
				{
					float	   *rows = (float *) (blocks + b * bytes + groups * 4 * BARQ_HALF_ROWS);

					for (int k = 0; k < groups * 4 * BARQ_HALF_ROWS; k++)
						blocks[b * bytes + k] = extreme ? (char) 0xff : (char) (random_uniform() * 256);
					for (int k = 0; k < 4 * BARQ_HALF_ROWS; k++)
						rows[k] = (float) random_uniform();
					rows[BARQ_HALF_ROWS + 3] = -INFINITY;
				}
				for (float limit = -100000; limit < 10000; limit = limit < -1 ? limit / 3 : limit + 700)
				{
					int			n = levels[level]->half_rows_within(q, &t, blocks, BLOCKS, groups, limit, got);

					same &= n == plain_rows_within(q, &t, blocks, BLOCKS, groups, limit, want) &&
						n >= BLOCKS && memcmp(got, want, sizeof(uint32) * n) == 0;
					total += n;
				}
				free(blocks);
				free(q);
			}
		ok(same && total > 0, "%s: the rows within a limit are those of a plain loop", levels[level]->name);
	}
}

/* Vectors of one kind; the last few may be odd ones. */
typedef enum Shape
{
	NORMAL,
	POSITIVE,					/* all coordinates >= 0, most near 0 */
	SHIFTED,					/* far from the origin */
	CLUSTERED,
	LONG_AND_SHORT,				/* lengths differ */
	SPARSE,						/* most coordinates are 0 */
	FEW_VALUES,					/* coordinates are 0 or 1 */
	ODD,						/* constant, huge and tiny among others */
	SPIKED,						/* clustered, but one coordinate is far larger */
	COUNTS,						/* small integers, and a large one */
	SHAPES
} Shape;

static const char *const shape_names[] = {
	"normal", "positive", "shifted", "clustered", "long and short", "sparse", "of few values", "odd",
	"spiked", "counts"
};

static float *
shaped_vectors(Shape shape, int n, int dims, uint64 seed)
{
	bool		clusters = shape == CLUSTERED || shape == SPIKED || shape == COUNTS;
	float	   *x = clusters ? clustered_vectors(n, dims, 20, seed, 0) : NULL;

	random_state = seed;
	x = x != NULL ? x : random_vectors(n, dims);
	for (int i = 0; i < n * dims; i++)
		switch (shape)
		{
			case POSITIVE:
				x[i] = x[i] * x[i] * x[i] * x[i];
				break;
			case SHIFTED:
				x[i] += 300;
				break;
			case LONG_AND_SHORT:
				x[i] *= (float) (1 + i / dims % 7);
				break;
			case SPARSE:
				x[i] = random_uniform() < 0.9 ? 0 : x[i];
				break;
			case FEW_VALUES:
				x[i] = x[i] > 0;
				break;
			case ODD:
				if (i / dims % 50 == 0)
					x[i] = 2;
				else if (i / dims % 50 == 1)
					x[i] = 1e8f + x[i];
				else if (i / dims % 50 == 2)
					x[i] *= 1e-20f;
				else if (i / dims % 50 == 3)
					x[i] *= 1e18f;
				break;
			case COUNTS:
				x[i] = floorf(5 * fabsf(x[i]));
				break;
			default:
				break;
		}
	for (int i = 0; i < n && (shape == SPIKED || shape == COUNTS); i++)
		x[(Size) i * dims + (int) (random_uniform() * dims)] = shape == SPIKED ? 100 : 200;
	return x;
}

/*
 * Of the rows with the least keys for a query, each must be found, with hardly an
 * exception, and few others.
 */
static void
test_codecs(void)
{
	static const char *metrics[] = {"", "l2", "ip", "cosine"};
	static const int dims_of[] = {3, 21, 96, 100, 777, 2000};

	enum
	{
		N = 3000,
		QUERIES = 20,
		NEAR = 30
	};
	char	   *blocks = malloc((N + BARQ_HALF_ROWS - 1) / BARQ_HALF_ROWS * BARQ_HALF_BLOCK_BYTES(250));
	float	   *keys = malloc(sizeof(float) * N);
	BarqHit    *hits = malloc(sizeof(BarqHit) * N);
	uint32	   *which = malloc(sizeof(uint32) * (N + BARQ_HALF_ROWS));

	for (int metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
		for (Shape shape = NORMAL; shape < SHAPES; shape++)
		{
			long		near = 0;
			long		missed = 0;
			long		passed = 0;
			long		all = 0;

			for (int d = 0; d < (int) lengthof(dims_of); d++)
			{
				int			dims = dims_of[d];
				float	   *x = shaped_vectors(shape, N + QUERIES, dims, 5 + d);
				BarqCodec	codec;
				char	   *rows;
				void	   *mem;

				barq_codec_init(&codec, metric, BARQ_QUANT_SQ8, dims);
				rows = calloc(N, codec.stride);
				mem = malloc(barq_query_bytes(&codec));
				for (int i = 0; i < N; i++)
					if (!barq_codec_encode(&codec, x + (size_t) i * dims, rows + (size_t) i * codec.stride))
						memcpy(rows + (size_t) i * codec.stride, rows, codec.row_bytes);	/* zero, under cosine */
				for (int i = 0; i < N; i += BARQ_HALF_ROWS)
					barq_halves_write(&codec, rows + (size_t) i * codec.stride, codec.stride,
									  Min(BARQ_HALF_ROWS, N - i),
									  blocks + i / BARQ_HALF_ROWS * barq_half_block_bytes(&codec));
				for (int q = 0; q < QUERIES; q++)
				{
					BarqQuery  *query = barq_query_prepare(mem, &codec, x + (size_t) (N + q) * dims);
					BarqHalfTerms terms;
					int			found;
					int			at = 0;

					if (!barq_query_halve(query, &terms))
						continue;
					barq_query_keys(query, rows, codec.stride, NULL, N, keys);
					barq_keys_clean(keys, N);
					for (int i = 0; i < N; i++)
						hits[i] = (BarqHit) {keys[i], i};
					barq_hits_sort(hits, N);
					found = barq_query_half_rows(query, &terms, blocks, (N + BARQ_HALF_ROWS - 1) / BARQ_HALF_ROWS,
												 hits[NEAR].key, which);
					for (int i = 0; i < N; i++)
					{
						bool		is_found;

						while (at < found && which[at] < (uint32) i)
							at++;
						is_found = at < found && which[at] == (uint32) i;
						near += keys[i] < hits[NEAR].key;
						missed += keys[i] < hits[NEAR].key && !is_found;
						passed += is_found;
					}
					all += N;
				}
				free(rows);
				free(mem);
				free(x);
			}
			ok(near > 0 && missed * 1000 <= near, "%s, %s vectors: %ld of %ld near rows are missed, %ld of %ld pass",
			   metrics[metric], shape_names[shape], missed, near, passed, all);
			if (shape == NORMAL || shape == CLUSTERED || shape == LONG_AND_SHORT)
				ok(passed < all / 10, "%s, %s vectors: most rows are left out", metrics[metric], shape_names[shape]);
		}
	free(blocks);
	free(keys);
	free(hits);
	free(which);
}

/* The header of a body. */
static BarqVectorHeader *
vector_header(const BarqBodyWriter *body)
{
	return (BarqVectorHeader *) (body->data + ((const BarqBodyHeader *) body->data)->kind_off);
}

/* A body of one kind, flat or of lists, with half codes or without. */
static void
make_body(BarqBodyWriter *writer, const BarqCodec *codec, const float *x, int n, bool lists,
		  bool halved)
{
	BarqBodyWriter flat;
	BarqView	view;
	BarqMergeInput input;

	make_flat_as(lists ? &flat : writer, codec, x, n, 0, halved);
	if (!lists)
		return;
	view = shim_view(&flat, false);
	input = (BarqMergeInput) {&view, NULL, view.rows};
	make_lists_halved(writer, codec, 40, &input, 1, 1, halved);
	shim_writer_free(&flat);
}

/* The rows of a search with rising bounds, in order, until it gives none. */
static int
rows_of_search(const BarqBodyWriter *body, const BarqQuery *query, const uint8 *skip,
			   const float *bounds, int nbounds, int max, bool pages, BarqHit *hits)
{
	BarqView	view = shim_view(body, pages);
	const BarqVectorSearchOps *ops = (view.kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_ivf_kind)->vectors;
	BarqSearchParams params = {.query = query, .breadth = 40, .skip = skip, .beside_graphs = true};
	BarqSearch *search;
	int			n = 0;
	int			got;

	shim_context_push();
	search = ops->begin(&view, &params);
	for (int b = 0; b < nbounds; b++)
		while ((got = ops->next(search, bounds[b], hits + n, max)) > 0)
			n += got;
	ops->end(search);
	shim_context_pop();
	return n;
}

static bool
body_clean(const BarqBodyWriter *body)
{
	return vector_header(body)->halves_off % 64 == 0 &&
		(((const BarqBodyHeader *) body->data)->kind == BARQ_KIND_FLAT ?
		 check_clean(body, false, "flat") && check_clean(body, true, "flat") :
		 lists_clean(body, false) && lists_clean(body, true));
}

/*
 * Bodies with and without half codes, of each codec: the same rows in the same order.
 */
static void
test_bodies(bool lists)
{
	static const char *metrics[] = {"", "l2", "ip", "cosine"};
	static const char *quants[] = {"none", "f16", "sq8", "rabitq"};

	enum
	{
		N = 3001,
		DIMS = 64,
		QUERIES = 20
	};
	float	   *x = clustered_vectors(N, DIMS, 20, 5, 0);
	float	   *queries = clustered_vectors(QUERIES, DIMS, 20, 6, 0);
	BarqHit    *a = malloc(sizeof(BarqHit) * N * 2);
	BarqHit    *b = malloc(sizeof(BarqHit) * N * 2);

	for (int metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
		for (int quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_RABITQ; quant++)
		{
			BarqCodec	codec;
			BarqBodyWriter plain;
			BarqBodyWriter halved;
			uint8	   *skip = random_bits(N, 0.3);
			const char *name = psprintf("%s, %s, %s", lists ? "lists" : "flat", metrics[metric], quants[quant]);
			void	   *mem;
			bool		same = true;
			long		rows = 0;

			barq_codec_init(&codec, metric, quant, DIMS);
			mem = malloc(barq_query_bytes(&codec));
			make_body(&plain, &codec, x, N, lists, false);
			make_body(&halved, &codec, x, N, lists, true);
			ok((vector_header(&halved)->halves_off != 0) == (quant == BARQ_QUANT_SQ8) &&
			   vector_header(&plain)->halves_off == 0,
			   "%s: has half codes or not", name);
			ok(body_clean(&halved), "%s: the check reports nothing", name);
			for (int q = 0; q < QUERIES; q++)
				for (int way = 0; way < 8; way++)
				{
					BarqQuery  *query = barq_query_prepare(mem, &codec, queries + (size_t) q * DIMS);
					float		bounds[4] = {0, 0, 0, INFINITY};
					int			n;

					exact_rows(&plain, &codec, query, NULL, 300, a);
					bounds[0] = a[0].key;
					bounds[1] = a[way & 1 ? 5 : 100].key;
					bounds[2] = a[299].key;
					n = rows_of_search(&plain, query, way & 2 ? skip : NULL, bounds, 4, way & 4 ? 37 : 200, false, a);
					same &= n == rows_of_search(&halved, query, way & 2 ? skip : NULL, bounds, 4,
												way & 4 ? 37 : 200, false, b) &&
						memcmp(a, b, sizeof(BarqHit) * n) == 0;
					same &= n == rows_of_search(&halved, query, way & 2 ? skip : NULL, bounds, 4,
												way & 4 ? 37 : 200, true, b) &&
						memcmp(a, b, sizeof(BarqHit) * n) == 0;
					rows += n;
				}
			ok(same && rows > N, "%s: the same rows with half codes as without", name);
			shim_writer_free(&plain);
			shim_writer_free(&halved);
			free(skip);
			free(mem);
		}
	free(x);
	free(queries);
	free(a);
	free(b);
}

/* Rows that half codes miss are returned in the end, each row once. */
static void
test_missed(bool lists)
{
	enum
	{
		N = 3001,
		DIMS = 24
	};
	float	   *x = clustered_vectors(N, DIMS, 20, 5, 0);
	BarqCodec	codec;
	BarqBodyWriter body;
	BarqHit    *near = malloc(sizeof(BarqHit) * N);
	BarqHit    *hits = malloc(sizeof(BarqHit) * N * 2);
	uint8	   *skip = random_bits(N, 0.1);
	void	   *mem;
	bool		good = true;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_body(&body, &codec, x, N, lists, true);
	for (int row = 0; row < N; row += 3)
	{
		char	   *block = body.data + vector_header(&body)->halves_off +
			row / BARQ_HALF_ROWS * barq_half_block_bytes(&codec);

		/* what its spread adds to the key: no limit is as large */
		((float *) (block + DIMS / 8 * 4 * BARQ_HALF_ROWS))[BARQ_HALF_ROWS + row % BARQ_HALF_ROWS] = INFINITY;
	}
	mem = malloc(barq_query_bytes(&codec));
	for (int q = 0; q < 20; q++)
	{
		BarqQuery  *query = barq_query_prepare(mem, &codec, x + (Size) q * DIMS);
		float		bounds[4] = {0, 0, 0, INFINITY};
		uint8	   *seen = random_bits(N, 0);
		int			n;

		exact_rows(&body, &codec, query, NULL, 300, near);
		bounds[0] = near[5].key;
		bounds[1] = near[q % 2 == 0 ? 5 : 250].key;
		bounds[2] = near[299].key;
		n = rows_of_search(&body, query, skip, bounds, 4, q % 3 == 0 ? 37 : 200, false, hits);
		good &= (uint32) n == count_clear(skip, N);
		for (int i = 0; i < n; i++)
		{
			good &= !barq_bit_is_set(seen, hits[i].row) && !barq_bit_is_set(skip, hits[i].row);
			barq_bit_set(seen, hits[i].row);
		}
		free(seen);
	}
	ok(good, "%s: rows that half codes miss are returned in the end", lists ? "lists" : "flat");
	shim_writer_free(&body);
	free(mem);
	free(skip);
	free(hits);
	free(near);
	free(x);
}

static void
test_damage(bool lists)
{
	enum
	{
		N = 401,
		DIMS = 8
	};
	float	   *x = clustered_vectors(N, DIMS, 8, 5, 0);
	BarqCodec	codec;
	BarqBodyWriter body;
	BarqView	view;
	BarqVectorHeader *header;
	const BarqSegmentKind *kind = lists ? &barq_ivf_kind : &barq_flat_kind;
	uint64		off;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_body(&body, &codec, x, N, lists, true);
	header = vector_header(&body);
	off = header->halves_off;
	body.data[off + 5] ^= 0x40;
	check_reports = 10;
	view = shim_view(&body, false);
	kind->check(&view, check_report, (void *) "damaged");
	ok(check_reports == 11, "%s: a half code that is not that of its code is reported", kind->name);
	body.data[off + 5] ^= 0x40;
	for (int change = 0; change < 3; change++)
	{
		bool		refused = false;

		header->halves_off = change == 0 ? off + 64 : change == 1 ? off - 8 : UINT64CONST(1) << 63;
		if (SHIM_TRY())
			kind->check(&view, check_report, (void *) "damaged");
		else
			refused = shim_sqlstate == ERRCODE_INDEX_CORRUPTED;
		SHIM_END();
		ok(refused, "%s: half codes outside of the body are refused (%d)", kind->name, change);
	}
	shim_writer_free(&body);
	free(x);
}

int
main(void)
{
	shim_init();
	barq_kernels_init();
	shim_context_push();
	test_kernels();
	test_codecs();
	for (int lists = 0; lists < 2; lists++)
	{
		test_bodies(lists);
		test_missed(lists);
		test_damage(lists);
	}
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
