/*
 * test_recall_samples.c
 *	  The rows by which recall curves are measured: each counts for as many rows as are like it.
 */
#include "postgres.h"

#include <math.h>

#include "vector_index/recall_samples.h"
#include "pgshim.h"

#undef printf
#undef vprintf
#include "tap.h"

#define ROWS	4000

/* What recall_samples.c asks of other parts of the server. */
const BarqSegmentKind *
barq_segment_kind(uint16 id)
{
	return id == BARQ_KIND_FLAT ? &barq_flat_kind : NULL;
}

/* The mean of place^power over all rows, as the first n samples tell it; and the sum of weights. */
static double
mean_of(const BarqSamples *samples, int n, double power, double *weights)
{
	double		sum = 0;

	*weights = 0;
	for (int i = 0; i < n; i++)
	{
		double		weight;
		uint32		row = barq_sample(samples, i, &weight);

		sum += weight * pow((row + 0.5) / ROWS, power);
		*weights += weight;
	}
	return sum / *weights;
}

int
main(void)
{
	static const int counts[] = {48, 100, 282, 512};
	static uint32 rows[ROWS];
	BarqSamples spread = {ROWS, NULL};
	BarqSamples ordered = {ROWS, rows};

	for (int i = 0; i < ROWS; i++)
		rows[i] = (uint32) i;
	for (int i = 0; i < (int) lengthof(counts); i++)
	{
		int			n = counts[i];
		double		weights;
		double		all;
		int			first = 0;

		for (int power = 1; power <= 3; power += 2)
		{
			double		mean = mean_of(&ordered, n, power, &weights);

			tap_ok(fabs(mean * (power + 1) - 1) < 8.0 / n, "%d samples: mean of power %d: %.4f",
				   n, power, mean);
			mean = mean_of(&spread, n, power, &all);
			tap_ok(fabs(mean * (power + 1) - 1) < 8.0 / n && all == n,
				   "%d samples of rows in no order: %.4f", n, mean);
		}
		tap_ok(fabs(weights / n - 1) < 8.0 / n, "%d samples: weights of %.2f", n, weights);
		for (int j = 0; j < n; j++)
			first += barq_sample(&ordered, j, &all) < ROWS / 4;
		tap_ok(first > n * 0.33 && first < n * 0.40, "%d samples: %d of the first quarter of the rows",
			   n, first);
	}
	return tap_done();
}
