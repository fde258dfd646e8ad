/*
 * recall_curve.h
 *	  The recall of searches by their breadth: the curve that a segment carries, the
 *	  calibration of an index, and the smallest breadth for a recall that is wanted.
 *
 * Breadth is what a search of the index's own kind of segment is given: rows of a
 * beam (barq_hnsw), lists probed (barq_ivf).
 */
#ifndef BARQ_RECALL_CURVE_H
#define BARQ_RECALL_CURVE_H

#include "postgres.h"

#define BARQ_CURVE_VERSION	1
#define BARQ_CURVE_POINTS	12
#define BARQ_CURVE_KS		2	/* recall@10 and recall@100 */
#define BARQ_CURVE_MOST		1000	/* breadth of beams at the last point */

/*
 * The curve of a segment: BarqSegmentDesc.statistics of the kinds hnsw and ivf. All
 * zero: not measured. Points are breadths in equal ratios from `least` to `most`.
 */
typedef struct BarqRecallCurve
{
	uint8		version;		/* BARQ_CURVE_VERSION */
	uint8		least;			/* breadth of the first point */
	uint16		samples;		/* queries by which it was measured */
	uint32		most;			/* breadth of the last point */
	float		crowded;		/* crowding that 30 % of the samples exceed; BarqHardness */
	float		far;			/* their largest distance to a 10th row */
	uint16		recall[BARQ_CURVE_KS][BARQ_CURVE_POINTS];	/* of 65535 */
} BarqRecallCurve;

StaticAssertDecl(sizeof(BarqRecallCurve) == 64, "BarqRecallCurve is on disk");

/*
 * What is usual in an index, to tell hard queries by. The crowding of a query is the
 * dimension that its neighbourhood seems to have: rows grow in number with that power of
 * the distance (the local intrinsic dimension of Houle, 2013, by two ranks). The breadth
 * that a query needs depends on it far more than on where the query comes from
 * (docs/performance.md, "Recall by name"). So a scan looks at the rows that it has found
 * first, and is broader for queries that are more crowded than nearly all rows of the
 * index, or farther from the rows than any of them.
 */
typedef struct BarqHardness
{
	float		crowded;		/* as in BarqRecallCurve; infinity: no query is hard */
	float		far;
	float		factor;			/* what crowded queries need of the breadth of others, */
	float		most;			/* and get at most */
	bool		graded;			/* the more, the more crowded they are */
} BarqHardness;

/* Rows, sorted by distance, of which a query's hardness can be told, at least. */
#define BARQ_HARDNESS_ROWS	20

/* By the distances of the 10th row and of the n-th (at most the 100th is needed). */
extern double barq_crowding(double tenth, double last, int n);

/*
 * What is hard in a segment of this curve, where a search has a target. Crowded queries that
 * lists or a high target serve broadly need less more.
 */
extern BarqHardness barq_hardness_for(const BarqRecallCurve *curve, bool of_lists, double target);

/*
 * How crowded is a query whose n nearest rows of those found reach from `tenth` to `last`, in
 * ratio to what makes it crowded? The fewer there are, the less sure is their crowding, and the
 * larger it has to be.
 */
extern double barq_crowded_ratio(const BarqHardness *hardness, double tenth, double last, int n);

/* By what a query of such a ratio, above 1, is searched more broadly. */
extern double barq_crowded_breadth(const BarqHardness *hardness, double ratio);

/*
 * How a far search becomes broader: barq_far_first() times at first (`within`: within conditions,
 * where queries like the rows are far too, and may miss no more than others), then
 * barq_far_factor() times again while it has changed barq_far_changes() of the ten nearest rows
 * found, at least. A search that finds a share r of the rows still misses twice that change at most.
 * `first`: after the first time, when one row tells that the search is not at its end.
 */
extern double barq_far_first(double target, bool within);
extern int	barq_far_changes(double target, bool first);
extern double barq_far_factor(double target);

/* The hardness of no query. */
extern BarqHardness barq_hardness_none(void);

#define BARQ_CALIBRATED_RECALLS	7

/*
 * What a user's queries need compared with what the curves say: BarqMeta.calibration.
 * All zero: none. A factor of a recall (of seven) multiplies the breadth
 * that the curves give for it. Segments change, the factor stays: a merge measures a
 * curve anew, and how much harder the queries are is a property of the queries.
 */
typedef struct BarqCalibration
{
	uint32		version;		/* BARQ_CURVE_VERSION */
	uint32		queries;		/* by which it was measured */
	uint16		factor[BARQ_CURVE_KS][BARQ_CALIBRATED_RECALLS]; /* of 256 */
	uint16		reached[BARQ_CURVE_KS]; /* of 65535: recall at the broadest search */
	uint8		unused[8];
} BarqCalibration;

#define BARQ_CALIBRATION_ONE	256.0	/* a factor of 1 */

StaticAssertDecl(sizeof(BarqCalibration) == 48, "BarqCalibration is on disk");

/* The curve in a descriptor's statistics; NULL if there is none that this library reads. */
extern const BarqRecallCurve *barq_curve_of(const uint64 *statistics);

/* The calibration in a metapage; NULL if there is none that this library reads. */
extern const BarqCalibration *barq_calibration_of(const uint64 *words);

/* Sums from which a curve is made: for each k the breadths that neighbours needed. */
typedef struct BarqCurveSums
{
	int			least;
	int			most;
	uint32		samples;
	double		all[BARQ_CURVE_KS]; /* neighbours, each as often as its query counts */
	double		found[BARQ_CURVE_KS][BARQ_CURVE_POINTS];	/* at each breadth */
	double		squares[BARQ_CURVE_KS][BARQ_CURVE_POINTS];	/* of what a sample found */
} BarqCurveSums;

extern void barq_curve_begin(BarqCurveSums *sums, int least, int most);

/*
 * Add a query: its n nearest rows, nearest first, were needed[i] broad. Rows beyond
 * the 100th are ignored. `ks`: the first so many curves it counts for; `weight`: so often (1 where
 * the curve is finished `surely`).
 */
extern void barq_curve_add(BarqCurveSums *sums, const int *needed, int n, int ks, double weight);

/*
 * `surely`: the recall that is reached at least, as far as the samples tell, less the
 * tolerance of targets; a curve without error for barq_parts_breadth().
 */
extern void barq_curve_finish(const BarqCurveSums *sums, bool surely, BarqRecallCurve *curve);

/* A segment as its share of the result counts. */
typedef struct BarqCurvePart
{
	const BarqRecallCurve *curve;	/* NULL only where `exact` */
	double		share;			/* of the rows, 0 to 1 */
	bool		lists;			/* breadth is a number of lists */
	bool		exact;			/* searched row by row: recall 1 at any breadth */
} BarqCurvePart;

/*
 * The calibration by queries whose breadths were added to the sums, for these curves of the index.
 */
extern void barq_calibration_finish(const BarqCurveSums *sums, const BarqCurvePart *parts, int n,
									BarqCalibration *calibration);

/*
 * By how much less than a target the curves of these parts may say, since hard queries are
 * searched more broadly: of graphs whose queries can be told to be hard. Below 0 where the
 * curves have to say more, for the sake of queries of other distributions.
 */
extern double barq_hard_credit(const BarqCurvePart *parts, int n, double target);

/*
 * The curve that is assumed of a segment that has none, of a graph or of lists: a guess
 * below what was measured of word vectors (docs/performance.md, "Recall by name"), so
 * that searches are rather too broad.
 */
extern const BarqRecallCurve *barq_curve_default(bool of_lists);

/*
 * The curve of a flat segment whose codes give estimates without proven bounds (rabitq): its
 * breadth is the number of rows with the best estimates that are re-scored. A guess below what
 * was measured.
 */
extern const BarqRecallCurve *barq_curve_of_estimates(void);

/*
 * The same of lists beside graphs, as a sealed log has them: the curve of lists, by the
 * part of the rows that is scored, which are all at a breadth of `whole`. Palloc'd.
 */
extern const BarqRecallCurve *barq_curve_beside(double whole);

/*
 * The smallest breadth, at most `most`, at which the k nearest rows are expected to be
 * found with this recall. *reached receives what is expected there, which is below
 * `target` if none suffices. calibration may be NULL.
 */
extern int	barq_parts_breadth(const BarqCurvePart *parts, int n,
							   const BarqCalibration *calibration, double k,
							   double target, int most, double *reached);

#endif							/* BARQ_RECALL_CURVE_H */
