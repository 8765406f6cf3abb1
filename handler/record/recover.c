/* recover.c - the jobs as the last record of each left them */
#include "handler/record/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/job/job.h"
#include "handler/record/fields.h"
#include "lib/cleanup.h"

static uint64_t _recover_number (const json_t *j, const char *key)
{
    json_int_t n = json_integer_value (json_object_get (j, key));

    return n > 0 ? (uint64_t) n : 0;
}

static const char *_recover_text (const json_t *j, const char *key)
{
    const char *s = json_string_value (json_object_get (j, key));

    return s ? s : "";
}

/* Put state [st] into [job]. Returns false where it is not a whole state. */
static bool _recover_apply (const json_t *st, struct job *job)
{
    const struct incident *in = &job->incident;

    if (mw_jobspec_decode (json_object_get (st, "spec"), &job->spec, NULL) <
            0 ||
        !fields_take (st, job, FIELDS_STATE) ||
        !fields_take (st, job, FIELDS_FACTS) ||
        !fields_take (json_object_get (st, "incident"), job, FIELDS_INCIDENT) ||
        !job->memcg.path || !job->ladder)
        return false;
    job->memcg.layout = job->spec.layout;
    job->facts.known = json_object_get (st, "partition") != NULL;
    /* an open incident without a ladder, or beyond it, cannot be gone on
     * with */
    return !in->open || (in->ladder && in->step < in->ladder->count);
}

/* Put state [st] into job [key] of [t], made where it is not there.  A state
 * that is not whole changes nothing: the one before it is the better guide.
 * Returns false then. */
static bool _take_state (struct job_table *t, const char *key, const json_t *st)
{
    struct job_table scratch = { .count = 0 };
    struct job *job = job_find (t, key), *fresh = job_new (&scratch), old;
    bool whole;

    if (!fresh)
        return false;
    whole = _recover_apply (st, fresh) && !strcmp (fresh->spec.key, key) &&
            (job || (job = job_new (t)));
    if (whole) {
        old = *job;
        *job = *fresh;
        job->next = old.next;
        job->table = t;
        *fresh = old;
        fresh->next = NULL;
    }
    job_free (&scratch, fresh);
    return whole;
}

/* Remember the number of the incident that [line], a record, is about: before
 * its first text of a stranger there is no quote but the members' own. */
static void _remember_incident (const char *line)
{
    static const char member[] = ",\"incident\":\"";
    const char *id = strstr (line, member), *end, *dot;
    char key[MW_JOBKEY_MAX];

    if (!id)
        return;
    id += sizeof (member) - 1;
    end = strchr (id, '"');
    dot = end ? memrchr (id, '.', (size_t) (end - id)) : NULL;
    if (!dot || (size_t) (dot - id) >= sizeof (key))
        return;
    snprintf (key, sizeof (key), "%.*s", (int) (dot - id), id);
    job_had (key, (unsigned) strtoul (dot + 1, NULL, 10));
}

/* People read the journal of before this one, too. */
static void _remember_old (struct journal *j)
{
    cleanup_fd int fd = journal_open_history (j, 0, true);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen (fd, "r");
    cleanup_free char *text = NULL;
    size_t room = 0;

    if (!f)
        return;
    fd = -1;
    while (getline (&text, &room, f) > 0)
        _remember_incident (text);
}

/* Take in one record. Returns false where it is not a whole one. */
static bool _recover_record (struct journal *j, struct job_table *t,
                             const json_t *record)
{
    const char *key = _recover_text (record, "job"),
               *event = _recover_text (record, "event");
    const json_t *st = json_object_get (record, "st");
    struct job *job;

    if (!*event)
        return false;
    if (_recover_number (record, "seq") > j->seq)
        j->seq = _recover_number (record, "seq");
    if (!*key)
        return true;
    job = job_find (t, key);
    if (!strcmp (event, "released")) {
        if (job)
            job_free (t, job);
        return true;
    }
    return !st || _take_state (t, key, st);
}

int journal_recover (struct journal *j, struct job_table *t, struct mw_err *err)
{
    cleanup_fd int fd = journal_open_history (j, 0, false);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen (fd, "r");
    cleanup_free char *text = NULL;
    size_t room = 0;
    ssize_t n;

    if (err)
        err->text[0] = '\0';
    if (!f)
        return mw_err_errno (err, "cannot read the journal");
    fd = -1;
    _remember_old (j);
    while ((n = getline (&text, &room, f)) > 0) {
        cleanup_json json_t *record = json_loadb (text, (size_t) n, 0, NULL);

        _remember_incident (text);
        if (!_recover_record (j, t, record))
            j->unread++;
    }
    if (ferror (f))
        return mw_err_errno (err, "cannot read the journal");
    if (j->torn > 0)
        mw_err_set (err,
                    "journal: the last record was torn (%" PRIu64 " bytes)"
                    " and is dropped",
                    j->torn);
    else if (j->unread > 0)
        mw_err_set (err, "journal: %u records could not be understood",
                    j->unread);
    return 0;
}
