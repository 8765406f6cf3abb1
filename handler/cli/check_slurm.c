/* check_slurm.c - Slurm's side of a node: what its configuration lets us do */
#include "handler/cli/check.h"

#include <ctype.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "handler/conf/slurm_node.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* Open the file [name] beside slurm.conf. */
static FILE *_check_slurm_open (const char *name)
{
    char dir[PATH_MAX], path[PATH_MAX + 64];
    int fd;

    snprintf (dir, sizeof (dir), "%s", slurm_conf_path (""));
    snprintf (path, sizeof (path), "%s/%s", dirname (dir), name);
    fd = sysroot_open (name[0] == '/' ? name : path, O_RDONLY);
    return fd < 0 ? NULL : fdopen (fd, "r");
}

static FILE *_open_conf (void)
{
    int fd = sysroot_open (slurm_conf_path (""), O_RDONLY);

    return fd < 0 ? NULL : fdopen (fd, "r");
}

/* Copy the value of [key] in [f] (the last one counts) into [value]. */
static bool _check_slurm_value (FILE *f, const char *key, char *value,
                                size_t len)
{
    cleanup_free char *line = NULL;
    size_t room = 0, n = strlen (key);
    bool found = false;

    while (getline (&line, &room, f) > 0) {
        const char *s = line + strspn (line, " \t");

        if (strncasecmp (s, key, n) != 0)
            continue;
        s += n + strspn (s + n, " \t");
        if (*s++ != '=')
            continue;
        s += strspn (s, " \t");
        snprintf (value, len, "%.*s", (int) strcspn (s, " \t\r\n#"), s);
        for (char *c = value; *c; c++)
            if (iscntrl ((unsigned char) *c))
                *c = '?';
        found = true;
    }
    return found;
}

/* Is [name] one of the comma-separated words of [list]? */
static bool _listed (const char *list, const char *name)
{
    size_t n = strlen (name);

    for (; *list; list += strcspn (list, ","), list += *list == ',')
        if (strncasecmp (list, name, n) == 0 && (!list[n] || list[n] == ','))
            return true;
    return false;
}

/* What [key] of slurm.conf or [file] is, and whether [word] is in it. */
static enum doctor_verdict _setting (const char *file, const char *key,
                                     const char *word, char *found, size_t len)
{
    cleanup_file FILE *conf = _open_conf ();
    cleanup_file FILE *other = file ? _check_slurm_open (file) : NULL;
    FILE *f = file ? other : conf;
    char value[512] = "";

    if (!conf) {
        snprintf (found, len, "no Slurm here");
        return DOCTOR_NA;
    }
    if (!f || !_check_slurm_value (f, key, value, sizeof (value))) {
        snprintf (found, len, "%s is not set", key);
        return DOCTOR_LACKS;
    }
    snprintf (found, len, "%s=%s", key, value);
    return _listed (value, word) ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _conf (const struct memcg_mounts *m, char *found,
                                  size_t len)
{
    cleanup_file FILE *f = _open_conf ();

    (void) m;
    snprintf (found, len, f ? "%s" : "no %s", slurm_conf_path (""));
    return f ? DOCTOR_OK : DOCTOR_LACKS;
}

static enum doctor_verdict _task_cgroup (const struct memcg_mounts *m,
                                         char *found, size_t len)
{
    (void) m;
    return _setting (NULL, "TaskPlugin", "task/cgroup", found, len);
}

static enum doctor_verdict _ram (const struct memcg_mounts *m, char *found,
                                 size_t len)
{
    (void) m;
    return _setting ("cgroup.conf", "ConstrainRAMSpace", "yes", found, len);
}

/* Without SelectTypeParameters select/cons_* allocates memory, select/linear
 * does not. */
static enum doctor_verdict _allocates (const struct memcg_mounts *m,
                                       char *found, size_t len)
{
    cleanup_file FILE *conf = _open_conf ();
    char value[512] = "";

    (void) m;
    if (!conf) {
        snprintf (found, len, "no Slurm here");
        return DOCTOR_NA;
    }
    if (_check_slurm_value (conf, "SelectTypeParameters", value,
                            sizeof (value))) {
        snprintf (found, len, "SelectTypeParameters=%s", value);
        return strcasestr (value, "memory") ? DOCTOR_OK : DOCTOR_LACKS;
    }
    rewind (conf);
    _check_slurm_value (conf, "SelectType", value, sizeof (value));
    snprintf (found, len, "SelectTypeParameters is not set");
    return strcasestr (value, "linear") ? DOCTOR_LACKS : DOCTOR_OK;
}

static enum doctor_verdict _contain (const struct memcg_mounts *m, char *found,
                                     size_t len)
{
    (void) m;
    return _setting (NULL, "PrologFlags", "Contain", found, len);
}

/* Does [f] have a line that is no comment for our plugin, with [word] in it? */
static bool _mentions (FILE *f, const char *word)
{
    cleanup_free char *line = NULL;
    size_t room = 0;

    while (f && getline (&line, &room, f) > 0)
        if (line[strspn (line, " \t")] != '#' &&
            strstr (line, "spank_memwarden") && strstr (line, word))
            return true;
    return false;
}

/* … or has one of the files that [conf] leads to? */
static bool _in_plugstack (FILE *conf, const char *word)
{
    char path[PATH_MAX] = "plugstack.conf";
    cleanup_file FILE *stack = NULL, *dropin = NULL;

    rewind (conf);
    _check_slurm_value (conf, "PlugStackConfig", path, sizeof (path));
    stack = _check_slurm_open (path);
    dropin = _check_slurm_open ("plugstack.conf.d/memwarden.conf");
    return _mentions (stack, word) || _mentions (dropin, word);
}

static enum doctor_verdict _plugin (const struct memcg_mounts *m, char *found,
                                    size_t len)
{
    cleanup_file FILE *conf = _open_conf ();
    char task[512] = "";
    bool spank;

    (void) m;
    if (!conf) {
        snprintf (found, len, "no Slurm here");
        return DOCTOR_NA;
    }
    _check_slurm_value (conf, "TaskPlugin", task, sizeof (task));
    spank = _in_plugstack (conf, "");
    snprintf (found, len, "%s%s%s", spank ? "spank_memwarden.so" : "",
              spank && _listed (task, "task/memwarden") ? " and " : "",
              _listed (task, "task/memwarden") ? "task/memwarden" : "");
    if (*found)
        return DOCTOR_OK;
    snprintf (found, len, "neither in plugstack.conf nor in TaskPlugin");
    return DOCTOR_LACKS;
}

static enum doctor_verdict _one_each (const struct memcg_mounts *m, char *found,
                                      size_t len)
{
    cleanup_file FILE *conf = _open_conf ();
    char host[HOST_NAME_MAX + 1] = "";
    struct slurm_node node = { 0 };
    bool own;

    (void) m;
    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    if (conf)
        slurm_node_read (conf, host, &node);
    if (node.nodes < 2) {
        snprintf (found, len, "no other slurmd here");
        return DOCTOR_NA;
    }
    if (!_in_plugstack (conf, "")) {
        snprintf (found, len,
                  "%lu nodes here; MEMWARDEN_SOCKET of each slurmd "
                  "decides",
                  node.nodes);
        return DOCTOR_NA;
    }
    own = _in_plugstack (conf, "%n");
    snprintf (found, len,
              "%lu nodes here, %s in the plugin's socket=", node.nodes,
              own ? "%n" : "no %n");
    return own ? DOCTOR_OK : DOCTOR_LACKS;
}

const struct doctor_check doctor_slurm_checks[] = {
    { "Slurm", "only `memwarden run` brings jobs", _conf },
    { "memwarden in Slurm",
      "Slurm's jobs are not registered: add "
      "spank_memwarden.so to plugstack.conf, or task/memwarden to TaskPlugin",
      _plugin },
    { "task/cgroup", "Slurm makes no memory cgroups; the plugin makes its own",
      _task_cgroup },
    { "ConstrainRAMSpace",
      "Slurm does not set --mem as a limit: a job is "
      "unlimited when no warden runs",
      _ram },
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
