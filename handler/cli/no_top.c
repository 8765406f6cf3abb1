/* no_top.c - instead of top.c where configure was told --without-ncurses */
#include "handler/cli/cli.h"

int cli_top (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
    struct cli_common common = { 0 };
    int c;

    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1)
        cli_common_option (self, c, &common);
    return cli_usage (self, "this memwarden was built --without-ncurses; "
                            "`watch memwarden jobs` shows them, too");
}
