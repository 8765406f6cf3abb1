/* fuzz_state.c - what is kept in files: journal, spool, records of the state directory */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/class.h"
#include "handler/account/replay.h"
#include "handler/job/job.h"
#include "handler/memcg/pool.h"
#include "handler/memcg/priv.h"
#include "handler/memcg/rlimits.h"
#include "handler/record/decision.h"
#include "handler/record/journal.h"
#include "handler/spool/spool.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* The seeds are of this boot. */
#define BOOT "0b007000-0000-4000-8000-000000000001\n"

/* ---- the journal --------------------------------------------------------- */

static void _state_check_job (const struct job *job)
{
    const struct incident *in = &job->incident;

    PROMISE (mw_jobkey_valid (job->spec.key));
    PROMISE (job->memcg.path && job->memcg.path[0] && job->memcg.dir < 0);
    PROMISE (job->ladder && job->ladder->count > 0);
    PROMISE (in->trigger < TRIGGER_COUNT);
    PROMISE (!in->open || (in->ladder && in->step < in->ladder->count));
    PROMISE (strlen (in->request) < sizeof (in->request));
}

static void _state_recover (struct journal *j, struct job_table *t)
{
    static char path[PATH_MAX];
    struct mw_err err = { "" };

    snprintf (path, sizeof (path), "%s/state", fuzz_path ());
    PROMISE (journal_open (j, path, path, &err) == 0);
    PROMISE (journal_recover (j, t, &err) == 0);
    if (err.text[0])
        fuzz_check_sentence (&err);
    for (const struct job *job = t->first; job; job = job->next)
        _state_check_job (job);
}

/* Another warden knows [job] as this one did. */
static void _state_check_same (const struct job *job, struct job_table *t)
{
    const struct job *other = job_find (t, job->spec.key);

    PROMISE (other != NULL);
    PROMISE (other->limit == job->limit && other->priority == job->priority);
    PROMISE (other->memcg.set_limit == job->memcg.set_limit);
    PROMISE (other->ladder == job->ladder);
    PROMISE (other->facts.known == job->facts.known);
    PROMISE (other->incident.open == job->incident.open);
    PROMISE (other->incident.step == job->incident.step);
    PROMISE (other->incident.ladder == job->incident.ladder);
    PROMISE (strcmp (other->incident.request, job->incident.request) == 0);
}

static void _state_forget (struct journal *j, struct job_table *t)
{
    while (t->first)
        job_free (t, t->first);
    PROMISE (t->count == 0);
    journal_close (j);
}

/* What is understood of any journal, or of the story where there is none, which has no
 * checksums, is written so that all of it is understood, and means the same. */
void fuzz_journal (const uint8_t *data, size_t size)
{
    static const char *const files[] = { "state/journal.jsonl",
                                         "state/journal.jsonl.1",
                                         "state/ahead.jsonl",
                                         "state/ahead.jsonl.1", NULL };
    struct job_table t = { 0 }, again = { 0 }, none = { 0 };
    struct journal j, after;
    struct mw_err err;

    fuzz_file ("proc/sys/kernel/random/boot_id", BOOT, strlen (BOOT));
    fuzz_file ("state/made", "", 0);
    fuzz_files (data, size, files);
    _state_recover (&j, &t);
    PROMISE (journal_rotate (&j, &t, &none, &err) == 0);
    journal_close (&j);
    _state_recover (&after, &again);
    PROMISE (after.unread == 0 && after.file.torn == 0);
    PROMISE (t.count == again.count);
    for (const struct job *job = t.first; job; job = job->next)
        _state_check_same (job, &again);
    _state_forget (&after, &again);
    _state_forget (&j, &t);
}

/* ---- records of the state directory -------------------------------------- */

static int _state_disarm (struct memcg *m, struct mw_err *err)
{
    (void) m;
    (void) err;
    return 0;
}

static const struct memcg_ops state_ops = { .name = "fuzz",
                                            .disarm = _state_disarm };

/* The limits of the pool.  Its path is below the sysroot, and stays there. */
void fuzz_pool (const uint8_t *data, size_t size)
{
    struct memcg m = { .ops = &state_ops,
                       .path = (char *) "/pool",
                       .inode = 17,
                       .dir = -1,
                       .freezer = -1,
                       .event = -1,
                       .usage = -1,
                       .oom_control = -1 };
    const struct memcg_spare spare = { 0 };
    cleanup_free char *text = fuzz_string (data, size);
    char path[PATH_MAX], limit[256];
    struct mw_err err = { "" };

    if (strstr (text, ".."))
        return;
    fuzz_file ("pool", data, size);
    fuzz_file ("limit", "4096\n", 5);
    m.limit = openat (fuzz_dir (), "limit", O_RDWR | O_CLOEXEC);
    m.hard = m.limit;
    PROMISE (m.limit >= 0);
    pool_give_back (fuzz_dir (), &m, &err);
    PROMISE (pread (m.limit, limit, sizeof (limit), 0) < 64);
    fuzz_file ("pool", data, size);
    pool_failsafe (fuzz_dir (), &spare, path, &err);
    PROMISE (strlen (path) < sizeof (path));
    if (pool_remember (fuzz_dir (), &m, &err) < 0)
        fuzz_check_sentence (&err);
    close (m.limit);
}

/* The limits that processes had, of a job that has none (left). */
void fuzz_rlimits (const uint8_t *data, size_t size)
{
    struct memcg m = { .ops = &memcg_v1_ops,
                       .layout = MW_LAYOUT_LEAF,
                       .path = (char *) "/job",
                       .freezer = -1 };
    struct mw_err err = { "" };

    fuzz_file ("empty/cgroup.procs", "", 0);
    fuzz_file ("rlimits/12", data, size);
    m.dir = openat (fuzz_dir (), "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    PROMISE (m.dir >= 0);
    PROMISE (rlimits_restore (&m, fuzz_dir (), "12", &err) == 0);
    close (m.dir);
}

/* ---- the spool ----------------------------------------------------------- */

#define REQUEST "12.0000000007.requeue"
#define ANSWER "12.0000000007.lookup"

static struct spool *_state_spool (void)
{
    static struct spool spool = { .req = -1 };

    if (spool.req < 0)
        PROMISE (spool_open (&spool, fuzz_path (), true, geteuid (), NULL) ==
                 0);
    return &spool;
}

static void _state_check_request (const struct spool_request *r)
{
    PROMISE (strcmp (r->id, REQUEST) == 0 && mw_jobkey_valid (r->job));
    PROMISE (r->op < SPOOL_OP_COUNT);
    PROMISE (strlen (r->arg) < sizeof (r->arg));
    PROMISE (strlen (r->text) < sizeof (r->text));
    PROMISE (!strpbrk (r->text, "\n\r\033\177"));
}

/* What is read is put so that it is read back the same. */
static void _state_request_again (const struct spool_request *r)
{
    struct spool *s = _state_spool ();
    struct spool_request again;

    PROMISE (spool_put (s, r, NULL) == 0);
    PROMISE (spool_read_request (s, REQUEST, &again, NULL) == 0);
    PROMISE (again.op == r->op && again.mem_mb == r->mem_mb);
    PROMISE (again.slurm_id == r->slurm_id && again.since_s == r->since_s);
    PROMISE (again.not_after_ms == r->not_after_ms);
    PROMISE (again.withdrawn == r->withdrawn);
    PROMISE (strcmp (again.text, r->text) == 0);
    PROMISE (strcmp (again.arg, r->arg) == 0);
}

void fuzz_request (const uint8_t *data, size_t size)
{
    struct spool *s = _state_spool ();
    struct spool_request r;
    struct mw_err err = { "" };
    cleanup_free char *story = NULL;

    fuzz_file ("spool/req/" REQUEST, data, size);
    if (!(story = spool_read_story (s, REQUEST, &err)))
        fuzz_check_sentence (&err);
    if (spool_read_request (s, REQUEST, &r, &err) < 0) {
        fuzz_check_sentence (&err);
        return;
    }
    _state_check_request (&r);
    _state_request_again (&r);
}

static void _state_check_answer (const struct spool_answer *a)
{
    struct spool *s = _state_spool ();
    struct spool_answer again;
    struct job_facts facts;

    PROMISE (strcmp (a->id, ANSWER) == 0);
    PROMISE (strlen (a->text) < sizeof (a->text));
    PROMISE (!strpbrk (a->text, "\n\r\033\177"));
    class_parse (a->text, &facts, NULL);
    PROMISE (spool_put_answer (s, a, NULL) == 0);
    PROMISE (spool_take_answer (s, ANSWER, &again, NULL) == 0);
    PROMISE (again.ok == a->ok && again.code == a->code);
    PROMISE (strcmp (again.text, a->text) == 0);
}

/* An answer, and what the courier says of itself. */
void fuzz_answer (const uint8_t *data, size_t size)
{
    static const char *const files[] = { "spool/ans/" ANSWER,
                                         "spool/ans/.courier", NULL };
    struct spool *s = _state_spool ();
    struct spool_answer a;
    struct spool_courier c;
    struct mw_err err = { "" };
    uid_t uid;
    int rc;

    fuzz_files (data, size, files);
    if (spool_courier_read (s, &c, &uid) == 0)
        PROMISE (uid == geteuid () && c.restarts <= INT32_MAX &&
                 !strpbrk (c.trouble, "\n\r\033\177"));
    rc = spool_take_answer (s, ANSWER, &a, &err);
    if (rc == 0)
        _state_check_answer (&a);
    else if (errno != ENOENT)
        fuzz_check_sentence (&err);
    PROMISE (spool_take_answer (s, ANSWER, &a, NULL) < 0 && errno == ENOENT);
}

/* ---- decisions ----------------------------------------------------------- */

static void _state_replay (const struct decision *d)
{
    static struct conf conf;
    struct replay r;
    struct mw_err err;

    conf_defaults (&conf);
    if (replay_decide (d, &conf, &r, &err) < 0)
        fuzz_check_sentence (&err);
    else
        PROMISE (r.plan.count == d->count && replay_chosen (d) <= d->count);
    replay_free (&r);
}

/* A whole decision can be made again, and every job of it is explained. */
static void _state_check_decision (const struct decision *d)
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
        fuzz_check_sentence (&why);
    }
    _state_replay (d);
}

/* Lines of a journal that may be anybody's. */
void fuzz_decision (const uint8_t *data, size_t size)
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
            fuzz_check_sentence (&err);
            PROMISE (!d.jobs && !d.plan);
        } else if (rc > 0) {
            _state_check_decision (&d);
            decision_free (&d);
        }
    }
    decision_free (&d);
}
