/*
 * policy.h
 *	  The maintenance policy of an index: when its log is sealed and which of its
 *	  segments are merged. Options of the index, or else the settings of this
 *	  process: a worker's are those of its server and database.
 */
#ifndef BARQ_POLICY_H
#define BARQ_POLICY_H

#include "access/reloptions.h"
#include "base/settings.h"
#include "lifecycle/index_kind.h"
#include "store/residency.h"
#include "utils/rel.h"

/* A log is sealed in chunks of at most so many times growing_limit (seal.c). */
#define BARQ_LOG_LIMITS	4

typedef struct BarqPolicy
{
	uint64		growing_limit;	/* bytes of log at which it is sealed */
	uint64		growing_hard_limit; /* bytes of backlog, at least growing_limit */
	int			ratio;			/* sealed logs that are merged into one segment, or
								 * BARQ_RATIO_BY_SIZE */
	int			max_segments;	/* above it the smallest are merged */
	uint64		largest_merged; /* bytes that a merge makes at most */
	int			mode;			/* BarqCompaction */
} BarqPolicy;

/*
 * The options of a policy among the parsed reloptions of an index. The reloptions
 * of every access method begin with this struct.
 */
typedef struct BarqPolicyReloptions
{
	int32		vl_len_;
	int			growing_limit;	/* sizes: offset of a string, 0: not given */
	int			growing_hard_limit;
	int			max_merged_size;
	int			compaction_ratio;	/* numbers: -1: not given */
	int			max_segments;
	int			compaction;		/* BarqCompaction, -1: not given */
	int			memory;			/* BarqMemory, -1: not given */
} BarqPolicyReloptions;

/* Their number, and their entries in the access method's table of options. */
#define BARQ_POLICY_OPTIONS 7
#define BARQ_POLICY_PARSE_TABLE \
	{"growing_limit", RELOPT_TYPE_STRING, offsetof(BarqPolicyReloptions, growing_limit)}, \
	{"growing_hard_limit", RELOPT_TYPE_STRING, offsetof(BarqPolicyReloptions, growing_hard_limit)}, \
	{"max_merged_size", RELOPT_TYPE_STRING, offsetof(BarqPolicyReloptions, max_merged_size)}, \
	{"compaction_ratio", RELOPT_TYPE_INT, offsetof(BarqPolicyReloptions, compaction_ratio)}, \
	{"max_segments", RELOPT_TYPE_INT, offsetof(BarqPolicyReloptions, max_segments)}, \
	{"compaction", RELOPT_TYPE_ENUM, offsetof(BarqPolicyReloptions, compaction)}, \
	{"memory", RELOPT_TYPE_ENUM, offsetof(BarqPolicyReloptions, memory)}

/* Define the options of a policy for an access method; while the library is loaded. */
extern void barq_add_policy_options(relopt_kind kind);

/*
 * Fill *policy for an index of barq: its options, which apply at once when ALTER INDEX
 * changes them, or else the settings. Reads the relcache; allocates nothing.
 */
extern void barq_policy_of(Relation index, BarqPolicy *policy);

/* Is this the name of an option of a policy? */
extern bool barq_policy_is_option(const char *name);

/*
 * The option "memory" of an index of barq, which applies at once; its name. Reads the
 * relcache.
 */
extern BarqMemory barq_memory_of(Relation index);
extern const char *barq_memory_name(BarqMemory memory);

/*
 * Fill shown[], with room for BARQ_POLICY_OPTIONS, with those options of a policy that
 * are given for an index; returns their number. Names are static, values palloc'd.
 */
extern int	barq_policy_show(Relation index, BarqShownOption *shown);

#endif							/* BARQ_POLICY_H */
