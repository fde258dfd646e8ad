/*
 * test_hnsw_rows.c
 *	  Flat and HNSW bodies of bits and of sparse vectors: searches return each row
 *	  once and in order, mapped and by pages; recall; merges of both kinds;
 *	  damaged bodies of rows of any length; how often searches ask whether an image is
 *	  in memory.
 */
#include "hnsw_bodies.h"

#define ROWS	1600

/* Values of different lengths, one after the other. */
typedef struct Values
{
	const BarqCodec *codec;
	char	   *value[ROWS];
} Values;

static char *
make_bits(int dims, int cluster)
{
	char	   *bits = calloc(1, dims / 8 + 1);
	uint64		state = cluster * UINT64CONST(2862933555777941757) + 3037000493;

	for (int i = 0; i < dims; i++)
	{
		bool		set;

		state = state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		set = (state >> 40) % 10 < 3;
		if (random_uniform() < 0.1)
			set = !set;
		bits[i / 8] |= set ? 0x80 >> (i % 8) : 0;
	}
	return bits;
}

/* Some of the entries of a cluster, of which one in a hundred is long. */
static char *
make_sparse(int dims, int cluster)
{
	int			most = cluster == 7 ? 300 : 60;
	BarqSparseValue *v = calloc(1, sizeof(BarqSparseValue) + 8 * most);
	float		x[300];
	int			step = dims / most;

	for (int i = 0; i < most; i++)
	{
		if (random_uniform() < 0.7)
		{
			/* all clusters have every other one of these entries */
			v->entries[v->nnz] = i * step + (i % 2 == 0 ? 5 : cluster * 977) % step;
			x[v->nnz++] = (float) ((i * 31 + cluster * 17) % 13 - 6.5 + random_normal());
		}
	}
	memcpy(v->entries + v->nnz, x, sizeof(float) * v->nnz);
	return (char *) v;
}

static void
make_values(Values *values, const BarqCodec *codec)
{
	values->codec = codec;
	for (int i = 0; i < ROWS; i++)
	{
		if (i % 50 == 49)		/* some equal another one */
		{
			Size		bytes = barq_value_bytes(codec, values->value[i - 16]);

			values->value[i] = malloc(bytes);
			memcpy(values->value[i], values->value[i - 16], bytes);
		}
		else
			values->value[i] = codec->quant == BARQ_QUANT_BITS ?
				make_bits(codec->dims, i % 16) : make_sparse(codec->dims, i % 16);
	}
}

/* A flat body of rows `from` to `to` - 1. */
static void
flat_of(BarqBodyWriter *writer, const Values *values, int from, int to)
{
	const BarqCodec *codec = values->codec;
	char	   *codes = aligned_alloc(64, TYPEALIGN(64, (Size) (to - from) * codec->stride));
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * (to - from));

	for (int i = from; i < to; i++)
	{
		char	   *code = codes + (Size) (i - from) * codec->stride;
		char	   *row = malloc(barq_value_row_bytes(codec, values->value[i]));

		if (!barq_codec_encode(codec, values->value[i], row))
			abort();
		if (barq_codec_has_heads(codec))
			barq_row_head(codec, code, row, row - code);
		else
			memcpy(code, row, codec->row_bytes);
		id_to_tid(i, &tids[i - from]);
	}
	shim_writer_init(writer);
	barq_flat_write(writer, codec, codes, codec->stride, NULL, 0, tids, to - from, false);
	free(codes);
	free(tids);
}

/* Whether each row of a body is that of the value that its TID names. */
static bool
rows_are_right(const BarqBodyWriter *body, const Values *values, bool pages)
{
	BarqView	view = shim_view(body, pages);
	const ItemPointerData *tids = tids_of(body);
	bool		good = true;

	for (uint32 row = 0; row < view.rows; row++)
	{
		const char *value = values->value[tid_to_id(&tids[row])];
		Size		length = barq_value_row_bytes(values->codec, value);
		char	   *right = malloc(length);

		barq_codec_encode(values->codec, value, right);
		good &= memcmp(barq_hnsw_kind.vectors->row_code(&view, row), right, length) == 0;
		free(right);
	}
	return good;
}

/* The share of the k best keys that searches for some of the values find. */
static double
recall_of(const BarqBodyWriter *body, const Values *values, int ef, bool pages)
{
	void	   *mem = malloc(barq_query_bytes(values->codec));
	BarqHit		best[10];
	BarqHit		hits[10];
	int			good = 0;
	int			asked = 0;

	for (int q = 0; q < ROWS; q += 40)
	{
		BarqView	view = shim_view(body, pages);
		BarqQuery  *query = barq_query_prepare(mem, values->codec, values->value[q]);
		BarqSearchParams params = {query, ef, NULL};
		BarqSearch *search;
		int			n;

		exact_rows(body, values->codec, query, NULL, 10, best);
		shim_context_push();
		search = barq_hnsw_kind.vectors->begin(&view, &params);
		n = barq_hnsw_kind.vectors->next(search, INFINITY, hits, 10);
		barq_hnsw_kind.vectors->end(search);
		shim_context_pop();
		for (int i = 0; i < n; i++)
			good += hits[i].key <= best[9].key;
		asked += 10;
	}
	free(mem);
	return (double) good / asked;
}

static bool
drains(const BarqBodyWriter *body, const Values *values, const uint8 *skip)
{
	bool		good = true;

	for (int pages = 0; pages < 2; pages++)
		for (int q = 0; q < (pages ? 1 : 3); q++)
			good &= drain(body, values->codec, (const float *) values->value[q * 500],
						  skip, 40, 100, pages == 1, q);
	return good;
}

/*
 * Random bytes of a body are changed: reading it raises an error or gives wrong
 * rows. It never reads bytes outside, as the body ends where its mapping ends.
 */
static void
test_damage(const BarqBodyWriter *body, const Values *values, const char *name)
{
	Size		size = TYPEALIGN(4096, body->size);
	char	   *map = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const BarqVectorHeader *header = (const BarqVectorHeader *)
		(body->data + ((const BarqBodyHeader *) body->data)->kind_off);
	void	   *mem = malloc(barq_query_bytes(values->codec));
	volatile int refused = 0;
	volatile int survived = 0;

	mprotect(map + size, 4096, PROT_NONE);
	for (volatile int round = 0; round < 80; round++)
	{
		BarqBodyWriter damaged = *body;

		damaged.data = map + size - body->size;
		memcpy(damaged.data, body->data, body->size);
		for (int i = 0; i < 3; i++)
		{
			uint64		at = header->codes_off + (uint64) (random_uniform() * ROWS * header->stride);

			damaged.data[at] = (char) (random_uniform() * 256);
		}
		shim_context_push();
		shim_catching = true;
		if (setjmp(shim_jump) == 0)
		{
			BarqView	view = shim_view(&damaged, round % 2 == 1);
			BarqQuery  *query = barq_query_prepare(mem, values->codec, values->value[round]);
			BarqSearchParams params = {query, 40, NULL};
			const BarqSegmentKind *kind = view.kind == BARQ_KIND_FLAT ? &barq_flat_kind : &barq_hnsw_kind;
			BarqHit		hits[200];
			BarqSearch *search = kind->vectors->begin(&view, &params);

			while (kind->vectors->next(search, INFINITY, hits, 200) > 0)
				;
			survived++;
		}
		else
			refused += shim_sqlstate == ERRCODE_INDEX_CORRUPTED;
		shim_catching = false;
		shim_context_pop();
	}
	ok(refused + survived == 80 && (refused > 20 || !barq_codec_has_heads(values->codec)),
	   "%s: damaged codes are refused or give wrong rows (%d refused)", name, refused);
	munmap(map, size + 4096);
	free(mem);
}

static void
test_bodies(BarqMetric metric, BarqQuantization quant, int dims, const char *name)
{
	static Values values;
	BarqCodec	codec;
	BarqBodyWriter flat,
				graph,
				first,
				second,
				merged;
	BarqView	views[2];
	BarqMergeInput inputs[2];
	uint8	   *skip = random_bits(ROWS, 0.3);
	uint32		live = 0;

	barq_codec_init(&codec, metric, quant, dims);
	make_values(&values, &codec);
	flat_of(&flat, &values, 0, ROWS);
	ok(rows_are_right(&flat, &values, false) && rows_are_right(&flat, &values, true),
	   "%s: a flat body has all rows", name);
	ok(drains(&flat, &values, NULL) && drains(&flat, &values, skip), "%s: a search of a flat body returns each row, in order", name);

	build_from_flat(&graph, &codec, 12, 48, &flat, 2);
	ok(rows_are_right(&graph, &values, false) && rows_are_right(&graph, &values, true),
	   "%s: a graph's body has all rows", name);
	ok(drains(&graph, &values, NULL) && drains(&graph, &values, skip), "%s: a search of a graph returns each row", name);
	ok(recall_of(&graph, &values, 80, false) > 0.95, "%s: recall of the graph %.3f", name, recall_of(&graph, &values, 80, false));
	ok(recall_of(&graph, &values, 80, true) > 0.95, "%s: recall of the graph read by pages", name);
	ok(check_clean(&flat, false, name) && check_clean(&flat, true, name) &&
	   check_clean(&graph, false, name) && check_clean(&graph, true, name), "%s: the checks of both bodies report nothing", name);
	if (metric == BARQ_METRIC_HAMMING || metric == BARQ_METRIC_L2)
	{
		test_damage(&graph, &values, name);
		test_damage(&flat, &values, name);
	}

	/* merge two bodies, one of them a graph, without dead rows into each kind */
	flat_of(&first, &values, 0, ROWS / 2);
	flat_of(&second, &values, ROWS / 2, ROWS);
	shim_writer_free(&graph);
	build_from_flat(&graph, &codec, 12, 48, &first, 1);
	for (int pages = 0; pages < 2; pages++)
	{
		live = 0;
		for (int i = 0; i < 2; i++)
		{
			views[i] = shim_view(i == 0 ? &graph : &second, pages == 1);
			inputs[i].view = &views[i];
			inputs[i].dead = i == 0 ? skip : NULL;
			inputs[i].live = views[i].rows;
			for (uint32 row = 0; i == 0 && row < views[i].rows; row++)
				inputs[i].live -= skip[row / 8] >> (row % 8) & 1;
			live += inputs[i].live;
		}
		build(&merged, &codec, 12, 48, inputs, 2, 1);
		ok(shim_view(&merged, false).rows == live && rows_are_right(&merged, &values, false) &&
		   drains(&merged, &values, NULL) && check_clean(&merged, false, name) &&
		   recall_of(&merged, &values, 80, false) > 0.95, "%s: a merge into a graph%s", name, pages ? ", read by pages, has the live rows" : " has the live rows");
		shim_writer_free(&merged);
		shim_writer_init(&merged);
		barq_flat_merge(&merged, &codec, inputs, 2);
		ok(shim_view(&merged, false).rows == live && rows_are_right(&merged, &values, false) &&
		   drains(&merged, &values, NULL) && check_clean(&merged, false, name),
		   "%s: a merge into a flat body%s", name, pages ? ", read by pages, has the live rows" : " has the live rows");
		shim_writer_free(&merged);
	}
	shim_writer_free(&flat);
	shim_writer_free(&graph);
	shim_writer_free(&first);
	shim_writer_free(&second);
	free(skip);
}

/*
 * The work area of a graph of terabytes has its size, computed without wrapping; more
 * rows than a segment can have are refused.
 */
static void
test_limits(void)
{
	const uint32 rows = 20000000;
	BarqHnswOptions options = {16, 64};
	BarqCodec	codec;
	volatile uint64 bytes;
	volatile bool refused;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_NONE, 16000);
	bytes = barq_hnsw_work_bytes(&codec, &options, rows, 0);
	ok(bytes > (uint64) rows * 64000 && bytes < (uint64) rows * 64400,
	   "the area of a graph of %u rows has %.3f TB", rows, (double) bytes / 1e12);

	refused = true;
	if (SHIM_TRY())
	{
		(void) barq_hnsw_work_bytes(&codec, &options, BARQ_MAX_ROWS + 1, 0);
		refused = false;
	}
	SHIM_END();
	ok(refused && shim_sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED,
	   "more rows than a segment can have: %s", shim_message);
}

/* Searches of a view until one asks again, which is answered. */
static int
searches_between(const BarqView *view, bool cold)
{
	int			n = 0;

	while (!barq_view_asks(view) && n < 1000)
		n++;
	barq_view_answer(view, cold);
	return n;
}

/* The more answers say that an image is in memory, the fewer searches ask. */
static void
test_asks(void)
{
	static const char bytes[1];
	const BarqView view = {.base = bytes, .size = 1};
	const BarqView pages = {.base = NULL};
	int			n[8];

	ok(searches_between(&view, true) == 0 && searches_between(&view, true) == 0 &&
	   searches_between(&view, false) == 0, "each search of a cold image asks");
	for (int i = 0; i < 8; i++)
		n[i] = searches_between(&view, false);
	ok(n[0] == 1 && n[1] == 3 && n[2] == 7 && n[6] == 32 && n[7] == 32,
	   "searches of one in memory ask once in %d, %d, %d, at last %d", n[0] + 1, n[1] + 1, n[2] + 1, n[7] + 1);
	ok(searches_between(&view, true) == 32 && searches_between(&view, false) == 0, "until it is cold");
	barq_view_forget_answers();
	ok(barq_view_asks(&view), "or was let go");
	ok(!barq_view_asks(&pages), "searches of pages do not ask");
}

int
main(void)
{
	shim_init();
	test_asks();
	test_limits();
	barq_kernels_select("auto");
	test_bodies(BARQ_METRIC_HAMMING, BARQ_QUANT_BITS, 200, "hamming");
	test_bodies(BARQ_METRIC_JACCARD, BARQ_QUANT_BITS, 1000, "jaccard");
	test_bodies(BARQ_METRIC_HAMMING, BARQ_QUANT_BITS, 9, "hamming of few bits");
	test_bodies(BARQ_METRIC_L2, BARQ_QUANT_SPARSE, 40000, "sparse l2");
	test_bodies(BARQ_METRIC_IP, BARQ_QUANT_SPARSE, 40000, "sparse ip");
	test_bodies(BARQ_METRIC_COSINE, BARQ_QUANT_SPARSE, 1000000000, "sparse cosine");
	test_bodies(BARQ_METRIC_L1, BARQ_QUANT_SPARSE, 40000, "sparse l1");
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
