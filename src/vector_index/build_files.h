/*
 * build_files.h
 *	  Within CREATE INDEX of vectors: files of a participant (build_files.c), and the values
 *	  that rows have beside their codes (build_values.c).
 */
#ifndef BARQ_BUILD_FILES_H
#define BARQ_BUILD_FILES_H

#include "vector_index/vector_build.h"

/* ---- build_files.c ---- */

/*
 * Returns fd. If opening the file failed (fd is negative), raises the error with
 * the SQLSTATE of its cause.
 */
extern int	barq_build_opened(int fd, const char *path);

/*
 * Write `left` bytes at offset `off` of a file. Raises an error with the
 * SQLSTATE of its cause if that fails.
 */
extern void barq_build_write(int fd, const char *path, const char *data, Size left, off_t off);

/* Close a file, if it is open, and set *fd to -1. */
extern void barq_build_close(int *fd);

typedef struct BarqRowsMapping
{
	MemoryContextCallback callback;
	void	   *address;		/* NULL: unmapped */
	Size		bytes;
} BarqRowsMapping;

/*
 * Map a file for reading until barq_build_unmap(), or until the current memory context
 * is reset. Raises ERRCODE_OUT_OF_MEMORY if that fails.
 */
extern BarqRowsMapping *barq_build_map(int fd, const char *path, Size bytes);

/* Unmap a file: `arg` is a BarqRowsMapping. */
extern void barq_build_unmap(void *arg);

/* ---- build_values.c ---- */

/* Add a row without a key; in memory, or flushed to the file when there are many. */
extern void barq_sink_add_keyless(BarqRowSink *sink, BarqKeyless keyless, ItemPointer tid);

/* Add the values of a row's filter columns. */
extern void barq_sink_add_filters(BarqRowSink *sink, Relation index, ItemPointer tid,
								  Datum *values, bool *isnull);

/* Write what is still in memory, if the sink has files. */
extern void barq_sink_flush_values(BarqRowSink *sink);

#endif							/* BARQ_BUILD_FILES_H */
