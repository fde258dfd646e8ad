/*
 * graphs.h
 *	  What the micro-benchmarks of graphs share: processor time, rows by TID, bodies in
 *	  files. After pgshim.h and vectors.h.
 */
#ifndef BARQ_BENCH_GRAPHS_H
#define BARQ_BENCH_GRAPHS_H

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
