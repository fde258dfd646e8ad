/*
 * test_hnsw_resume.c
 *	  Going on with a work area whose processes were killed at any moment, and refusing
 *	  one that is damaged, without a server, in TAP.
 */
#include "hnsw_bodies.h"

#include <signal.h>

#include "hnsw/hnsw_work.h"

#define ROWS	20000
#define FIRST	11000			/* of them in a graph that is kept */
#define DIMS	24
#define HELPERS	3

static BarqCodec codec;
static BarqHnswOptions options = {12, 48};
static BarqMergeInput inputs[2];
static char *area;
static uint64 area_bytes;

/* Lay out and load an area for all rows. */
static BarqHnswWork *
load(void)
{
	BarqHnswWork *work;

	area_bytes = barq_hnsw_work_bytes(&codec, &options, ROWS, 0);
	area = mmap(NULL, area_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(area, 0x77, area_bytes);
	work = barq_hnsw_work_load(area, &codec, &options, inputs, 2, NULL);
	barq_hnsw_work_note_loaded(work);
	return work;
}

static bool
resume(BarqHnswResumed *resumed)
{
	bool		usable;

	shim_context_push();
	usable = barq_hnsw_work_resume(area, area_bytes, ROWS, 0, resumed);
	shim_context_pop();
	return usable;
}

/* Complete the body of the area and unmap it. */
static void
finish(BarqBodyWriter *body)
{
	BarqHnswWork *work = barq_hnsw_work_attach(area);
	uint64		bytes = work->body_bytes;

	if (work->phase != HNSW_PHASE_COMPLETE)
	{
		shim_context_push();
		bytes = barq_hnsw_work_finish(work);
		shim_context_pop();
	}
	shim_writer_init(body);
	barq_body_write(body, area + BARQ_AREA_BODY, bytes);
	munmap(area, area_bytes);
}

/* Let processes insert for some microseconds, then kill them. */
static void
insert_and_kill(useconds_t us)
{
	pid_t		pids[HELPERS];

	for (int i = 0; i < HELPERS; i++)
	{
		pids[i] = fork();
		if (pids[i] == 0)
		{
			barq_hnsw_work_insert(barq_hnsw_work_attach(area), NULL, NULL);
			_exit(0);
		}
	}
	usleep(us);
	for (int i = 0; i < HELPERS; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < HELPERS; i++)
		waitpid(pids[i], NULL, 0);
}

/*
 * by_place: the area is larger than the memory that it may have; what: the input that is not
 * kept.
 */
static void
test_killed(const float *x, const float *q, bool by_place, const char *what)
{
	BarqBodyWriter body;
	BarqBodyWriter fresh;
	BarqHnswResumed resumed = {.left = 1};
	uint64		again = 0;
	uint64		most = 0;
	int			times = 0;
	bool		usable = true;
	double		r;
	double		r_fresh;

	options.memory = by_place ? 256 * 1024 : PG_UINT64_MAX;
	options.find_places = by_place ? places_of_rows : NULL;
	ok(load()->by_place == by_place, "rows of %s are inserted %s", what, by_place ? "by place" : "in order");
	while (usable && resumed.left > 0)
	{
		insert_and_kill(2000 + (useconds_t) (random_uniform() * 20000));
		usable = resume(&resumed);
		again += resumed.again;
		most = Max(most, resumed.again);
		times++;
	}
	ok(usable, "an area whose %d processes are killed %d times can be used each time", HELPERS, times);
	ok(most <= HELPERS * 17, "at most %d rows at a time are inserted again, " UINT64_FORMAT " in all", (int) most, again);
	finish(&body);
	build(&fresh, &codec, options.m, options.ef_construction, inputs, 2, 1);
	r = recall(&body, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
	r_fresh = recall(&fresh, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false);
	ok(r > r_fresh - 0.02 && check_clean(&body, false, "killed"), "recall %.3f, of a graph made at once %.3f", r, r_fresh);
	ok(rows_match(&body, &codec, x, NULL, ROWS), "every row is there with its TID");
	shim_writer_free(&body);
	shim_writer_free(&fresh);
}

static int	checks_left;

static void
leave_at_check(void)
{
	if (checks_left-- == 0)
		_exit(7);
}

/*
 * Let a process complete the area that leaves at its n-th check for interrupts. Returns
 * whether it came to the end.
 */
static bool
finish_in_part(int n)
{
	int			status;

	if (fork() == 0)
	{
		checks_left = n;
		barq_interrupts_hook = leave_at_check;
		(void) barq_hnsw_work_finish(barq_hnsw_work_attach(area));
		_exit(0);
	}
	wait(&status);
	return status == 0;
}

/* A process is killed between any two stores: here, the states that a kill seldom meets. */
static void
test_states(const float *x, const float *q)
{
	BarqHnswWork *work = load();
	BarqHnswResumed resumed;
	BarqBodyWriter body;
	uint32	   *list;

	insert_and_kill(30000);
	ok(resume(&resumed) && resumed.left < ROWS - FIRST, "rows are inserted");

	/* a list half written, a claim that was not made, an entry that was not released */
	list = hnsw_work_list(work, 0, 5);
	list[1] = list[0];
	list[2] = ROWS + 5;
	pg_atomic_fetch_add_u32(hnsw_work_version(work, 5), 1);
	pg_atomic_write_u32(&work->entry_lock, 1);
	pg_atomic_write_u64(&work->claims[7], ((uint64) (ROWS - resumed.left) << 32) | (ROWS - resumed.left + 16));
	ok(resume(&resumed) && resumed.again == 1 && pg_atomic_read_u32(&work->entry_lock) == 0 &&
	   pg_atomic_read_u64(&work->claims[7]) == 0,
	   "a list that was cut off is mended, a claim that was not made counts for nothing");
	ok(!resume(&(BarqHnswResumed) {0}) || resumed.again == 1, "and again");

	/* the list of a row that is not inserted, but was loaded with one, which others change */
	if (hnsw_work_is_listed(work, ROWS - 1))
	{
		list = hnsw_work_list(work, 0, ROWS - 1);
		list[1] = list[0];
		list[2] = ROWS + 5;
		pg_atomic_fetch_add_u32(hnsw_work_version(work, ROWS - 1), 1);
		ok(resume(&resumed) && resumed.again == 0 && list[1] != list[0] && list[2] != ROWS + 5,
		   "such a list of a row that was not claimed is mended, and the row is not inserted yet");
	}

	/* a row whose own list is written, to which nothing links yet */
	pg_atomic_write_u64(&work->claims[0], ((uint64) FIRST << 32) | (FIRST + 16));
	ok(resume(&resumed) && resumed.again == 16, "a claim that was not done is done again");

	/* connected, then interrupted before rows are ordered */
	barq_hnsw_work_insert(work, NULL, NULL);
	{
		uint32	   *order = malloc(sizeof(uint32) * ROWS);

		shim_context_push();
		barq_hnsw_work_order(work, order);
		shim_context_pop();
		free(order);
	}
	ok(resume(&resumed) && resumed.left == 0 && resumed.body_bytes == 0, "an area may be connected twice");
	{
		int			times = 0;
		bool		usable = true;

		while (usable && !finish_in_part(work->phase == HNSW_PHASE_ORDERING ? 3 : 40))
		{
			times += work->phase == HNSW_PHASE_ORDERING;
			usable = resume(&resumed);
		}
		ok(usable && times > 2 && resume(&resumed) && resumed.body_bytes > 0,
		   "a process that leaves while rows are ordered, at a check for interrupts: %d times", times);
	}
	finish(&body);
	ok(check_clean(&body, false, "states") && rows_match(&body, &codec, x, NULL, ROWS) &&
	   recall(&body, &codec, q, COMPARED_QUERIES, 60, 10, NULL, false) > 0.9, "the graph is sound");
	shim_writer_free(&body);
}

static void
test_damage(bool graphs)
{
	BarqHnswWork *work = load();
	BarqHnswResumed resumed;
	uint32	   *list;

	insert_and_kill(20000);
	ok(resume(&resumed), "an area is used");
	ok(!barq_hnsw_work_resume(area, area_bytes, ROWS - 1, 0, &resumed), "not with other rows");
	ok(!barq_hnsw_work_resume(area, area_bytes + 64, ROWS, 0, &resumed), "nor with another size");

	hnsw_work_codes(work)[codec.stride * 100] ^= 1;
	ok(!resume(&resumed), "nor with another code");
	hnsw_work_codes(work)[codec.stride * 100] ^= 1;
	hnsw_work_tids(work)[ROWS - 1].ip_posid ^= 1;
	ok(!resume(&resumed), "nor with another TID");
	hnsw_work_tids(work)[ROWS - 1].ip_posid ^= 1;
	hnsw_work_levels(work)[3] ^= 1;
	ok(!resume(&resumed), "nor with another level");
	hnsw_work_levels(work)[3] ^= 1;

	list = hnsw_work_list(work, 0, 17);
	list[0] ^= 0x80000000;
	ok(!resume(&resumed), "nor with a neighbour that is no row");
	list[0] ^= 0x80000000;
	if (graphs)
	{
		list = hnsw_work_list(work, 0, ROWS - 1);
		list[0] ^= 0x80000000;
		ok(!resume(&resumed), "nor in the list of a row that is not inserted");
		list[0] ^= 0x80000000;
		hnsw_work_sources(work)[ROWS - 1] ^= 1;
		ok(!resume(&resumed), "nor with another input of a row");
		hnsw_work_sources(work)[ROWS - 1] ^= 1;
	}
	pg_atomic_write_u32(&work->claimed, ROWS + 1);
	ok(!resume(&resumed), "nor with more rows than it has");
	pg_atomic_write_u32(&work->claimed, FIRST);
	work->phase = HNSW_PHASE_ORDERING;
	ok(!resume(&resumed), "nor while its rows are being ordered");
	work->phase = HNSW_PHASE_COMPLETE;
	work->body_bytes = area_bytes;
	ok(!resume(&resumed), "nor with a body larger than it");
	work->body_bytes = 4096;
	ok(resume(&resumed) && resumed.body_bytes == 4096, "a complete body is taken as it is");
	work->magic = 0;
	ok(!resume(&resumed), "nothing that is no area");
	munmap(area, area_bytes);
}

int
main(void)
{
	float	   *x = random_vectors(ROWS, DIMS);
	float	   *q = random_vectors(COMPARED_QUERIES, DIMS);
	BarqBodyWriter flat[2];
	BarqBodyWriter graphs[2];
	BarqView	views[3];

	shim_init();
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SQ8, DIMS);
	make_flat(&flat[0], &codec, x, FIRST, 0);
	make_flat(&flat[1], &codec, x + FIRST * DIMS, ROWS - FIRST, FIRST);
	for (int i = 0; i < 2; i++)
	{
		build_from_flat(&graphs[i], &codec, options.m, options.ef_construction, &flat[i], 2);
		views[i] = shim_view(&graphs[i], false);
		inputs[i] = (BarqMergeInput) {&views[i], NULL, i == 0 ? FIRST : ROWS - FIRST};
	}
	views[2] = shim_view(&flat[1], false);

	/* a flat input beside the graph that is kept, then another graph */
	for (int i = 0; i < 2; i++)
	{
		inputs[1].view = &views[i == 0 ? 2 : 1];
		test_killed(x, q, false, i == 0 ? "a flat input" : "a graph");
		test_killed(x, q, true, i == 0 ? "a flat input" : "a graph");
		options = (BarqHnswOptions) {12, 48};
		test_states(x, q);
		test_damage(i == 1);
	}
	for (int i = 0; i < 2; i++)
	{
		shim_writer_free(&graphs[i]);
		shim_writer_free(&flat[i]);
	}
	free(x);
	free(q);
	printf("1..%d\n", ntests);
	return nfailed != 0;
}
