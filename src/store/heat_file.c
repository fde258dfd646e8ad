/*
 * heat_file.c
 *	  The file that keeps the heat of images over a restart: a header, then the
 *	  entries, the hottest first. Only the launcher writes it, under a temporary
 *	  name, and renames it when it is complete. A file that is cut short, damaged or
 *	  of another version is ignored: all that is lost is the order of reading images
 *	  into memory. Calls folder.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "store/residency.h"

#define HEAT_MAGIC		UINT64CONST(0x3154414548515242) /* "BRQHEAT1" */
#define HEAT_VERSION	1

/* More entries than the server keeps are no valid file. */
#define MOST_ENTRIES	65536

typedef struct HeatHeader
{
	uint64		magic;			/* HEAT_MAGIC */
	uint32		version;		/* HEAT_VERSION */
	uint32		entries;
	pg_crc32c	crc;			/* of the entries */
	pg_crc32c	header_crc;		/* of the members before it */
} HeatHeader;

StaticAssertDecl(sizeof(HeatHeader) == 24, "HeatHeader is in files");

typedef struct HeatEntry
{
	uint8		id[BARQ_ID_BYTES];	/* of the segment */
	uint32		tablespace;		/* these three name the folder of the image */
	uint32		database;
	uint32		relation;
	uint32		memory;			/* BarqMemory */
	uint64		heat;			/* BARQ_HEAT_ONE is one search */
} HeatEntry;

StaticAssertDecl(sizeof(HeatEntry) == 40, "HeatEntry is in files");

char *
barq_heat_path(const char *root)
{
	return psprintf("%s/heat", root);
}

/* The header of entries. */
static HeatHeader
make_header(const HeatEntry *entries, int n)
{
	HeatHeader	header;

	memset(&header, 0, sizeof(header));
	header.magic = HEAT_MAGIC;
	header.version = HEAT_VERSION;
	header.entries = n;
	INIT_CRC32C(header.crc);
	COMP_CRC32C(header.crc, entries, sizeof(HeatEntry) * n);
	FIN_CRC32C(header.crc);
	INIT_CRC32C(header.header_crc);
	COMP_CRC32C(header.header_crc, &header, offsetof(HeatHeader, header_crc));
	FIN_CRC32C(header.header_crc);
	return header;
}

/* qsort order: what is kept first, then the hottest. */
static int
hotter_first(const void *a, const void *b)
{
	const HeatEntry *x = a;
	const HeatEntry *y = b;
	bool		x_keep = x->memory == BARQ_MEMORY_KEEP;
	bool		y_keep = y->memory == BARQ_MEMORY_KEEP;

	if (x_keep != y_keep)
		return x_keep ? -1 : 1;
	if (x->heat != y->heat)
		return x->heat > y->heat ? -1 : 1;
	return memcmp(x->id, y->id, BARQ_ID_BYTES);
}

/* Write header and entries to a new file and rename it. False with errno set. */
static bool
write_file(const char *path, const HeatEntry *entries, int n)
{
	HeatHeader	header = make_header(entries, n);
	size_t		bytes = sizeof(HeatEntry) * n;
	char	   *temporary = psprintf("%s.tmp", path);
	int			fd = barq_open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY,
									"heat: create");
	bool		ok = fd >= 0;

	if (ok)
	{
		ok = barq_write(fd, &header, sizeof(header), "heat: write header") == sizeof(header) &&
			barq_write(fd, entries, bytes, "heat: write") == (ssize_t) bytes &&
			barq_fsync(fd, "heat: sync") == 0;
		barq_file_close(fd);
	}
	if (ok)
		ok = barq_rename(temporary, path, "heat: rename") == 0;
	pfree(temporary);
	return ok;
}

void
barq_heat_write(const BarqImageUse *uses, int n)
{
	HeatEntry  *entries = palloc0(sizeof(HeatEntry) * Max(n, 1));
	char	   *root = barq_image_root();
	char	   *path = barq_heat_path(root);
	int			count = 0;

	for (int i = 0; i < n; i++)
	{
		HeatEntry  *entry = &entries[count];

		/* temporary relations do not outlive their session */
		if (uses[i].backend != BarqInvalidBackend ||
			(uses[i].heat == 0 && uses[i].memory != BARQ_MEMORY_KEEP))
			continue;
		memcpy(entry->id, uses[i].id, BARQ_ID_BYTES);
		entry->tablespace = BarqLocatorSpace(uses[i].locator);
		entry->database = BarqLocatorDatabase(uses[i].locator);
		entry->relation = BarqLocatorNumber(uses[i].locator);
		entry->memory = uses[i].memory;
		entry->heat = uses[i].heat;
		count++;
	}
	qsort(entries, count, sizeof(HeatEntry), hotter_first);
	if (!write_file(path, entries, count))
		ereport(DEBUG1,
				(errcode_for_file_access(),
				 errmsg_internal("could not write file \"%s\": %s", path, barq_file_problem())));
	pfree(entries);
	pfree(path);
	pfree(root);
}

/*
 * Read the file open as fd: its entries, palloc'd, or NULL if it is not valid. *n
 * receives their number.
 */
static HeatEntry *
read_file(int fd, int *n)
{
	HeatHeader	header;
	HeatHeader	expected;
	HeatEntry  *entries;
	struct stat st;
	ssize_t		bytes;

	if (read(fd, &header, sizeof(header)) != sizeof(header) ||
		header.magic != HEAT_MAGIC || header.version != HEAT_VERSION ||
		header.entries > MOST_ENTRIES)
		return NULL;
	bytes = sizeof(HeatEntry) * header.entries;
	if (fstat(fd, &st) != 0 || st.st_size != (off_t) sizeof(header) + bytes)
		return NULL;
	entries = palloc(Max(bytes, 1));
	if (read(fd, entries, bytes) != bytes)
	{
		pfree(entries);
		return NULL;
	}
	expected = make_header(entries, header.entries);
	if (memcmp(&header, &expected, sizeof(header)) != 0)
	{
		pfree(entries);
		return NULL;
	}
	*n = header.entries;
	return entries;
}

BarqImageUse *
barq_heat_read(int *n)
{
	char	   *root = barq_image_root();
	char	   *path = barq_heat_path(root);
	int			fd = barq_path_open(path, O_RDONLY | PG_BINARY);
	HeatEntry  *entries = NULL;
	BarqImageUse *uses = NULL;

	*n = 0;
	if (fd >= 0)
	{
		entries = read_file(fd, n);
		if (entries == NULL)
			ereport(LOG,
					(errmsg("ignoring invalid file \"%s\"", path),
					 errdetail("Images are read into memory when they are searched.")));
		barq_file_close(fd);
	}
	if (entries != NULL)
	{
		uses = palloc0(sizeof(BarqImageUse) * Max(*n, 1));
		for (int i = 0; i < *n; i++)
		{
			memcpy(uses[i].id, entries[i].id, BARQ_ID_BYTES);
			BarqLocatorSpace(uses[i].locator) = entries[i].tablespace;
			BarqLocatorDatabase(uses[i].locator) = entries[i].database;
			BarqLocatorNumber(uses[i].locator) = entries[i].relation;
			uses[i].backend = BarqInvalidBackend;
			uses[i].memory = entries[i].memory == BARQ_MEMORY_KEEP ||
				entries[i].memory == BARQ_MEMORY_COLD ?
				(BarqMemory) entries[i].memory : BARQ_MEMORY_AUTO;
			uses[i].heat = entries[i].heat;
		}
		pfree(entries);
	}
	pfree(path);
	pfree(root);
	return uses;
}
