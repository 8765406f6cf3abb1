/* form.h - what the kernel itself says at an OOM: its forms, whole
 *
 * A message is taken from its very beginning to its end, and only where it has
 * the kernel's form throughout: any user can put words into the kernel's log
 * (the name of a process that crashes, a mount option, a cgroup's name), but
 * neither at the beginning of a message nor more than 15 bytes of a name.
 * Linux 2.6.32 to 7.2. Pure.
 */
#ifndef MW_KMSG_FORM_H
#define MW_KMSG_FORM_H

#include <stdbool.h>

#include "handler/kmsg/kmsg.h"

enum kmsg_form {
    KMSG_OTHER,
    KMSG_HEAD,        /* "C invoked oom-killer: …" */
    KMSG_TASK,        /* "CPU: 1 PID: 2 Comm: C …": who invoked it */
    KMSG_TRACE,       /* "Call Trace:" */
    KMSG_USAGE,       /* "memory: usage 1kB, limit 1kB, failcnt 1" */
    KMSG_MEM_INFO,    /* "Mem-Info:" */
    KMSG_SWAP,        /* "Free swap  = 0kB", "Total swap = 0kB" */
    KMSG_VERDICT,     /* "oom-kill:constraint=…", "Task in A killed as …" */
    KMSG_CHOSEN,      /* "…: Kill process 1 (C) score 1 or sacrifice child" */
    KMSG_CHOSEN_OLD,  /* "…: kill process 1 (C) score 1 or a child" */
    KMSG_KILLED,      /* "[…: ]Killed process 1 (C) total-vm:…" */
    KMSG_BARE,        /* "Killed process 1 (C)": whole to 2.6.32, else cut */
    KMSG_CUT,         /* the same, but its end is missing */
    KMSG_PART,        /* the beginning of a verdict; the rest may follow */
    KMSG_EXITING,     /* "…: OOM victim 1 (C) is already exiting. …" */
    KMSG_NO_KILLABLE, /* "Out of memory and no killable processes..." */
    KMSG_PANIC,       /* panic_on_oom, or nobody to kill */
    KMSG_GROUP,       /* "Tasks in A are going to be killed due to …" */
};

/* Write nothing known into [*o]. */
void kmsg_form_clear (struct kmsg_kill *o);

/* Which form [s] has: printable ASCII, from the message's first byte on. What
 *   it says is written into [*o], which is left as it is elsewhere. */
enum kmsg_form kmsg_form (const char *s, struct kmsg_kill *o);

/* Does [line] end in a report's first line, but not [message], the part of it
 *   that was understood (or NULL)? */
bool kmsg_form_has_head (const char *line, const char *message);

/* Is nothing missing at the end of a message of [form]? */
bool kmsg_form_is_whole (enum kmsg_form form);

/* Put [rest] behind [message] in a buffer of [size], where a screen or a mail
 *   has broken its line; a mail does so at a [blank], which is lost. Whichever
 *   makes a whole message of it is right.
 * Returns false, and leaves it, where it is whole without [rest] alone. */
bool kmsg_form_join (char *message, size_t size, const char *rest, bool blank);

/* A frame of a trace, in the forms of all architectures: its name goes into
 *   [name]. Returns false where [s] is none. */
bool kmsg_form_frame (const char *s, char name[KMSG_FRAME_MAX]);

/* Is [s] a frame of 32 bit arm's, "a from b+0x1/0x2"?  Its trace has no other
 *   beginning. */
bool kmsg_form_from (const char *s);

#endif /* !MW_KMSG_FORM_H */
