/*
 * roots.c
 *	  The list of the current and former values of barq.image_directory that may
 *	  still hold images: a file in the data directory, with one line for each.
 *
 * A directory is added before barq's folder is made in it, and removed after the
 * folder is, both under the lock of the file. So every folder that exists is in
 * a listed directory. A folder's name contains the system identifier and the data
 * directory, so a server that runs on a copy of the data directory does not touch
 * the folders of the original.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/stringinfo.h"
#include "storage/fd.h"
#include "store/folder.h"
#include "store/roots.h"
#include "base/steps.h"

#define ROOTS_FILE	"barq_image_directories"

/*
 * Open and lock the file, waiting for the lock. *fd receives the descriptor (the
 * caller closes it); *text receives the content, palloc'd in the current memory
 * context. Returns false, with errno set, on failure.
 */
static bool
open_roots(StringInfo text, int *fd)
{
	char		piece[1024];
	int			n;

	*fd = OpenTransientFile(ROOTS_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | PG_BINARY);
	if (*fd < 0)
		return false;
	if (barq_flock(*fd, LOCK_EX, "roots: lock") != 0)
	{
		CloseTransientFile(*fd);
		return false;
	}
	initStringInfo(text);
	while ((n = read(*fd, piece, sizeof(piece))) > 0)
		appendBinaryStringInfo(text, piece, n);
	if (n < 0)
	{
		int			read_errno = errno;

		CloseTransientFile(*fd);
		errno = read_errno;
		return false;
	}
	return true;
}

/*
 * The start of a directory's line in the content of the file, a pointer into
 * text->data; NULL if there is none. A last line without newline is not found.
 */
static char *
find_line(const StringInfo text, const char *directory)
{
	Size		length = strlen(directory);

	for (char *line = text->data; *line != '\0';)
	{
		char	   *end = strchr(line, '\n');

		if (end == NULL)
			return NULL;
		if ((Size) (end - line) == length && memcmp(line, directory, length) == 0)
			return line;
		line = end + 1;
	}
	return NULL;
}

int
barq_roots_make(int above, const char *directory, const char *top)
{
	StringInfoData text;
	int			fd;
	bool		written = true;
	int			rc = -1;

	if (!open_roots(&text, &fd))
		return -1;
	if (find_line(&text, directory) == NULL)
	{
		char	   *line = psprintf("%s\n", directory);
		int			length = strlen(line);

		written = barq_pwrite(fd, line, length, text.len, "roots: write") == length &&
			barq_fsync(fd, "roots: sync") == 0;
		pfree(line);
	}
	if (written)
		rc = barq_mkdir_at(above, top, S_IRWXU, "roots: make folder");
	if (rc != 0 && errno == EEXIST)
		rc = 0;
	CloseTransientFile(fd);
	pfree(text.data);
	return rc;
}

List *
barq_roots_read(void)
{
	StringInfoData text;
	List	   *directories = NIL;
	struct stat st;
	int			fd;

	if (stat(ROOTS_FILE, &st) != 0 || !open_roots(&text, &fd))
		return NIL;
	CloseTransientFile(fd);
	for (char *line = text.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		directories = lappend(directories, pnstrdup(line, end - line));
	pfree(text.data);
	return directories;
}

void
barq_roots_remove(const char *directory, const char *top)
{
	StringInfoData text;
	char	   *line;
	int			fd;

	if (!open_roots(&text, &fd))
		return;
	line = find_line(&text, directory);
	if (line != NULL && barq_root_remove(directory, top))
	{
		Size		length = strlen(directory) + 1;

		memmove(line, line + length, text.data + text.len - (line + length));
		text.len -= length;

		/* a crash in between leaves a duplicate line, or a part of a line */
		if (barq_pwrite(fd, text.data, text.len, 0, "roots: rewrite") != text.len ||
			barq_truncate(fd, text.len, "roots: cut") != 0)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not write file \"%s\": %m", ROOTS_FILE)));
	}
	CloseTransientFile(fd);
	pfree(text.data);
}
