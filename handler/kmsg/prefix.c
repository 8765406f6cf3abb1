/* prefix.c - what stands before the kernel's message: see prefix.h */
#include "handler/kmsg/prefix.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "handler/kmsg/form.h"
#include "handler/kmsg/stamp.h"

#define SKIP_MOST 128 /* of a line, before the log's own prefix */

static bool _prefix_word (const char **s, const char *word)
{
    size_t len = strlen (word);

    if (strncmp (*s, word, len) != 0)
        return false;
    *s += len;
    return true;
}

static void _prefix_put (char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        len = size - 1;
    memcpy (to, from, len);
    to[len] = '\0';
}

/* "[ T1961] ", "[ C0] ": who printed it (CONFIG_PRINTK_CALLER) */
static void _caller (const char **s, struct kmsg_prefix *p)
{
    const char *c = *s, *id;

    if (*c++ != '[')
        return;
    c += strspn (c, " ");
    id = c;
    if (*c != 'T' && *c != 'C')
        return;
    c++;
    if (!isdigit ((unsigned char) *c))
        return;
    c += strspn (c, "0123456789");
    if (c[0] != ']' || c[1] != ' ')
        return;
    _prefix_put (p->caller, sizeof (p->caller), id, (size_t) (c - id));
    *s = c + 2;
}

/* "[ 8545.160138] " and its like, "]: " as well */
static bool _bracket (const char **s, struct kmsg_prefix *p)
{
    size_t len = kmsg_stamp_bracket (*s), bytes;
    const char *end = *s + len, *from = *s + 1;

    if (len == 0)
        return false;
    end += *end == ':';
    if (*end && *end != ' ' && *end != '[')
        return false;
    from += strspn (from, " ");
    bytes = (size_t) (*s + len - 1 - from);
    if (strspn (from, "0123456789.") == bytes)
        _prefix_put (p->printed, sizeof (p->printed), from, bytes);
    if (!p->time[0])
        _prefix_put (p->time, sizeof (p->time), from, bytes);
    *s = end + (*end == ' ');
    p->stamped = true;
    return true;
}

/* "[cn12] " of a console's log, before the kernel's own time */
static void _bracket_host (const char **s, struct kmsg_prefix *p)
{
    size_t len = strcspn (*s, "] ");

    if (**s != '[' || len < 2 || strncmp (*s + len, "] [", 3) != 0 ||
        kmsg_stamp_bracket (*s) > 0 || kmsg_stamp_bracket (*s + len + 2) == 0)
        return;
    if (!p->host[0])
        _prefix_put (p->host, sizeof (p->host), *s + 1, len - 1);
    *s += len + 2;
}

/* "kern.warn " of busybox and OpenWrt, "<kern.warning> ", "[kern.warning] " */
static void _log_level (const char **s)
{
    const char *at = *s + (**s == '<' || **s == '[');

    if (strncmp (at, "kern.", 5) == 0) {
        at += strcspn (at, " ");
        *s = at + (*at == ' ');
    }
}

/* "HOST kernel: ", "kernel: ", "HOST kern.warn kernel: " */
static bool _tag (const char **s, struct kmsg_prefix *p)
{
    const char *at = *s, *host = NULL;
    size_t len = 0;

    _log_level (&at);
    if (strncmp (at, "kernel:", 7) != 0) {
        host = at;
        len = strcspn (at, " ");
        if (len == 0 || at[len] != ' ' || at[len - 1] == ':')
            return false;
        at += len + 1;
        _log_level (&at);
    }
    if (!_prefix_word (&at, "kernel:") ||
        (*at && *at != ' ' && kmsg_stamp_bracket (at) == 0))
        return false;
    if (host && !p->host[0])
        _prefix_put (p->host, sizeof (p->host), host, len);
    p->tagged = p->stamped = true;
    *s = at + (*at == ' ');
    return true;
}

/* "cn12 sshd[12]: ", "sudo: ": somebody else's */
static bool _other_tag (const char *s)
{
    for (int i = 0; i < 2; i++) {
        size_t len = strcspn (s, " ");

        if (len > 1 && s[len - 1] == ':')
            return true;
        if (s[len] == '\0')
            return false;
        s += len + 1;
    }
    return false;
}

/* "cn12 sshd[12]: ": the same, where nothing of the kernel's looks so */
static bool _pid_tag (const char *s)
{
    const char *at = s + strcspn (s, " ");
    size_t len = strspn (at, " ");

    at += len;
    at += strcspn (at, " [");
    if (len != 1 || *at++ != '[')
        return false;
    len = strspn (at, "0123456789");
    return len > 0 && strncmp (at + len, "]: ", 3) == 0;
}

static bool _is_form (const char *s, enum kmsg_form *form)
{
    struct kmsg_kill said;
    char name[KMSG_FRAME_MAX];

    kmsg_form_clear (&said);
    *form = kmsg_form (s, &said);
    return *form != KMSG_OTHER ||
           ((*s == ' ' || *s == '[' || *s == '(') &&
            kmsg_form_frame (s, name)) ||
           strcmp (s, " <TASK>") == 0;
}

/* A time, and then? "HOST MESSAGE" (consoles) or "MESSAGE" (dmesg); a host's
 * name may look like part of a process's. */
static bool _untagged (const struct kmsg_habits *habits, const char **s,
                       struct kmsg_prefix *p)
{
    const char *after = *s + strcspn (*s, " ");
    enum kmsg_form here, there = KMSG_OTHER;
    bool is_here = _is_form (*s, &here), is_there;

    if (habits->tagged) /* such lines would have the kernel's tag */
        return false;
    if (*after == ' ' && after > *s && kmsg_stamp_bracket (after + 1) > 0 &&
        after[-1] != ':') { /* netconsole's, that syslog has written */
        _prefix_put (p->host, sizeof (p->host), *s, (size_t) (after - *s));
        *s = after + 1;
        return _bracket (s, p);
    }
    is_there = *after == ' ' && after > *s && _is_form (after + 1, &there);
    if (is_there && there == KMSG_HEAD && here == KMSG_HEAD &&
        !habits->bare_host &&
        strcspn (*s, "0123456789") > (size_t) (after - *s))
        is_there = false;
    if (is_there && there == KMSG_HEAD &&
        after[1 + strcspn (after + 1, " ") - 1] == ':')
        is_there = false;
    if (is_there && after[-1] == ':') /* "sshd: ", without a host */
        return false;
    if (is_there) {
        _prefix_put (p->host, sizeof (p->host), *s, (size_t) (after - *s));
        p->bare_host = true;
        *s = after + 1;
        return true;
    }
    if ((!is_here || here == KMSG_HEAD) && _other_tag (*s))
        return false;
    if (!is_here && habits->bare_host && *after == ' ') {
        _prefix_put (p->host, sizeof (p->host), *s, (size_t) (after - *s));
        *s = after + 1;
    }
    return true;
}

/* Behind RFC 5424's structured data at [s]: "-", "[a b=\"]\"][c]"; NULL where
 * it does not end. */
static const char *_structured (const char *s)
{
    bool quoted = false;

    if (*s != '[')
        return s + strcspn (s, " ");
    for (; *s; s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        else if (*s == '"')
            quoted = !quoted;
        else if (!quoted && *s == ']' && s[1] != '[')
            return s + 1;
    }
    return NULL;
}

/* RFC 5424's "TIME HOST kernel - - - ", behind the version.  Returns false
 * where it is not the kernel's. */
static bool _rfc5424 (const char **s, struct kmsg_prefix *p)
{
    for (int field = 0; field < 6; field++) {
        size_t bytes = strcspn (*s, " ");

        if (field == 0)
            _prefix_put (p->time, sizeof (p->time), *s, bytes);
        else if (field == 1)
            _prefix_put (p->host, sizeof (p->host), *s, bytes);
        else if (field == 2 && strncmp (*s, "kernel ", 7) != 0 &&
                 strncmp (*s, "kernel: ", 8) != 0)
            return false;
        else if (field == 5) {
            const char *end = _structured (*s);

            if (!end)
                return false;
            bytes = (size_t) (end - *s);
        }
        *s += bytes;
        *s += **s == ' ';
    }
    _prefix_word (s, "???"); /* a byte order mark, tamed */
    return true;
}

/* Is [s] "TIME HOST kernel - …", as RFC 5424 has it behind its version? */
static bool _is_rfc5424 (const char *s)
{
    const char *at = s + kmsg_stamp (s);

    if (at == s || *at != ' ')
        return false;
    at += 1 + strcspn (at + 1, " ");
    return strncmp (at, " kernel - ", 10) == 0 ||
           strncmp (at, " kernel: - ", 11) == 0;
}

/* "<4>", or "<4>1 " of RFC 5424.  Returns false where it is not the
 * kernel's. */
static bool _log_priority (const char **s, struct kmsg_prefix *p)
{
    unsigned n = 0;
    int len = 0;

    if (strncmp (*s, "1 ", 2) == 0 && kmsg_stamp (*s + 2) > 0) {
        p->stamped = true;
        *s += 2; /* the priority is not kept */
        return _rfc5424 (s, p);
    }
    /* its length, where it came by TCP (RFC 6587) */
    if (sscanf (*s, "%*5u <%3u>1 %n", &n, &len) == 1 && len > 0)
        *s += strcspn (*s, "<");
    len = 0;
    if (**s != '<' || sscanf (*s, "<%3u>%n", &n, &len) != 1 || len == 0)
        return true;
    if (n >> 3 != 0)
        return false;
    *s += len;
    p->stamped = true;
    return !_prefix_word (s, "1 ") || _rfc5424 (s, p);
}

/* "kern  :warn  : " of dmesg -x, "kern: warning: " of Talos.  Returns false
 * where it is another's. */
static bool _facility (const char **s, struct kmsg_prefix *p)
{
    static const char *const others[] = {
        "user",   "mail",   "daemon",   "auth",   "syslog", "lpr",    "news",
        "uucp",   "cron",   "authpriv", "ftp",    "local0", "local1", "local2",
        "local3", "local4", "local5",   "local6", "local7",
    };
    size_t word = strspn (*s, "abcdefghijklmnopqrstuvwxyz0123456789");
    const char *at = *s + word;
    size_t level;

    at += strspn (at, " ");
    if (word == 0 || *at++ != ':')
        return true;
    at += strspn (at, " ");
    level = strspn (at, "abcdefghijklmnopqrstuvwxyz");
    at += level;
    at += strspn (at, " ");
    if (level == 0 || *at++ != ':' || *at++ != ' ')
        return true;
    for (unsigned i = 0; i < sizeof (others) / sizeof (others[0]); i++) {
        if (strlen (others[i]) == word && strncmp (*s, others[i], word) == 0)
            return false;
    }
    if (word != 4 || strncmp (*s, "kern", 4) != 0)
        return true;
    *s = at;
    p->stamped = true;
    return true;
}

/* "stdout F " of a container's log, "vcpu-5 - Guest: " of vmware.log */
static void _carrier (const char **s)
{
    const char *at;

    if (_prefix_word (s, "stdout F ") || _prefix_word (s, "stderr F ") ||
        _prefix_word (s, "stdout P ") || _prefix_word (s, "stderr P "))
        return;
    if (strncmp (*s, "In(", 3) == 0 && (at = strstr (*s, " - Guest: ")))
        *s = at + strlen (" - Guest: ");
}

/* A time, at the beginning of [*s]. The first one counts. */
static bool _log_time (const char **s, struct kmsg_prefix *p)
{
    size_t len = kmsg_stamp (*s);

    if (len == 0)
        return false;
    if (!p->time[0])
        _prefix_put (p->time, sizeof (p->time), *s, len);
    *s += len;
    *s += **s == ' ';
    p->stamped = true;
    return true;
}

/* What came by another log: behind its time, "Nov 26 09:00:00 cn12 kernel: ",
 * "RELAY Nov 26 …", "RELAY 1 2026-11-26T09:00:00Z cn12 kernel - - - ". */
static void _relayed (const char **s, struct kmsg_prefix *p)
{
    size_t relay = strcspn (*s, " ");
    const char *at = *s + relay;

    at += *at == ' ';
    at += strncmp (at, "1 ", 2) == 0 ? 2 : 0;
    if (relay > 0 && (*s)[relay - 1] != ':' && kmsg_stamp (at) > 0)
        *s = at;
    if (!_is_rfc5424 (*s))
        _log_time (s, p);
}

/* "Kernel.Warning 10.0.0.5 " of Kiwi's server, behind its own time.  Returns
 * false where it is another's. */
static bool _kiwi (const char **s, struct kmsg_prefix *p)
{
    static const char *const levels[] = { "Emerg ", "Alert ",   "Critical ",
                                          "Error ", "Warning ", "Notice ",
                                          "Info ",  "Debug " };
    size_t facility = strcspn (*s, ". "), host;
    const char *at = *s + facility;
    unsigned i = 0;

    if (!isupper ((unsigned char) **s) || *at++ != '.')
        return true;
    while (i < sizeof (levels) / sizeof (levels[0]) &&
           !_prefix_word (&at, levels[i]))
        i++;
    host = strcspn (at, " ");
    if (i == sizeof (levels) / sizeof (levels[0]) || at[host] != ' ')
        return true;
    if (facility != 6 || strncmp (*s, "Kernel", 6) != 0)
        return false;
    _prefix_put (p->host, sizeof (p->host), at, host);
    *s = at + host + 1;
    return true;
}

/* "avril 16 09:00:00 cn12 kernel: ", of a journalctl that speaks French; what is
 * another's is told in *[others] */
static bool _local (const char **s, struct kmsg_prefix *p, bool *others)
{
    size_t len = kmsg_stamp_local (*s);
    const char *at = *s + len + 1;
    struct kmsg_prefix tagged = *p;

    if (len == 0 || !_tag (&at, &tagged)) {
        *others = len > 0 && _other_tag (at);
        return false;
    }
    if (!tagged.time[0])
        _prefix_put (tagged.time, sizeof (tagged.time), *s, len);
    *p = tagged;
    *s = at;
    return true;
}

enum behind { MORE, MESSAGE, OTHERS }; /* what is there: more of a prefix */

/* What stands behind a time at the beginning of a line. */
static enum behind _behind_time (const struct kmsg_habits *habits,
                                 const char **s, struct kmsg_prefix *p)
{
    const char *at = *s;

    if (!_kiwi (s, p))
        return OTHERS;
    if (*s != at && kmsg_stamp (*s) == 0)
        return MORE;
    _relayed (s, p);
    if (_is_rfc5424 (*s))
        return _rfc5424 (s, p) ? MESSAGE : OTHERS;
    at = *s;
    _carrier (s);
    _log_time (s, p);
    if (_tag (s, p) || *s != at || **s == '[' || **s == '<' ||
        strncmp (*s, "kern", 4) == 0)
        return MORE;
    return _untagged (habits, s, p) ? MESSAGE : OTHERS;
}

/* … where there is none, or one of another language */
static enum behind _behind_nothing (const char **s, struct kmsg_prefix *p)
{
    bool others = false;

    if (_is_rfc5424 (*s)) {
        p->stamped = true;
        return _rfc5424 (s, p) ? MESSAGE : OTHERS;
    }
    if (!_local (s, p, &others) && !others)
        _tag (s, p);
    return others ? OTHERS : MORE;
}

/* Take all known prefixes off [*s]. Returns false where it is not the
 * kernel's. */
static bool _prefix (const struct kmsg_habits *habits, const char **s,
                     struct kmsg_prefix *p)
{
    enum behind is = !_is_rfc5424 (*s) && _log_time (s, p)
                         ? _behind_time (habits, s, p)
                         : _behind_nothing (s, p);

    if (is != MORE)
        return is == MESSAGE;
    if (!_log_priority (s, p))
        return false;
    if (!p->tagged && p->stamped) {
        /* "<4>Nov 26 09:00:00 cn12 kernel: ", "<4>kernel: " */
        bool timed = _log_time (s, p);

        if (!_tag (s, p) && timed)
            return _untagged (habits, s, p);
    }
    if (!_facility (s, p))
        return false;
    if (p->stamped)
        _log_time (s, p); /* dmesg -x, iso */
    _bracket_host (s, p);
    if (_bracket (s, p)) {
        if (!p->tagged)
            _tag (s, p); /* journalctl -o short-monotonic */
        _bracket (s, p); /* a keeper's own time came first */
        if (!_facility (s, p) || !_log_priority (s, p) ||
            (!p->tagged && _pid_tag (*s)))
            return false;
    }
    _caller (s, p);
    return true;
}

/* "cn12: [ 9.1] …" of pdsh, "messages:Nov 26 …" of grep, "node | [ 9.1] …":
 * words of no known form, before one that is. */
static bool _skip (const char **s, struct kmsg_prefix *p)
{
    for (const char *at = *s; *at && at - *s < SKIP_MOST; at++) {
        const char *from = at + 1 + strspn (at + 1, " "), *rest = from;
        struct kmsg_prefix other = { .stamped = false };
        unsigned n;

        if (strchr ("'\"`=({<", *at)) /* a sentence, with quoted words */
            return false;
        if (*at == ' ' && _pid_tag (at)) {
            p->foreign = true;
            return false;
        }
        if (!strchr (":|- ", *at))
            continue;
        if (!_facility (&rest, &other)) {
            p->foreign = true;
            return false;
        }
        if (kmsg_stamp_bracket (from) == 0 && kmsg_stamp (from) == 0 &&
            sscanf (from, "<%3u>[", &n) != 1 && !other.stamped)
            continue;
        if (*at == ':' && from > at + 1 &&
            !memchr (*s, ' ', (size_t) (at - *s)))
            _prefix_put (p->host, sizeof (p->host), *s, (size_t) (at - *s));
        *s = from;
        return true;
    }
    return false;
}

const char *kmsg_prefix (const struct kmsg_habits *habits, const char *line,
                         struct kmsg_prefix *p)
{
    const char *s = line;
    enum kmsg_form form;

    p->foreign = !_prefix (habits, &s, p);
    if (!p->foreign && !p->stamped && _skip (&s, p)) {
        p->stamped = true;
        p->foreign = !_prefix (habits, &s, p);
    }
    if (p->foreign)
        return NULL;
    if (p->stamped)
        return s;
    /* the second line of a message that has a prefix is anybody's */
    return !habits->stamped && _is_form (s, &form) ? s : NULL;
}
