/* recover.c - the jobs as the last record of each left them */
#include "handler/record/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/job/job.h"
#include "handler/pass/seal.h"
#include "handler/record/fields.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json_get.h"

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

/* The number of the incident that [record] is about is not given again. */
static void _remember_incident (const json_t *record)
{
    const char *id = json_get_text (record, "incident");
    const char *dot = strrchr (id, '.');
    char key[MW_JOBKEY_MAX];

    if (!dot || (size_t) (dot - id) >= sizeof (key))
        return;
    snprintf (key, sizeof (key), "%.*s", (int) (dot - id), id);
    job_had (key, (unsigned) strtoul (dot + 1, NULL, 10));
}

/* Its number and its incident's are not given again. Returns the record; NULL: it is
 * none. */
static json_t *_recover_line (struct journal *j, const char *text, size_t len)
{
    json_t *record = json_loadb (text, len, 0, NULL);

    if (json_get_number (record, "seq") > j->seq)
        j->seq = json_get_number (record, "seq");
    _remember_incident (record);
    return record;
}

/* People read what came before this journal, too. */
static void _remember_old (struct journal *j)
{
    struct ahead old = { .fd = -1 };
    const char *text;
    size_t at = 0, len;

    if (faccessat (j->state_dir, JOURNAL_AHEAD_OLD, F_OK, 0) == 0 &&
        ahead_open (&old, j->state_dir, JOURNAL_AHEAD_OLD, false, NULL) == 0) {
        while ((text = ahead_next (&old, &at, &len)))
            json_decref (_recover_line (j, text, len));
    }
    ahead_close (&old);
}

/* Take in one record. Returns false where it is not a whole one. */
static bool _recover_record (struct job_table *t, const json_t *record)
{
    const char *key = json_get_text (record, "job"),
               *event = json_get_text (record, "event");
    const json_t *st = json_object_get (record, "st");
    struct job *job;

    if (!*event)
        return false;
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

/* ---- the story ----------------------------------------------------------- */

/* Was the file [fd] changed since this boot?  Most often it was not, and is not read. */
static bool _is_of_now (int fd)
{
    struct stat st;
    uint64_t booted_us = clock_wall_us () - clock_ms () * 1000;

    return fstat (fd, &st) == 0 && S_ISREG (st.st_mode) &&
           (uint64_t) st.st_mtime * 1000000 >= booted_us;
}

/* What is behind the last begin of a boot, if that is this one. */
static void _recover_story (struct journal *j, struct job_table *t,
                            const char *path, const char *boot, bool *ours)
{
    cleanup_fd int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup_file FILE *f = fd >= 0 && _is_of_now (fd) ? fdopen (fd, "r") : NULL;
    cleanup_free char *text = NULL;
    size_t room = 0;
    ssize_t n;

    if (!f)
        return;
    fd = -1;
    while ((n = getline (&text, &room, f)) > 0) {
        cleanup_json json_t *record = _recover_line (j, text, (size_t) n);

        if (!strcmp (json_get_text (record, "event"), "boot")) {
            *ours = !strcmp (json_get_text (record, "boot"), boot);
            while (t->first)
                job_free (t, t->first);
        }
        if (*ours && !_recover_record (t, record))
            j->unread++;
    }
}

static void _recover_stories (struct journal *j, struct job_table *t)
{
    char path[PATH_MAX + sizeof (JOURNAL_STORY) + 4], boot[64];
    bool ours = false;

    journal_boot_id (boot, sizeof (boot));
    snprintf (path, sizeof (path), "%s/" JOURNAL_STORY ".1", j->history_dir);
    _recover_story (j, t, path, boot, &ours);
    snprintf (path, sizeof (path), "%s/" JOURNAL_STORY, j->history_dir);
    _recover_story (j, t, path, boot, &ours);
}

int journal_recover (struct journal *j, struct job_table *t, struct mw_err *err)
{
    const char *text;
    size_t at = 0, len;

    if (err)
        err->text[0] = '\0';
    _remember_old (j);
    while ((text = ahead_next (&j->file, &at, &len))) {
        cleanup_json json_t *record = _recover_line (j, text, len);

        if (!seal_check (text, len) || !_recover_record (t, record))
            j->unread++;
    }
    if (j->file.len == 0)
        _recover_stories (j, t);
    if (j->file.torn > 0)
        mw_err_set (err,
                    "journal: the last record was torn (%" PRIu64 " bytes)"
                    " and is dropped",
                    j->file.torn);
    else if (j->unread > 0)
        mw_err_set (err, "journal: %u records could not be understood",
                    j->unread);
    return 0;
}
