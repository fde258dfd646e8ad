/*
 * test_ivf.c
 *	  The IVF kind without a server, in TAP: bodies of every metric and
 *	  quantization, searches that are resumed and bounded, merges that keep
 *	  centroids or train new ones, helpers, merges that go on, damaged bodies.
 */
#include "ivf_bodies.h"

/*
 * Drive a search with rising bounds to its end. Returns the number of rows; -1 if
 * it returns a row twice, a row of skip or above its bound, or an unsorted batch.
 */
static int
drain_lists(const BarqBodyWriter *body, const BarqCodec *codec, const float *q,
			const uint8 *skip, int probes, bool probes_only, int max, bool pages)
{
	BarqView	view = shim_view(body, pages);
	void	   *mem = malloc(barq_query_bytes(codec));
	BarqQuery  *query = barq_query_prepare(mem, codec, q);
	BarqSearchParams params = {query, 40, skip, probes, probes_only};
	uint8	   *seen = calloc(1, view.rows + 1);
	BarqHit    *hits = malloc(sizeof(BarqHit) * max);
	BarqSearch *search;
	bool		good = true;
	int			got = 0;
	int			n;
	float		bounds[3] = {0, 0, INFINITY};

	exact_rows(body, codec, query, NULL, 1, hits);
	bounds[0] = hits[0].key;	/* no row is below the best one */
	bounds[1] = hits[0].key + 0.2f * (1 + fabsf(hits[0].key));
	shim_context_push();
	search = barq_ivf_kind.vectors->begin(&view, &params);
	for (int b = 0; b < 3; b++)
	{
		while ((n = barq_ivf_kind.vectors->next(search, bounds[b], hits, max)) > 0)
			for (int i = 0; i < n; i++)
			{
				uint32		row = hits[i].row;
				float		key = barq_query_key(query, barq_ivf_kind.vectors->row_code(&view, row));

				good &= row < view.rows && !seen[row] && key == hits[i].key;
				good &= bounds[b] == INFINITY || key < bounds[b];
				good &= i == 0 || hits[i - 1].key <= key;
				good &= skip == NULL || !(skip[row / 8] >> (row % 8) & 1);
				seen[row] = 1;
				got++;
			}
	}
	barq_ivf_kind.vectors->end(search);
	shim_context_pop();
	free(mem);
	free(seen);
	free(hits);
	return good ? got : -1;
}

/* Share of the K best rows that the first K of a search contain. */
static double
recall_of(const BarqBodyWriter *body, const BarqCodec *codec, const float *queries,
		  int nq, int probes, bool pages)
{
	void	   *mem = malloc(barq_query_bytes(codec));
	long		good = 0;
	enum
	{
		K = 10
	};

	for (int q = 0; q < nq; q++)
	{
		BarqView	view = shim_view(body, pages);
		BarqQuery  *query = barq_query_prepare(mem, codec, queries + (size_t) q * codec->dims);
		BarqSearchParams params = {query, 40, NULL, probes, false};
		BarqHit		best[K];
		BarqHit		hits[K];
		int			n;

		exact_rows(body, codec, query, NULL, K, best);
		shim_context_push();
		n = barq_ivf_kind.vectors->next(barq_ivf_kind.vectors->begin(&view, &params), INFINITY, hits, K);
		shim_context_pop();
		for (int i = 0; i < n; i++)
			good += hits[i].key <= best[K - 1].key;
	}
	free(mem);
	return (double) good / (nq * K);
}

static void
test_bodies(void)
{
	static const char *metrics[] = {"", "l2", "ip", "cosine"};
	static const char *quants[] = {"none", "f16", "sq8"};
	enum
	{
		N = 3000,
		DIMS = 21
	};
	float	   *x = clustered_vectors(N, DIMS, 20, 5, 0);
	float	   *queries = clustered_vectors(40, DIMS, 20, 6, 0);

	for (int metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
		for (int quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
		{
			BarqCodec	codec;
			BarqBodyWriter flat;
			BarqBodyWriter body;
			BarqBodyWriter again;
			uint8	   *skip = random_bits(N, 0.5);
			const char *name = psprintf("%s, %s", metrics[metric], quants[quant]);
			uint32		left = count_clear(skip, N);
			int			few;

			barq_codec_init(&codec, metric, quant, DIMS);
			make_flat(&flat, &codec, x, N, 0);
			lists_from_flat(&body, &codec, 40, &flat, 1);
			ok(header_of(&body).lists <= 40 && header_of(&body).lists > 20, "%s: about 40 lists are made", name);
			ok(rows_match(&body, &codec, x, NULL, N), "%s: the body has all rows", name);
			ok(lists_clean(&body, false) && lists_clean(&body, true), "%s: the check reports nothing", name);
			ok(recall_of(&body, &codec, queries, 40, 6, false) > 0.9, "%s: recall with 6 lists of 40", name);
			ok(recall_of(&body, &codec, queries, 40, 6, true) > 0.9, "%s: recall with 6 lists of 40, by pages", name);
			ok(recall_of(&body, &codec, queries, 40, 40, false) == 1, "%s: a search of all lists is exact", name);
			ok(drain_lists(&body, &codec, queries, NULL, 3, false, 37, false) == N, "%s: a search to its end returns each row", name);
			ok(drain_lists(&body, &codec, queries, skip, 3, false, 1000, true) == (int) left, "%s: by pages, it returns each row not skipped", name);
			few = drain_lists(&body, &codec, queries, NULL, 3, true, 64, false);
			ok(few > 3 && few < N / 2 && few == drain_lists(&body, &codec, queries, NULL, 3, true, 1, false),
			   "%s: probes_only returns the rows of the probed lists only", name);
			lists_from_flat(&again, &codec, 40, &flat, 3);
			ok(again.size == body.size && memcmp(again.data, body.data, body.size) == 0,
			   "%s: helpers make the same body", name);
			shim_writer_free(&again);
			shim_writer_free(&body);
			shim_writer_free(&flat);
			free(skip);
		}
	free(x);
	free(queries);
}

/* Bit strings near a few others, by Hamming distance. */
static void
test_bits(void)
{
	enum
	{
		N = 2000,
		BITS = 77,
		BYTES = (BITS + 7) / 8
	};
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	unsigned char *x = calloc(N, BYTES);
	char	   *rows;
	ItemPointerData *tids = malloc(sizeof(ItemPointerData) * N);
	void	   *mem;
	BarqView	view;
	int			found = 0;

	barq_codec_init(&codec, BARQ_METRIC_HAMMING, BARQ_QUANT_BITS, BITS);
	rows = malloc((size_t) N * codec.row_bytes);
	mem = malloc(barq_query_bytes(&codec));
	random_state = 3;
	for (int i = 0; i < N; i++)
	{
		for (int bit = 0; bit < BITS; bit++)
		{
			bool		set = i < 20 ? random_uniform() < 0.5 :
				((x[i % 20 * BYTES + bit / 8] >> (7 - bit % 8)) & 1) ^ (random_uniform() < 0.05);

			x[i * BYTES + bit / 8] |= set << (7 - bit % 8);
		}
		if (!barq_codec_encode(&codec, x + i * BYTES, rows + i * codec.row_bytes))
			abort();
		id_to_tid(i, &tids[i]);
	}
	shim_writer_init(&flat);
	barq_flat_write(&flat, &codec, rows, codec.row_bytes, NULL, 0, tids, N, false);
	lists_from_flat(&body, &codec, 30, &flat, 2);
	ok(lists_clean(&body, false) && lists_clean(&body, true), "bits: the check reports nothing");
	view = shim_view(&body, false);
	for (int i = 0; i < N; i++)
	{
		BarqSearchParams params = {barq_query_prepare(mem, &codec, x + i * BYTES), 40, NULL, 5, false};
		BarqHit		hit;

		shim_context_push();
		found += barq_ivf_kind.vectors->next(barq_ivf_kind.vectors->begin(&view, &params), INFINITY, &hit, 1) == 1 &&
			hit.key == 0;
		shim_context_pop();
	}
	ok(found > N * 0.99, "bits: %d of %d rows find themselves", found, N);

	/* many distances are equal: a search of all lists returns the order of a flat segment in batches of any size */
	for (int max = 1; max < N; max = max * 6 + 1)
	{
		BarqQuery  *query = barq_query_prepare(mem, &codec, x + BYTES);
		BarqSearchParams params = {query, 40, NULL, 30, max > 10};
		BarqHit    *exact = malloc(sizeof(BarqHit) * N);
		BarqHit    *hits = malloc(sizeof(BarqHit) * N);
		BarqSearch *search;
		int			got = 0;
		int			n;
		bool		same = true;

		exact_rows(&body, &codec, query, NULL, N, exact);
		shim_context_push();
		search = barq_ivf_kind.vectors->begin(&view, &params);
		while ((n = barq_ivf_kind.vectors->next(search, INFINITY, hits, max)) > 0)
			for (int i = 0; i < n && got < N; i++, got++)
				same &= hits[i].row == exact[got].row && hits[i].key == exact[got].key;
		shim_context_pop();
		ok(same && got == N, "bits: a search of all lists orders by key and row, %d rows at a time", max);
		free(exact);
		free(hits);
	}
	shim_writer_free(&body);
	shim_writer_free(&flat);
	free(x);
	free(rows);
	free(tids);
	free(mem);
}

/* Equal rows, fewer rows than lists, one row, zero vectors under inner products. */
static void
test_odd_rows(void)
{
	enum
	{
		N = 500,
		DIMS = 5
	};
	float	   *x = calloc(N * DIMS, sizeof(float));
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;

	barq_codec_init(&codec, BARQ_METRIC_IP, BARQ_QUANT_SQ8, DIMS);
	make_flat(&flat, &codec, x, N, 0);
	lists_from_flat(&body, &codec, 10, &flat, 1);
	ok(header_of(&body).lists == 1 && lists_clean(&body, false), "zero vectors have one list");
	ok(drain_lists(&body, &codec, x, NULL, 1, false, 100, false) == N, "zero vectors are all found");
	shim_writer_free(&body);
	shim_writer_free(&flat);

	for (int i = 0; i < N * DIMS; i++)
		x[i] = 3;
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_flat(&flat, &codec, x, N, 0);
	lists_from_flat(&body, &codec, 10, &flat, 2);
	ok(header_of(&body).lists == 1 && lists_clean(&body, false), "equal vectors have one list");
	shim_writer_free(&body);
	shim_writer_free(&flat);

	for (int i = 0; i < N * DIMS; i++)
		x[i] = (i % 2 ? -3e38f : 3e38f);
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_NONE, DIMS);
	make_flat(&flat, &codec, x, N, 0);
	lists_from_flat(&body, &codec, 10, &flat, 1);
	ok(lists_clean(&body, false) && drain_lists(&body, &codec, x, NULL, 1, false, 100, false) == N,
	   "vectors near the end of the range are kept and found");
	shim_writer_free(&body);
	shim_writer_free(&flat);

	for (int n = 1; n < 9; n += 7)
	{
		make_flat(&flat, &codec, x, n, 0);
		lists_from_flat(&body, &codec, 100, &flat, 1);
		ok(rows_match(&body, &codec, x, NULL, n), "%d rows in at most 100 lists are all kept", n);
		shim_writer_free(&body);
		shim_writer_free(&flat);
	}
	free(x);
}

/*
 * Inner products of rows whose lengths differ widely: the best rows are long and
 * few. The numbers of lists and probes are chosen by the kind.
 */
static void
test_lengths(void)
{
	enum
	{
		N = 8000,
		MOST_DIMS = 32
	};

	for (int normal = 0; normal <= 1; normal++)
		for (int quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
		{
			int			dims = normal ? MOST_DIMS : 3;
			BarqCodec	codec;
			BarqBodyWriter flat;
			BarqBodyWriter body;
			float	   *x = malloc(sizeof(float) * N * MOST_DIMS + 64);
			float	   *queries = malloc(sizeof(float) * 40 * MOST_DIMS + 64);
			const char *name = psprintf("%s, %d", normal ? "normal" : "products", quant);
			double		recall;

			random_state = 17;
			for (int i = 0; i < N; i++)
			{
				float		length = expf(0.5f * random_normal());

				for (int d = 0; d < dims; d++)
					x[i * dims + d] = normal ? length * random_normal() :
						(float) (random_uniform() * random_uniform());
			}
			for (int i = 0; i < 40 * dims; i++)
				queries[i] = normal ? random_normal() : (float) random_uniform();
			barq_codec_init(&codec, BARQ_METRIC_IP, quant, dims);
			make_flat(&flat, &codec, x, N, 0);
			lists_from_flat(&body, &codec, 0, &flat, 1);
			recall = recall_of(&body, &codec, queries, 40, 0, false);
			ok(recall > (normal ? 0.8 : 0.98), "lengths, %s: recall %.3f", name, recall);
			ok(recall_of(&body, &codec, queries, 40, 0, true) == recall,
			   "lengths, %s: recall by pages", name);
			ok(lists_clean(&body, false) && lists_clean(&body, true),
			   "lengths, %s: the check reports nothing", name);
			ok(drain_lists(&body, &codec, queries, NULL, 0, true, 64, false) >= N / 20,
			   "lengths, %s: more lists are probed where they are short", name);
			shim_writer_free(&body);
			shim_writer_free(&flat);
			free(x);
			free(queries);
		}
}

static void
test_merge(void)
{
	enum
	{
		N = 6000,
		M = 1500,
		DIMS = 16
	};
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter first;
	BarqView	views[2];
	BarqMergeInput inputs[2] = {0};
	float	   *all = malloc(sizeof(float) * (N + M) * DIMS);
	uint8	   *dead = random_bits(N, 0.2);
	uint8	   *dead_ids = calloc(1, (N + M) / 8 + 1);
	float	   *queries = clustered_vectors(40, DIMS, 20, 8, 0);
	float	   *moved_queries = clustered_vectors(40, DIMS, 20, 8, 20);

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	for (int moved = 0; moved <= 1; moved++)
	{
		BarqBodyWriter more;
		BarqBodyWriter merged;
		BarqBodyWriter both;
		BarqBodyWriter fresh;
		const float *asked = moved ? moved_queries : queries;
		float	   *x = clustered_vectors(N, DIMS, 20, 5, 0);
		float	   *y = clustered_vectors(M, DIMS, 20, 7, moved ? 20 : 0);
		double		recall_merged;
		double		recall_fresh;

		memcpy(all, x, sizeof(float) * N * DIMS);
		memcpy(all + N * DIMS, y, sizeof(float) * M * DIMS);
		make_flat(&flat, &codec, x, N, 0);
		make_flat(&more, &codec, y, M, N);
		lists_from_flat(&first, &codec, 0, &flat, 1);
		views[0] = shim_view(&more, true);
		views[1] = shim_view(&first, false);
		inputs[0] = (BarqMergeInput) {&views[0], NULL, M};
		inputs[1] = (BarqMergeInput) {&views[1], dead, count_clear(dead, N)};
		make_lists(&merged, &codec, 0, inputs, 2, 2);

		memset(dead_ids, 0, (N + M) / 8 + 1);
		for (uint32 row = 0; row < N; row++)
			if (dead[row / 8] >> (row % 8) & 1)
			{
				uint32		id = tid_to_id(&tids_of(&first)[row]);

				dead_ids[id / 8] |= 1 << (id % 8);
			}
		ok(rows_match(&merged, &codec, all, dead_ids, N + M), "merge: the body has the live rows, moved %d", moved);
		ok(lists_clean(&merged, false), "merge: the check reports nothing, moved %d", moved);
		ok((header_of(&merged).cost == header_of(&first).cost) == !moved,
		   "merge: centroids are %s", moved ? "trained anew where rows come from elsewhere" : "kept for rows of the same kind");

		make_flat(&both, &codec, all, N + M, 0);
		lists_from_flat(&fresh, &codec, 0, &both, 1);
		recall_merged = recall_of(&merged, &codec, asked, 40, 10, false);
		recall_fresh = recall_of(&fresh, &codec, asked, 40, 10, false);
		ok(recall_merged >= recall_fresh - 0.03, "merge: recall %.3f, fresh %.3f", recall_merged, recall_fresh);

		shim_writer_free(&fresh);
		shim_writer_free(&both);
		shim_writer_free(&merged);
		shim_writer_free(&first);
		shim_writer_free(&more);
		shim_writer_free(&flat);
		free(x);
		free(y);
	}
	free(all);
	free(dead);
	free(dead_ids);
	free(queries);
	free(moved_queries);
}

/* Changed bytes cause an error, a report or wrong rows, but no crash. */
static void
test_damage(BarqMetric metric)
{
	enum
	{
		N = 400,
		DIMS = 8
	};
	float	   *x = clustered_vectors(N, DIMS, 8, 5, 0);
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	void	   *mem;
	char	   *good;
	uint64		kind_end;
	uint64		codes_off;
	uint64		lists_off;
	int			refused = 0;
	int			reported = 0;
	int			tries = 0;
	BarqView	opened;
	IvfLists	lists;

	barq_codec_init(&codec, metric, BARQ_QUANT_SQ8, DIMS);
	mem = malloc(barq_query_bytes(&codec));
	make_flat(&flat, &codec, x, N, 0);
	lists_from_flat(&body, &codec, 12, &flat, 1);
	opened = shim_view(&body, false);
	barq_ivf_open(&opened, &lists);
	kind_end = lists.header.centroids_off;
	codes_off = lists.vector.codes_off;
	lists_off = lists.vector.graph_off;
	good = malloc(body.size);
	memcpy(good, body.data, body.size);
	/* every byte of the headers and of the first rows, and those of one code */
	for (uint64 at = 0; at < kind_end; at = at == codes_off + codec.stride ? lists_off : at + 1)
		for (int change = 0; change < 3; change++)
		{
			BarqHit		hits[50];

			memcpy(body.data, good, body.size);
			body.data[at] = change == 0 ? (char) 0xff : change == 1 ? 0 : body.data[at] ^ 1;
			tries++;
			for (int pages = 0; pages < 2; pages++)
			{
				shim_context_push();
				if (SHIM_TRY())
				{
					/* as the directory says, whatever the body says */
					BarqView	view = shim_view(&body, pages);
					BarqQuery  *query = barq_query_prepare(mem, &codec, x);
					BarqSearchParams params = {query, 40, NULL, 2, false};
					BarqSearch *search;

					view.rows = N;
					view.kind = BARQ_KIND_IVF;
					search = barq_ivf_kind.vectors->begin(&view, &params);
					for (int i = 0; i < 20; i++)
						(void) barq_ivf_kind.vectors->next(search, INFINITY, hits, 50);
					check_reports = 10;
					barq_ivf_kind.check(&view, check_report, (void *) "damaged");
					reported += check_reports > 10;
				}
				else
					refused += shim_sqlstate == ERRCODE_INDEX_CORRUPTED;
				SHIM_END();
				shim_context_pop();
			}
		}
	ok(refused > 0 && reported > 0, "damaged bodies: %d changes, %d refused, %d reported", tries, refused, reported);
	free(mem);
	free(good);
	free(x);
	shim_writer_free(&flat);
	shim_writer_free(&body);
}

/* BarqIvfProgress; arg: rows or calls after which it raises an error */
static void
interrupt_after(void *arg, uint32 rows)
{
	int64	   *left = arg;

	*left -= Max(rows, 1);
	if (*left <= 0)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("interrupted")));
}

/* Train, assign and complete; false if it is interrupted after so much. */
static bool
go_on(BarqIvfWork *work, int64 after, uint64 *body_bytes)
{
	volatile bool ended = false;

	if (SHIM_TRY())
	{
		barq_ivf_work_train(work, interrupt_after, &after);
		barq_ivf_work_assign(work, interrupt_after, &after);
		*body_bytes = barq_ivf_work_finish(work);
		ended = true;
	}
	SHIM_END();
	return ended;
}

/* Merges that are interrupted again and again, with and without kept centroids. */
static void
test_resume(void)
{
	const int	dims = 24;
	const int	n = 6000;
	float	   *x = clustered_vectors(n, dims, 20, 7, 0);
	BarqCodec	codec;
	BarqBodyWriter first;
	BarqBodyWriter second;
	BarqBodyWriter lists;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, dims);
	make_flat(&first, &codec, x, n / 2, 0);
	make_flat(&second, &codec, x + (Size) n / 2 * dims, n / 2, n / 2);
	lists_from_flat(&lists, &codec, 60, &first, 1);
	for (int kept = 0; kept <= 1; kept++)
	{
		BarqView	views[2] = {shim_view(kept ? &lists : &first, false), shim_view(&second, false)};
		BarqMergeInput inputs[2] = {{&views[0], NULL, n / 2}, {&views[1], NULL, n / 2}};
		uint64		bytes = barq_ivf_work_bytes(&codec, 60, inputs, 2);
		char	   *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		BarqIvfWork *work = barq_ivf_work_load(mem, &codec, 60, inputs, 2);
		BarqBodyWriter whole;
		uint64		body_bytes = 0;
		uint64		again = 0;
		uint64		left;
		uint64		least = n;
		bool		fewer = true;
		int			times = 0;

		make_lists(&whole, &codec, 60, inputs, 2, 1);
		barq_ivf_work_note_loaded(work);
		while (times < 1000 && !go_on(work, 20 + 300 * times, &body_bytes))
		{
			if (!barq_ivf_work_resume(mem, bytes, n, &again, &left) || again != 0)
				break;
			fewer &= left <= least;
			least = left;

			/* as if a chunk had been cut off */
			if (work->phase == IVF_PHASE_TRAINED && times % 5 == 0 && left < 3000)
				((uint32 *) ivf_work_at(work, work->list_of_off))[n - 3000] = IVF_NO_LIST;
			times++;
		}
		ok(times > 3 && body_bytes == (uint64) whole.size &&
		   memcmp(mem + BARQ_AREA_BODY, whole.data, whole.size) == 0,
		   "interrupted %d times, the body is the same%s", times, kept ? ", with kept centroids" : "");
		ok(fewer && least < (uint64) n / 2, "fewer and fewer rows are left, at last " UINT64_FORMAT, least);
		ok(barq_ivf_work_resume(mem, bytes, n, &again, &left) && again == body_bytes && left == 0,
		   "a complete one is used as it is");

		/* what cannot be used */
		work->phase = IVF_PHASE_ORDERING;
		ok(!barq_ivf_work_resume(mem, bytes, n, &again, &left), "not if rows were being moved");
		work->phase = IVF_PHASE_TRAINED;
		ok(!barq_ivf_work_resume(mem, bytes, n, &again, &left), "not if what was loaded has changed");
		(void) barq_ivf_work_load(mem, &codec, 60, inputs, 2);
		barq_ivf_work_note_loaded(work);
		ok(barq_ivf_work_resume(mem, bytes, n, &again, &left) && left == (uint64) n, "one that is only loaded");
		ok(!barq_ivf_work_resume(mem, bytes, n - 1, &again, &left) &&
		   !barq_ivf_work_resume(mem, bytes + 64, n, &again, &left), "not for other inputs");
		barq_ivf_work_train(work, NULL, NULL);
		((uint32 *) ivf_work_at(work, work->list_of_off))[n - 1] = work->lists;
		ok(!barq_ivf_work_resume(mem, bytes, n, &again, &left), "not with a list that there is not");
		munmap(mem, bytes);
		shim_writer_free(&whole);
	}
	free(x);
	shim_writer_free(&first);
	shim_writer_free(&second);
	shim_writer_free(&lists);
}

int
main(void)
{
	shim_init();
	barq_kernels_init();
	test_bodies();
	test_bits();
	test_odd_rows();
	test_lengths();
	test_merge();
	test_resume();
	test_damage(BARQ_METRIC_L2);
	test_damage(BARQ_METRIC_IP);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
