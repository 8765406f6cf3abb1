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

static pid_t closers[CLOSER_MAX];

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
 * of nothing.  It ends when the desk has closed [socks], which are the last ones then:
 * [told], which is behind them, ends. */
static void _closer_child (const int *socks, size_t count, int told)
{
    char byte;

    signal (SIGTERM, SIG_DFL);
    mw_close_from (3, socks, count + 1);
    while (read (told, &byte, 1) < 0 && errno == EINTR)
        ;
    _exit (0);
}

/* With so many [busy] already, is it time for one more? */
static bool _closer_is_due (unsigned busy, size_t count)
{
    return busy == 0 || count >= (size_t) CLOSER_BATCH << (busy / 16);
}

bool closer_takes (int *socks, size_t count)
{
    int slot = -1, tell[2];
    unsigned busy = 0;
    pid_t pid;

    for (int i = 0; i < CLOSER_MAX; i++) {
        if (closers[i] == 0)
            slot = i;
        else
            busy++;
    }
    if (slot < 0 || !_closer_is_due (busy, count) || pipe (tell) < 0)
        return false;
    socks[count] = tell[0];
    pid = fork ();
    if (pid == 0)
        _closer_child (socks, count, tell[0]);
    if (pid > 0) {
        closers[slot] = pid;
        for (size_t i = 0; i < count; i++)
            close (socks[i]);
    }
    close (tell[0]);
    close (tell[1]);
    return pid > 0;
}

bool closer_reap (void)
{
    bool others = false;

    for (int i = 0; i < CLOSER_MAX; i++) {
        if (closers[i] > 0 && waitpid (closers[i], NULL, WNOHANG) != 0)
            closers[i] = 0;
        others |= closers[i] > 0;
    }
    return others;
}
