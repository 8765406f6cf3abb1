/* store.c - where the evidence is put: evidence-dir/UID, the user's
 *
 * evidence-dir is root's, so nobody can put a link or another's directory in its place;
 * in his own a user has what he likes, and whatever follows a link there is his process.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/attend/attend.h"
#include "lib/cleanup.h"
#include "lib/user.h"

#define FILES_MAX 10000 /* more of them are not counted */
#define DEPTH_MAX 16    /* descriptors, at a time */

/* The directory evidence-dir, made where it is only the last part of it that is
 * missing. Returns it; -1. */
static int _store_top (const char *dir, struct mw_err *err)
{
    char real[PATH_MAX];
    const char *bad;
    int fd;

    if (mkdir (dir, 0755) == 0) {
        if (chmod (dir, 0755) < 0) /* whatever the umask */
            return mw_err_errno (err, "cannot make %s", dir);
    } else if (errno != EEXIST) {
        return mw_err_errno (err, "cannot make evidence-dir %s", dir);
    }
    if (!realpath (dir, real) ||
        (fd = open (real, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return mw_err_errno (err, "cannot open evidence-dir %s", dir);
    if ((bad = mw_not_roots (real))) {
        close (fd);
        return mw_err_code (err, EPERM,
                            "evidence-dir %s can be changed by others than "
                            "root: %.200s",
                            dir, bad);
    }
    return fd;
}

int attend_store (const struct attend_wish *wish, char path[ATTEND_DIR_MAX],
                  struct mw_err *err)
{
    cleanup_fd int top = _store_top (wish->dir, err);
    struct stat st;
    char name[16];

    if (top < 0)
        return -1;
    snprintf (name, sizeof (name), "%u", (unsigned) wish->uid);
    snprintf (path, ATTEND_DIR_MAX, "%s/%s", wish->dir, name);
    if (mkdirat (top, name, 0700) < 0 && errno != EEXIST)
        return mw_err_errno (err, "cannot make %s", path);
    if (fstatat (top, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return mw_err_errno (err, "cannot look at %s", path);
    if (!S_ISDIR (st.st_mode) || (st.st_uid != wish->uid && st.st_uid != 0))
        return mw_err_code (err, EPERM, "%s is not the directory of user %u",
                            path, (unsigned) wish->uid);
    if (st.st_uid != wish->uid &&
        fchownat (top, name, wish->uid, wish->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return mw_err_errno (err, "cannot give %s to its user", path);
    return 0;
}

static struct {
    uint64_t bytes;
    unsigned files;
} counted;

static int _store_count (const char *path, const struct stat *st, int kind,
                         struct FTW *at)
{
    (void) path;
    (void) at;
    if (kind == FTW_DNR || kind == FTW_NS) {
        errno = EACCES;
        return -1;
    }
    counted.bytes += (uint64_t) st->st_blocks * 512;
    errno = EMFILE;
    return ++counted.files > FILES_MAX ? -1 : 0;
}

int attend_store_used (uint64_t *bytes, struct mw_err *err)
{
    counted.bytes = counted.files = 0;
    if (nftw (".", _store_count, DEPTH_MAX, FTW_PHYS | FTW_MOUNT) < 0)
        return mw_err_code (err, errno,
                            errno == EMFILE
                                ? "there are more than %d files in it"
                                : "not all of its files can be counted",
                            FILES_MAX);
    *bytes = counted.bytes;
    return 0;
}
