/*
 * hnsw_connect.c
 *	  The order in which rows are written, breadth-first from the entry point
 *	  over layer 0, and links to the rows that this walk does not reach.
 *
 * Pruning leaves a few rows without any link to them, which no search could
 * find. Each is linked to from a near row that the walk has reached, in a free
 * place of that row's list or in place of a link that the walk did not use, so
 * that rows reached before stay reachable.
 */
#include "postgres.h"

#include "base/bits.h"
#include "base/interrupts.h"
#include "hnsw/hnsw_copies.h"

/* A breadth-first walk over layer 0. */
typedef struct Walk
{
	BarqHnswWork *work;
	uint32	   *order;			/* rows reached, in order; also the queue */
	uint32		head;			/* order[0 .. head-1]: their lists were read */
	uint32		tail;			/* rows reached */
	uint32	   *parent;			/* by row: from which it was reached (the entry
								 * point: itself); HNSW_NONE: not reached */
} Walk;

/* Note the neighbours of a reached row that are not reached yet. */
static inline void
expand(Walk *walk, uint32 row)
{
	const uint32 *list = hnsw_work_list(walk->work, 0, row);
	int			degree = hnsw_work_degree(walk->work, 0);

	for (int i = 0; i < degree && list[i] != HNSW_NONE; i++)
	{
		if (walk->parent[list[i]] == HNSW_NONE)
		{
			walk->parent[list[i]] = row;
			walk->order[walk->tail++] = list[i];
		}
	}
}

/* Walk on until the queue is empty. */
static void
walk_on(Walk *walk)
{
	while (walk->head < walk->tail)
	{
		uint32		row = walk->order[walk->head++];

		if ((walk->head & 0xfff) == 0)
			barq_check_interrupts();
		expand(walk, row);
	}
}

/*
 * Reach the same rows as walk_on() from the rows reached so far, whose lists were not
 * read: by passes over the rows upwards and downwards, so that lists of an area larger
 * than memory are read in their order. Rows are by place, hence most are reached in the
 * first passes.
 */
static void
sweep(Walk *walk)
{
	uint32		rows = walk->work->rows;
	uint32		expanded = 0;
	uint8	   *done = MemoryContextAllocHuge(CurrentMemoryContext, barq_bits_bytes(rows));

	memset(done, 0, barq_bits_bytes(rows));
	for (bool down = false; expanded < walk->tail; down = !down)
	{
		for (uint32 i = 0; i < rows && expanded < walk->tail; i++)
		{
			uint32		row = down ? rows - 1 - i : i;

			if ((i & 0xfff) == 0)
				barq_check_interrupts();
			if (walk->parent[row] == HNSW_NONE || barq_bit_is_set(done, row))
				continue;
			barq_bit_set(done, row);
			expanded++;
			expand(walk, row);
		}
	}
	walk->head = walk->tail;
	pfree(done);
}

/*
 * Link from a reached row to a row not reached, which then counts as reached.
 * False if the reached row's list is full of links that the walk has used.
 */
static bool
link_from(Walk *walk, uint32 from, uint32 row)
{
	uint32	   *list = hnsw_work_list(walk->work, 0, from);
	int			degree = hnsw_work_degree(walk->work, 0);
	const uint32 *first = hnsw_work_first(walk->work);
	int			n = hnsw_list_length(list, degree);
	int			place = n;

	if (n == degree)
	{
		for (place = n - 1; place >= 0; place--)
		{
			if (walk->parent[list[place]] != from && list[place] != first[from])
				break;
		}
		if (place < 0)
			return false;
	}
	list[place] = row;
	walk->parent[row] = from;
	walk->order[walk->tail++] = row;
	return true;
}

/*
 * Link to `row` from the nearest reached row that has a place for it; false if
 * there is none. Always false under the inner product: almost all rows have the
 * same few long rows as nearest ones, whose links would be replaced by links
 * to rows that hardly any search wants.
 */
static bool
link_from_near(Walk *walk, HnswBuilder *builder, uint32 row)
{
	BarqHnswWork *work = walk->work;
	const char *code = hnsw_work_code(work, row);
	uint64		entry = pg_atomic_read_u64(&work->entry);
	uint32		start;
	int			n;

	if (work->codec.metric == BARQ_METRIC_IP)
		return false;
	/* the upper layers may lead to a part of layer 0 that is not reached */
	start = barq_hnsw_work_descend(builder, code, entry, 0);
	if (walk->parent[start] == HNSW_NONE)
		start = HNSW_ENTRY_ROW(entry);
	n = barq_hnsw_work_search(builder, code, &start, 1, builder->ef, 0);
	for (int i = 0; i < n; i++)
	{
		if (link_from(walk, builder->beam[i].row, row))
			return true;
	}
	return false;
}

/* Link to `row` from a near reached row, else from the last one with a place. */
static void
link_row(Walk *walk, HnswBuilder *builder, uint32 row)
{
	if (link_from_near(walk, builder, row))
		return;

	/* the row reached last is no row's parent, so its links are replaceable */
	for (uint32 i = walk->tail; i-- > 0;)
	{
		if (link_from(walk, walk->order[i], row))
			return;
	}
	elog(ERROR, "could not link row %u", row);
}

void
barq_hnsw_work_order(BarqHnswWork *work, uint32 *order)
{
	Walk		walk;
	HnswBuilder builder;
	uint32		entry;

	if (work->rows == 0)
		return;
	walk.work = work;
	walk.order = order;
	walk.parent = MemoryContextAllocHuge(CurrentMemoryContext,
										 (Size) work->rows * sizeof(uint32));
	barq_hnsw_copies_link(work, walk.parent, order);
	memset(walk.parent, 0xff, (Size) work->rows * sizeof(uint32));
	entry = HNSW_ENTRY_ROW(pg_atomic_read_u64(&work->entry));
	walk.parent[entry] = entry;
	walk.order[0] = entry;
	walk.head = 0;
	walk.tail = 1;
	if (work->by_place)
		sweep(&walk);
	else
		walk_on(&walk);

	if (walk.tail < work->rows)
	{
		barq_hnsw_builder_init(&builder, work);
		hnsw_work_advise(work, true);
		for (uint32 row = 0; walk.tail < work->rows; row++)
		{
			if (walk.parent[row] != HNSW_NONE)
				continue;
			link_row(&walk, &builder, row);
			walk_on(&walk);
			barq_check_interrupts();
		}
		hnsw_work_advise(work, false);
		barq_hnsw_builder_end(&builder);
	}
	pfree(walk.parent);
}
