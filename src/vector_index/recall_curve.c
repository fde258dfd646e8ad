/*
 * recall_curve.c
 *	  Arithmetic of recall curves; reads no pages and no segments.
 *
 * Between two measured points the logarithm of what is missed lies on a straight line over
 * the logarithm of the breadth. The recall of k rows between 10 and 100 lies between the two curves, by the
 * logarithm of k; beyond 100 the breadth has to grow like k.
 *
 * A result of several segments has of each segment as many of the nearest rows as the
 * segment has of all rows. So the recall expected is the mean over the segments,
 * weighted by their rows, each for its part of k.
 */
#include "postgres.h"

#include <math.h>

#include "utils/float.h"
#include "vector_index/recall_curve.h"

#define FULL	65535.0			/* a recall of 1 */

/* What a crowded query needs compared with the others (docs/performance.md, "Recall by name"). */
#define CROWDED_FACTOR	2.2
#define CROWDED_GRADE	4		/* which grows with this power of the crowding, */
#define CROWDED_MOST	6		/* but not further, */
#define CROWDED_MOST_SURE	4	/* and less far where the target is such that others miss less */
#define CROWDED_FACTOR_HIGH	2	/* of targets from HIGH_TARGET on */
#define CROWDED_FACTOR_LISTS	1.5
#define HIGH_TARGET	0.98

/* What makes a far search broader at first, and again. */
#define FAR_FIRST		3
#define FAR_FIRST_HIGH	6		/* within conditions */
#define FAR_FACTOR		2
#define FAR_FACTOR_HIGH	3

/*
 * Queries of other distributions may miss 0.03 more than the target says: much where that is
 * 0.95 or more, little where it is 0.9 (docs/performance.md, "Recall by name"). From SURE on
 * searches may therefore be credited with a part of the rows that the rule for hard queries finds:
 * CREDIT of those missed otherwise. Up to UNSURE the others need all of that and a little more.
 */
#define UNSURE		0.9
#define SURE		0.95
#define CREDIT		0.1
#define CREDIT_UNSURE	(-0.04)

#define BREADTH_ERROR	1e-6	/* of a breadth that is not rounded, relative */

#define FEW_K	10
#define MANY_K	100

/*
 * Neighbours of one query are found or missed together. The standard error is between
 * that of as many independent queries (1) and of as many independent neighbours; this
 * part of the first was measured (docs/performance.md, "Recall by name").
 */
#define ERROR_PART	0.35
#define ERROR_PART_LISTS	0.4		/* a list has most of a query's neighbours, or none */

/*
 * Where no query is known to be hard (inner products), none gets more breadth than the curve
 * says, and nothing makes up for its errors: they are larger, and the whole of them counts.
 */
#define ERROR_PART_ALONE	0.5

/*
 * What is promised is a recall of at least the target less TOLERANCE, so a curve needs a
 * margin only where its error is larger: of SURE_ERRORS (19 of 20 are smaller).
 */
#define TOLERANCE	0.01
#define HARD_TOLERANCE	0.02	/* in graphs whose hard queries get more: rows find more too */
#define SURE_ERRORS	1.65
#define MOST_MARGIN	0.5			/* of what is missed: else a target of 0.99 takes the most */

double
barq_crowding(double tenth, double last, int n)
{
	if (n < BARQ_HARDNESS_ROWS || !(tenth > 0))
		return 0;
	return last > tenth ? log(n / 10.0) / log(last / tenth) : get_float8_infinity();
}

/* Relative standard error of a crowding by n rows, if their neighbourhood is even. */
static double
crowding_error(int n)
{
	return sqrt(0.1 - 1.0 / n) / log(n / 10.0);
}

double
barq_crowded_ratio(const BarqHardness *hardness, double tenth, double last, int n)
{
	if (n < BARQ_HARDNESS_ROWS)
		return 0;
	return barq_crowding(tenth, last, n) /
		(hardness->crowded * (1 + crowding_error(n) - crowding_error(MANY_K)));
}

double
barq_crowded_breadth(const BarqHardness *hardness, double ratio)
{
	if (!hardness->graded)
		return hardness->factor;
	return Min(hardness->factor * pow(ratio, CROWDED_GRADE), hardness->most);
}

double
barq_far_first(double target, bool within)
{
	return within && target >= HIGH_TARGET ? FAR_FIRST_HIGH : FAR_FIRST;
}

int
barq_far_changes(double target, bool first)
{
	return first || target >= HIGH_TARGET ? 1 : 2;
}

double
barq_far_factor(double target)
{
	return target >= HIGH_TARGET ? FAR_FACTOR_HIGH : FAR_FACTOR;
}

/* From 0 to 1: see SURE. */
static double
sureness(double target)
{
	return Min(Max((target - UNSURE) / (SURE - UNSURE), 0), 1);
}

BarqHardness
barq_hardness_for(const BarqRecallCurve *curve, bool of_lists, double target)
{
	BarqHardness hardness = {curve->crowded, curve->far, CROWDED_FACTOR,
				CROWDED_MOST + (CROWDED_MOST_SURE - CROWDED_MOST) * sureness(target), true};

	if (of_lists || target >= HIGH_TARGET)
	{
		hardness.factor = of_lists ? CROWDED_FACTOR_LISTS : CROWDED_FACTOR_HIGH;
		hardness.graded = false;
	}
	return hardness;
}

BarqHardness
barq_hardness_none(void)
{
	return (BarqHardness) {get_float4_infinity(), get_float4_infinity(), 1, 1, false};
}

/* The recalls that a calibration has factors for. */
static const double calibrated_recalls[BARQ_CALIBRATED_RECALLS] =
	{0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999};

const BarqRecallCurve *
barq_curve_of(const uint64 *statistics)
{
	const BarqRecallCurve *curve = (const BarqRecallCurve *) statistics;

	return curve->version == BARQ_CURVE_VERSION && curve->least > 0 &&
		curve->most >= curve->least ? curve : NULL;
}

const BarqCalibration *
barq_calibration_of(const uint64 *words)
{
	const BarqCalibration *calibration = (const BarqCalibration *) words;

	return calibration->version == BARQ_CURVE_VERSION ? calibration : NULL;
}

const BarqRecallCurve *
barq_curve_default(bool of_lists)
{
	static const BarqRecallCurve graphs = {
		.version = BARQ_CURVE_VERSION, .least = 10, .samples = 64, .most = 1000,
		.crowded = __builtin_inff(), .far = __builtin_inff(),
		.recall = {{33000, 38000, 42500, 47000, 51000, 54500, 57500, 59500, 61500, 63000, 64000, 64700}, {10000, 15000, 21000, 28000, 35000, 41500, 47000, 51500, 55000, 58000, 60500, 62500}}
	};
	static const BarqRecallCurve lists = {
		.version = BARQ_CURVE_VERSION, .least = 1, .samples = 64, .most = 1000,
		.crowded = __builtin_inff(), .far = __builtin_inff(),
		.recall = {{15000, 21500, 28000, 35000, 42000, 48500, 54000, 58500, 61500, 64000, 65200, 65535}, {12000, 18000, 24500, 31500, 38500, 45500, 51500, 56500, 60500, 63000, 64800, 65535}}
	};

	return of_lists ? &lists : &graphs;
}

const BarqRecallCurve *
barq_curve_of_estimates(void)
{
	static const BarqRecallCurve estimates = {
		.version = BARQ_CURVE_VERSION, .least = 10, .samples = PG_UINT16_MAX, .most = 1000,
		.crowded = __builtin_inff(), .far = __builtin_inff(),
		.recall = {{47000, 52000, 55700, 59000, 62300, 64600, 65200, 65400, 65500, 65535, 65535, 65535}, {6500, 10000, 14500, 22000, 31500, 43500, 54500, 61000, 63900, 64900, 65350, 65500}}
	};

	return &estimates;
}

/* The breadth of a point. */
static double
breadth_at(double least, double most, int point)
{
	return least * pow(most / least, (double) point / (BARQ_CURVE_POINTS - 1));
}

void
barq_curve_begin(BarqCurveSums *sums, int least, int most)
{
	memset(sums, 0, sizeof(*sums));
	sums->least = least;
	sums->most = Max(least, most);
}

void
barq_curve_add(BarqCurveSums *sums, const int *needed, int n, int ks, double weight)
{
	const int	limits[BARQ_CURVE_KS] = {FEW_K, MANY_K};

	sums->samples++;
	for (int k = 0; k < ks; k++)
	{
		uint32		found[BARQ_CURVE_POINTS] = {0};

		for (int i = 0; i < Min(n, limits[k]); i++)
		{
			sums->all[k] += weight;
			for (int p = BARQ_CURVE_POINTS - 1; p >= 0; p--)
			{
				/* breadths of searches are whole numbers */
				if (needed[i] > (int) rint(breadth_at(sums->least, sums->most, p)))
					break;
				found[p]++;
			}
		}
		for (int p = 0; p < BARQ_CURVE_POINTS; p++)
		{
			sums->found[k][p] += weight * found[p];
			sums->squares[k][p] += (double) found[p] * found[p];
		}
	}
}

/* Standard error of the recall at a point. */
static double
error_at(const BarqCurveSums *sums, int k, int point)
{
	double		each = sums->all[k] / sums->samples;
	double		recall = sums->found[k][point] / sums->all[k];
	double		variance = sums->squares[k][point] / sums->samples / (each * each) - recall * recall;

	return sqrt(Max(variance, 0) / sums->samples);
}

void
barq_curve_finish(const BarqCurveSums *sums, bool surely, BarqRecallCurve *curve)
{
	memset(curve, 0, sizeof(*curve));
	if (sums->all[0] == 0)
		return;
	curve->version = BARQ_CURVE_VERSION;
	curve->least = (uint8) sums->least;
	curve->most = (uint32) sums->most;
	curve->samples = surely ? PG_UINT16_MAX : (uint16) Min(sums->samples, PG_UINT16_MAX);
	for (int k = 0; k < BARQ_CURVE_KS; k++)
		for (int p = 0; p < BARQ_CURVE_POINTS; p++)
		{
			double		recall;

			if (sums->all[k] == 0)
			{
				curve->recall[k][p] = curve->recall[0][p];
				continue;
			}
			recall = sums->found[k][p] / sums->all[k];
			if (surely)
				recall -= Max(SURE_ERRORS * error_at(sums, k, p) - TOLERANCE, 0);
			curve->recall[k][p] = (uint16) (FULL * Max(recall, 0));
		}
}

/* One of the two curves at a breadth. */
static double
curve_at(const BarqRecallCurve *curve, int which, double breadth)
{
	const uint16 *recall = curve->recall[which];
	double		place;
	double		missed;
	double		next;
	int			point;

	if (breadth <= curve->least || curve->most == curve->least)
		return recall[0] / FULL * Min(1, breadth / curve->least);
	place = (BARQ_CURVE_POINTS - 1) * log(breadth / curve->least) /
		log((double) curve->most / curve->least);
	if (place >= BARQ_CURVE_POINTS - 1)
		return recall[BARQ_CURVE_POINTS - 1] / FULL;
	point = (int) place;
	missed = FULL - recall[point];
	next = FULL - recall[point + 1];
	if (next > 0 && next < missed)
		return 1 - missed * pow(next / missed, place - point) / FULL;
	return 1 - (missed + (next - missed) * (place - point)) / FULL;
}

const BarqRecallCurve *
barq_curve_beside(double whole)
{
	const BarqRecallCurve *lists = barq_curve_default(true);
	BarqRecallCurve *curve = palloc(sizeof(BarqRecallCurve));

	*curve = *lists;
	curve->most = (uint32) Max(ceil(whole), 1);
	for (int k = 0; k < BARQ_CURVE_KS; k++)
		for (int p = 0; p < BARQ_CURVE_POINTS; p++)
			curve->recall[k][p] = (uint16)
				(FULL * curve_at(lists, k, breadth_at(curve->least, curve->most, p) /
								 curve->most * lists->most));
	return curve;
}

/* Recall of the k nearest rows of a segment at a breadth. */
static double
recall_at(const BarqRecallCurve *curve, double k, double breadth)
{
	double		few;
	double		many;

	if (k > MANY_K)
		return curve_at(curve, 1, breadth * MANY_K / k);
	few = curve_at(curve, 0, breadth);
	if (k <= FEW_K)
		return few;
	many = curve_at(curve, 1, breadth);
	return few + (many - few) * log(k / FEW_K) / log((double) MANY_K / FEW_K);
}

/*
 * Recall of the k nearest rows that is expected at a breadth. `cautious`: less a margin for
 * the error of the measurement.
 */
static double
parts_recall(const BarqCurvePart *parts, int n, double k, double breadth, bool cautious)
{
	double		all = 0;
	double		variance = 0;
	double		tolerance = HARD_TOLERANCE;

	for (int i = 0; i < n; i++)
	{
		const BarqCurvePart *part = &parts[i];
		double		recall = 1;

		if (!part->exact)
		{
			double		error = ERROR_PART;
			double		allowed = HARD_TOLERANCE;

			Assert(part->curve != NULL);
			if (isinf(part->curve->crowded))
			{
				error = ERROR_PART_ALONE;
				allowed = 0;
			}
			else if (part->lists)
			{
				error = ERROR_PART_LISTS;
				allowed = TOLERANCE;
			}
			tolerance -= (HARD_TOLERANCE - allowed) * part->share;
			recall = recall_at(part->curve, Max(k * part->share, Min(k, FEW_K)), breadth);
			variance += part->share * part->share * error * error * recall * (1 - recall) /
				Max(part->curve->samples, 1);
		}
		all += part->share * recall;
	}
	if (cautious)
		all -= Min(Max(SURE_ERRORS * sqrt(variance) - tolerance, 0), (1 - all) * MOST_MARGIN);
	return all;
}

/* The factor of a calibration for a recall of k rows. */
static double
factor_of(const BarqCalibration *calibration, double k, double target)
{
	const double *recalls = calibrated_recalls;
	int			above = 1;
	double		part;
	double		factor[BARQ_CURVE_KS];

	if (calibration == NULL)
		return 1;
	while (above < BARQ_CALIBRATED_RECALLS - 1 && recalls[above] < target)
		above++;

	/* over the logarithm of what is missed, as the breadth grows */
	part = (log(1 - recalls[above - 1]) - log(1 - target)) /
		(log(1 - recalls[above - 1]) - log(1 - recalls[above]));
	part = Min(Max(part, 0), 1);
	for (int i = 0; i < BARQ_CURVE_KS; i++)
		factor[i] = (calibration->factor[i][above - 1] * (1 - part) +
					 calibration->factor[i][above] * part) /
			BARQ_CALIBRATION_ONE;
	part = (log(Min(Max(k, FEW_K), MANY_K)) - log(FEW_K)) / (log(MANY_K) - log(FEW_K));
	return factor[0] * (1 - part) + factor[1] * part;
}

double
barq_hard_credit(const BarqCurvePart *parts, int n, double target)
{
	double		share = 0;

	for (int i = 0; i < n; i++)
		if (!parts[i].exact && !isinf(parts[i].curve->crowded))
			share += parts[i].share;
	return share * (1 - target) * (CREDIT_UNSURE + (CREDIT - CREDIT_UNSURE) * sureness(target));
}

/*
 * The smallest breadth from `least` to `most`, not rounded, at which the k nearest rows are expected
 * to be found with this recall; `most` if none suffices.
 */
static double
parts_place(const BarqCurvePart *parts, int n, double k, double target, double least, double most)
{
	double		low = least;
	double		high = Max(least, most);

	if (parts_recall(parts, n, k, low, true) >= target)
		return low;
	while (high - low > BREADTH_ERROR * high)
	{
		double		middle = (low + high) / 2;

		if (parts_recall(parts, n, k, middle, true) >= target)
			high = middle;
		else
			low = middle;
	}
	return high;
}

int
barq_parts_breadth(const BarqCurvePart *parts, int n, const BarqCalibration *calibration,
				   double k, double target, int most, double *reached)
{
	double		factor = factor_of(calibration, k, target);
	double		breadth;

	if (calibration != NULL &&
		target > calibration->reached[k <= FEW_K ? 0 : 1] / FULL)
	{
		*reached = calibration->reached[k <= FEW_K ? 0 : 1] / FULL;
		return most;
	}
	breadth = parts_place(parts, n, k, target, 1 / factor, most / factor) * factor;
	breadth = ceil(breadth * (1 - BREADTH_ERROR));
	*reached = parts_recall(parts, n, k, breadth / factor, false);
	return (int) breadth;
}

void
barq_calibration_finish(const BarqCurveSums *sums, const BarqCurvePart *parts, int n,
						BarqCalibration *calibration)
{
	const double k[BARQ_CURVE_KS] = {FEW_K, MANY_K};
	BarqRecallCurve mean;
	BarqRecallCurve surely;
	BarqCurvePart user = {.curve = &surely, .share = 1};

	memset(calibration, 0, sizeof(*calibration));
	calibration->version = BARQ_CURVE_VERSION;
	calibration->queries = sums->samples;
	barq_curve_finish(sums, false, &mean);
	barq_curve_finish(sums, true, &surely);
	for (int i = 0; i < BARQ_CURVE_KS; i++)
	{
		calibration->reached[i] = mean.recall[i][BARQ_CURVE_POINTS - 1];
		for (int j = 0; j < BARQ_CALIBRATED_RECALLS; j++)
		{
			double		recall = calibrated_recalls[j];
			double		factor = parts_place(&user, 1, k[i], recall, 1, sums->most) /
				parts_place(parts, n, k[i], recall, 1, sums->most);

			calibration->factor[i][j] = (uint16)
				Min(Max(rint(BARQ_CALIBRATION_ONE * factor), 1), PG_UINT16_MAX);
		}
	}
}
