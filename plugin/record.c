/* record.c - one small JSON file per job, below the socket's directory */
#include "plugin/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/wire.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Ours alone to write?  What lies here decides over other people's jobs. */
static bool _trusted (int dir)
{
    struct stat st;

    return !fstat (dir, &st) && st.st_uid == geteuid () &&
           !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int _record_open_dir (const struct site *site, bool make,
                             struct mw_err *err)
{
    char path[PATH_MAX];
    cleanup_fd int above = -1;
    cleanup_fd int dir = -1;

    if (site_socket (site, path, err) < 0)
        return -1;
    *strrchr (path, '/') = '\0';
    if (make)
        mkdir (path, 0755);
    above = open (path, OPEN_DIR);
    if (above >= 0 && make)
        mkdirat (above, "jobs", 0700);
    if (above >= 0)
        dir = openat (above, "jobs", OPEN_DIR);
    if (dir < 0)
        return mw_err_errno (err, "%s/jobs", path);
    if (!_trusted (above) || !_trusted (dir))
        return mw_err_code (err, EPERM, "%s/jobs: others may write there",
                            path);
    return mw_steal_fd (&dir);
}

/* Give what lies at [temporary] its [name]. */
static int _publish (int dir, const char *temporary, const char *name,
                     bool replace)
{
    if (replace)
        return renameat (dir, temporary, dir, name);
    return linkat (dir, temporary, dir, name, 0);
}

int record_save (const struct site *site, const struct mw_jobspec *spec,
                 bool replace, struct mw_err *err)
{
    cleanup_json json_t *obj = mw_jobspec_encode (spec);
    cleanup_free char *text = obj ? json_dumps (obj, JSON_COMPACT) : NULL;
    char temporary[MW_JOBKEY_MAX + 24];
    cleanup_fd int dir = -1;
    cleanup_fd int fd = -1;
    ssize_t len;
    int rc = 0, saved;

    if (!text || !mw_jobkey_valid (spec->key))
        return mw_err_code (err, EINVAL, "the job cannot be put into a record");
    if ((dir = _record_open_dir (site, true, err)) < 0)
        return -1;
    /* two steps may come at once */
    snprintf (temporary, sizeof (temporary), "%s.%d.new", spec->key,
              (int) getpid ());
    len = (ssize_t) strlen (text);
    fd = openat (dir, temporary,
                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write (fd, text, (size_t) len) != len ||
        _publish (dir, temporary, spec->key, replace) < 0)
        rc = mw_err_errno (err, "record of job %s", spec->key);
    saved = errno;
    unlinkat (dir, temporary, 0);
    errno = saved;
    return rc;
}

int record_load (const struct site *site, const char *key,
                 struct mw_jobspec *spec, struct mw_err *err)
{
    char text[4096];
    cleanup_fd int dir = -1;
    cleanup_fd int fd = -1;
    cleanup_json json_t *obj = NULL;
    ssize_t n = -1;

    if (!mw_jobkey_valid (key))
        return mw_err_code (err, EINVAL, "\"%.64s\" is not a job", key);
    if ((dir = _record_open_dir (site, false, err)) < 0)
        return -1;
    fd = openat (dir, key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (n = read (fd, text, sizeof (text))) < 0)
        return mw_err_errno (err, "record of job %s", key);
    obj = json_loadb (text, (size_t) n, JSON_REJECT_DUPLICATES, NULL);
    if (!obj)
        return mw_err_code (err, EINVAL, "record of job %s: not JSON", key);
    return mw_jobspec_decode (obj, spec, err);
}

void record_remove (const struct site *site, const char *key)
{
    cleanup_fd int dir = -1;

    if (mw_jobkey_valid (key) &&
        (dir = _record_open_dir (site, false, NULL)) >= 0)
        unlinkat (dir, key, 0);
}
