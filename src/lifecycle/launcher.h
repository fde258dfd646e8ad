/*
 * launcher.h
 *	  Registering the launcher, which looks after indexes that no insert touches.
 */
#ifndef BARQ_LAUNCHER_H
#define BARQ_LAUNCHER_H

/* Called from _PG_init() while shared_preload_libraries are loaded. */
extern void barq_launcher_register(void);

#endif							/* BARQ_LAUNCHER_H */
