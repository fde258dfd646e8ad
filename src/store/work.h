/*
 * work.h
 *	  Work areas: memory in which a large body is built, shared by the processes
 *	  that build it. A mapped file of the image directory, memory without a file, or
 *	  private memory.
 */
#ifndef BARQ_WORK_H
#define BARQ_WORK_H

#include "store/image.h"

typedef struct BarqWork
{
	char	   *address;
	uint64		bytes;
	char	   *path;			/* of the file, or NULL */
	char	   *attach_path;	/* by which other processes attach, or NULL */
	int			memory_fd;		/* of memory without a file, or -1 */
	bool		keep;			/* another process may go on with it: do not remove it */
	MemoryContextCallback callback; /* unmaps the area and removes the file */
} BarqWork;

/*
 * Make a work area of zeros that other processes can attach by its path, which has the
 * name of the segment `id` (NULL: a random one). Returns NULL with *reason, palloc'd, if
 * the image directory has no room for it. It is unmapped, and its file removed unless
 * `keep` is set, when the current memory context is reset.
 */
extern BarqWork *barq_work_create_shared(Relation index, const uint8 *id, uint64 bytes,
										 char **reason);

/*
 * Make a work area of zeros in memory that other processes can attach by its
 * attach_path while this process has it. The kernel writes it nowhere, where it would
 * write a mapped file, whose pages a build changes in no order, over and over. Returns
 * NULL where the system cannot make such an area or lacks the memory; checks for
 * interrupts. The caller bounds the size by maintenance_work_mem. Unmapped and freed
 * when the current memory context is reset.
 */
extern BarqWork *barq_work_create_memory(uint64 bytes);

/*
 * Map the work area of the segment `id` that another process kept, after all processes
 * that use it (barq_work_use()) have ended; waits for them, with interrupts checked.
 * `keep` is set. NULL, if there is none; one of another size is removed.
 */
extern BarqWork *barq_work_reopen(Relation index, const uint8 *id, uint64 bytes);

/*
 * Note that this process uses the work area at a path, until it exits. False, if there
 * is none or barq_work_reopen() is about to take it.
 */
extern bool barq_work_use(const char *path);

/*
 * The same with a file of the image directory that exists already: what it holds is
 * kept, and zeros follow. The file gets the ending of work areas, and the area removes
 * it; if NULL is returned, the caller still has it under its path.
 */
extern BarqWork *barq_work_extend_file(const char *path, uint64 bytes, char **reason);

/*
 * Map the work area at an attach_path, of the size that its maker gave; unmapped when
 * the current memory context is reset. The area stays its maker's. The errcode of the
 * failed open() (errcode_for_file_access), ERRCODE_OUT_OF_MEMORY if it cannot be
 * mapped.
 */
extern BarqWork *barq_work_attach(const char *path, uint64 bytes);

/*
 * A work area of zeros in private memory; unmapped when the current memory
 * context is reset. ERRCODE_OUT_OF_MEMORY if it cannot be mapped.
 */
extern BarqWork *barq_work_create_private(uint64 bytes);

/* Unmap a work area, and remove its file if this process made it. */
extern void barq_work_release(BarqWork *work);

#endif							/* BARQ_WORK_H */
