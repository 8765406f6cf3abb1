/* stacks.c - where the tasks of a process are
 *
 * /proc/PID/wchan is for whoever may trace the process, /proc/PID/stack for root (proc(5)).
 */
#include "handler/cli/stacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/cli/cli.h"
#include "lib/cgfile.h"
#include "lib/cleanup.h"

/* A function's name tells in what a task sleeps; those that wait in the way of a signal
 * without being stopped are frozen. */
static const char *_stacks_sleeps (const char *wchan)
{
    static const struct {
        const char *in, *does;
    } where[] = {
        { "refrigerator", "frozen" }, /* v1 */
        { "freezer_trap", "frozen" }, /* v2 … */
        { "get_signal", "frozen" }, /* … which a compiler has put in there */
        { "mem_cgroup",
          "at the limit" }, /* v1: sleeps in its OOM; v2: throttled */
    };

    for (size_t i = 0; i < sizeof (where) / sizeof (where[0]); i++) {
        if (strstr (wchan, where[i].in))
            return where[i].does;
    }
    return NULL;
}

const char *stacks_does (char state, const char *wchan, bool held)
{
    const char *sleeps = _stacks_sleeps (wchan);

    switch (state) {
    case 'R':
        return "running";
    case 'S':
    case 'I':
        return sleeps ? sleeps : held ? "held" : "asleep";
    case 'D':
        return sleeps ? sleeps : held ? "held" : "in the kernel";
    case 'T':
    case 't':
        return "stopped";
    case 'Z':
    case 'X':
        return "ended";
    }
    return "?";
}

struct stacks_look {
    json_t *all;
    unsigned n; /* threads seen */
    bool held;
};

/* "[<0>] do_wait+0x1/0x2 [module]" is do_wait. */
json_t *stacks_frames (const char *text)
{
    json_t *frames = json_array ();
    char name[96];

    for (; text && json_array_size (frames) < STACKS_FRAMES;
         text = strchr (text, '\n')) {
        text += *text == '\n';
        if (sscanf (text, "[<%*[^>]>] %95[A-Za-z0-9_.]", name) == 1)
            json_array_append_new (frames, json_string (name));
    }
    return frames;
}

/* The thread in [dir], but for its number. */
static json_t *_stacks_thread (int dir, bool held)
{
    char stat[512], wchan[96] = "", stack[4096], name[64] = "?";
    const char *end = NULL;
    json_t *t;

    if (cg_read (dir, "stat", stat, sizeof (stat)) > 0)
        end = strrchr (stat, ')');
    if (!end || !end[1] || !end[2])
        return NULL;
    sscanf (strchr (stat, '(') + 1, "%63[^\n]", name);
    if (strrchr (name, ')'))
        *strrchr (name, ')') = '\0';
    if (cg_read (dir, "wchan", wchan, sizeof (wchan)) <= 0)
        wchan[0] = '\0';
    t = json_pack ("{s:o,s:s}", "name", cli_json_text (name), "does",
                   stacks_does (end[2], wchan, held));
    if (*wchan && strcmp (wchan, "0") != 0)
        json_object_set_new (t, "wchan", cli_json_text (wchan));
    if (cg_read (dir, "stack", stack, sizeof (stack)) >= 0)
        json_object_set_new (t, "stack", stacks_frames (stack));
    return t;
}

/* Add [thread], which is taken, number [tid], to those that are like it. */
static void _stacks_add (json_t *all, json_t *thread, const char *tid)
{
    json_t *other;
    size_t i;

    json_array_foreach (all, i, other) {
        cleanup_json json_t *bare = json_copy (other);

        json_object_del (bare, "threads");
        json_object_del (bare, "first");
        if (json_equal (bare, thread)) {
            json_object_set_new (other, "threads",
                                 json_integer (
                                     json_integer_value (
                                         json_object_get (other, "threads")) +
                                     1));
            json_decref (thread);
            return;
        }
    }
    json_object_set_new (thread, "threads", json_integer (1));
    json_object_set_new (thread, "first", json_integer (atoll (tid)));
    json_array_append_new (all, thread);
}

/* Returns 1, no more, when enough of them have been looked at. */
static int _stacks_visit (int task, const char *tid, void *arg)
{
    struct stacks_look *look = arg;
    json_t *thread = _stacks_thread (task, look->held);

    if (thread)
        _stacks_add (look->all, thread, tid);
    return ++look->n >= STACKS_THREADS;
}

json_t *stacks_of (pid_t pid, bool held)
{
    struct stacks_look look = { .all = json_array (), .held = held };
    cleanup_fd int dir = -1;
    char path[64];

    snprintf (path, sizeof (path), "/proc/%d/task", (int) pid);
    dir = sysroot_open (path, O_RDONLY | O_DIRECTORY);
    if (dir >= 0)
        cg_each_child (dir, _stacks_visit, &look);
    return look.all;
}
