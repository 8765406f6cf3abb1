/* user.c - login names, and what is root's alone */
#include "lib/user.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

const char *mw_not_roots (char *path)
{
    char *slash = path + strlen (path);
    struct stat st;

    for (;;) {
        bool sticky_dir;

        if (stat (*path ? path : "/", &st) < 0)
            return *path ? path : "/";
        sticky_dir = S_ISDIR (st.st_mode) && (st.st_mode & S_ISVTX);
        if (st.st_uid != 0 ||
            (!sticky_dir && ((st.st_mode & S_IWOTH) ||
                             ((st.st_mode & S_IWGRP) && st.st_gid != 0))))
            return *path ? path : "/";
        if (slash == path)
            return NULL;
        slash = strrchr (path, '/');
        *slash = '\0';
        slash = path + strlen (path);
    }
}

int mw_roots_program (const char *path, char real[PATH_MAX], struct mw_err *err)
{
    char copy[PATH_MAX];
    const char *bad;

    if (!realpath (path, real))
        return mw_err_errno (err, "cannot run hook %.256s", path);
    strcpy (copy, real);
    if (!(bad = mw_not_roots (copy)))
        return 0;
    return mw_err_code (err, EPERM,
                        "hook %.256s is not run: %.200s can be changed by "
                        "others than root",
                        path, bad);
}
