/* kmsg_read.c - a whole log into kmsg/log.h: see kmsg_read.h
 *
 * systemd.journal-fields(7): _TRANSPORT says who spoke, and is journald's own,
 * as are all that begin with '_'; other fields are any process's.
 */
#include "handler/cli/kmsg_read.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/kmsg/stamp.h"
#include "lib/cleanup.h"

#define VALUE_MAX 4096
#define OBJECT_MOST (1024 * 1024) /* of JSON over several lines */
#define DEPTH_MOST 8              /* of JSON's entries within entries */

/* One entry, being read. */
struct entry {
    bool any;     /* something has been read of it */
    bool journal; /* its fields are journald's */
    bool has_message;
    char message[VALUE_MAX];
    size_t len;
    char transport[32], speaker[64], facility[16];
    char host[KMSG_HOST_MAX], time[KMSG_TIME_MAX];
};

struct reader {
    struct kmsg_log *log;
    void (*found) (const struct kmsg_kill *kill, void *arg);
    void *arg;
    struct kmsg_kill kill;
    struct entry entry;
    bool export, verbose; /* its lines are fields of entries */
    char *object;         /* JSON over several lines, so far; or NULL */
    size_t object_len;
    unsigned depth; /* in JSON */
};

/* ---- entries ------------------------------------------------------------- */

/* Is what the entry says the kernel's? */
static bool _is_kernel (const struct entry *e)
{
    if (e->transport[0])
        return strcmp (e->transport, "kernel") == 0;
    if (e->facility[0] && strcmp (e->facility, "0") != 0 &&
        strcmp (e->facility, "kern") != 0 &&
        strcmp (e->facility, "kernel") != 0)
        return false;
    return !e->speaker[0] || strcmp (e->speaker, "kernel") == 0 ||
           strcmp (e->speaker, "kernel:") == 0 ||
           strcmp (e->speaker, "kern") == 0;
}

/* What a shipper says to be the kernel's needs no prefix of its own. */
static bool _carried (struct reader *r, const struct entry *e)
{
    char line[VALUE_MAX + 16];
    int n;

    if (!e->speaker[0])
        return kmsg_log_carried (r->log, e->host, e->time, e->message, e->len,
                                 &r->kill);
    /* rsyslog keeps the blank behind the tag */
    n = snprintf (line, sizeof (line), "kernel:%s%.*s",
                  e->message[0] == ' ' ? "" : " ", (int) e->len, e->message);
    return kmsg_log_carried (r->log, e->host, e->time, line, (size_t) n,
                             &r->kill);
}

static void _end_entry (struct reader *r)
{
    struct entry *e = &r->entry;
    bool found;

    if (e->any)
        kmsg_log_know (r->log);
    if (e->has_message && _is_kernel (e)) {
        if (e->journal)
            found = kmsg_log_message (r->log, e->host, e->message, e->len,
                                      e->time, &r->kill);
        else
            found = _carried (r, e);
        if (found)
            r->found (&r->kill, r->arg);
    }
    *e = (struct entry) { .any = false };
}

static void _kmsg_read_put (char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        len = size - 1;
    kmsg_stamp_tame (from, len, to, len + 1);
}

/* Microseconds of the epoch as a time for people. */
static void _put_us (char time[KMSG_TIME_MAX], const char *text)
{
    unsigned long long us = strtoull (text, NULL, 10);
    time_t seconds = (time_t) (us / 1000000);
    struct tm tm;
    size_t n;

    if (!gmtime_r (&seconds, &tm))
        return;
    n = strftime (time, KMSG_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf (time + n, KMSG_TIME_MAX - n, ".%06lluZ", us % 1000000);
}

/* A [value] of an entry's field [name]; what it means here. */
static void _field (struct entry *e, const char *name, const char *value,
                    size_t len)
{
    static const struct {
        const char *name;
        enum { LINE, TRANSPORT, SPEAKER, FACILITY, HOST, TIME, TIME_US } is;
    } known[] = {
        { "MESSAGE", LINE },
        { "_TRANSPORT", TRANSPORT },
        { "SYSLOG_IDENTIFIER", SPEAKER },
        { "SYSLOG_FACILITY", FACILITY },
        { "_HOSTNAME", HOST },
        { "__REALTIME_TIMESTAMP", TIME_US },
        /* containers' logs, shippers of logs, rsyslog's and others' own */
        { "log", LINE },
        { "message", LINE },
        { "msg", LINE },
        { "line", LINE },
        { "short_message", LINE },
        { "content", LINE },
        { "textPayload", LINE },
        { "syslogtag", SPEAKER },
        { "programname", SPEAKER },
        { "program", SPEAKER },
        { "PROGRAM", SPEAKER },
        { "ident", SPEAKER },
        { "appname", SPEAKER },
        { "app-name", SPEAKER },
        { "facility", FACILITY },
        { "FACILITY", FACILITY },
        { "fac", FACILITY },
        { "syslog.identifier", SPEAKER },
        { "journald.transport", TRANSPORT },
        { "systemd.transport", TRANSPORT },
        { "syslog_identifier", SPEAKER },
        { "syslogfacility-text", FACILITY },
        { "hostname", HOST },
        { "host", HOST },
        { "HOST", HOST },
        { "fromhost", HOST },
        { "host.name", HOST },
        { "host.hostname", HOST },
        { "nodename", HOST },
        { "node_name", HOST },
        { "time", TIME },
        { "timestamp", TIME },
        { "@timestamp", TIME },
        { "timereported", TIME },
        { "timegenerated", TIME },
        { "DATE", TIME },
        { "ISODATE", TIME },
    };

    e->any = true;
    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        if (strcmp (known[i].name, name) != 0)
            continue;
        switch (known[i].is) {
        case LINE:
            e->has_message = true;
            e->len = len < VALUE_MAX ? len : VALUE_MAX - 1;
            memcpy (e->message, value, e->len);
            break;
        case TRANSPORT:
            e->journal = true;
            _kmsg_read_put (e->transport, sizeof (e->transport), value, len);
            break;
        case SPEAKER:
            _kmsg_read_put (e->speaker, sizeof (e->speaker), value, len);
            break;
        case FACILITY:
            _kmsg_read_put (e->facility, sizeof (e->facility), value, len);
            break;
        case HOST:
            if (!e->host[0])
                _kmsg_read_put (e->host, sizeof (e->host), value, len);
            break;
        case TIME:
            if (!e->time[0])
                _kmsg_read_put (e->time, sizeof (e->time), value, len);
            break;
        case TIME_US:
            e->journal = true;
            _put_us (e->time, value);
            break;
        }
        return;
    }
}

/* ---- JSON ---------------------------------------------------------------- */

/* What is no UTF-8 journalctl writes as an array of bytes. */
static void _bytes (struct entry *e, const char *name, const json_t *array)
{
    char value[VALUE_MAX];
    size_t len = 0;

    for (size_t i = 0; i < json_array_size (array) && len < VALUE_MAX; i++)
        value[len++] = (char) json_integer_value (json_array_get (array, i));
    _field (e, name, value, len);
}

static void _entries (struct reader *r, const json_t *array);

/* Is all of an entry, or its fields, within a member of this [name]? */
static bool _is_envelope (const char *name)
{
    static const char *const known[] = { "jsonPayload", "_source", "fields",
                                         "hits",        "data",    "event" };

    for (unsigned i = 0; i < sizeof (known) / sizeof (known[0]); i++) {
        if (strcmp (known[i], name) == 0)
            return true;
    }
    return false;
}

/* The members of [object] are the entry's fields; those of an object in it are
 * "OUTER.INNER", unless it is an envelope. */
static void _json_members (struct reader *r, const char *outer,
                           const json_t *object)
{
    const char *name;
    json_t *value;

    if (r->depth == DEPTH_MOST)
        return;
    r->depth++;
    json_object_foreach ((json_t *) object, name, value) {
        char number[32], full[128];

        snprintf (full, sizeof (full), "%s%s%s", outer, outer[0] ? "." : "",
                  name);
        if (json_is_string (value)) {
            _field (&r->entry, full, json_string_value (value),
                    json_string_length (value));
        } else if (json_is_integer (value)) {
            snprintf (number, sizeof (number), "%" JSON_INTEGER_FORMAT,
                      json_integer_value (value));
            _field (&r->entry, full, number, strlen (number));
        } else if (json_is_real (value)) {
            snprintf (number, sizeof (number), "%.6f", json_real_value (value));
            _field (&r->entry, full, number, strlen (number));
        } else if (json_is_object (json_array_get (value, 0))) {
            _entries (r, value);
        } else if (json_is_array (value)) {
            _bytes (&r->entry, full, value);
        } else if (json_is_object (value) && !outer[0]) {
            _json_members (r, _is_envelope (name) ? "" : name, value);
        }
    }
    r->depth--;
}

static void _object (struct reader *r, const json_t *object)
{
    _json_members (r, "", object);
    _end_entry (r);
}

/* dmesg -J, what is exported from where logs are collected: entries of their
 * own, which the object around them is not. */
static void _entries (struct reader *r, const json_t *array)
{
    struct entry outer = r->entry;

    r->entry = (struct entry) { .any = false };
    for (size_t i = 0; i < json_array_size (array); i++) {
        if (json_is_object (json_array_get (array, i)))
            _object (r, json_array_get (array, i));
    }
    r->entry = outer;
}

/* Returns false where [text] is no JSON. */
static bool _kmsg_read_json (struct reader *r, const char *text, size_t len)
{
    cleanup_json json_t *j = json_loadb (text, len, JSON_ALLOW_NUL, NULL);

    if (json_is_object (j))
        _object (r, j);
    if (json_is_array (j))
        _entries (r, j);
    return j != NULL;
}

/* An object over several lines ends with a line that is its bracket. */
static void _pretty (struct reader *r, const char *line, size_t len)
{
    char *more = r->object_len + len + 1 > OBJECT_MOST
                     ? NULL
                     : realloc (r->object, r->object_len + len + 1);

    if (!more) {
        free (r->object);
        r->object = NULL;
        return;
    }
    r->object = more;
    memcpy (more + r->object_len, line, len);
    r->object_len += len;
    more[r->object_len++] = '\n';
    if (line[0] == '}' || line[0] == ']') {
        _kmsg_read_json (r, more, r->object_len);
        free (more);
        r->object = NULL;
    }
}

/* A line of "{…}", also of json-seq, json-sse.  Returns false: it is none. */
static bool _json_line (struct reader *r, const char *line, size_t len)
{
    if (len > 0 && *line == '\x1e') {
        line++;
        len--;
    }
    if (len > 6 && strncmp (line, "data: {", 7) == 0) {
        line += 6;
        len -= 6;
    }
    while (len > 0 && isspace ((unsigned char) line[len - 1]))
        len--;
    if (r->object) {
        _pretty (r, line, len);
        return true;
    }
    if (len == 1 && (*line == '{' || *line == '[')) {
        r->object_len = 0;
        r->object = malloc (1);
        if (r->object)
            _pretty (r, line, len);
        return true;
    }
    if (len > 1 && line[len - 1] == ',')
        len--; /* of an array, an object a line */
    return len > 1 && (*line == '{' || strncmp (line, "[{", 2) == 0) &&
           _kmsg_read_json (r, line, len);
}

/* ---- a line's time and tag before an object, or labels before a line ------ */

/* The length of the time that [line] begins with, if [behind] is behind it; 0 */
static size_t _time_before (const char *line, size_t len, const char *behind)
{
    char text[64];
    size_t stamp;

    kmsg_stamp_tame (line, len < sizeof (text) ? len : sizeof (text) - 1, text,
                     sizeof (text));
    stamp = kmsg_stamp (text);
    return stamp > 0 && stamp + 2 < len &&
                   strncmp (line + stamp, behind, strlen (behind)) == 0
               ? stamp
               : 0;
}

/* Where the object begins in [line] of [len] bytes, behind its time of [stamp]
 * bytes: "stdout F {…}" of a container's; "\tkern.warn\t{…}" of fluentd's, or
 * "kern.warn: {…}" behind a time as no syslog has.  0: nowhere. */
static size_t _object_behind (const char *line, size_t len, size_t stamp)
{
    char before = line[stamp];
    bool tab = before == '\t';
    size_t tag = stamp + 1, end;

    if (len - tag > 9 && (strncmp (line + tag, "stdout F {", 10) == 0 ||
                          strncmp (line + tag, "stderr F {", 10) == 0))
        return tag + 9;
    for (end = tag; end < len && !isspace ((unsigned char) line[end]); end++)
        ;
    if (end + 1 >= len || line[end] != before || line[end + 1] != '{' ||
        (!tab && (stamp != 35 || line[end - 1] != ':')))
        return 0;
    return end + 1;
}

static bool _tagged_line (struct reader *r, const char *line, size_t len)
{
    size_t stamp = _time_before (line, len, "\t"), at;

    if (stamp == 0)
        stamp = _time_before (line, len, " ");
    at = stamp > 0 ? _object_behind (line, len, stamp) : 0;
    if (at == 0)
        return false;
    _kmsg_read_put (r->entry.time, sizeof (r->entry.time), line, stamp);
    if (_kmsg_read_json (r, line + at, len - at))
        return true;
    r->entry = (struct entry) { .any = false };
    return false;
}

/* '[0] kmsg.0: [[1764147600.1, {}], {"msg"=>"…"}]' of fluent-bit's standard
 * output: JSON, but for its arrows */
static bool _arrow_line (struct reader *r, const char *line, size_t len)
{
    char json[VALUE_MAX];
    size_t at = 1, n = 0;
    bool quoted = false;

    if (len < 8 || len >= sizeof (json) || *line != '[' || line[len - 1] != ']')
        return false;
    while (isdigit ((unsigned char) line[at])) /* there is a bracket behind */
        at++;
    if (at == 1 || at + 2 >= len || strncmp (line + at, "] ", 2) != 0)
        return false;
    for (at += 2; at < len && line[at] != ' '; at++)
        ;
    if (len - at < 3 || strncmp (line + at - 1, ": [", 3) != 0)
        return false;
    for (at++; at < len; at++) {
        if (quoted && line[at] == '\\' && at + 1 < len)
            json[n++] = line[at++];
        else if (line[at] == '"')
            quoted = !quoted;
        if (!quoted && line[at] == '=' && line[at + 1] == '>')
            continue; /* the colon is its second half */
        json[n++] = !quoted && line[at] == '>' ? ':' : line[at];
    }
    return _kmsg_read_json (r, json, n);
}

/* Take 'name="value"' at [s]. Returns what is behind it, before [end], or NULL:
 * it is none. */
static const char *_label (struct entry *e, const char *s, const char *end)
{
    const char *equals = memchr (s, '=', (size_t) (end - s)), *quote;
    char name[64];

    if (!equals || equals + 1 >= end || equals[1] != '"')
        return NULL;
    for (quote = equals + 2; quote < end && *quote != '"'; quote++)
        quote += *quote == '\\';
    if (quote >= end || (size_t) (equals - s) >= sizeof (name))
        return NULL;
    snprintf (name, sizeof (name), "%.*s", (int) (equals - s), s);
    _field (e,
            strcmp (name, "transport") == 0 ||
                    strcmp (name, "__journal__transport") == 0
                ? "_TRANSPORT"
                : name,
            equals + 2, (size_t) (quote - equals - 2));
    return quote + 1;
}

/* Take '{host="n1", transport="kernel"} ' at [s]. Returns what is behind it,
 * or NULL. */
static const char *_labels (struct entry *e, const char *s, const char *end)
{
    while (s && s < end && *s != '}') {
        s = _label (e, s + 1, end);
        if (s && end - s > 1 && strncmp (s, ", ", 2) == 0)
            s++;
        else if (s && s < end && *s != '}')
            return NULL;
    }
    return s && end - s > 2 && s[1] == ' ' ? s + 2 : NULL;
}

/* 'TIME {host="n1", transport="kernel"} LINE' of logcli */
static bool _labelled_line (struct reader *r, const char *line, size_t len)
{
    size_t stamp = _time_before (line, len, " {");
    struct entry e = { .any = false };
    const char *end = line + len, *said;

    if (stamp == 0)
        return false;
    _kmsg_read_put (e.time, sizeof (e.time), line, stamp);
    said = line[stamp + 2] == '}' ? _labels (&e, line + stamp + 2, end)
                                  : _labels (&e, line + stamp + 1, end);
    if (!said)
        return false;
    r->entry = e;
    /* all fields of the journal; a container's user may write the same */
    if (*said == '{' && strcmp (e.transport, "kernel") == 0 &&
        _kmsg_read_json (r, said, (size_t) (end - said)))
        return true;
    _field (&r->entry, "MESSAGE", said, (size_t) (end - said));
    _end_entry (r);
    return true;
}

/* ---- journalctl's export and verbose ------------------------------------- */

/* The length of the field's name at [line], or 0. */
static size_t _name_length (const char *line, size_t len)
{
    size_t n = 0;

    while (n < len && n < 64 &&
           (isupper ((unsigned char) line[n]) ||
            isdigit ((unsigned char) line[n]) || line[n] == '_'))
        n++;
    return n;
}

static void _assignment (struct reader *r, const char *line, size_t name_len,
                         size_t len)
{
    char name[65];

    snprintf (name, sizeof (name), "%.*s", (int) name_len, line);
    _field (&r->entry, name, line + name_len + 1, len - name_len - 1);
}

/* A field whose value is counted: "MESSAGE\n", its length in 8 bytes, value */
static void _counted (struct reader *r, struct kmsg_input *in, const char *line,
                      size_t len)
{
    char name[65];
    const unsigned char *count;
    const char *value;
    uint64_t n = 0;

    snprintf (name, sizeof (name), "%.*s", (int) len, line);
    count = (const unsigned char *) kmsg_input_bytes (in, 8);
    for (int i = 7; count && i >= 0; i--)
        n = n << 8 | count[i];
    if (!count || n >= OBJECT_MOST || !(value = kmsg_input_bytes (in, n + 1)))
        return;
    _field (&r->entry, name, value, n);
}

static bool _export_line (struct reader *r, struct kmsg_input *in,
                          const char *line, size_t len)
{
    size_t name = _name_length (line, len);

    if (!r->export && !(name > 2 && name < len && line[name] == '=' &&
                        strncmp (line, "__", 2) == 0))
        return false;
    r->export = true;
    if (len == 0)
        _end_entry (r);
    else if (name > 0 && name < len && line[name] == '=')
        _assignment (r, line, name, len);
    else if (name > 0 && name == len)
        _counted (r, in, line, len);
    return true;
}

/* "Thu 2026-11-26 09:00:00.123400 UTC [s=…]", and below it "    NAME=value" */
static bool _verbose_line (struct reader *r, const char *line, size_t len)
{
    char text[256];
    size_t stamp, name;

    if (r->verbose && len > 4 && strncmp (line, "    ", 4) == 0) {
        name = _name_length (line + 4, len - 4);
        if (name > 0 && name < len - 4 && line[4 + name] == '=')
            _assignment (r, line + 4, name, len - 4);
        return true;
    }
    kmsg_stamp_tame (line, len < sizeof (text) ? len : sizeof (text) - 1, text,
                     sizeof (text));
    stamp = kmsg_stamp (text);
    if (stamp == 0 || strncmp (text + stamp, " [s=", 4) != 0)
        return false;
    _end_entry (r);
    r->verbose = true;
    _kmsg_read_put (r->entry.time, sizeof (r->entry.time), text, stamp);
    return true;
}

/* ---- all of it ----------------------------------------------------------- */

static void _kmsg_read_line (struct reader *r, struct kmsg_input *in,
                             const char *line, size_t len)
{
    while (len > 0 && line[len - 1] == '\r')
        len--;
    if (_verbose_line (r, line, len) || _export_line (r, in, line, len) ||
        _json_line (r, line, len) || _tagged_line (r, line, len) ||
        _arrow_line (r, line, len) || _labelled_line (r, line, len))
        return;
    if (kmsg_log_line (r->log, line, len, &r->kill))
        r->found (&r->kill, r->arg);
}

int kmsg_read (struct kmsg_input *in, struct kmsg_log *log,
               void (*found) (const struct kmsg_kill *kill, void *arg),
               void *arg, struct mw_err *err)
{
    cleanup_free struct reader *r = calloc (1, sizeof (*r));
    const char *line;
    size_t len;
    int rc;

    if (!r)
        return mw_err_errno (err, "cannot read the log");
    r->log = log;
    r->found = found;
    r->arg = arg;
    while ((rc = kmsg_input_line (in, &line, &len, err)) > 0)
        _kmsg_read_line (r, in, line, len);
    _end_entry (r);
    free (r->object);
    return rc;
}
