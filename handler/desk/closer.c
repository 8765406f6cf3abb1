/* closer.c - who closes what may take long to close */
#include "handler/desk/closer.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fds.h"

/* Packets that are dropped in one go: more than a socket holds (net.unix.
 * max_dgram_qlen is no bound of it, but its buffer is). */
#define PACKETS_MAX 4096

static struct {
    pid_t pid;
    uid_t uid;
} closers[CLOSER_MAX];

/* Peeking takes nothing out of the socket, so nothing is let go of.  An error that was
 * pending (ECONNRESET) is told in place of what waits behind it, once. */
int closer_look (int sock)
{
    char byte;
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr hdr;
    ssize_t n;

    do {
        hdr = (struct msghdr) { .msg_iov = &iov, .msg_iovlen = 1 };
        n = recvmsg (sock, &hdr, MSG_PEEK | MSG_DONTWAIT);
    } while (n < 0 && (errno == ECONNRESET || errno == EINTR));
    if (n < 0 || !(hdr.msg_flags & MSG_CTRUNC))
        return n > 0 ? 1 : (int) n;
    errno = EPROTO;
    return -1;
}

bool closer_is_needed (int sock)
{
    char byte;
    int rc = 1;

    for (int i = 0; i < PACKETS_MAX && (rc = closer_look (sock)) > 0; i++) {
        if (recv (sock, &byte, 1, MSG_DONTWAIT) < 0)
            break;
    }
    return rc > 0 || (rc < 0 && errno == EPROTO);
}

/* All other descriptors are open in the desk, too, so that closing them here lets go
 * of nothing.  It ends when the desk has closed [sock], whose last one this is then:
 * [told] ends. */
static void _closer_child (int sock, int told)
{
    char byte;

    signal (SIGTERM, SIG_DFL);
    mw_close_from (3, (const int[2]) { sock, told });
    while (read (told, &byte, 1) < 0 && errno == EINTR)
        ;
    _exit (0);
}

bool closer_takes (int sock, uid_t uid)
{
    int slot = -1, same = 0, tell[2];
    pid_t pid;

    for (int i = 0; i < CLOSER_MAX; i++) {
        if (closers[i].pid == 0)
            slot = i;
        else if (closers[i].uid == uid)
            same++;
    }
    if (slot < 0 || same >= CLOSER_PER_USER || pipe (tell) < 0)
        return false;
    pid = fork ();
    if (pid == 0)
        _closer_child (sock, tell[0]);
    if (pid > 0) {
        closers[slot].pid = pid;
        closers[slot].uid = uid;
        close (sock);
    }
    close (tell[0]);
    close (tell[1]);
    return pid > 0;
}

bool closer_reap (void)
{
    bool others = false;

    for (int i = 0; i < CLOSER_MAX; i++) {
        if (closers[i].pid > 0 && waitpid (closers[i].pid, NULL, WNOHANG) != 0)
            closers[i].pid = 0;
        others |= closers[i].pid > 0;
    }
    return others;
}
