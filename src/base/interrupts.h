/*
 * interrupts.h
 *	  barq_check_interrupts(), which long loops of maintenance (seals, merges,
 *	  making of images) call in place of CHECK_FOR_INTERRUPTS.
 *
 * A background worker sets the hook and checks there whether another process
 * waits for its index or its database, and sleeps where it is faster than
 * barq.maintenance_rate; so the loops need not know of workers. The hook does no other
 * work: that is done at the named points of a merge (merge_points.h).
 */
#ifndef BARQ_INTERRUPTS_H
#define BARQ_INTERRUPTS_H

#include "miscadmin.h"

/*
 * NULL in an ordinary backend. Called with no buffer lock held; it may raise an
 * error or end the process.
 */
extern void (*barq_interrupts_hook) (void);

/*
 * Bytes of bodies that this process has read and written for maintenance. The hook
 * of a worker keeps them below barq.maintenance_rate.
 */
extern uint64 barq_maintenance_bytes;

static inline void
barq_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (barq_interrupts_hook != NULL)
		barq_interrupts_hook();
}

/* memset() of many bytes, which can be interrupted: checks before each 16 MB. */
static inline void
barq_fill(void *to, int byte, uint64 bytes)
{
	const uint64 piece = UINT64CONST(16) * 1024 * 1024;

	for (uint64 off = 0; off < bytes; off += piece)
	{
		barq_check_interrupts();
		memset((char *) to + off, byte, Min(piece, bytes - off));
	}
}

#endif							/* BARQ_INTERRUPTS_H */
