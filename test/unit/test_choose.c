/*
 * test_choose.c
 *	  The choice of a merge's inputs (src/lifecycle/choose.c): shapes of an index, what
 *	  holds for every shape, and how often rows are written again as an index grows.
 */
#include "postgres.h"

#include "pgshim.h"
#include "lifecycle/choose.h"

#undef printf
#undef vprintf
#undef qsort
#include "tap.h"

#define LIMIT		((uint64) 1024 * 1024)	/* growing_limit */
#define UNIT		(8 * LIMIT)
#define MOST		512
#define NONE		PG_UINT64_MAX

static BarqCandidate segments[MOST];
static uint32 chosen[MOST];
static uint32 nsegments;
static BarqPolicy policy;

static void
begin(void)
{
	nsegments = 0;
	policy = (BarqPolicy) {LIMIT, 32 * LIMIT, 8, 32, NONE, BARQ_COMPACTION_BALANCED};
}

/* A row takes 100 bytes in every kind, but where a test says otherwise. */
static BarqCandidate *
add(uint64 bytes)
{
	segments[nsegments] = (BarqCandidate) {.bytes = bytes, .rows = bytes / 100};
	return &segments[nsegments++];
}

static void
add_logs(int n, bool provisional)
{
	while (n-- > 0)
		add(LIMIT)->provisional = provisional;
}

static uint32
choose(BarqChoice choice)
{
	return barq_choose(segments, nsegments, &policy, choice, chosen);
}

static uint32
due(void)
{
	return choose(BARQ_CHOOSE_DUE);
}

static bool
is_chosen(uint32 n, uint32 position)
{
	for (uint32 i = 0; i < n; i++)
		if (chosen[i] == position)
			return true;
	return false;
}

static void
test_small(void)
{
	begin();
	tap_ok(due() == 0 && choose(BARQ_CHOOSE_ALL) == 0, "no segment: nothing to merge");
	add(10 * UNIT);
	tap_ok(due() == 0 && choose(BARQ_CHOOSE_ALL) == 0 && choose(BARQ_CHOOSE_AT_REST) == 0,
		   "one segment without dead rows: nothing to merge");
	segments[0].dead = 1;
	tap_ok(due() == 0 && choose(BARQ_CHOOSE_ALL) == 1 && choose(BARQ_CHOOSE_AT_REST) == 1,
		   "one segment with a dead row: only where all is asked for");

	for (int provisional = 0; provisional <= 1; provisional++)
	{
		const char *what = provisional ? "sealed logs" : "small final segments";

		begin();
		add(1000 * UNIT);
		add_logs(7, provisional);
		tap_ok(due() == 0, "a giant and 7 %s: nothing is due", what);
		tap_ok(choose(BARQ_CHOOSE_ALL) == 8, "a giant and 7 %s: all", what);
		add_logs(1, provisional);
		tap_ok(due() == 8 && !is_chosen(8, 0), "a giant and 8 %s: the small ones", what);
		segments[3].busy = 1;
		tap_ok(due() == 0, "a giant and 8 %s, one busy: nothing", what);
	}
}

/* Beside a merge under way: all logs sealed since, when inserts would soon wait for them. */
static void
test_beside(void)
{
	uint32		n;

	begin();
	policy.growing_hard_limit = 32 * LIMIT;
	add(200 * UNIT);
	add(100 * UNIT)->busy = 1;
	add(50 * UNIT)->busy = 1;
	add_logs(15, true);
	tap_ok(due() == 0, "beside a merge under way: nothing before the logs have half of growing_hard_limit");
	add_logs(1, true);
	n = due();
	tap_ok(n == 16 && !is_chosen(n, 0) && !is_chosen(n, 1) && !is_chosen(n, 2),
		   "then all of them, and no input of the merge");
	segments[1].busy = segments[2].busy = 0;
	tap_ok(due() >= 16, "without that merge, what is due with them");

	/* what a former merge beside has made grows, so that a long merge leaves few of them */
	begin();
	policy.growing_hard_limit = 32 * LIMIT;
	add(200 * UNIT)->busy = 1;
	add(20 * UNIT);
	add(3 * UNIT);
	add(2 * UNIT);
	add_logs(16, true);
	n = due();
	tap_ok(n == 18 && !is_chosen(n, 0) && !is_chosen(n, 1),
		   "with them those segments that are at most BESIDE_GROWTH times as large as what is merged with them");

	begin();
	policy.growing_hard_limit = 32 * LIMIT;
	add(8 * LIMIT)->busy = 1;
	add_logs(20, true);
	tap_ok(due() == 4, "at most BESIDE_SHARE of what is under way");

	begin();
	policy.growing_hard_limit = 32 * LIMIT;
	policy.max_segments = 4;
	add(100 * UNIT)->busy = 1;
	for (int i = 0; i < 10; i++)
		add(UNIT);
	add(30 * UNIT)->dead = 20 * UNIT / 100;
	tap_ok(due() == 0, "neither too many segments nor dead rows are a reason");
}

static void
add_collectable(int n, uint64 bytes)
{
	while (n-- > 0)
	{
		BarqCandidate *log = add(bytes);

		log->provisional = log->collectable = true;
	}
}

/* Beside a merge under way: sealed logs become one, and the larger ones of before with them. */
static void
test_collect(void)
{
	static const int least[] = {
		[BARQ_COMPACTION_BALANCED] = 6, [BARQ_COMPACTION_READS] = 5, [BARQ_COMPACTION_WRITES] = 16
	};
	uint32		n;

	for (int mode = 0; mode < 3; mode++)
	{
		begin();
		policy.mode = mode;
		policy.growing_hard_limit = 64 * LIMIT;
		add(100 * UNIT)->busy = 1;
		add_collectable(5, LIMIT);
		for (uint32 i = 1; i < nsegments; i++)
			segments[i].busy = 1;
		add_logs(20, true);
		add_collectable(least[mode] - 1, LIMIT);
		tap_ok(choose(BARQ_CHOOSE_LOGS) == 0, "mode %d: %d logs are not collected", mode, least[mode] - 1);
		add_collectable(1, LIMIT);
		n = choose(BARQ_CHOOSE_LOGS);
		tap_ok(n == (uint32) least[mode], "mode %d: %d are", mode, least[mode]);
		for (uint32 i = 0; i < 26; i++)
			if (is_chosen(n, i))
				n = 0;
		tap_ok(n > 0, "mode %d: without inputs of a merge and those of another kind", mode);
	}

	begin();
	policy.growing_hard_limit = 256 * LIMIT;
	add(100 * UNIT)->busy = 1;
	add_collectable(1, 8 * LIMIT + 100);
	add_collectable(5, 8 * LIMIT);
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 0, "5 larger logs are not collected");
	add_collectable(1, LIMIT);
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 7, "with a sixth they are");

	begin();
	policy.growing_hard_limit = 256 * LIMIT;
	add(100 * UNIT)->busy = 1;
	add_collectable(1, 41 * LIMIT);
	add_collectable(1, 11 * LIMIT);
	add_collectable(6, LIMIT);
	n = choose(BARQ_CHOOSE_LOGS);
	tap_ok(n == 7 && !is_chosen(n, 1) && is_chosen(n, 2),
		   "with those that are at most BESIDE_GROWTH times as large as the smaller ones together");
	segments[1].bytes = 33 * LIMIT;
	segments[1].rows = 33 * LIMIT / 100;
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 8, "and so on");
	policy.growing_hard_limit = 49 * LIMIT;
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 7, "but no more than inserts wait for");
	tap_ok(due() == 0, "no other merge is due beside the one under way");

	begin();
	policy.growing_hard_limit = 256 * LIMIT;
	policy.largest_merged = 50 * UNIT;
	add(20 * UNIT)->busy = 1;
	add(49 * UNIT);
	add_collectable(19, LIMIT);
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 0, "beside a segment that keeps its size, 19 are not collected");
	add_collectable(1, LIMIT);
	tap_ok(choose(BARQ_CHOOSE_LOGS) == 20, "20 are");
}

/* A giant built by CREATE INDEX, then logs: it is written again only for what pays. */
static void
test_giant(void)
{
	double		since = 0;
	double		worst = 1e9;
	int			rewritten = 0;

	begin();
	add(1000 * UNIT);
	for (int i = 0; i < 3000 * 8; i++)
	{
		uint32		n;

		add_logs(1, true);
		since += LIMIT;
		while ((n = due()) > 0)
		{
			BarqCandidate sum = {0};
			bool		giant = false;
			uint32		kept = 0;

			for (uint32 j = 0; j < n; j++)
			{
				giant |= segments[chosen[j]].bytes >= 1000 * UNIT;
				sum.bytes += segments[chosen[j]].bytes;
				sum.rows += segments[chosen[j]].rows;
			}
			if (giant)
			{
				worst = fmin(worst, since / sum.bytes);
				since = 0;
				rewritten++;
			}
			for (uint32 j = 0; j < nsegments; j++)
				if (!is_chosen(n, j))
					segments[kept++] = segments[j];
			segments[kept++] = sum;
			nsegments = kept;
		}
	}
	tap_ok(rewritten >= 1 && worst > 0.1,
		   "a giant that grows fourfold is written %d times, each for at least %.2f of new rows", rewritten, worst);
}

static void
test_rules(void)
{
	uint32		n;

	begin();
	policy.max_segments = 4;
	add(1000 * UNIT);
	for (int i = 0; i < 4; i++)
		add((5 - i) * 3 * LIMIT);
	n = due();
	tap_ok(n >= 2 && !is_chosen(n, 0), "more than max_segments: the smallest (%u of 5)", n);

	begin();
	add(100 * UNIT);
	add_logs(3, false);
	add(LIMIT)->urgent = true;
	segments[4].provisional = true;
	tap_ok(due() == 1 && chosen[0] == 4, "an urgent log is merged by itself");
	segments[4].bytes *= 3;
	segments[4].rows *= 3;
	tap_ok(due() == 4 && !is_chosen(4, 0), "a large provisional segment: with all smaller ones");

	begin();
	add(100 * UNIT);
	add(50 * UNIT)->dead = 50 * UNIT / 100 / 4;
	add(3 * UNIT);
	tap_ok(due() == 2 && is_chosen(2, 1) && is_chosen(2, 2), "many dead rows: that segment, and smaller ones");
	policy.largest_merged = 40 * UNIT;
	tap_ok(due() == 1 && chosen[0] == 1, "many dead rows: not beyond max_merged_size");
	segments[1].dead /= 2;
	tap_ok(due() == 0, "few dead rows: nothing");

	/* rows of sealed logs grow when they become part of a graph: 300 bytes for 100 */
	begin();
	policy.largest_merged = 56 * UNIT;
	add(30 * UNIT)->rows /= 3;
	add(60 * LIMIT)->provisional = true;
	tap_ok(due() == 2, "within max_merged_size as codes, and as a graph: together");
	begin();
	policy.largest_merged = 50 * UNIT;
	add(30 * UNIT)->rows /= 3;
	add(60 * LIMIT)->provisional = true;
	tap_ok(due() == 1 && chosen[0] == 1, "within max_merged_size as codes, not as a graph: apart");

	begin();
	policy.largest_merged = 19 * UNIT / 2;
	for (int i = 0; i < 20; i++)
		add(9 * UNIT);
	add_logs(7, false);
	tap_ok(due() == 0 && choose(BARQ_CHOOSE_AT_REST) == 7, "segments of the largest size: left alone, also at rest");
	tap_ok(choose(BARQ_CHOOSE_ALL) == 27, "segments of the largest size: merged by barq_compact()");
	add_logs(1, false);
	tap_ok(due() == 8, "segments of the largest size take no slot and do not count for max_segments");
}

/* With no compaction_ratio given: small segments gather in larger numbers in a larger index. */
static void
test_ratio(void)
{
	int			most = 0;

	begin();
	tap_ok(barq_compaction_ratio_of(&policy, 0) == 8 && barq_compaction_ratio_of(&policy, 1e15) == 8,
		   "a ratio that is given is obeyed at any size");
	policy.ratio = BARQ_RATIO_BY_SIZE;
	for (double bytes = LIMIT; bytes < 1e15; bytes *= 2)
	{
		int			ratio = barq_compaction_ratio_of(&policy, bytes);

		if (ratio < most)
			most = 1000;
		most = Max(most, ratio);
	}
	tap_ok(barq_compaction_ratio_of(&policy, 100 * LIMIT) == 12 && most == 22,
		   "by the size of the index: from 12 to %d, never less in a larger one", most);
	policy.largest_merged = 100 * LIMIT;
	tap_ok(barq_compaction_ratio_of(&policy, 1e15) == 12, "what keeps its size is not counted");

	begin();
	policy.ratio = BARQ_RATIO_BY_SIZE;
	add(1000 * UNIT);
	add_logs(21, true);
	tap_ok(due() == 0, "a giant and 21 sealed logs: nothing is due");
	add_logs(1, true);
	tap_ok(due() == 22, "a giant and 22 sealed logs: these");
}

/* For random shapes: what is chosen is sound, and repeated merges end. */
static void
test_shapes(void)
{
	int			faults[7] = {0};
	const char *const names[] = {
		"positions are distinct, and none is busy", "a merge has a reason",
		"no result exceeds max_merged_size", "merges end", "max_segments is kept",
		"no provisional segment above small stays",
		"beside a merge under way no large segment is written for nothing"
	};

	for (int round = 0; round < 3000; round++)
	{
		int			steps = 0;
		uint32		n;
		uint32		open = 0;
		bool		busy = random_bits() % 4 == 0;
		bool		under_way = false;
		uint32		count = random_bits() % 40;

		begin();
		policy.mode = random_bits() % 3;
		policy.ratio = random_bits() % 4 == 0 ? BARQ_RATIO_BY_SIZE : 2 + random_bits() % 10;
		policy.max_segments = 1 + random_bits() % 40;
		policy.largest_merged = random_bits() % 2 ? NONE : LIMIT << (random_bits() % 12);
		for (uint32 i = 0; i < count; i++)
		{
			BarqCandidate *segment = add((LIMIT << (random_bits() % 14)) / (1 + random_bits() % 8));

			segment->dead = random_bits() % 3 ? 0 : random_bits() % (segment->rows + 1);
			segment->provisional = random_bits() % 3 == 0;
			segment->urgent = segment->provisional && random_bits() % 3 == 0;
			segment->busy = busy && random_bits() % 5 == 0;
			under_way |= segment->busy != 0;
		}
		for (; steps < 200 && (n = due()) > 0; steps++)
		{
			BarqCandidate sum = {0};
			bool		reason = n > 1;
			bool		grows = n > 1;
			uint32		kept = 0;
			uint64		beside = 0;
			uint64		largest = 0;

			for (uint32 i = 0; i < n; i++)
			{
				BarqCandidate *segment = &segments[chosen[i]];

				for (uint32 j = 0; j < i; j++)
					faults[0] += chosen[i] == chosen[j];
				faults[0] += chosen[i] >= nsegments || segment->busy;
				reason |= segment->provisional || segment->urgent || segment->dead > 0;
				beside += segment->bytes;
				largest = Max(largest, segment->bytes);
				sum.rows += segment->rows - segment->dead;
				grows &= segment->bytes < policy.largest_merged;
			}
			faults[6] += under_way && largest > 2 * LIMIT && beside == largest;
			sum.bytes = sum.rows * 100;
			faults[1] += !reason;
			faults[2] += grows && policy.largest_merged != NONE && sum.bytes > 2 * LIMIT * n &&
				sum.bytes > policy.largest_merged + 100 * n;
			for (uint32 i = 0; i < nsegments; i++)
				if (!is_chosen(n, i))
					segments[kept++] = segments[i];
			if (sum.rows > 0)
				segments[kept++] = sum;
			nsegments = kept;
		}
		faults[3] += steps == 200;
		for (uint32 i = 0; i < nsegments; i++)
		{
			open += segments[i].bytes < policy.largest_merged / 2;
			faults[5] += !under_way && segments[i].provisional && segments[i].bytes > 2 * LIMIT;
		}
		faults[4] += !under_way && policy.largest_merged == NONE && open > (uint32) policy.max_segments;
	}
	for (int i = 0; i < lengthof(faults); i++)
		tap_ok(faults[i] == 0, "random shapes: %s (%d faults)", names[i], faults[i]);
}

/* Grow an index by logs to `units`; returns the number of times that a row was written. */
static double
grow(int units, uint32 *most)
{
	double		merged = 0;

	nsegments = 0;
	*most = 0;
	for (int i = 0; i < units * policy.ratio; i++)
	{
		uint32		n;

		add_logs(1, true);
		while ((n = due()) > 0)
		{
			BarqCandidate sum = {0};
			uint32		kept = 0;

			for (uint32 j = 0; j < n; j++)
			{
				sum.bytes += segments[chosen[j]].bytes;
				sum.rows += segments[chosen[j]].rows;
			}
			merged += sum.bytes;
			for (uint32 j = 0; j < nsegments; j++)
				if (!is_chosen(n, j))
					segments[kept++] = segments[j];
			segments[kept++] = sum;
			nsegments = kept;
		}
		*most = Max(*most, nsegments);
	}
	return merged / ((double) units * policy.ratio * LIMIT);
}

static void
test_growth(void)
{
	static const char *const modes[] = {"balanced", "reads", "writes"};
	static const int merges[] = {5, 8, 2};

	for (int mode = 0; mode < 3; mode++)
	{
		uint32		most;
		uint32		most_later;
		double		written;
		double		written_later;

		begin();
		policy.mode = mode;
		policy.max_segments = 1000;
		written = grow(100, &most);
		written_later = grow(3000, &most_later);
		tap_ok(written <= merges[mode] + 1.5 && written_later <= merges[mode] + 1.5,
			   "%s: a row is written %.2f times at 100 units, %.2f at 3,000; at most %u, %u segments",
			   modes[mode], written, written_later, most, most_later);
	}
	begin();
	policy.largest_merged = 50 * UNIT;
	for (int units = 100; units <= 1000; units *= 10)
	{
		uint32		most;
		double		written = grow(units, &most);

		tap_ok(written <= 5.5 && most <= (uint32) units / 30 + 16,
			   "max_merged_size of 50 units, %d units: a row is written %.2f times, at most %u segments",
			   units, written, most);
	}
}

int
main(void)
{
	shim_init();
	test_small();
	test_beside();
	test_collect();
	test_giant();
	test_rules();
	test_ratio();
	test_shapes();
	test_growth();
	return tap_done();
}
