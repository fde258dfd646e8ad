/*
 * folder.c
 *	  Opening folders of images and the files in them.
 *
 * An image with a valid checksum is trusted, and the names of files can be
 * guessed. So no path is opened as a whole, because another user could have placed
 * a link, a folder or a file in it: every level is opened relative to the level
 * above, without following links, and checked through its own descriptor. The
 * directory above the first level (the data directory, or barq.image_directory,
 * which may be a link) is the administrator's choice. A user who may write there
 * can remove the first level, but not replace it by another.
 *
 * PostgreSQL opens transient files by path, so this file keeps its own list of
 * descriptors. Calls roots.c.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "base/array.h"
#include "store/folder.h"
#include "store/roots.h"
#include "base/steps.h"
#include "utils/memutils.h"

#define ROOT_NAME	"/pgsql_tmp"
#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)
#define OTHERS	(S_IRWXG | S_IRWXO)

typedef struct OpenFile
{
	int			fd;
	SubTransactionId subtransaction;
} OpenFile;

static OpenFile *open_files;	/* in TopMemoryContext */
static int	nopen;
static int	space;

static char problem[MAXPGPATH + 128];	/* reason of the last refusal, or empty */

const char *
barq_file_problem(void)
{
	return errno == EPERM && problem[0] != '\0' ? problem : strerror(errno);
}

/* Note why a file or folder is refused; returns -1 with errno EPERM. */
static int
refuse(const char *path, const char *why)
{
	snprintf(problem, sizeof(problem), "\"%s\" %s", path, why);
	errno = EPERM;
	return -1;
}

/* close() that does not change errno. */
static void
close_keeping_errno(int fd)
{
	int			save_errno = errno;

	close(fd);
	errno = save_errno;
}

/* ---- descriptors ---- */

/*
 * Make room for one more descriptor in the list and in the process; keep() has to
 * follow. False with errno set. May raise ERRCODE_OUT_OF_MEMORY.
 */
static bool
reserve(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	BARQ_ARRAY_RESERVE(open_files, space, nopen + 1, 16);
	MemoryContextSwitchTo(old);
	return AcquireExternalFD();
}

/*
 * Add a descriptor that was opened after reserve() to the list; -1 undoes
 * reserve(). Returns fd and keeps errno.
 */
static int
keep(int fd)
{
	int			save_errno = errno;

	if (fd < 0)
		ReleaseExternalFD();
	else
	{
		open_files[nopen].fd = fd;
		open_files[nopen].subtransaction = GetCurrentSubTransactionId();
		nopen++;
	}
	errno = save_errno;
	return fd;
}

/* Close the i-th descriptor of the list; the last one takes its place. */
static void
close_nth(int i)
{
	close_keeping_errno(open_files[i].fd);
	ReleaseExternalFD();
	open_files[i] = open_files[--nopen];
}

void
barq_file_close(int fd)
{
	for (int i = 0; i < nopen; i++)
		if (open_files[i].fd == fd)
		{
			close_nth(i);
			return;
		}
	elog(WARNING, "a file is closed that is not open: %d", fd);
}

void
barq_files_at_end(bool committed)
{
	if (committed && nopen > 0)
		elog(WARNING, "%d image files not closed at end of transaction", nopen);
	while (nopen > 0)
		close_nth(nopen - 1);
}

void
barq_files_at_subtransaction_end(SubTransactionId mine, SubTransactionId parent,
								 bool committed)
{
	for (int i = nopen - 1; i >= 0; i--)
	{
		if (open_files[i].subtransaction != mine)
			continue;
		if (committed)
			open_files[i].subtransaction = parent;
		else
			close_nth(i);
	}
}

/* ---- levels ---- */

/*
 * Check that the level open as fd belongs to the server's user and is not writable
 * by others; take read permission from others outside the data directory. Returns
 * fd, or -1 with errno set, having closed it.
 */
static int
check_level(int fd, const char *path, bool in_data_directory)
{
	struct stat st;
	int			result = fstat(fd, &st) == 0 ? fd : -1;

	if (result < 0)
		;
	else if (st.st_uid != geteuid())
		result = refuse(path, "belongs to another user");
	else if ((st.st_mode & OTHERS_WRITE) != 0)
		result = refuse(path, "is writable by other users");

	/* a group may have read access to the data directory, but not to images */
	else if ((st.st_mode & OTHERS) != 0 && !in_data_directory && fchmod(fd, S_IRWXU) != 0)
		result = -1;
	if (result < 0)
		close_keeping_errno(fd);
	return result;
}

/*
 * Open the level `name` below the level open as `above`. `path`: its path, for
 * messages. With `create`, a missing level is made first; `last`: it is the folder
 * itself. Returns a descriptor, or -1 with errno set.
 */
static int
open_level(int above, const char *name, const char *path, bool create,
		   bool in_data_directory, bool last)
{
	const int	flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	mode_t		mode = in_data_directory ? pg_dir_create_mode : S_IRWXU;
	int			fd;
	struct stat st;

	if (create)
	{
		/* NOLINTNEXTLINE(bugprone-branch-clone): two crash points, where there are any */
		int			rc = last ?
			barq_mkdir_at(above, name, mode, "folder: make") :
			barq_mkdir_at(above, name, mode, "folder: make parent");

		if (rc != 0 && errno != EEXIST)
			return -1;
	}
	fd = openat(above, name, flags);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) &&
		fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return refuse(path, S_ISLNK(st.st_mode) ? "is a symbolic link" : "is not a directory");
	return fd < 0 ? -1 : check_level(fd, path, in_data_directory);
}

/* Make a directory and its parents with mode 0700. 0, or -1 with errno set. */
static int
make_directory(const char *directory)
{
	char		path[MAXPGPATH];
	int			rc = 0;

	strlcpy(path, directory, sizeof(path));
	for (char *p = path + 1; rc == 0; p++)
	{
		char		here = *p;

		if (here != '/' && here != '\0')
			continue;
		*p = '\0';
		if (barq_mkdir_at(AT_FDCWD, path, S_IRWXU, "folder: make directory") != 0 &&
			errno != EEXIST)
			rc = -1;
		*p = here;
		if (here == '\0')
			break;
	}
	return rc;
}

static bool
is_trusted(uid_t user)
{
	return user == geteuid() || user == 0;
}

/*
 * Open the directory of barq.image_directory, following a link if root or the
 * server's user made it. With `create`, a missing directory is made. Returns a
 * descriptor, or -1 with errno set.
 */
static int
open_directory(const char *directory, bool create)
{
	const int	flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct stat link;
	struct stat st;
	int			fd = open(directory, flags);

	if (fd < 0 && errno == ENOENT && create && make_directory(directory) == 0)
		fd = open(directory, flags);
	if (fd < 0)
		return -1;
	if (lstat(directory, &link) != 0 || fstat(fd, &st) != 0)
	{
		close_keeping_errno(fd);
		return -1;
	}
	if (!is_trusted(link.st_uid) || !is_trusted(st.st_uid))
	{
		close(fd);
		return refuse(directory, "belongs to another user");
	}
	return fd;
}

/*
 * Open a folder, checking each level as barq_folder_open() promises; with `create`,
 * makes missing levels. The level above "pgsql_tmp" is the first one that barq
 * makes. Returns a plain descriptor, which the caller closes with close() (no
 * transaction closes it), or -1 with errno set; sets `problem` if it refuses a level.
 */
static int
open_folder(const char *folder, bool create)
{
	char		path[MAXPGPATH];
	char	   *root;
	char	   *name;
	char	   *end;
	bool		in_data_directory;
	struct stat st;
	int			fd;

	problem[0] = '\0';
	if (strlcpy(path, folder, sizeof(path)) >= sizeof(path))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	root = strstr(path, ROOT_NAME);
	for (char *next = root; next != NULL; next = strstr(root + 1, ROOT_NAME))
		root = next;
	Assert(root != NULL);
	for (name = root; name > path && name[-1] != '/'; name--)
		;
	in_data_directory = name == path;
	if (in_data_directory)
		fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
	{
		const char *directory = name == path + 1 ? "/" : path;

		name[-1] = *root = '\0';
		fd = open_directory(directory, create);
		if (fd >= 0 && create && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
			errno == ENOENT && barq_roots_make(fd, directory, name) != 0)
		{
			close_keeping_errno(fd);
			fd = -1;
		}
		name[-1] = *root = '/';
	}
	for (; fd >= 0 && name != NULL; name = end == NULL ? NULL : end + 1)
	{
		int			next;

		end = strchr(name, '/');
		if (end != NULL)
			*end = '\0';
		next = open_level(fd, name, path, create, in_data_directory, end == NULL);
		close_keeping_errno(fd);
		fd = next;
		in_data_directory = false;
		if (end != NULL)
			*end = '/';
	}
	return fd;
}

int
barq_folder_open(const char *folder, bool create)
{
	int			fd;

	if (!reserve())
		return -1;
	fd = open_folder(folder, false);
	if (fd < 0 && errno == ENOENT && create)
		fd = open_folder(folder, true);
	return keep(fd);
}

/*
 * Open the folder that contains a file or folder; *name points to the last part of
 * `path`. The caller closes the descriptor; -1 with errno set.
 */
static int
open_parent(const char *path, const char **name)
{
	char		folder[MAXPGPATH];

	*name = strrchr(path, '/') + 1;
	if ((Size) (*name - path) > sizeof(folder))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	strlcpy(folder, path, *name - path);
	return open_folder(folder, false);
}

/* ---- files ---- */

/*
 * Check that a file is a regular file of the server's user, with one link and not
 * writable by others: 0, or -1 with errno EPERM.
 */
static int
check_file(const struct stat *st, const char *path)
{
	if (S_ISLNK(st->st_mode))
		return refuse(path, "is a symbolic link");
	if (!S_ISREG(st->st_mode))
		return refuse(path, "is not a regular file");
	if (st->st_uid != geteuid())
		return refuse(path, "belongs to another user");
	if (st->st_nlink > 1)
		return refuse(path, "has more than one hard link");
	if ((st->st_mode & OTHERS_WRITE) != 0)
		return refuse(path, "is writable by other users");
	return 0;
}

/*
 * Open a file of a folder, checking it as barq_file_open() promises. Returns a plain
 * descriptor, which the caller closes with close() (no transaction closes it), or -1
 * with errno set; sets `problem` if it refuses the file.
 */
static int
open_file(int folder, const char *path, int flags)
{
	const char *name = strrchr(path, '/') + 1;
	struct stat st;
	int			fd;

	/* O_NONBLOCK: do not wait for a FIFO; no O_TRUNC before the checks */
	fd = openat(folder, name,
				(flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
				S_IRUSR | S_IWUSR);
	if (fd < 0)
	{
		int			save_errno = errno;

		if (errno != ENOENT && (flags & O_EXCL) == 0 &&
			fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && check_file(&st, path) != 0)
			return -1;
		errno = save_errno;
		return -1;
	}
	if (fstat(fd, &st) != 0 || check_file(&st, path) != 0 ||
		((flags & O_TRUNC) != 0 && barq_truncate(fd, 0, "file: empty") != 0))
	{
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

int
barq_file_open(int folder, const char *path, int flags)
{
	problem[0] = '\0';
	return reserve() ? keep(open_file(folder, path, flags)) : -1;
}

int
barq_path_open(const char *path, int flags)
{
	const char *name;
	int			folder = open_parent(path, &name);
	int			fd;

	if (folder < 0)
		return -1;
	fd = barq_file_open(folder, path, flags);
	close_keeping_errno(folder);
	return fd;
}

bool
barq_path_usable(const char *path)
{
	const char *name;
	int			folder = open_parent(path, &name);
	struct stat st;
	bool		usable;

	if (folder < 0)
		return false;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		usable = check_file(&st, path) == 0;
	else
		usable = errno == ENOENT;
	close_keeping_errno(folder);
	return usable;
}

int
barq_path_stat(const char *path, struct stat *st)
{
	const char *name;
	int			folder = open_parent(path, &name);
	int			rc;

	if (folder < 0)
		return -1;
	rc = fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW);
	close_keeping_errno(folder);
	return rc;
}

int
barq_path_rename(const char *from, const char *to)
{
	const char *name;
	int			folder = open_parent(from, &name);
	int			rc;

	if (folder < 0)
		return -1;
	rc = renameat(folder, name, folder, strrchr(to, '/') + 1);
	close_keeping_errno(folder);
	return rc;
}

/* unlinkat() with `flags`, relative to a checked folder. */
static int
remove_entry(const char *path, int flags)
{
	const char *name;
	int			folder = open_parent(path, &name);
	int			rc;

	if (folder < 0)
		return -1;
	rc = unlinkat(folder, name, flags);
	close_keeping_errno(folder);
	return rc;
}

int
barq_path_unlink(const char *path)
{
	return remove_entry(path, 0);
}

int
barq_path_rmdir(const char *path)
{
	return remove_entry(path, AT_REMOVEDIR);
}

List *
barq_folder_names(const char *folder)
{
	int			fd = open_folder(folder, false);
	DIR		   *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	List	   *names = NIL;

	if (dir == NULL)
	{
		if (fd >= 0)
			close_keeping_errno(fd);
		return NIL;
	}
	while ((entry = readdir(dir)) != NULL)
	{
		char	   *name;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;

		/* an error would leave the descriptor open */
		name = palloc_extended(strlen(entry->d_name) + 1, MCXT_ALLOC_NO_OOM);
		if (name == NULL)
			break;
		strcpy(name, entry->d_name);
		names = lappend(names, name);
	}
	closedir(dir);
	return names;
}

bool
barq_root_remove(const char *directory, const char *top)
{
	int			above = open_directory(directory, false);
	int			level;
	bool		gone;

	if (above < 0)
		return errno == ENOENT;
	level = openat(above, top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (level >= 0)
	{
		(void) unlinkat(level, &ROOT_NAME[1], AT_REMOVEDIR);
		close(level);
	}
	gone = unlinkat(above, top, AT_REMOVEDIR) == 0 || errno == ENOENT;
	close(above);
	return gone;
}
