/* kernel_kill.c - what a kill by the kernel itself means: see kernel_kill.h */
#include "handler/policy/kernel_kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/units.h"

#define LEAD_MS 100 /* a step that frees memory is through in that time */

bool kernel_kill_within (const char *path, const char *dir)
{
    size_t len = strlen (dir);

    if (len == 0 || strncmp (path, dir, len) != 0)
        return false;
    return path[len] == '\0' || path[len] == '/' || dir[len - 1] == '/';
}

enum kernel_kill_why kernel_kill_why (const struct kmsg_kill *k,
                                      const char *job, const char *pool)
{
    if (k->sysrq)
        return KERNEL_KILL_SYSRQ;
    if (k->global)
        return KERNEL_KILL_NODE;
    if (k->constraint[0] && strcmp (k->constraint, "CONSTRAINT_MEMCG") != 0)
        return KERNEL_KILL_NUMA;
    if (job[0] && strcmp (k->oom_memcg, job) == 0)
        return KERNEL_KILL_JOB;
    if (job[0] && kernel_kill_within (k->oom_memcg, job))
        return KERNEL_KILL_BELOW;
    if (k->task_memcg[0] == '\0')
        return KERNEL_KILL_UNKNOWN;
    if (job[0] || kernel_kill_within (k->task_memcg, pool))
        return KERNEL_KILL_ABOVE;
    return KERNEL_KILL_ELSEWHERE;
}

uint64_t kernel_kill_node_reserve (const struct kernel_kill_case *c,
                                   uint64_t memory)
{
    uint64_t ms = LEAD_MS, most = memory / 2, bytes;

    if (c->ahead_ms != INT64_MIN)
        ms += (uint64_t) (c->ahead_ms < 0 ? -c->ahead_ms : c->ahead_ms);
    if (ms > most / (c->rate ? c->rate : 1))
        bytes = most;
    else
        bytes = c->node_reserve + ms * c->rate;
    if (bytes > most)
        bytes = most;
    return (bytes + MW_MIB - 1) / MW_MIB * MW_MIB;
}

/* ---- a limit below the job's --------------------------------------------- */

/* Does the name at [s] of [len] bytes begin or end so? */
static bool _name_begins (const char *s, size_t len, const char *with)
{
    return len >= strlen (with) && strncmp (s, with, strlen (with)) == 0;
}

static bool _name_ends (const char *s, size_t len, const char *with)
{
    size_t n = strlen (with);

    return len >= n && strncmp (s + len - n, with, n) == 0;
}

/* Who makes directories of such a name, and sets their limits? */
static const struct maker {
    const char *begins, *ends; /* of the name; "" is any */
    const char *whose, *knob;
} makers[] = {
    { "docker", "", "a container's",
      "docker run --memory (docker update --memory while it runs)" },
    { "libpod", "", "a container's",
      "podman run --memory (podman update --memory while it runs)" },
    { "cri-containerd", "", "a container's",
      "resources.limits.memory of its pod" },
    { "crio-", "", "a container's", "resources.limits.memory of its pod" },
    { "kubepods", "", "a pod's", "resources.limits.memory of it" },
    { "apptainer", "", "a container's", "apptainer's --memory" },
    { "singularity", "", "a container's", "apptainer's --memory" },
    { "lxc", "", "a container's", "lxc.cgroup2.memory.max in its config" },
    { "memwarden", "", "of `memwarden run`", "its --limit, --reservation" },
    { "", ".service", "a systemd unit's", "MemoryMax= of it" },
    { "", ".scope", "a systemd unit's",
      "MemoryMax= of it (systemd-run -p MemoryMax=)" },
    { "", ".slice", "a systemd unit's", "MemoryMax= of it" },
    { "step_", "", "a step's own",
      "srun --mem of that step, or AllowedRAMSpace in cgroup.conf" },
};

/* Returns NULL where nobody is known for the name. */
static const struct maker *_maker (const char *name, size_t len)
{
    for (unsigned i = 0; i < sizeof (makers) / sizeof (makers[0]); i++) {
        if (_name_begins (name, len, makers[i].begins) &&
            _name_ends (name, len, makers[i].ends))
            return &makers[i];
    }
    return NULL;
}

/* Whose is the limit of [path], below [job]'s, and which knob changes it?  The
 * deepest directory with a known name tells; its parents only hold it. */
static void _below (const char *job, const char *path, char *buf, size_t len)
{
    const char *from = path + (job ? strlen (job) : 0);
    const struct maker *found = NULL;

    for (const char *at = from; *at;) {
        size_t name;
        const struct maker *m;

        at += strspn (at, "/");
        name = strcspn (at, "/");
        m = name > 0 ? _maker (at, name) : NULL;
        found = m ? m : found;
        at += name;
    }
    if (found)
        snprintf (buf, len,
                  "the limit of %.120s is not memwarden's but %s: %s "
                  "changes it",
                  path, found->whose, found->knob);
    else
        snprintf (buf, len,
                  "the limit of %.120s is not memwarden's: whoever made that "
                  "directory set it, in its memory.max or "
                  "memory.limit_in_bytes",
                  path);
}

char *kernel_kill_remedy (const struct kernel_kill_case *c,
                          const struct kmsg_kill *k, uint64_t memory, char *buf,
                          size_t len)
{
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN];

    buf[0] = '\0';
    if (c->shadow) {
        snprintf (buf, len, "shadow is true");
        return buf;
    }
    if (c->away) {
        snprintf (buf, len, "without one every OOM is the kernel's");
        return buf;
    }
    switch (c->why) {
    case KERNEL_KILL_NODE:
        snprintf (buf, len,
                  "node-reserve = \"%s\" instead of %s would have "
                  "given it the time",
                  mw_size_exact (kernel_kill_node_reserve (c, memory), a,
                                 sizeof (a)),
                  mw_size_format (c->node_reserve, b, sizeof (b)));
        break;
    case KERNEL_KILL_NUMA:
        snprintf (buf, len,
                  "no reserve of the node covers the memory of a "
                  "cpuset or of a memory policy: give such jobs more memory "
                  "nodes");
        break;
    case KERNEL_KILL_ABOVE:
        if (c->pool_watched)
            snprintf (buf, len,
                      "a larger node-reserve or smaller limits of "
                      "the jobs (max-burst) keep them from that wall");
        else
            snprintf (buf, len,
                      "with pool = \"DIR\" set to the directory of "
                      "%.160s memwarden would have answered",
                      k->oom_memcg);
        break;
    case KERNEL_KILL_JOB:
        if (c->armed)
            snprintf (buf, len,
                      "a larger reserve than %s, or a smaller limit,"
                      " keeps it from that wall",
                      mw_size_format (c->reserve, a, sizeof (a)));
        else
            snprintf (buf, len,
                      "its OOM had not been taken over from the "
                      "kernel");
        break;
    case KERNEL_KILL_BELOW:
        _below (c->job, k->oom_memcg, buf, len);
        break;
    case KERNEL_KILL_UNKNOWN:
        snprintf (buf, len,
                  "`memwarden kmsg` may know more from a log that "
                  "was kept");
        break;
    case KERNEL_KILL_SYSRQ:
    case KERNEL_KILL_ELSEWHERE:
        break;
    }
    return buf;
}

char *kernel_kill_first (const struct kernel_kill_case *c, char *buf,
                         size_t len)
{
    if (c->shadow)
        snprintf (buf, len, "memwarden only watches");
    else if (c->away)
        snprintf (buf, len, "no memwardend was there");
    else if (c->ahead_ms == INT64_MIN)
        snprintf (buf, len, "memwarden had no sign of it");
    else if (c->ahead_ms < 0)
        snprintf (buf, len,
                  "the kernel was %" PRId64 " ms faster than "
                  "memwarden",
                  -c->ahead_ms);
    else
        snprintf (buf, len, "memwarden had begun %" PRId64 " ms before",
                  c->ahead_ms);
    return buf;
}
