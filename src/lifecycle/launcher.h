/*
 * launcher.h
 *	  The launcher: with barq in shared_preload_libraries, looks after indexes
 *	  that no insert touches.
 */
#ifndef BARQ_LAUNCHER_H
#define BARQ_LAUNCHER_H

#include "postgres.h"

/* Called while shared_preload_libraries are loaded. */
extern void barq_launcher_register(void);

extern PGDLLEXPORT void barq_launcher_main(Datum arg);
extern PGDLLEXPORT void barq_visitor_main(Datum arg);

#endif							/* BARQ_LAUNCHER_H */
