/* events_stress.c - is each OOM of many jobs told once, also as they go?
 *
 *     events_stress JOBS ROUNDS
 *
 * In each round of each job one process passes the limit, and exactly one
 * answer has to come of it: OOM, or, where the directory was removed between
 * event and look, GONE.  Of ten rounds eight end by a raised limit, one by a
 * kill and a removal after the answer, and one by a kill and a removal before
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bin/cgtest.h"

#define LIMIT (2 * MIB)
#define RAISED (32 * MIB)
#define MAX_JOBS 1000
#define ENDED 0x10000 /* in epoll's data, beside the job's number */

enum round_kind { RAISE, KILL_AFTER, KILL_BEFORE };

struct stress_job {
    struct tcg c;
    struct tproc p;
    unsigned round;
    bool running;     /* its process is */
    bool answered;    /* this round's OOM was told */
    uint64_t look_us; /* look again then; 0 = wait for the event */
};

static struct tcg base;
static struct stress_job jobs[MAX_JOBS];
static unsigned job_count, rounds;
static int ep;
static unsigned told, vanished, gone, doubled, lost, wrong;
static struct mw_err err;

static enum round_kind kind_of (const struct stress_job *j)
{
    unsigned k = (j->round + (j - jobs)) % 10;

    return k == 9 ? KILL_AFTER : k == 4 ? KILL_BEFORE : RAISE;
}

static void listen_to (struct stress_job *j, bool on)
{
    struct epoll_event e = { .events = j->c.m.ops->epoll_events,
                             .data.u32 = j - jobs };

    T_CHECK (epoll_ctl (ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, j->c.m.event,
                        &e) == 0,
             "epoll: %s", strerror (errno));
}

static void make (struct stress_job *j)
{
    char name[32];

    snprintf (name, sizeof (name), "job_%u", (unsigned) (j - jobs));
    t_make (&j->c, &base, name);
    t_open (&j->c, MW_LAYOUT_LEAF, LIMIT);
    listen_to (j, true);
    j->look_us = 0;
}

/* On v2 nothing stops a process so little above the limit: it waits for the
 * answer itself, as one that has more to do would. */
static volatile bool *answered;

static int pass_the_limit (void *arg)
{
    struct stress_job *j = arg;
    uint64_t bytes = 2 * LIMIT;
    int rc = t_touch (&bytes);

    while (rc == 0 && !answered[j - jobs])
        usleep (1000);
    return rc;
}

static void begin (struct stress_job *j)
{
    struct epoll_event e = { .events = EPOLLIN,
                             .data.u32 = ENDED | (j - jobs) };
    struct memcg *m = &j->c.m;

    /* a process's last pages may be given back after it was waited for */
    for (int try = 0; m->ops->set_limit (m, LIMIT, RAISED, &err) < 0; try++) {
        T_CHECK (errno == EBUSY && try < 1000, "%s", err.text);
        usleep (1000);
    }
    j->answered = answered[j - jobs] = false;
    j->running = true;
    j->p = t_spawn (&j->c, pass_the_limit, j);
    T_CHECK (epoll_ctl (ep, EPOLL_CTL_ADD, j->p.done, &e) == 0, "epoll: %s",
             strerror (errno));
}

static void reap (struct stress_job *j, bool killed)
{
    int status;

    epoll_ctl (ep, EPOLL_CTL_DEL, j->p.done, NULL);
    status = t_join (&j->p);
    j->running = false;
    if (killed ? !WIFSIGNALED (status) : status != 0)
        wrong++;
}

static void kill_job (struct stress_job *j)
{
    unsigned left;

    do {
        T_CHECK (j->c.m.ops->kill (&j->c.m, &left, &err) == 0, "%s", err.text);
    } while (left > 0);
    reap (j, true);
}

/* Remove the directory under the eyes of its open memcg, which must see it. */
static void remove_job (struct stress_job *j, unsigned *counter)
{
    struct tcg c = j->c;

    if (!j->look_us)
        listen_to (j, false);
    j->c.m.ops = NULL;
    t_remove (&j->c);
    if (c.m.ops->check (&c.m) == MEMCG_GONE)
        ++*counter;
    else
        wrong++;
    memcg_close (&c.m);
    make (j);
}

static void next_round (struct stress_job *j)
{
    if (++j->round < rounds)
        begin (j);
}

static void answer (struct stress_job *j)
{
    if (!j->running || j->answered) {
        doubled++;
        return;
    }
    j->answered = true;
    told++;
    if (kind_of (j) == KILL_AFTER) {
        kill_job (j);
        remove_job (j, &gone);
        next_round (j);
        return;
    }
    T_CHECK (j->c.m.ops->set_limit (&j->c.m, RAISED, RAISED, &err) == 0, "%s",
             err.text);
    answered[j - jobs] = true;
}

static void look (struct stress_job *j)
{
    bool silent = j->look_us != 0;
    enum memcg_state s = j->c.m.ops->check (&j->c.m);

    if (j->c.m.backoff_ms > 0)
        j->look_us = t_now_us () + j->c.m.backoff_ms * 1000;
    else
        j->look_us = 0;
    if (silent != (j->look_us != 0))
        listen_to (j, silent);
    if (s == MEMCG_OOM)
        answer (j);
    else if (s != MEMCG_QUIET)
        wrong++;
}

static void event (struct stress_job *j)
{
    /* on v2 the event alone does not say that it is an OOM; but whatever it
     * was, the job goes before anyone could look */
    if (j->running && !j->answered && kind_of (j) == KILL_BEFORE) {
        kill_job (j);
        remove_job (j, &vanished);
        next_round (j);
    } else {
        look (j);
    }
}

static void ended (struct stress_job *j)
{
    if (!j->running)
        return;
    if (!j->answered)
        lost++;
    reap (j, false);
    next_round (j);
}

static int next_look_ms (void)
{
    uint64_t now = t_now_us (), next = now + T_PATIENCE * 1000;

    for (unsigned i = 0; i < job_count; i++) {
        if (jobs[i].look_us && jobs[i].look_us < next)
            next = jobs[i].look_us;
    }
    return next <= now ? 0 : (int) ((next - now + 999) / 1000);
}

static bool busy (void)
{
    for (unsigned i = 0; i < job_count; i++) {
        if (jobs[i].running)
            return true;
    }
    return false;
}

static void run (void)
{
    struct epoll_event e;
    uint64_t now;
    int n, timeout;

    while (busy ()) {
        /* one at a time: what is handled may end what else was ready */
        timeout = next_look_ms ();
        n = epoll_wait (ep, &e, 1, timeout);
        now = t_now_us ();
        for (unsigned i = 0; i < job_count; i++) {
            if (jobs[i].look_us && jobs[i].look_us <= now)
                look (&jobs[i]);
        }
        if (n == 1 && (e.data.u32 & ENDED))
            ended (&jobs[e.data.u32 & ~ENDED]);
        else if (n == 1 && !jobs[e.data.u32].look_us)
            event (&jobs[e.data.u32]);
        else if (n == 0 && timeout == T_PATIENCE)
            t_die ("an event was lost: nothing moves any more");
    }
}

int main (int argc, char **argv)
{
    struct rlimit r;
    unsigned all;

    if (argc != 3 || (job_count = atoi (argv[1])) < 1 || job_count > MAX_JOBS ||
        (rounds = atoi (argv[2])) < 1) {
        fprintf (stderr, "usage: events_stress JOBS ROUNDS\n");
        return 2;
    }
    getrlimit (RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit (RLIMIT_NOFILE, &r);
    answered = mmap (NULL, MAX_JOBS, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ep = epoll_create1 (EPOLL_CLOEXEC);
    t_init (&base);
    for (unsigned i = 0; i < job_count; i++) {
        make (&jobs[i]);
        begin (&jobs[i]);
    }
    run ();
    all = job_count * rounds;
    printf ("%u of %u told (%u as OOM, %u as gone before the look), "
            "%u removed after it, %u doubled, %u lost, %u wrong\n",
            told + vanished, all, told, vanished, gone, doubled, lost, wrong);
    return told + vanished == all && !doubled && !lost && !wrong ? 0 : 1;
}
