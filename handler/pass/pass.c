/* pass.c - what the warden and its desk say to each other */
#include "handler/pass/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/wire.h"

static int _pass_kind (const char *type)
{
    static const struct {
        const char *type;
        enum pass_kind kind;
    } kinds[] = {
        { "hold", PASS_HOLD },     { "resume", PASS_RESUME },
        { "set", PASS_SET },       { "do", PASS_DO },
        { "grow", PASS_GROW },     { "return", PASS_RETURN },
        { "mark", PASS_MARK },     { "history", PASS_HISTORY },
        { "notify", PASS_NOTIFY }, { "proc", PASS_PROC },
    };

    for (size_t i = 0; i < sizeof (kinds) / sizeof (kinds[0]); i++) {
        if (!strcmp (kinds[i].type, type))
            return (int) kinds[i].kind;
    }
    errno = ENOSYS;
    return -1;
}

static int _pass_job (const json_t *msg, struct pass_wish *wish,
                      struct mw_err *err)
{
    const char *key = json_string_value (json_object_get (msg, "job"));

    if (!key || strlen (key) >= sizeof (wish->job))
        return mw_err_code (err, ESRCH, "there is no job %.64s on this node",
                            key ? key : "(none named)");
    strcpy (wish->job, key);
    return 0;
}

static int _pass_priority (const json_t *value, struct pass_wish *wish,
                           struct mw_err *err)
{
    json_int_t n = json_integer_value (value);

    if (!json_is_integer (value) || n < 0 || n > MW_PRIORITY_MAX)
        return mw_err_code (err, ERANGE, "priority must be 0 to %d",
                            MW_PRIORITY_MAX);
    wish->has_priority = true;
    wish->priority = (uint32_t) n;
    return 0;
}

static int _pass_limit (const json_t *value, struct pass_wish *wish,
                        struct mw_err *err)
{
    if (!json_is_integer (value) || json_integer_value (value) < 0)
        return mw_err_code (err, ERANGE, "the limit must be a number of bytes");
    wish->has_limit = true;
    wish->limit = (uint64_t) json_integer_value (value);
    return 0;
}

/* [value] as a text that has room in [size] bytes; NULL with [err], of [what] it is. */
static const char *_pass_text (const json_t *value, const char *what,
                               size_t size, struct mw_err *err)
{
    const char *text = json_string_value (value);

    if (!text)
        mw_err_code (err, EINVAL, "the %s must be a text", what);
    else if (strlen (text) >= size)
        mw_err_code (err, EINVAL,
                     "the %s is too long; at most %zu characters are allowed",
                     what, size - 1);
    else
        return text;
    return NULL;
}

static int _pass_ladder (const json_t *value, struct pass_wish *wish,
                         struct mw_err *err)
{
    const char *text = _pass_text (value, "ladder", sizeof (wish->ladder), err);
    struct mw_ladder ladder;

    if (!text || mw_ladder_parse (text, &ladder, err) < 0)
        return -1;
    wish->has_ladder = true;
    strcpy (wish->ladder, text);
    return 0;
}

static int _pass_proc_limit (const json_t *value, struct pass_wish *wish,
                             struct mw_err *err)
{
    const char *text = _pass_text (value, "proc-limit",
                                   sizeof (wish->proc_limit), err);
    struct mw_proclimit limit;

    if (!text || mw_proclimit_parse (text, &limit, err) < 0)
        return -1;
    wish->has_proc_limit = true;
    strcpy (wish->proc_limit, text);
    return 0;
}

/* What a `set` names, if it does. */
static int _pass_set (const json_t *msg, struct pass_wish *wish,
                      struct mw_err *err)
{
    const json_t *limit = json_object_get (msg, "limit");
    const json_t *priority = json_object_get (msg, "priority");
    const json_t *ladder = json_object_get (msg, "ladder");
    const json_t *proc = json_object_get (msg, "proc_limit");

    if ((limit && _pass_limit (limit, wish, err) < 0) ||
        (priority && _pass_priority (priority, wish, err) < 0) ||
        (ladder && _pass_ladder (ladder, wish, err) < 0) ||
        (proc && _pass_proc_limit (proc, wish, err) < 0))
        return -1;
    return 0;
}

/* What a `grow` names: how much, for how long. */
static int _pass_grow (const json_t *msg, struct pass_wish *wish,
                       struct mw_err *err)
{
    const json_t *bytes = json_object_get (msg, "bytes");
    const json_t *seconds = json_object_get (msg, "seconds");
    json_int_t n = json_integer_value (seconds);

    if (!json_is_integer (bytes) || json_integer_value (bytes) < 1)
        return mw_err_code (err, ERANGE,
                            "what is to be lent must be a number of bytes");
    if (!json_is_integer (seconds) || n < 1 || n > INT32_MAX)
        return mw_err_code (err, ERANGE,
                            "for how long must be a number of seconds");
    wish->limit = (uint64_t) json_integer_value (bytes);
    wish->seconds = (uint32_t) n;
    return 0;
}

/* The one process that it is for, where there is one. */
static int _pass_pid (const json_t *msg, struct pass_wish *wish,
                      struct mw_err *err)
{
    const json_t *pid = json_object_get (msg, "pid");
    json_int_t n = json_integer_value (pid);

    if (pid && (!json_is_integer (pid) || n < 1 || n > INT32_MAX))
        return mw_err_code (err, ERANGE,
                            "the pid must be a number of a process");
    wish->pid = (int32_t) n;
    return 0;
}

/* What a `notify` names: bytes, or a share of the limit; neither: none any more. */
static int _pass_notify (const json_t *msg, struct pass_wish *wish,
                         struct mw_err *err)
{
    json_int_t bytes = json_integer_value (json_object_get (msg, "bytes"));
    json_int_t percent = json_integer_value (json_object_get (msg, "percent"));

    if (percent < 0 || percent > 100)
        return mw_err_code (err, ERANGE,
                            "the share of the limit must be 1 to 100 percent");
    if (bytes < 0 || (bytes > 0 && percent > 0))
        return mw_err_code (err, ERANGE,
                            "a mark is a number of bytes or a percentage, one "
                            "of both");
    wish->limit = (uint64_t) bytes;
    wish->percent = (uint32_t) percent;
    return 0;
}

/* What a `proc` names.  Of which process, the desk knows. */
static int _pass_proc (const json_t *msg, struct pass_wish *wish,
                       struct mw_err *err)
{
    wish->clears = json_is_true (json_object_get (msg, "clears"));
    return _pass_proc_limit (json_object_get (msg, "limit"), wish, err);
}

/* What a `do` names: one step of a ladder that may be done to a running job by hand. */
static int _pass_do (const json_t *msg, struct pass_wish *wish,
                     struct mw_err *err)
{
    const char *text = json_string_value (json_object_get (msg, "step"));
    struct mw_ladder_step step;

    if (!text || strlen (text) >= sizeof (wish->ladder))
        return mw_err_code (err, EINVAL, "the step must be a text");
    if (_pass_pid (msg, wish, err) < 0)
        return -1;
    strcpy (wish->ladder, text);
    return pass_wish_step (wish, &step, err);
}

static bool _pass_by_hand (enum mw_step_kind kind)
{
    return kind == MW_STEP_SIGNAL || kind == MW_STEP_ENOMEM ||
           kind == MW_STEP_SLOW || kind == MW_STEP_HOLD_ONE ||
           kind == MW_STEP_DUMP || kind == MW_STEP_REQUEUE ||
           kind == MW_STEP_KILL_ONE || kind == MW_STEP_KILL;
}

int pass_wish_step (const struct pass_wish *wish, struct mw_ladder_step *step,
                    struct mw_err *err)
{
    struct mw_ladder l;

    if (mw_ladder_parse (wish->ladder, &l, err) < 0)
        return -1;
    *step = l.step[0];
    if (wish->pid > 0 && step->target != MW_TARGET_USUAL)
        return mw_err_code (err, EINVAL,
                            "either one process by its number, or the %s",
                            mw_target_name (step->target));
    if (wish->pid > 0 &&
        (step->kind == MW_STEP_DUMP || step->kind == MW_STEP_REQUEUE))
        return mw_err_code (err, EINVAL,
                            "a %s is of a job, not of one process of it",
                            mw_steps[step->kind].name);
    if (wish->pid > 0) {
        step->kind = mw_step_of_one (step->kind);
        if (!strchr (wish->ladder, '@'))
            step->deadline_ms = mw_steps[step->kind].default_ms;
    }
    if (strchr (wish->ladder, ',') || !_pass_by_hand (step->kind))
        return mw_err_code (err, EINVAL,
                            "\"%.40s\" is not done by hand; one of signal, "
                            "kill, enomem, slow, dump, requeue, or hold of one "
                            "process, is",
                            wish->ladder);
    /* until it is resumed, as a job that is held by hand */
    if (step->kind == MW_STEP_HOLD_ONE && !strchr (wish->ladder, '@'))
        step->deadline_ms = 0;
    return 0;
}

int pass_wish_read (const json_t *msg, struct pass_wish *wish,
                    struct mw_err *err)
{
    int kind = _pass_kind (mw_wire_type (msg));

    if (kind < 0)
        return -1;
    *wish = (struct pass_wish) { .kind = (uint32_t) kind };
    if (kind == PASS_HISTORY) {
        wish->old = json_is_true (json_object_get (msg, "old"));
        return 0;
    }
    if (_pass_job (msg, wish, err) < 0)
        return -1;
    if (kind == PASS_RESUME)
        return _pass_pid (msg, wish, err);
    if (kind == PASS_DO)
        return _pass_do (msg, wish, err);
    if (kind == PASS_GROW)
        return _pass_grow (msg, wish, err);
    if (kind == PASS_NOTIFY)
        return _pass_notify (msg, wish, err);
    if (kind == PASS_PROC)
        return _pass_proc (msg, wish, err);
    return kind == PASS_SET ? _pass_set (msg, wish, err) : 0;
}

/* Is [flag] one as it has come?  A bool of any other byte must not be read. */
static bool _pass_is_flag (const bool *flag)
{
    unsigned char byte;

    memcpy (&byte, flag, sizeof (byte));
    return byte <= 1;
}

bool pass_wish_is_good (const struct pass_wish *w, size_t len)
{
    return len == sizeof (*w) && w->kind >= PASS_HOLD && w->kind <= PASS_NEW &&
           _pass_is_flag (&w->has_limit) && _pass_is_flag (&w->has_priority) &&
           _pass_is_flag (&w->has_ladder) &&
           _pass_is_flag (&w->has_proc_limit) && _pass_is_flag (&w->old) &&
           _pass_is_flag (&w->clears) &&
           memchr (w->job, '\0', sizeof (w->job)) &&
           memchr (w->ladder, '\0', sizeof (w->ladder)) &&
           memchr (w->proc_limit, '\0', sizeof (w->proc_limit));
}

union pass_control {
    char buf[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
};

int pass_send (int sock, const void *what, size_t len, int fd)
{
    union pass_control control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = (void *) what, .iov_len = len };
    struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *c;

    if (fd >= 0) {
        hdr.msg_control = control.buf;
        hdr.msg_controllen = sizeof (control.buf);
        c = CMSG_FIRSTHDR (&hdr);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN (sizeof (int));
        memcpy (CMSG_DATA (c), &fd, sizeof (int));
    }
    return sendmsg (sock, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

ssize_t pass_receive (int sock, void *what, size_t room, int *fd)
{
    union pass_control control = { .buf = { 0 } };
    struct iovec iov = { .iov_base = what, .iov_len = room };
    struct msghdr hdr = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = control.buf,
                          .msg_controllen = sizeof (control.buf) };
    ssize_t n = recvmsg (sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR (&hdr) : NULL;

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy (fd, CMSG_DATA (c), sizeof (int));
    if (n <= 0 || !(hdr.msg_flags & MSG_TRUNC))
        return n;
    errno = EMSGSIZE;
    return -1;
}
