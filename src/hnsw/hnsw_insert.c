/*
 * hnsw_insert.c
 *	  Inserting rows into the work area (Malkov & Yashunin, algorithm 1), by
 *	  any number of processes at once. README.md states the invariants.
 */
#include "postgres.h"

#include <math.h>
#include <sys/resource.h>

#include "hnsw/hnsw_beam.h"
#include "hnsw/hnsw_visited.h"
#include "hnsw/hnsw_work.h"

#define CLAIM_ROWS	16			/* rows taken at a time */

/*
 * Rows after which page faults are counted; faults a row from which on the next windows
 * are narrow, and how many of them (measured: docs/performance.md).
 */
#define WATCHED_ROWS	256
#define MANY_FAULTS		2
#define NARROW_RUN		8

/*
 * The level comes from a hash of the row number (splitmix64's finalizer), so
 * that the sizing of the area and all processes draw the same levels.
 */
int
barq_hnsw_draw_level(uint32 row, int m)
{
	uint64		z = (uint64) row + UINT64CONST(0x9e3779b97f4a7c15);
	double		u;
	int			level;

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	z ^= z >> 31;
	u = ((z >> 11) + 1) * (1.0 / 9007199254740993.0);	/* (0, 1] */
	level = (int) (-log(u) / log(m));
	return Min(level, HNSW_MAX_LAYERS);
}

/*
 * Select the neighbours of `of` on a layer anew from the n that list[] has and from `row`;
 * writes them to list[] and returns their number. Neighbours outside of the builder's
 * window, whose codes are not read, stay behind the others, as far as they take half of
 * the list: they were selected while the window had them.
 */
static int
select_anew(HnswBuilder *builder, int layer, uint32 of, uint32 row, uint32 *list, int n)
{
	BarqHnswWork *work = builder->work;
	const uint8 *window = layer == 0 ? builder->window : NULL;
	int			degree = hnsw_work_degree(work, layer);
	const char *code = hnsw_work_code(work, of);
	uint32	   *rows = builder->fresh;
	float	   *keys = builder->keys;
	uint32		outside[HNSW_MAX_DEGREE / 2];
	int			noutside = 0;
	int			ninside = 0;

	for (int i = 0; i < n; i++)
	{
		if (window == NULL || hnsw_in_window(window, list[i]))
			rows[ninside++] = list[i];
		else if (noutside < degree / 2)
			outside[noutside++] = list[i];
	}
	barq_code_keys(&work->codec, code, hnsw_work_codes(work), work->codec.stride, rows,
				   ninside, keys);
	for (int i = 0; i < ninside; i++)
	{
		builder->candidates[i].key = keys[i];
		builder->candidates[i].row = rows[i];
	}
	builder->candidates[ninside].key =
		barq_code_key(&work->codec, code, hnsw_work_code(work, row));
	builder->candidates[ninside].row = row;
	for (int i = 0; i <= ninside; i++)
		barq_keys_clean(&builder->candidates[i].key, 1);
	n = barq_hnsw_select(work, builder->candidates, ninside + 1, 0, degree - noutside,
						 hnsw_work_refill(work, layer) - noutside, list,
						 &builder->scratch);
	memcpy(list + n, outside, noutside * sizeof(uint32));
	return n + noutside;
}

/*
 * Make `row` a neighbour of `of` on a layer, selecting anew where the list is
 * full. The new list is computed from a copy of the old one; if another process
 * has changed the list meanwhile, it is computed again.
 */
static void
link_back(HnswBuilder *builder, int layer, uint32 of, uint32 row)
{
	BarqHnswWork *work = builder->work;
	int			degree = hnsw_work_degree(work, layer);
	int			spins = 0;

	for (;;)
	{
		uint32		version;
		uint32	   *list = builder->list;
		int			n = hnsw_work_read_list(work, layer, of, list, &version);
		bool		known = false;

		for (int i = 0; i < n; i++)
			known |= (list[i] == row);
		if (known)
			return;
		if (n < degree)
			list[n++] = row;
		else
			n = select_anew(builder, layer, of, row, list, n);
		if (hnsw_work_write_list(work, layer, of, list, n, version))
			return;
		hnsw_spin(&spins);
	}
}

/* Select a row's neighbours from the n rows in the beam; returns their number. */
static int
choose(HnswBuilder *builder, int layer, int n, uint32 *chosen)
{
	int			max = hnsw_work_choice(builder->work, layer);

	return barq_hnsw_select(builder->work, builder->beam, n, 0, max,
							layer == 0 ? max : 0, chosen, &builder->scratch);
}

/*
 * Insert a row whose lists are empty into a graph that has the given entry
 * point, up to the lower of the two levels.
 */
static void
insert_row(HnswBuilder *builder, uint32 row, int level, uint64 entry)
{
	BarqHnswWork *work = builder->work;
	const char *code = hnsw_work_code(work, row);
	int			top = Min(level, HNSW_ENTRY_LEVEL(entry));
	uint32		start = barq_hnsw_work_descend(builder, code, entry, top);
	uint32		chosen[HNSW_MAX_LAYERS + 1][HNSW_MAX_DEGREE];
	int			nchosen[HNSW_MAX_LAYERS + 1];

	/*
	 * Choose on all layers before any row links to this one (README.md,
	 * invariant 2): a search that reaches it needs its lists to go on.
	 */
	for (int l = top; l >= 0; l--)
	{
		int			n = barq_hnsw_work_search(builder, code, start, l);

		start = builder->beam[0].row;
		nchosen[l] = choose(builder, l, n, chosen[l]);
	}
	for (int l = 0; l <= top; l++)
	{
		/* no other process writes these lists: no row links to this one yet */
		uint32		version = pg_atomic_read_u32(hnsw_work_version(work, row));
		bool		written PG_USED_FOR_ASSERTS_ONLY;

		written = hnsw_work_write_list(work, l, row, chosen[l], nchosen[l], version);
		Assert(written);
	}
	for (int l = 0; l <= top; l++)
	{
		for (int i = 0; i < nchosen[l]; i++)
			link_back(builder, l, chosen[l][i], row);
	}
}

void
barq_hnsw_work_join(HnswBuilder *builder, int layer, uint32 row)
{
	BarqHnswWork *work = builder->work;
	const char *code = hnsw_work_code(work, row);
	uint64		entry = pg_atomic_read_u64(&work->entry);
	uint32		start = barq_hnsw_work_descend(builder, code, entry, layer);
	uint32		searchable = Max(work->kept, pg_atomic_read_u32(&work->claimed));
	int			n;
	uint32		chosen[HNSW_MAX_DEGREE];
	int			nchosen;
	int			left = 0;

	/* look everywhere */
	builder->window = NULL;

	/* the descent ends at the row itself if it is the entry point */
	for (uint32 other = 0; start == row && other < searchable; other++)
	{
		if (other != row && hnsw_work_levels(work)[other] >= layer &&
			*hnsw_work_list(work, layer, other) != HNSW_NONE)
			start = other;
	}
	n = barq_hnsw_work_search(builder, code, start, layer);
	for (int i = 0; i < n; i++)
	{
		if (builder->beam[i].row != row)
			builder->beam[left++] = builder->beam[i];
	}
	nchosen = choose(builder, layer, left, chosen);
	for (int i = 0; i < nchosen; i++)
	{
		link_back(builder, layer, row, chosen[i]);
		link_back(builder, layer, chosen[i], row);
	}
}

/* Choose the window for a row; rows before all windows have none. */
static inline void
choose_window(HnswBuilder *builder, uint32 row)
{
	BarqHnswWork *work = builder->work;
	const uint32 *first = work->window_first;

	builder->window = NULL;
	if (work->nwindows == 0 || row < first[0])
		return;

	/* the next one mostly */
	if (row < first[builder->window_number])
		builder->window_number = 0;
	while (row >= first[builder->window_number + 1])
		builder->window_number++;
	builder->window = hnsw_work_window(work, builder->window_number,
									   builder->window_number < builder->narrow_end);
}

/*
 * After `rows` further rows: if this process waits for pages more often than MANY_FAULTS
 * times a row, the pages of its window do not stay in memory. Then the next NARROW_RUN
 * windows are narrow. No process knows how much memory it has, but it sees its page faults.
 */
static inline void
watch_faults(HnswBuilder *builder, uint32 rows)
{
	struct rusage usage;

	builder->unwatched += rows;
	if (builder->unwatched < WATCHED_ROWS || getrusage(RUSAGE_SELF, &usage) != 0)
		return;
	if (builder->faults > 0 &&
		usage.ru_majflt - builder->faults > (long) MANY_FAULTS * builder->unwatched)
		builder->narrow_end = builder->window_number + NARROW_RUN;
	builder->faults = Max(usage.ru_majflt, 1);
	builder->unwatched = 0;
}

/*
 * Insert a row that this process has claimed. Holds entry_lock while the row
 * becomes the entry point (README.md, invariant 3); raises no error then.
 */
static void
insert_claimed(HnswBuilder *builder, uint32 row)
{
	BarqHnswWork *work = builder->work;
	int			level = hnsw_work_levels(work)[row];
	uint64		entry = pg_atomic_read_u64(&work->entry);

	/* copies are linked by barq_hnsw_copies_link() */
	if (hnsw_work_first(work)[row] != row)
		return;
	choose_window(builder, row);
	if (entry == HNSW_NO_ENTRY || level > HNSW_ENTRY_LEVEL(entry))
	{
		uint32		unlocked = 0;
		int			spins = 0;

		barq_hnsw_visited_expect(builder->visited, work->rows);

		/*
		 * A row with a level above all others (a dozen in a million) becomes
		 * the entry point. Only other rows of that sort wait for the lock. While
		 * it is held nothing is allocated.
		 */
		while (!pg_atomic_compare_exchange_u32(&work->entry_lock, &unlocked, 1))
		{
			unlocked = 0;
			hnsw_spin(&spins);
		}
		pg_read_barrier();
		entry = pg_atomic_read_u64(&work->entry);
		if (entry != HNSW_NO_ENTRY)
			insert_row(builder, row, level, entry);
		if (entry == HNSW_NO_ENTRY || level > HNSW_ENTRY_LEVEL(entry))
		{
			pg_write_barrier();
			pg_atomic_write_u64(&work->entry, HNSW_ENTRY(level, row));
		}
		pg_write_barrier();
		pg_atomic_write_u32(&work->entry_lock, 0);
		barq_hnsw_visited_expect(builder->visited, HNSW_VISITS(builder->ef));
		return;
	}
	pg_read_barrier();
	insert_row(builder, row, level, entry);
}

/*
 * Whatever step the first attempt ended at: a row whose list on layer 0 is empty has no
 * list at all, and no row links to it (README.md, invariant 2). Any other row is joined
 * once more on each layer, which adds what is missing.
 */
void
barq_hnsw_work_insert_again(HnswBuilder *builder, uint32 row)
{
	BarqHnswWork *work = builder->work;
	int			level = hnsw_work_levels(work)[row];
	uint64		entry = pg_atomic_read_u64(&work->entry);

	if (hnsw_work_first(work)[row] != row)
		return;
	if (entry == HNSW_NO_ENTRY ||
		(HNSW_ENTRY_ROW(entry) != row && *hnsw_work_list(work, 0, row) == HNSW_NONE))
	{
		insert_claimed(builder, row);
		return;
	}
	for (int l = Min(level, HNSW_ENTRY_LEVEL(entry)); l >= 0; l--)
		barq_hnsw_work_join(builder, l, row);
	if (level > HNSW_ENTRY_LEVEL(entry))
		pg_atomic_write_u64(&work->entry, HNSW_ENTRY(level, row));
}

/*
 * Claim the next rows [*first, end); returns end, or 0 where none is left. The claim is
 * noted before it is made, so that no row is lost with a process that is killed. At the
 * end the counter is not increased: adding for each call could wrap it around.
 */
static uint32
claim_rows(BarqHnswWork *work, pg_atomic_uint64 *claim, uint32 *first)
{
	*first = pg_atomic_read_u32(&work->claimed);
	while (*first < work->rows)
	{
		uint32		end = Min(work->rows - *first, CLAIM_ROWS) + *first;

		pg_atomic_write_u64(claim, (uint64) *first << 32 | end);
		pg_write_barrier();
		if (pg_atomic_compare_exchange_u32(&work->claimed, first, end))
			return end;
	}
	pg_atomic_write_u64(claim, 0);
	return 0;
}

void
barq_hnsw_work_insert(BarqHnswWork *work, BarqBuildProgress progress, void *arg)
{
	HnswBuilder builder;
	uint32		me = pg_atomic_fetch_add_u32(&work->claimants, 1);
	pg_atomic_uint64 *claim = &work->claims[Min(me, HNSW_CLAIMANTS - 1)];
	uint32		first;
	uint32		end;

	/* the first process always has a place */
	if (me >= HNSW_CLAIMANTS)
		return;
	barq_hnsw_builder_init(&builder, work);
	hnsw_work_advise(work, true);
	while ((end = claim_rows(work, claim, &first)) > 0)
	{
		for (uint32 row = first; row < end; row++)
			insert_claimed(&builder, row);
		pg_write_barrier();
		pg_atomic_write_u64(claim, 0);
		if (work->nwindows > 0)
			watch_faults(&builder, end - first);
		if (progress != NULL)
			progress(arg, end - first);
	}
	hnsw_work_advise(work, false);
	barq_hnsw_builder_end(&builder);
}
