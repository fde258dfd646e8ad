/*
 * image_sweep.c
 *	  Removing folders of images, <root>/<tablespace>/<database>/<relation>, whose
 *	  relation or database is gone, and those under former values of
 *	  barq.image_directory.
 *
 * The sweep may not see a database or relation that is created meanwhile. Its
 * builder has locked its folder, which the sweep then leaves alone; a folder
 * that is not locked is only a cache. Calls image_make.c, paths.c and roots.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <sys/stat.h>

#include "access/xact.h"
#include "catalog/pg_tablespace_d.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "base/settings.h"
#include "storage/fd.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "store/image.h"
#include "store/residency.h"
#include "store/roots.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* A VACUUM of many indexes sweeps again after this time. */
#define SWEEP_INTERVAL_MS	60000

/*
 * Does the folder `name`, in tablespace `space` of this database, belong to a
 * relation that does not exist? Reads pg_class and takes no lock on the relation.
 * True also for a relation that another transaction has created and not committed:
 * its builder holds the folder's lock.
 *
 * A temporary relation exists while its storage does: the server removes the
 * storage of crashed sessions when it starts, and a later session may have the
 * same backend number.
 */
static bool
is_orphan(Oid space, const char *name)
{
	BarqLocator locator;
	unsigned long number;
	unsigned long backend;
	char	   *end;
	struct stat st;

	number = strtoul(name, &end, 10);
	if (end == name || number > PG_UINT32_MAX)
		return false;
	if (*end == '\0')
		return !OidIsValid(BarqRelidByNumber(space, number));
	if (*end != '_')
		return false;
	name = end + 1;
	backend = strtoul(name, &end, 10);
	if (end == name || *end != '\0' || backend > PG_INT32_MAX)
		return false;
	BarqLocatorSpace(locator) = space;
	BarqLocatorDatabase(locator) = MyDatabaseId;
	BarqLocatorNumber(locator) = number;
	return BarqBackendProc((int) backend) == NULL ||
		(stat(BarqLocatorPath(locator, (int) backend), &st) != 0 && errno == ENOENT);
}

/*
 * Remove folders of a database in one tablespace, except those that another
 * process has locked: all if the database is gone, else (this database) orphans.
 * `parent`: their path.
 */
static void
sweep_database(Oid space, const char *parent, bool gone)
{
	ListCell   *cell;

	foreach(cell, barq_folder_names(parent))
	{
		const char *name = lfirst(cell);
		char	   *path;
		int			lock;

		CHECK_FOR_INTERRUPTS();
		if (name[0] == '.' || !(gone || is_orphan(space, name)))
			continue;
		path = psprintf("%s/%s", parent, name);
		lock = barq_image_lock(path, true);
		if (lock >= 0)
		{
			/* its transaction may have committed before the lock was taken */
			AcceptInvalidationMessages();
			if (gone || is_orphan(space, name))
				barq_image_remove_folder(path);
			barq_image_unlock(lock);
		}
		pfree(path);
	}
	if (gone)
		barq_rmdir(parent, "folder: remove database");
}

/* Remove the folder of a tablespace, if it is empty. */
static void
remove_space(const char *path)
{
	barq_rmdir(path, "folder: remove tablespace");
}

/*
 * Whether a tablespace exists, by its link in the data directory: the launcher, which has
 * no database, cannot read pg_tablespace.
 */
static bool
space_exists(Oid space)
{
	struct stat st;

	return space == DEFAULTTABLESPACE_OID ||
		lstat(psprintf("pg_tblspc/%u", space), &st) == 0 || errno != ENOENT;
}

/*
 * Remove the folders below a former value of barq.image_directory (empty: the
 * data directory), except those that another process has locked.
 */
static void
remove_root(const char *directory)
{
	char	   *root = barq_image_root_in(directory);
	ListCell   *space;
	ListCell   *database;

	foreach(space, barq_folder_names(root))
	{
		char	   *path = psprintf("%s/%s", root, (char *) lfirst(space));

		foreach(database, barq_folder_names(path))
			sweep_database(InvalidOid, psprintf("%s/%s", path, (char *) lfirst(database)), true);
		remove_space(path);
	}
	barq_unlink(barq_heat_path(root), "heat: remove");
	if (directory[0] == '\0')
		(void) barq_root_remove(".", "pg_barq");
	else
		barq_roots_remove(directory, barq_image_top());
}

/*
 * Remove the folders below all former values of barq.image_directory. A session
 * that has not seen the change of the setting yet may still make new ones, which
 * the next sweep removes.
 */
static void
remove_old_roots(void)
{
	const char *present = barq_image_directory == NULL ? "" : barq_image_directory;
	ListCell   *cell;
	struct stat st;

	if (present[0] != '\0' && lstat("pg_barq", &st) == 0)
		remove_root("");
	foreach(cell, barq_roots_read())
		if (strcmp(lfirst(cell), present) != 0)
			remove_root(lfirst(cell));
}

void
barq_image_sweep(void)
{
	char	   *root = barq_image_root();
	ListCell   *space;
	ListCell   *database;

	remove_old_roots();
	foreach(space, barq_folder_names(root))
	{
		char	   *space_path = psprintf("%s/%s", root, (char *) lfirst(space));
		Oid			space_oid = (Oid) strtoul(lfirst(space), NULL, 10);

		foreach(database, barq_folder_names(space_path))
		{
			char	   *path;
			char	   *end;
			Oid			oid = (Oid) strtoul(lfirst(database), &end, 10);

			/* in the launcher MyDatabaseId is 0: it must not match a folder "0" */
			if (*end != '\0' || !OidIsValid(oid))
				continue;
			path = psprintf("%s/%s", space_path, (char *) lfirst(database));
			if (oid == MyDatabaseId)
				sweep_database(space_oid, path, false);
			else if (!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(oid)))
				sweep_database(space_oid, path, true);
			pfree(path);
		}

		/* left empty by the last database, if the tablespace is gone */
		if (OidIsValid(space_oid) && !space_exists(space_oid))
			remove_space(space_path);
		pfree(space_path);
	}
	pfree(root);
}

/*
 * A statement is known by its time. A process of autovacuum has no statement; it sets
 * that time for each table.
 */
void
barq_image_sweep_in_vacuum(void)
{
	static bool swept = false;
	static TimestampTz swept_at;
	static TimestampTz statement;
	TimestampTz now = GetCurrentTimestamp();

	if (swept &&
		(AmAutoVacuumWorkerProcess() || statement == GetCurrentStatementStartTimestamp()) &&
		!TimestampDifferenceExceeds(swept_at, now, SWEEP_INTERVAL_MS))
		return;
	ereport(DEBUG1, (errmsg_internal("sweeping the folders of images")));
	barq_image_sweep();
	swept = true;
	swept_at = now;
	statement = GetCurrentStatementStartTimestamp();
}
