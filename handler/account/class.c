/* class.c - which class of the configuration a job is in, and which run it is */
#include "handler/account/class.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "handler/account/headroom.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "handler/record/request.h"
#include "lib/cleanup.h"

/* ---- matching ------------------------------------------------------------ */

static bool _asks_controller (const struct conf_class *c)
{
    return c->match_qos[0] || c->match_partition[0] || c->match_account[0];
}

static bool _any_asks (const struct conf *conf)
{
    for (unsigned i = 0; i < conf->class_count; i++) {
        if (_asks_controller (&conf->classes[i]))
            return true;
    }
    return false;
}

static bool _matches (const char *pattern, const char *text)
{
    return !pattern[0] || fnmatch (pattern, text, 0) == 0;
}

const struct conf_class *class_of (const struct conf *conf,
                                   const struct mw_jobspec *spec,
                                   const struct job_facts *facts)
{
    for (unsigned i = 0; i < conf->class_count; i++) {
        const struct conf_class *c = &conf->classes[i];

        if (_asks_controller (c) && !facts->known)
            continue;
        if (_matches (c->match_qos, facts->qos) &&
            _matches (c->match_partition, facts->partition) &&
            _matches (c->match_account, facts->account) &&
            _matches (c->match_user, spec->user))
            return c;
    }
    return NULL;
}

/* ---- what the controller says -------------------------------------------- */

static bool _class_take (const json_t *j, const char *member, char *out,
                         size_t len)
{
    const json_t *v = json_object_get (j, member);

    if (!json_is_string (v) || json_string_length (v) >= len)
        return false;
    strcpy (out, json_string_value (v));
    for (; *out; out++) {
        if ((unsigned char) *out < 0x20 || *out == 0x7f)
            return false;
    }
    return true;
}

int class_parse (const char *text, struct job_facts *facts, struct mw_err *err)
{
    cleanup_json json_t *j = json_loads (text, 0, NULL);
    const json_t *restarts = json_object_get (j, "restarts");
    json_int_t cpus = json_integer_value (json_object_get (j, "cpus"));
    struct job_facts f = { .known = true };

    if (!json_is_integer (restarts) || json_integer_value (restarts) < 0 ||
        json_integer_value (restarts) >= SPOOL_RUN_UNKNOWN ||
        !_class_take (j, "partition", f.partition, sizeof (f.partition)) ||
        !_class_take (j, "account", f.account, sizeof (f.account)) ||
        !_class_take (j, "qos", f.qos, sizeof (f.qos)))
        return mw_err_code (err, EPROTO,
                            "\"%.80s\" does not tell partition, "
                            "account, QOS and restarts",
                            text);
    if (cpus > 0 && cpus <= UINT32_MAX)
        f.cpus = (uint32_t) cpus;
    f.restarts = (uint32_t) json_integer_value (restarts);
    *facts = f;
    return 0;
}

void class_ask (struct warden *w, struct job *job)
{
    static struct spool_request r; /* 2 KiB that need not be on the stack */
    struct mw_err err;

    if (job->spec.slurm_id == 0 || job->facts.known || job->lookup[0] ||
        (w->conf.shadow && !_any_asks (&w->conf)))
        return;
    request_fill (&r, w, job, SPOOL_LOOKUP);
    if (request_put (w, job, &r, false, NULL, &err) < 0)
        report_log (w, LOG_WARNING,
                    "job %s: cannot ask what the controller "
                    "knows of it: %s",
                    job->spec.key, err.text);
    else
        snprintf (job->lookup, sizeof (job->lookup), "%s", r.id);
}

void class_forget (struct warden *w, struct job *job)
{
    if (job->lookup[0])
        request_cancel (w, job->lookup);
    job->lookup[0] = '\0';
}

/* ---- the job's class, late ----------------------------------------------- */

/* A limit that the kernel does not take stays what it was. */
static void _class_limit (struct warden *w, struct job *job, uint64_t before)
{
    struct mw_err err;

    if (job->limit == before)
        return;
    if (job_assert_limit (job, &err) == 0) {
        warden_room (w);
        return;
    }
    job->limit = before;
    job_commit (job);
    report_failed (w, job, "its limit stays", &err);
}

static void _class_apply (struct warden *w, struct job *job)
{
    const struct conf_class *c = class_of (&w->conf, &job->spec, &job->facts);
    uint64_t before = job->limit;
    char size[MW_SIZE_STRLEN];
    struct job_cuts cuts = { { "" }, { "" } };
    struct mw_err err;

    if (c != job->class && job_reclass (job, c, &w->conf, headroom_capacity (w),
                                        w->node_cpus, &cuts, &err) < 0) {
        report_log (w, LOG_ERR, "job %s: class %s: %s", job->spec.key,
                    c ? c->name : "(none)", err.text);
        return;
    }
    _class_limit (w, job, before);
    report (w, job, "class", REPORT_LOG,
            "job %s: partition %s, account %s, "
            "QOS %s: class %s: limit %s, priority %u%s%s%s",
            job->spec.key,
            job->facts.partition[0] ? job->facts.partition : "(none)",
            job->facts.account[0] ? job->facts.account : "(none)",
            job->facts.qos[0] ? job->facts.qos : "(none)",
            c ? c->name : "(none)",
            mw_size_format (job->limit, size, sizeof (size)), job->priority,
            c && c->protect ? ", protected" : "",
            cuts.given.text[0] ? "; " : "", cuts.given.text);
    if (cuts.asked.text[0])
        report (w, job, "cut", REPORT_LOG | REPORT_JOB, "job %s: %s",
                job->spec.key, cuts.asked.text);
}

/* The standard error of the run before, which had the reason for the requeue,
 * is gone where Slurm has truncated it for this one. */
static void _tell_requeue (struct warden *w, struct job *job,
                           const char *answer)
{
    cleanup_json json_t *j = json_loads (answer, 0, NULL);
    char said[256];

    if (job->facts.restarts == 0 ||
        !_class_take (j, "comment", said, sizeof (said)) ||
        !strstr (said, "requeue"))
        return;
    report (w, job, "note", REPORT_LOG | REPORT_JOB,
            "job %s: this is run %" PRIu32 "; of the run before was said: %s",
            job->spec.key, job->facts.restarts + 1,
            said + strcspn (said, " ") + 1);
}

bool class_answer (struct warden *w, struct job *job,
                   const struct spool_answer *a)
{
    struct mw_err err;

    if (spool_op_of (a->id) != SPOOL_LOOKUP)
        return false;
    if (strcmp (a->id, job->lookup) != 0)
        return true; /* of before a restart: asked anew since */
    job->lookup[0] = '\0';
    if (!a->ok)
        report_log (w, LOG_WARNING,
                    "job %s: what the controller knows of it "
                    "is not to be had: %s",
                    job->spec.key, a->text);
    else if (class_parse (a->text, &job->facts, &err) < 0)
        report_log (w, LOG_WARNING, "job %s: the courier: %s", job->spec.key,
                    err.text);
    else
        _tell_requeue (w, job, a->text);
    if (job->facts.known && _any_asks (&w->conf))
        _class_apply (w, job);
    return true;
}
