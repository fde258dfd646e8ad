/*
 * file_steps.h
 *	  Steps (base/steps.h) that change image files by their paths, through the
 *	  checks of folder.c. Included by .c files only.
 */
#ifndef BARQ_FILE_STEPS_H
#define BARQ_FILE_STEPS_H

#include "base/steps.h"
#include "store/folder.h"

#define barq_rename(from, to, what)		barq_before(what, barq_path_rename(from, to))
#define barq_unlink(path, what)			barq_before(what, barq_path_unlink(path))
#define barq_rmdir(path, what)			barq_before(what, barq_path_rmdir(path))
#define barq_open_file(path, flags, what) \
	barq_before(what, barq_path_open(path, flags))
#define barq_open_in(folder, path, flags, what) \
	barq_before(what, barq_file_open(folder, path, flags))

#endif							/* BARQ_FILE_STEPS_H */
