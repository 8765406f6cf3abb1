/* err.h - an error as a sentence, kept by the caller
 *
 * Functions of memwarden that can fail take a `struct mw_err *` last, return -1
 * (or NULL) and leave errno set; the sentence says what was tried, on what, and
 * what would be right. [err] may be NULL: then only errno tells.
 */
#ifndef MW_ERR_H
#define MW_ERR_H

#include <stdarg.h>

#define MW_ERR_MAX 512

struct mw_err {
    char text[MW_ERR_MAX]; /* NUL-terminated, no newline at its end */
};

/* Set [err] (may be NULL) to the formatted sentence; a sentence too long is
 *   cut.  Control characters in it are replaced by '?', since job names and
 *   paths come from users.  errno is kept.
 * Returns -1 always, so that `return mw_err_set (err, …)` reads well. */
int mw_err_set (struct mw_err *err, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Like mw_err_set, and errno is [code] then, whatever the arguments did to it.
 *   For a failure that is found here, not told by a function that failed. */
int mw_err_code (struct mw_err *err, int code, const char *fmt, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Like mw_err_set, with ": strerror (errno)" behind it. */
int mw_err_errno (struct mw_err *err, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Put [fmt…] and ": " before what [err] already says. Returns -1. */
int mw_err_prefix (struct mw_err *err, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Add the sentence behind those that [err] has already, with "; " between.
 * Returns -1. */
int mw_err_add (struct mw_err *err, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

/* Replace by '?', byte by byte, what in [s] would steer the terminal of who looks at
 *   it, or make it show something else than is there: control characters (C0 but
 *   for those in [keep], DEL, C1 as UTF-8 and as single bytes), what turns the
 *   direction of text (UAX #9), the line separators of Unicode, its byte order
 *   mark.  All else stays, UTF-8 or not. */
void mw_tame (char *s, const char *keep);

#endif /* !MW_ERR_H */
