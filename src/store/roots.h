/*
 * roots.h
 *	  The directories into which this server has put images, so that the images
 *	  can be removed after barq.image_directory has changed.
 */
#ifndef BARQ_ROOTS_H
#define BARQ_ROOTS_H

#include "nodes/pg_list.h"

/*
 * Add a directory to the list, then make the folder `top` in it; `above` is the
 * directory's descriptor. Returns 0, also if the folder exists, or -1 with errno
 * set.
 */
extern int	barq_roots_make(int above, const char *directory, const char *top);

/* The directories of the list, palloc'd strings; NIL if it cannot be read. */
extern List *barq_roots_read(void);

/*
 * Remove the folder `top` of a directory, and the directory from the list, if the
 * folder is empty. A failure is logged.
 */
extern void barq_roots_remove(const char *directory, const char *top);

#endif							/* BARQ_ROOTS_H */
