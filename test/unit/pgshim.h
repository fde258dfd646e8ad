/*
 * pgshim.h
 *	  The part of a server that the segment kinds need, for programs without a
 *	  server: memory contexts by malloc, errors by longjmp, a body writer into
 *	  memory and a page reader that returns copies.
 */
#ifndef BARQ_PGSHIM_H
#define BARQ_PGSHIM_H

#include "postgres.h"

#include <setjmp.h>

#include "store/segment.h"

extern void shim_init(void);

/* Make a new context current; delete the current one. */
extern MemoryContext shim_context_push(void);
extern void shim_context_pop(void); /* runs reset callbacks, frees all */

/* if (SHIM_TRY()) ... else: an ERROR was raised: shim_sqlstate, shim_message */
extern jmp_buf shim_jump;
extern bool shim_catching;
extern int	shim_sqlstate;
extern char shim_message[1024];
#define SHIM_TRY()	(shim_catching = true, setjmp(shim_jump) == 0)
#define SHIM_END()	(shim_catching = false)

/* A writer into memory. */
struct BarqBodyWriter
{
	char	   *data;			/* 64-byte aligned */
	Size		size;
	Size		capacity;
};

extern void shim_writer_init(BarqBodyWriter *writer);
extern void shim_writer_free(BarqBodyWriter *writer);

/* A view of a written body: mapped, or read by pages. */
extern BarqView shim_view(const BarqBodyWriter *writer, bool pages);

#endif							/* BARQ_PGSHIM_H */
