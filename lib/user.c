/* user.c - login names */
#include "lib/user.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* more than any entry of passwd(5); one that does not fit has no name */
#define ENTRY_MAX 4096

bool mw_user_name (uid_t uid, char *buf, size_t len)
{
    char entry[ENTRY_MAX];
    struct passwd pw, *found;

    buf[0] = '\0';
    if (getpwuid_r (uid, &pw, entry, sizeof (entry), &found) != 0 || !found ||
        strlen (pw.pw_name) >= len)
        return false;
    strcpy (buf, pw.pw_name);
    return true;
}

const char *mw_user_shown (uid_t uid, char *buf, size_t len)
{
    if (!mw_user_name (uid, buf, len))
        snprintf (buf, len, "%u", (unsigned) uid);
    return buf;
}
