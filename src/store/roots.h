/*
 * roots.h
 *	  Which directories this server has put images into, so that what lies in
 *	  one can be removed after barq.image_directory has changed.
 */
#ifndef BARQ_ROOTS_H
#define BARQ_ROOTS_H

#include "nodes/pg_list.h"

/*
 * Make the first folder below a directory, whose descriptor is `above`, having
 * written the directory down. -1 with errno set where either fails; one that
 * is there already is no failure.
 */
extern int	barq_roots_make(int above, const char *directory, const char *top);

/* All directories that are written down, palloc'd. */
extern List *barq_roots_read(void);

/* Remove that folder and forget the directory, if nothing is in it any more. */
extern void barq_roots_remove(const char *directory, const char *top);

#endif							/* BARQ_ROOTS_H */
