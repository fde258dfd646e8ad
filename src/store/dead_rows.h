/*
 * dead_rows.h
 *	  The tombstones of a segment as a search reads them: shared by the snapshots of
 *	  a backend, and for a large segment by all backends, as a mapped file.
 *
 * The directory's dead count D of a segment names one set of rows (S19): marks are
 * only added, and D is the number of them at one moment. So a file of exactly D
 * marks serves every snapshot whose descriptor says D. It lies beside the image, is
 * made by the first reader, and counts only under the postmaster that it names.
 */
#ifndef BARQ_DEAD_ROWS_H
#define BARQ_DEAD_ROWS_H

#include "store/tombstones.h"

typedef struct BarqDeadRows
{
	int			references;
	uint8		id[BARQ_ID_BYTES];	/* of the segment */
	uint32		count;			/* the descriptor's dead_rows */
	uint8	   *bits;			/* set: dead. Holds at least the marks counted */
	void	   *address;		/* of the mapping; NULL: bits are of this process */
	Size		bytes;			/* of the mapping, or of this process's memory */
} BarqDeadRows;

/*
 * The dead rows of a segment, of which desc->dead_rows is not 0, with one
 * reference: the file, if there is a valid one; else read from the pages, and then a
 * file is made if it pays. NULL if a page was re-used meanwhile. The caller holds no
 * buffer lock. ERRCODE_INDEX_CORRUPTED for damaged pages.
 */
extern BarqDeadRows *barq_dead_rows_get(Relation index, const BarqSegmentDesc *desc);

/* Drop a reference. Raises no error. */
extern void barq_dead_rows_release(BarqDeadRows *dead);

#endif							/* BARQ_DEAD_ROWS_H */
