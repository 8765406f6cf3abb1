/* story.c - the records of each open incident, for the webhook */
#include "handler/record/story.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/job/warden.h"
#include "handler/record/journal.h"

/* What waits for story_flush; twice the longest record. */
static struct {
    char text[2 * JOURNAL_RECORD_MAX];
    size_t len;
    struct {
        char name[STORY_NAME_MAX];
        size_t len;
        bool begin, end;
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
    waiting.record[waiting.count].len = len;
    waiting.record[waiting.count].begin = !strcmp (event, "detected");
    waiting.record[waiting.count++].end = !strcmp (event, "resolved");
    waiting.len += len;
}

void story_flush (struct warden *w)
{
    const char *text = waiting.text;

    for (unsigned i = 0; i < waiting.count; i++) {
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
