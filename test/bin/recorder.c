/* recorder.c - writes down what plugins tell the warden, and agrees to all of
 * it
 *
 *     recorder SOCKET LOG
 *
 * One line a message: its type, and of a job the members the tests are about,
 * and the paths of the directories that came with it.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/wire.h"

static void _write_down (FILE *log, const json_t *msg, const int *fds, int n)
{
    cleanup_free char *text = json_dumps (json_object_get (msg, "job"),
                                          JSON_ENCODE_ANY | JSON_COMPACT |
                                              JSON_SORT_KEYS);

    fprintf (log, "%s %s", mw_wire_type (msg), text ? text : "-");
    for (int i = 0; i < n; i++) {
        char name[64], path[1024];
        ssize_t len;

        snprintf (name, sizeof (name), "/proc/self/fd/%d", fds[i]);
        len = readlink (name, path, sizeof (path) - 1);
        fprintf (log, " %.*s", len < 0 ? 0 : (int) len, path);
    }
    fputc ('\n', log);
    fflush (log);
}

static void _serve (int sock, FILE *log)
{
    for (;;) {
        cleanup_json json_t *msg = NULL;
        cleanup_json json_t *ok = mw_wire_new ("ok");
        int fds[MW_WIRE_FDS_MAX], n = 0;

        if (mw_wire_recv (sock, &msg, fds, &n, NULL) != 1)
            return;
        _write_down (log, msg, fds, n);
        for (int i = 0; i < n; i++)
            close (fds[i]);
        if (mw_wire_send (sock, ok, NULL, 0, NULL) < 0)
            return;
    }
}

int main (int argc, char **argv)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    cleanup_file FILE *log = argc > 2 ? fopen (argv[2], "ae") : NULL;
    cleanup_fd int sock = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (!log || sock < 0 || strlen (argv[1]) >= sizeof (a.sun_path))
        return 2;
    strcpy (a.sun_path, argv[1]);
    unlink (argv[1]);
    signal (SIGCHLD, SIG_IGN);
    if (bind (sock, (struct sockaddr *) &a, sizeof (a)) < 0 ||
        listen (sock, 64) < 0)
        return 1;
    for (;;) {
        int peer = accept4 (sock, NULL, NULL, SOCK_CLOEXEC);

        if (peer < 0)
            return 1;
        /* a step stays connected: each peer has a process of its own */
        if (fork () == 0) {
            close (sock);
            _serve (peer, log);
            _exit (0);
        }
        close (peer);
    }
}
