/* elsewhere.c - where to ask, for who asks where no warden is: see elsewhere.h */
#include "handler/cli/elsewhere.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/cli/check.h"
#include "handler/conf/slurm_node.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/err.h"

/* A controller that is away keeps its commands for minutes. */
#define TIMEOUT_MS 3000
#define NODES_MAX 1024
#define COMMENT_MAX 1200

#define WORDS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

extern char **environ;

/* ---- what Slurm's commands say ------------------------------------------- */

/* Read what [fd] has, as long as that takes no longer than TIMEOUT_MS. */
static void _elsewhere_read (int fd, char *text, size_t len)
{
    uint64_t end = clock_ms () + TIMEOUT_MS, now;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    size_t have = 0;
    ssize_t n;

    while (have + 1 < len && (now = clock_ms ()) < end &&
           poll (&p, 1, (int) (end - now)) > 0 &&
           (n = read (fd, text + have, len - 1 - have)) > 0)
        have += (size_t) n;
    text[have] = '\0';
}

/* Run [argv], found by PATH, and leave what it prints in [text]: "" where it is not
 * there, or not in time. */
static void _elsewhere_run (char *const argv[], char *text, size_t len)
{
    cleanup_fd int from = -1, to = -1;
    posix_spawn_file_actions_t fa;
    int ends[2], rc;
    pid_t pid;

    text[0] = '\0';
    if (pipe2 (ends, O_CLOEXEC) < 0)
        return;
    from = ends[0];
    to = ends[1];
    posix_spawn_file_actions_init (&fa);
    posix_spawn_file_actions_addopen (&fa, STDIN_FILENO, "/dev/null", O_RDONLY,
                                      0);
    posix_spawn_file_actions_adddup2 (&fa, to, STDOUT_FILENO);
    posix_spawn_file_actions_addopen (&fa, STDERR_FILENO, "/dev/null", O_WRONLY,
                                      0);
    rc = posix_spawnp (&pid, argv[0], &fa, NULL, argv, environ);
    posix_spawn_file_actions_destroy (&fa);
    if (rc != 0)
        return;
    close (mw_steal_fd (&to));
    _elsewhere_read (from, text, len);
    kill (pid, SIGKILL); /* its output has ended, or its time */
    waitpid (pid, NULL, 0);
}

/* Copy the word of [text] that begins with [name], "=" included. */
static bool _elsewhere_word (const char *text, const char *name, char *word,
                             size_t len)
{
    const char *at = text;

    while ((at = strstr (at, name)) && at > text && at[-1] != ' ')
        at++;
    if (!at)
        return false;
    at += strlen (name);
    snprintf (word, len, "%.*s", (int) strcspn (at, " \n"), at);
    mw_tame (word, "");
    return true;
}

char *elsewhere_nodes (const char *text, char *nodes, size_t len)
{
    if (!_elsewhere_word (text, "NodeList=", nodes, len) ||
        strcmp (nodes, "(null)") == 0)
        nodes[0] = '\0';
    return nodes;
}

/* Of what scontrol says in one line a comment goes on until the next member, which
 * begins with a capital: " StdErr=". */
static size_t _comment_len (const char *at)
{
    size_t n = 0, name;

    while (at[n] && at[n] != '\n') {
        n += strcspn (at + n, " \n");
        name = at[n] == ' ' ? 1 + strspn (at + n + 1, WORDS) : 0;
        if (name > 1 && isupper ((unsigned char) at[n + 1]) &&
            at[n + name] == '=')
            break;
        n += at[n] == ' ';
    }
    return n;
}

/* Copy [len] bytes of [text] where memwarden, or who says so, has written them. */
static void _take_comment (const char *text, size_t len, char *comment)
{
    static const char ours[] = "memwarden: ";

    comment[0] = '\0';
    if (len < sizeof (ours) || strncmp (text, ours, sizeof (ours) - 1) != 0)
        return;
    snprintf (comment, COMMENT_MAX, "%.*s", (int) len, text);
    mw_tame (comment, "");
}

char *elsewhere_first (const char *nodes, char *host, size_t len)
{
    size_t n = 0;

    for (; *nodes && *nodes != ',' && n + 1 < len; nodes++) {
        if (*nodes != '[') {
            host[n++] = *nodes;
            continue;
        }
        for (nodes++; isdigit ((unsigned char) *nodes) && n + 1 < len; nodes++)
            host[n++] = *nodes;
        nodes += strcspn (nodes, "]");
        if (!*nodes)
            break;
    }
    host[n] = '\0';
    return host;
}

/* Has [job] a form of which Slurm knows jobs: 24, 24_1, 24.0? */
static bool _elsewhere_slurms (const char *job)
{
    return isdigit ((unsigned char) job[0]) &&
           strspn (job, "0123456789_") == strcspn (job, ".");
}

/* The nodes of [job], by the controller or, where that knows it no longer, by the
 * accounting; "" = not to be found out.  And what memwarden has left there of what
 * became of it. */
static void _elsewhere_find (const char *job, char *nodes, size_t len,
                             char *comment)
{
    static char text[16384];
    char whole[64];
    char *const scontrol[] = { "scontrol", "--oneliner", "show",
                               "job",      whole,        NULL };
    char *const sacct[] = { "sacct", "-n",  "-X",
                            "-P",    "-o",  "NodeList,Comment",
                            "-j",    whole, NULL };
    const char *at;

    snprintf (whole, sizeof (whole), "%.*s", (int) strcspn (job, "."), job);
    _elsewhere_run (scontrol, text, sizeof (text));
    if ((at = strstr (text, " Comment=")))
        _take_comment (at + 9, _comment_len (at + 9), comment);
    if (*elsewhere_nodes (text, nodes, len))
        return;
    if (text[0])
        return; /* the controller knows it: it waits */
    _elsewhere_run (sacct, text, sizeof (text));
    snprintf (nodes, len, "%.*s", (int) strcspn (text, "|\n"), text);
    if ((at = strchr (text, '|')))
        _take_comment (at + 1, strcspn (at + 1, "\n"), comment);
    mw_tame (nodes, "");
    if (strspn (nodes, " ") == strlen (nodes) || nodes[0] == 'N' /* None … */)
        nodes[0] = '\0';
}

/* ---- what is said -------------------------------------------------------- */

void elsewhere_say (const char *command, const char *job)
{
    char nodes[NODES_MAX] = "", first[256], host[256] = "";
    char comment[COMMENT_MAX] = "";

    gethostname (host, sizeof (host) - 1);
    host[strcspn (host, ".")] = '\0';
    if (job && _elsewhere_slurms (job))
        _elsewhere_find (job, nodes, sizeof (nodes), comment);
    if (comment[0] && strcmp (command, "why") == 0)
        fprintf (stderr, "Its comment, as Slurm has it:  %s\n", comment);
    if (nodes[0] && slurm_node_listed (nodes, host))
        return;
    if (nodes[0])
        fprintf (
            stderr,
            "memwarden runs on the compute nodes, and job %s is on %s: ask "
            "there, as by  ssh %s memwarden %s %s\n",
            job, nodes, elsewhere_first (nodes, first, sizeof (first)), command,
            job);
    else if (doctor_process ("slurmd", true) == 0)
        fprintf (
            stderr,
            "memwarden runs on the compute nodes: ask there, as by  ssh NODE "
            "memwarden %s%s%s%s\n",
            command, job ? " " : "", job ? job : "",
            job ? "  (scontrol show job, or sacct -o NodeList, tells NODE)"
                : "");
}
