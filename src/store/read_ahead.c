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
