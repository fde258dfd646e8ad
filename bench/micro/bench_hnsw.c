/*
 * bench_hnsw.c
 *	  Build time, recall and latency of the HNSW kind outside of a server.
 *
 *	  bench_hnsw base.npy query.npy gt.npy [-m 16] [-c 64] [-p 2]
 *		[-M cosine|l2|ip|l1] [-q sq8|f16|none] [-k 10] [-e 40,80,160] [-d 0.1]
 *
 * -d: then delete this share of the rows and merge: time of keeping the graph.
 *
 * Files are .npy (float32, int32, C order). Rows are re-ranked with the float
 * query against their codes and, as a server does it, with the vectors.
 */
#include "postgres.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../test/unit/pgshim.h"
#include "hnsw/hnsw_work.h"
#include "kernels/kernels.h"

#undef printf
#undef fprintf
#undef qsort

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Map a .npy file of 4-byte elements with two dimensions. */
static const void *
load_npy(const char *path, long *rows, long *cols)
{
	int			fd = open(path, O_RDONLY);
	struct stat st;
	char	   *map;
	const char *shape;
	int			header;

	if (fd < 0 || fstat(fd, &st) != 0)
	{
		perror(path);
		exit(1);
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memcmp(map, "\x93NUMPY\x01", 7) != 0)
	{
		fprintf(stderr, "%s: not a .npy file of version 1\n", path);
		exit(1);
	}
	header = 10 + (unsigned char) map[8] + 256 * (unsigned char) map[9];
	shape = strstr(map + 10, "'shape': (");
	if (shape == NULL || sscanf(shape, "'shape': (%ld, %ld)", rows, cols) != 2)
	{
		fprintf(stderr, "%s: cannot read its shape\n", path);
		exit(1);
	}
	close(fd);
	return map + header;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

typedef struct Ranked
{
	double		distance;
	uint32		id;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	double		x = ((const Ranked *) a)->distance;
	double		y = ((const Ranked *) b)->distance;

	return x < y ? -1 : x > y;
}

static double
exact(const float *a, const float *b, int dims, BarqMetric metric)
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

static void
report_progress(void *arg, uint32 rows)
{
	(void) arg;
	(void) rows;
}

static uint32
tid_to_id(const ItemPointerData *tid)
{
	return ItemPointerGetBlockNumber(tid) * 256 + ItemPointerGetOffsetNumber(tid) - 1;
}

int
main(int argc, char **argv)
{
	int			m = 16;
	int			efc = 64;
	int			processes = 2;
	int			k = 10;
	BarqMetric	metric = BARQ_METRIC_COSINE;
	BarqQuantization quant = BARQ_QUANT_SQ8;
	const char *efs = "20,40,80,160,320,640";
	long		n;
	long		dims;
	long		nq;
	long		d;
	long		gtk;
	const float *base;
	const float *query;
	const int32 *gt;
	BarqCodec	codec;
	BarqBodyWriter flat;
	BarqBodyWriter body;
	BarqView	view;
	BarqMergeInput input;
	BarqHnswOptions options;
	int			opt;
	double		dead_share = 0;
	double		t;

	while ((opt = getopt(argc, argv, "m:c:p:M:q:k:e:d:")) != -1)
	{
		switch (opt)
		{
			case 'm':
				m = atoi(optarg);
				break;
			case 'c':
				efc = atoi(optarg);
				break;
			case 'p':
				processes = atoi(optarg);
				break;
			case 'k':
				k = atoi(optarg);
				break;
			case 'd':
				dead_share = atof(optarg);
				break;
			case 'e':
				efs = optarg;
				break;
			case 'M':
				metric = strcmp(optarg, "l2") == 0 ? BARQ_METRIC_L2 :
					strcmp(optarg, "ip") == 0 ? BARQ_METRIC_IP :
					strcmp(optarg, "l1") == 0 ? BARQ_METRIC_L1 : BARQ_METRIC_COSINE;
				break;
			case 'q':
				quant = strcmp(optarg, "none") == 0 ? BARQ_QUANT_NONE :
					strcmp(optarg, "f16") == 0 ? BARQ_QUANT_F16 : BARQ_QUANT_SQ8;
				break;
			default:
				return 1;
		}
	}
	if (argc - optind != 3)
	{
		fprintf(stderr, "usage: bench_hnsw [options] base.npy query.npy gt.npy\n");
		return 1;
	}
	shim_init();
	barq_kernels_select("auto");
	base = load_npy(argv[optind], &n, &dims);
	query = load_npy(argv[optind + 1], &nq, &d);
	gt = load_npy(argv[optind + 2], &d, &gtk);
	barq_codec_init(&codec, metric, quant, (int) dims);

	/* encode into a flat body: what a merge has for input */
	t = now();
	{
		char	   *rows = malloc((size_t) n * codec.stride);
		ItemPointerData *tids = malloc(n * sizeof(ItemPointerData));

		for (long i = 0; i < n; i++)
		{
			if (!barq_codec_encode(&codec, base + i * dims, rows + i * codec.stride))
				return 1;
			ItemPointerSet(&tids[i], i / 256, i % 256 + 1);
		}
		shim_writer_init(&flat);
		barq_flat_write(&flat, &codec, rows, codec.stride, tids, (uint32) n);
		free(rows);
		free(tids);
	}
	printf("%ld x %ld, row %u bytes, kernels %s; encoded in %.2f s\n",
		   n, dims, codec.row_bytes, barq_kernels->name, now() - t);

	{
		uint64		bytes;
		char	   *area;
		char		path[] = "/dev/shm/bench_hnsw.XXXXXX";
		int			fd = mkstemp(path);
		struct rusage usage;
		BarqHnswWork *work;

		options.m = m;
		options.ef_construction = efc;
		bytes = barq_hnsw_work_bytes(&codec, &options, (uint32) n);
		if (fd < 0 || ftruncate(fd, bytes) != 0)
			return 1;
		unlink(path);
		area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		view = shim_view(&flat, false);
		memset(&input, 0, sizeof(input));
		input.view = &view;
		input.live = (uint32) n;
		t = now();
		work = barq_hnsw_work_load(area, &codec, &options, &input, 1);
		printf("load %.2f s (%.1f MB)\n", now() - t, bytes / 1e6);
		t = now();
		for (int p = 1; p < processes; p++)
		{
			if (fork() == 0)
			{
				barq_hnsw_work_insert(work, report_progress, NULL);
				_exit(0);
			}
		}
		barq_hnsw_work_insert(work, report_progress, NULL);
		while (wait(NULL) > 0)
			;
		t = now() - t;
		getrusage(RUSAGE_CHILDREN, &usage);
		printf("insert %.2f s; the others' CPU %.2f s\n", t,
			   usage.ru_utime.tv_sec + usage.ru_utime.tv_usec * 1e-6);
		fflush(stdout);
		t = now();
		shim_writer_init(&body);
		barq_hnsw_work_write(work, &body);
		printf("write %.2f s (%.1f MB)\n", now() - t, body.size / 1e6);
		munmap(area, bytes);
	}
	view = shim_view(&body, false);

	if (dead_share > 0)
	{
		uint8	   *dead = calloc(1, n / 8 + 1);
		char	   *area;
		BarqHnswWork *work;

		input.dead = dead;
		for (long i = 0; i < n; i++)
		{
			if (drand48() < dead_share)
			{
				dead[i / 8] |= 1 << (i % 8);
				input.live--;
			}
		}
		area = mmap(NULL, barq_hnsw_work_bytes(&codec, &options, input.live),
					PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		t = now();
		work = barq_hnsw_work_load(area, &codec, &options, &input, 1);
		printf("merge: %u of %u live rows kept with their graph in %.2f s\n",
			   work->kept, input.live, now() - t);
	}

	{
		const ItemPointerData *tids = (const ItemPointerData *)
			(view.base + ((const BarqBodyHeader *) view.base)->tids_off);
		char	   *list = strdup(efs);
		void	   *mem = malloc(barq_query_bytes(&codec));
		BarqHit    *hits = malloc(sizeof(BarqHit) * 10000);
		Ranked	   *ranked = malloc(sizeof(Ranked) * 10000);
		double	   *times = malloc(sizeof(double) * nq);

		printf("    ef   recall  (codes only)     us/query    p50    p99\n");
		for (char *tok = strtok(list, ","); tok != NULL; tok = strtok(NULL, ","))
		{
			int			ef = atoi(tok);
			long		good = 0;
			long		good_codes = 0;
			double		best = INFINITY;

			for (int run = 0; run < 5; run++)
			{
				double		total = 0;

				good = good_codes = 0;
				for (long q = 0; q < nq; q++)
				{
					BarqSearchParams params;
					BarqSearch *search;
					BarqQuery  *prepared;
					int			got;
					int			top = Max(2 * k, k + 10);
					double		t0 = now();

					shim_context_push();
					prepared = barq_query_prepare(mem, &codec, query + q * dims);
					params.query = prepared;
					params.breadth = ef;
					params.skip = NULL;
					search = barq_hnsw_kind.search_begin(&view, &params);
					got = barq_hnsw_kind.search_next(search, INFINITY, hits, top);
					for (int i = 0; i < got; i++)
					{
						double		low;

						barq_query_rescore(prepared,
										   barq_hnsw_kind.row_code(&view, hits[i].row),
										   &ranked[i].distance, &low);
						ranked[i].id = tid_to_id(&tids[hits[i].row]);
					}
					qsort(ranked, got, sizeof(Ranked), compare_ranked);
					barq_hnsw_kind.search_end(search);
					shim_context_pop();
					times[q] = now() - t0;
					total += times[q];

					for (int i = 0; i < Min(k, got); i++)
						for (int j = 0; j < k; j++)
							good_codes += (ranked[i].id == (uint32) gt[q * gtk + j]);
					for (int i = 0; i < got; i++)
						ranked[i].distance = exact(query + q * dims,
												   base + (long) ranked[i].id * dims,
												   dims, metric);
					qsort(ranked, got, sizeof(Ranked), compare_ranked);
					for (int i = 0; i < Min(k, got); i++)
						for (int j = 0; j < k; j++)
							good += (ranked[i].id == (uint32) gt[q * gtk + j]);
				}
				if (total < best)
					best = total;
			}
			qsort(times, nq, sizeof(double), compare_doubles);
			printf("%6d   %.4f  (%.4f)        %8.1f  %7.1f %7.1f\n", ef,
				   (double) good / (nq * k), (double) good_codes / (nq * k),
				   best / nq * 1e6, times[nq / 2] * 1e6, times[nq * 99 / 100] * 1e6);
			fflush(stdout);
		}
	}
	return 0;
}
