/*
 * ivf_bodies.h
 *	  Shared by the unit tests of lists: bodies of lists, with and without half codes.
 */
#ifndef BARQ_TEST_IVF_BODIES_H
#define BARQ_TEST_IVF_BODIES_H

#include "hnsw_bodies.h"
#include "ivf/ivf_work.h"

/* Lists of the rows of the inputs, made by so many processes; `halved`: as a log is sealed. */
static inline void
make_lists_halved(BarqBodyWriter *writer, const BarqCodec *codec, uint32 lists,
				  BarqMergeInput *inputs, int ninputs, int processes, bool halved)
{
	uint64		bytes = barq_ivf_work_bytes(codec, lists, inputs, ninputs);

	/* the area ends where its mapping ends, so that writes beyond it crash */
	char	   *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BarqIvfWork *work;
	uint64		body_bytes;

	memset(mem, 0x77, bytes);
	work = barq_ivf_work_load(mem, codec, lists, inputs, ninputs);
	for (int p = 1; p < processes; p++)
		if (fork() == 0)
		{
			barq_ivf_work_help(barq_ivf_work_attach(mem), NULL, NULL);
			_exit(0);
		}
	barq_ivf_work_train(work, NULL, NULL);
	barq_ivf_work_assign(work, NULL, NULL);
	for (int p = 1; p < processes; p++)
	{
		int			status;

		wait(&status);
		if (status != 0)
			abort();
	}
	shim_writer_init(writer);
	body_bytes = barq_ivf_work_finish(work);
	if (halved)
		barq_ivf_write_halved(writer, codec, mem + BARQ_AREA_BODY, body_bytes);
	else
		barq_body_write(writer, mem + BARQ_AREA_BODY, body_bytes);
	munmap(mem, bytes);
}

static inline void
make_lists(BarqBodyWriter *writer, const BarqCodec *codec, uint32 lists,
		   BarqMergeInput *inputs, int ninputs, int processes)
{
	make_lists_halved(writer, codec, lists, inputs, ninputs, processes, false);
}

static inline void
lists_from_flat(BarqBodyWriter *writer, const BarqCodec *codec, uint32 lists,
				const BarqBodyWriter *flat, int processes)
{
	BarqView	view = shim_view(flat, false);
	BarqMergeInput input = {&view, NULL, view.rows};

	make_lists(writer, codec, lists, &input, 1, processes);
}

static inline IvfHeader
header_of(const BarqBodyWriter *body)
{
	BarqView	view = shim_view(body, false);
	IvfLists	lists;

	barq_ivf_open(&view, &lists);
	return lists.header;
}

static inline bool
lists_clean(const BarqBodyWriter *body, bool pages)
{
	BarqView	view = shim_view(body, pages);

	check_reports = 0;
	barq_ivf_kind.check(&view, check_report, (void *) "ivf");
	return check_reports == 0;
}

/* Rows in narrow clusters. */
static inline float *
clustered_vectors(int n, int dims, int clusters, uint64 seed, float shift)
{
	float	   *centres;
	float	   *x = malloc(sizeof(float) * n * dims + 64);

	random_state = 99;
	centres = random_vectors(clusters, dims);
	random_state = seed;
	for (int i = 0; i < n; i++)
		for (int d = 0; d < dims; d++)
			x[i * dims + d] = centres[(i % clusters) * dims + d] + 0.4f * random_normal() + shift;
	free(centres);
	return x;
}

#endif							/* BARQ_TEST_IVF_BODIES_H */
