/*
 * choose.h
 *	  The choice of a merge's inputs, as a function of sizes and a policy alone: the
 *	  lifecycle (inputs.c), unit tests and the simulation in bench/policy call it.
 */
#ifndef BARQ_CHOOSE_H
#define BARQ_CHOOSE_H

#include "lifecycle/policy.h"

/* What the choice needs to know about a segment. */
typedef struct BarqCandidate
{
	uint64		bytes;			/* of the body */
	uint64		rows;
	uint64		dead;			/* of these rows */
	bool		provisional;	/* a merge would make it another kind */
	bool		urgent;			/* and is not to wait for others */
	bool		collectable;	/* and may become one with others that are */
	uint32		busy;			/* number of the merge under way that reads it; 0: none */
} BarqCandidate;

/* The merges to choose from. */
typedef enum BarqChoice
{
	BARQ_CHOOSE_DUE,			/* those that the policy asks for */
	BARQ_CHOOSE_LOGS,			/* sealed logs to be collected beside a merge under way */
	BARQ_CHOOSE_ALL,			/* all segments into one, whatever its size */
	BARQ_CHOOSE_AT_REST			/* as few as max_merged_size allows: no inserts come */
} BarqChoice;

/* What a merge beside another one reads at most, so that one merge above 1 GB runs at a time. */
#define BARQ_MOST_BESIDE	(UINT64CONST(1024) * 1024 * 1024)

/*
 * Choose the inputs of the next merge among n segments in any order. Those that a merge
 * under way reads (busy) count as the segment that it will make. With such segments, only
 * a merge that is small beside that one is chosen. Writes their
 * positions to chosen[], which has room for n, and returns their number; 0: no merge
 * is due. Allocates and frees in the current memory context. The rules are at the
 * top of choose.c.
 */
extern uint32 barq_choose(const BarqCandidate *segments, uint32 n, const BarqPolicy *policy,
						  BarqChoice choice, uint32 *chosen);

/*
 * How many sealed logs are merged into one segment, in an index of so many bytes: what the
 * policy says, or by the size.
 */
extern int	barq_compaction_ratio_of(const BarqPolicy *policy, double bytes);

/* The tier of a segment by its size: 0 up to twice the size at which logs are sealed. */
extern int	barq_segment_tier(uint64 bytes, const BarqPolicy *policy);

/* Have so many of a segment's rows died that it is written again? */
extern bool barq_many_are_dead(uint64 rows, uint64 dead);

#endif							/* BARQ_CHOOSE_H */
