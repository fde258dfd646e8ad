/*
 * settings.h
 *	  The settings (GUCs) of barq, all with the prefix "barq.".
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

/* Reaction of an insert when the log has reached its hard limit. */
typedef enum BarqBackpressure
{
	BARQ_BACKPRESSURE_WAIT,
	BARQ_BACKPRESSURE_INLINE,
	BARQ_BACKPRESSURE_ERROR
} BarqBackpressure;

/* What compaction spares most (lifecycle/choose.c). */
typedef enum BarqCompaction
{
	BARQ_COMPACTION_BALANCED,
	BARQ_COMPACTION_READS,
	BARQ_COMPACTION_WRITES
} BarqCompaction;

/* Ranges of settings that are options of an index as well. */
#define BARQ_LEAST_GROWING_LIMIT	64	/* kB */
#define BARQ_MOST_GROWING_LIMIT		(1024 * 1024)
#define BARQ_RATIO_BY_SIZE			0	/* no number: by the size of the index */
#define BARQ_LEAST_RATIO			2
#define BARQ_MOST_RATIO				64
#define BARQ_MOST_SEGMENTS			1000

/* The rows that a search sees. */
typedef enum BarqConsistency
{
	BARQ_CONSISTENCY_ALL,
	BARQ_CONSISTENCY_SEALED		/* without those in the growing log */
} BarqConsistency;

/*
 * growing_limit, growing_hard_limit, compaction_ratio, max_segments, max_merged_size
 * and compaction are defaults of an index's options: maintenance asks
 * barq_policy_of() (lifecycle/policy.h).
 */
extern int	barq_ef_search;		/* breadth of a graph search */
extern int	barq_probes;		/* lists that a search scans; 0: automatic */
extern double barq_target_recall;	/* 0: ef_search and probes apply */
extern int	barq_iterative_scan;	/* BarqIterativeScan */
extern int	barq_max_scan_tuples;	/* rows an iterative scan returns; 0: all */
extern bool barq_condition_scan;	/* bitmaps of other indexes as conditions */
extern bool barq_count_scan;	/* count(*) of matches by the index */
extern bool barq_sorted_scan;	/* matches in the order of a filter column by the index */
extern bool barq_allow_fallback;	/* read pages where no image can be made */
extern bool barq_allow_partial; /* leave out shards that do not answer */
extern int	barq_growing_limit; /* kB of log at which it is sealed */
extern int	barq_growing_hard_limit;	/* kB of log at which inserts wait */
extern int	barq_backpressure;	/* BarqBackpressure */
extern int	barq_consistency;	/* BarqConsistency */
extern bool barq_background;	/* use background workers */

#define BARQ_MAX_WORKERS	1000
extern int	barq_max_workers;	/* of the whole server */
extern int	barq_maintenance_rate;	/* kB/s of all workers; 0: no limit */
extern int	barq_log_slow_maintenance;	/* ms from which steps are logged; -1: never */
extern int	barq_compaction_ratio;	/* logs that are merged into one segment, or BARQ_RATIO_BY_SIZE */
extern int	barq_max_segments;	/* segments of an index before it is compacted */
extern int	barq_max_merged_size;	/* MB of a segment made by a merge; 0: no limit */
extern int	barq_compaction;	/* BarqCompaction */
extern int	barq_backend_cache; /* kB of a session's caches of indexes */
extern char *barq_image_directory;	/* of images; empty: data directory */
extern int	barq_memory_budget; /* kB of images kept in memory; 0: no bound */

/*
 * Is an image directory (NULL or empty: the data directory), or where it would be
 * made, on a file system that keeps its files in memory?
 */
extern bool barq_directory_in_memory(const char *directory);

/* Define all settings; called once, while the library is loaded. */
extern void barq_define_settings(void);

#endif							/* BARQ_SETTINGS_H */
