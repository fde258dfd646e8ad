/*
 * test_pace.c
 *	  The pace of the launcher's passes over a memory budget: how far cold searches, in
 *	  bursts and after pauses, take images beyond it between two passes. Time is made up.
 */
#include "postgres.h"

#include "store/pace.h"
#include "pgshim.h"

#undef printf

#define BUDGET		1000.0		/* bytes */
#define SEARCH_MS	30			/* that a cold search reads for */

static int	ntests = 0;
static int	nfailed = 0;

typedef struct Outcome
{
	double		most;			/* in memory, of the budget */
	double		share;			/* of a processor, for passes */
} Outcome;

/*
 * `burst` cold searches one after the other every `every` ms, each of which reads `each` of the
 * budget; passes take pass_ms. woken: searches wake the launcher.
 */
static Outcome
run(int burst, int every, double each, int pass_ms, bool woken)
{
	const int	end = 600000;
	Outcome		outcome = {0, 0};
	double		cached = BUDGET;
	double		left = BUDGET;
	double		pace = 0;
	int			last = 0;
	long		due = PASS_MS;
	long		soonest = 0;
	int			reading = 0;	/* since when; 0: not */

	for (int now = 1; now < end; now++)
	{
		int			in_burst = (now + every / 2) % every;

		if (in_burst < burst * SEARCH_MS)
		{
			cached += each * BUDGET / SEARCH_MS;
			if (woken && in_burst % SEARCH_MS == 0 && reading == 0)
			{
				reading = now;
				due = Min(due, Max(soonest, now + HURRY_MS));
			}
		}
		outcome.most = Max(outcome.most, cached / BUDGET);
		if (now < due)
			continue;
		pace = barq_pace_note(pace, cached - left, now - Max(last, reading));
		reading = 0;
		cached = left = Min(cached, BUDGET);
		last = now;
		due = now + barq_pace_rest(pace, BUDGET, pass_ms);
		soonest = now + barq_pace_least(pass_ms);
		outcome.share += (double) pass_ms / end;
	}
	return outcome;
}

static void
ok(bool passed, const char *name, Outcome outcome)
{
	printf("%sok %d - %s: %.3f of the budget at most, %.3f of a processor\n", passed ? "" : "not ",
		   ++ntests, name, outcome.most, outcome.share);
	nfailed += !passed;
}

int
main(void)
{
	Outcome		o;

	o = run(0, 1000, 0, 2, true);
	ok(o.most == 1 && o.share < 0.0025, "no cold search", o);
	o = run(1, 200, 0.02, 1, true);
	ok(o.most < 1.05, "five cold searches a second, of a fiftieth each", o);
	o = run(1, 500, 0.05, 1, true);
	ok(o.most < 1.06, "two a second, of a twentieth each", o);
	o = run(2, 60000, 0.05, 1, false);
	ok(o.most > 1.09, "two a minute, one after the other, which nothing announces", o);
	o = run(2, 60000, 0.05, 1, true);
	ok(o.most < 1.09, "... that wake the launcher", o);
	o = run(20, 60000, 0.05, 1, false);
	ok(o.most > 1.4, "twenty a minute, one after the other, which nothing announces", o);
	o = run(20, 60000, 0.05, 1, true);
	ok(o.most < 1.09 && o.share < 1.0 / PASS_SHARE, "... that wake the launcher", o);
	o = run(20, 1000, 0.02, 20, true);
	ok(o.share < 1.1 / PASS_SHARE, "passes that take long", o);
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
