/*
 * image_marker.c
 *	  The markers of images: making, mapping and sharing them.
 *
 * A marker never changes the image that it is about: for another image file a new
 * marker replaces it by a rename, and processes that map the old one keep it, so a
 * bit that such a process sets never counts for another file (S8). Calls folder.c
 * and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "store/image.h"
#include "store/image_marker.h"
#include "utils/memutils.h"

/* Attempts, a millisecond apart, to lock the image for making its marker. */
#define LOCK_TRIES	20

/* Fill in the identity of the file open as fd; false, with errno set, on failure. */
static bool
identify(int fd, BarqImageIdentity *identity)
{
	struct stat st;

	memset(identity, 0, sizeof(*identity));
	if (fstat(fd, &st) != 0)
		return false;
	identity->server_start = PgStartTime;
	identity->inode = st.st_ino;
	identity->bytes = st.st_size;
	identity->modified[0] = st.st_mtim.tv_sec;
	identity->modified[1] = st.st_mtim.tv_nsec;
	identity->changed[0] = st.st_ctim.tv_sec;
	identity->changed[1] = st.st_ctim.tv_nsec;
	return true;
}

static Size
marker_bytes(uint32 bits)
{
	return offsetof(BarqMarker, words) + ((Size) bits + 31) / 32 * sizeof(uint32);
}

/* Map the marker open as fd; NULL with errno set. */
static BarqMarker *
map_marker(int fd, Size bytes)
{
	void	   *address = barq_map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, "marker: map");

	return address == MAP_FAILED ? NULL : address;
}

/* Map the marker at a path if it belongs to the image with this identity; else NULL. */
static BarqMarker *
find_marker(const char *path, const BarqImageIdentity *identity, uint32 bits)
{
	BarqMarker *marker = NULL;
	Size		bytes = marker_bytes(bits);
	struct stat st;
	int			fd = barq_path_open(path, O_RDWR | PG_BINARY);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (Size) st.st_size == bytes)
		marker = map_marker(fd, bytes);
	if (marker != NULL &&
		(marker->bits != bits || memcmp(&marker->identity, identity, sizeof(*identity)) != 0))
	{
		barq_unmap(marker, bytes, "marker: unmap other");
		marker = NULL;
	}
	barq_file_close(fd);
	return marker;
}

/*
 * Make the marker of an image, whose file the caller has locked, and map it; `set`:
 * with all bits set. NULL with errno set.
 */
static BarqMarker *
make_marker(const char *folder, const uint8 *id, const BarqImageIdentity *identity,
			uint32 bits, bool set)
{
	char	   *path = barq_id_path(folder, id, ".ok");
	char	   *temporary = psprintf("%s.%d.tmp", path, MyProcPid);
	Size		bytes = marker_bytes(bits);
	BarqMarker *marker = NULL;
	int			rc = -1;
	int			fd = -1;

	/*
	 * One that must not be replaced is reported. The name is this process's own: a
	 * file that another one has mapped must not be cut. A process that died may have
	 * left one.
	 */
	if (barq_path_usable(path))
	{
		barq_unlink(temporary, "marker: remove left");
		fd = barq_open_file(temporary, O_RDWR | O_CREAT | O_EXCL | PG_BINARY,
							"marker: create");
	}
	if (fd >= 0)
	{
		/* allocate first: writing to a mapping on a full disk raises SIGBUS */
		do
			rc = barq_allocate(fd, 0, bytes, "marker: allocate");
		while (rc == EINTR);
		if (rc == 0)
			marker = map_marker(fd, bytes);
		else
			errno = rc;
	}
	if (marker != NULL)
	{
		marker->identity = *identity;
		marker->bits = bits;
		if (set)
			memset(marker->words, 0xFF, bytes - offsetof(BarqMarker, words));
		pg_atomic_write_u32(&marker->complete, set);
		if (barq_rename(temporary, path, "marker: rename") != 0)
		{
			int			save_errno = errno;

			barq_unmap(marker, bytes, "marker: unmap unusable");
			errno = save_errno;
			marker = NULL;
		}
	}
	if (fd >= 0)
	{
		int			save_errno = errno;

		if (marker == NULL)
			barq_unlink(temporary, "marker: remove unwritten");
		barq_file_close(fd);
		errno = save_errno;
	}
	if (marker == NULL && errno == EPERM)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\"", path),
				 errdetail_internal("%s", barq_file_problem()),
				 errhint("Until the file is removed, each session verifies the image again.")));
	pfree(temporary);
	pfree(path);
	return marker;
}

/* Lock the image open as fd for making its marker; false if that takes too long. */
static bool
lock_image(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++)
	{
		if (barq_flock(fd, LOCK_EX | LOCK_NB, "marker: lock") == 0)
			return true;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
	return false;
}

bool
barq_marker_open(BarqMarkerUse *use, const char *folder, const uint8 *id, int fd, uint32 bits)
{
	BarqImageIdentity identity;
	char	   *path = barq_id_path(folder, id, ".ok");

	use->bytes = marker_bytes(bits);
	use->shared = true;
	if (!identify(fd, &identity))
		return false;
	use->marker = find_marker(path, &identity, bits);
	if (use->marker == NULL && lock_image(fd))
	{
		/* another process may have made it meanwhile */
		use->marker = find_marker(path, &identity, bits);
		if (use->marker == NULL)
			use->marker = make_marker(folder, id, &identity, bits, false);
		(void) barq_flock(fd, LOCK_UN, "marker: unlock");
	}
	if (use->marker == NULL)
	{
		use->shared = false;
		use->marker = MemoryContextAllocExtended(TopMemoryContext, use->bytes,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		use->marker->bits = bits;
	}
	pfree(path);
	return true;
}

void
barq_marker_write(const char *folder, const uint8 *id, int fd, uint32 bits)
{
	BarqImageIdentity identity;
	BarqMarker *marker;

	if (!identify(fd, &identity))
		return;
	marker = make_marker(folder, id, &identity, bits, true);
	if (marker != NULL)
		barq_unmap(marker, marker_bytes(bits), "marker: unmap");
}

void
barq_marker_close(BarqMarkerUse *use)
{
	if (use->marker == NULL)
		return;
	if (use->shared)
		barq_unmap(use->marker, use->bytes, "marker: close");
	else
		pfree(use->marker);
	use->marker = NULL;
}

uint32
barq_marker_first_clear(const BarqMarker *marker, uint32 bits)
{
	for (uint32 bit = 0; bit < bits; bit++)
	{
		if (bit % 32 == 0 && bits - bit >= 32 &&
			pg_atomic_read_u32((pg_atomic_uint32 *) &marker->words[bit / 32]) == PG_UINT32_MAX)
			bit += 31;
		else if (!barq_marker_bit(marker, bit))
			return bit;
	}
	return bits;
}
