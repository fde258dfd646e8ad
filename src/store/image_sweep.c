/*
 * image_sweep.c
 *	  Removing images whose relation or database is gone:
 *	  <root>/<tablespace>/<database>/<relation>.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/stat.h>

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/fd.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "store/image.h"
#include "store/steps.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* What is done with a database's folder in one tablespace. */
typedef void (*FolderVisitor) (Oid space, Oid database, const char *path, void *arg);

static void
visit_databases(FolderVisitor visit, void *arg)
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

			if (end == database->d_name || *end != '\0')
				continue;
			path = psprintf("%s/%s", space_path, database->d_name);
			visit(space_oid, oid, path, arg);
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

/* Remove the folders below a database's, but those that somebody holds. */
static void
remove_database(const char *path)
{
	DIR		   *dir = AllocateDir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = ReadDirExtended(dir, path, DEBUG1)) != NULL)
	{
		char	   *folder;
		int			lock;

		if (entry->d_name[0] == '.')
			continue;
		folder = psprintf("%s/%s", path, entry->d_name);
		lock = barq_image_lock(folder, true);
		if (lock >= 0)
		{
			barq_image_remove_folder(folder);
			barq_image_unlock(lock);
		}
		pfree(folder);
	}
	if (dir != NULL)
		FreeDir(dir);
	barq_rmdir(path, "folder: remove database");
}

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

/* The folders of this database in one tablespace. */
static void
sweep_folders(Oid space, const char *parent)
{
	DIR		   *dir = AllocateDir(parent);
	struct dirent *entry;

	while (dir != NULL && (entry = ReadDirExtended(dir, parent, DEBUG1)) != NULL)
	{
		char	   *path;
		int			lock;

		CHECK_FOR_INTERRUPTS();
		if (entry->d_name[0] == '.' || !is_orphan(space, entry->d_name))
			continue;
		path = psprintf("%s/%s", parent, entry->d_name);
		lock = barq_image_lock(path, true);
		if (lock >= 0)
		{
			/* once more: it may have been committed before we had the lock */
			AcceptInvalidationMessages();
			if (is_orphan(space, entry->d_name))
				barq_image_remove_folder(path);
			barq_image_unlock(lock);
		}
		pfree(path);
	}
	if (dir != NULL)
		FreeDir(dir);
}

static void
sweep_database(Oid space, Oid database, const char *path, void *arg)
{
	if (database == MyDatabaseId)
		sweep_folders(space, path);
	else if (!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
		remove_database(path);
}

void
barq_image_sweep(void)
{
	visit_databases(sweep_database, NULL);
}

static void
remove_unknown(Oid space, Oid database, const char *path, void *known)
{
	if (!list_member_oid(known, database))
		remove_database(path);
}

void
barq_image_sweep_databases(List *known)
{
	visit_databases(remove_unknown, known);
}
