/* claim.c - is there a courier, and how is it?
 *
 * A pid in a file would outlive its process, and the age of an answer says
 * nothing where nothing was asked.  So the courier holds a lock on a file of its
 * own, which ends with its process however that ends, and writes into that file
 * what keeps it from its work.
 */
#include "handler/spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/json_put.h"

/* never taken for an answer: its name begins with a dot */
#define CLAIM ".courier"
/* written as one piece in place, the rest is blanks: a rename would leave the
 * lock behind */
#define CLAIM_SIZE 2048
/* started again within that time, it did not come to work */
#define SOON_S 60

static struct flock _whole (void)
{
    return (struct flock) { .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static int64_t _now (void)
{
    return (int64_t) (clock_wall_us () / 1000000);
}

/* Open the claim to look at, which is the courier's: it may be anything. */
static int _open_claim (const struct spool *s)
{
    cleanup_fd int fd = openat (s->ans, CLAIM,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                                    O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode)) {
        errno = EPROTO;
        return -1;
    }
    return mw_steal_fd (&fd);
}

bool spool_courier_alive (const struct spool *s, pid_t *pid)
{
    cleanup_fd int fd = _open_claim (s);
    struct flock lock = _whole ();

    if (fd < 0 || fcntl (fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return false;
    if (pid)
        *pid = lock.l_pid;
    return true;
}

/* Take what [j] says. Returns false where that is no claim. */
static bool _understand (const json_t *j, struct spool_courier *c)
{
    const char *trouble = json_string_value (json_object_get (j, "trouble"));
    const json_t *since = json_object_get (j, "since");
    const json_t *restarts = json_object_get (j, "restarts");

    if (!trouble || strlen (trouble) >= sizeof (c->trouble) ||
        !json_is_integer (since) || !json_is_integer (restarts) ||
        json_integer_value (restarts) < 0 ||
        json_integer_value (restarts) > INT32_MAX)
        return false;
    c->since = json_integer_value (since);
    c->restarts = (unsigned) json_integer_value (restarts);
    strcpy (c->trouble, trouble);
    for (char *t = c->trouble; *t; t++) {
        if ((unsigned char) *t < 0x20 || *t == 0x7f)
            *t = '?';
    }
    return true;
}

int spool_courier_read (const struct spool *s, struct spool_courier *c,
                        uid_t *uid)
{
    cleanup_fd int fd = _open_claim (s);
    cleanup_json json_t *j = NULL;
    char buf[CLAIM_SIZE];
    json_error_t why;
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat (fd, &st) < 0)
        return -1;
    n = pread (fd, buf, sizeof (buf), 0);
    j = n < 0 ? NULL : json_loadb (buf, (size_t) n, 0, &why);
    if (!_understand (j, c)) {
        errno = EPROTO;
        return -1;
    }
    *uid = st.st_uid;
    return 0;
}

void spool_claim_say (struct spool *s, const struct spool_courier *self)
{
    char buf[CLAIM_SIZE];
    struct json_put p = { .text = buf, .size = sizeof (buf) };

    memset (buf, ' ', sizeof (buf));
    json_put (&p, "{");
    json_put_signed (&p, "since", self->since);
    json_put_number (&p, "restarts", self->restarts);
    json_put_text (&p, "trouble", self->trouble);
    json_put_end (&p, "}");
    if (p.over)
        return;
    buf[sizeof (buf) - 1] = '\n';
    /* a full disk: nothing that the courier's work depends on */
    if (pwrite (s->claim, buf, sizeof (buf), 0) < 0)
        return;
}

/* Open the claim to hold; where it was another user's, of an earlier
 * configuration, anew. */
static int _make_claim (struct spool *s)
{
    int fd = openat (s->ans, CLAIM,
                     O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                     0644);

    if (fd < 0 && errno == EACCES && unlinkat (s->ans, CLAIM, 0) == 0)
        fd = openat (s->ans, CLAIM,
                     O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                     0644);
    return fd;
}

int spool_claim (struct spool *s, struct spool_courier *self,
                 struct mw_err *err)
{
    struct flock lock = _whole (), holder = _whole ();
    struct spool_courier before;
    uid_t uid;
    /* reads it by a descriptor of its own, whose close would end the lock */
    bool known = spool_courier_read (s, &before, &uid) == 0;

    s->claim = _make_claim (s);
    if (s->claim < 0)
        return mw_err_errno (err, "cannot write to the spool's ans/" CLAIM);
    if (fcntl (s->claim, F_SETLK, &lock) < 0) {
        if (errno != EACCES && errno != EAGAIN)
            return mw_err_errno (err, "cannot lock the spool's ans/" CLAIM);
        fcntl (s->claim, F_GETLK, &holder);
        return mw_err_code (err, EBUSY,
                            "another courier works this spool off: "
                            "process %d; end it, or let only one of memwardend "
                            "(courier { start }) and systemd start one",
                            (int) holder.l_pid);
    }
    *self = (struct spool_courier) { .since = _now () };
    if (known && self->since - before.since < SOON_S)
        self->restarts = before.restarts + 1;
    spool_claim_say (s, self);
    return 0;
}
