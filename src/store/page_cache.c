/*
 * page_cache.c
 *	  The pages of a file that the kernel keeps in memory: counting them, dropping
 *	  them, reading them ahead. Calls folder.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupts.h"
#include "miscadmin.h"
#include "store/residency.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Bytes that are counted or read at a time; multiples of any page size. */
#define COUNT_PIECE	(UINT64CONST(64) * 1024 * 1024)
#define READ_PIECE	(UINT64CONST(1024) * 1024)

/*
 * Pages that are dropped at a time. The kernel may keep a file in pages of up to so many
 * (2 MB of 4 kB: those of files written in large pieces or read in order), and a large
 * page is dropped only if all of it is asked for.
 */
#define DROP_PAGES	512

/* Reading is announced to the kernel so many pieces ahead. */
#define READ_AHEAD	4

/* Open an existing file for reading; *bytes receives its size. -1 on failure. */
static int
open_file(const char *path, uint64 *bytes)
{
	struct stat st;
	int			fd = barq_path_open(path, O_RDONLY | PG_BINARY);

	if (fd >= 0 && fstat(fd, &st) != 0)
	{
		barq_file_close(fd);
		fd = -1;
	}
	if (fd >= 0)
		*bytes = st.st_size;
	return fd;
}

/*
 * Bytes of the pages of [off, off + len) of the file open as fd that are cached: its
 * pages are mapped, not touched. The last page counts as far as the file goes.
 */
static uint64
count_piece(int fd, uint64 off, uint64 len)
{
	static unsigned char *present = NULL;
	const uint64 page = sysconf(_SC_PAGESIZE);
	uint64		cached = 0;
	void	   *address;

	if (present == NULL)
		present = MemoryContextAlloc(TopMemoryContext, COUNT_PIECE / page);
	address = barq_map_at(len, PROT_READ, MAP_SHARED, fd, (off_t) off, "memory: map to count");
	if (address == MAP_FAILED)
		return 0;
	if (mincore(address, len, (void *) present) == 0)
		for (uint64 at = 0; at < len; at += page)
			if (present[at / page] & 1)
				cached += Min(page, len - at);
	(void) barq_unmap(address, len, "memory: unmap");
	return cached;
}

bool
barq_cached_bytes(const char *path, uint64 *bytes, uint64 *cached)
{
	int			fd = open_file(path, bytes);

	*cached = 0;
	if (fd < 0)
		return false;
	for (uint64 off = 0; off < *bytes; off += COUNT_PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		*cached += count_piece(fd, off, Min(COUNT_PIECE, *bytes - off));
	}
	barq_file_close(fd);
	return true;
}

/* Advice about `len` bytes (0: to the end) of a file; none where the system takes none. */
static void
advise_drop(int fd, off_t off, off_t len)
{
#ifdef POSIX_FADV_DONTNEED
	(void) posix_fadvise(fd, off, len, POSIX_FADV_DONTNEED);
#endif
}

static void
advise_read(int fd, off_t off, off_t len)
{
#ifdef POSIX_FADV_WILLNEED
	(void) posix_fadvise(fd, off, len, POSIX_FADV_WILLNEED);
#endif
}

void
barq_uncache(const char *path, uint64 want, uint64 *hand)
{
	const uint64 piece = Min((uint64) sysconf(_SC_PAGESIZE) * DROP_PAGES, COUNT_PIECE);
	uint64		bytes;
	uint64		dropped = 0;
	int			fd = open_file(path, &bytes);

	if (fd < 0)
		return;
	(void) fdatasync(fd);
	if (want >= bytes)
	{
		advise_drop(fd, 0, 0);
		*hand = 0;
	}
	else
	{
		Assert(*hand % piece == 0);
		if (*hand >= bytes)
			*hand = 0;
		for (uint64 passed = 0; passed < bytes && dropped < want;)
		{
			uint64		len = Min(piece, bytes - *hand);
			uint64		before = count_piece(fd, *hand, len);

			CHECK_FOR_INTERRUPTS();
			if (before > 0)
			{
				advise_drop(fd, (off_t) *hand, (off_t) len);
				dropped += before - count_piece(fd, *hand, len);
			}
			passed += len;
			*hand += len;
			if (*hand >= bytes)
				*hand = 0;
		}
	}
	barq_file_close(fd);
}

bool
barq_read_into_cache(const char *path, uint64 *position, TimestampTz deadline)
{
	uint64		bytes;
	int			fd = open_file(path, &bytes);
	char	   *buffer;
	bool		complete = false;

	if (fd < 0)
		return false;
	buffer = palloc(READ_PIECE);
	for (;;)
	{
		ssize_t		n;

		if (*position >= bytes)
		{
			complete = true;
			break;
		}
		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			break;
		barq_check_interrupts();
		advise_read(fd, (off_t) *position, READ_AHEAD * READ_PIECE);
		n = pread(fd, buffer, READ_PIECE, (off_t) *position);
		if (n <= 0)
			break;
		*position += n;
	}
	pfree(buffer);
	barq_file_close(fd);
	return complete;
}
