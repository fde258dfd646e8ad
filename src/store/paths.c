/*
 * paths.c
 *	  Paths of the folders of images, and the lock on each of them.
 *
 * <root>/pgsql_tmp/<tablespace>/<database>/<relfilenode>[_<backend>]/ where
 * <root> is pg_barq in the data directory, or a folder named after this system
 * and data directory under barq.image_directory. Backup tools skip directories
 * whose name begins with pgsql_tmp. Calls folder.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "base/settings.h"
#include "storage/fd.h"
#include "store/image.h"

/* A sweep or a tidying of a folder takes less than so many milliseconds. */
#define LOCK_TRIES	10000

void
barq_id_text(const uint8 *id, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < BARQ_ID_BYTES; i++)
	{
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	text[2 * BARQ_ID_BYTES] = '\0';
}

char *
barq_id_path(const char *folder, const uint8 *id, const char *suffix)
{
	char		text[BARQ_ID_TEXT];

	barq_id_text(id, text);
	return psprintf("%s/%s%s", folder, text, suffix);
}

char *
barq_image_top(void)
{
	/* servers may share the directory, and copies have the same identifier */
	uint64		place = hash_bytes_extended((const unsigned char *) DataDir, strlen(DataDir), 0);

	return psprintf("barq_" UINT64_FORMAT "_%016llx", GetSystemIdentifier(),
					(unsigned long long) place);
}

char *
barq_image_root_in(const char *directory)
{
	if (directory == NULL || directory[0] == '\0')
		return pstrdup("pg_barq/pgsql_tmp");
	return psprintf("%s/%s/pgsql_tmp", directory, barq_image_top());
}

char *
barq_image_root(void)
{
	return barq_image_root_in(barq_image_directory);
}

char *
barq_image_folder_of(BarqLocator locator, int backend)
{
	char	   *root = barq_image_root();
	char	   *folder;

	if (backend == BarqInvalidBackend)
		folder = psprintf("%s/%u/%u/%u", root, BarqLocatorSpace(locator),
						  BarqLocatorDatabase(locator), BarqLocatorNumber(locator));
	else
		folder = psprintf("%s/%u/%u/%u_%d", root, BarqLocatorSpace(locator),
						  BarqLocatorDatabase(locator), BarqLocatorNumber(locator),
						  backend);
	pfree(root);
	return folder;
}

char *
barq_image_folder(Relation index)
{
	return barq_image_folder_of(BarqRelationLocator(index), index->rd_backend);
}

bool
barq_image_folder_create(const char *folder)
{
	int			fd = barq_folder_open(folder, true);

	if (fd < 0)
		return false;
	barq_file_close(fd);
	return true;
}

int
barq_image_lock(const char *folder, bool exclusive)
{
	char	   *path = psprintf("%s/lock", folder);
	int			fd = barq_open_file(path, O_RDWR | O_CREAT | PG_BINARY,
									"folder: create lock file");

	if (fd >= 0 && barq_flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB, "folder: lock") != 0)
	{
		int			save_errno = errno;

		barq_file_close(fd);
		errno = save_errno;
		fd = -1;
	}
	if (fd >= 0)
	{
		struct stat here,
					there;

		/* a sweeper may have removed the folder between open and lock */
		if (fstat(fd, &here) != 0 || barq_path_stat(path, &there) != 0 ||
			here.st_ino != there.st_ino)
		{
			barq_file_close(fd);
			errno = EWOULDBLOCK;
			fd = -1;
		}
	}
	pfree(path);
	return fd;
}

int
barq_image_folder_lock(const char *folder)
{
	int			fd = -1;

	for (int tries = 0; tries < LOCK_TRIES; tries++)
	{
		if (barq_image_folder_create(folder))
			fd = barq_image_lock(folder, false);
		if (fd >= 0 || (errno != EWOULDBLOCK && errno != ENOENT))
			return fd;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
		errno = EWOULDBLOCK;
	}
	return fd;
}

void
barq_image_unlock(int fd)
{
	if (fd >= 0)
	{
		barq_step("folder: unlock");
		barq_file_close(fd);
	}
}
