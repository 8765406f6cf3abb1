/* console.h - the prompt of memwarden look: who looks decides */
#ifndef MW_CLI_CONSOLE_H
#define MW_CLI_CONSOLE_H

#include "handler/cli/cli.h"

/* Who looks at what. */
struct console {
    const struct cli_command *self;
    const struct cli_common *common;
    const char *job; /* its key */
    /* Look, and print it; [where]: with where its tasks sleep.  What was seen (sight.h) is
     *   [*seen], the caller's.  Returns 0 or the exit code, everything said. */
    int (*look) (void *arg, bool where, json_t **seen);
    void *arg;
};

/* Look, ask what is to be done, have it done, and look again, until it is enough or the
 *   job has ended. Returns the exit code. */
int console_run (const struct console *c);

#endif /* !MW_CLI_CONSOLE_H */
