/* leftover.c - see leftover.h */
#include "handler/record/leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "handler/job/job.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/memparts.h"
#include "lib/units.h"

#define SHM "/dev/shm"

/* What a file system rounds its times to. */
#define SINCE_SLACK_S 1

/* ---- the look ------------------------------------------------------------ */

static void _leftover_rank (struct leftover *l, const char *name,
                            uint64_t bytes)
{
    unsigned at = l->n;

    l->named += bytes;
    while (at > 0 && l->file[at - 1].bytes < bytes)
        at--;
    if (at == LEFTOVER_TOP)
        return;
    if (l->n < LEFTOVER_TOP)
        l->n++;
    memmove (&l->file[at + 1], &l->file[at],
             (l->n - at - 1) * sizeof (l->file[0]));
    snprintf (l->file[at].name, sizeof (l->file[at].name), "%.*s",
              (int) sizeof (l->file[at].name) - 1, name);
    mw_tame (l->file[at].name, "");
    l->file[at].bytes = bytes;
}

/* Somebody may have mounted a file system of his own on a file of his: that is not
 * asked. */
static void _leftover_file (int dir, const char *name, uint32_t uid,
                            int64_t since_s, struct leftover *l)
{
    struct statx st;

    if (statx (dir, name,
               AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
               STATX_TYPE | STATX_UID | STATX_CTIME | STATX_BLOCKS, &st) < 0)
        return;
    if (S_ISREG (st.stx_mode) && st.stx_uid == uid && st.stx_blocks > 0 &&
        st.stx_ctime.tv_sec >= since_s)
        _leftover_rank (l, name, (uint64_t) st.stx_blocks * 512);
}

void leftover_seek (int dir, uint32_t uid, int64_t since_s, struct leftover *l)
{
    union {
        struct dirent64 align;
        char bytes[4096];
    } buf;
    unsigned left = LEFTOVER_ENTRIES;
    ssize_t n;

    while ((n = cg_entries (dir, buf.bytes, sizeof (buf.bytes))) > 0) {
        for (ssize_t at = 0; at < n;) {
            const void *here = buf.bytes + at;
            const struct dirent64 *e = here;

            at += e->d_reclen;
            if (left-- == 0)
                return;
            if (e->d_type == DT_REG)
                _leftover_file (dir, e->d_name, uid, since_s, l);
        }
    }
}

void leftover_look (const struct job *job, struct leftover *l)
{
    cleanup_fd int dir = -1;
    struct mw_memparts parts;
    uint64_t age_ms = clock_ms () - job->registered_ms;
    struct statfs fs;

    *l = (struct leftover) { .stays = job->usage.used };
    if (mw_memparts_read (job->memcg.dir, &parts) == 0)
        l->shmem = parts.shmem + parts.swap;
    if (l->shmem == 0)
        return;
    dir = sysroot_open (SHM, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (dir < 0 || fstatfs (dir, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
        return;
    leftover_seek (dir, job->spec.uid,
                   (int64_t) (clock_wall_us () / 1000000 - age_ms / 1000) -
                       SINCE_SLACK_S,
                   l);
}

/* ---- what is told -------------------------------------------------------- */

char *leftover_text (const struct leftover *l, char buf[LEFTOVER_TEXT])
{
    char a[MW_SIZE_STRLEN];
    size_t at;

    if (l->n == 0) {
        snprintf (buf, LEFTOVER_TEXT, "but %s stay: " JOB_STAYS_AS,
                  mw_size_format (l->stays, a, sizeof (a)));
        return buf;
    }
    /* other jobs of its user may write there, too */
    at = (size_t) snprintf (buf, LEFTOVER_TEXT,
                            "but it left %s of files in memory: %s",
                            mw_size_format (l->shmem, a, sizeof (a)),
                            l->named > l->shmem + l->shmem / 16
                                ? "among its user's "
                                : "");
    for (unsigned i = 0; i < l->n && at < LEFTOVER_TEXT; i++)
        at += (size_t) snprintf (buf + at, LEFTOVER_TEXT - at,
                                 "%s" SHM "/%s (%s)", i ? ", " : "",
                                 l->file[i].name,
                                 mw_size_format (l->file[i].bytes, a,
                                                 sizeof (a)));
    return buf;
}

void leftover_put (struct json_put *p, const struct leftover *l)
{
    char path[sizeof (SHM) + sizeof (l->file[0].name)];

    json_put (p, "\"left\":{");
    json_put_number (p, "stays", l->stays);
    json_put_number (p, "shmem", l->shmem);
    json_put (p, "\"files\":[");
    for (unsigned i = 0; i < l->n; i++) {
        snprintf (path, sizeof (path), SHM "/%s", l->file[i].name);
        json_put (p, "{");
        json_put_text (p, "path", path);
        json_put_number (p, "bytes", l->file[i].bytes);
        json_put_end (p, "},");
    }
    json_put_end (p, "],");
    json_put_end (p, "},");
}
