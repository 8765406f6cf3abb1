/* shadow.c - shadow mode: what would have been done: see shadow.h */
#include "handler/incident/shadow.h"

#include <stdio.h>
#include <string.h>

#include "handler/account/headroom.h"
#include "handler/job/warden.h"
#include "handler/record/report.h"
#include "handler/step/step.h"
#include "lib/json_put.h"

/* The first step that would do something. */
struct would {
    const struct mw_ladder_step *step; /* NULL = none */
    uint64_t lend;                     /* grow: bytes */
    char but[192];                     /* what those before it lacked */
};

/* Could [s] be done now?  The same is asked that a deed would ask. */
static bool _could (struct warden *w, struct job *job,
                    const struct mw_ladder_step *s, struct would *would,
                    struct mw_err *why)
{
    const struct step_ops *ops = step_table[s->kind];

    if (ops->available && !ops->available (w, job, why))
        return false;
    if (s->kind != MW_STEP_GROW)
        return true;
    would->lend = headroom_may_lend (w, job, &s->amount);
    if (would->lend == 0)
        mw_err_set (why, "the pool has no headroom");
    return would->lend > 0;
}

static void _but (struct would *would, const struct mw_ladder_step *s,
                  const struct mw_err *why)
{
    size_t used = strlen (would->but);

    snprintf (would->but + used, sizeof (would->but) - used, "%s%s: %.100s",
              used ? "; " : " (", mw_steps[s->kind].name, why->text);
}

static void _think (struct warden *w, struct job *job,
                    const struct mw_ladder *ladder, struct would *would)
{
    struct incident *in = &job->incident;
    struct mw_err why;

    *would = (struct would) { .step = NULL };
    in->ladder = ladder; /* steps look at their own place in it */
    for (in->step = 0; in->step < ladder->count && !would->step; in->step++) {
        if (_could (w, job, &ladder->step[in->step], would, &why))
            would->step = &ladder->step[in->step];
        else
            _but (would, &ladder->step[in->step], &why);
    }
    in->ladder = NULL;
    in->step = 0;
    if (would->but[0] && strlen (would->but) + 1 < sizeof (would->but))
        strcat (would->but, ")");
}

/* At which limit it was, and what memwarden's would have been. */
static void _limits (const struct job *job, uint64_t hit, char *buf, size_t len)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], c[MW_SIZE_STRLEN];
    const struct memcg *m = &job->memcg;
    char kills[64] = "";
    int n;

    if (m->hit_kills > 0)
        snprintf (kills, sizeof (kills),
                  "; the kernel has killed %u of its "
                  "processes",
                  m->hit_kills);
    n = snprintf (buf, len,
                  "it was out of memory at its limit of %s "
                  "(reservation %s)%s; ",
                  mw_size_format (hit, a, sizeof (a)),
                  mw_size_format (job->reservation, b, sizeof (b)), kills);
    if (hit != job->limit && n > 0 && (size_t) n < len)
        snprintf (buf + n, len - (size_t) n,
                  "memwarden's limit would have "
                  "been %s; ",
                  mw_size_format (job->limit, c, sizeof (c)));
}

static void _sentence (const struct would *would, char *buf, size_t len)
{
    char size[MW_SIZE_STRLEN], step[MW_LADDER_STRLEN], lent[64] = "";

    if (!would->step) {
        snprintf (buf, len, "nothing of its ladder could have been done%s",
                  would->but);
        return;
    }
    if (would->lend > 0)
        snprintf (lent, sizeof (lent), ": %s could have been lent",
                  mw_size_format (would->lend, size, sizeof (size)));
    mw_ladder_step_format (would->step, step, sizeof (step));
    snprintf (buf, len, "memwarden would have begun with %.64s%s%s", step, lent,
              would->but);
}

static void _members (const struct job *job, enum incident_trigger trigger,
                      uint64_t hit, const char *ladder,
                      const struct would *would, struct json_put *p)
{
    char step[MW_LADDER_STRLEN] = "";

    json_put_text (p, "trigger", incident_trigger_name[trigger]);
    json_put_text (p, "ladder", ladder);
    if (trigger == TRIGGER_JOB) {
        json_put_number (p, "kernel_limit", hit);
        json_put_number (p, "kernel_kills", job->memcg.hit_kills);
    }
    if (!would->step)
        return;
    mw_ladder_step_format (would->step, step, sizeof (step));
    step[64] = '\0';
    json_put_text (p, "first", step);
    json_put_number (p, "deadline_ms", would->step->deadline_ms);
    if (would->lend > 0)
        json_put_number (p, "lend", would->lend);
}

void shadow_oom (struct warden *w, struct job *job,
                 enum incident_trigger trigger, const struct mw_ladder *ladder)
{
    struct memcg *m = &job->memcg;
    uint64_t hit = m->hit_kills > 0 ? m->hit_limit : m->set_limit;
    char limits[256] = "", done[384], more[MW_LADDER_STRLEN + 640];
    char text[MW_LADDER_STRLEN];
    struct json_put p = { .text = more, .size = sizeof (more) };
    struct would would;

    if (trigger == TRIGGER_JOB) {
        job_seen_usage (job);
        _limits (job, hit, limits, sizeof (limits));
    }
    job->incident.trigger = trigger;
    _think (w, job, ladder, &would);
    mw_ladder_format (ladder, text, sizeof (text));
    _sentence (&would, done, sizeof (done));
    _members (job, trigger, hit, text, &would, &p);
    report_more (w, job, "shadow", REPORT_LOG, json_put_done (&p),
                 "job %s: "
                 "shadow: %s%s; its ladder%s: %s",
                 job->spec.key, limits, done,
                 trigger == TRIGGER_NODE ? " for the node" : "", text);
    job->incident.trigger = TRIGGER_JOB;
    m->hit_kills = 0;
}
