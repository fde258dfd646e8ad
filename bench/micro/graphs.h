/*
 * graphs.h
 *	  Shared by the micro-benchmarks of graphs: processor time, rows by TID and by distance,
 *	  graphs of floats, bodies in files. After pgshim.h, hnsw_work.h, kernels.h and vectors.h.
 */
#ifndef BARQ_BENCH_GRAPHS_H
#define BARQ_BENCH_GRAPHS_H

#include <math.h>
#include <sys/wait.h>
#include <time.h>

/* of this process: other load on the machine counts less */
static inline double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* BarqBuildProgress: shows nothing. */
static inline void
report_progress(void *arg, uint32 rows)
{
	(void) arg;
	(void) rows;
}

/* Number of a row by its TID: 256 rows a page. */
static inline uint32
tid_to_id(const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) * 256 + ItemPointerGetOffsetNumber(tid) - 1;
}

/* A row, by its number, and its distance. */
typedef struct Ranked
{
	double		distance;
	uint32		id;
} Ranked;

/* qsort comparator: the nearest first. */
static inline int
compare_ranked(const void *a, const void *b)
{
	double		x = ((const Ranked *) a)->distance;
	double		y = ((const Ranked *) b)->distance;

	return x < y ? -1 : x > y;
}

/* Distance of two vectors of floats; by L2 its square. */
static inline double
float_distance(const float *a, const float *b, int dims, BarqMetric metric)
{
	float		ab;
	float		aa;
	float		bb;

	switch (metric)
	{
		case BARQ_METRIC_L2:
			return barq_kernels->l2sq(a, b, dims);
		case BARQ_METRIC_L1:
			return barq_kernels->l1(a, b, dims);
		case BARQ_METRIC_IP:
			return -barq_kernels->ip(a, b, dims);
		default:
			barq_kernels->cosine_parts(a, b, dims, &ab, &aa, &bb);
			return 1 - ab / sqrt((double) aa * bb);
	}
}

/* Build a graph of `count` vectors of base, by their numbers (NULL: the first), in processes. */
static inline void
build_graph(const BarqCodec *codec, BarqHnswOptions options, const float *base, const uint32 *ids,
			long count, int processes, BarqBodyWriter *body)
{
	char	   *rows = malloc((size_t) count * codec->stride);
	ItemPointerData *tids = malloc(count * sizeof(ItemPointerData));
	BarqBodyWriter flat;
	BarqView	view;
	BarqMergeInput input;
	uint64		bytes;
	char	   *area;
	BarqHnswWork *work;

	for (long i = 0; i < count; i++)
	{
		uint32		id = ids == NULL ? (uint32) i : ids[i];

		if (!barq_codec_encode(codec, base + (size_t) id * codec->dims, rows + i * codec->stride))
			exit(1);
		ItemPointerSet(&tids[i], id / 256, id % 256 + 1);
	}
	shim_writer_init(&flat);
	barq_flat_write(&flat, codec, rows, codec->stride, NULL, 0, tids, (uint32) count, false);
	free(rows);
	free(tids);
	view = shim_view(&flat, false);
	input = (BarqMergeInput) {&view, NULL, (uint32) count};
	bytes = barq_hnsw_work_bytes(codec, &options, (uint32) count, barq_vector_rows_bytes(&input));
	area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		exit(1);
	work = barq_hnsw_work_load(area, codec, &options, &input, 1, NULL);
	fflush(stdout);
	for (int p = 1; p < processes; p++)
		if (fork() == 0)
		{
			barq_hnsw_work_insert(work, report_progress, NULL);
			_exit(0);
		}
	barq_hnsw_work_insert(work, report_progress, NULL);
	while (wait(NULL) > 0)
		;
	shim_writer_init(body);
	barq_body_write(body, area + BARQ_AREA_BODY, barq_hnsw_work_finish(work));
	munmap(area, bytes);
}

/* Write a body to a file; map one. Exit where that fails. */
static inline void
save_body(const BarqBodyWriter *body, const char *path)
{
	int			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (Size done = 0; done < body->size;)
	{
		ssize_t		wrote = write(fd, body->data + done, body->size - done);

		if (wrote <= 0)
		{
			perror(path);
			exit(1);
		}
		done += wrote;
	}
	close(fd);
}

static inline void
load_body(BarqBodyWriter *body, const char *path)
{
	int			fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
	{
		perror(path);
		exit(1);
	}
	body->size = body->capacity = st.st_size;
	body->data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

#endif							/* BARQ_BENCH_GRAPHS_H */
