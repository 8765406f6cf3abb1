/* touchmem.c - use memory as told: the jobs of tests, benches and the demo
 *
 * Says on standard output, a line each, what it has done ("touched 64 MiB",
 * "checkpoint FILE"), so that a test can wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/units.h"

static const char usage[] =
    "Usage: touchmem --size SIZE [OPTION]...\n"
    "Touch SIZE of memory, then end with 0.\n"
    "\n"
    "  --size SIZE          how much, in steps of 1 MiB\n"
    "  --rate SIZE          at most that much a second (default: full speed)\n"
    "  --pieces             malloc a MiB at a time; where there is none,\n"
    "                       say so and touch no more\n"
    "  --then-fork          before staying, fork a child that stays, too\n"
    "  --shmem              shared memory instead of anonymous\n"
    "  --lock               mlock it\n"
    "  --children N         N processes, each with SIZE\n"
    "  --stay SECONDS       stay that long after it (0: until a signal)\n"
    "  --free               give it back before staying\n"
    "  --stop-file FILE     stay until FILE is there\n"
    "  --checkpoint FILE    on SIGUSR1 or SIGTERM write FILE, end with 0\n"
    "  --write-for SECONDS  be that long at it: \"begun\" is in FILE meanwhile\n"
    "  --go-on              after the checkpoint go on instead of ending\n"
    "  --resume             end at once with 0 if the checkpoint is there\n"
    "  --ignore-term        go on at SIGTERM\n";

static struct {
    uint64_t size, rate;
    bool shmem, lock, give_back, resume, ignore_term, stay, go_on, pieces,
        then_fork;
    unsigned children;
    double stay_s, write_s;
    const char *checkpoint, *stop_file;
} opt;

static void _pause_ms (uint64_t ms)
{
    struct timespec t = { .tv_sec = (time_t) (ms / 1000),
                          .tv_nsec = (long) (ms % 1000) * 1000000 };

    while (nanosleep (&t, &t) < 0 && errno == EINTR)
        ;
}

/* Async-signal-safe: the program is most likely inside a page fault. */
static void _checkpoint (int signo)
{
    static const char text[] = "checkpoint\n", begun[] = "begun\n";
    int fd = open (opt.checkpoint, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    (void) signo;
    if (opt.write_s > 0 && write (fd, begun, sizeof (begun) - 1) > 0)
        _pause_ms ((uint64_t) (opt.write_s * 1000));
    if (fd < 0 || write (fd, text, sizeof (text) - 1) < 0 ||
        write (STDOUT_FILENO, text, sizeof (text) - 1) < 0)
        _exit (1);
    close (fd);
    if (!opt.go_on)
        _exit (0);
}

static uint64_t _now_ms (void)
{
    struct timespec t;

    clock_gettime (CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

static void _touch (char *mem)
{
    uint64_t began = _now_ms (), done, due, now;
    long page = sysconf (_SC_PAGESIZE);

    for (done = 0; done < opt.size; done += (uint64_t) page) {
        mem[done] = 1;
        if (opt.rate == 0 || done % MW_MIB != 0)
            continue;
        due = began + done * 1000 / opt.rate;
        now = _now_ms ();
        if (now < due)
            _pause_ms (due - now);
        else
            began += now - due; /* at most the rate: nothing is made up for */
    }
}

static int _stay (void)
{
    if (opt.then_fork && fork () == 0)
        printf ("child %d\n", (int) getpid ());
    if (opt.stop_file) {
        while (access (opt.stop_file, F_OK) < 0)
            _pause_ms (50);
    } else if (opt.stay && opt.stay_s <= 0) {
        for (;;)
            pause ();
    } else if (opt.stay) {
        _pause_ms ((uint64_t) (opt.stay_s * 1000));
    }
    return 0;
}

/* Returns how much there was; *[head] is the list of it. */
static uint64_t _touch_pieces (char ***head)
{
    uint64_t done;
    char **piece;

    for (done = 0; done < opt.size; done += MW_MIB) {
        piece = malloc (MW_MIB - 64);
        if (!piece) {
            printf ("no memory: %s\n", strerror (errno));
            break;
        }
        memset (piece, 1, MW_MIB - 64);
        *piece = (char *) *head;
        *head = piece;
    }
    return done;
}

static int _work_pieces (void)
{
    char **head = NULL, **next;
    uint64_t done = _touch_pieces (&head);

    printf ("touched %llu MiB\n", (unsigned long long) (done / MW_MIB));
    for (; opt.give_back && head; head = next) {
        next = (char **) *head;
        free (head);
    }
    if (opt.give_back)
        printf ("freed\n");
    return _stay ();
}

static int _work (void)
{
    int flags = opt.shmem ? MAP_SHARED : MAP_PRIVATE;
    char *mem;

    if (opt.pieces)
        return _work_pieces ();
    mem = mmap (NULL, opt.size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS,
                -1, 0);
    if (mem == MAP_FAILED ||
        (opt.lock && mlock2 (mem, opt.size, MLOCK_ONFAULT) < 0)) {
        perror ("touchmem: memory");
        return 1;
    }
    _touch (mem);
    printf ("touched %llu MiB\n", (unsigned long long) (opt.size / MW_MIB));
    if (opt.give_back) {
        munmap (mem, opt.size);
        printf ("freed\n");
    }
    return _stay ();
}

static int _work_many (void)
{
    int status, worst = 0;

    for (unsigned i = 0; i < opt.children; i++) {
        if (fork () == 0)
            _exit (_work ());
    }
    while (wait (&status) > 0) {
        if (status != 0)
            worst = WIFSIGNALED (status) ? 128 + WTERMSIG (status) : 1;
    }
    return worst;
}

static uint64_t _size_arg (const char *text)
{
    struct mw_err err;
    uint64_t bytes;

    if (mw_size_parse (text, &bytes, &err) < 0) {
        fprintf (stderr, "touchmem: %s\n", err.text);
        exit (2);
    }
    return bytes;
}

static void _parse (int argc, char **argv)
{
    enum {
        SIZE = 1,
        RATE,
        SHMEM,
        LOCK,
        CHILDREN,
        STAY,
        FREE,
        STOP_FILE,
        CHECKPOINT,
        WRITE_FOR,
        GO_ON,
        RESUME,
        IGNORE_TERM,
        HELP,
        PIECES,
        THEN_FORK
    };
    static const struct option options[] = {
        { "size", 1, NULL, SIZE },
        { "rate", 1, NULL, RATE },
        { "shmem", 0, NULL, SHMEM },
        { "lock", 0, NULL, LOCK },
        { "children", 1, NULL, CHILDREN },
        { "stay", 1, NULL, STAY },
        { "free", 0, NULL, FREE },
        { "stop-file", 1, NULL, STOP_FILE },
        { "checkpoint", 1, NULL, CHECKPOINT },
        { "write-for", 1, NULL, WRITE_FOR },
        { "go-on", 0, NULL, GO_ON },
        { "resume", 0, NULL, RESUME },
        { "pieces", 0, NULL, PIECES },
        { "then-fork", 0, NULL, THEN_FORK },
        { "ignore-term", 0, NULL, IGNORE_TERM },
        { "help", 0, NULL, HELP },
        { 0 }
    };
    int c;

    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case SIZE:
            opt.size = _size_arg (optarg);
            break;
        case RATE:
            opt.rate = _size_arg (optarg);
            break;
        case SHMEM:
            opt.shmem = true;
            break;
        case LOCK:
            opt.lock = true;
            break;
        case CHILDREN:
            opt.children = (unsigned) atoi (optarg);
            break;
        case STAY:
            opt.stay = true;
            opt.stay_s = atof (optarg);
            break;
        case FREE:
            opt.give_back = true;
            break;
        case STOP_FILE:
            opt.stop_file = optarg;
            break;
        case CHECKPOINT:
            opt.checkpoint = optarg;
            break;
        case WRITE_FOR:
            opt.write_s = atof (optarg);
            break;
        case GO_ON:
            opt.go_on = true;
            break;
        case RESUME:
            opt.resume = true;
            break;
        case IGNORE_TERM:
            opt.ignore_term = true;
            break;
        case PIECES:
            opt.pieces = true;
            break;
        case THEN_FORK:
            opt.then_fork = true;
            break;
        case HELP:
            fputs (usage, stdout);
            exit (0);
        default:
            fputs (usage, stderr);
            exit (2);
        }
    }
    if (opt.size == 0) {
        fputs (usage, stderr);
        exit (2);
    }
}

int main (int argc, char **argv)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    _parse (argc, argv);
    if (opt.resume && opt.checkpoint && access (opt.checkpoint, F_OK) == 0) {
        printf ("resumed from %s\n", opt.checkpoint);
        opt.checkpoint = NULL;
        return 0;
    }
    if (opt.checkpoint) {
        signal (SIGUSR1, _checkpoint);
        signal (SIGTERM, _checkpoint);
    }
    if (opt.ignore_term)
        signal (SIGTERM, SIG_IGN);
    return opt.children > 0 ? _work_many () : _work ();
}
