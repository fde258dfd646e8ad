/*
 * dead_rows.c
 *	  Reading the dead rows of a segment from its file, and making the file.
 *
 * <id>.dead in the folder of images: a header and the bits. It appears under its
 * name when it is complete (S9), by a rename that replaces an older one, which
 * stays mapped where it is in use. It is not synced: a file of an earlier
 * postmaster is never used. Where a crash leaves the postmaster running, marks
 * whose WAL was not flushed are lost, so no file is made of such marks (S19).
 * Calls folder.c, paths.c and tombstones.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "store/dead_rows.h"
#include "store/image.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define DEAD_MAGIC		UINT64CONST(0x3144444151524142) /* "BARQADD1" */
#define DEAD_VERSION	1
#define DEAD_BITS		4096	/* offset of the bits, page-aligned */

/* Fewer bits are read from the pages sooner than a file is opened and mapped. */
#ifdef BARQ_CRASH_POINTS
#define LEAST_BYTES		1
#else
#define LEAST_BYTES		(4 * BARQ_PAGE_BYTES)
#endif

typedef struct DeadHeader
{
	uint64		magic;
	uint32		version;
	uint32		rows;			/* of the segment */
	uint8		id[BARQ_ID_BYTES];
	uint32		count;			/* marks in the bits, all of them */
	uint32		reserved;
	TimestampTz server_start;	/* of the postmaster under which it was made */
} DeadHeader;

StaticAssertDecl(sizeof(DeadHeader) == 48, "DeadHeader is in files");

/* The header that the file of a segment has to have. */
static void
fill_header(const BarqSegmentDesc *desc, DeadHeader *header)
{
	memset(header, 0, sizeof(*header));
	header->magic = DEAD_MAGIC;
	header->version = DEAD_VERSION;
	header->rows = desc->rows;
	memcpy(header->id, desc->id, BARQ_ID_BYTES);
	header->count = desc->dead_rows;
	header->server_start = PgStartTime;
}

/* The path of a segment's file, palloc'd. `suffix`: ".dead", or of a temporary one. */
static char *
dead_path(Relation index, const uint8 *id, const char *suffix)
{
	char	   *folder = barq_image_folder(index);
	char	   *path = barq_id_path(folder, id, suffix);

	pfree(folder);
	return path;
}

/* Dead rows of a segment with one reference, and no bits yet. */
static BarqDeadRows *
new_dead_rows(const BarqSegmentDesc *desc)
{
	BarqDeadRows *dead = MemoryContextAllocZero(CacheMemoryContext, sizeof(BarqDeadRows));

	dead->references = 1;
	memcpy(dead->id, desc->id, BARQ_ID_BYTES);
	dead->count = desc->dead_rows;
	return dead;
}

/* Map the file of a segment's dead rows; NULL if there is none that fits. */
static BarqDeadRows *
map_dead_rows(Relation index, const BarqSegmentDesc *desc)
{
	char	   *path = dead_path(index, desc->id, ".dead");
	int			fd = barq_path_open(path, O_RDONLY | PG_BINARY);
	Size		bytes = DEAD_BITS + barq_bits_bytes(desc->rows);
	BarqDeadRows *dead = NULL;
	DeadHeader	wanted;
	DeadHeader	found;
	struct stat st;

	pfree(path);
	if (fd < 0)
		return NULL;
	fill_header(desc, &wanted);
	if (fstat(fd, &st) == 0 && (Size) st.st_size == bytes &&
		read(fd, &found, sizeof(found)) == sizeof(found) &&
		memcmp(&found, &wanted, sizeof(wanted)) == 0)
	{
		/* allocated first: an error after mmap would leak the mapping */
		dead = new_dead_rows(desc);
		dead->bytes = bytes;
		dead->address = barq_map(bytes, PROT_READ, MAP_SHARED, fd, "dead rows: map");
		if (dead->address == MAP_FAILED)
		{
			pfree(dead);
			dead = NULL;
		}
		else
			dead->bits = (uint8 *) dead->address + DEAD_BITS;
	}
	barq_file_close(fd);
	return dead;
}

/* Write len bytes at the end of a file that is open as fd. */
static bool
write_all(int fd, const void *data, Size len)
{
	const char *from = data;

	while (len > 0)
	{
		ssize_t		written = barq_write(fd, from, len, "dead rows: write");

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		from += written;
		len -= written;
	}
	return true;
}

/*
 * Make the file of a segment's dead rows, which the pages hold. Best effort. The
 * folder's lock keeps others from removing the temporary file (S16).
 */
static void
make_file(Relation index, const BarqSegmentDesc *desc, const uint8 *bits)
{
	char	   *folder = barq_image_folder(index);
	int			lock = barq_image_lock(folder, false);
	char		block[DEAD_BITS] = {0};
	char	   *temporary;
	char	   *path;
	int			fd;

	pfree(folder);
	if (lock < 0)
		return;
	path = dead_path(index, desc->id, ".dead");
	temporary = dead_path(index, desc->id, psprintf(".%d.tmp", MyProcPid));
	fd = barq_open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY,
						"dead rows: create");
	if (fd >= 0)
	{
		fill_header(desc, (DeadHeader *) block);
		if (!write_all(fd, block, sizeof(block)) ||
			!write_all(fd, bits, barq_bits_bytes(desc->rows)) ||
			barq_rename(temporary, path, "dead rows: rename") != 0)
			barq_unlink(temporary, "dead rows: remove unwritten");
		barq_file_close(fd);
	}
	barq_image_unlock(lock);
	pfree(temporary);
	pfree(path);
}

/*
 * Whether a file may be made of bits read after the descriptor, whose pages have
 * `lsn` at most (S19): they hold the marks counted and no more, and none of these
 * can be lost.
 */
static bool
is_exact_and_safe(Relation index, const BarqSegmentDesc *desc, const uint8 *bits,
				  XLogRecPtr lsn)
{
	if (barq_bitmap_count(bits, desc->rows) != desc->dead_rows)
		return false;
	return !RelationNeedsWAL(index) || RecoveryInProgress() || lsn <= GetFlushRecPtr(NULL);
}

BarqDeadRows *
barq_dead_rows_get(Relation index, const BarqSegmentDesc *desc)
{
	Size		bytes = barq_bits_bytes(desc->rows);
	bool		may_share = bytes >= LEAST_BYTES && index->rd_backend == BarqInvalidBackend;
	BarqDeadRows *dead = NULL;
	MemoryContext old;
	XLogRecPtr	lsn;
	uint8	   *bits;

	Assert(desc->dead_rows > 0);
	if (may_share && (dead = map_dead_rows(index, desc)) != NULL)
		return dead;
	bits = barq_tombstones_read_at(index, desc, &lsn);
	if (bits == NULL)
		return NULL;
	if (may_share && is_exact_and_safe(index, desc, bits, lsn))
	{
		make_file(index, desc, bits);
		dead = map_dead_rows(index, desc);
	}
	if (dead == NULL)
	{
		dead = new_dead_rows(desc);
		old = MemoryContextSwitchTo(CacheMemoryContext);
		dead->bits = palloc_extended(bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
		MemoryContextSwitchTo(old);
		if (dead->bits == NULL)
		{
			pfree(dead);
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
					 errdetail("Failed on request of size %zu.", bytes)));
		}
		memcpy(dead->bits, bits, bytes);
		dead->bytes = bytes;
	}
	pfree(bits);
	return dead;
}

void
barq_dead_rows_release(BarqDeadRows *dead)
{
	Assert(dead->references > 0);
	if (--dead->references > 0)
		return;
	if (dead->address != NULL)
		barq_unmap(dead->address, dead->bytes, "dead rows: unmap");
	else
		pfree(dead->bits);
	pfree(dead);
}
