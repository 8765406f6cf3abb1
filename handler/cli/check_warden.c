/* check_warden.c - memwarden's own side of a node: its configuration, the warden, its
 * sockets, the courier
 */
#include "handler/cli/check.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handler/spool/spool.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/client.h"
#include "lib/units.h"
#include "lib/wire.h"

#define TIMEOUT_MS 2000
/* a courier that is started again that often, each time soon after its end */
#define RESTARTS_MAX 3

/* ---- the warden ---------------------------------------------------------- */

static enum doctor_verdict _own_conf (const struct doctor_node *n,
                                      struct doctor_said *said)
{
    if (n->conf_trouble[0]) {
        doctor_found (said, "%s", n->conf_trouble);
        doctor_fix (said,
                    "repair that line; memwardend --check says when it is "
                    "right");
        return DOCTOR_BROKEN;
    }
    doctor_found (said, "%s%s", CONF_PATH_DEFAULT,
                  access (CONF_PATH_DEFAULT, F_OK) == 0
                      ? ""
                      : " is not there: the defaults hold");
    return DOCTOR_OK;
}

static enum doctor_verdict _answers (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    struct mw_err err = { "" };
    cleanup_fd int sock = mw_client_open (n->socket, TIMEOUT_MS, &err);

    if (sock >= 0) {
        doctor_found (said, "answers%s",
                      mw_client_shadow (sock, NULL) > 0
                          ? ", in shadow mode: it only watches"
                          : "");
        return DOCTOR_OK;
    }
    doctor_found (said, "%s", err.text);
    if (errno != EACCES)
        doctor_fix (said, "systemctl enable --now memwardend");
    return DOCTOR_BROKEN;
}

/* Has [path] at least the bits [least] of its mode, and none but [most]?  Else [said]
 * says so, with the command that gives it [right]. */
static bool _mode_is (struct doctor_said *said, const char *path, mode_t least,
                      mode_t most, mode_t right)
{
    struct stat st;

    if (stat (path, &st) < 0)
        return true; /* another row says so */
    if (st.st_uid != 0 && st.st_uid != geteuid ()) {
        doctor_found (said, "%.300s belongs to uid %u", path,
                      (unsigned) st.st_uid);
        doctor_fix (said, "systemctl restart memwardend");
        return false;
    }
    if ((st.st_mode & least) == least && (st.st_mode & 0777 & ~most) == 0)
        return true;
    doctor_found (said, "%.300s has mode %04o", path,
                  (unsigned) st.st_mode & 07777);
    doctor_fix (said, "chmod %04o %.300s", (unsigned) right, path);
    return false;
}

static enum doctor_verdict _sockets (const struct doctor_node *n,
                                     struct doctor_said *said)
{
    char roots[PATH_MAX + 8], copy[PATH_MAX], *dir;
    struct stat st;

    if (stat (n->socket, &st) < 0) {
        doctor_found (said, "none");
        return DOCTOR_NA;
    }
    snprintf (roots, sizeof (roots), "%s%s", n->socket, MW_SOCKET_ROOT);
    snprintf (copy, sizeof (copy), "%s", n->socket);
    dir = dirname (copy);
    /* who may write into the directory can put another socket there; where all
     * may, as into /tmp, the sticky bit keeps them from that */
    if (!_mode_is (said, roots, 0600, 0600, 0600) ||
        !_mode_is (said, n->socket, 0666, 0777, 0666) ||
        !_mode_is (said, dir, 0111,
                   stat (dir, &st) == 0 && st.st_mode & S_ISVTX ? 0777 : 0755,
                   0755))
        return DOCTOR_BROKEN;
    doctor_found (said, "%.300s for all, %.300s for root", n->socket, roots);
    return DOCTOR_OK;
}

/* ---- the courier --------------------------------------------------------- */

static const char *_doctor_user_name (uid_t uid, char *buf, size_t len)
{
    const struct passwd *pw = getpwuid (uid);

    snprintf (buf, len, "%u", (unsigned) uid);
    return pw ? pw->pw_name : buf;
}

static const char *_local_time (int64_t when, char *buf, size_t len)
{
    time_t t = (time_t) when;
    struct tm tm;

    if (!localtime_r (&t, &tm) || strftime (buf, len, "%F %T", &tm) == 0)
        snprintf (buf, len, "%lld", (long long) when);
    return buf;
}

/* How many requests wait in [s], and since when the oldest one, into [text]. */
static const char *_waiting (struct spool *s, char *text, size_t len)
{
    char (*ids)[SPOOL_ID_MAX] = NULL, age[32];
    int n = spool_list_requests (s, &ids);
    time_t now = time (NULL), oldest = now;
    struct stat st;

    for (int i = 0; i < n; i++)
        if (fstatat (s->req, ids[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtime < oldest)
            oldest = st.st_mtime;
    free (ids);
    snprintf (text, len, "%d requests wait%s%s", n < 0 ? 0 : n,
              now > oldest ? ", the oldest for " : "",
              now > oldest
                  ? mw_duration_format ((uint64_t) (now - oldest) * 1000, age,
                                        sizeof (age))
                  : "");
    return text;
}

/* What is to be done about a courier that does not work. */
static void _courier_fix (const struct doctor_node *n, struct doctor_said *said,
                          bool alive, bool again, bool known)
{
    if (again)
        doctor_fix (said, "journalctl -u memwarden-courier says why it ended");
    else if (!alive && n->conf->courier_start)
        doctor_fix (said, "systemctl restart memwardend, which starts it");
    else if (!alive)
        doctor_fix (said, "systemctl enable --now memwarden-courier");
    else if (!known)
        doctor_fix (said, "systemctl restart memwarden-courier");
    else
        doctor_fix (
            said,
            "name SlurmUser, or an operator, as courier { user = … } in "
            "%s; or have the controller reached",
            CONF_PATH_DEFAULT);
}

/* How the courier of [s] is, by what it has left there. */
static bool _courier (struct spool *s, const struct doctor_node *n,
                      struct doctor_said *said)
{
    char name[32], when[64], more[400] = "", waiting[128];
    struct spool_courier c = { 0 };
    pid_t pid = 0;
    uid_t uid = 0;
    bool alive = spool_courier_alive (s, &pid);
    bool known = spool_courier_read (s, &c, &uid) == 0;
    bool again = known && c.restarts >= RESTARTS_MAX;

    _waiting (s, waiting, sizeof (waiting));
    _courier_fix (n, said, alive, again, known);
    if (again)
        snprintf (more, sizeof (more),
                  ", after it ended %u times soon after its start", c.restarts);
    if (!alive && !known)
        doctor_found (said,
                      "none has ever worked here (%s); see `systemctl status "
                      "memwarden-courier`",
                      waiting);
    else if (!known)
        doctor_found (said, "process %d works, but says nothing of itself",
                      (int) pid);
    else if (alive)
        doctor_found (said, "process %d works as %s since %s%s; %s%s%s",
                      (int) pid, _doctor_user_name (uid, name, sizeof (name)),
                      _local_time (c.since, when, sizeof (when)), more, waiting,
                      *c.trouble ? "; " : "", c.trouble);
    else
        doctor_found (
            said,
            "none works; the last one (as %s) started at %s%s; %s; see "
            "`systemctl status memwarden-courier`",
            _doctor_user_name (uid, name, sizeof (name)),
            _local_time (c.since, when, sizeof (when)), more, waiting);
    return alive && known && !again && !*c.trouble;
}

static enum doctor_verdict _courier_there (const struct doctor_node *n,
                                           struct doctor_said *said)
{
    /* without a Slurm there is hooks' and webhooks' work alone */
    enum doctor_verdict bad = n->slurm.there ? DOCTOR_BROKEN : DOCTOR_LACKS;
    struct mw_err err;
    struct spool s;
    bool works;

    if (spool_open (&s, n->state_dir, false, 0, &err) == 0) {
        works = _courier (&s, n, said);
        spool_close (&s);
        if (works)
            said->fix[0] = '\0';
        return works ? DOCTOR_OK : bad;
    }
    if (errno == EACCES) {
        doctor_found (said,
                      "unknown: only root and the courier's user may look");
        return DOCTOR_NA;
    }
    doctor_found (said, "%s%s", err.text,
                  errno == ENOENT ? "; memwardend makes it when it starts"
                                  : "");
    return bad;
}

/* Can a hook that is run as the job look into its processes? */
static enum doctor_verdict _evidence (const struct doctor_node *n,
                                      struct doctor_said *said)
{
    cleanup_fd int dir = sysroot_open ("/proc/sys/kernel/yama",
                                       O_RDONLY | O_DIRECTORY);
    unsigned hooks = 0;
    uint64_t scope = 0;

    for (unsigned i = 0; i < n->conf->hook_count; i++)
        hooks += n->conf->hooks[i].as_job;
    if (hooks == 0) {
        doctor_found (said, "no hook is run as the job");
        return DOCTOR_NA;
    }
    if (dir < 0 || cg_read_u64 (dir, "ptrace_scope", &scope) < 0 ||
        scope == 0) {
        doctor_found (said, "%u hook%s run as the job, below %s", hooks,
                      hooks == 1 ? " is" : "s are", n->conf->evidence_dir);
        return DOCTOR_OK;
    }
    doctor_found (said,
                  "kernel.yama.ptrace_scope is %u: what is run as a job's user "
                  "may not look into the job's processes",
                  (unsigned) scope);
    doctor_fix (said, "where users' processes may look into each other: sysctl "
                      "kernel.yama.ptrace_scope=0");
    return DOCTOR_LACKS;
}

const struct doctor_check doctor_warden_checks[] = {
    { "memwarden.conf",
      "memwardend does not start by it, and one that runs keeps what it had",
      _own_conf },
    { "warden",
      "jobs run as under plain Slurm: the kernel kills at their limit",
      _answers },
    { "sockets", "users cannot ask the warden, or others can stand in for it",
      _sockets },
    { "courier",
      "nothing is asked of Slurm's controller: no suspend, requeue or dump, "
      "killed jobs end as FAILED instead of OUT_OF_MEMORY, and nobody writes "
      "the reason into a job's stderr and comment",
      _courier_there },
    { "evidence",
      "hooks that are run as the job write no core, and no stacks of Python",
      _evidence },
};
const size_t doctor_warden_count = sizeof (doctor_warden_checks) /
                                   sizeof (doctor_warden_checks[0]);
