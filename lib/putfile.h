/* putfile.h - files that are there whole or not at all */
#ifndef MW_PUTFILE_H
#define MW_PUTFILE_H

#include <stddef.h>
#include <sys/types.h>

/* What becomes of the bytes before the name is there. */
enum mw_put {
    MW_PUT_QUICK,  /* as the kernel likes: a crash of the node may lose them */
    MW_PUT_SYNCED, /* fsync(2) */
};

/* Make file [name] of the directory [to] with the [len] bytes of [text], in place of one
 *   that is there: it is written as [part] in the directory [from], on the same file
 *   system, which goes where that fails.  Its mode is [mode], whatever the umask.
 *   Returns 0; -1 with errno (ENOSPC where only a part could be written). */
int mw_put_file (int from, const char *part, int to, const char *name,
                 mode_t mode, enum mw_put how, const char *text, size_t len);

#endif /* !MW_PUTFILE_H */
