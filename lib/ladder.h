/* ladder.h - what is to be done about a job's OOM, in order
 *
 *     ladder = step *("," step)
 *     step   = name ["=" ARG] ["@" TIME]
 *
 * for example "grow=512M@10m,signal=USR1@30s,requeue=x1.5,kill".  The table of
 * names, arguments and deadlines is `mw_steps`; doc/design.md, section 5, says
 * what each does and where it comes from.
 */
#ifndef MW_LADDER_H
#define MW_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/units.h"

enum mw_step_kind {
    MW_STEP_HOLD,
    MW_STEP_GROW,
    MW_STEP_RECLAIM,
    MW_STEP_SLOW,
    MW_STEP_ENOMEM,
    MW_STEP_SIGNAL,
    MW_STEP_DUMP,
    MW_STEP_SUSPEND,
    MW_STEP_REQUEUE,
    MW_STEP_HOLD_ONE, /* written "hold=WHO" */
    MW_STEP_KILL_ONE, /* written "kill=WHO" */
    MW_STEP_KILL,
    MW_STEP_COUNT
};

enum mw_step_arg {
    MW_ARG_NONE,
    MW_ARG_SIZE,    /* optional SIZE, xF or P% */
    MW_ARG_PERCENT, /* optional P% (the sign may be left out);
                               ":WHO" behind it */
    MW_ARG_SIGNAL,  /* required: USR1, SIGUSR1 or a number;
                               ":WHO" behind it */
    MW_ARG_HOOK,    /* optional: name of a hook in memwarden.conf;
                               ":WHO" behind it */
    MW_ARG_FACTOR,  /* optional xF, F >= 1 */
    MW_ARG_WHO,     /* optional: a target */
};

/* To whom of the job's processes a step is done: the rule is policy/target.h. */
enum mw_target {
    MW_TARGET_USUAL, /* as the step is without: kill, enomem: all; signal:
                               who catches it */
    MW_TARGET_ALL,
    MW_TARGET_LARGEST,
    MW_TARGET_GUILTY, /* the fastest growing one */
    MW_TARGET_LEADER, /* the first of the largest one's task */
    MW_TARGET_PID,    /* named by a person: in no ladder's text */
};

/* One row of the grammar. */
struct mw_step_info {
    const char *name;
    enum mw_step_arg arg;
    bool timed;          /* takes @TIME */
    uint64_t default_ms; /* its deadline where a timed step names none */
    const char *summary; /* one line for --help and the man page */
};

extern const struct mw_step_info mw_steps[MW_STEP_COUNT];

#define MW_LADDER_MAX_STEPS 16
#define MW_LADDER_STRLEN 512
#define MW_HOOK_MAX 32

struct mw_ladder_step {
    enum mw_step_kind kind;
    struct mw_amount amount; /* grow, reclaim, slow, requeue */
    int signo;               /* signal */
    enum mw_target target;   /* signal, enomem, slow, dump, hold-one,
                                kill-one */
    char hook[MW_HOOK_MAX];  /* dump; "" = the default hook */
    uint64_t deadline_ms;    /* 0 where the step is not timed */
};

struct mw_ladder {
    unsigned count;
    struct mw_ladder_step step[MW_LADDER_MAX_STEPS];
};

/* Parse [text] into [ladder].  `kill` is always the last step: where [text]
 *   does not end with it, it is added; a step behind a kill is refused.
 * Returns 0; -1 with errno EINVAL and in [err] a sentence that says what would be
 *   right, then a line with the ladder and a line with a caret under the wrong
 *   word:  unknown step "explode"; allowed are hold, grow, …
 *              grow@30s,explode
 *                       ^
 *   [ladder] is untouched then. */
int mw_ladder_parse (const char *text, struct mw_ladder *ladder,
                     struct mw_err *err);

/* Write [ladder] so that mw_ladder_parse gives it back. Returns [buf]. */
char *mw_ladder_format (const struct mw_ladder *ladder, char *buf, size_t len);

/* Write the one step [s] ("grow=512M@10m"). Returns [buf]. */
char *mw_ladder_step_format (const struct mw_ladder_step *s, char *buf,
                             size_t len);

/* Is [target] one process? */
bool mw_target_is_one (enum mw_target target);

/* What [kind] is for one process: hold is hold-one, kill is kill-one. */
enum mw_step_kind mw_step_of_one (enum mw_step_kind kind);

/* The same of a ladder that mw_ladder_format has written of what a person has asked for: it
 *   may also be for MW_TARGET_PID. */
int mw_ladder_parse_asked (const char *text, struct mw_ladder *ladder,
                           struct mw_err *err);

/* Parse what is to be done to one process that is known, step by step: those of enomem,
 *   signal and kill that are written, without a target, and no kill behind them.
 *   Each is for MW_TARGET_PID in [ladder]. Returns as mw_ladder_parse. */
int mw_ladder_parse_one (const char *text, struct mw_ladder *ladder,
                         struct mw_err *err);

/* The name of [target] ("largest"); "" of the usual one. */
const char *mw_target_name (enum mw_target target);

/* The number of the signal [name] ("USR1", "SIGUSR1", "10"); -1: there is none. */
int mw_signal_parse (const char *name);

/* The name of [signo] without SIG ("USR1"); of one that has none its number, in
 *   [buf] of [len] bytes. */
const char *mw_signal_format (int signo, char *buf, size_t len);

#endif /* !MW_LADDER_H */
