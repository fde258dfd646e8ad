/*
 * recall_target.h
 *	  The breadth of a scan, by barq.target_recall or by barq.ef_search and barq.probes.
 */
#ifndef BARQ_RECALL_TARGET_H
#define BARQ_RECALL_TARGET_H

#include "access/genam.h"
#include "access/relscan.h"
#include "kernels/codec.h"
#include "store/snapshot.h"
#include "vector_index/recall_curve.h"

struct		PlanState;

/*
 * The least rows of a scan with a target: fewer do not tell well whether a query is hard,
 * and save no time, since the executor asks for 13 to 20 rows to put 10 in order.
 */
#define BARQ_LEAST_ROWS	20

/* How broad the searches of a scan are. */
typedef struct BarqBreadth
{
	int			rows;			/* of a beam, and of a round */
	double		needed;			/* rows of a beam by the target alone: fewer than `rows` where
								 * these are the least that are useful */
	int			probes;			/* lists of a barq_ivf segment; 0: the kind chooses */
	int			scored;			/* in place of `rows` where all rows are scored, by codes with
								 * proven bounds: more rows only take longer then */

	/* chosen by barq.target_recall: the next four */
	double		k;				/* for the recall of so many rows */
	int			most;			/* the broadest that is tried */
	double		certain;		/* of these, the share that the growing log is expected to have */
	int			chosen;			/* rows of a beam, or lists, if as many of the k are rows of the
								 * growing log, which are found for certain, as of all rows */
} BarqBreadth;

/*
 * The parts of a snapshot of vectors for recall_curve.h: an array of as many as there
 * are segments, palloc'd. Their shares add up to 1, unless the index is empty.
 */
extern BarqCurvePart *barq_curve_parts(const BarqSnapshot *snapshot, const BarqMeta *meta);

/*
 * What hard queries are in a snapshot, of lists or graphs, and what they need for a target:
 * by what its largest segment with a curve says.
 */
extern BarqHardness barq_snapshot_hardness(const BarqSnapshot *snapshot, bool of_lists,
										   double target);

/*
 * The breadth of a scan, whose snapshot and metapage are given. `node`: the custom scan
 * that runs it, or NULL; `admitted`: rows within which it searches, 0: all of them;
 * `share`: theirs of all rows, if that is known already, else 1. Says
 * once a session and index, as a NOTICE, that the target cannot be reached.
 */
extern BarqBreadth barq_scan_breadth(IndexScanDesc scan, const struct PlanState *node,
									 double admitted, double share,
									 const BarqSnapshot *snapshot, const BarqMeta *meta);

/*
 * Does scoring all of these rows one after the other cost less than a walk of this breadth? Only of
 * codes with proven bounds, of which that misses none.
 */
extern bool barq_scoring_pays(const BarqCodec *codec, double rows, int breadth);

/*
 * The factor by which a breadth chosen for a target is too small for a query, `share` of whose k
 * nearest rows are rows of the log: 1 where the log has as many as was expected, or more.
 */
extern double barq_breadth_lacks(const BarqBreadth *breadth, const BarqSnapshot *snapshot,
								 const BarqMeta *meta, double share);

/*
 * Make a breadth that was chosen for a target `factor` times as broad, as far as
 * searches go: what the target needs or, with `least`, the least one if that is broader.
 * False where it is the broadest already.
 */
extern bool barq_breadth_multiply(BarqBreadth *breadth, double factor, bool least);

/* What a search for k rows of an index would be given for a target. */
typedef struct BarqTargetBreadth
{
	int			breadth;		/* rows of a beam, or lists */
	double		expected;		/* recall */
	bool		calibrated;		/* by barq_calibrate() */
	bool		of_lists;		/* the breadth counts lists */
	int			samples;		/* of the largest curve, or of the calibration */
} BarqTargetBreadth;

/*
 * `hard`: as scans with a target choose it, which search hard queries more broadly; else what
 * barq.ef_search or barq.probes would have to be. Reads the directory; errors as
 * barq_snapshot_get().
 */
extern BarqTargetBreadth barq_target_breadth(Relation index, double k, double target, bool hard);

/*
 * The breadth that the planner expects of a search for `limit` rows (0 or less: not
 * known), by the curves of the index, which is one of vectors: rows of a beam, or with
 * of_lists lists (0: the kind chooses). Of lists, rows are those of a round. Reads the
 * directory if there is a target.
 */
extern int	barq_planned_breadth(Oid index, bool of_lists, double limit);

#endif							/* BARQ_RECALL_TARGET_H */
