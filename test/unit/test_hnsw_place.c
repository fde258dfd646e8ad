/*
 * test_hnsw_place.c
 *	  Graphs by place: which rows a window has; that a process whose pages do not stay in
 *	  memory takes narrow windows, and what the graph then finds, without a server, in TAP.
 */
#include "hnsw_bodies.h"

#include <sys/resource.h>

#include "hnsw/hnsw_work.h"

#define ROWS	20000
#define DIMS	24
#define CENTRES	100

static BarqCodec codec;
static BarqHnswOptions options = {12, 48, .memory = 256 * 1024, .find_places = places_of_rows};

/* Page faults that the next call reports; each call adds as many. -1: as the system does. */
static long faults_a_call = -1;

/* In place of the C library's, for the code that is tested. */
int
getrusage(__rusage_who_t who, struct rusage *usage)
{
	static long faults = 0;

	if (faults_a_call < 0)
		return -1;
	memset(usage, 0, sizeof(*usage));
	usage->ru_majflt = faults += faults_a_call;
	return 0;
}

/* n vectors about the same centres. */
static float *
clustered(int n)
{
	float	   *x = malloc(sizeof(float) * n * DIMS + 64);
	float		centres[CENTRES * DIMS];

	random_state = 7;
	for (int i = 0; i < CENTRES * DIMS; i++)
		centres[i] = 2 * random_normal();
	random_state = n;
	for (int i = 0; i < n; i++)
	{
		int			c = (int) (random_uniform() * CENTRES);

		for (int d = 0; d < DIMS; d++)
			x[i * DIMS + d] = centres[c * DIMS + d] + random_normal();
	}
	return x;
}

static char *area;
static uint64 area_bytes;

static BarqHnswWork *
load(const BarqBodyWriter *flat)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, ROWS};

	area_bytes = barq_hnsw_work_bytes(&codec, &options, ROWS, 0);
	area = mmap(NULL, area_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(area, 0x77, area_bytes);
	return barq_hnsw_work_load(area, &codec, &options, &input, 1, NULL);
}

static void
test_windows(const BarqBodyWriter *flat)
{
	BarqHnswWork *work = load(flat);
	bool		own = true;
	bool		within = true;
	uint64		all[2] = {0, 0};
	uint32		fewest[2] = {ROWS, ROWS};
	uint32		most[2] = {0, 0};

	ok(work->by_place && work->nwindows > 1 && work->nwindows <= HNSW_WINDOWS &&
	   work->window_first[work->nwindows] == ROWS,
	   "rows are by place, in %u windows", work->nwindows);
	for (uint32 i = 0; i < work->nwindows; i++)
	{
		uint32		n[2] = {0, 0};

		for (uint32 row = 0; row < ROWS; row++)
		{
			bool		served = row < work->window_first[0] ||
				(row >= work->window_first[i] && row < work->window_first[i + 1]);

			for (int narrow = 0; narrow <= 1; narrow++)
			{
				bool		in = hnsw_in_window(hnsw_work_window(work, i, narrow), row);

				n[narrow] += in;
				own &= in || !served;
			}
			within &= hnsw_in_window(hnsw_work_window(work, i, false), row) ||
				!hnsw_in_window(hnsw_work_window(work, i, true), row);
		}
		for (int narrow = 0; narrow <= 1; narrow++)
		{
			all[narrow] += n[narrow];
			fewest[narrow] = Min(fewest[narrow], n[narrow]);
			most[narrow] = Max(most[narrow], n[narrow]);
		}
	}
	ok(own, "a window has the rows that it serves and those with upper levels, the narrow one too");
	ok(within, "a narrow window is a part of the other");
	ok(fewest[0] >= ROWS / 4 && fewest[1] >= ROWS / 6 && all[1] < 0.9 * all[0],
	   "a window has a quarter of the rows (%u to %u), a narrow one a sixth (%u to %u)",
	   fewest[0], most[0], fewest[1], most[1]);
	munmap(area, area_bytes);
}

/* A graph of all rows; `faults`: page faults that a call of getrusage() adds. */
static void
make_graph(const BarqBodyWriter *flat, BarqBodyWriter *body, long faults)
{
	BarqHnswWork *work = load(flat);

	faults_a_call = faults;
	barq_hnsw_work_insert(work, NULL, NULL);
	faults_a_call = -1;
	shim_context_push();
	shim_writer_init(body);
	barq_body_write(body, area + BARQ_AREA_BODY, barq_hnsw_work_finish(work));
	shim_context_pop();
	munmap(area, area_bytes);
}

int
main(void)
{
	float	   *x = clustered(ROWS);
	float	   *q = clustered(60);
	BarqBodyWriter flat;
	BarqBodyWriter wide;
	BarqBodyWriter few;
	BarqBodyWriter narrow;
	double		r_wide;
	double		r;

	shim_init();
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_flat(&flat, &codec, x, ROWS, 0);
	test_windows(&flat);

	make_graph(&flat, &wide, 0);
	make_graph(&flat, &few, 256);
	ok(wide.size == few.size && memcmp(wide.data, few.data, wide.size) == 0,
	   "a page fault a row changes nothing");
	make_graph(&flat, &narrow, 10000);
	ok(wide.size != narrow.size || memcmp(wide.data, narrow.data, wide.size) != 0,
	   "with many page faults windows are narrow");
	ok(check_clean(&narrow, false, "narrow") && rows_match(&narrow, &codec, x, NULL, ROWS),
	   "every row is there with its TID, and can be reached");
	r_wide = recall(&wide, &codec, q, 60, 60, 10, NULL, false);
	r = recall(&narrow, &codec, q, 60, 60, 10, NULL, false);
	ok(r_wide > 0.9 && r > r_wide - 0.05, "recall %.3f, of wide windows %.3f", r, r_wide);
	shim_writer_free(&wide);
	shim_writer_free(&few);
	shim_writer_free(&narrow);
	shim_writer_free(&flat);
	free(x);
	free(q);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
