/*
 * script.h
 *	  The library and the extension's script may be of different versions: from the
 *	  installation of a new library to ALTER EXTENSION UPDATE, SQL functions of the
 *	  older script call this library.
 *
 * A C function whose SQL declaration has changed since a version that sql/old keeps
 * checks at its entry, by these, that it was called through the present one.
 * test/t/105_update.pl calls each function of the older scripts.
 */
#ifndef BARQ_SCRIPT_H
#define BARQ_SCRIPT_H

#include "base/compat.h"

#include "fmgr.h"

/*
 * Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE: `what` is of another version of the
 * extension than the library; the hint says ALTER EXTENSION.
 */
pg_noreturn extern void barq_raise_other_script(const char *what);

/* Raise that error if the calling SQL function has not so many arguments. */
extern void barq_expect_arguments(FunctionCallInfo fcinfo, int arguments);

/*
 * Begin the result of a set-returning function, as InitMaterializedSRF() does. Raises
 * that error if the rows of the calling SQL function have not so many columns.
 */
extern void barq_begin_rows(FunctionCallInfo fcinfo, int columns);

#endif							/* BARQ_SCRIPT_H */
