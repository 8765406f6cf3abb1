/* conf.c - memwarden.conf, read by libconfuse, checked whole before it is used
 *
 * libconfuse reads every value as a string; what it means is said by the rows
 * of option.c, called while libconfuse still knows the line.
 */
#include "handler/conf/conf.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/conf/option.h"
#include "lib/cleanup.h"
#include "lib/user.h"

#define FILE_MAX (1 << 20)
/* where the sections of each kind begin, among the scopes */
#define FIRST_HOOK (1 + CONF_MAX_CLASSES)
#define FIRST_WEBHOOK (FIRST_HOOK + CONF_MAX_HOOKS)
#define SCOPES (FIRST_WEBHOOK + CONF_MAX_WEBHOOKS)

/* A reading of one file.  Scope 0 is the file itself with its courier section,
 * then come the classes, the hooks and the webhooks. */
struct reading {
    const char *path;
    struct conf *conf;
    struct mw_err *err;
    bool failed; /* [err] has the first error: keep it */
    int open;    /* scope of the section being read, -1 = none */
    unsigned line[SCOPES][CONF_OPTION_MAX]; /* where each was given */
    unsigned begins[SCOPES];
};

/* libconfuse's callbacks have no argument of the caller's; there is one reading
 * at a time. */
static struct reading *_now;

void conf_defaults (struct conf *conf)
{
    *conf = (struct conf) {
        .socket = "/run/memwarden/memwardend.sock",
        .state_dir = CONF_STATE_DIR_DEFAULT,
        .log_file = "/var/log/memwarden.log",
        .metrics_ms = 15000,
        .syslog = true,
        .node_reserve = { .kind = MW_AMOUNT_PERCENT, .ratio = 0.05 },
        .fill_rate = { .kind = MW_AMOUNT_BYTES, .bytes = MW_GIB },
        .psi = { .kind = CONF_PSI_SOME, .stall_ms = 150, .window_ms = 1000 },
        .resume_at = { .kind = MW_AMOUNT_PERCENT, .ratio = 0.10 },
        .burst = { .kind = MW_AMOUNT_FACTOR, .ratio = 1 },
        .max_burst = { .kind = MW_AMOUNT_FACTOR, .ratio = 4 },
        .reserve = { .kind = MW_AMOUNT_PERCENT, .ratio = 0.05 },
        .max_priority = 500,
        .strikes_burst = 3,
        .strikes_priority = 6,
        .strike_max_priority = 100,
        .max_bounces = 3,
        .bounce_window_ms = 3600000,
        .drain_window_ms = 3600000,
        .controller_timeout_ms = 10000,
        .rest_timeout_ms = 5000,
        .evidence_dir = "/var/lib/memwarden/evidence",
        .evidence_max = { .kind = MW_AMOUNT_BYTES, .bytes = 4 * MW_GIB },
        .courier_path = SBINDIR "/memwarden-courier",
        .courier_user = "slurm",
        .max_waiting = 2000,
        .max_waiting_user = 200,
    };
    mw_ladder_parse ("grow@10m,signal=TERM@30s,kill", &conf->ladder, NULL);
    mw_ladder_parse ("reclaim,suspend@10m,requeue,kill", &conf->node_ladder,
                     NULL);
}

__attribute__ ((format (printf, 2, 3))) static int _conf_fail (unsigned line,
                                                               const char *fmt,
                                                               ...)
{
    char text[MW_ERR_MAX];
    va_list ap;

    if (_now->failed)
        return -1;
    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    mw_err_set (_now->err, "%s:%u: %s", _now->path, line, text);
    _now->failed = true;
    return -1;
}

static const char *const sections[] = { "root", "courier", "class", "hook",
                                        "webhook" };
#define SECTIONS (sizeof (sections) / sizeof (sections[0]))

static void _unknown_option (cfg_t *cfg, const char *name)
{
    const char *near = conf_option_nearest (cfg->name, name);

    for (unsigned i = 0; i < SECTIONS; i++) {
        if (!conf_option_find (sections[i], name))
            continue;
        if (i == 0)
            _conf_fail (cfg->line,
                        "option \"%.40s\" does not belong into a section;"
                        " write it outside of { }",
                        name);
        else
            _conf_fail (cfg->line,
                        "option \"%.40s\" is known in a %s section only", name,
                        sections[i]);
        return;
    }
    if (near)
        _conf_fail (cfg->line, "unknown option \"%.40s\"; did you mean \"%s\"?",
                    name, near);
    else
        _conf_fail (cfg->line,
                    "unknown option \"%.40s\"; see memwarden.conf(5)", name);
}

/* What libconfuse's message is about: an option, a section or a token, which is
 * the first that [fmt] has put into it; "" = none.  What it says of that is
 * English or the user's language, and is not looked at. */
static const char *_named (const char *fmt, va_list ap)
{
    const char *first = strchr (fmt, '%');

    return first && first[1] == 's' ? va_arg (ap, const char *) : "";
}

/* Is [name] a word that stands for no option and no section in [cfg]? Tokens are
 * punctuation or an escape sequence. */
static bool _is_unknown (const cfg_t *cfg, const char *name)
{
    bool root = !strcmp (cfg->name, "root");

    if (!name[0] || strchr ("={}(),+\\", name[0]) ||
        conf_option_find (cfg->name, name))
        return false;
    for (unsigned i = 1; root && i < SECTIONS; i++) {
        if (!strcmp (name, sections[i]))
            return false;
    }
    return true;
}

__attribute__ ((format (printf, 2, 0))) static void _on_error (cfg_t *cfg,
                                                               const char *fmt,
                                                               va_list ap)
{
    char text[MW_ERR_MAX];
    const char *name;
    va_list again;

    va_copy (again, ap);
    name = _named (fmt, again);
    va_end (again);
    if (_is_unknown (cfg, name)) {
        _unknown_option (cfg, name);
        return;
    }
    vsnprintf (text, sizeof (text), fmt, ap);
    _conf_fail (cfg->line, "%s; write NAME = \"VALUE\", or NAME { … }", text);
}

static bool _name_valid (const char *name)
{
    return name[0] && name[0] != '.' && strlen (name) < MW_HOOK_MAX &&
           name[strspn (name, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
               '\0';
}

/* The titled sections, each kind with a row. */
static const struct titled {
    const char *kind, *kinds;
    size_t count, array, size; /* in struct conf; of an element, whose first
                                  member is its name */
    unsigned most;
    int scope;
} titled_sections[] = {
    { "class", "classes", offsetof (struct conf, class_count),
      offsetof (struct conf, classes), sizeof (struct conf_class),
      CONF_MAX_CLASSES, 1 },
    { "hook", "hooks", offsetof (struct conf, hook_count),
      offsetof (struct conf, hooks), sizeof (struct conf_hook), CONF_MAX_HOOKS,
      FIRST_HOOK },
    { "webhook", "webhooks", offsetof (struct conf, webhook_count),
      offsetof (struct conf, webhooks), sizeof (struct conf_webhook),
      CONF_MAX_WEBHOOKS, FIRST_WEBHOOK },
};
#define TITLED (sizeof (titled_sections) / sizeof (titled_sections[0]))

static unsigned *_titled_count (struct conf *conf, const struct titled *t)
{
    return (unsigned *) ((char *) conf + t->count);
}

static void *_titled_at (struct conf *conf, const struct titled *t, unsigned i)
{
    return (char *) conf + t->array + i * t->size;
}

static const struct titled *_titled (const char *kind)
{
    const struct titled *t = titled_sections;

    while (strcmp (t->kind, kind) != 0)
        t++;
    return t;
}

static bool _has_section (struct conf *conf, const struct titled *t,
                          const char *title)
{
    for (unsigned i = 0; i < *_titled_count (conf, t); i++) {
        if (!strcmp (_titled_at (conf, t, i), title))
            return true;
    }
    return false;
}

/* What it has where nothing is said. */
static void _section_defaults (struct conf *conf, const char *kind, unsigned i)
{
    if (!strcmp (kind, "class"))
        conf->classes[i].max_priority = -1;
    else if (!strcmp (kind, "hook")) {
        conf->hooks[i].timeout_ms = 10000;
        conf->hooks[i].stop = true;
        conf->hooks[i].max_size = (struct mw_amount) { .kind = MW_AMOUNT_BYTES,
                                                       .bytes = MW_GIB };
    } else {
        conf->webhooks[i].timeout_ms = 10000;
        conf->webhooks[i].events = CONF_EVENTS_ALL;
        conf->webhooks[i].max_waiting = 2000;
    }
}

/* The section [kind] called [title] begins. Returns its scope, or -1. */
static int _begin_section (unsigned line, const char *kind, const char *title)
{
    struct conf *conf = _now->conf;
    const struct titled *t = _titled (kind);
    unsigned *count = _titled_count (conf, t);
    int scope;

    if (!_name_valid (title))
        return _conf_fail (line,
                           "\"%.40s\" is no name for a %s; use up to %d of"
                           " A-Z a-z 0-9 . _ -",
                           title, kind, MW_HOOK_MAX - 1);
    if (_has_section (conf, t, title))
        return _conf_fail (line,
                           "there is a %s of this name already; give each"
                           " section its own name",
                           kind);
    if (*count == t->most)
        return _conf_fail (line, "too many %s; at most %u are allowed",
                           t->kinds, t->most);
    scope = t->scope + (int) *count;
    strcpy (_titled_at (conf, t, *count), title);
    _section_defaults (conf, kind, (*count)++);
    _now->begins[scope] = line;
    _now->open = scope;
    return scope;
}

static void *_scope_base (int scope)
{
    const struct titled *t = &titled_sections[TITLED - 1];

    if (scope == 0)
        return _now->conf;
    while (scope < t->scope)
        t--;
    return _titled_at (_now->conf, t, (unsigned) (scope - t->scope));
}

/* An option has been read. */
static int _on_option (cfg_t *cfg, cfg_opt_t *opt)
{
    const struct conf_option *o = conf_option_find (cfg->name, opt->name);
    const char *text = cfg_opt_getstr (opt);
    unsigned line = (unsigned) cfg->line, *given;
    struct mw_err why = { "" };
    int scope = 0;

    if (cfg->title) {
        scope = _now->open > 0 ? _now->open
                               : _begin_section (line, cfg->name, cfg->title);
        if (scope < 0)
            return -1;
    } else if (strcmp (cfg->name, "root") != 0) {
        _now->open = 0;
    }
    given = &_now->line[scope][o - conf_options];
    if (*given)
        return _conf_fail (line,
                           "%s is given twice, first in line %u; keep one",
                           o->name, *given);
    *given = line;
    if (o->set (o, (char *) _scope_base (scope) + o->offset, text ? text : "",
                &why) < 0)
        return _conf_fail (line, "%s: %s", o->name, why.text);
    return 0;
}

/* The closing brace of a section has been read. */
static int _on_section_end (cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *sec = cfg_opt_getnsec (opt, cfg_opt_size (opt) - 1);

    if (_now->open < 0 && sec->title &&
        _begin_section ((unsigned) cfg->line, sec->name, sec->title) < 0)
        return -1;
    _now->open = -1;
    return 0;
}

/* Where the row of [name] was given in [scope]; 0 = it was not. */
static unsigned _line_of (int scope, const char *section, const char *name)
{
    return _now->line[scope][conf_option_find (section, name) - conf_options];
}

/* [burst] must not be over [max].  Of two different kinds only registration,
 * which knows the reservation, can tell. */
static int _check_burst (int scope, const char *section,
                         const struct mw_amount *burst,
                         const struct mw_amount *max)
{
    unsigned a = _line_of (scope, section, "burst");
    unsigned b = _line_of (scope, section, "max-burst");
    bool sizes = burst->kind == MW_AMOUNT_BYTES;
    char x[32], y[32];

    if (sizes != (max->kind == MW_AMOUNT_BYTES))
        return 0;
    if (sizes ? burst->bytes <= max->bytes : burst->ratio <= max->ratio)
        return 0;
    return _conf_fail (a > b ? a : b,
                       "burst %s is over max-burst %s; lower the one"
                       " or raise the other",
                       mw_amount_format (burst, x, sizeof (x)),
                       mw_amount_format (max, y, sizeof (y)));
}

const struct conf_hook *conf_find_hook (const struct conf *conf,
                                        const char *name)
{
    for (unsigned i = 0; i < conf->hook_count; i++) {
        if (!strcmp (conf->hooks[i].name, name))
            return &conf->hooks[i];
    }
    return NULL;
}

bool conf_wants (const struct conf_webhook *hook, const char *event)
{
    for (unsigned i = 0; conf_events[i]; i++) {
        if (!strcmp (event, conf_events[i]))
            return hook->events & 1u << i;
    }
    return hook->events == CONF_EVENTS_ALL; /* of a later warden */
}

const struct mw_ladder *conf_node_ladder (const struct conf *conf,
                                          const struct conf_class *c)
{
    return c && c->node_ladder.count > 0 ? &c->node_ladder : &conf->node_ladder;
}

static int _check_ladder (int scope, const char *section, const char *name,
                          const struct mw_ladder *ladder)
{
    for (unsigned i = 0; i < ladder->count; i++) {
        const char *hook = ladder->step[i].hook;

        if (ladder->step[i].kind == MW_STEP_DUMP && hook[0] &&
            !conf_find_hook (_now->conf, hook))
            return _conf_fail (_line_of (scope, section, name),
                               "%s: dump=%s names"
                               " no hook; add  hook %s { path = \"/…\" }",
                               name, hook, hook);
    }
    return 0;
}

static int _check_class (unsigned i)
{
    const struct conf *conf = _now->conf;
    const struct conf_class *c = &conf->classes[i];
    int scope = 1 + (int) i;

    if ((_line_of (scope, "class", "burst") ||
         _line_of (scope, "class", "max-burst")) &&
        _check_burst (scope, "class", c->burst.kind ? &c->burst : &conf->burst,
                      c->max_burst.kind ? &c->max_burst : &conf->max_burst) < 0)
        return -1;
    if (_check_ladder (scope, "class", "ladder", &c->ladder) < 0)
        return -1;
    return _check_ladder (scope, "class", "node-ladder", &c->node_ladder);
}

static int _check_post_incident_hook (void)
{
    const char *name = _now->conf->post_incident_hook;
    const struct conf_hook *hook = conf_find_hook (_now->conf, name);

    if (!name[0] || (hook && !hook->as_job))
        return 0;
    if (hook)
        return _conf_fail (_line_of (0, "root", "post-incident-hook"),
                           "post-incident-hook: hook %s has as = \"job\", and "
                           "after an incident there may be no job; write "
                           "dump=%s into a ladder, or give it as = \"courier\"",
                           name, name);
    return _conf_fail (_line_of (0, "root", "post-incident-hook"),
                       "post-incident-hook: there is no hook %s; add  hook %s "
                       "{ path = \"/…\" }",
                       name, name);
}

static int _check_token (void)
{
    const struct conf *conf = _now->conf;

    if (!conf->rest_token_file[0] || !conf->rest_token_command[0])
        return 0;
    return _conf_fail (_line_of (0, "courier", "slurmrestd-token-command"),
                       "slurmrestd-token-file and slurmrestd-token-command are "
                       "both given; keep one");
}

/* What only the whole file can tell. */
static int _check_whole (void)
{
    const struct conf *conf = _now->conf;

    if (_check_burst (0, "root", &conf->burst, &conf->max_burst) < 0 ||
        _check_ladder (0, "root", "ladder", &conf->ladder) < 0 ||
        _check_ladder (0, "root", "node-ladder", &conf->node_ladder) < 0 ||
        _check_post_incident_hook () < 0 || _check_token () < 0)
        return -1;
    for (unsigned i = 0; i < conf->class_count; i++) {
        if (_check_class (i) < 0)
            return -1;
    }
    for (unsigned i = 0; i < conf->hook_count; i++) {
        if (!conf->hooks[i].path[0])
            return _conf_fail (_now->begins[FIRST_HOOK + i],
                               "hook %s has no path; add  path = \"/…\"",
                               conf->hooks[i].name);
    }
    for (unsigned i = 0; i < conf->webhook_count; i++) {
        if (!conf->webhooks[i].url[0])
            return _conf_fail (_now->begins[FIRST_WEBHOOK + i],
                               "webhook %s has no url; add  url = "
                               "\"https://…\"",
                               conf->webhooks[i].name);
    }
    return 0;
}

/* libconfuse 3.3 counts the line of every comment three times, so it gets the
 * file without comments; the newlines stay. [p] is at the first byte of a
 * comment. Returns the byte behind it. */
static char *_blank_comment (char *p)
{
    bool block = p[0] == '/' && p[1] == '*';

    for (; *p && (block || *p != '\n'); p++) {
        if (block && p[0] == '*' && p[1] == '/') {
            p[0] = p[1] = ' ';
            return p + 2;
        }
        if (*p != '\n')
            *p = ' ';
    }
    return p;
}

/* Blank every comment of [text].
 * Returns the line of a brace that is never closed (libconfuse takes the end of
 * the file for one), or 0. */
static unsigned _blank_comments (char *text)
{
    unsigned line = 1, opened = 0;
    char quote = 0, before = '\n', *p = text;

    while (*p) {
        if (!quote && (*p == '#' || (*p == '/' && p[1] == '*') ||
                       (*p == '/' && p[1] == '/' && isspace (before)))) {
            char *end = _blank_comment (p);

            for (; p < end; p++)
                line += *p == '\n';
            before = ' ';
            continue;
        }
        if (quote && *p == '\\' && p[1])
            p++;
        else if (quote && *p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else if (!quote && *p == '{')
            opened = line;
        else if (!quote && *p == '}')
            opened = 0;
        line += *p == '\n';
        before = *p++;
    }
    return opened;
}

/* Returns 0; -1 with EPERM and what would be right. */
static int _check_roots (const char *path, struct mw_err *err)
{
    char real[PATH_MAX];
    const char *bad;
    struct stat st;

    if (!realpath (path, real))
        return mw_err_errno (err, "cannot read %s", path);
    if (!(bad = mw_not_roots (real)))
        return 0;
    if (stat (bad, &st) < 0)
        return mw_err_errno (err, "cannot read %s", path);
    return mw_err_code (
        err, EPERM,
        "%s is not read: %s%.200s can be changed by others than "
        "root (its owner is uid %u, its mode %04o); right would "
        "be: chown root %.200s; chmod go-w %.200s",
        path, S_ISDIR (st.st_mode) ? "its directory " : "", bad,
        (unsigned) st.st_uid, (unsigned) st.st_mode & 07777, bad, bad);
}

/* Read the file [path] whole. Returns its text, the caller's, or NULL. */
static char *_slurp (const char *path, struct mw_err *err)
{
    cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    cleanup_free char *text = NULL;
    char *out;
    struct stat st;
    size_t have = 0;
    ssize_t n;

    if (fd < 0 || fstat (fd, &st) < 0) {
        mw_err_errno (err, "cannot read %s", path);
        return NULL;
    }
    if (!S_ISREG (st.st_mode) || st.st_size > FILE_MAX) {
        mw_err_code (err, EINVAL,
                     "%s is not a configuration: it must be a file "
                     "of at most 1 MiB",
                     path);
        return NULL;
    }
    /* it names programs that run as root's courier and decides who is killed */
    if (geteuid () == 0 && _check_roots (path, err) < 0)
        return NULL;
    text = malloc (FILE_MAX + 1);
    while (text && have < FILE_MAX &&
           (n = read (fd, text + have, FILE_MAX - have)) != 0) {
        if (n < 0) {
            mw_err_errno (err, "cannot read %s", path);
            return NULL;
        }
        have += (size_t) n;
    }
    if (!text)
        return NULL;
    text[have] = '\0';
    if (strlen (text) != have) {
        mw_err_code (err, EINVAL,
                     "%s is not a configuration: it has a zero "
                     "byte",
                     path);
        return NULL;
    }
    out = text;
    text = NULL;
    return out;
}

/* Fill [opts] with the rows of [section]. Returns the place behind the last. */
static cfg_opt_t *_conf_rows (cfg_opt_t *opts, const char *section)
{
    for (unsigned i = 0; i < conf_option_count; i++) {
        if (!strcmp (conf_options[i].section, section)) {
            *opts = (cfg_opt_t) CFG_STR (conf_options[i].name, NULL,
                                         CFGF_NODEFAULT);
            (opts++)->validcb = _on_option;
        }
    }
    return opts;
}

static int _conf_parse (char *text)
{
    static const cfg_flag_t titled = CFGF_MULTI | CFGF_TITLE;
    cfg_opt_t root[CONF_OPTION_MAX + 5] = { CFG_END () };
    cfg_opt_t courier[CONF_OPTION_MAX + 1] = { CFG_END () };
    cfg_opt_t class[CONF_OPTION_MAX + 1] = { CFG_END () };
    cfg_opt_t hook[CONF_OPTION_MAX + 1] = { CFG_END () };
    cfg_opt_t webhook[CONF_OPTION_MAX + 1] = { CFG_END () };
    cfg_opt_t *end = _conf_rows (root, "root");
    unsigned unclosed;
    cfg_t *cfg;
    int rc;

    *_conf_rows (courier, "courier") = (cfg_opt_t) CFG_END ();
    *_conf_rows (class, "class") = (cfg_opt_t) CFG_END ();
    *_conf_rows (hook, "hook") = (cfg_opt_t) CFG_END ();
    *_conf_rows (webhook, "webhook") = (cfg_opt_t) CFG_END ();
    *end++ = (cfg_opt_t) CFG_SEC ("courier", courier, CFGF_NONE);
    *end++ = (cfg_opt_t) CFG_SEC ("class", class, titled);
    *end++ = (cfg_opt_t) CFG_SEC ("hook", hook, titled);
    *end++ = (cfg_opt_t) CFG_SEC ("webhook", webhook, titled);
    *end = (cfg_opt_t) CFG_END ();
    cfg = cfg_init (root, CFGF_NONE);
    if (!cfg)
        return _conf_fail (1, "out of memory");
    cfg_set_error_function (cfg, _on_error);
    cfg_set_validate_func (cfg, "courier", _on_section_end);
    cfg_set_validate_func (cfg, "class", _on_section_end);
    cfg_set_validate_func (cfg, "hook", _on_section_end);
    cfg_set_validate_func (cfg, "webhook", _on_section_end);
    unclosed = _blank_comments (text);
    rc = cfg_parse_buf (cfg, text);
    if (rc != CFG_SUCCESS)
        _conf_fail ((unsigned) cfg->line, "cannot be understood");
    cfg_free (cfg);
    if (rc == CFG_SUCCESS && unclosed)
        return _conf_fail (unclosed,
                           "the section that begins here is not closed;"
                           " add }");
    return rc == CFG_SUCCESS ? 0 : -1;
}

const char *conf_history_dir (const struct conf *conf)
{
    if (conf->history_dir[0])
        return conf->history_dir;
    return strcmp (conf->state_dir, CONF_STATE_DIR_DEFAULT) == 0
               ? CONF_HISTORY_DIR_DEFAULT
               : conf->state_dir;
}

int conf_load (struct conf *conf, const char *path, struct mw_err *err)
{
    cleanup_free struct conf *fresh = malloc (sizeof (*fresh));
    cleanup_free struct reading *r = calloc (1, sizeof (*r));
    cleanup_free char *text = NULL;
    int rc;

    if (!fresh || !r)
        return mw_err_errno (err, "cannot read %s", path);
    conf_defaults (fresh);
    text = _slurp (path, err);
    if (!text) {
        /* a node without a configuration is a node with the defaults; a path
         * that someone gave must be there */
        if (errno != ENOENT || strcmp (path, CONF_PATH_DEFAULT) != 0)
            return -1;
        *conf = *fresh;
        return 0;
    }
    *r = (struct reading) {
        .path = path, .conf = fresh, .err = err, .open = -1
    };
    _now = r;
    rc = _conf_parse (text) < 0 || _check_whole () < 0 ? -1 : 0;
    _now = NULL;
    if (rc < 0) {
        errno = EINVAL;
        return -1;
    }
    *conf = *fresh;
    return 0;
}
