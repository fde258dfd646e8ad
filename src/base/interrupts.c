/*
 * interrupts.c
 *	  The hook of barq_check_interrupts().
 */
#include "postgres.h"

#include "base/interrupts.h"

void		(*barq_interrupts_hook) (void) = NULL;
