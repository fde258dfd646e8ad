/*
 * settings.c
 *	  Definitions of the settings.
 */
#include "postgres.h"

#include <limits.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include "miscadmin.h"
#include "base/settings.h"
#include "base/shared.h"
#include "utils/guc.h"

int			barq_ef_search = 40;
int			barq_probes = 0;
double		barq_target_recall = 0;
int			barq_iterative_scan = BARQ_ITERATIVE_STRICT;
int			barq_max_scan_tuples = 0;
bool		barq_condition_scan = true;
bool		barq_count_scan = true;
bool		barq_sorted_scan = true;
bool		barq_allow_fallback = true;
bool		barq_allow_partial = false;
int			barq_growing_limit = 2048;
int			barq_growing_hard_limit = 65536;
int			barq_backpressure = BARQ_BACKPRESSURE_WAIT;
int			barq_consistency = BARQ_CONSISTENCY_ALL;
bool		barq_background = true;
int			barq_max_workers = 3;
int			barq_maintenance_rate = 0;
int			barq_log_slow_maintenance = -1;
int			barq_compaction_ratio = BARQ_RATIO_BY_SIZE;
int			barq_max_segments = 32;
int			barq_max_merged_size = 5120;
int			barq_compaction = BARQ_COMPACTION_BALANCED;
int			barq_backend_cache = 65536;
char	   *barq_image_directory = NULL;
int			barq_memory_budget = 0;

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", BARQ_ITERATIVE_OFF, false},
	{"relaxed_order", BARQ_ITERATIVE_RELAXED, false},
	{"strict_order", BARQ_ITERATIVE_STRICT, false},
	{NULL, 0, false}
};

static const struct config_enum_entry backpressure_options[] = {
	{"wait", BARQ_BACKPRESSURE_WAIT, false},
	{"inline", BARQ_BACKPRESSURE_INLINE, false},
	{"error", BARQ_BACKPRESSURE_ERROR, false},
	{NULL, 0, false}
};

static const struct config_enum_entry compaction_options[] = {
	{"balanced", BARQ_COMPACTION_BALANCED, false},
	{"reads", BARQ_COMPACTION_READS, false},
	{"writes", BARQ_COMPACTION_WRITES, false},
	{NULL, 0, false}
};

static const struct config_enum_entry consistency_options[] = {
	{"all", BARQ_CONSISTENCY_ALL, false},
	{"sealed", BARQ_CONSISTENCY_SEALED, false},
	{NULL, 0, false}
};

bool
barq_directory_in_memory(const char *directory)
{
#ifdef __linux__
	char		path[MAXPGPATH];
	struct statfs fs;
	char	   *slash;

	strlcpy(path, directory == NULL || directory[0] == '\0' ? "." : directory, sizeof(path));
	while (statfs(path, &fs) != 0)
	{
		slash = strrchr(path, '/');
		if (errno != ENOENT || slash == NULL || slash == path)
			return false;
		*slash = '\0';
	}
	return fs.f_type == TMPFS_MAGIC || (unsigned long) fs.f_type == RAMFS_MAGIC;
#else
	return false;
#endif
}

/* Refuse a budget for a directory whose files cannot leave memory. */
static bool
check_evictable(const char *directory)
{
	if (!barq_directory_in_memory(directory))
		return true;
	GUC_check_errdetail("The image directory is in memory (tmpfs), from which images cannot be evicted.");
	GUC_check_errhint("Set barq.image_directory to a directory on a disk, or barq.memory_budget to 0.");
	return false;
}

/* Check hook: empty, or an absolute path; with a budget, not in memory. */
static bool
check_image_directory(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0' || is_absolute_path(*newval))
		return barq_memory_budget == 0 || check_evictable(*newval);
	GUC_check_errdetail("The path must be absolute.");
	return false;
}

/* Check hook: 0, or at least 0.5. */
static bool
check_target_recall(double *newval, void **extra, GucSource source)
{
	if (*newval == 0 || *newval >= 0.5)
		return true;
	GUC_check_errdetail("A target is between 0.5 and 0.999.");
	GUC_check_errhint("Set it to 0 to have barq.ef_search and barq.probes apply.");
	return false;
}

/* Check hook: by the size of the index, or at least 2. */
static bool
check_compaction_ratio(int *newval, void **extra, GucSource source)
{
	if (*newval == BARQ_RATIO_BY_SIZE || *newval >= BARQ_LEAST_RATIO)
		return true;
	GUC_check_errdetail("A merge takes two sealed logs or more.");
	GUC_check_errhint("Set it to 0 to have the number depend on the size of the index.");
	return false;
}

/* Check hook: 0, or the library is preloaded and the image directory not in memory. */
static bool
check_memory_budget(int *newval, void **extra, GucSource source)
{
	if (*newval == 0)
		return true;
	if (!process_shared_preload_libraries_in_progress && !barq_is_preloaded())
	{
		GUC_check_errdetail("barq.memory_budget needs \"barq\" in shared_preload_libraries.");
		return false;
	}
	return check_evictable(barq_image_directory);
}

void
barq_define_settings(void)
{
	DefineCustomIntVariable("barq.ef_search",
							"Breadth of a graph search.",
							"Larger values find more of the true neighbours and take longer.",
							&barq_ef_search, 40, 1, 1000,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.probes",
							"Number of lists that a search of a barq_ivf index scans.",
							"Larger values find more of the true neighbours and take longer. 0: chosen from the number of lists.",
							&barq_probes, 0, 0, 32768,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomRealVariable("barq.target_recall",
							 "Share of the true neighbours that a search is to find: the breadth is chosen for it.",
							 "Takes the place of barq.ef_search and barq.probes. 0: off; else 0.5 to 0.999.",
							 &barq_target_recall, 0, 0, 0.999,
							 PGC_USERSET, GUC_EXPLAIN, check_target_recall, NULL, NULL);
	DefineCustomEnumVariable("barq.iterative_scan",
							 "Whether an index scan continues when its first candidates do not suffice, and in which order.",
							 NULL, &barq_iterative_scan, BARQ_ITERATIVE_STRICT,
							 iterative_scan_options,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.max_scan_tuples",
							"Rows that an iterative scan hands out before it is cut; 0: no limit.",
							"Counted before WHERE is checked; rows scored to find them are not counted.", &barq_max_scan_tuples, 0, 0, INT_MAX,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.backend_cache",
							"Memory in which a session keeps growing logs, directories, dead rows and rows of conditions of indexes between searches.",
							"What was not used for longest goes first.",
							&barq_backend_cache, 65536, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.condition_scan",
							 "Searches only the rows that other indexes find by a WHERE clause.",
							 "Otherwise conditions are checked after the search.",
							 &barq_condition_scan, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.count_scan",
							 "Counts the rows that match a text query by the index, without the table where its pages are all-visible.",
							 NULL,
							 &barq_count_scan, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.sorted_scan",
							 "Finds the rows that match a text query in the order of a filter column of the index.",
							 "Otherwise all of them are found and sorted.",
							 &barq_sorted_scan, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.allow_fallback",
							 "Searches a segment page by page when its image cannot be made.",
							 "Otherwise such a search is an error.",
							 &barq_allow_fallback, true,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.allow_partial",
							 "Leaves out shards that cannot be reached, with a warning.",
							 "Otherwise a search of such shards is an error.",
							 &barq_allow_partial, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.growing_limit",
							"Size of the growing log at which it is sealed.",
							NULL, &barq_growing_limit, 2048,
							BARQ_LEAST_GROWING_LIMIT, BARQ_MOST_GROWING_LIMIT,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);

	/*
	 * No check hook compares it with growing_limit: values set before the
	 * library is loaded are assigned one by one, in no order, and a default that
	 * a hook refuses is FATAL. Readers use the larger of the two.
	 */
	DefineCustomIntVariable("barq.growing_hard_limit",
							"Size of the backlog (growing log and sealed logs that are not merged yet) at which barq.backpressure applies.",
							"A value below barq.growing_limit counts as barq.growing_limit.",
							&barq_growing_hard_limit, 65536,
							BARQ_LEAST_GROWING_LIMIT, INT_MAX,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomEnumVariable("barq.backpressure",
							 "Reaction of an insert when the backlog has reached barq.growing_hard_limit.",
							 NULL, &barq_backpressure, BARQ_BACKPRESSURE_WAIT,
							 backpressure_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("barq.consistency",
							 "Rows that a search sees: all, or only those in sealed segments.",
							 NULL, &barq_consistency, BARQ_CONSISTENCY_ALL,
							 consistency_options,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("barq.background",
							 "Uses background workers to seal and compact.",
							 "Otherwise the inserting session does it.",
							 &barq_background, true,
							 PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.max_workers",
							"Number of background workers of barq that may run at the same time in the whole server.",
							"0: none is started.",
							&barq_max_workers, 3, 0, BARQ_MAX_WORKERS,
							PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.maintenance_rate",
							"Amount of segment data that all background workers together read and write per second; 0: no limit.",
							NULL, &barq_maintenance_rate, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_SUPERUSER_ONLY | GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.log_slow_maintenance",
							"Logs seals, merges and the marking of dead rows that take at least this time.",
							"0 logs all, -1 none.",
							&barq_log_slow_maintenance, -1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.compaction_ratio",
							"Number of sealed logs that are merged into one segment.",
							"0: by the size of the index, 12 up to 4 GB, then up to 22.",
							&barq_compaction_ratio, BARQ_RATIO_BY_SIZE,
							BARQ_RATIO_BY_SIZE, BARQ_MOST_RATIO,
							PGC_SUSET, 0, check_compaction_ratio, NULL, NULL);
	DefineCustomIntVariable("barq.max_segments",
							"Number of segments above which the smallest are merged.",
							"Segments that keep their size because of barq.max_merged_size do not count.", &barq_max_segments, 32, 1, BARQ_MOST_SEGMENTS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("barq.max_merged_size",
							"Size up to which merges make segments; 0: no limit.",
							"A larger segment is written again only because of its dead rows.",
							&barq_max_merged_size, 5120, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomEnumVariable("barq.compaction",
							 "What merging spares most: neither, searches or writing.",
							 NULL, &barq_compaction, BARQ_COMPACTION_BALANCED,
							 compaction_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("barq.image_directory",
							   "Directory for the images of sealed segments.",
							   "Empty: pg_barq in the data directory.",
							   &barq_image_directory, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   check_image_directory, NULL, NULL);

	/* after image_directory, which its check reads */
	DefineCustomIntVariable("barq.memory_budget",
							"Memory that images may take; 0: no bound.",
							"The coldest images beyond it are evicted from memory. Needs shared_preload_libraries.",
							&barq_memory_budget, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_KB | GUC_SUPERUSER_ONLY,
							check_memory_budget, NULL, NULL);
}
