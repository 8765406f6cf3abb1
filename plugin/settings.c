/* settings.c - the plugin's flags and its arguments in plugstack.conf */
#include "plugin/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire.h"

/* clang-format off */
const struct setting_info settings[SETTING_COUNT] = {
    [SETTING_PRIORITY] = {
        "oom-priority", "0..1000", "MEMWARDEN_OOM_PRIORITY",
        "how well the job is protected when the node runs out of memory: "
        "0 first to give, 1000 last (default 500)" },
    [SETTING_BURST] = {
        "mem-burst", "SIZE|xF", "MEMWARDEN_MEM_BURST",
        "how far the job may grow beyond its --mem while the node has room: "
        "to SIZE (\"6G\") or to F times --mem (\"x1.5\")" },
    [SETTING_RESERVE] = {
        "oom-reserve", "SIZE|P%", "MEMWARDEN_OOM_RESERVE",
        "memory above the limit that opens while the job's own OOM is handled, "
        "to save its work in (\"256M\", or a share of --mem: \"10%\")" },
    [SETTING_LADDER] = {
        "on-oom", "LADDER", "MEMWARDEN_ON_OOM",
        "what to do at the job's own OOM, step by step, for example "
        "\"grow=512M@10m,signal=USR1@30s,requeue=x1.5,kill\"" },
    [SETTING_RETRY] = {
        "mem-retry", "xF[,max=SIZE][,tries=N]", "MEMWARDEN_MEM_RETRY",
        "when it needs more than its --mem, run the batch job again with F times "
        "its measured peak, SIZE at most, N times at most (default 3); \"off\": "
        "never" },
    [SETTING_PROC_LIMIT] = {
        "proc-limit", "SIZE[:ACTION,...]", "MEMWARDEN_PROC_LIMIT",
        "what one process of the job may hold, and what is done to one that "
        "holds more: enomem, signal=SIG, kill (default), each with a @TIME, "
        "for example \"2G:signal=USR1@30s,kill\"" },
};
/* clang-format on */

void settings_defaults (struct mw_jobspec *spec)
{
    memset (spec, 0, sizeof (*spec));
    spec->priority = MW_PRIORITY_DEFAULT;
    spec->cpus = 1;
    spec->layout = MW_LAYOUT_SLURM;
}

static int _put_priority (struct mw_jobspec *spec, const char *text,
                          struct mw_err *err)
{
    unsigned priority;

    if (mw_priority_parse (text, &priority, err) < 0)
        return -1;
    spec->priority = priority;
    return 0;
}

static int _put_burst (struct mw_jobspec *spec, const char *text,
                       struct mw_err *err)
{
    struct mw_amount a;

    if (mw_amount_parse (text, &a, err) < 0)
        return mw_err_set (err,
                           "\"%.40s\" is not a limit to grow to; allowed "
                           "are a size (\"6G\") or a factor of --mem "
                           "(\"x1.5\")",
                           text);
    if (a.kind == MW_AMOUNT_PERCENT ||
        (a.kind == MW_AMOUNT_BYTES && !a.bytes) ||
        (a.kind == MW_AMOUNT_FACTOR && !(a.ratio >= 1.0)))
        return mw_err_code (err, ERANGE,
                            "\"%.40s\" is below what the job has "
                            "reserved; allowed are a size not below --mem "
                            "(\"6G\") or a factor of it from x1 up (\"x1.5\")",
                            text);
    spec->burst = a;
    return 0;
}

static int _put_reserve (struct mw_jobspec *spec, const char *text,
                         struct mw_err *err)
{
    struct mw_amount a;

    if (mw_amount_parse (text, &a, err) < 0 || a.kind == MW_AMOUNT_FACTOR) {
        if (errno != ERANGE)
            errno = EINVAL;
        return mw_err_set (err,
                           "\"%.40s\" is not a reserve; allowed are a "
                           "size (\"256M\") or a share of --mem (\"10%%\")",
                           text);
    }
    spec->reserve = a;
    return 0;
}

static int _put_ladder (struct mw_jobspec *spec, const char *text,
                        struct mw_err *err)
{
    struct mw_ladder ladder;

    if (mw_ladder_parse (text, &ladder, err) < 0)
        return -1;
    mw_ladder_format (&ladder, spec->ladder, sizeof (spec->ladder));
    return 0;
}

static int _put_retry (struct mw_jobspec *spec, const char *text,
                       struct mw_err *err)
{
    return mw_retry_parse (text, &spec->retry, err);
}

static int _put_proc_limit (struct mw_jobspec *spec, const char *text,
                            struct mw_err *err)
{
    struct mw_proclimit limit;

    if (mw_proclimit_parse (text, &limit, err) < 0)
        return -1;
    if (limit.bytes == 0)
        spec->proc_limit[0] = '\0';
    else
        mw_proclimit_format (limit.bytes, &limit.actions, spec->proc_limit,
                             sizeof (spec->proc_limit));
    return 0;
}

int settings_put (struct mw_jobspec *spec, enum setting which, const char *text,
                  struct mw_err *err)
{
    static int (*const put[SETTING_COUNT]) (struct mw_jobspec *, const char *,
                                            struct mw_err *) = {
        [SETTING_PRIORITY] = _put_priority,
        [SETTING_BURST] = _put_burst,
        [SETTING_RESERVE] = _put_reserve,
        [SETTING_LADDER] = _put_ladder,
        [SETTING_RETRY] = _put_retry,
        [SETTING_PROC_LIMIT] = _put_proc_limit,
    };

    if (which >= SETTING_COUNT)
        return mw_err_code (err, EINVAL, "no such setting");
    if (put[which](spec, text ? text : "", err) < 0)
        return mw_err_prefix (err, "--%s", settings[which].flag);
    return 0;
}

static int _retry_fits (const struct mw_retry *retry, uint64_t reservation,
                        struct mw_err *err)
{
    char max[MW_SIZE_STRLEN], mem[MW_SIZE_STRLEN];

    if (!mw_retry_is (retry) || !retry->max || retry->max >= reservation)
        return 0;
    return mw_err_code (err, ERANGE,
                        "--mem-retry: max=%s is below the job's --mem of %s; "
                        "allowed is more than that",
                        mw_size_format (retry->max, max, sizeof (max)),
                        mw_size_format (reservation, mem, sizeof (mem)));
}

/* One that no process can pass does nothing: it is not what was meant.  Without a
 * --mem-burst the node's configuration may give more, and the warden says so. */
static int _proc_limit_fits (const struct mw_jobspec *spec, uint64_t most,
                             struct mw_err *err)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];
    struct mw_proclimit limit;

    if (!spec->proc_limit[0] || spec->burst.kind == MW_AMOUNT_NONE ||
        mw_proclimit_parse (spec->proc_limit, &limit, err) < 0 ||
        limit.bytes <= most)
        return 0;
    return mw_err_code (err, ERANGE,
                        "--proc-limit: %s is above the %s that the whole job "
                        "may use, which no process passes; allowed is that "
                        "much or less",
                        mw_size_format (limit.bytes, a, sizeof (a)),
                        mw_size_format (most, b, sizeof (b)));
}

static int _burst_fits (const struct mw_jobspec *spec, uint64_t reservation,
                        struct mw_err *err)
{
    char limit[MW_SIZE_STRLEN], mem[MW_SIZE_STRLEN];
    uint64_t bytes = mw_amount_of (&spec->burst, reservation, reservation);

    if (bytes >= reservation)
        return 0;
    return mw_err_code (err, ERANGE,
                        "--mem-burst: %s is below the job's --mem "
                        "of %s; allowed is that much or more, or a factor from "
                        "x1 up",
                        mw_size_format (bytes, limit, sizeof (limit)),
                        mw_size_format (reservation, mem, sizeof (mem)));
}

int settings_fit (const struct mw_jobspec *spec, uint64_t reservation,
                  struct mw_err *err)
{
    if (!reservation)
        return 0;
    if (_retry_fits (&spec->retry, reservation, err) < 0 ||
        _burst_fits (spec, reservation, err) < 0)
        return -1;
    return _proc_limit_fits (spec,
                             mw_amount_of (&spec->burst, reservation,
                                           reservation),
                             err);
}

/* Is [a] more than [cap]?  Two shares compare without a reservation; otherwise
 * one is needed, and without it the warden's own cap has to do. */
static bool _above (const struct mw_amount *a, const struct mw_amount *cap,
                    uint64_t reservation)
{
    if (a->kind == MW_AMOUNT_NONE || cap->kind == MW_AMOUNT_NONE)
        return false;
    if (a->kind != MW_AMOUNT_BYTES && cap->kind != MW_AMOUNT_BYTES)
        return a->ratio > cap->ratio;
    if (!reservation &&
        (a->kind != MW_AMOUNT_BYTES || cap->kind != MW_AMOUNT_BYTES))
        return false;
    return mw_amount_of (a, reservation, 0) >
           mw_amount_of (cap, reservation, 0);
}

/* Cut what is above the site's [cap]. Returns true, and says so, if it was. */
static bool _settings_cut (enum setting which, struct mw_amount *a,
                           const struct mw_amount *cap, uint64_t reservation,
                           struct mw_err *note)
{
    char was[MW_SIZE_STRLEN], is[MW_SIZE_STRLEN];

    if (!_above (a, cap, reservation))
        return false;
    mw_err_add (note, "--%s=%s is above the site's cap, %s is taken",
                settings[which].flag, mw_amount_format (a, was, sizeof (was)),
                mw_amount_format (cap, is, sizeof (is)));
    *a = *cap;
    return true;
}

bool settings_clamp (struct mw_jobspec *spec, const struct site *site,
                     struct mw_err *note)
{
    bool cut = false;

    mw_err_set (note, "%s", "");
    if (spec->priority > site->max_priority) {
        mw_err_add (note,
                    "--oom-priority=%u is above the site's cap, %u is "
                    "taken",
                    spec->priority, site->max_priority);
        spec->priority = site->max_priority;
        cut = true;
    }
    cut |= _settings_cut (SETTING_BURST, &spec->burst, &site->max_burst,
                          spec->reservation, note);
    cut |= _settings_cut (SETTING_RESERVE, &spec->reserve, &site->max_reserve,
                          spec->reservation, note);
    if (spec->reservation &&
        _retry_fits (&spec->retry, spec->reservation, NULL) < 0) {
        spec->retry = (struct mw_retry) { .off = true };
        mw_err_add (note, "--mem-retry has a max= below --mem, it is off");
        cut = true;
    }
    if (_burst_fits (spec, spec->reservation, NULL) < 0) {
        spec->burst = (struct mw_amount) { .kind = MW_AMOUNT_FACTOR,
                                           .ratio = 1.0 };
        mw_err_add (note, "--mem-burst is below --mem, --mem is taken");
        cut = true;
    }
    if (settings_fit (spec, spec->reservation, NULL) < 0) {
        spec->proc_limit[0] = '\0';
        mw_err_add (note, "--proc-limit is above what the job may use, it is "
                          "left out");
        cut = true;
    }
    return cut;
}

/* ---- where memwardend listens -------------------------------------------- */

static int _percents_known (const char *text, struct mw_err *err)
{
    for (const char *p = strchr (text, '%'); p; p = strchr (p + 2, '%')) {
        if (p[1] && strchr ("nh%", p[1]))
            continue;
        return mw_err_code (err, EINVAL,
                            "\"%.2s\" in a socket's path stands "
                            "for nothing; allowed are %%n (the node's name), "
                            "%%h (this host's short name) and %%%% (a percent "
                            "sign)",
                            p);
    }
    return 0;
}

/* Put into [value] what % and [letter] stand for. */
static int _percent (char letter, char *value, size_t len, struct mw_err *err)
{
    /* slurmd sets it for the job's epilog, slurmstepd for itself, since 22.05
     * at the latest; a user has no say in either */
    const char *node = getenv ("SLURMD_NODENAME");

    if (letter == '%') {
        snprintf (value, len, "%%");
    } else if (letter == 'h') {
        if (gethostname (value, len) < 0)
            return mw_err_errno (err, "%%h: the name of this host");
        value[len - 1] = '\0';
        value[strcspn (value, ".")] = '\0';
    } else if (node && *node) {
        snprintf (value, len, "%s", node);
    } else {
        return mw_err_code (err, ENOENT,
                            "%%n: Slurm does not say which node "
                            "this is");
    }
    return 0;
}

int site_socket (const struct site *site, char path[PATH_MAX],
                 struct mw_err *err)
{
    const char *text = site->socket[0] ? site->socket
                                       : secure_getenv ("MEMWARDEN_SOCKET");
    char value[256];
    size_t n = 0;

    if (!text || !*text)
        text = MW_SOCKET_DEFAULT;
    if (*text != '/')
        return mw_err_code (err, EINVAL,
                            "the socket's path \"%.100s\" is not "
                            "absolute",
                            text);
    if (_percents_known (text, err) < 0)
        return -1;
    for (; *text; text++) {
        snprintf (value, sizeof (value), "%c", *text);
        if (*text == '%' && _percent (*++text, value, sizeof (value), err) < 0)
            return -1;
        if (n + strlen (value) >= PATH_MAX)
            return mw_err_code (err, ENAMETOOLONG,
                                "the socket's path is too "
                                "long");
        strcpy (path + n, value);
        n += strlen (value);
    }
    return 0;
}

/* ---- plugstack.conf ------------------------------------------------------ */

/* Is the word of [len] bytes at [arg] [name]? */
static bool _settings_named (const char *arg, size_t len, const char *name)
{
    return len == strlen (name) && !strncmp (arg, name, len);
}

static int _site_arg (struct site *site, const char *arg, struct mw_err *err)
{
    const char *value = strchr (arg, '=');
    size_t len = value ? (size_t) (value - arg) : strlen (arg);

    value = value ? value + 1 : "";
    if (_settings_named (arg, len, "max_priority"))
        return mw_priority_parse (value, &site->max_priority, err);
    if (_settings_named (arg, len, "max_burst")) {
        struct mw_amount a;

        if (mw_amount_parse (value, &a, err) < 0)
            return -1;
        if (a.kind == MW_AMOUNT_FACTOR && a.ratio < 1.0)
            a.ratio = 1.0;
        site->max_burst = a;
        return 0;
    }
    if (_settings_named (arg, len, "max_reserve"))
        return mw_amount_parse (value, &site->max_reserve, err);
    if (_settings_named (arg, len, "required") &&
        (!strcmp (value, "yes") || !strcmp (value, "no"))) {
        site->required = value[0] == 'y';
        return 0;
    }
    if (_settings_named (arg, len, "socket") && value[0] == '/' &&
        strlen (value) < sizeof (site->socket)) {
        /* kept though wrong: no other warden is to have the job instead */
        strcpy (site->socket, value);
        return _percents_known (value, err);
    }
    return mw_err_code (err, EINVAL,
                        "allowed are max_priority=0..1000, "
                        "max_burst=SIZE|xF, max_reserve=SIZE|P%%, "
                        "required=yes|no, socket=/ABSOLUTE/PATH");
}

int site_parse (struct site *site, int ac, char **av, struct mw_err *err)
{
    int rc = 0;

    memset (site, 0, sizeof (*site));
    site->max_priority = MW_PRIORITY_MAX;
    for (int i = 0; i < ac; i++) {
        struct mw_err why = { "" };

        if (_site_arg (site, av[i], &why) < 0)
            rc = mw_err_set (err, "plugstack.conf: \"%.100s\": %s", av[i],
                             why.text);
    }
    return rc;
}
