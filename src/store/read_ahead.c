/*
 * read_ahead.c
 *	  Reading parts of a mapped body from disk at once, which a search is about to
 *	  read one after the other. Calls nothing of this folder.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>

#include "store/segment.h"

/* The start of the page of an address. */
static char *
page_start(const char *address)
{
	return (char *) ((uintptr_t) address & ~((uintptr_t) sysconf(_SC_PAGESIZE) - 1));
}

bool
barq_view_is_cold(const BarqView *view, uint64 off)
{
	unsigned char present = 1;

	Assert(off < view->size);
	if (view->base == NULL || mincore(page_start(view->base + off), 1, (void *) &present) != 0)
		return false;
	return (present & 1) == 0;
}

/*
 * What the last searches of an image have found: entries for some images, by the place of
 * the mapping. Where two have the same entry, or a new mapping has the place of a former
 * one, a search asks too often or up to MOST_TRUSTED searches too late.
 */
#define ANSWERS			64		/* a power of 2 */
#define MOST_TRUSTED	32

typedef struct Answer
{
	const char *base;			/* of the body */
	int			warm;			/* searches that found it in memory since it was cold */
	int			trusted;		/* searches to come that do not ask */
} Answer;

static Answer answers[ANSWERS];
static void (*on_cold) (void) = NULL;

/* The entry of a view, emptied if it was of another mapping. */
static Answer *
answer_of(const BarqView *view)
{
	Answer	   *answer = &answers[((uintptr_t) view->base >> 12) * UINT64CONST(0x9e3779b97f4a7c15) >> 58];

	StaticAssertStmt(ANSWERS == 1 << (64 - 58), "the upper bits of the product choose an entry");
	if (answer->base != view->base)
		*answer = (Answer) {.base = view->base};
	return answer;
}

bool
barq_view_asks(const BarqView *view)
{
	Answer	   *answer;

	if (view->base == NULL)
		return false;
	answer = answer_of(view);
	if (answer->trusted == 0)
		return true;
	answer->trusted--;
	return false;
}

void
barq_view_on_cold(void (*callback) (void))
{
	on_cold = callback;
}

void
barq_view_answer(const BarqView *view, bool cold)
{
	Answer	   *answer = answer_of(view);

	answer->warm = cold ? 0 : Min(answer->warm * 2 + 1, MOST_TRUSTED);
	answer->trusted = answer->warm;
	if (cold && on_cold != NULL)
		on_cold();
}

void
barq_view_forget_answers(void)
{
	memset(answers, 0, sizeof(answers));
}

void
barq_view_read_ahead(const BarqView *view, uint64 off, uint64 len)
{
	char	   *start;

	Assert(off <= view->size && len <= view->size - off);
	if (view->base == NULL || len == 0)
		return;
	start = page_start(view->base + off);
	(void) madvise(start, view->base + off + len - start, MADV_WILLNEED);
}
