/* proclimit.c - see proclimit.h */
#include "lib/proclimit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int _proclimit_size (const char *text, uint64_t *bytes,
                            struct mw_err *err)
{
    if (mw_size_parse (text, bytes, err) < 0)
        return -1;
    if (*bytes == 0)
        return mw_err_code (err, ERANGE,
                            "no process does with 0 bytes; write a size above "
                            "0, or \"none\"");
    return 0;
}

int mw_proclimit_parse (const char *text, struct mw_proclimit *limit,
                        struct mw_err *err)
{
    const char *colon = strchr (text, ':');
    size_t n = colon ? (size_t) (colon - text) : strlen (text);
    struct mw_proclimit l = { 0 };
    char size[MW_SIZE_STRLEN], written[MW_PROCLIMIT_STRLEN + MW_LADDER_STRLEN];

    if (strcmp (text, "none") == 0) {
        *limit = l;
        return 0;
    }
    if (n == 0 || n >= sizeof (size))
        return mw_err_code (err, EINVAL,
                            "\"%.40s\" has no size; write SIZE or "
                            "SIZE:ACTION,…, as in 2G:signal=USR1@30s,kill",
                            text);
    snprintf (size, sizeof (size), "%.*s", (int) n, text);
    if (_proclimit_size (size, &l.bytes, err) < 0 ||
        mw_ladder_parse_one (colon ? colon + 1 : "kill", &l.actions, err) < 0)
        return -1;
    mw_proclimit_format (l.bytes, &l.actions, written, sizeof (written));
    if (strlen (written) >= MW_PROCLIMIT_STRLEN)
        return mw_err_code (err, EINVAL,
                            "it is too long, with its times written out; at "
                            "most %d characters are allowed",
                            MW_PROCLIMIT_STRLEN - 1);
    *limit = l;
    return 0;
}

/* As people write them: a kill is the last one, and needs no time. */
static void _proclimit_plain (struct mw_ladder *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        l->step[i].target = MW_TARGET_USUAL;
        if (l->step[i].kind == MW_STEP_KILL_ONE) {
            l->step[i].kind = MW_STEP_KILL;
            l->step[i].deadline_ms = 0;
        }
    }
}

char *mw_proclimit_format (uint64_t bytes, const struct mw_ladder *actions,
                           char *buf, size_t len)
{
    char size[MW_SIZE_STRLEN], text[MW_LADDER_STRLEN];
    struct mw_ladder plain;

    if (bytes == 0) {
        snprintf (buf, len, "none");
        return buf;
    }
    plain = *actions;
    _proclimit_plain (&plain);
    snprintf (buf, len, "%s:%s", mw_size_exact (bytes, size, sizeof (size)),
              mw_ladder_format (&plain, text, sizeof (text)));
    return buf;
}
