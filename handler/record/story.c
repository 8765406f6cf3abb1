/* story.c - the records of each open incident, for webhooks: see story.h */
#include "handler/record/story.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/job/warden.h"
#include "handler/record/journal.h"
#include "handler/record/request.h"
#include "handler/pass/seal.h"
#include "lib/cleanup.h"

/* What waits for story_flush; twice the longest record. */
static struct {
    char text[2 * JOURNAL_RECORD_MAX];
    size_t len;
    struct {
        char name[STORY_NAME_MAX];
        char key[MW_JOBKEY_MAX];
        uint32_t uid;
        size_t len;
        bool begin, end, put;
    } record[32];
    unsigned count;
} waiting;
#define WAITING (sizeof (waiting.record) / sizeof (waiting.record[0]))

static unsigned missing; /* records, since story_missing was asked … */
static int missing_why;  /* … the last one for this */

char *story_name (const struct job *job, char name[STORY_NAME_MAX])
{
    char id[INCIDENT_ID_MAX];

    snprintf (name, STORY_NAME_MAX, "%s.story", incident_id (job, id));
    return name;
}

void story_add (struct warden *w, const struct job *job, const char *event)
{
    size_t len = 0;

    if (waiting.count < WAITING)
        len = journal_last (w->journal, waiting.text + waiting.len,
                            sizeof (waiting.text) - waiting.len);
    if (len == 0) {
        story_flush (w);
        len = journal_last (w->journal, waiting.text, sizeof (waiting.text));
    }
    story_name (job, waiting.record[waiting.count].name);
    strcpy (waiting.record[waiting.count].key, job->spec.key);
    waiting.record[waiting.count].uid = job->spec.uid;
    waiting.record[waiting.count].put = false;
    waiting.record[waiting.count].len = len;
    waiting.record[waiting.count].begin = !strcmp (event, "detected");
    waiting.record[waiting.count++].end = !strcmp (event, "resolved");
    waiting.len += len;
}

/* ---- transitions --------------------------------------------------------- */

/* Add [record] to what is put for [name], or [begin] it. */
static void _part_add (struct warden *w, const char *name, const char *record,
                       size_t len, bool begin)
{
    if (spool_story (&w->spool, name, record, len, begin, true) == 0)
        return;
    missing++;
    missing_why = errno;
}

static void _part_put (struct warden *w, const char *name, const char *key,
                       uint32_t uid)
{
    static struct spool_request r; /* 2 KiB: not on the stack */
    struct mw_err err;

    request_fill (&r, w, NULL, SPOOL_WEBHOOK);
    snprintf (r.job, sizeof (r.job), "%s", key);
    spool_make_id (&r, w->request_seq);
    r.uid = uid;
    strcpy (r.arg, SPOOL_TRANSITIONS);
    strcpy (r.text, "{}");
    if (request_put (w, NULL, &r, true, name, &err) == 0)
        return;
    if (errno != ENOBUFS) { /* that is said by how many there are */
        missing++;
        missing_why = errno;
    }
    spool_drop_story (&w->spool, name);
}

/* The records of record [first]'s job that are not put yet, in one request. */
static void _part_of_job (struct warden *w, unsigned first)
{
    const char *key = waiting.record[first].key, *text = waiting.text;
    char name[MW_JOBKEY_MAX + 8];
    bool begin = true;

    snprintf (name, sizeof (name), "%s.part", key);
    for (unsigned i = 0; i < waiting.count; i++) {
        if (i >= first && !strcmp (waiting.record[i].key, key)) {
            _part_add (w, name, text, waiting.record[i].len, begin);
            waiting.record[i].put = true;
            begin = false;
        }
        text += waiting.record[i].len;
    }
    _part_put (w, name, key, waiting.record[first].uid);
}

/* What the journal has and the spool, of an earlier warden, has not. */
static void _part_missed (struct warden *w, uint64_t told)
{
    const char *text, *event, *key;
    char name[MW_JOBKEY_MAX + 8];
    size_t at = 0, len;

    while ((text = ahead_next (&w->journal->file, &at, &len))) {
        cleanup_json json_t *j = NULL;
        cleanup_free char *record = NULL;

        if (!seal_check (text, len) || !(j = json_loadb (text, len, 0, NULL)) ||
            (uint64_t) json_integer_value (json_object_get (j, "seq")) <= told)
            continue;
        event = json_string_value (json_object_get (j, "event"));
        key = json_string_value (json_object_get (j, "job"));
        if (!event || !key || !mw_jobkey_valid (key) ||
            !strcmp (event, "carried") || !json_object_get (j, "incident"))
            continue;
        json_object_del (j, "crc");
        snprintf (name, sizeof (name), "%s.part", key);
        json_object_del (j, "st");
        record = json_dumps (j, JSON_COMPACT);
        if (!record)
            continue;
        _part_add (w, name, record, strlen (record), true);
        _part_put (w, name, key,
                   (uint32_t) json_integer_value (json_object_get (j, "uid")));
    }
}

void story_recover (struct warden *w)
{
    uint64_t told;

    if (w->conf.webhook_count == 0) {
        spool_told_forget (&w->spool);
        return;
    }
    if (spool_told_read (&w->spool, &told) == 0 && told < w->journal->seq)
        _part_missed (w, told);
    spool_told_put (&w->spool, w->journal->seq);
}

static void _flush_parts (struct warden *w)
{
    for (unsigned i = 0; i < waiting.count; i++) {
        if (!waiting.record[i].put)
            _part_of_job (w, i);
    }
    if (waiting.count > 0)
        spool_told_put (&w->spool, w->journal->seq);
}

/* ---- whole stories ------------------------------------------------------- */

void story_flush (struct warden *w)
{
    const char *text = waiting.text;

    if (w->conf.webhook_count > 0)
        _flush_parts (w);
    for (unsigned i = 0; i < waiting.count && w->conf.webhook[0]; i++) {
        if (spool_story (&w->spool, waiting.record[i].name, text,
                         waiting.record[i].len, waiting.record[i].begin,
                         waiting.record[i].end) < 0) {
            missing++;
            missing_why = errno;
        }
        text += waiting.record[i].len;
    }
    waiting.len = waiting.count = 0;
}

unsigned story_missing (int *why)
{
    unsigned n = missing;

    *why = missing_why;
    missing = 0;
    return n;
}
