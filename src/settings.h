/*
 * settings.h
 *	  The settings (GUCs), all under the prefix "barq.". Defined in settings.c,
 *	  read by everyone.
 */
#ifndef BARQ_SETTINGS_H
#define BARQ_SETTINGS_H

#include "postgres.h"

typedef enum BarqIterativeScan
{
	BARQ_ITERATIVE_OFF,
	BARQ_ITERATIVE_STRICT,
	BARQ_ITERATIVE_RELAXED
} BarqIterativeScan;

extern int	barq_ef_search;		/* breadth of a graph search */
extern int	barq_iterative_scan;	/* BarqIterativeScan */
extern int	barq_max_scan_tuples;	/* rows an iterative scan looks at */
extern bool barq_allow_fallback;	/* search pages where an image is not to be had */
extern int	barq_growing_limit; /* kB of log at which sealing starts */
extern int	barq_growing_hard_limit;	/* kB of log at which inserts must wait */
extern int	barq_compaction_ratio;	/* segments of a level that become one */
extern int	barq_max_segments;	/* segments an index may have before it compacts */
extern char *barq_image_directory;	/* where images live; empty: data directory */
extern char *barq_simd;			/* instruction-set level */

extern void barq_define_settings(void);

#endif							/* BARQ_SETTINGS_H */
