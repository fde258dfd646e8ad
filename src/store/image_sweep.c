/*
 * image_sweep.c
 *	  Removing images whose relation or database is gone:
 *	  <root>/<tablespace>/<database>/<relation>.
 *
 * A database or relation made while a folder is looked at is not seen; its
 * folder's lock is held by whoever builds there, and what is not locked is only
 * a cache.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "store/image.h"
#include "store/steps.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/*
 * Whether a folder's relation is known to be gone. A relation that another
 * transaction has made but not committed is not seen here: its builder holds
 * the folder's lock.
 *
 * A temporary relation is gone with its storage: of a session that crashed the
 * server removes that when it starts again, and another session may have got
 * the number of its backend since.
 */
static bool
is_orphan(Oid space, const char *name)
{
	BarqLocator locator;
	unsigned	number;
	int			backend;
	int			end = 0;
	struct stat st;

	if (sscanf(name, "%u_%d%n", &number, &backend, &end) == 2 && name[end] == '\0')
	{
		BarqLocatorSpace(locator) = space;
		BarqLocatorDatabase(locator) = MyDatabaseId;
		BarqLocatorNumber(locator) = number;
		return BarqBackendProc(backend) == NULL ||
			(stat(BarqLocatorPath(locator, backend), &st) != 0 && errno == ENOENT);
	}
	if (sscanf(name, "%u%n", &number, &end) == 1 && name[end] == '\0')
		return !OidIsValid(BarqRelidByNumber(space, number));
	return false;
}

/*
 * The folders of a database in one tablespace, but those that somebody holds:
 * orphans where it is this one, all where it is gone.
 */
static void
sweep_database(Oid space, const char *parent, bool gone)
{
	DIR		   *dir = AllocateDir(parent);
	struct dirent *entry;

	while (dir != NULL && (entry = ReadDirExtended(dir, parent, DEBUG1)) != NULL)
	{
		char	   *path;
		int			lock;

		CHECK_FOR_INTERRUPTS();
		if (entry->d_name[0] == '.' || !(gone || is_orphan(space, entry->d_name)))
			continue;
		path = psprintf("%s/%s", parent, entry->d_name);
		lock = barq_image_lock(path, true);
		if (lock >= 0)
		{
			/* once more: it may have been committed before we had the lock */
			AcceptInvalidationMessages();
			if (gone || is_orphan(space, entry->d_name))
				barq_image_remove_folder(path);
			barq_image_unlock(lock);
		}
		pfree(path);
	}
	if (dir != NULL)
		FreeDir(dir);
	if (gone)
		barq_rmdir(parent, "folder: remove database");
}

void
barq_image_sweep(void)
{
	char	   *root = barq_image_root();
	DIR		   *spaces = AllocateDir(root);
	struct dirent *space;

	while (spaces != NULL && (space = ReadDirExtended(spaces, root, DEBUG1)) != NULL)
	{
		char	   *space_path = psprintf("%s/%s", root, space->d_name);
		Oid			space_oid = (Oid) strtoul(space->d_name, NULL, 10);
		DIR		   *databases;
		struct dirent *database;

		if (space->d_name[0] == '.')
			continue;
		databases = AllocateDir(space_path);
		while (databases != NULL &&
			   (database = ReadDirExtended(databases, space_path, DEBUG1)) != NULL)
		{
			char	   *path;
			char	   *end;
			Oid			oid = (Oid) strtoul(database->d_name, &end, 10);

			/* the launcher, which is in no database, must not take "0" for its own */
			if (*end != '\0' || !OidIsValid(oid))
				continue;
			path = psprintf("%s/%s", space_path, database->d_name);
			if (oid == MyDatabaseId)
				sweep_database(space_oid, path, false);
			else if (!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(oid)))
				sweep_database(space_oid, path, true);
			pfree(path);
		}
		if (databases != NULL)
			FreeDir(databases);
		pfree(space_path);
	}
	if (spaces != NULL)
		FreeDir(spaces);
	pfree(root);
}
