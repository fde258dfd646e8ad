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

/* What an insert does when the log has reached its hard limit. */
typedef enum BarqBackpressure
{
	BARQ_BACKPRESSURE_WAIT,
	BARQ_BACKPRESSURE_INLINE,
	BARQ_BACKPRESSURE_ERROR
} BarqBackpressure;

/* What a search sees. */
typedef enum BarqConsistency
{
	BARQ_CONSISTENCY_ALL,
	BARQ_CONSISTENCY_SEALED		/* not what is in the growing log */
} BarqConsistency;

extern int	barq_ef_search;		/* breadth of a graph search */
extern int	barq_probes;		/* lists that a search looks into; 0: chosen */
extern int	barq_iterative_scan;	/* BarqIterativeScan */
extern int	barq_max_scan_tuples;	/* rows an iterative scan hands out; 0: all */
extern bool barq_allow_fallback;	/* search pages where an image is not to be had */
extern int	barq_growing_limit; /* kB of log at which sealing starts */
extern int	barq_growing_hard_limit;	/* kB of log at which inserts must wait */
extern int	barq_backpressure;	/* BarqBackpressure */
extern int	barq_consistency;	/* BarqConsistency */
extern bool barq_background;	/* use background workers */
extern int	barq_compaction_ratio;	/* segments of a level that become one */
extern int	barq_max_segments;	/* segments an index may have before it compacts */
extern char *barq_image_directory;	/* where images live; empty: data directory */

extern void barq_define_settings(void);

#endif							/* BARQ_SETTINGS_H */
