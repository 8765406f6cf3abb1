/* transition.c - a record of the journal as what a webhook is sent
 *
 * The object is that of doc/schema/incident.json; from it, and nothing else, the
 * ready-made bodies for other receivers are made when it is posted.
 */
#include "handler/courier/transition.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/json_get.h"

#define MOVED(key) \
    { \
        key, key \
    }

/* What of a record is where in the object; all else is in "more". */
static const struct {
    const char *from, *to;
} moved[] = {
    { "t", "time" },    { "text", "summary" }, MOVED ("event"),
    MOVED ("job"),      MOVED ("uid"),         MOVED ("slurm_id"),
    MOVED ("incident"), MOVED ("trigger"),     MOVED ("outcome"),
    MOVED ("step"),     MOVED ("used"),        MOVED ("peak"),
    MOVED ("limit"),    MOVED ("reservation"), MOVED ("priority"),
    MOVED ("seq"),
};
#define MOVED_COUNT (sizeof (moved) / sizeof (moved[0]))

static bool _is_moved (const char *key)
{
    for (size_t i = 0; i < MOVED_COUNT; i++) {
        if (!strcmp (moved[i].from, key))
            return true;
    }
    return !strcmp (key, "ms"); /* a clock that nobody else has */
}

static void _this_node (char *name, size_t len)
{
    name[0] = '\0';
    gethostname (name, len - 1);
    name[len - 1] = '\0';
    name[strcspn (name, ".")] = '\0';
}

json_t *transition_of (const json_t *record)
{
    json_t *j = json_object (), *more = json_object (), *value;
    char node[65], key[256];
    const char *name;

    _this_node (node, sizeof (node));
    json_object_set_new (j, "schema", json_integer (TRANSITION_SCHEMA));
    snprintf (key, sizeof (key), "%s/%s/%lld/%s", node,
              json_get_text (record, "incident"),
              (long long) json_integer_value (json_object_get (record, "seq")),
              json_get_text (record, "t"));
    json_object_set_new (j, "key", json_string (key));
    json_object_set_new (j, "node", json_string (node));
    for (size_t i = 0; i < MOVED_COUNT; i++) {
        value = json_object_get (record, moved[i].from);
        if (value)
            json_object_set (j, moved[i].to, value);
    }
    json_object_foreach ((json_t *) record, name, value) {
        if (!_is_moved (name))
            json_object_set (more, name, value);
    }
    if (json_object_size (more) > 0)
        json_object_set (j, "more", more);
    json_decref (more);
    return j;
}

/* "2026-11-21T01:02:03.123456Z" in microseconds since the epoch; 0 = it is none. */
static unsigned long long _microseconds (const char *text)
{
    struct tm tm = { 0 };
    const char *end = strptime (text, "%Y-%m-%dT%H:%M:%S", &tm);
    time_t s = end ? timegm (&tm) : 0;

    if (s <= 0 || *end != '.')
        return 0;
    return (unsigned long long) s * 1000000 + strtoull (end + 1, NULL, 10);
}

bool transition_name (const json_t *record, char name[OUTBOX_NAME_MAX])
{
    unsigned long long us = _microseconds (json_get_text (record, "t"));
    long long seq = json_integer_value (json_object_get (record, "seq"));
    const char *job = json_get_text (record, "job");

    if (us == 0 || seq <= 0 || !mw_jobkey_valid (job))
        return false;
    return snprintf (name, OUTBOX_NAME_MAX, "%016llu.%010lld.%s", us, seq,
                     job) < OUTBOX_NAME_MAX;
}

/* ---- other receivers' bodies --------------------------------------------- */

/* CloudEvents 1.0, JSON format, structured. */
static json_t *_cloudevent (const json_t *j)
{
    char source[96], type[96];

    snprintf (source, sizeof (source), "/memwarden/%s",
              json_get_text (j, "node"));
    snprintf (type, sizeof (type), "memwarden.incident.%s",
              json_get_text (j, "event"));
    return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "specversion",
                      "1.0", "id", json_get_text (j, "key"), "source", source,
                      "type", type, "subject", json_get_text (j, "incident"),
                      "time", json_get_text (j, "time"), "datacontenttype",
                      "application/json", "data", j);
}

/* Alertmanager's API v2: all transitions of an incident are one alert, by their
 * labels.  What is not resolved would end by itself after five minutes, were no end
 * given: a day is as long as an admin sleeps. */
static json_t *_alerts (const json_t *j)
{
    const char *event = json_get_text (j, "event");
    const char *at = json_get_text (j, "time");
    bool over = !strcmp (event, "resolved");
    time_t end = (time_t) (_microseconds (at) / 1000000) + 24 * 3600;
    char until[32];
    struct tm tm;
    json_t *alert;

    gmtime_r (&end, &tm);
    strftime (until, sizeof (until), "%Y-%m-%dT%H:%M:%SZ", &tm);
    alert = json_pack ("{s:{s:s, s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:s}",
                       "labels", "alertname", "MemwardenIncident", "node",
                       json_get_text (j, "node"), "job",
                       json_get_text (j, "job"), "incident",
                       json_get_text (j, "incident"), "trigger",
                       json_get_text (j, "trigger"), "annotations", "summary",
                       json_get_text (j, "summary"), "event", event, "outcome",
                       json_get_text (j, "outcome"), "endsAt",
                       over ? at : until);
    return json_pack ("[o]", alert);
}

/* [text] so that nothing in it is a link, a mention or mark-up for Slack, nor a
 * mention for Mattermost.  Returns it, the caller's; NULL. */
static char *_unmarked (const char *text)
{
    static const struct {
        char c;
        const char *as;
    } marks[] = {
        { '&', "&amp;" },         { '<', "&lt;" }, { '>', "&gt;" },
        { '@', "@\xe2\x80\x8b" }, /* a space without width */
        { '*', "\xe2\x88\x97" },  { '`', "'" },
    };
    char *out = malloc (6 * strlen (text) + 1), *to = out;

    for (; out && *text; text++) {
        size_t i = 0;

        while (i < sizeof (marks) / sizeof (marks[0]) && marks[i].c != *text)
            i++;
        if (i < sizeof (marks) / sizeof (marks[0]))
            to = stpcpy (to, marks[i].as);
        else
            *to++ = *text;
    }
    if (out)
        *to = '\0';
    return out;
}

static json_t *_chat_line (const json_t *j)
{
    cleanup_free char *text = _unmarked (json_get_text (j, "summary"));
    cleanup_free char *line = NULL;

    if (!text || asprintf (&line, "memwarden on %s: %s",
                           json_get_text (j, "node"), text) < 0)
        return NULL;
    return json_pack ("{s:s}", "text", line);
}

char *transition_body (const json_t *j, enum conf_body body, const char **type)
{
    cleanup_json json_t *other = NULL;

    *type = "application/json";
    switch (body) {
    case CONF_BODY_CLOUDEVENTS:
        *type = "application/cloudevents+json";
        other = _cloudevent (j);
        break;
    case CONF_BODY_ALERTMANAGER:
        other = _alerts (j);
        break;
    case CONF_BODY_SLACK:
        other = _chat_line (j);
        break;
    default:
        return json_dumps (j, JSON_COMPACT);
    }
    return other ? json_dumps (other, JSON_COMPACT) : NULL;
}
