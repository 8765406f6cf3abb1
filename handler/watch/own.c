/* own.c - what single processes of jobs have said that they may hold: see own.h */
#include "handler/watch/own.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/proclimit.h"

static struct own {
    uint64_t inode; /* of its job's memcg; 0 = a free place */
    uid_t uid;      /* whose job that is */
    pid_t pid;
    uint64_t started, since; /* the kernel's ticks: those it starts from then */
    uint64_t bytes;          /* 0 = as the job */
    const struct mw_ladder *actions; /* of ladder_share; NULL with 0 */
    bool clears, forked, seen;
    char comm[16];
} table[OWN_MAX];
static unsigned
    taken; /* places of it: most often none has to be looked through */

static void _own_drop (struct own *o)
{
    ladder_drop (o->actions);
    taken -= o->inode != 0;
    *o = (struct own) { 0 };
}

static struct own *_own_find (const struct job *job, pid_t pid)
{
    for (unsigned i = 0; i < OWN_MAX && taken > 0; i++) {
        if (table[i].pid == pid && table[i].inode == job->memcg.inode)
            return &table[i];
    }
    return NULL;
}

/* Whoever has as many as are free has his share: some are left for each other user. */
static struct own *_own_place (const struct job *job)
{
    struct own *free_one = NULL;
    unsigned jobs = 0, users = 0;

    for (unsigned i = 0; i < OWN_MAX; i++) {
        if (table[i].inode == 0) {
            free_one = free_one ? free_one : &table[i];
            continue;
        }
        jobs += table[i].inode == job->memcg.inode;
        users += table[i].uid == job->spec.uid;
    }
    return jobs < OWN_OF_JOB_MAX && users < OWN_MAX - taken ? free_one : NULL;
}

/* Its number may have been another's before. */
static struct own *_own_known (const struct job *job, const struct member *m)
{
    struct own *o = _own_find (job, m->pid);

    if (!o || o->started == m->started)
        return o;
    _own_drop (o);
    return NULL;
}

static void _own_fill (struct own *o, const struct job *job,
                       const struct member *m)
{
    taken += o->inode == 0;
    o->inode = job->memcg.inode;
    o->uid = job->spec.uid;
    o->pid = m->pid;
    o->started = m->started;
    o->forked = m->forked;
    o->seen = true;
    memcpy (o->comm, m->comm, sizeof (o->comm));
}

static uint64_t _own_now (void)
{
    return clock_ms () * (uint64_t) sysconf (_SC_CLK_TCK) / 1000;
}

int own_set (const struct job *job, const struct member *m,
             const struct mw_proclimit *limit, bool clears, struct mw_err *err)
{
    const struct mw_ladder *shared = NULL;
    struct own *o = _own_known (job, m);

    if (!o && !(o = _own_place (job)))
        return mw_err_code (err, ENOSPC,
                            "too many processes have a limit of their own: at "
                            "most %d of a job may, and of a user's jobs as "
                            "many as others leave free of %d",
                            OWN_OF_JOB_MAX, OWN_MAX);
    if (limit->bytes > 0 && !(shared = ladder_share (&limit->actions)))
        return mw_err_errno (err, "cannot limit process %d", (int) m->pid);
    _own_drop (o);
    _own_fill (o, job, m);
    o->since = _own_now ();
    o->bytes = limit->bytes;
    o->actions = shared;
    o->clears = clears;
    return 0;
}

static void _own_clear (struct own *o)
{
    ladder_drop (o->actions);
    o->actions = NULL;
    o->bytes = 0;
}

static bool _own_has_executed (const struct own *o, const struct member *m)
{
    return o->forked ? !m->forked
                     : strncmp (o->comm, m->comm, sizeof (o->comm)) != 0;
}

/* [m] is seen for the first time: has it something of its parent's? */
static struct own *_own_inherit (const struct job *job, const struct member *m)
{
    struct own *parent = _own_find (job, m->parent), *o;

    if (!parent || m->started < parent->since || !(o = _own_place (job)))
        return NULL;
    _own_fill (o, job, m);
    o->since = m->started;
    o->clears = parent->clears;
    if (parent->bytes > 0 && !(parent->clears && !m->forked)) {
        o->bytes = parent->bytes;
        o->actions = ladder_share (parent->actions);
    }
    return o;
}

uint64_t own_of (const struct job *job, const struct member *m,
                 const struct mw_ladder **actions)
{
    struct own *o = _own_known (job, m);

    if (!o)
        o = _own_inherit (job, m);
    if (o && o->clears && _own_has_executed (o, m))
        _own_clear (o);
    if (o)
        o->seen = true;
    if (o && o->bytes > 0 && o->actions) {
        *actions = o->actions;
        return o->bytes;
    }
    *actions = job->proc.actions;
    return job->proc.bytes;
}

uint64_t own_least (const struct job *job)
{
    uint64_t least = job->proc.bytes;

    for (unsigned i = 0; i < OWN_MAX && taken > 0; i++) {
        if (table[i].inode == job->memcg.inode && table[i].bytes > 0 &&
            (least == 0 || table[i].bytes < least))
            least = table[i].bytes;
    }
    return least;
}

void own_looked (const struct job *job)
{
    for (unsigned i = 0; i < OWN_MAX && taken > 0; i++) {
        if (table[i].inode != job->memcg.inode)
            continue;
        if (!table[i].seen)
            _own_drop (&table[i]);
        table[i].seen = false;
    }
}

void own_forget (const struct job *job)
{
    for (unsigned i = 0; i < OWN_MAX && taken > 0; i++) {
        if (table[i].inode == job->memcg.inode)
            _own_drop (&table[i]);
    }
}
