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
 * For a row that has a list already: neighbours whose lists are read to begin its search, and
 * the breadth of that search, a part of ef_construction that is less by the share of the rows
 * that its input has (measured: docs/performance.md, "Joining graphs").
 */
#define NEAR_ASKED		8
#define NEAR_MOST		0.9
#define NEAR_SLOPE		1.6
#define NEAR_LEAST		0.375
#define NEAR_LEAST_EF	16

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
 * Select the neighbours of a row on a layer anew from the n that list[] has and from more[],
 * which is sorted; writes them to list[] and returns their number. fill and *apart as in
 * barq_hnsw_select().
 * Neighbours outside of the builder's window, whose codes are not read, stay behind the
 * others, as far as they take half of the list: they were selected while the window had
 * them.
 */
static int
select_anew(HnswBuilder *builder, int layer, uint32 of, uint32 *list, int n,
			const BarqHit *more, int nmore, int fill, int *apart)
{
	BarqHnswWork *work = builder->work;
	const uint8 *window = layer == 0 ? builder->window : NULL;
	int			degree = hnsw_work_degree(work, layer);
	uint32	   *rows = builder->fresh;
	float	   *keys = builder->keys;
	uint32		outside[HNSW_MAX_DEGREE / 2];
	int			noutside = 0;
	int			ninside = 0;

	for (int i = 0; i < n; i++)
	{
		bool		known = false;

		for (int j = 0; j < nmore && !known; j++)
			known = more[j].row == list[i];
		if (known)
			continue;
		if (window == NULL || hnsw_in_window(window, list[i]))
			rows[ninside++] = list[i];
		else if (noutside < degree / 2)
			outside[noutside++] = list[i];
	}
	barq_code_keys(&work->codec, hnsw_work_code(work, of), hnsw_work_codes(work),
				   work->codec.stride, rows, ninside, keys);
	barq_keys_clean(keys, ninside);
	memcpy(builder->candidates, more, nmore * sizeof(BarqHit));
	for (int i = 0; i < ninside; i++)
		(void) hnsw_beam_insert(builder->candidates, 0, nmore + i, keys[i], rows[i]);
	n = barq_hnsw_select(work, builder->candidates, ninside + nmore, 0, degree - noutside,
						 Max(fill - noutside, 0), list, apart, &builder->scratch);
	memcpy(list + n, outside, noutside * sizeof(uint32));
	return n + noutside;
}

/*
 * Make `row` a neighbour of `of` on a layer, selecting anew where the list is
 * full (only_free: not then). The new list is computed from a copy of the old one; if
 * another process has changed the list meanwhile, it is computed again.
 */
static void
link_back(HnswBuilder *builder, int layer, uint32 of, uint32 row, bool only_free)
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
		else if (only_free)
			return;
		else
		{
			BarqHit		hit = {
				barq_code_key(&work->codec, hnsw_work_code(work, of), hnsw_work_code(work, row)),
				row
			};

			barq_keys_clean(&hit.key, 1);
			n = select_anew(builder, layer, of, list, n, &hit, 1, hnsw_work_refill(work, layer), NULL);
		}
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
							layer == 0 ? max : 0, chosen, NULL, &builder->scratch);
}

/* Take a row from the n rows in the beam; returns how many remain. */
static int
leave_out_row(HnswBuilder *builder, int n, uint32 row)
{
	int			left = 0;

	for (int i = 0; i < n; i++)
	{
		if (builder->beam[i].row != row)
			builder->beam[left++] = builder->beam[i];
	}
	return left;
}

/*
 * Collect rows at which the search for a row begins that has a list since it was loaded: its
 * neighbours of other inputs, and those of its neighbours that were inserted before. Returns
 * their number, 0 if its own input is the only one that is known around it.
 */
static int
near_starts(HnswBuilder *builder, uint32 row)
{
	BarqHnswWork *work = builder->work;
	const uint8 *sources = hnsw_work_sources(work);
	const uint8 *window = builder->window;
	uint32	   *near = builder->fresh;
	uint32		version;
	int			nnear = hnsw_work_read_list(work, 0, row, near, &version);
	int			asked = 0;
	int			nstarts = 0;

	barq_hnsw_visited_clear(builder->visited);
	for (int i = 0; i < nnear && nstarts < HNSW_CANDIDATES - 1; i++)
	{
		int			n;

		if (window != NULL && !hnsw_in_window(window, near[i]))
			continue;
		if (sources[near[i]] != builder->source)
		{
			builder->starts[nstarts] = near[i];
			nstarts += barq_hnsw_visit(builder->visited, near[i]);
			continue;
		}
		if (near[i] >= row || asked++ >= NEAR_ASKED)
			continue;
		n = hnsw_work_read_list(work, 0, near[i], builder->list, &version);
		for (int j = 0; j < n && nstarts < HNSW_CANDIDATES - 1; j++)
		{
			if (sources[builder->list[j]] == builder->source ||
				(window != NULL && !hnsw_in_window(window, builder->list[j])))
				continue;
			builder->starts[nstarts] = builder->list[j];
			nstarts += barq_hnsw_visit(builder->visited, builder->list[j]);
		}
	}
	return nstarts;
}

/*
 * Breadth of the search that begins at these rows: the smaller its input's share of all rows,
 * the fewer of the row's neighbours its list has.
 */
static inline int
near_breadth(const HnswBuilder *builder)
{
	const BarqHnswWork *work = builder->work;
	double		share = (double) work->source_rows[builder->source] / work->rows;
	int			breadth = (int) (builder->ef * Max(NEAR_MOST - NEAR_SLOPE * share, NEAR_LEAST));

	return Max(breadth, Min(builder->ef, NEAR_LEAST_EF));
}

/*
 * Choose a row's neighbours on layer 0 from the n rows in the beam and from its list, if it
 * has one, and write them. Returns how many of chosen[] are to link back, of which the first
 * *apart have to where a list is full.
 */
static int
choose_and_write(HnswBuilder *builder, uint32 row, int n, uint32 *chosen, int *apart)
{
	BarqHnswWork *work = builder->work;
	uint32		had[HNSW_MAX_DEGREE];
	uint32		list[HNSW_MAX_DEGREE];
	int			nhad;
	int			nlist;
	int			nchosen = 0;
	int			napart;
	uint32		version;

	do
	{
		nhad = hnsw_work_read_list(work, 0, row, had, &version);
		memcpy(list, had, nhad * sizeof(uint32));
		if (nhad > 0)
			nlist = select_anew(builder, 0, row, list, nhad, builder->beam, n,
								hnsw_work_degree(work, 0), &napart);
		else
			nlist = napart = choose(builder, 0, n, list);
	} while (!hnsw_work_write_list(work, 0, row, list, nlist, version));

	*apart = 0;
	for (int i = 0; i < nlist; i++)
	{
		bool		known = false;

		for (int j = 0; j < nhad && !known; j++)
			known = had[j] == list[i];
		if (!known)
			chosen[nchosen++] = list[i];
		if (i < napart)
			*apart = nchosen;
	}
	return nchosen;
}

/*
 * Insert a row into a graph that has the given entry point, up to the lower of the two
 * levels. Its lists are empty, but for that on layer 0 if it was loaded with one.
 */
static void
insert_row(HnswBuilder *builder, uint32 row, int level, uint64 entry)
{
	BarqHnswWork *work = builder->work;
	const char *code = hnsw_work_code(work, row);
	int			top = Min(level, HNSW_ENTRY_LEVEL(entry));
	uint32		start = HNSW_NONE;
	int			nstarts = 0;
	bool		near;
	int			n;
	int			apart;
	uint32		chosen[HNSW_MAX_LAYERS + 1][HNSW_MAX_DEGREE];
	int			nchosen[HNSW_MAX_LAYERS + 1];

	builder->source = hnsw_work_sources(work)[row];
	if (builder->source != 0)
		nstarts = near_starts(builder, row);
	near = nstarts > 0;
	if (top > 0 || !near)
		start = barq_hnsw_work_descend(builder, code, entry, top);

	/*
	 * Choose on all layers before any row links to this one (README.md,
	 * invariant 2): a search that reaches it needs its lists to go on.
	 */
	for (int l = top; l > 0; l--)
	{
		n = barq_hnsw_work_search(builder, code, &start, 1, builder->ef, l);
		start = builder->beam[0].row;
		nchosen[l] = choose(builder, l, n, chosen[l]);
	}
	if (start != HNSW_NONE)
		builder->starts[nstarts++] = start;
	n = barq_hnsw_work_search(builder, code, builder->starts, nstarts,
							  near ? near_breadth(builder) : builder->ef, 0);
	nchosen[0] = choose_and_write(builder, row, leave_out_row(builder, n, row), chosen[0], &apart);
	for (int l = 1; l <= top; l++)
	{
		uint32		version;

		/* no row links to this one on an upper layer yet, but some may on layer 0 */
		do
			(void) hnsw_work_read_list(work, l, row, builder->list, &version);
		while (!hnsw_work_write_list(work, l, row, chosen[l], nchosen[l], version));
	}
	for (int l = 0; l <= top; l++)
	{
		for (int i = 0; i < nchosen[l]; i++)
			link_back(builder, l, chosen[l][i], row, l == 0 && i >= apart);
	}
	builder->source = 0;
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

	/* look everywhere */
	builder->window = NULL;

	/* the descent ends at the row itself if it is the entry point */
	for (uint32 other = 0; start == row && other < searchable; other++)
	{
		if (other != row && hnsw_work_levels(work)[other] >= layer &&
			*hnsw_work_list(work, layer, other) != HNSW_NONE)
			start = other;
	}
	n = barq_hnsw_work_search(builder, code, &start, 1, builder->ef, layer);
	nchosen = choose(builder, layer, leave_out_row(builder, n, row), chosen);
	for (int i = 0; i < nchosen; i++)
	{
		link_back(builder, layer, row, chosen[i], false);
		link_back(builder, layer, chosen[i], row, false);
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
