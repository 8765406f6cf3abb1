/* targets.c - whatever reads what others wrote, under arbitrary bytes */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handler/kmsg/log.h"
#include "handler/record/decision.h"
#include "lib/cleanup.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"
#include "lib/units.h"
#include "lib/wire.h"

/* Broken promises stop the fuzzer, also where NDEBUG is defined. */
#define PROMISE(cond) \
    do { \
        if (!(cond)) \
            abort (); \
    } while (0)

static char *_string (const uint8_t *data, size_t size)
{
    char *s = malloc (size + 1);

    PROMISE (s != NULL);
    memcpy (s, data, size);
    s[size] = '\0';
    return s;
}

/* A sentence holds no control character but a newline of our own. */
static void _check_sentence (const struct mw_err *err)
{
    PROMISE (err->text[0] != '\0');
    for (const char *s = err->text; *s; s++)
        PROMISE ((unsigned char) *s >= 0x20 || *s == '\n');
}

/* What is taken is written so that it is read back the same. */
static void _ladder (const uint8_t *data, size_t size)
{
    cleanup_free char *text = _string (data, size);
    char once[MW_LADDER_STRLEN], twice[MW_LADDER_STRLEN];
    struct mw_ladder ladder;
    struct mw_err err = { "" };

    if (mw_ladder_parse (text, &ladder, &err) < 0) {
        _check_sentence (&err);
        return;
    }
    PROMISE (ladder.count > 0 && ladder.count <= MW_LADDER_MAX_STEPS);
    PROMISE (ladder.step[ladder.count - 1].kind == MW_STEP_KILL);
    mw_ladder_format (&ladder, once, sizeof (once));
    PROMISE (mw_ladder_parse (once, &ladder, NULL) == 0);
    mw_ladder_format (&ladder, twice, sizeof (twice));
    PROMISE (strcmp (once, twice) == 0);
}

static void _units (const uint8_t *data, size_t size)
{
    cleanup_free char *text = _string (data, size);
    char buf[64];
    struct mw_amount a, b;
    uint64_t n, again;
    struct mw_err err = { "" };

    if (mw_size_parse (text, &n, &err) == 0) {
        PROMISE (n <= INT64_MAX);
        mw_size_exact (n, buf, sizeof (buf));
        PROMISE (mw_size_parse (buf, &again, NULL) == 0 && again == n);
    } else {
        _check_sentence (&err);
    }
    if (mw_amount_parse (text, &a, NULL) == 0) {
        mw_amount_format (&a, buf, sizeof (buf));
        PROMISE (mw_amount_parse (buf, &b, NULL) == 0 && a.kind == b.kind);
        PROMISE (mw_amount_of (&a, INT64_MAX, 0) <= INT64_MAX);
    }
    if (mw_duration_parse (text, &n, NULL) == 0) {
        mw_duration_format (n, buf, sizeof (buf));
        PROMISE (mw_duration_parse (buf, &again, NULL) == 0 && again == n);
    }
}

static void _jobspec (const uint8_t *data, size_t size)
{
    cleanup_json json_t *j = json_loadb ((const char *) data, size,
                                         JSON_DECODE_ANY, NULL);
    cleanup_json json_t *back = NULL;
    struct mw_jobspec spec, again;
    struct mw_err err = { "" };

    if (!j)
        return;
    if (mw_jobspec_decode (j, &spec, &err) < 0) {
        _check_sentence (&err);
        return;
    }
    PROMISE (mw_jobkey_valid (spec.key) && spec.priority <= MW_PRIORITY_MAX);
    PROMISE (spec.cpus >= 1 && spec.reservation <= INT64_MAX);
    back = mw_jobspec_encode (&spec);
    PROMISE (back && mw_jobspec_decode (back, &again, NULL) == 0);
}

static void _wire (const uint8_t *data, size_t size)
{
    int pair[2], fds[MW_WIRE_FDS_MAX], n = 0, rc;
    cleanup_json json_t *msg = NULL;
    struct mw_err err = { "" };

    PROMISE (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         0, pair) == 0);
    if (send (pair[0], data, size, 0) == (ssize_t) size && size > 0) {
        rc = mw_wire_recv (pair[1], &msg, fds, &n, &err);
        PROMISE (rc == 1 || rc == -1);
        PROMISE ((rc == 1) == (msg != NULL) && n == 0);
        if (rc < 0)
            _check_sentence (&err);
        else
            PROMISE (mw_wire_type (msg) != NULL);
    }
    close (pair[0]);
    close (pair[1]);
}

/* The kernel's log has names that users chose: none comes out untamed. */
static void _check_kill (const struct kmsg_kill *k)
{
    const char *const text[] = { k->time,       k->invoker,   k->gfp,
                                 k->constraint, k->oom_memcg, k->task_memcg,
                                 k->comm };

    for (size_t i = 0; i < sizeof (text) / sizeof (text[0]); i++) {
        PROMISE (strlen (text[i]) < KMSG_PATH_MAX);
        for (const char *c = text[i]; *c; c++)
            PROMISE (*c >= 0x20 && *c < 0x7f);
    }
    PROMISE (k->frames <= KMSG_FRAMES);
}

static void _kmsg (const uint8_t *data, size_t size)
{
    const char *p = (const char *) data, *end = p + size, *nl;
    struct kmsg_log *log = kmsg_log_new ();
    static struct kmsg_kill kill;

    PROMISE (log != NULL);
    for (; p < end; p = nl + 1) {
        if (!(nl = memchr (p, '\n', (size_t) (end - p))))
            nl = end;
        if (kmsg_log_line (log, p, (size_t) (nl - p), &kill))
            _check_kill (&kill);
    }
    while (kmsg_log_end (log, &kill))
        _check_kill (&kill);
    kmsg_log_free (log);
}

/* A whole decision can be made again, and every job of it is explained. */
static void _check_decision (const struct decision *d)
{
    cleanup_free struct policy_rank *ranks = calloc (d->count + 1,
                                                     sizeof (*ranks));
    struct policy_plan plan = { .ranks = ranks };
    struct mw_err why;

    PROMISE (ranks != NULL);
    policy_victims (&d->node, d->snapshot, d->count, d->need, d->order, &plan);
    PROMISE (plan.count == d->count && plan.chosen <= d->count);
    for (unsigned i = 0; i < d->count; i++) {
        PROMISE (d->plan[d->rank[i]].job == i);
        PROMISE (mw_jobkey_valid (d->jobs[i].key));
        policy_explain (&plan, d->snapshot, i, why.text, sizeof (why.text));
        _check_sentence (&why);
    }
}

/* Lines of a journal that may be anybody's. */
static void _decision (const uint8_t *data, size_t size)
{
    const char *p = (const char *) data, *end = p + size, *nl;
    struct decision d = { 0 };
    int rc;

    for (; p < end; p = nl + 1) {
        cleanup_json json_t *record = NULL;
        struct mw_err err = { "" };

        if (!(nl = memchr (p, '\n', (size_t) (end - p))))
            nl = end;
        record = json_loadb (p, (size_t) (nl - p), 0, NULL);
        rc = decision_take (&d, record, &err);
        if (rc < 0) {
            _check_sentence (&err);
            PROMISE (!d.jobs && !d.plan);
        } else if (rc > 0) {
            _check_decision (&d);
            decision_free (&d);
        }
    }
    decision_free (&d);
}

static const char *const _ladders[] = {
    "grow=512M@10m,signal=USR1@30s,requeue=x1.5,kill",
    "hold@5s,slow=30%,kill",
    "reclaim=25%,dump=heap@9s,suspend@1h",
    "enomem,signal=40@1500ms",
    "signal=TERM:all@2s,requeue",
    NULL,
};
static const char *const _sizes[] = {
    "1.5G", "x1.5", "25%", "8191P", "365d", "1500ms", "-1", NULL,
};
static const char *const _specs[] = {
    "{\"key\":\"12\",\"slurm_id\":12,\"uid\":1000,\"gid\":100,\"cpus\":4,"
    "\"priority\":300,\"reservation\":1073741824,\"burst\":\"x1.5\","
    "\"reserve\":\"64M\",\"ladder\":\"grow@30s,kill\",\"layout\":\"slurm\","
    "\"batch\":true,\"name\":\"sim\"}",
    "{\"key\":\"a\"}",
    NULL,
};
static const char *const _messages[] = {
    "{\"v\":1,\"type\":\"jobs\",\"after\":\"12\"}",
    "{\"v\":1,\"type\":\"register\",\"job\":{\"key\":\"a\"}}",
    NULL,
};

static const char *const _logs[] = {
    "4,812,52,-;dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
    "oom_score_adj=0\n4,813,53,-;Call Trace:\n4,814,54,-; dump_header+0x4a/"
    "0x1ff\n6,815,55,-;memory: usage 65536kB, limit 65536kB, failcnt 12\n"
    "6,816,56,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
    "mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=dd,pid=7,uid=1000\n"
    "3,817,57,-;Memory cgroup out of memory: Killed process 7 (dd) "
    "total-vm:70000kB, anon-rss:65000kB, file-rss:0kB, shmem-rss:0kB, UID:1000 "
    "pgtables:160kB oom_score_adj:0\n",
    "[Sat Nov 21 05:00:00 2026] Out of memory: Kill process 9 (x) score 900 or "
    "sacrifice child\n[Sat Nov 21 05:00:00 2026] Killed process 9 (x) "
    "total-vm:1kB, anon-rss:2kB, file-rss:3kB\n",
    NULL,
};

#define DECISION(part) \
    "{\"t\":\"2026\",\"event\":\"decision\"," \
    "\"decision\":{\"v\":1,\"id\":2," part "}}\n"
#define HEAD \
    "\"head\":{\"of\":2,\"need\":99,\"covered\":9,\"stalls\":0," \
    "\"at_limit\":true,\"order\":\"overage\",\"ladder\":\"kill\"," \
    "\"memory\":999,\"capacity\":900,\"used\":900,\"available\":9," \
    "\"reserve\":99,\"swap_free\":0,\"swap_total\":0}"
#define JOBS \
    "\"job\":[[\"7\",\"al\",0,5,500,500,9,9,0,90,0,99,1,7,1,\"p\"," \
    "\"a\",\"q\"],[\"8\",\"\",1,5,9,9,200,300,0,90,0,99,1,8,4]]"
#define PLAN "\"plan\":[0,0,1,5]"
static const char *const _decisions[] = {
    DECISION (HEAD "," JOBS "," PLAN),
    DECISION (HEAD) DECISION (JOBS) DECISION (PLAN),
    NULL,
};

const struct fuzz_target fuzz_targets[] = {
    { "ladder", _ladder, _ladders }, { "units", _units, _sizes },
    { "jobspec", _jobspec, _specs }, { "wire", _wire, _messages },
    { "kmsg", _kmsg, _logs },        { "decision", _decision, _decisions },
};
const size_t fuzz_count = sizeof (fuzz_targets) / sizeof (fuzz_targets[0]);
