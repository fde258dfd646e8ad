/*
 * text_paths.h
 *	  Index paths for conditions on a score.
 */
#ifndef BARQ_TEXT_PATHS_H
#define BARQ_TEXT_PATHS_H

/* Install the hook; once, when the library is loaded. */
extern void barq_text_paths_init(void);

#endif							/* BARQ_TEXT_PATHS_H */
