/*
 * steps.h
 *	  The steps between which a crash can leave different states: finishing a WAL
 *	  record, changing a file, taking or releasing a lock.
 *
 * Every such step of barq goes through a wrapper of this file and has a unique
 * name, "subject: action". In an ordinary build the wrappers are the plain calls.
 * In a build with BARQ_CRASH_POINTS=1 a test can crash the server at each of them
 * (steps.c); test/t/080_crash_points.pl reads the list of steps from the library
 * and fails where a call bypasses the wrappers.
 *
 * Included by .c files only, so that `make` knows which objects differ.
 */
#ifndef BARQ_STEPS_H
#define BARQ_STEPS_H

#ifdef BARQ_CRASH_POINTS

typedef struct BarqStep
{
	const char *name;
	const char *file;
	int			line;
	unsigned	passed;			/* how often this process reached it */
} BarqStep;

/* Crash, stop or write a log line, if a test has ordered it (steps.c). */
extern void barq_step_reached(BarqStep *step);

/*
 * barq_step: a step by itself. barq_before: a step before a call, whose value it
 * has. barq_around: steps before and after a call; barq_around_with: `then`, which
 * cannot fail, has happened at the step after it. All steps of the library are
 * in one section, which serves as their list.
 */
#define barq_step(what) \
	({ \
		static BarqStep step_ = {what, __FILE__, __LINE__, 0}; \
		static BarqStep *const step_listed_ \
			__attribute__((section("barq_steps"), used)) = &step_; \
		barq_step_reached(step_listed_); \
	})
#define barq_before(what, call) ({ barq_step(what); call; })
#define barq_around(what, call) \
	do { \
		barq_step(what); \
		call; \
		barq_step(what ", done"); \
	} while (0)
#define barq_around_with(what, call, then) \
	do { \
		barq_step(what); \
		call; \
		then; \
		barq_step(what ", done"); \
	} while (0)
#else
#define barq_step(what) ((void) 0)
#define barq_before(what, call) call
#define barq_around(what, call) call
#define barq_around_with(what, call, then) do { call; then; } while (0)
#endif

/* WAL */
#define barq_finish_record(state, what) \
	barq_around(what, GenericXLogFinish(state))
/* `then`: what this process notes of the record, whatever happens next */
#define barq_finish_record_with(state, what, then) \
	barq_around_with(what, GenericXLogFinish(state), then)
#define barq_log_page(buffer, what) \
	barq_around(what, log_newpage_buffer(buffer, true))

#define barq_truncate_relation(index, nblocks, what) \
	barq_around(what, RelationTruncate(index, nblocks))

/* files */
#define barq_mkdir_at(above, name, mode, what) \
	barq_before(what, mkdirat(above, name, mode))
#define barq_allocate(fd, off, len, what) \
	barq_before(what, posix_fallocate(fd, off, len))
#define barq_write(fd, data, len, what)	barq_before(what, write(fd, data, len))
#define barq_pwrite(fd, data, len, off, what) \
	barq_before(what, pwrite(fd, data, len, off))
#define barq_truncate(fd, len, what)	barq_before(what, ftruncate(fd, len))
#define barq_fsync(fd, what)			barq_before(what, pg_fsync(fd))
#define barq_map(len, prot, flags, fd, what) \
	barq_before(what, mmap(NULL, len, prot, flags, fd, 0))
#define barq_map_at(len, prot, flags, fd, off, what) \
	barq_before(what, mmap(NULL, len, prot, flags, fd, off))
#define barq_unmap(address, len, what)	barq_before(what, munmap(address, len))

/* locks */
#define barq_flock(fd, how, what)		barq_before(what, flock(fd, how))
#define barq_lock_page(index, mode, what) \
	barq_around(what, LockPage(index, 0, mode))
#define barq_try_lock_page(index, mode, what) \
	barq_before(what, ConditionalLockPage(index, 0, mode))
#define barq_try_lock_images(index, what) \
	barq_before(what, ConditionalLockPage(index, 1, ExclusiveLock))
#define barq_unlock_images(index, what) \
	barq_around(what, UnlockPage(index, 1, ExclusiveLock))
#define barq_unlock_page(index, mode, what) \
	barq_around(what, UnlockPage(index, 0, mode))
#define barq_try_lock_relation(index, mode, what) \
	barq_before(what, ConditionalLockRelation(index, mode))
#define barq_try_lock_relation_oid(oid, mode, what) \
	barq_before(what, ConditionalLockRelationOid(oid, mode))
#define barq_unlock_relation(index, mode, what) \
	barq_around(what, UnlockRelation(index, mode))
#define barq_lock_extension(index, what) \
	barq_around(what, LockRelationForExtension(index, ExclusiveLock))
#define barq_unlock_extension(index, what) \
	barq_around(what, UnlockRelationForExtension(index, ExclusiveLock))

#endif							/* BARQ_STEPS_H */
