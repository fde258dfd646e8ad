/*
 * work.c
 *	  Work areas for builds and merges. Calls folder.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupts.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/work.h"
#include "utils/memutils.h"

/* Unmap a work area; may be called again. */
static void
undo_work(void *arg)
{
	BarqWork   *work = arg;

	if (work->address != NULL)
		barq_unmap(work->address, work->bytes, "work: unmap");
	work->address = NULL;
}

/* Unmap a work area and remove its file; may be called again. */
static void
undo_shared_work(void *arg)
{
	BarqWork   *work = arg;

	undo_work(work);
	if (work->path != NULL && !work->keep)
		barq_unlink(work->path, "work: remove");
	work->path = NULL;
}

/*
 * Make a work area with no mapping yet; the current memory context calls undo(area)
 * at its reset.
 */
static BarqWork *
new_work(uint64 bytes, MemoryContextCallbackFunction undo)
{
	BarqWork   *work = palloc0(sizeof(BarqWork));

	work->bytes = bytes;
	work->memory_fd = -1;
	work->callback.func = undo;
	work->callback.arg = work;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &work->callback);
	return work;
}

/*
 * Allocate and map the file of a shared work area, which is open as fd; closes fd.
 * False with *reason if there is no room for it.
 */
static bool
map_file(BarqWork *work, const char *path, int fd, char **reason)
{
	void	   *address = MAP_FAILED;
	int			rc;

	/* allocate first: writing to a mapping on a full disk raises SIGBUS */
	do
		rc = barq_allocate(fd, 0, work->bytes, "work: allocate");
	while (rc == EINTR && !InterruptPending);
	if (rc == 0)
		address = barq_map(work->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
						   "work: map");
	else
		errno = rc;
	if (address == MAP_FAILED)
		*reason = psprintf("could not allocate " UINT64_FORMAT " bytes for file \"%s\": %m",
						   work->bytes, path);
	barq_file_close(fd);
	if (address == MAP_FAILED)
		return false;
	work->address = address;
	work->attach_path = work->path;
	return true;
}

BarqWork *
barq_work_create_shared(Relation index, const uint8 *id, uint64 bytes, char **reason)
{
	BarqWork   *work = new_work(bytes, undo_shared_work);
	char	   *folder = barq_image_folder(index);
	char	   *path;
	uint8		random_id[BARQ_ID_BYTES];
	int			fd;

	if (id == NULL)
	{
		barq_new_id(random_id);
		id = random_id;
	}
	path = barq_id_path(folder, id, ".work");
	barq_temporary_folder_note(index);
	if (!barq_image_folder_create(folder) ||
		(fd = barq_open_file(path, O_RDWR | O_CREAT | O_EXCL | PG_BINARY,
							 "work: create")) < 0)
	{
		*reason = psprintf("could not create file \"%s\": %s", path, barq_file_problem());
		return NULL;
	}
	work->path = path;
	if (!map_file(work, path, fd, reason))
	{
		undo_shared_work(work);
		CHECK_FOR_INTERRUPTS();
		return NULL;
	}
	return work;
}

BarqWork *
barq_work_reopen(Relation index, const uint8 *id, uint64 bytes)
{
	BarqWork   *work = new_work(bytes, undo_shared_work);
	char	   *path = barq_id_path(barq_image_folder(index), id, ".work");
	int			fd = barq_path_open(path, O_RDWR | PG_BINARY);
	void	   *address = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return NULL;
	work->path = path;

	/* a helper of the process before ends after the rows that it has claimed */
	while (barq_flock(fd, LOCK_EX | LOCK_NB, "work: lock to go on") != 0)
	{
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		barq_check_interrupts();
		pg_usleep(1000);
	}
	if (fstat(fd, &st) == 0 && (uint64) st.st_size == bytes)
		address = barq_map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, "work: map again");
	barq_file_close(fd);
	if (address == MAP_FAILED)
	{
		barq_work_release(work);
		return NULL;
	}
	work->address = address;
	work->attach_path = path;
	work->keep = true;
	return work;
}

bool
barq_work_use(const char *path)
{
	int			fd = barq_path_open(path, O_RDWR | PG_BINARY);

	return fd >= 0 && barq_flock(fd, LOCK_SH | LOCK_NB, "work: lock to use") == 0;
}

BarqWork *
barq_work_extend_file(const char *path, uint64 bytes, char **reason)
{
	BarqWork   *work = new_work(bytes, undo_shared_work);
	int			fd = barq_path_open(path, O_RDWR | PG_BINARY);
	char	   *work_path;

	if (fd < 0)
	{
		*reason = psprintf("could not open file \"%s\": %s", path, barq_file_problem());
		return NULL;
	}
	if (!map_file(work, path, fd, reason))
	{
		CHECK_FOR_INTERRUPTS();
		return NULL;
	}
	work_path = psprintf("%.*s.work", (int) (strrchr(path, '.') - path), path);
	if (barq_rename(path, work_path, "work: take file") != 0)
	{
		*reason = psprintf("could not rename file \"%s\": %s", path, barq_file_problem());
		undo_work(work);
		return NULL;
	}
	work->path = work->attach_path = work_path;
	return work;
}

/* How the paths of areas in memory begin; no image directory is there. */
#define MEMORY_PREFIX		"/proc/"

/*
 * Open the area at an attach_path and map it; MAP_FAILED with errno, and *problem, a
 * constant or palloc'd, if it cannot be opened. The path of one in memory is a symbolic
 * link of the kernel's, which barq_path_open() refuses to follow.
 */
static void *
map_area(const char *attach_path, uint64 bytes, const char **problem)
{
	bool		in_memory = strncmp(attach_path, MEMORY_PREFIX, strlen(MEMORY_PREFIX)) == 0;
	void	   *address;
	int			fd;

	*problem = NULL;
	fd = in_memory ? OpenTransientFile(attach_path, O_RDWR | PG_BINARY) :
		barq_path_open(attach_path, O_RDWR | PG_BINARY);
	if (fd < 0)
	{
		int			save_errno = errno;

		*problem = in_memory ? pstrdup(strerror(errno)) : barq_file_problem();
		errno = save_errno;
		return MAP_FAILED;
	}
	address = barq_map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, "work: attach");
	if (in_memory)
		CloseTransientFile(fd);
	else
		barq_file_close(fd);
	return address;
}

BarqWork *
barq_work_attach(const char *path, uint64 bytes)
{
	BarqWork   *work = new_work(bytes, undo_work);
	const char *problem;
	void	   *address = map_area(path, bytes, &problem);

	if (problem != NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %s", path, problem)));
	if (address == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map file \"%s\": %m", path)));
	work->address = address;
	return work;
}

#ifdef __linux__
/* Unmap and free an area of memory without a file; may be called again. */
static void
undo_memory_work(void *arg)
{
	BarqWork   *work = arg;

	undo_work(work);
	if (work->memory_fd >= 0)
	{
		close(work->memory_fd);
		ReleaseExternalFD();
	}
	work->memory_fd = -1;
}

/* Bytes of an area of memory that are allocated between two checks for interrupts. */
#define MEMORY_STEP			(UINT64CONST(64) * 1024 * 1024)

/*
 * Allocate and map an area of memory whose descriptor is open, by the path that other
 * processes will use. False with errno if that fails.
 */
static bool
map_memory(BarqWork *work)
{
	const char *problem;
	void	   *address;

	/* allocated at once: a page that cannot be had later would raise SIGBUS */
	for (uint64 off = 0; off < work->bytes;)
	{
		uint64		step = Min(work->bytes - off, MEMORY_STEP);
		int			rc = barq_allocate(work->memory_fd, off, step, "work: allocate memory");

		barq_check_interrupts();
		if (rc == 0)
			off += step;
		else if (rc != EINTR)
		{
			errno = rc;
			return false;
		}
	}
	work->attach_path = psprintf(MEMORY_PREFIX "%d/fd/%d", MyProcPid, work->memory_fd);
	address = map_area(work->attach_path, work->bytes, &problem);
	if (address == MAP_FAILED)
		return false;
	work->address = address;
	return true;
}

BarqWork *
barq_work_create_memory(uint64 bytes)
{
	BarqWork   *work = new_work(bytes, undo_memory_work);

	if (AcquireExternalFD())
	{
		work->memory_fd = memfd_create("barq work area", MFD_CLOEXEC);
		if (work->memory_fd >= 0 && map_memory(work))
			return work;
		if (work->memory_fd < 0)
			ReleaseExternalFD();
	}
	ereport(DEBUG1,
			(errmsg_internal("no memory to share for " UINT64_FORMAT " bytes: %m", bytes)));
	barq_work_release(work);
	return NULL;
}
#else
BarqWork *
barq_work_create_memory(uint64 bytes)
{
	return NULL;
}
#endif

BarqWork *
barq_work_create_private(uint64 bytes)
{
	BarqWork   *work = new_work(bytes, undo_work);
	void	   *address = barq_map(bytes, PROT_READ | PROT_WRITE,
								   MAP_PRIVATE | MAP_ANONYMOUS, -1, "work: map memory");

	if (address == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("A build needs " UINT64_FORMAT " bytes of work area.", bytes)));
	work->address = address;
	return work;
}

void
barq_work_release(BarqWork *work)
{
	work->callback.func(work);
}
