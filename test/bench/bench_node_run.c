/* bench_node_run.c - the node runs out of memory: who is chosen, and how soon
 *
 * Each run has an innocent job within its reservation and a hog; a line of
 * numbers a run goes to standard output, HEAD names them.  Times are from the
 * moment at which MemAvailable was first seen below the threshold; "before":
 * the hog's end came before that.
 */
#include "test/bench/bench_node.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/units.h"

static const char usage[] =
    "Usage: bench_node_run --pool DIR --hog PROGRAM --shape SHAPE [OPTION]...\n"
    "  --label NAME      first column\n"
    "  --runs N          (1)\n"
    "  --first-run N     number of the first (1)\n"
    "  --threshold PCT   of MemTotal, below which the handler should act (10)\n"
    "  --socket PATH     register the jobs with the memwardend there\n"
    "  --low             write reservations to memory.low\n"
    "  --pause S         between runs (0)\n"
    "  --patience S      how long after the threshold to wait for an end (20)\n"
    "  --head            print the line that names the columns, and end\n"
    "SHAPE: big, many, fast, hidden, two, fork\n";

#define HEAD \
    "handler\tshape\trun\tverdict\tact_ms\tgone_ms\thog_ms\t" \
    "hog_gone_ms\trate_mib_s\tlowest_pct\tstall_ms\tobserver_ms\t" \
    "innocent\tother\tstrangers\tstranger\tby\n"

#define MAX_JOBS 3
#define LOOK_EVERY 10  /* samples between looks at the hog's cgroup */
#define AFTER_MS 200   /* go on watching after its end */
#define FROZEN_MS 3000 /* frozen that long: it is left so */
#define CROSS_S 90     /* the threshold must be reached by then */
#define CALM_MS 5000

static struct {
    struct where where;
    const char *label, *shape;
    unsigned runs, first_run, threshold, pause, patience;
} opt = {
    .label = "-", .runs = 1, .first_run = 1, .threshold = 10, .patience = 20
};

/* clang-format off */
#define INNOCENT(size, mib) { .name = NAME_INNOCENT, .kind = "plain", \
    .first = size, .most = size, .reservation = (mib) * MW_MIB, \
    .priority = 500 }
#define HOG(what, f, r, mib, prio) { .name = NAME_HOG, .kind = what, \
    .first = f, .rate = r, .reservation = (mib) * MW_MIB, .priority = prio }
/* clang-format on */

static const struct shape {
    const char *name;
    struct plan job[MAX_JOBS]; /* the hog last */
} shapes[] = {
    /* the innocent is the largest by far; all are of one priority */
    { "big",
      { INNOCENT ("450M", 480), HOG ("plain", "150M", "40M", 64, 500) } },
    { "many",
      { INNOCENT ("450M", 480), HOG ("many", "150M", "40M", 64, 500) } },
    { "fast", { INNOCENT ("450M", 480), HOG ("plain", NULL, NULL, 64, 500) } },
    { "hidden",
      { INNOCENT ("450M", 480), HOG ("hidden", "150M", "40M", 64, 500) } },
    /* the other is larger and farther over its reservation, but of higher
     * priority: what the hog has is enough */
    { "two",
      { INNOCENT ("150M", 170),
        { .name = NAME_OTHER,
          .kind = "plain",
          .first = "300M",
          .most = "300M",
          .reservation = 32 * MW_MIB,
          .priority = 700 },
        HOG ("plain", "100M", "40M", 64, 300) } },
    { "fork", { INNOCENT ("450M", 480), HOG ("fork", NULL, NULL, 64, 500) } },
};

static const struct shape *_shape (const char *name)
{
    for (unsigned i = 0; name && i < sizeof (shapes) / sizeof (*shapes); i++) {
        if (!strcmp (shapes[i].name, name))
            return &shapes[i];
    }
    fputs (usage, stderr);
    exit (2);
}

/* Until the threshold is crossed. Returns when; 0: it was not, and [*how]. */
static uint64_t _until_crossed (struct watch *w, const struct runner *hog,
                                const char **how)
{
    uint64_t end = bench_now_us () + CROSS_S * UINT64_C (1000000);
    uint64_t threshold = w->total / 100 * opt.threshold;
    uint64_t begun = w->sampled_us, first;

    watch_next (w);
    first = w->available;
    for (unsigned n = 1; w->sampled_us < end; n++) {
        watch_next (w);
        w->rate = ((double) first - (double) w->available) /
                  (double) (w->sampled_us - begun);
        if (w->available < threshold)
            return w->sampled_us;
        if (n % LOOK_EVERY == 0 && !job_event (hog, "populated")) {
            *how = "gone";
            return 0;
        }
    }
    return 0;
}

/* Until the hog is gone, or stopped and left so, or patience ends. Returns how
 * it ended. */
static const char *_until_over (struct watch *w, const struct runner *hog,
                                uint64_t crossed)
{
    uint64_t end = crossed + opt.patience * UINT64_C (1000000), frozen = 0;
    const char *how = "late";

    for (unsigned n = 1; w->sampled_us < end; n++) {
        watch_next (w);
        if (n % LOOK_EVERY != 0)
            continue;
        if (!job_event (hog, "populated")) {
            how = "gone";
            break;
        }
        if (!job_event (hog, "frozen"))
            frozen = 0;
        else if (frozen == 0)
            frozen = w->sampled_us;
        if (frozen > 0 && w->sampled_us - frozen > FROZEN_MS * 1000) {
            how = "held";
            break;
        }
    }
    for (end = w->sampled_us + AFTER_MS * 1000; w->sampled_us < end;)
        watch_next (w);
    return how;
}

/* "12.3" ms from [from] to [to]. */
static const char *_ms (uint64_t from, uint64_t to, char *buf, size_t len)
{
    if (to == 0)
        return "-";
    if (from == 0)
        return "before";
    snprintf (buf, len, "%.1f", ((double) to - (double) from) / 1000);
    return buf;
}

static void _print (unsigned run, const char *how, uint64_t crossed,
                    const struct watch *w, uint64_t stall_us,
                    const struct deeds *d)
{
    char a[32], b[32], c[32], e[32];
    bool wrong = d->innocent + d->other > 0;

    printf ("%s\t%s\t%u\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.2f\t%.1f\t%.1f\t"
            "%u\t%u\t%u\t%s\t%s\n",
            opt.label, opt.shape, run, wrong ? "wrong" : how,
            _ms (crossed, d->first_us, a, sizeof (a)),
            _ms (crossed, d->first_gone_us, b, sizeof (b)),
            _ms (crossed, d->hog_us, c, sizeof (c)),
            _ms (crossed, d->hog_gone_us, e, sizeof (e)),
            w->rate * 1000000 / MW_MIB,
            (double) w->lowest * 100 / (double) w->total,
            (double) stall_us / 1000, (double) w->stall_us / 1000, d->innocent,
            d->other, d->strangers, d->stranger[0] ? d->stranger : "-",
            d->first_us ? d->first_by : "-");
    fflush (stdout);
}

/* What the last run has left is given back before the next one begins. */
static void _calm (struct watch *w)
{
    uint64_t end = bench_now_us () + CALM_MS * 1000;

    do {
        watch_next (w);
    } while (w->available < w->total / 10 * 7 && w->sampled_us < end);
    if (w->available < w->total / 10 * 7)
        fprintf (stderr, "# only %llu MiB are available before a run\n",
                 (unsigned long long) (w->available / MW_MIB));
}

static void _run (const struct shape *s, unsigned run, struct watch *w)
{
    struct runner job[MAX_JOBS], *hog = NULL;
    volatile uint64_t *stall_us;
    uint64_t begun = w->sampled_us, crossed;
    const char *how = "none";
    struct deeds deeds;
    unsigned n = 0;
    pid_t beside;

    _calm (w);
    beside = watch_bystander (&stall_us);
    trace_begin ();
    for (; n < MAX_JOBS && s->job[n].name; n++) {
        watch_reset (w);
        *stall_us = 0;
        begun = w->sampled_us;
        job_start (&opt.where, &s->job[n], run, &job[n]);
        hog = &job[n];
    }
    watch_reset (w);
    crossed = _until_crossed (w, hog, &how);
    if (crossed)
        how = _until_over (w, hog, crossed);
    trace_end (begun, getpid (), &deeds);
    _print (run, how, crossed, w, *stall_us, &deeds);
    while (n-- > 0)
        job_stop (&opt.where, &job[n]);
    kill (beside, SIGKILL);
    waitpid (beside, NULL, 0);
}

static void _protect (void)
{
    int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write (fd, "-1000", 5) != 5)
        bench_die ("cannot protect itself: %s", strerror (errno));
    close (fd);
}

static unsigned _number (const char *text)
{
    char *end;
    unsigned long n = strtoul (text, &end, 10);

    if (*end || end == text || n > 100000)
        bench_die ("\"%.20s\" is no number that is expected here", text);
    return (unsigned) n;
}

static void _parse (int argc, char **argv)
{
    enum {
        POOL = 1,
        HOG_PATH,
        SHAPE,
        LABEL,
        RUNS,
        FIRST,
        THRESHOLD,
        SOCKET,
        LOW,
        PAUSE,
        PATIENCE,
        COLUMNS,
        HELP
    };
    static const struct option options[] = { { "pool", 1, NULL, POOL },
                                             { "hog", 1, NULL, HOG_PATH },
                                             { "shape", 1, NULL, SHAPE },
                                             { "label", 1, NULL, LABEL },
                                             { "runs", 1, NULL, RUNS },
                                             { "first-run", 1, NULL, FIRST },
                                             { "threshold", 1, NULL,
                                               THRESHOLD },
                                             { "socket", 1, NULL, SOCKET },
                                             { "low", 0, NULL, LOW },
                                             { "pause", 1, NULL, PAUSE },
                                             { "patience", 1, NULL, PATIENCE },
                                             { "head", 0, NULL, COLUMNS },
                                             { "help", 0, NULL, HELP },
                                             { 0 } };
    int c;

    opt.where.pool = -1;
    while ((c = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case POOL:
            opt.where.pool = open (optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            break;
        case HOG_PATH:
            opt.where.hog = optarg;
            break;
        case SHAPE:
            opt.shape = optarg;
            break;
        case LABEL:
            opt.label = optarg;
            break;
        case RUNS:
            opt.runs = _number (optarg);
            break;
        case FIRST:
            opt.first_run = _number (optarg);
            break;
        case THRESHOLD:
            opt.threshold = _number (optarg);
            break;
        case SOCKET:
            opt.where.socket = optarg;
            break;
        case LOW:
            opt.where.low = true;
            break;
        case PAUSE:
            opt.pause = _number (optarg);
            break;
        case PATIENCE:
            opt.patience = _number (optarg);
            break;
        case COLUMNS:
            fputs (HEAD, stdout);
            exit (0);
        case HELP:
            fputs (usage, stdout);
            exit (0);
        default:
            fputs (usage, stderr);
            exit (2);
        }
    }
    if (opt.where.pool < 0 || !opt.where.hog) {
        fputs (usage, stderr);
        exit (2);
    }
}

int main (int argc, char **argv)
{
    const struct shape *s;
    struct watch w;

    _parse (argc, argv);
    s = _shape (opt.shape);
    _protect ();
    watch_open (&w);
    for (unsigned i = 0; i < opt.runs; i++) {
        if (i > 0)
            sleep (opt.pause);
        _run (s, opt.first_run + i, &w);
    }
    return 0;
}
