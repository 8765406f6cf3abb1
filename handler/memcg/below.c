/* below.c - v1: the memcgs that somebody makes below ours
 *
 * A memcg is born with its parent's killer off, and the flag that counts is
 * that of the memcg whose limit was hit; its OOM is told downwards only.  So at
 * a limit of its own (a container's, a step's) its tasks would sleep for ever.
 * Below one that has its killer on, all are born with it on: it is enough to
 * hear of what is made right below ours (warden: watch_below).
 */
#include "handler/memcg/memcg.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/memcg/priv.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

struct below {
    const struct memcg *m;
    bool ours; /* [m] is in OOM: it shows in all below */
    struct memcg_below *found;
};

/* Where it is, for people: what does not fit is cut at its beginning. */
static void _keep_path (int dir, char *path, size_t len)
{
    char link[32], text[MEMCG_PATH_MAX];
    size_t n, cut;
    ssize_t got;

    snprintf (link, sizeof (link), "/proc/self/fd/%d", dir);
    got = readlink (link, text, sizeof (text));
    n = got > 0 ? (size_t) got : 0;
    cut = n < len ? 0 : n - len + 1;
    memcpy (path, text + cut, n - cut);
    path[n - cut] = '\0';
}

/* Nobody comes here again for it. */
#define SWITCH_TRIES 3

static int _switch_on (int dir)
{
    int rc = -1;

    for (int i = 0; i < SWITCH_TRIES && rc < 0; i++)
        rc = cg_write_u64 (dir, "memory.oom_control", 0);
    return rc;
}

static void _note_below (struct below *b, int error)
{
    if (cg_is_absent (error))
        return;
    b->found->failed++;
    b->found->why = error;
}

/* The one above is first: what is made in it after that is born free. */
static int _memcg_below_free (int dir, const char *name, void *arg)
{
    uint64_t off = 0, under_oom = 0;
    struct below *b = arg;
    char text[256];

    (void) name;
    if (b->m->spare.is && b->m->spare.is (cg_inode (dir), b->m->spare.arg))
        return CG_SKIP;
    if (cg_read (dir, "memory.oom_control", text, sizeof (text)) <= 0 ||
        !cg_key (text, "oom_kill_disable", &off) || off == 0)
        return 0;
    cg_key (text, "under_oom", &under_oom);
    if (under_oom && !b->ours && b->found->waiting == 0)
        _keep_path (dir, b->found->path, sizeof (b->found->path));
    if (_switch_on (dir) < 0) {
        _note_below (b, errno);
        return 0;
    }
    b->found->freed++;
    b->found->waiting += under_oom && !b->ours;
    return 0;
}

static int _free_tree (int child, const char *name, void *arg)
{
    (void) name;
    if (cg_walk (child, _memcg_below_free, arg) < 0)
        _note_below (arg, errno);
    return 0;
}

void memcg_v1_free_below (struct memcg *m, const char *name,
                          struct memcg_below *found)
{
    struct below b = { .m = m, .found = found };
    cleanup_fd int child = -1;
    uint64_t ours, kills;

    if (memcg_pread_keys (m->oom_control, "under_oom", &ours, "oom_kill",
                          &kills) == 0)
        b.ours = ours > 0;
    if (!name) {
        if (cg_each_child (m->dir, _free_tree, &b) < 0)
            _note_below (&b, errno);
        return;
    }
    child = openat (m->dir, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child >= 0)
        _free_tree (child, name, &b);
}
