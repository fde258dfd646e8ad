/*
 * advise.h
 *	  Advice to the kernel about mapped memory.
 */
#ifndef BARQ_ADVISE_H
#define BARQ_ADVISE_H

#include <sys/mman.h>
#include <unistd.h>

/*
 * Say how this process will read a part of a mapping: pages in any order, or (the
 * normal state) neighbouring pages together. Read-ahead, which may be megabytes, would
 * otherwise evict needed pages of a mapping that is larger than memory.
 */
static inline void
barq_advise(void *start, uint64 bytes, bool any_order)
{
	uint64		page = (uint64) sysconf(_SC_PAGESIZE);
	char	   *from = (char *) TYPEALIGN_DOWN(page, start);
	char	   *end = (char *) start + bytes;

	/* advice only: a kernel without it works as well */
	if (bytes > 0)
		(void) madvise(from, end - from, any_order ? MADV_RANDOM : MADV_NORMAL);
}

#endif							/* BARQ_ADVISE_H */
