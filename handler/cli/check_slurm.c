/* check_slurm.c - Slurm's configuration: what it lets us do, and the line that lacks
 *
 * All of it from slurm.conf and the files beside it, so that the controller's host
 * can be asked before any node has them.
 */
#include "handler/cli/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "handler/conf/slurm_node.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* Where slurmd keeps what the controller has sent it (configless). */
#define CONFIGLESS "/run/slurm/conf/slurm.conf"

/* ---- the files ----------------------------------------------------------- */

void doctor_slurm_read (struct doctor_node *n, const char *path)
{
    const char *given = path ? path : slurm_conf_path (n->conf->slurm_conf);
    char value[PATH_MAX], beside[PATH_MAX];

    slurm_file_read (&n->slurm, given, SLURM_FILE_CONF);
    if (!n->slurm.there && !path && !getenv ("SLURM_CONF")) {
        slurm_file_free (&n->slurm);
        slurm_file_read (&n->slurm, CONFIGLESS, SLURM_FILE_CONF);
        if (!n->slurm.there)
            snprintf (n->slurm.path, sizeof (n->slurm.path), "%s", given);
    }
    slurm_file_beside (&n->slurm, "cgroup.conf", beside);
    slurm_file_read (&n->cgroups, beside, SLURM_FILE_CONF);
    if (!slurm_file_value (&n->slurm, "PlugStackConfig", value, sizeof (value)))
        strcpy (value, "plugstack.conf");
    slurm_file_beside (&n->slurm, value, beside);
    slurm_file_read (&n->stack, beside, SLURM_FILE_STACK);
}

void doctor_slurm_free (struct doctor_node *n)
{
    slurm_file_free (&n->slurm);
    slurm_file_free (&n->cgroups);
    slurm_file_free (&n->stack);
}

const struct slurm_line *doctor_stack_line (const struct doctor_node *n)
{
    for (size_t i = 0; i < n->stack.count; i++)
        if (strstr (n->stack.lines[i].text, "spank_memwarden"))
            return &n->stack.lines[i];
    return NULL;
}

bool doctor_listed (const char *list, const char *name)
{
    size_t n = strlen (name);

    for (; *list; list += strcspn (list, ","), list += *list == ',')
        if (strncasecmp (list, name, n) == 0 && (!list[n] || list[n] == ','))
            return true;
    return false;
}

/* ---- what a line would be ------------------------------------------------ */

static enum doctor_verdict _no_slurm (struct doctor_said *said)
{
    doctor_found (said, "no Slurm here");
    return DOCTOR_NA;
}

/* "in FILE: KEY=VALUE", in the place of the line [old], if any. */
static void _say_line (const struct doctor_node *n, struct doctor_said *said,
                       const struct slurm_file *file,
                       const struct slurm_line *old, const char *key,
                       const char *value)
{
    bool sent = strcmp (n->slurm.path, CONFIGLESS) == 0;
    char at[32] = "";

    if (old)
        snprintf (at, sizeof (at), ", line %u", old->number);
    doctor_fix (said, "in %s%s%s: %s=%s", old ? old->file : file->path, at,
                sent ? " (on the controller's host, which sends it)" : "", key,
                value);
}

/* Is [word] in the list that [key] of slurm.conf is? Else [said] has the line. */
static enum doctor_verdict _check_slurm_list (const struct doctor_node *n,
                                              struct doctor_said *said,
                                              const char *key, const char *word)
{
    char value[512], longer[1024];
    const struct slurm_line *line;

    if (!n->slurm.there)
        return _no_slurm (said);
    line = slurm_file_value (&n->slurm, key, value, sizeof (value));
    if (line)
        doctor_found (said, "%s=%s", key, value);
    else
        doctor_found (said, "%s is not set", key);
    if (line && doctor_listed (value, word))
        return DOCTOR_OK;
    snprintf (longer, sizeof (longer), "%s,%s", value, word);
    _say_line (n, said, &n->slurm, line, key,
               !line || strcasestr (value, "none") ? word : longer);
    return DOCTOR_LACKS;
}

/* ---- the checks ---------------------------------------------------------- */

static enum doctor_verdict _conf (const struct doctor_node *n,
                                  struct doctor_said *said)
{
    const struct slurm_file *files[] = { &n->slurm, &n->cgroups };

    if (!n->slurm.there) {
        doctor_found (said, "no %s", n->slurm.path);
        doctor_fix (said, "name it: SLURM_CONF=FILE, or memwarden doctor "
                          "--slurm=FILE");
        return n->slurm_alone ? DOCTOR_BROKEN : DOCTOR_LACKS;
    }
    for (size_t i = 0; i < 2; i++) {
        if (files[i]->trouble[0]) {
            doctor_found (said, "%s", files[i]->trouble);
            doctor_fix (said, "make that file, or remove its Include line");
            return DOCTOR_BROKEN;
        }
    }
    doctor_found (said, "%s", n->slurm.path);
    return DOCTOR_OK;
}

static bool _in_task_plugin (const struct doctor_node *n)
{
    char task[512];

    slurm_file_value (&n->slurm, "TaskPlugin", task, sizeof (task));
    return doctor_listed (task, "task/memwarden");
}

/* A drop-in that is there, but not included, is what somebody took for enough. */
static bool _dropin (const struct doctor_node *n, char path[PATH_MAX])
{
    cleanup_fd int fd = -1;

    slurm_file_beside (&n->slurm, "plugstack.conf.d/memwarden.conf", path);
    fd = sysroot_open (path, O_PATH);
    return fd >= 0;
}

static enum doctor_verdict _plugin (const struct doctor_node *n,
                                    struct doctor_said *said)
{
    bool spank = doctor_stack_line (n) != NULL, task = _in_task_plugin (n);
    char dropin[PATH_MAX];

    if (!n->slurm.there)
        return _no_slurm (said);
    if (spank || task) {
        doctor_found (said, "%s%s%s", spank ? "spank_memwarden.so" : "",
                      spank && task ? " and " : "",
                      task ? "task/memwarden" : "");
        return DOCTOR_OK;
    }
    doctor_found (said, "neither in plugstack.conf nor in TaskPlugin");
    if (_dropin (n, dropin))
        doctor_fix (said, "in %s, which does not include %s: include %s",
                    n->stack.path, dropin, dropin);
    else
        doctor_fix (said,
                    "in %s: optional spank_memwarden.so "
                    "max_priority=500 max_burst=x2",
                    n->stack.path);
    return DOCTOR_BROKEN;
}

static enum doctor_verdict _task_cgroup (const struct doctor_node *n,
                                         struct doctor_said *said)
{
    return _check_slurm_list (n, said, "TaskPlugin", "task/cgroup");
}

static enum doctor_verdict _contain (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    return _check_slurm_list (n, said, "PrologFlags", "Contain");
}

static enum doctor_verdict _ram (const struct doctor_node *n,
                                 struct doctor_said *said)
{
    const struct slurm_line *line;
    char value[64];

    if (!n->slurm.there)
        return _no_slurm (said);
    line = slurm_file_value (&n->cgroups, "ConstrainRAMSpace", value,
                             sizeof (value));
    if (line)
        doctor_found (said, "ConstrainRAMSpace=%s", value);
    else
        doctor_found (said, "ConstrainRAMSpace is not set");
    if (line && strcasecmp (value, "yes") == 0)
        return DOCTOR_OK;
    _say_line (n, said, &n->cgroups, line, "ConstrainRAMSpace", "yes");
    return DOCTOR_LACKS;
}

/* Without SelectTypeParameters select/cons_* allocates memory, select/linear
 * does not. */
static enum doctor_verdict _allocates (const struct doctor_node *n,
                                       struct doctor_said *said)
{
    const struct slurm_line *line;
    char value[512], type[256];

    if (!n->slurm.there)
        return _no_slurm (said);
    slurm_file_value (&n->slurm, "SelectType", type, sizeof (type));
    line = slurm_file_value (&n->slurm, "SelectTypeParameters", value,
                             sizeof (value));
    if (line)
        doctor_found (said, "SelectTypeParameters=%s", value);
    else
        doctor_found (said, "SelectTypeParameters is not set");
    if (line ? strcasestr (value, "memory") != NULL
             : !strcasestr (type, "linear"))
        return DOCTOR_OK;
    _say_line (n, said, &n->slurm, line, "SelectTypeParameters",
               strcasestr (type, "linear") ? "CR_Memory" : "CR_Core_Memory");
    return DOCTOR_LACKS;
}

/* ---- bursts -------------------------------------------------------------- */

/* [amount] in percent of --mem, [dflt] where it is none; a size may be any. */
static double _percent_of (const struct mw_amount *amount, double dflt)
{
    switch (amount->kind) {
    case MW_AMOUNT_FACTOR:
    case MW_AMOUNT_PERCENT:
        return amount->ratio * 100;
    case MW_AMOUNT_BYTES:
        return 1e9;
    default:
        return dflt;
    }
}

/* What jobs have without asking, and the most that they may ask for. */
static void _bursts (const struct doctor_node *n, double *given, double *most)
{
    const struct slurm_line *line = doctor_stack_line (n);
    const char *cap = line ? strstr (line->text, "max_burst=") : NULL;
    struct mw_amount amount;
    char word[64] = "";
    double capped;

    *given = _percent_of (&n->conf->burst, 100);
    *most = *given;
    if (!line)
        return; /* nobody has flags */
    *most = _percent_of (&n->conf->max_burst, 1e9);
    if (!cap || sscanf (cap, "max_burst=%63s", word) != 1 ||
        mw_amount_parse (word, &amount, NULL) < 0)
        return;
    capped = _percent_of (&amount, 1e9);
    *most = capped < *most ? capped : *most;
    *given = capped < *given ? capped : *given;
}

/* As "x2", or in words. */
static char *_factor (double percent, char *buf, size_t len)
{
    if (percent >= 1e9)
        snprintf (buf, len, "any size");
    else
        snprintf (buf, len, "x%g", percent / 100);
    return buf;
}

/* In shadow nobody answers a job between its --mem and Slurm's limit. */
static enum doctor_verdict _allowed_in_shadow (const struct doctor_node *n,
                                               struct doctor_said *said,
                                               const struct slurm_line *line,
                                               double allowed)
{
    doctor_found (said, "AllowedRAMSpace is %g, and the warden is in shadow%s",
                  allowed,
                  allowed <= 100 ? ""
                                 : ": a job above its --mem is not killed now, "
                                   "but slowed until it hardly moves");
    if (allowed <= 100)
        return DOCTOR_OK;
    _say_line (n, said, &n->cgroups, line, "AllowedRAMSpace", "100");
    return DOCTOR_LACKS;
}

/* At each step's start Slurm writes --mem * AllowedRAMSpace as the job's limit. */
static enum doctor_verdict _allowed (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    char value[64], factor[32], percent[32], shown[64];
    const struct slurm_line *line;
    double given, most, allowed = 100;

    if (!n->slurm.there)
        return _no_slurm (said);
    slurm_file_value (&n->cgroups, "ConstrainRAMSpace", value, sizeof (value));
    if (strcasecmp (value, "yes") != 0) {
        doctor_found (said, "Slurm sets no limit (ConstrainRAMSpace)");
        return DOCTOR_NA;
    }
    line = slurm_file_value (&n->cgroups, "AllowedRAMSpace", value,
                             sizeof (value));
    if (line)
        allowed = strtod (value, NULL);
    if (n->conf->shadow)
        return _allowed_in_shadow (n, said, line, allowed);
    snprintf (shown, sizeof (shown), "%s",
              line ? value : "100, as it is not set");
    _bursts (n, &given, &most);
    doctor_found (said, "AllowedRAMSpace is %s; jobs may burst to %s of --mem",
                  shown, _factor (most, factor, sizeof (factor)));
    if (most <= allowed)
        return DOCTOR_OK;
    snprintf (percent, sizeof (percent), "%.0f", most >= 1e9 ? 200.0 : most);
    _say_line (n, said, &n->cgroups, line, "AllowedRAMSpace", percent);
    /* what each job has got without asking harms each job */
    return given > allowed ? DOCTOR_BROKEN : DOCTOR_LACKS;
}

/* ---- several nodes ------------------------------------------------------- */

static enum doctor_verdict _one_each (const struct doctor_node *n,
                                      struct doctor_said *said)
{
    cleanup_file FILE *conf = slurm_file_stream (&n->slurm);
    const struct slurm_line *line = doctor_stack_line (n);
    char host[HOST_NAME_MAX + 1] = "";
    struct slurm_node node = { 0 };
    bool own = line && strstr (line->text, "%n");

    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    if (conf)
        slurm_node_read (conf, host, &node);
    if (node.nodes < 2) {
        doctor_found (said, "no other slurmd here");
        return DOCTOR_NA;
    }
    if (!line) {
        doctor_found (said,
                      "%lu nodes here; MEMWARDEN_SOCKET of each slurmd decides",
                      node.nodes);
        return DOCTOR_NA;
    }
    doctor_found (said,
                  "%lu nodes here, %s in the plugin's socket=", node.nodes,
                  own ? "%n" : "no %n");
    if (!own)
        doctor_fix (said,
                    "in %s, line %u, as a word more: "
                    "socket=/run/memwarden-%%n/memwardend.sock",
                    line->file, line->number);
    return own ? DOCTOR_OK : DOCTOR_LACKS;
}

const struct doctor_check doctor_slurm_checks[] = {
    { "Slurm",
      "without it only `memwarden run` brings jobs; with an Include that is "
      "not there neither slurmctld nor slurmd starts",
      _conf },
    { "memwarden in Slurm",
      "Slurm's jobs are not registered: they run as under plain Slurm",
      _plugin },
    { "task/cgroup", "Slurm makes no memory cgroups; the plugin makes its own",
      _task_cgroup },
    { "ConstrainRAMSpace",
      "Slurm does not set --mem as a limit: a job is "
      "unlimited when no warden runs",
      _ram },
    { "AllowedRAMSpace",
      "burst beyond AllowedRAMSpace: at the start of each step Slurm lowers "
      "the job's limit to that; a job above it cannot start the step (cgroup "
      "v1), or the kernel kills in it (v2)",
      _allowed },
    { "SelectTypeParameters",
      "Slurm allocates no memory and sets no limit, "
      "--mem or not: there is nothing to reserve from, and each job has its "
      "share of the pool (no-mem-share)",
      _allocates },
    { "PrologFlags=Contain",
      "a job's cgroup goes and comes between its steps, "
      "and with it what it was lent",
      _contain },
    { "a warden each slurmd",
      "of a job over several of them one part alone is "
      "registered, see spank_memwarden(8)",
      _one_each },
};
const size_t doctor_slurm_count = sizeof (doctor_slurm_checks) /
                                  sizeof (doctor_slurm_checks[0]);
