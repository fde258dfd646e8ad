/*
 * folder.h
 *	  Folders of images and the files in them, opened so that nobody else's are
 *	  taken for the server's own.
 *
 * Paths are those that paths.c makes, files' with a name behind a folder's.
 * Descriptors that are left open are closed at the end of the transaction, or
 * when the subtransaction that opened them aborts.
 */
#ifndef BARQ_FOLDER_H
#define BARQ_FOLDER_H

#include <sys/stat.h>

#include "access/xact.h"
#include "nodes/pg_list.h"

/*
 * Open a folder, level by level. Each level below the directory that the
 * administrator chose has to be a directory of the server's user that nobody
 * else may write; with `create` those missing are made with mode 0700. Returns
 * a descriptor, or -1 with errno set.
 */
extern int	barq_folder_open(const char *folder, bool create);

/*
 * Open a file, by its folder's descriptor or by its path. An existing one has
 * to be an ordinary file of the server's user with one name; symbolic links are
 * not followed. Returns a descriptor, or -1 with errno set.
 */
extern int	barq_file_open(int folder, const char *path, int flags);
extern int	barq_path_open(const char *path, int flags);
extern void barq_file_close(int fd);

/*
 * Why the last of these calls failed: for what is refused that it is refused,
 * else what errno says. To be called with errno as it was left.
 */
extern const char *barq_file_problem(void);

/* Is there nothing at a path, or a file that would be opened? */
extern bool barq_path_usable(const char *path);

/* As the system's calls of these names, in checked folders. */
extern int	barq_path_stat(const char *path, struct stat *st);
extern int	barq_path_rename(const char *from, const char *to);
extern int	barq_path_unlink(const char *path);
extern int	barq_path_rmdir(const char *path);

/* Names in a folder, palloc'd; NIL where it cannot be read. */
extern List *barq_folder_names(const char *folder);

/*
 * Remove the empty root of a directory: <directory>/<top>/pgsql_tmp. True if it
 * is gone.
 */
extern bool barq_root_remove(const char *directory, const char *top);

/* The module's transaction callbacks call these. */
extern void barq_files_at_end(bool committed);
extern void barq_files_at_subtransaction_end(SubTransactionId mine,
											 SubTransactionId parent, bool committed);

#endif							/* BARQ_FOLDER_H */
