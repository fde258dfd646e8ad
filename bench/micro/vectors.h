/*
 * vectors.h
 *	  Shared by the micro-benchmarks of vectors: .npy files, floats as bits, names of options.
 */
#ifndef BARQ_BENCH_VECTORS_H
#define BARQ_BENCH_VECTORS_H

#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/codec.h"

#undef printf
#undef fprintf

/* Map a .npy file of 4-byte elements with two dimensions. */
static inline const void *
load_npy(const char *path, long *rows, long *cols)
{
	int			fd = open(path, O_RDONLY);
	struct stat st;
	const char *map;
	const char *shape;

	if (fd < 0 || fstat(fd, &st) != 0)
	{
		perror(path);
		exit(1);
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	shape = memcmp(map, "\x93NUMPY\x01", 7) == 0 ? strstr(map + 10, "'shape': (") : NULL;
	if (shape == NULL || sscanf(shape, "'shape': (%ld, %ld)", rows, cols) != 2)
	{
		fprintf(stderr, "%s: not a .npy file of version 1 with two dimensions\n", path);
		exit(1);
	}
	return map + 10 + (unsigned char) map[8] + 256 * (unsigned char) map[9];
}

/* A bit a dimension, set where the float is positive: dims / 8 + 1 bytes. */
static inline void
bits_of(const float *x, long dims, uint8 *bits)
{
	memset(bits, 0, dims / 8 + 1);
	for (long i = 0; i < dims; i++)
		if (x[i] > 0)
			bits[i / 8] |= 0x80 >> (i % 8);
}

/* The distance that -M names; cosine for any other name. */
static inline BarqMetric
metric_named(const char *name)
{
	return strcmp(name, "l2") == 0 ? BARQ_METRIC_L2 :
		strcmp(name, "ip") == 0 ? BARQ_METRIC_IP : BARQ_METRIC_COSINE;
}

/* The quantization of vectors that -q names; sq8 for any other name. */
static inline BarqQuantization
quantization_named(const char *name)
{
	return strcmp(name, "none") == 0 ? BARQ_QUANT_NONE :
		strcmp(name, "f16") == 0 ? BARQ_QUANT_F16 :
		strcmp(name, "rabitq") == 0 ? BARQ_QUANT_RABITQ : BARQ_QUANT_SQ8;
}

#endif							/* BARQ_BENCH_VECTORS_H */
