/* learnt.c - what jobs have turned out to need: see learnt.h */
#include "handler/spool/learnt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/json_get.h"
#include "lib/json_put.h"
#include "lib/putfile.h"

/* every byte of the names may become six, and three numbers a run */
#define FILE_MAX (12 * LEARNT_NAME_MAX + 128 * LEARNT_RUNS + 256)
#define HASH_LEN 16
#define PART ".part"

static int kept = -1; /* the directory */

int learnt_open (const char *dir, gid_t gid, struct mw_err *err)
{
    cleanup_fd int top = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                   fd = -1;
    gid_t own = getegid ();

    if (top < 0)
        return mw_err_errno (err, "cannot open %s", dir);
    /* the group is given by making it as one of it: that needs no chown */
    if (geteuid () == 0 && setegid (gid) < 0)
        return mw_err_errno (err, "cannot act for group %u", (unsigned) gid);
    if (mkdirat (top, LEARNT_DIR, 0770) == 0)
        fchmodat (top, LEARNT_DIR, 0770, 0); /* whatever the umask is */
    fd = openat (top, LEARNT_DIR,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (geteuid () == 0 && setegid (own) < 0)
        return mw_err_errno (err, "cannot act for group %u", (unsigned) own);
    if (fd < 0)
        return mw_err_errno (err, "cannot open %s/" LEARNT_DIR, dir);
    kept = mw_steal_fd (&fd);
    return 0;
}

/* ---- one file ------------------------------------------------------------ */

/* As much of [name] as is kept, as the file has it: valid UTF-8 and printable. */
static void _learnt_name (char out[LEARNT_NAME_MAX], const char *name)
{
    char text[LEARNT_NAME_MAX + 4];
    struct json_put p = { .text = text, .size = sizeof (text) };
    cleanup_json json_t *j = NULL;

    json_put_cut (&p, NULL, name ? name : "", LEARNT_NAME_MAX - 1);
    j = json_loads (json_put_done (&p), JSON_DECODE_ANY, NULL);
    snprintf (out, LEARNT_NAME_MAX, "%s", j ? json_string_value (j) : "");
}

static uint64_t _learnt_hash (const struct learnt *l)
{
    const char *const of[] = { l->account, l->name };
    uint64_t h = UINT64_C (14695981039346656037) ^ l->uid; /* FNV-1a */

    for (unsigned i = 0; i < 2; i++) {
        for (const char *p = of[i]; *p; p++)
            h = (h ^ (unsigned char) *p) * UINT64_C (1099511628211);
        h = (h ^ 0xff) * UINT64_C (1099511628211);
    }
    return h;
}

static bool _learnt_text (const json_t *j, const char *member,
                          char out[LEARNT_NAME_MAX])
{
    const json_t *v = json_object_get (j, member);

    if (!json_is_string (v) || json_string_length (v) >= LEARNT_NAME_MAX)
        return false;
    strcpy (out, json_string_value (v));
    return true;
}

/* Read file [name] of [dir], whoever has put it there. Returns whether it is one. */
static bool _learnt_read (int dir, const char *name, struct learnt *l)
{
    cleanup_fd int fd = openat (dir, name,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[FILE_MAX];
    struct stat st;
    ssize_t n = fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode)
                    ? read (fd, text, sizeof (text))
                    : -1;
    cleanup_json json_t *j = n > 0 ? json_loadb (text, (size_t) n, 0, NULL)
                                   : NULL;
    const json_t *runs = json_object_get (j, "runs"), *run;
    size_t i;

    *l = (struct learnt) { .uid = (uint32_t) json_get_number (j, "uid"),
                           .times = json_get_number (j, "times") };
    if (!json_is_array (runs) || !_learnt_text (j, "account", l->account) ||
        !_learnt_text (j, "name", l->name))
        return false;
    for (i = 0; (run = json_array_get (runs, i)) && l->count < LEARNT_RUNS; i++)
        l->run[l->count++] = (struct learnt_run) {
            .s = json_get_number (run, "s"),
            .peak = json_get_number (run, "peak"),
            .mem_mb = json_get_number (run, "mem_mb"),
        };
    return true;
}

static int _learnt_write (int dir, const char *name, const struct learnt *l)
{
    char text[FILE_MAX], part[HASH_LEN + sizeof (PART)];
    struct json_put p = { .text = text, .size = sizeof (text) };

    json_put (&p, "{");
    json_put_number (&p, "uid", l->uid);
    json_put_text (&p, "account", l->account);
    json_put_text (&p, "name", l->name);
    json_put_number (&p, "times", l->times);
    json_put (&p, "\"runs\":[");
    for (unsigned i = 0; i < l->count; i++) {
        json_put (&p, "{");
        json_put_number (&p, "s", l->run[i].s);
        json_put_number (&p, "peak", l->run[i].peak);
        json_put_number (&p, "mem_mb", l->run[i].mem_mb);
        json_put_end (&p, "},");
    }
    json_put_end (&p, "]}\n");
    snprintf (part, sizeof (part), "%s" PART, name);
    if (p.over) {
        errno = EMSGSIZE;
        return -1;
    }
    return mw_put_file (dir, part, dir, name, 0640, MW_PUT_QUICK, text, p.len);
}

/* ---- all of them --------------------------------------------------------- */

static bool _is_learnt (const char *name)
{
    return strlen (name) == HASH_LEN &&
           name[strspn (name, "0123456789abcdef")] == '\0';
}

static DIR *_learnt_list (int dir)
{
    int fd = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir (fd);

    if (!d && fd >= 0)
        close (fd);
    return d;
}

/* There is to be one more: remove the one that was not written for longest, where
 * there are as many as may be. */
static void _learnt_room (int dir)
{
    DIR *d = _learnt_list (dir);
    char oldest[HASH_LEN + 1] = "";
    struct timespec since = { 0 };
    unsigned count = 0;
    struct dirent *e;
    struct stat st;

    while (d && (e = readdir (d))) {
        if (!_is_learnt (e->d_name) ||
            fstatat (dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        count++;
        if (!oldest[0] || st.st_mtim.tv_sec < since.tv_sec ||
            (st.st_mtim.tv_sec == since.tv_sec &&
             st.st_mtim.tv_nsec < since.tv_nsec)) {
            strcpy (oldest, e->d_name);
            since = st.st_mtim;
        }
    }
    if (d)
        closedir (d);
    if (count >= LEARNT_MAX)
        unlinkat (dir, oldest, 0);
}

int learnt_add (uint32_t uid, const char *account, const char *name,
                const struct learnt_run *run)
{
    struct learnt l = { .uid = uid }, was;
    char file[HASH_LEN + 1];
    /* one writer at a time, of whatever process */
    cleanup_fd int lock = openat (kept, ".",
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (lock < 0 || flock (lock, LOCK_EX) < 0)
        return -1;
    _learnt_name (l.account, account);
    _learnt_name (l.name, name);
    snprintf (file, sizeof (file), "%016" PRIx64, _learnt_hash (&l));
    if (!_learnt_read (kept, file, &was))
        _learnt_room (kept);
    else if (was.uid == uid && !strcmp (was.account, l.account) &&
             !strcmp (was.name, l.name))
        l = was;
    if (l.count == LEARNT_RUNS)
        memmove (l.run, l.run + 1, --l.count * sizeof (l.run[0]));
    l.run[l.count++] = *run;
    l.times++;
    return _learnt_write (kept, file, &l);
}

int learnt_each (const char *dir,
                 void (*visit) (const struct learnt *l, void *arg), void *arg)
{
    cleanup_fd int top = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int fd = openat (top, LEARNT_DIR,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                                    O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : _learnt_list (fd);
    struct dirent *e;
    struct learnt l;
    int count = 0;

    if (!d)
        return -1;
    while ((e = readdir (d))) {
        if (_is_learnt (e->d_name) && _learnt_read (fd, e->d_name, &l)) {
            visit (&l, arg);
            count++;
        }
    }
    closedir (d);
    return count;
}
