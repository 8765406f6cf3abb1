/* spank_memwarden.c - the flags of sbatch, srun and salloc, and the job's
 *   placing on the node
 *
 * plugstack.conf:
 *     optional spank_memwarden.so [max_priority=N] [max_burst=SIZE|xF]
 *                                 [max_reserve=SIZE|P%] [required=yes|no]
 *                                 [socket=PATH (with %n, %h)]
 *
 * The order of the hooks is in spank(8).  There is no slurm_spank_job_prolog, and
 * must be none: HACKING.md says what that hook costs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/allowed.h"
#include "plugin/enrol.h"
#include "plugin/record.h"
#include "plugin/settings.h"
#include "plugin/teller.h"

SPANK_PLUGIN (memwarden, 1)

static struct site site;
static struct mw_jobspec asked;    /* by this command's flags */
static char *given[SETTING_COUNT]; /* their texts, or the environment's */

/* Beside the settings themselves in the job's environment: they are all that
 * its submitter asked for. */
#define TAKEN "MEMWARDEN_TAKEN"
/* What Slurm puts before the names of a job's control environment there */
#define CARRIED "SLURM_SPANK_"

static enum { FRESH, ENROLLED, FAILED } state;
static struct enrolment enrolment; /* of this process's one step */

/* A sentence of more than one line (a ladder's caret) has one prefix a line */
static void _complain (const char *text)
{
    for (const char *p = text; *p;) {
        size_t len = strcspn (p, "\n");

        slurm_error ("%.*s", (int) len, p);
        p += len + (p[len] == '\n');
    }
}

static int _spank_give (enum setting which, const char *text)
{
    free (given[which]);
    given[which] = strdup (text);
    return given[which] ? 0 : -1;
}

static int _take_flag (int val, const char *text, int remote)
{
    struct mw_err err = { "" };

    if (val < 0 || val >= SETTING_COUNT)
        return -1;
    if (settings_put (&asked, (enum setting) val, text, &err) < 0) {
        if (!remote) {
            _complain (err.text);
            return -1;
        }
        /* the client let it pass: not ours, or another version */
        slurm_info ("memwarden: ignored: %s", err.text);
        return 0;
    }
    return _spank_give ((enum setting) val, text);
}

static struct spank_option _spank_option_of (enum setting which)
{
    const struct setting_info *s = &settings[which];

    /* Slurm's structure has no const, but writes to none of these */
    return (struct spank_option) { .name = (char *) s->flag,
                                   .arginfo = (char *) s->arg,
                                   .usage = (char *) s->help,
                                   .has_arg = 1,
                                   .val = (int) which,
                                   .cb = _take_flag };
}

static void _read_site (int ac, char **av)
{
    struct mw_err err = { "" };

    if (site_parse (&site, ac, av, &err) < 0)
        slurm_error ("memwarden: %s", err.text);
}

int slurm_spank_init (spank_t sp, int ac, char **av)
{
    enum spank_context context = spank_context ();

    settings_defaults (&asked);
    _read_site (ac, av);
    if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR &&
        context != S_CTX_REMOTE)
        return 0;
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        struct spank_option option = _spank_option_of ((enum setting) i);

        if (spank_option_register (sp, &option) != ESPANK_SUCCESS)
            slurm_error ("memwarden: cannot register --%s", settings[i].flag);
    }
    return 0;
}

/* ---- at submit ---- */

/* The flag [name] as sbatch, srun or salloc has understood it, from command line,
 * environment or script; SPANK does not tell, Slurm's own option table does.
 * NULL where it is not known. */
static const char *_flag (const char *name)
{
    char *(*get) (void *, const char *);
    void *opt = dlsym (RTLD_DEFAULT, "opt");

    /* ISO C has no cast from object to function pointer; dlsym(3) */
    *(void **) &get = dlsym (RTLD_DEFAULT, "slurm_option_get");
    if (!opt || !get || !dlsym (RTLD_DEFAULT, "spank_set_job_env"))
        return NULL;
    return get (opt, name);
}

/* --mem in bytes; 0 where it is not known. */
static uint64_t _mem_flag (void)
{
    const char *text = _flag ("mem");
    uint64_t bytes = 0;
    char size[32];

    if (!text)
        return 0;
    /* a bare number is MiB */
    snprintf (size, sizeof (size), "%s%s", text,
              text[strspn (text, "0123456789")] ? "" : "M");
    return mw_size_parse (size, &bytes, NULL) < 0 ? 0 : bytes;
}

/* What was not given as a flag may come from the environment. */
static int _take_environment (void)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const char *value = getenv (settings[i].env);
        struct mw_err err = { "" };

        if (given[i] || !value || !value[0])
            continue;
        if (settings_put (&asked, (enum setting) i, value, &err) < 0) {
            mw_err_prefix (&err, "%s", settings[i].env);
            _complain (err.text);
            return -1;
        }
        if (_spank_give ((enum setting) i, value) < 0)
            return -1;
    }
    return 0;
}

/* A variable of the job's control environment, which Prolog sees as SPANK_…,
 * and of the environment of all the job's steps; NULL: of neither. */
static void _carry_one (spank_t sp, const char *name, const char *value)
{
    char carried[64];

    snprintf (carried, sizeof (carried), CARRIED "%s", name);
    if (value) {
        spank_job_control_setenv (sp, name, value, 1);
        setenv (carried, value, 1);
    } else {
        spank_job_control_unsetenv (sp, name);
        unsetenv (carried); /* of the job that this one is submitted in */
    }
}

/* This is called for each component of a heterogeneous job, and they share the
 * environment of the first one: what a later one alone asks for would be lost. */
static int _as_the_first (void)
{
    static char *first[SETTING_COUNT];
    static bool known;

    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const char *text = given[i] ? given[i] : "";

        if (!known) {
            first[i] = strdup (text);
        } else if (!first[i] || strcmp (first[i], text) != 0) {
            slurm_error ("--%s is that of all components of a heterogeneous "
                         "job: give it to the first one",
                         settings[i].flag);
            return -1;
        }
    }
    known = true;
    return 0;
}

/* An srun within a job makes none. */
static bool _makes_a_job (void)
{
    return spank_context () != S_CTX_LOCAL || !getenv ("SLURM_JOB_ID");
}

/* What a new job asks for goes with it, to be found by whichever of its steps
 * is a node's first. */
static int _carry (spank_t sp)
{
    if (!_makes_a_job ())
        return 0;
    if (_as_the_first () < 0)
        return -1;
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        _carry_one (sp, settings[i].env, given[i]);
    _carry_one (sp, TAKEN, "1");
    return 0;
}

/* Of a plugin that plugstack.conf calls optional, Slurm heeds what a flag's
 * callback returns, but not this hook: here the command has to be ended. */
static _Noreturn void _refuse_submit (void)
{
    exit (EXIT_FAILURE);
}

/* Who asks for a burst is told where that leads no further: at each step's start Slurm
 * writes --mem and what AllowedRAMSpace adds to it as the job's limit. */
static void _say_allowed (const struct mw_jobspec *spec)
{
    const struct mw_amount *burst = &spec->burst;
    char path[PATH_MAX], text[MW_SIZE_STRLEN];
    double allowed, most = 0;

    if (!given[SETTING_BURST] || !allowed_read (&allowed, path))
        return;
    if (burst->kind == MW_AMOUNT_FACTOR)
        most = burst->ratio * 100;
    else if (burst->kind == MW_AMOUNT_BYTES && spec->reservation > 0)
        most = (double) burst->bytes / (double) spec->reservation * 100;
    if (most > allowed)
        slurm_info ("memwarden: --mem-burst=%s: where the job uses more than "
                    "%g %% of its --mem it can start no further step "
                    "(AllowedRAMSpace in %s)",
                    mw_amount_format (burst, text, sizeof (text)), allowed,
                    path);
}

static int _is_task_half (struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *slash = strrchr (info->dlpi_name, '/');

    (void) size;
    (void) arg;
    return slash && !strcmp (slash, "/task_memwarden.so");
}

static void _step_name (spank_t sp, char *name, size_t len)
{
    uint32_t id = 0;

    spank_get_item (sp, S_JOB_STEPID, &id);
    if (id == SLURM_BATCH_SCRIPT)
        snprintf (name, len, "step_batch");
    else if (id > SLURM_MAX_NORMAL_STEP_ID)
        snprintf (name, len, "step_interactive");
    else
        snprintf (name, len, "step_%u", id);
}

static uint32_t _spank_number (spank_t sp, spank_item_t item)
{
    uint32_t n = 0;

    if (spank_get_item (sp, item, &n) != ESPANK_SUCCESS || n >= NO_VAL)
        return 0;
    return n;
}

/* On the node, before Slurm writes any limit: where the job is above those, its owner is
 * told why the step does not start.  Slurm itself refuses that on v1, and on v2
 * task_memwarden does; without that one the kernel kills there. */
static void _look_before_start (spank_t sp)
{
    struct place_paths self = { 0 };
    char key[MW_JOBKEY_MAX], step[PLACE_STEP_MAX];
    uint32_t job = _spank_number (sp, S_JOB_ID);
    bool v2 = place_read (getpid (), &self, NULL) == 0 && self.v2;

    _step_name (sp, step, sizeof (step));
    if (job == 0 || strspn (step + 5, "0123456789") == 0)
        return;
    snprintf (key, sizeof (key), "%u", job);
    enrol_is_above (&site, key, step, true,
                    !v2 || dl_iterate_phdr (_is_task_half, NULL));
}

/* srun in a job of one node, which is this one, for a step of that job: where the job is
 * above what Slurm limits it to then, Slurm is not asked.  Else on v2 the kernel would
 * kill in the job, unless task_memwarden is there. */
static int _ask_before_start (void)
{
    const char *nodes = getenv ("SLURM_JOB_NUM_NODES");
    const char *key = getenv ("SLURM_JOB_ID"), *other = _flag ("jobid");
    struct mw_err err = { "" };

    if (_makes_a_job () || !nodes || strcmp (nodes, "1") != 0 ||
        getenv ("SLURM_HET_SIZE") ||
        (other && *other && !other[strspn (other, "0123456789")] &&
         strcmp (other, key) != 0) ||
        enrol_may_ask (&site, key, &err) == 0)
        return 0;
    slurm_error ("memwarden: %s", err.text);
    return -1;
}

int slurm_spank_init_post_opt (spank_t sp, int ac, char **av)
{
    enum spank_context context = spank_context ();
    struct mw_err err = { "" };
    struct mw_jobspec clamped;

    (void) ac;
    (void) av;
    if (context == S_CTX_REMOTE)
        _look_before_start (sp);
    if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR)
        return 0;
    if (_ask_before_start () < 0 || _take_environment () < 0)
        _refuse_submit ();
    clamped = asked;
    clamped.reservation = _mem_flag ();
    if (settings_fit (&clamped, clamped.reservation, &err) < 0) {
        _complain (err.text);
        _refuse_submit ();
    }
    if (settings_clamp (&clamped, &site, &err))
        slurm_info ("memwarden: %s", err.text);
    if (_makes_a_job ())
        _say_allowed (&clamped);
    if (_carry (sp) < 0)
        _refuse_submit ();
    return 0;
}

/* ---- on the node, once per job ---- */

static int _spank_key (spank_t sp, struct mw_jobspec *spec)
{
    if (spank_get_item (sp, S_JOB_ID, &spec->slurm_id) != ESPANK_SUCCESS)
        return -1;
    snprintf (spec->key, sizeof (spec->key), "%u", spec->slurm_id);
    return 0;
}

int slurm_spank_job_epilog (spank_t sp, int ac, char **av)
{
    struct mw_jobspec spec;

    _read_site (ac, av);
    if (_spank_key (sp, &spec) < 0)
        return 0;
    record_remove (&site, spec.key);
    enrol_release (&site, spec.key);
    return 0;
}

/* ---- on the node, for each task ---- */

/* srun's steps name their own job as the array they are not in. */
static void _know_array (spank_t sp, struct mw_jobspec *spec)
{
    uint32_t task = NO_VAL;

    if (spank_get_item (sp, S_JOB_ARRAY_TASK_ID, &task) != ESPANK_SUCCESS ||
        task >= NO_VAL)
        return;
    spec->array_job_id = _spank_number (sp, S_JOB_ARRAY_ID);
    spec->array_task_id = spec->array_job_id ? task : 0;
}

/* What this step says of its job's wishes: its environment, as the job was
 * submitted with it; its own flags only where that has none of ours (srun alone
 * from before, REST). */
static void _know_wishes (spank_t sp, struct mw_jobspec *spec)
{
    struct mw_err err = { "" };
    char name[64], value[1024];

    if (spank_getenv (sp, CARRIED TAKEN, value, sizeof (value)) !=
        ESPANK_SUCCESS)
        *spec = asked;
    else
        settings_defaults (spec);
    if (_spank_key (sp, spec) < 0)
        return;
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        spank_err_t rc;

        snprintf (name, sizeof (name), CARRIED "%s", settings[i].env);
        rc = spank_getenv (sp, name, value, sizeof (value));
        if (rc == ESPANK_NOSPACE)
            mw_err_set (&err, "%s is too long", name);
        else if (rc != ESPANK_SUCCESS ||
                 !settings_put (spec, (enum setting) i, value, &err))
            continue;
        slurm_info ("memwarden: job %s: ignored: %s", spec->key, err.text);
    }
}

/* The job's own values are those of the first step that comes to this node, and
 * whatever a later one says; but the batch script's before all, for it alone is
 * started by the controller, with what was submitted. */
static void _settle_wishes (const struct site *where, struct mw_jobspec *spec,
                            bool own)
{
    struct mw_err err = { "" };

    if ((own || record_load (where, spec->key, spec, NULL) < 0) &&
        record_save (where, spec, own, &err) < 0 &&
        (errno != EEXIST || record_load (where, spec->key, spec, &err) < 0))
        slurm_info ("memwarden: job %s: %s", spec->key, err.text);
}

static int _spank_know_job (spank_t sp, struct enrolment *e)
{
    struct mw_jobspec *spec = &e->spec;
    uint16_t cpus = 0;
    uint64_t mib = 0;
    char batch[16] = "";

    _know_wishes (sp, spec);
    if (_spank_key (sp, spec) < 0)
        return -1;
    _step_name (sp, e->step, sizeof (e->step));
    e->own = !strcmp (e->step, "step_batch");
    _settle_wishes (&site, spec, e->own);
    spank_get_item (sp, S_JOB_UID, &spec->uid);
    spank_get_item (sp, S_JOB_GID, &spec->gid);
    spank_get_item (sp, S_JOB_NCPUS, &cpus);
    if (spank_get_item (sp, S_JOB_ALLOC_MEM, &mib) == ESPANK_SUCCESS) {
        spec->reservation = mib < UINT64_MAX >> 21 ? mib << 20 : 0;
        e->reservation_known = true;
    }
    mib = 0;
    if (spank_get_item (sp, S_STEP_ALLOC_MEM, &mib) == ESPANK_SUCCESS)
        e->step_mem = mib < UINT64_MAX >> 21 ? mib << 20 : 0;
    spec->cpus = cpus ? cpus : 1;
    _know_array (sp, spec);
    spank_getenv (sp, "SLURM_JOB_NAME", spec->name, sizeof (spec->name));
    spec->name[sizeof (spec->name) - 1] = '\0';
    /* a hint: the controller itself knows what can be requeued */
    spank_getenv (sp, "ENVIRONMENT", batch, sizeof (batch));
    spec->batch = e->own || !strcmp (batch, "BATCH");
    return 0;
}

/* required=yes and no warden: the task dies before it is what the user wanted.
 * Failing the hook instead would end a batch job as COMPLETED and drain the
 * node. */
static int _spank_refuse (pid_t pid)
{
    if (site.required)
        kill (pid, SIGKILL);
    return 0;
}

static int _enrol (spank_t sp, pid_t pid)
{
    struct mw_err err = { "" }, note = { "" };

    if (_spank_know_job (sp, &enrolment) < 0)
        mw_err_set (&err, "Slurm does not say which job this is");
    else if (!enrol_step (&enrolment, &site, pid, &note, &err)) {
        state = ENROLLED;
        if (!note.text[0])
            return 0;
        mw_err_prefix (&note, "job %s", enrolment.spec.key);
        if (enrolment.shadow) /* nothing is done to it */
            slurm_info ("memwarden: %s", note.text);
        else
            teller_say (note.text);
        return 0;
    }
    state = FAILED;
    if (site.required)
        slurm_error ("memwarden: job %s may not run on this node without "
                     "memwarden (required=yes): %s",
                     enrolment.spec.key, err.text);
    else
        slurm_info ("memwarden: job %s runs without it: %s", enrolment.spec.key,
                    err.text);
    return _spank_refuse (pid);
}

int slurm_spank_task_post_fork (spank_t sp, int ac, char **av)
{
    struct mw_err err = { "" };
    pid_t pid = 0;

    (void) ac;
    (void) av;
    /* the extern step has no task of its own */
    if (spank_remote (sp) != 1 ||
        spank_get_item (sp, S_TASK_PID, &pid) != ESPANK_SUCCESS || pid <= 1)
        return 0;
    if (state == FRESH)
        return _enrol (sp, pid);
    if (state == FAILED)
        return _spank_refuse (pid);
    if (enrol_another (&enrolment, pid, &err) < 0)
        slurm_info ("memwarden: job %s: process %d: %s", enrolment.spec.key,
                    (int) pid, err.text);
    return 0;
}

/* slurmstepd's standard error is still the task's; what the end of the batch
 * script makes the warden say comes before that is read to its end. */
int slurm_spank_task_exit (spank_t sp, int ac, char **av)
{
    int status = 0;

    (void) ac;
    (void) av;
    if (spank_remote (sp) != 1)
        return 0;
    if (state != FRESH && !strcmp (enrolment.step, "step_batch") &&
        spank_get_item (sp, S_TASK_EXIT_STATUS, &status) == ESPANK_SUCCESS)
        enrol_ended (&site, enrolment.spec.key, status);
    teller_catch_up ();
    return 0;
}

int slurm_spank_exit (spank_t sp, int ac, char **av)
{
    (void) ac;
    (void) av;
    if (spank_remote (sp) == 1)
        enrol_end (&enrolment);
    return 0;
}
