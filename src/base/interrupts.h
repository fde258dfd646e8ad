/*
 * interrupts.h
 *	  barq_check_interrupts(), which long loops of maintenance (seals, merges,
 *	  making of images) call in place of CHECK_FOR_INTERRUPTS.
 *
 * A background worker sets the hook and checks there whether another process
 * waits for its index or its database; so the loops need not know of workers.
 */
#ifndef BARQ_INTERRUPTS_H
#define BARQ_INTERRUPTS_H

#include "miscadmin.h"

/*
 * NULL in an ordinary backend. Called with no buffer lock held; it may raise an
 * error or end the process.
 */
extern void (*barq_interrupts_hook) (void);

static inline void
barq_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (barq_interrupts_hook != NULL)
		barq_interrupts_hook();
}

#endif							/* BARQ_INTERRUPTS_H */
