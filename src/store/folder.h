/*
 * folder.h
 *	  Folders of images and the files in them, opened so that files of other users
 *	  are never used.
 *
 * Paths of folders come from paths.c; the path of a file is its folder's, a slash
 * and a name. Descriptors that are left open are closed when the transaction
 * ends, or when the subtransaction that opened them aborts. No function raises an
 * error unless it says so.
 */
#ifndef BARQ_FOLDER_H
#define BARQ_FOLDER_H

#include <sys/stat.h>

#include "access/xact.h"
#include "nodes/pg_list.h"

/*
 * Open a folder, level by level. Each level below the directory that the
 * administrator chose has to be a directory of the server's user, not writable by
 * other users; with `create`, missing levels are made with mode 0700. Returns a
 * descriptor, or -1 with errno set: EPERM if a level was refused.
 */
extern int	barq_folder_open(const char *folder, bool create);

/*
 * Open a file, by its folder's descriptor and its path, or by its path alone. An
 * existing file has to be a regular file of the server's user with one link, not
 * writable by other users; symbolic links are not followed. Returns a descriptor,
 * or -1 with errno set: EPERM if the file was refused. barq_file_close() closes
 * descriptors of folders, too.
 */
extern int	barq_file_open(int folder, const char *path, int flags);
extern int	barq_path_open(const char *path, int flags);
extern void barq_file_close(int fd);

/*
 * The cause of the last failure of one of these functions, for a message: the
 * reason of a refusal, else the text of errno. Call it before errno changes. The
 * string is valid until the next call of a function of this file.
 */
extern const char *barq_file_problem(void);

/*
 * Does a path lead to no file, or to one that barq_path_open() would open? Looks at
 * the file without opening it; leaves nothing open.
 */
extern bool barq_path_usable(const char *path);

/*
 * The system calls of these names, relative to checked folders. 0, or -1 with
 * errno set. Symbolic links are not followed; both paths of a rename are in the
 * same folder.
 */
extern int	barq_path_stat(const char *path, struct stat *st);
extern int	barq_path_rename(const char *from, const char *to);
extern int	barq_path_unlink(const char *path);
extern int	barq_path_rmdir(const char *path);

/* The names in a folder, palloc'd strings; NIL if it cannot be read. */
extern List *barq_folder_names(const char *folder);

/*
 * Remove <directory>/<top>/pgsql_tmp and <directory>/<top>, if they are empty.
 * True if they do not exist afterwards.
 */
extern bool barq_root_remove(const char *directory, const char *top);

/*
 * Close the descriptors that are left open, with a WARNING after a commit, or give
 * those of a committed subtransaction to its parent. The module's transaction
 * callbacks call these.
 */
extern void barq_files_at_end(bool committed);
extern void barq_files_at_subtransaction_end(SubTransactionId mine,
											 SubTransactionId parent, bool committed);

#endif							/* BARQ_FOLDER_H */
