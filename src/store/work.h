/*
 * work.h
 *	  Work areas: memory in which a large body is put together, shared by all
 *	  processes that build it. A file of the image directory, mapped, or plain
 *	  memory of this process.
 */
#ifndef BARQ_WORK_H
#define BARQ_WORK_H

#include "store/image.h"

typedef struct BarqWork
{
	char	   *address;
	uint64		bytes;
	char	   *path;			/* NULL: memory of this process only */
	MemoryContextCallback callback;
} BarqWork;

/*
 * A work area that other processes can attach. NULL with *reason where the
 * image directory has no room for it. Unmapped, and its file removed, when the
 * current memory context is reset.
 */
extern BarqWork *barq_work_create_shared(Relation index, uint64 bytes, char **reason);
extern BarqWork *barq_work_attach(const char *path, uint64 bytes);

/* One that only this process sees; ERROR if there is not enough memory. */
extern BarqWork *barq_work_create_private(uint64 bytes);

extern void barq_work_release(BarqWork *work);

#endif							/* BARQ_WORK_H */
