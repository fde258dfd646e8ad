/*
 * budget.c
 *	  The memory budget: the launcher's passes over all images. A pass counts the
 *	  pages of images that are in memory and, above the budget, evicts the coldest
 *	  images until the rest fits. After a start it first reads the hottest images
 *	  into memory, as far as they fit, in place of colder ones.
 *
 * What is counted are pages of files in the kernel's cache, each once, however many
 * sessions have them mapped. pace.h says when the next pass comes.
 *
 * The coldest: images of indexes with memory = 'cold' first, those with 'keep' last,
 * between them those with the least heat. Heat is the number of searches, halved every
 * HALF_LIFE. It is not divided by size: a cold search reads as much from a small graph
 * as from a large one. Only the last victim of a pass may stay in part: pages are
 * dropped from a position on that goes round the file, so that an image larger than
 * the budget keeps what searches read most.
 *
 * Images are found by their folders and names: the launcher reads no catalog. Calls
 * residency.c, page_cache.c, heat_file.c, folder.c and paths.c.
 */
#include "postgres.h"

#include <ctype.h>
#include <time.h>

#include "base/settings.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "store/folder.h"
#include "store/pace.h"
#include "store/residency.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A budget is kept but for one part in so many: images in use that just fill it are left alone. */
#define SLACK_SHARE		64
#define TICK_MS			1000	/* between two passes without one */
#define RECOUNT_MS		30000	/* an image without searches is counted again */
#define WRITE_MS		10000	/* between two writes of the heat file */
#define HALF_LIFE_MS	600000	/* of heat */
#define LET_GO_MS		250		/* wait for sessions that are busy */
#define PREFETCH_MS		500		/* of a pass after a start */

/* An image as the launcher knows it from earlier passes. */
typedef struct Known
{
	uint8		id[BARQ_ID_BYTES];	/* the key: first */
	uint64		cached;			/* bytes in memory when it was counted last */
	TimestampTz counted;
	TimestampTz used;			/* by searches, or to verify it, at that time */
	uint64		hand;			/* of barq_uncache() */
	uint64		pass;			/* in which its file was seen last */
} Known;

/* An image of this pass. */
typedef struct Image
{
	BarqImageUse use;
	char	   *path;
	Known	   *known;
} Image;

typedef struct Pass
{
	HTAB	   *uses;			/* of BarqImageUse, by id */
	Image	   *images;
	int			n;
	int			space;
	uint64		cached;			/* bytes of all images in memory */
} Pass;

static HTAB *known = NULL;		/* of Known */
static uint64 pass_number = 0;
static TimestampTz last_tick = 0;
static TimestampTz last_write = 0;

/* After a start: what is left to read into memory. */
static struct
{
	MemoryContext context;		/* NULL: nothing */
	BarqImageUse *uses;
	int			n;
	int			next;
	uint64		position;		/* in the next image */
} prefetch;

/* ---- images ---- */

/* Make a hash table whose keys are ids, which begin its entries. */
static HTAB *
table_by_id(const char *name, Size entry_bytes, MemoryContext context)
{
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = BARQ_ID_BYTES;
	control.entrysize = entry_bytes;
	control.hcxt = context;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The id that the name of an image file is; false if it is another file. */
static bool
parse_name(const char *name, uint8 *id)
{
	if (strlen(name) != BARQ_ID_TEXT - 1 + 4 || strcmp(name + BARQ_ID_TEXT - 1, ".img") != 0)
		return false;
	for (int i = 0; i < BARQ_ID_BYTES; i++)
	{
		const char	digits[] = {name[2 * i], name[2 * i + 1], '\0'};
		char	   *end;

		id[i] = (uint8) strtoul(digits, &end, 16);
		if (end != digits + 2 || !isxdigit((unsigned char) digits[0]))
			return false;
	}
	return true;
}

/* Add the image of this id and path. */
static void
add_image(Pass *pass, const uint8 *id, char *path)
{
	const BarqImageUse *use = hash_search(pass->uses, id, HASH_FIND, NULL);
	Image	   *image;
	bool		found;

	if (pass->n == pass->space)
	{
		pass->space = Max(64, pass->space * 2);
		pass->images = pass->images == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Image) * pass->space) :
			repalloc_huge(pass->images, sizeof(Image) * pass->space);
	}
	image = &pass->images[pass->n++];
	memset(image, 0, sizeof(*image));
	if (use != NULL)
		image->use = *use;
	memcpy(image->use.id, id, BARQ_ID_BYTES);
	image->path = path;
	image->known = hash_search(known, id, HASH_ENTER, &found);
	if (!found)
		memset((char *) image->known + BARQ_ID_BYTES, 0, sizeof(Known) - BARQ_ID_BYTES);
	image->known->pass = pass_number;
}

/*
 * Images of one folder that no session has mapped yet (a merge has just made them) are as
 * hot as the others.
 */
static void
share_heat(Pass *pass, int first)
{
	const BarqImageUse *hottest = NULL;

	for (int i = first; i < pass->n; i++)
		if (pass->images[i].use.heat > 0 &&
			(hottest == NULL || pass->images[i].use.heat > hottest->heat))
			hottest = &pass->images[i].use;
	if (hottest == NULL)
		return;
	for (int i = first; i < pass->n; i++)
		if (!pass->images[i].use.mapped && pass->images[i].use.heat == 0)
		{
			pass->images[i].use.heat = hottest->heat;
			pass->images[i].use.memory = hottest->memory;
		}
}

/* Add the images below a folder of `levels` levels of folders. */
static void
walk(Pass *pass, const char *folder, int levels)
{
	List	   *names = barq_folder_names(folder);
	ListCell   *cell;
	int			first = pass->n;

	foreach(cell, names)
	{
		const char *name = lfirst(cell);
		char	   *path;
		uint8		id[BARQ_ID_BYTES];

		if (name[0] < '0' || name[0] > 'f')
			continue;
		path = psprintf("%s/%s", folder, name);
		CHECK_FOR_INTERRUPTS();
		if (levels > 0)
			walk(pass, path, levels - 1);
		else if (parse_name(name, id))
			add_image(pass, id, path);
	}
	if (levels == 0)
		share_heat(pass, first);
	list_free_deep(names);
}

/* Count the bytes of an image in memory, unless they are known. */
static void
count_image(Image *image, TimestampTz now)
{
	Known	   *k = image->known;
	TimestampTz used = Max(image->use.searched, image->use.verified);
	uint64		bytes;

	/* a search may have been under way, and its time is coarse */
	if (k->counted != 0 && k->used == used &&
		TimestampDifferenceMilliseconds(used, k->counted) > 5 * PASS_MS &&
		TimestampDifferenceMilliseconds(k->counted, now) < RECOUNT_MS)
		return;
	if (!barq_cached_bytes(image->path, &bytes, &k->cached))
		k->cached = 0;
	k->counted = now;
	k->used = used;
}

/*
 * Count an image of the pass again, of which pages were read or dropped; *bytes: of its file.
 * False if it is gone.
 */
static bool
count_again(Pass *pass, const char *path, Known *k, uint64 *bytes)
{
	pass->cached -= k->cached;
	if (!barq_cached_bytes(path, bytes, &k->cached))
	{
		k->cached = 0;
		return false;
	}
	pass->cached += k->cached;
	return true;
}

/* Find all images and count them. */
static void
find_images(Pass *pass, TimestampTz now)
{
	char	   *root = barq_image_root();
	int			n;
	BarqImageUse *uses = barq_residency_list(&n);
	HASH_SEQ_STATUS status;
	Known	   *k;

	memset(pass, 0, sizeof(*pass));
	pass->uses = table_by_id("barq image uses", sizeof(BarqImageUse), CurrentMemoryContext);
	for (int i = 0; i < n; i++)
		*(BarqImageUse *) hash_search(pass->uses, uses[i].id, HASH_ENTER, NULL) = uses[i];
	if (known == NULL)
		known = table_by_id("barq images known", sizeof(Known), TopMemoryContext);
	pass_number++;
	walk(pass, root, 3);
	for (int i = 0; i < pass->n; i++)
	{
		count_image(&pass->images[i], now);
		pass->cached += pass->images[i].known->cached;
	}

	/* images that are gone */
	hash_seq_init(&status, known);
	while ((k = hash_seq_search(&status)) != NULL)
		if (k->pass != pass_number)
			hash_search(known, k->id, HASH_REMOVE, NULL);
	for (int i = 0; i < n; i++)
		if (uses[i].sessions == 0 && hash_search(known, uses[i].id, HASH_FIND, NULL) == NULL)
			barq_residency_forget(uses[i].id);
}

/* ---- eviction ---- */

/* 0: evicted first */
static int
rank(BarqMemory memory)
{
	return memory == BARQ_MEMORY_COLD ? 0 : memory == BARQ_MEMORY_AUTO ? 1 : 2;
}

/* qsort order: the coldest first. */
static int
colder_first(const void *a, const void *b)
{
	const BarqImageUse *x = &((const Image *) a)->use;
	const BarqImageUse *y = &((const Image *) b)->use;

	if (rank(x->memory) != rank(y->memory))
		return rank(x->memory) - rank(y->memory);
	if (x->heat != y->heat)
		return x->heat < y->heat ? -1 : 1;
	if (x->searched != y->searched)
		return x->searched < y->searched ? -1 : 1;
	return memcmp(x->id, y->id, BARQ_ID_BYTES);
}

/* Evict the coldest images until the rest takes at most `budget` bytes of memory. */
static void
evict(Pass *pass, uint64 budget, TimestampTz now)
{
	uint8(*ids)[BARQ_ID_BYTES] = palloc(BARQ_ID_BYTES * (Size) Max(pass->n, 1));
	const uint64 slack = budget / SLACK_SHARE;
	uint64		over = pass->cached - budget;
	int			nvictims = 0;
	int			last = 0;

	qsort(pass->images, pass->n, sizeof(Image), colder_first);
	for (; last < pass->n && over > slack; last++)
	{
		const Known *k = pass->images[last].known;

		if (k->cached == 0)
			continue;
		memcpy(ids[nvictims++], pass->images[last].use.id, BARQ_ID_BYTES);
		over -= Min(over, k->cached);
	}
	(void) barq_residency_let_go((const uint8 (*)[BARQ_ID_BYTES]) ids, nvictims, LET_GO_MS);

	over = pass->cached - budget;
	for (int i = 0; i < last && over > slack; i++)
	{
		Image	   *image = &pass->images[i];
		Known	   *k = image->known;
		uint64		before = k->cached;
		uint64		bytes;

		if (before == 0)
			continue;
		barq_uncache(image->path, over < before ? over : PG_UINT64_MAX, &k->hand);
		(void) count_again(pass, image->path, k, &bytes);
		over -= Min(over, before - Min(before, k->cached));
		barq_residency_note_eviction(image->use.id, now, false);
	}
	pfree(ids);
}

/* ---- prefetch ---- */

/* Read the heat file of the server that ran before, and plan what to read. */
static void
plan_prefetch(void)
{
	MemoryContext old;

	prefetch.context = AllocSetContextCreate(TopMemoryContext, "barq prefetch",
											 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(prefetch.context);
	prefetch.uses = barq_heat_read(&prefetch.n);
	prefetch.next = 0;
	prefetch.position = 0;
	MemoryContextSwitchTo(old);
	for (int i = 0; i < prefetch.n; i++)
		barq_residency_seed(&prefetch.uses[i]);
}

/* The image with this id; NULL if it has no file. */
static const Image *
find_image(const Pass *pass, const uint8 *id)
{
	for (int i = 0; i < pass->n; i++)
		if (memcmp(pass->images[i].use.id, id, BARQ_ID_BYTES) == 0)
			return &pass->images[i];
	return NULL;
}

/*
 * Make room in the budget for an image of so many bytes: colder ones are evicted, for they
 * may be there because they were verified first. False, doing nothing, if those that are not
 * colder leave too little. Changes the order of the pass's images.
 */
static bool
make_room(Pass *pass, const Image *image, uint64 bytes, uint64 budget, TimestampTz now)
{
	const uint64 missing = bytes - Min(bytes, image->known->cached);
	uint64		others = 0;

	for (int i = 0; i < pass->n; i++)
		if (&pass->images[i] != image && colder_first(&pass->images[i], image) > 0)
			others += pass->images[i].known->cached;
	if (others + bytes > budget)
		return false;
	if (pass->cached + missing > budget)
		evict(pass, budget - missing, now);
	return true;
}

/*
 * Read the next of the planned images, for PREFETCH_MS at most, while they fit into the
 * budget with all that are hotter. An image that does not fit is left out, and smaller ones
 * may follow.
 */
static void
prefetch_some(Pass *pass, uint64 budget, TimestampTz now)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(now, PREFETCH_MS);

	while (prefetch.next < prefetch.n)
	{
		const BarqImageUse *use = &prefetch.uses[prefetch.next];
		const Image *image = find_image(pass, use->id);

		if (image != NULL && use->memory != BARQ_MEMORY_COLD)
		{
			const char *path = image->path;
			Known	   *k = image->known;
			uint64		bytes;

			if (count_again(pass, path, k, &bytes) && make_room(pass, image, bytes, budget, now))
			{
				uint64		from = prefetch.position;
				bool		done = barq_read_into_cache(path, &prefetch.position, deadline);

				(void) count_again(pass, path, k, &bytes);
				if (!done && prefetch.position > from)
					return;
			}
		}
		prefetch.next++;
		prefetch.position = 0;
	}
	MemoryContextDelete(prefetch.context);
	memset(&prefetch, 0, sizeof(prefetch));
}

/* ---- passes ---- */

/* Write the heat file, if there is something to write. */
static void
write_heat(void)
{
	int			n;
	BarqImageUse *uses = barq_residency_list(&n);

	if (n > 0)
		barq_heat_write(uses, n);
	if (uses != NULL)
		pfree(uses);
}

void
barq_budget_at_exit(int code, Datum arg)
{
	barq_residency_wake_by_reads(NULL);
	if (code == 0 || code == 1)
		write_heat();
}

/* Is the image directory in memory itself? Then logs so, once. */
static bool
is_useless(void)
{
	static bool told = false;
	bool		useless = barq_directory_in_memory(barq_image_directory);

	if (useless && !told)
		ereport(LOG,
				(errmsg("barq.memory_budget has no effect because the image directory is in memory"),
				 errhint("Set barq.image_directory to a directory on a disk.")));
	told = useless;
	return useless;
}

/* Milliseconds of a processor that this process has used. */
static double
processor_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (double) t.tv_sec * 1000 + (double) t.tv_nsec / 1000000;
}

/*
 * A pass with a budget of so many bytes; `since`: when the first search since the last
 * pass found pages not in memory, if one did. Returns the milliseconds until the next one;
 * *least receives those until one that a cold search asks for.
 */
static long
keep_within(uint64 budget, TimestampTz now, TimestampTz since, long *least)
{
	static TimestampTz last = 0;
	static uint64 left = 0;		/* bytes in memory after the last pass */
	static double pace = 0;		/* bytes a millisecond read between passes, the most */
	Pass		pass;
	const double began = processor_ms();
	bool		reading = false;

	find_images(&pass, now);
	if (last != 0)
		pace = barq_pace_note(pace, (double) (pass.cached - Min(left, pass.cached)),
							  TimestampDifferenceMilliseconds(Max(last, since), now));
	if (pass.cached > budget + budget / SLACK_SHARE)
		evict(&pass, budget, now);
	else if (prefetch.context != NULL)
	{
		prefetch_some(&pass, budget, now);
		reading = prefetch.context != NULL;
	}
	left = pass.cached;
	last = GetCurrentTimestamp();
	if (reading)
		return 0;				/* at once, but not while nothing can be read or evicted */
	*least = barq_pace_least(processor_ms() - began);
	return barq_pace_rest(pace, (double) budget, processor_ms() - began);
}

long
barq_budget_pass(TimestampTz reading, long *least)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq budget",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TimestampTz now = GetCurrentTimestamp();
	long		rest = TICK_MS;

	*least = TICK_MS;
	barq_residency_wake_by_reads(MyLatch);
	if (barq_residency_is_new())
		plan_prefetch();
	barq_residency_tick(now, last_tick == 0 ? 1.0 :
						exp2(-(double) TimestampDifferenceMilliseconds(last_tick, now) / HALF_LIFE_MS));
	last_tick = now;
	if (barq_memory_budget > 0 && !is_useless())
		rest = keep_within((uint64) barq_memory_budget * 1024, now, reading, least);
	if (TimestampDifferenceExceeds(last_write, now, WRITE_MS))
	{
		write_heat();
		last_write = now;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rest;
}
