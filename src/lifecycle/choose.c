/*
 * choose.c
 *	  Which segments the next merge takes.
 *
 * A segment is *small* up to twice growing_limit: a sealed log, or the merge of a few
 * short ones. compaction_ratio small segments are merged into one, a *unit*; if that is 0,
 * more in a large index than in a small one, whose searches they would slow down. Larger
 * segments are kept in few slots, so that a search meets few of them and a row is
 * written again few times. Every arrival of small segments at the slots either makes
 * a further segment or is merged together with the smallest segments of the slots.
 *
 * With k slots, and each row merged at most w times in them, C(w + k, k) units can be
 * held and not more (Mathieu, Staelin, Young, Yousefi, "Bigtable Merge Compaction",
 * 2014; Bentley and Saxe 1980 for the structure). The policy's `compaction` sets w;
 * k is the smallest number with which the index fits. So the number of times that a
 * row is written does not depend on the size of the index, and the number of segments
 * grows with a root of it.
 *
 * Segment sizes follow the combinatorial number system: R units in the slots i, i - 1,
 * ... have C(b, i) units in the first, for the largest b with C(b, i) <= R, and the
 * rest in the following slots in the same way. When R grows beyond C(b + 1, i), the
 * segment in slot i is due: it becomes one segment with all smaller ones. Between two
 * such merges it is left alone, and the growth in between is at least GROWTH_SHARE of
 * i / (b + 1 - i) of its size: for however large a segment, what is merged into it
 * pays for writing it again.
 *
 * max_merged_size: a segment that would become larger with the smaller ones keeps its
 * size for good, unless its rows die, and takes no slot. Numbers count in such units that
 * the last one, with which all slots become one segment, is just below max_merged_size: so
 * what keeps its size has nearly that size, and a large index has few such segments.
 *
 * While a merge is under way, a small one may run beside it: of the logs sealed since, when
 * they have half of growing_hard_limit, before inserts would have to wait for them. With
 * the logs go the segments next in size, as long as each is at most BESIDE_GROWTH times as
 * large as what is merged with it: so a long merge leaves a few segments beside it and not
 * one for every so many logs, and the rows that its predecessor has joined stay joined.
 * No other merge runs beside, because it would delay the merge under way by more than it
 * gains: sealed logs cost a search less than the graphs that would be made of them, and
 * when that merge has ended, one merge takes them all (measured: docs/performance.md). To
 * the rules the inputs of a merge under way are one segment already, which cannot be
 * chosen. A merge beside takes at most BESIDE_SHARE of the bytes of that one, and
 * BARQ_MOST_BESIDE.
 *
 * Their number makes such logs expensive: one of all their rows costs a search the root of
 * it. So beside a merge under way logs are *collected*: logs_collected[] of them become one
 * log, in a tenth of the time of a graph. Earlier ones go with them as above. It stays
 * provisional, and takes no part in the rules for small segments.
 *
 * Further rules, after that of full slots: too many segments (max_segments, beside
 * those that keep their size), urgent provisional segments, a large provisional
 * segment, many dead rows.
 */
#include "postgres.h"

#include <math.h>

#include "lifecycle/choose.h"

/*
 * A segment with a larger share of dead rows is written again. At this share mending a
 * graph takes least processor time for each dead row that goes (docs/performance.md):
 * of more dead rows nearly each live row has lost so many neighbours that it is joined
 * anew.
 */
#define DEAD_SHARE	0.2

/*
 * The part of a step between two numbers by which a segment has grown when it is written
 * again, and how much more than the index has to fit into the slots. These constants and
 * those below are the ones with least time of a search at about ten bytes written a byte,
 * at any rate of inserts, for sizes from 0.03 to 100 GB (docs/performance.md, "Faster
 * inserts").
 */
#define GROWTH_SHARE	0.67
#define SLOTS_SHARE		1.18

/*
 * The number of logs of a unit, if it depends on the size of the index: so many times the
 * root of the size in logs, between these. With 2 MB logs 12 up to 4 GB, 13 at 5 GB.
 */
#define SHARE_OF_ROOT	0.28
#define LEAST_BY_SIZE	12
#define MOST_BY_SIZE	22

/*
 * Beside another merge: how much larger than what is merged with it a segment is at most,
 * and the part of what that one makes that a merge takes at most.
 */
#define BESIDE_GROWTH	2
#define BESIDE_SHARE	0.6

/* Segments up to so many times growing_limit count as logs that are to be collected. */
#define LOG_LIMITS_COLLECTED	8

/*
 * Logs that are collected beside a merge under way, at least, by BarqCompaction; and in an
 * index with segments that keep their size, where a search takes so long that a few logs
 * are not worth the bytes.
 */
static const int logs_collected[] = {
	[BARQ_COMPACTION_BALANCED] = 6,
	[BARQ_COMPACTION_READS] = 5,
	[BARQ_COMPACTION_WRITES] = 16
};
#define LOGS_COLLECTED_LARGE	20

/* Merges of a row in the slots at most, by BarqCompaction. */
static const int merges_of_row[] = {
	[BARQ_COMPACTION_BALANCED] = 5,
	[BARQ_COMPACTION_READS] = 8,
	[BARQ_COMPACTION_WRITES] = 2
};

/* The part of max_merged_size that the largest number is, by BarqCompaction. */
static const double full_share[] = {
	[BARQ_COMPACTION_BALANCED] = 0.98,
	[BARQ_COMPACTION_READS] = 0.98,
	[BARQ_COMPACTION_WRITES] = 0.93
};

/* The segments in descending order of size; those that one merge reads are one of them. */
typedef struct Order
{
	const BarqPolicy *policy;
	const BarqCandidate **segments; /* NULL: of a merge under way */
	double	   *size;			/* bytes that the live rows take after a merge */
	uint32		n;
	uint32		nsmall;			/* the last ones are small */
	int			ratio;			/* small segments that are merged into one */
	double		unit;			/* bytes of one in the number system */
	uint32		after_busy;		/* position behind the last one of a merge under way */
} Order;

typedef struct Sized
{
	const BarqCandidate *segment;
	double		size;
	uint32		busy;
} Sized;

int
barq_compaction_ratio_of(const BarqPolicy *policy, double bytes)
{
	int			ratio;

	if (policy->ratio != BARQ_RATIO_BY_SIZE)
		return policy->ratio;
	bytes = Min(bytes, (double) policy->largest_merged);
	ratio = (int) (SHARE_OF_ROOT * sqrt(bytes / policy->growing_limit));
	return Min(Max(ratio, LEAST_BY_SIZE), MOST_BY_SIZE);
}

int
barq_segment_tier(uint64 bytes, const BarqPolicy *policy)
{
	const int	ratio = barq_compaction_ratio_of(policy, 0);
	uint64		limit = policy->growing_limit * 2;
	int			tier = 0;

	while (bytes > limit)
	{
		limit *= ratio;
		tier++;
	}
	return tier;
}

bool
barq_many_are_dead(uint64 rows, uint64 dead)
{
	Assert(dead <= rows);		/* L4 */
	return dead > DEAD_SHARE * rows;
}

static bool
is_small(const BarqCandidate *segment, const BarqPolicy *policy)
{
	return segment->bytes <= policy->growing_limit * 2;
}

/* qsort comparator: small ones last, then the larger size first. */
static int
compare_sizes(const void *a, const void *b)
{
	const Sized *x = a;
	const Sized *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->segment < y->segment ? -1 : x->segment > y->segment;
}

/*
 * Bytes a row of the kind that a merge makes, from the largest segment that is of
 * that kind; 0 if there is none.
 */
static double
final_bytes_per_row(const BarqCandidate *segments, uint32 n)
{
	const BarqCandidate *largest = NULL;

	for (uint32 i = 0; i < n; i++)
		if (!segments[i].provisional && segments[i].rows > 0 &&
			(largest == NULL || segments[i].rows > largest->rows))
			largest = &segments[i];
	return largest == NULL ? 0 : (double) largest->bytes / largest->rows;
}

/*
 * Add to sized[], which has *n elements, a segment that a merge under way reads: to the
 * element of that merge.
 */
static void
add_busy(Sized *sized, uint32 *n, uint32 busy, double size)
{
	for (uint32 i = 0; i < *n; i++)
		if (sized[i].busy == busy)
		{
			sized[i].size += size;
			return;
		}
	sized[(*n)++] = (Sized) {NULL, size, busy};
}

/* C(n, k), as far as a double goes. */
static double
binomial(int n, int k)
{
	double		result = 1;

	for (int i = 1; i <= k; i++)
		result = result * (n - k + i) / i;
	return result;
}

/*
 * Bytes of one in the number system: of `unit`, what arrives at the slots, or a little less,
 * so that some number of slots holds just full_share[] of max_merged_size.
 */
static double
number_bytes(const BarqPolicy *policy, double unit)
{
	const int	merges = merges_of_row[policy->mode];
	const double full = full_share[policy->mode] * policy->largest_merged;
	int			slots = 1;

	if (policy->largest_merged == PG_UINT64_MAX)
		return unit;
	while (binomial(merges + slots, slots) * unit < full)
		slots++;
	return full / binomial(merges + slots, slots);
}

/* Fill *order; it is freed by end_order(). */
static void
begin_order(Order *order, const BarqCandidate *segments, uint32 n, const BarqPolicy *policy)
{
	double		per_row = final_bytes_per_row(segments, n);
	double		small_bytes = 0;
	double		small_sizes = 0;
	double		total = 0;
	Sized	   *sized = palloc(sizeof(Sized) * Max(n, 1));
	uint32		next = 0;

	order->policy = policy;
	order->nsmall = 0;
	order->after_busy = 0;
	for (uint32 i = 0; i < n; i++)
	{
		const BarqCandidate *segment = &segments[i];
		double		size = segment->bytes;

		if (segment->rows > 0)
			size *= (double) (segment->rows - segment->dead) / segment->rows;
		if (segment->provisional && per_row > 0)
			size = per_row * (segment->rows - segment->dead);
		total += size;
		if (segment->busy != 0)
		{
			add_busy(sized, &next, segment->busy, size);
			continue;
		}
		if (is_small(segment, policy))
		{
			small_bytes += segment->bytes;
			small_sizes += size;
			order->nsmall++;
		}
		sized[next++] = (Sized) {segment, size, 0};
	}
	order->n = next;
	qsort(sized, next, sizeof(Sized), compare_sizes);

	/* small segments behind the others: what counts is the size that they have */
	order->segments = palloc(sizeof(BarqCandidate *) * Max(n, 1));
	order->size = palloc(sizeof(double) * Max(n, 1));
	next = 0;
	for (int small = 0; small <= 1; small++)
		for (uint32 i = 0; i < order->n; i++)
			if ((sized[i].busy == 0 && is_small(sized[i].segment, policy)) == small)
			{
				order->segments[next] = sized[i].segment;
				order->size[next++] = sized[i].size;
				if (sized[i].busy != 0)
					order->after_busy = next;
			}
	pfree(sized);

	/* numbers do not change with the ratio while the index grows, only what arrives does */
	order->ratio = barq_compaction_ratio_of(policy, total);
	order->unit = (double) policy->growing_limit *
		(policy->ratio == BARQ_RATIO_BY_SIZE && policy->largest_merged != PG_UINT64_MAX ?
		 MOST_BY_SIZE : order->ratio);
	if (small_bytes > 0 && small_sizes > small_bytes)
		order->unit *= small_sizes / small_bytes;
	order->unit = number_bytes(policy, order->unit);
}

static void
end_order(Order *order)
{
	pfree(order->segments);
	pfree(order->size);
}

/*
 * The largest b with C(b, slot) <= units, at least slot - 1. With slot = 1 that is the
 * number of units.
 */
static int
top_of(double units, int slot)
{
	int			b = slot - 1;

	if (slot == 1)
		return units < 1e9 ? (int) units : 1000000000;
	while (binomial(b + 1, slot) <= units)
		b++;
	return b;
}

/* The smallest number of slots that hold so many units and a few more. */
static int
slots_for(const Order *order, double units)
{
	int			merges = merges_of_row[order->policy->mode];
	int			slots = 1;

	while (binomial(merges + slots, slots) < units * SLOTS_SHARE)
		slots++;
	return slots;
}

/* Sum of the sizes from position `first` on. */
static double
sum_from(const Order *order, uint32 first)
{
	double		sum = 0;

	for (uint32 i = first; i < order->n; i++)
		sum += order->size[i];
	return sum;
}

/*
 * The position of the first segment that is not left at its size for good: with it and
 * all smaller ones a merge stays within max_merged_size.
 */
static uint32
first_open(const Order *order)
{
	double		sum = sum_from(order, 0);
	uint32		first = 0;

	while (first < order->n && sum > order->policy->largest_merged)
		sum -= order->size[first++];
	return first;
}

/*
 * Segments from position `from` on are to be merged. Returns the position from which
 * on they are: before it, if that of a slot is due.
 */
static uint32
extend_to_slots(const Order *order, uint32 from)
{
	uint32		first = first_open(order);
	double		rest = sum_from(order, first);
	int			slot = slots_for(order, rest / order->unit);

	for (uint32 i = first; i < from; i++, slot--)
	{
		double		tail = rest - order->size[i];
		int			top = top_of(rest / order->unit, slot);
		double		due = binomial(top, slot) * order->unit;

		/* see the top: growth of a slot from one number to the next */
		double		growth = (double) slot / Max(top + 1 - slot, 1);

		if (slot == 1 || (order->size[i] < due && tail >= GROWTH_SHARE * growth * order->size[i]))
			return i;
		rest = tail;
	}
	return from;
}

/* Choose the segments from position `from` on. */
static uint32
choose_from(const Order *order, uint32 from, const BarqCandidate *base, uint32 *chosen)
{
	uint32		n = 0;

	for (uint32 i = from; i < order->n; i++)
		chosen[n++] = (uint32) (order->segments[i] - base);
	return n;
}

/* Bytes of the small segments. */
static uint64
small_bytes(const Order *order)
{
	uint64		sum = 0;

	for (uint32 i = order->n - order->nsmall; i < order->n; i++)
		sum += order->segments[i]->bytes;
	return sum;
}

/*
 * So many small segments that they are a unit, and what is due with them. Beside a merge
 * under way: all small segments, when they are half of what inserts wait for, and those
 * next in size; but if there are more than max_segments, merges do not keep up, and inserts
 * have to wait.
 */
static uint32
choose_full(const Order *order, uint32 *from)
{
	if (order->nsmall < (uint32) order->ratio)
		return 0;
	*from = order->n - order->nsmall;
	if (order->after_busy == 0)
		*from = extend_to_slots(order, *from);
	else if (small_bytes(order) < order->policy->growing_hard_limit / 2 ||
			 order->n - first_open(order) > (uint32) order->policy->max_segments)
		return 0;
	else
		while (*from > order->after_busy &&
			   order->size[*from - 1] <= BESIDE_GROWTH * sum_from(order, *from))
			--*from;
	return order->n - *from;
}

/* Above max_segments: so many of the smallest that half of that number are left. */
static uint32
choose_excess(const Order *order, uint32 *from)
{
	uint32		open = order->n - first_open(order);
	uint32		most = (uint32) order->policy->max_segments;

	if (open <= most)
		return 0;
	*from = extend_to_slots(order, order->n - Max(2, open - most / 2));
	return order->n - *from;
}

/*
 * The segment at `position`, with smaller ones as far as max_merged_size goes: they
 * would be merged into it later.
 */
static uint32
choose_with_smaller(const Order *order, uint32 position, const BarqCandidate *base,
					uint32 *chosen)
{
	double		sum = 0;
	uint32		n = 0;

	for (uint32 i = position; i < order->n; i++)
	{
		if (i > position && sum + order->size[i] > order->policy->largest_merged)
			continue;
		sum += order->size[i];
		chosen[n++] = (uint32) (order->segments[i] - base);
	}
	return n;
}

/*
 * The largest provisional segment that is not small, and smaller ones. Searches scan
 * a large log that was sealed at once until it is part of a graph, so it does not wait
 * for a unit to be full. Logs of the usual size do: merging each at once would write
 * a few times its size for it.
 */
static uint32
choose_large_provisional(const Order *order, const BarqCandidate *base, uint32 *chosen)
{
	for (uint32 i = 0; i < order->n - order->nsmall; i++)
		if (order->segments[i]->provisional)
			return choose_with_smaller(order, i < first_open(order) ? i :
									   extend_to_slots(order, i), base, chosen);
	return 0;
}

/* Small provisional segments of which the index kind says that they cost searches much. */
static uint32
choose_urgent(const Order *order, const BarqCandidate *base, uint32 *chosen)
{
	uint32		n = 0;

	for (uint32 i = order->n - order->nsmall; i < order->n; i++)
		if (order->segments[i]->urgent)
			chosen[n++] = (uint32) (order->segments[i] - base);
	return n;
}

/* The largest segment of which many rows are dead, and smaller ones. */
static uint32
choose_dead(const Order *order, const BarqCandidate *base, uint32 *chosen)
{
	for (uint32 i = 0; i < order->n; i++)
		if (barq_many_are_dead(order->segments[i]->rows, order->segments[i]->dead))
			return choose_with_smaller(order, i, base, chosen);
	return 0;
}

/*
 * The choice for an index at rest: as few segments as max_merged_size allows. 0 if the
 * only one below it has no dead rows and is final.
 */
static uint32
choose_at_rest(const Order *order, bool all, uint32 *from)
{
	uint32		first = all ? 0 : first_open(order);
	const BarqCandidate *only;

	*from = first;
	if (order->n - first != 1)
		return order->n - first;
	only = order->segments[first];
	return only->dead > 0 || only->provisional ? 1 : 0;
}

/*
 * Bytes that a merge beside one under way takes at most. So a collected log is smaller than
 * the largest graph, whose search bounds its own.
 */
static double
most_beside(const Order *order)
{
	return Min(BESIDE_SHARE * order->size[order->after_busy - 1], (double) BARQ_MOST_BESIDE);
}

/*
 * Of n chosen segments, which are small, leave those that a merge beside one under way may
 * take: the smallest, as far as most_beside() goes. None, if that is one segment of several.
 */
static uint32
limit_beside(const Order *order, const BarqCandidate *base, uint32 *chosen, uint32 n)
{
	double		most = most_beside(order);
	uint32		left = 0;

	for (uint32 i = order->n; i > order->after_busy; i--)
	{
		uint32		at = (uint32) (order->segments[i - 1] - base);
		bool		found = false;

		for (uint32 j = left; j < n && !found; j++)
			if (chosen[j] == at)
			{
				chosen[j] = chosen[left];
				found = true;
			}
		if (!found)
			continue;
		if (order->size[i - 1] > most)
			break;
		most -= order->size[i - 1];
		chosen[left++] = at;
	}
	return left == n || left >= 2 ? left : 0;
}

/*
 * Logs that are collected beside a merge under way: small ones, if they are enough, and
 * larger ones, collected before, that are at most BESIDE_GROWTH times as large as all
 * smaller ones; no more than inserts wait for.
 */
static uint32
choose_logs(const Order *order, const BarqCandidate *base, uint32 *chosen)
{
	const uint32 least = first_open(order) > 0 ? LOGS_COLLECTED_LARGE :
		(uint32) logs_collected[order->policy->mode];
	const double most = Min(most_beside(order), (double) order->policy->growing_hard_limit);
	double		bytes = 0;
	double		size = 0;
	uint32		n = 0;

	for (uint32 i = order->n; i > order->after_busy; i--)
	{
		const BarqCandidate *segment = order->segments[i - 1];

		if (!segment->collectable)
			continue;
		if (bytes + segment->bytes > most ||
			(segment->bytes > LOG_LIMITS_COLLECTED * order->policy->growing_limit &&
			 (n < least || order->size[i - 1] > BESIDE_GROWTH * size)))
			break;
		bytes += segment->bytes;
		size += order->size[i - 1];
		chosen[n++] = (uint32) (segment - base);
	}
	return n >= least ? n : 0;
}

uint32
barq_choose(const BarqCandidate *segments, uint32 n, const BarqPolicy *policy, BarqChoice choice,
			uint32 *chosen)
{
	Order		order;
	uint32		from;
	uint32		result = 0;

	begin_order(&order, segments, n, policy);
	Assert(order.after_busy == 0 ? choice != BARQ_CHOOSE_LOGS :
		   choice == BARQ_CHOOSE_DUE || choice == BARQ_CHOOSE_LOGS);
	if (choice == BARQ_CHOOSE_LOGS)
		result = choose_logs(&order, segments, chosen);
	else if (choice != BARQ_CHOOSE_DUE)
	{
		if (choose_at_rest(&order, choice == BARQ_CHOOSE_ALL, &from) > 0)
			result = choose_from(&order, from, segments, chosen);
	}
	else if (choose_full(&order, &from) > 0 ||
			 (order.after_busy == 0 && choose_excess(&order, &from) > 0))
		result = choose_from(&order, from, segments, chosen);
	else if ((result = choose_urgent(&order, segments, chosen)) == 0 &&
			 order.after_busy == 0 &&
			 (result = choose_large_provisional(&order, segments, chosen)) == 0)
		result = choose_dead(&order, segments, chosen);
	if (result > 0 && order.after_busy > 0 && choice == BARQ_CHOOSE_DUE)
		result = limit_beside(&order, segments, chosen, result);
	end_order(&order);
	return result;
}
