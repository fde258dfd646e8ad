/*
 * interrupts.c
 *	  The hook of barq_check_interrupts().
 */
#include "postgres.h"

#include "base/interrupts.h"

void		(*barq_interrupts_hook) (void) = NULL;
uint64		barq_maintenance_bytes = 0;
