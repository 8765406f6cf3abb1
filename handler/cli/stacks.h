/* stacks.h - where the tasks of a process are: running, asleep in what, frozen, at the limit */
#ifndef MW_CLI_STACKS_H
#define MW_CLI_STACKS_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#define STACKS_FRAMES 12  /* of a stack, from its innermost */
#define STACKS_THREADS 64 /* of a process that are looked at */

/* What a task does, in a word: [state] as ps(1) has it, [wchan] the kernel's function in
 *   which it sleeps ("" or "0": not told; on some kernels a wrong one), [held]: its job is
 *   held, so that it is frozen where nothing else is known. */
const char *stacks_does (char state, const char *wchan, bool held);

/* The functions of [text], a /proc/PID/stack, the innermost first: a new array. */
json_t *stacks_frames (const char *text);

/* The threads of [pid], of a [held] job, those that are alike as one:
 *     [{"threads","first": the id of one, "name","does","wchan","stack":[…]}]
 *   Without "wchan" and "stack" where they are not told: a stack is for root alone.
 * Returns a new array, empty where the process has gone. */
json_t *stacks_of (pid_t pid, bool held);

#endif /* !MW_CLI_STACKS_H */
