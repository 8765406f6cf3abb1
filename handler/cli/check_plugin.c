/* check_plugin.c - our plugins where Slurm looks for them: there, for this Slurm, and
 * at the warden's socket
 *
 * What Slurm is here is told by its own plugins, since it takes those alone whose
 * plugin_version is its own: all three numbers of it, and for SPANK the first two.
 */
#include "handler/cli/check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/cli/elf_word.h"
#include "handler/conf/slurm_node.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/wire.h"

#define SPANK "spank_memwarden.so"
#define TASK "task_memwarden.so"

/* Directories, with ":" between. */
struct places {
    char dirs[4 * PATH_MAX];
};

/* ---- where Slurm looks --------------------------------------------------- */

/* The directory of the library that a running daemon of Slurm has loaded from where
 * its plugins are.  Returns false where none runs, or may not be looked at. */
static bool _loaded_from (struct places *p)
{
    int pid = doctor_process ("slurmd", true);
    cleanup_free char *line = NULL;
    cleanup_file FILE *f = NULL;
    char path[64], *name, *end;
    size_t room = 0;
    int fd;

    if (pid == 0)
        pid = doctor_process ("slurmctld", false);
    snprintf (path, sizeof (path), "/proc/%d/maps", pid);
    fd = pid ? sysroot_open (path, O_RDONLY) : -1;
    f = fd < 0 ? NULL : fdopen (fd, "r");
    while (f && getline (&line, &room, f) > 0) {
        name = strchr (line, '/');
        end = name ? strstr (name, "/libslurmfull") : NULL;
        if (!end)
            continue;
        snprintf (p->dirs, sizeof (p->dirs), "%.*s", (int) (end - name), name);
        return true;
    }
    return false;
}

static void _places (const struct doctor_node *n, struct places *p)
{
    if (!slurm_file_value (&n->slurm, "PluginDir", p->dirs, sizeof (p->dirs)) &&
        !_loaded_from (p))
        snprintf (p->dirs, sizeof (p->dirs), "%s", PLUGINDIR);
}

/* The next directory of [*rest]; [rest] is set behind it. false = none left. */
static bool _place_next (const char **rest, char dir[PATH_MAX])
{
    size_t n;

    *rest += strspn (*rest, ":");
    n = strcspn (*rest, ":");
    if (n == 0)
        return false;
    snprintf (dir, PATH_MAX, "%.*s", (int) n, *rest);
    *rest += n;
    return true;
}

/* Open [name], absolute or in one of the places, and leave where it was found. */
static int _plugin_open (const struct places *p, const char *name,
                         char path[2 * PATH_MAX])
{
    const char *rest = p->dirs;
    char dir[PATH_MAX];
    int fd;

    if (name[0] == '/') {
        snprintf (path, 2 * PATH_MAX, "%s", name);
        return sysroot_open (name, O_RDONLY);
    }
    while (_place_next (&rest, dir)) {
        snprintf (path, 2 * PATH_MAX, "%s/%s", dir, name);
        if ((fd = sysroot_open (path, O_RDONLY)) >= 0)
            return fd;
    }
    errno = ENOENT;
    return -1;
}

/* ---- versions ------------------------------------------------------------ */

static const char *_version (uint32_t v, char buf[32])
{
    snprintf (buf, 32, "%u.%02u.%u", (unsigned) v >> 16,
              (unsigned) (v >> 8) & 255, (unsigned) v & 255);
    return buf;
}

/* The version of the first plugin in [dir] that is none of ours; 0. */
static uint32_t _version_in (const char *dir)
{
    int fd = sysroot_open (dir, O_RDONLY | O_DIRECTORY);
    cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir (fd);
    uint32_t v = 0;

    for (struct dirent *e; d && v == 0 && (e = readdir (d));) {
        size_t n = strlen (e->d_name);
        cleanup_fd int so = -1;

        if (n < 4 || strcmp (e->d_name + n - 3, ".so") != 0 ||
            strstr (e->d_name, "memwarden"))
            continue;
        so = openat (dirfd (d), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (so < 0 || elf_word_read (so, "plugin_version", &v) < 0)
            v = 0;
    }
    return v;
}

static uint32_t _version_here (const struct places *p)
{
    const char *rest = p->dirs;
    char dir[PATH_MAX];
    uint32_t v = 0;

    while (v == 0 && _place_next (&rest, dir))
        v = _version_in (dir);
    return v;
}

/* ---- the plugins --------------------------------------------------------- */

/* [name] is wanted by [where], and not there. */
static enum doctor_verdict _plugin_absent (const struct doctor_node *n,
                                           struct doctor_said *said,
                                           const struct places *p,
                                           const char *name, const char *where)
{
    char ours[PATH_MAX + 64];
    cleanup_fd int fd = -1;

    if (n->slurm_alone) {
        doctor_found (said, "not on this host");
        return DOCTOR_NA;
    }
    doctor_found (said, "%.300s wants %.200s, which is not in %.400s", where,
                  name, p->dirs);
    snprintf (ours, sizeof (ours), "%s/%s", PLUGINDIR, name);
    fd = name[0] == '/' ? -1 : sysroot_open (ours, O_PATH);
    if (fd >= 0)
        doctor_fix (said, "in %.300s: PluginDir=%.300s:%s", n->slurm.path,
                    p->dirs, PLUGINDIR);
    else
        doctor_fix (said,
                    "make install, of a memwarden configured for this "
                    "Slurm: its plugins go to %.400s",
                    name[0] == '/' ? name : p->dirs);
    return DOCTOR_BROKEN;
}

/* Is the plugin [name], that [where] wants, there and for this Slurm, whose version
 * counts as far as [mask]? */
static enum doctor_verdict _plugin_look (const struct doctor_node *n,
                                         struct doctor_said *said,
                                         const char *name, const char *where,
                                         uint32_t mask)
{
    char path[2 * PATH_MAX], its[32], here[32];
    cleanup_fd int fd = -1;
    uint32_t version, slurm;
    struct places p;

    _places (n, &p);
    if ((fd = _plugin_open (&p, name, path)) < 0)
        return _plugin_absent (n, said, &p, name, where);
    if (elf_word_read (fd, "plugin_version", &version) < 0) {
        doctor_found (said, "%.500s is no plugin of Slurm", path);
        doctor_fix (said, "make install");
        return DOCTOR_BROKEN;
    }
    slurm = _version_here (&p);
    if (slurm && (version & mask) != (slurm & mask)) {
        doctor_found (said, "%.500s is for Slurm %s, and here is Slurm %s",
                      path, _version (version, its), _version (slurm, here));
        doctor_fix (said,
                    "build memwarden against Slurm %s (./configure "
                    "--with-slurm=PREFIX for one that is not in /usr), make "
                    "install",
                    _version (slurm, here));
        return DOCTOR_BROKEN;
    }
    doctor_found (said, "%.500s, for Slurm %s%s", path, _version (version, its),
                  slurm ? "" : " (which one is here cannot be told)");
    return DOCTOR_OK;
}

static enum doctor_verdict _spank_there (const struct doctor_node *n,
                                         struct doctor_said *said)
{
    const struct slurm_line *line = doctor_stack_line (n);
    char name[PATH_MAX], where[PATH_MAX + 32];

    if (!line || sscanf (line->text, " %*s %4095s", name) != 1) {
        doctor_found (said, "not in plugstack.conf");
        return DOCTOR_NA;
    }
    snprintf (where, sizeof (where), "%s, line %u,", line->file, line->number);
    return _plugin_look (n, said, name, where, 0xffff00);
}

static enum doctor_verdict _task_there (const struct doctor_node *n,
                                        struct doctor_said *said)
{
    const struct slurm_line *line;
    char value[512], where[PATH_MAX + 32];

    line = slurm_file_value (&n->slurm, "TaskPlugin", value, sizeof (value));
    if (!line || !doctor_listed (value, "task/memwarden")) {
        doctor_found (said, "not in TaskPlugin");
        return DOCTOR_NA;
    }
    snprintf (where, sizeof (where), "%s, line %u,", line->file, line->number);
    return _plugin_look (n, said, TASK, where, 0xffffff);
}

/* ---- its socket ---------------------------------------------------------- */

/* MEMWARDEN_SOCKET in slurmd's environment, which only root may read.
 * Returns false where that is not known. */
static bool _slurmd_socket (char *path, size_t len)
{
    static const char name[] = "MEMWARDEN_SOCKET=";
    int pid = doctor_process ("slurmd", true), fd;
    cleanup_file FILE *f = NULL;
    cleanup_free char *word = NULL;
    char file[64];
    size_t room = 0;

    snprintf (path, len, "%s", MW_SOCKET_DEFAULT);
    snprintf (file, sizeof (file), "/proc/%d/environ", pid);
    fd = pid ? sysroot_open (file, O_RDONLY) : -1;
    if (!(f = fd < 0 ? NULL : fdopen (fd, "r")))
        return pid ==
               0; /* none runs: then the default is what one would have */
    while (getdelim (&word, &room, '\0', f) > 0)
        if (strncmp (word, name, sizeof (name) - 1) == 0 &&
            word[sizeof (name) - 1])
            snprintf (path, len, "%s", word + sizeof (name) - 1);
    return true;
}

/* Does the one node on this host have the host's name? */
static bool _named_as_host (const struct doctor_node *n, const char *host)
{
    cleanup_file FILE *conf = slurm_file_stream (&n->slurm);
    struct slurm_node node = { 0 };

    for (size_t i = 0; i < n->slurm.count; i++)
        if (strcasestr (n->slurm.lines[i].text, "NodeHostname"))
            return false;
    if (conf)
        slurm_node_read (conf, host, &node);
    return node.nodes == 1;
}

/* Put what %n and %h stand for into [path], as the plugin does.
 * Returns false where a node is not to be known from here. */
static bool _socket_expand (const struct doctor_node *n, const char *text,
                            char path[PATH_MAX])
{
    char host[HOST_NAME_MAX + 1] = "";
    size_t at = 0;

    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    for (; *text && at < PATH_MAX - HOST_NAME_MAX - 1; text++) {
        if (*text != '%' || !text[1]) {
            path[at++] = *text;
            continue;
        }
        if (*++text == '%') {
            path[at++] = '%';
            continue;
        }
        if (*text != 'h' && (*text != 'n' || !_named_as_host (n, host)))
            return false;
        strcpy (path + at, host);
        at += strlen (host);
    }
    path[at] = '\0';
    return true;
}

/* Where the plugin registers jobs. Returns false where that is not known. */
static bool _asks_at (const struct doctor_node *n, char path[PATH_MAX])
{
    const struct slurm_line *line = doctor_stack_line (n);
    const char *given = line ? strstr (line->text, "socket=/") : NULL;
    char text[PATH_MAX];

    if (given)
        sscanf (given, "socket=%4095s", text);
    else if (!_slurmd_socket (text, sizeof (text)))
        return false;
    return _socket_expand (n, text, path);
}

static enum doctor_verdict _plugin_socket (const struct doctor_node *n,
                                           struct doctor_said *said)
{
    const struct slurm_line *line = doctor_stack_line (n);
    char path[PATH_MAX];

    if (!n->slurm.there || n->slurm_alone) {
        doctor_found (said, n->slurm_alone ? "a node's" : "no Slurm here");
        return DOCTOR_NA;
    }
    if (!_asks_at (n, path)) {
        doctor_found (said, "not known here: a node's own, or slurmd's");
        return DOCTOR_NA;
    }
    doctor_found (said, "%.300s", path);
    if (strcmp (path, n->socket) == 0)
        return DOCTOR_OK;
    doctor_found (said, "the plugin asks at %.300s, the warden is at %.300s",
                  path, n->socket);
    if (line)
        doctor_fix (said, "in %.300s, line %u, as a word: socket=%.300s",
                    line->file, line->number, n->socket);
    else
        doctor_fix (said, "in %s: socket = \"%.300s\"", CONF_PATH_DEFAULT,
                    path);
    return DOCTOR_BROKEN;
}

const struct doctor_check doctor_plugin_checks[] = {
    { SPANK,
      "sbatch, srun and slurmd cannot load it: `#SBATCH --on-oom` is refused, "
      "and jobs run as under plain Slurm",
      _spank_there },
    { TASK,
      "slurmd, or each step, does not start: \"cannot create task context\"",
      _task_there },
    { "the plugin's socket",
      "no job is registered: they run as under plain Slurm", _plugin_socket },
};
const size_t doctor_plugin_count = sizeof (doctor_plugin_checks) /
                                   sizeof (doctor_plugin_checks[0]);
