/* cleanup.h - variables that release what they hold at the end of their scope
 *
 * In the manner of crun: `cleanup_fd int fd = open (…);`.
 */
#ifndef MW_CLEANUP_H
#define MW_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void mw_cleanup_fdp (int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close (*fd);
        errno = saved;
    }
}

static inline void mw_cleanup_freep (void *p)
{
    free (*(void **) p);
}

static inline void mw_cleanup_filep (FILE **f)
{
    if (*f)
        fclose (*f);
}

static inline void mw_cleanup_dirp (DIR **d)
{
    if (*d)
        closedir (*d);
}

static inline void mw_cleanup_jsonp (json_t **j)
{
    json_decref (*j);
}

/* Hand over what [*fd] holds and leave -1 there, so its cleanup does
 * nothing. */
static inline int mw_steal_fd (int *fd)
{
    int f = *fd;
    *fd = -1;
    return f;
}

#define cleanup_fd __attribute__ ((cleanup (mw_cleanup_fdp)))
#define cleanup_free __attribute__ ((cleanup (mw_cleanup_freep)))
#define cleanup_file __attribute__ ((cleanup (mw_cleanup_filep)))
#define cleanup_dir __attribute__ ((cleanup (mw_cleanup_dirp)))
#define cleanup_json __attribute__ ((cleanup (mw_cleanup_jsonp)))

#endif /* !MW_CLEANUP_H */
