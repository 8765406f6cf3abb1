/* summary.c - what a job has used of what it asked for, at its end */
#include "handler/cli/summary.h"

#include <stdio.h>
#include <string.h>

#include "handler/cli/cli.h"
#include "lib/units.h"

bool summary_text (const json_t *record, char *buf, size_t len)
{
    unsigned long long used = cli_number (record, "peak_used");
    unsigned long long with = cli_number (record, "peak");
    unsigned long long asked = cli_number (record, "reservation");
    unsigned long long ran = cli_number (record, "ran_ms");
    char a[MW_SIZE_STRLEN], b[MW_SIZE_STRLEN], t[32], cache[96] = "";

    buf[0] = '\0';
    if (strcmp (cli_text (record, "event"), "released") != 0 || used == 0 ||
        asked == 0)
        return false;
    if (with > used && with - used > with / 20)
        snprintf (cache, sizeof (cache),
                  ", and with files' page cache, which the kernel takes back, "
                  "%s",
                  mw_size_format (with, a, sizeof (a)));
    snprintf (buf, len, "used at most %s of %s (%llu %%)%s, in %s",
              mw_size_format (used, a, sizeof (a)),
              mw_size_format (asked, b, sizeof (b)),
              (used * 100 + asked / 2) / asked, cache,
              mw_duration_format (ran - ran % (ran >= 1000 ? 1000 : 1), t,
                                  sizeof (t)));
    return true;
}

void summary_tell (const json_t *record)
{
    char text[256], t[32];

    if (!summary_text (record, text, sizeof (text)))
        return;
    cli_local_time (cli_text (record, "t"), t, sizeof (t));
    printf ("  %s  %-10s %s\n", t, "memory", text);
}
