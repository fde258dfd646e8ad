/*
 * interrupts.h
 *	  What long loops of maintenance (seals, merges, image making) call in
 *	  place of CHECK_FOR_INTERRUPTS.
 *
 * A background worker sets the hook, and there looks whether someone waits for
 * its index or its database; the store need not know of workers.
 */
#ifndef BARQ_INTERRUPTS_H
#define BARQ_INTERRUPTS_H

#include "miscadmin.h"

/* NULL in an ordinary backend. May not return: called with no lock held. */
extern void (*barq_interrupts_hook) (void);

static inline void
barq_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	if (barq_interrupts_hook != NULL)
		barq_interrupts_hook();
}

#endif							/* BARQ_INTERRUPTS_H */
