/*
 * test_recall_curve.c
 *	  Arithmetic of recall curves: the breadth that is chosen for a target, its margin for the
 *	  curve's error, and how much broader crowded queries are searched.
 */
#include "postgres.h"

#include <math.h>

#include "vector_index/recall_curve.h"
#include "pgshim.h"

#undef printf
#undef vprintf
#include "tap.h"

static const double targets[] = {0.9, 0.95, 0.99};

/* A curve of `samples` queries, half of the neighbours of which need breadths up to `middle`. */
static BarqRecallCurve
made(int samples, int middle)
{
	BarqRecallCurve curve;
	BarqCurveSums sums;

	barq_curve_begin(&sums, 10, BARQ_CURVE_MOST);
	for (int i = 0; i < samples; i++)
	{
		int			needed[10];

		/* the share that needs more than b falls as 1 / b */
		for (int j = 0; j < 10; j++)
			needed[j] = (int) (middle / 2.0 / ((10 * (i * 7 % samples) + j + 0.5) / (10 * samples)));
		barq_curve_add(&sums, needed, 10, 1, 1);
	}
	barq_curve_finish(&sums, false, &curve);
	curve.crowded = 10;
	curve.far = 1;
	return curve;
}

static int
breadth_for(const BarqRecallCurve *curve, double target)
{
	BarqCurvePart part = {curve, 1, false};
	double		reached;

	return barq_parts_breadth(&part, 1, NULL, 10, target, BARQ_CURVE_MOST, &reached);
}

static double
credit_of(const BarqRecallCurve *curve, double target)
{
	BarqCurvePart part = {curve, 1, false};

	return barq_hard_credit(&part, 1, target);
}

/*
 * A calibration gives the breadth that its queries need, however few rows of a beam the rows of the
 * index do with: within one part in a hundred, where the breadth that they need is 2 to 60 in place
 * of 10 or more.
 */
static void
test_calibration(void)
{
	BarqCurveSums sums;
	BarqRecallCurve user;
	BarqCurvePart of_user = {&user, 1, false};
	double		worst = 1;

	barq_curve_begin(&sums, 10, BARQ_CURVE_MOST);
	for (int i = 0; i < 1000; i++)
	{
		int			needed[10];

		for (int j = 0; j < 10; j++)
			needed[j] = (int) (15 / ((10 * (i * 7 % 1000) + j + 0.5) / 10000));
		barq_curve_add(&sums, needed, 10, 1, 1);
	}
	barq_curve_finish(&sums, true, &user);
	for (int middle = 1; middle < 30; middle++)
		for (int i = 0; i < (int) lengthof(targets); i++)
		{
			BarqRecallCurve own = made(400, middle);
			BarqCurvePart part = {&own, 1, false};
			BarqCalibration calibration;
			double		reached;
			double		wanted;
			double		given;

			barq_calibration_finish(&sums, &part, 1, &calibration);
			if (targets[i] > calibration.reached[0] / 65535.0)
				continue;
			wanted = barq_parts_breadth(&of_user, 1, NULL, 10, targets[i], BARQ_CURVE_MOST, &reached);
			given = barq_parts_breadth(&part, 1, &calibration, 10, targets[i], BARQ_CURVE_MOST, &reached);
			worst = Min(worst, given / wanted);
			worst = Min(worst, wanted / given);
		}
	tap_ok(worst >= 0.99, "a calibration gives the breadth that its queries need: within %.3f", worst);
}

int
main(void)
{
	BarqRecallCurve few = made(40, 10);
	BarqRecallCurve many = made(400, 10);
	BarqRecallCurve fewer = made(16, 10);
	BarqHardness usual = barq_hardness_for(&few, false, 0.9);
	BarqHardness sure = barq_hardness_for(&few, false, 0.95);
	BarqHardness high = barq_hardness_for(&few, false, 0.99);
	BarqHardness lists = barq_hardness_for(&few, true, 0.95);
	double		before = 1;
	bool		grows = true;
	bool		same = true;

	for (int i = 0; i < (int) lengthof(targets); i++)
	{
		BarqRecallCurve alone = few;
		int			breadth = breadth_for(&many, targets[i]);

		alone.crowded = INFINITY;
		tap_ok(breadth >= 4.5 / (1 - targets[i]) && breadth <= 7 / (1 - targets[i]),
			   "target %g: breadth %d", targets[i], breadth);
		if (targets[i] < 0.99)	/* whose error is below the tolerance */
			tap_ok(breadth_for(&fewer, targets[i]) >= 1.04 * breadth,
				   "... a curve of few samples is trusted less: %d", breadth_for(&fewer, targets[i]));
		tap_ok(breadth_for(&alone, targets[i]) >= 1.1 * breadth_for(&few, targets[i]) &&
			   breadth_for(&alone, targets[i]) <= 1.7 * breadth,
			   "... and less still where no query is known to be hard: %d", breadth_for(&alone, targets[i]));
	}
	tap_ok(breadth_for(barq_curve_of_estimates(), 0.9) >= 24 &&
		   breadth_for(barq_curve_of_estimates(), 0.95) >= 40 &&
		   breadth_for(barq_curve_of_estimates(), 0.99) >= 60,
		   "estimates are re-scored, the more the higher the target");

	for (int i = 20; i < 60; i++)
	{
		double		ratio = i / 20.0;
		double		breadth = barq_crowded_breadth(&usual, ratio);

		grows &= breadth >= before && breadth > 1 && breadth <= 6;
		before = breadth;
		same &= barq_crowded_breadth(&high, ratio) == 2 && barq_crowded_breadth(&lists, ratio) == 1.5;
	}
	tap_ok(grows && barq_crowded_breadth(&usual, 1.3) > 2 * barq_crowded_breadth(&usual, 1),
		   "a more crowded query is searched more broadly, within bounds");
	tap_ok(barq_crowded_breadth(&usual, INFINITY) == before, "... also where all rows are equally far");
	tap_ok(same, "lists and high targets serve all crowded queries alike");
	tap_ok(barq_crowded_breadth(&sure, INFINITY) < before &&
		   barq_crowded_breadth(&sure, 1.1) == barq_crowded_breadth(&usual, 1.1),
		   "... and less far where other queries may miss more than that");
	tap_ok(barq_far_changes(0.9, true) == 1 && barq_far_changes(0.9, false) == 2 &&
		   barq_far_changes(0.99, false) == 1 && barq_far_factor(0.9) < barq_far_first(0.9, true) &&
		   barq_far_first(0.99, true) > barq_far_first(0.99, false),
		   "a far search goes on at the least sign first, then in smaller steps");
	tap_ok(credit_of(&many, 0.9) < 0 && credit_of(&many, 0.9) > -0.01 && credit_of(&many, 0.95) > 0 && credit_of(&many, 0.95) < 0.01 &&
		   credit_of(&many, 0.99) > 0 && credit_of(&many, 0.99) < 0.002,
		   "above 0.9 what hard queries get is credited, a part of what is missed");
	test_calibration();
	many.crowded = INFINITY;
	tap_ok(credit_of(&many, 0.95) == 0, "... not where no query is known to be hard");
	tap_ok(!(barq_crowded_ratio(&usual, 1, 1, BARQ_HARDNESS_ROWS - 1) > 1) &&
		   barq_crowded_ratio(&usual, 1, 1, BARQ_HARDNESS_ROWS) > 1 &&
		   !(barq_crowded_ratio(&usual, 0, 1, 100) > 1),
		   "by too few rows, or none at a distance, no query is crowded");
	return tap_done();
}
