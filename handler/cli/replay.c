/* replay.c - memwarden replay: last night's decisions, made again
 *
 * The journal, or a copy of it, is read here and decided again by the code that
 * the warden runs; nothing is asked of the warden but the file.
 */
#include "handler/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handler/account/replay.h"
#include "lib/cleanup.h"

struct replaying {
    const struct cli_command *self;
    const char *config;
    struct conf conf;
    struct decision decision;
    json_t *all;             /* NULL = for people */
    unsigned lines, records; /* read; of them journal's */
    unsigned count, differ, unread;
};

static const char *const verdicts[] = {
    [POLICY_CHOSEN] = "chosen",
    [POLICY_SUFFICES_ALONE] = "suffices-alone",
    [POLICY_NOT_NEEDED] = "not-needed",
    [POLICY_WITHIN_RESERVATION] = "within-reservation",
    [POLICY_FREES_NOTHING] = "frees-nothing",
    [POLICY_LEAVING] = "leaving",
    [POLICY_PROTECTED] = "protected",
};

static const char *_cli_replay_order (enum conf_order order)
{
    return order == CONF_ORDER_STRICT_PRIORITY ? "strict-priority" : "overage";
}

/* Each place's rank then, among the chosen from 1 on; 0 = not chosen. */
static unsigned _rank_then (const struct decision *d, unsigned place,
                            enum policy_verdict *verdict)
{
    const struct policy_rank *r = &d->plan[d->rank[place]];

    *verdict = r->verdict;
    return policy_is_chosen (r) ? d->rank[place] + 1 : 0;
}

/* ---- for people ---------------------------------------------------------- */

static void _print_victims (const char *when, const struct decision *d,
                            const struct policy_rank *plan, unsigned chosen,
                            uint64_t need, enum conf_order order,
                            const char *ladder)
{
    char size[MW_SIZE_STRLEN];

    printf ("  %-4s  %s needed, order %s: ", when,
            mw_size_format (need, size, sizeof (size)),
            _cli_replay_order (order));
    for (unsigned i = 0; i < chosen; i++)
        printf ("%s%s", i ? ", " : "", d->jobs[plan[i].job].key);
    if (chosen > 0)
        printf ("; begun with %s\n", ladder);
    else
        puts (need > 0 ? "nobody can be chosen"
                       : "not yet out of memory at that moment");
}

static char *_number_or_dash (unsigned n, char *buf, size_t len)
{
    snprintf (buf, len, n ? "%u" : "-", n);
    return buf;
}

static void _cli_replay_print_job (const struct decision *d,
                                   const struct replay *r, unsigned rank)
{
    unsigned place = r->plan.ranks[rank].job, then;
    const struct policy_job *was = &d->snapshot[place];
    enum policy_verdict verdict;
    char a[16], b[16], why[MW_ERR_MAX];

    then = _rank_then (d, place, &verdict);
    printf ("  %4s  %4s  %s: %s", _number_or_dash (then, a, sizeof (a)),
            _number_or_dash (rank < r->plan.chosen ? rank + 1 : 0, b,
                             sizeof (b)),
            d->jobs[place].key,
            policy_explain (&r->plan, r->jobs, rank, why, sizeof (why)));
    if (was->priority != r->jobs[place].priority)
        printf ("; priority then %u", was->priority);
    if (verdict != r->plan.ranks[rank].verdict)
        printf ("; then: %s", verdicts[verdict]);
    putchar ('\n');
}

static void _cli_replay_print (const struct decision *d, const struct replay *r)
{
    char t[32];

    printf ("Decision %llu, %s: %s\n", (unsigned long long) d->id,
            cli_local_time (d->time, t, sizeof (t)),
            d->at_limit     ? "the pool was at its limit"
            : d->stalls > 0 ? "tasks waited for memory"
                            : "MemAvailable was below the node reserve");
    _print_victims ("then", d, d->plan, replay_chosen (d), d->need, d->order,
                    d->ladder);
    _print_victims ("now", d, r->plan.ranks, r->plan.chosen, r->plan.need,
                    r->plan.order, r->ladder);
    puts (r->same ? "  the same" : "  DIFFERENT");
    puts ("  THEN   NOW  JOB");
    for (unsigned i = 0; i < d->count; i++)
        _cli_replay_print_job (d, r, i);
    putchar ('\n');
}

/* ---- for programs -------------------------------------------------------- */

static json_t *_cli_replay_size (uint64_t n)
{
    return n > INT64_MAX ? json_null () : json_integer ((json_int_t) n);
}

static json_t *_json_plan (const struct decision *d,
                           const struct policy_rank *plan, unsigned chosen,
                           uint64_t need, uint64_t covered,
                           enum conf_order order, const char *ladder)
{
    json_t *victims = json_array ();

    for (unsigned i = 0; i < chosen; i++)
        json_array_append_new (victims, json_string (d->jobs[plan[i].job].key));
    return json_pack ("{s:o,s:o,s:s,s:s,s:o}", "need", _cli_replay_size (need),
                      "covered", _cli_replay_size (covered), "order",
                      _cli_replay_order (order), "ladder", ladder, "victims",
                      victims);
}

static json_t *_json_job (const struct decision *d, const struct replay *r,
                          unsigned rank)
{
    const struct policy_rank *now = &r->plan.ranks[rank];
    const struct policy_job *j = &r->jobs[now->job];
    enum policy_verdict verdict;
    unsigned then = _rank_then (d, now->job, &verdict);

    return json_pack ("{s:s,s:I,s:i,s:i,s:s,s:s,s:i,s:i,s:o,s:o,s:o,s:o,s:o,"
                      "s:o,s:o,s:o,s:b,s:b,s:b,s:b,s:o}",
                      "job", d->jobs[now->job].key, "uid",
                      (json_int_t) d->jobs[now->job].uid, "rank_then",
                      (int) then, "rank_now",
                      rank < r->plan.chosen ? (int) rank + 1 : 0,
                      "verdict_then", verdicts[verdict], "verdict_now",
                      verdicts[now->verdict], "priority_then",
                      (int) d->snapshot[now->job].priority, "priority_now",
                      (int) j->priority, "reservation",
                      _cli_replay_size (j->reservation), "limit",
                      _cli_replay_size (j->limit), "lent",
                      _cli_replay_size (j->lent), "used",
                      _cli_replay_size (j->used), "swap",
                      _cli_replay_size (j->swap), "overage",
                      _cli_replay_size (now->overage), "overage_permille",
                      _cli_replay_size (now->relative), "lost_work_ms",
                      _cli_replay_size (now->lost_work), "requeueable",
                      j->requeueable, "protect", j->protect, "leaving",
                      j->leaving, "held", j->parked, "frees",
                      _cli_replay_size (now->frees));
}

static json_t *_cli_replay_encode (const struct decision *d,
                                   const struct replay *r)
{
    json_t *jobs = json_array ();

    for (unsigned i = 0; i < d->count; i++)
        json_array_append_new (jobs, _json_job (d, r, i));
    return json_pack ("{s:I,s:s,s:b,s:b,s:o,s:o,s:o}", "id", (json_int_t) d->id,
                      "time", d->time, "at_limit", d->at_limit, "same", r->same,
                      "then",
                      _json_plan (d, d->plan, replay_chosen (d), d->need,
                                  d->covered, d->order, d->ladder),
                      "now",
                      _json_plan (d, r->plan.ranks, r->plan.chosen,
                                  r->plan.need, r->plan.covered, r->plan.order,
                                  r->ladder),
                      "jobs", jobs);
}

/* ---- reading ------------------------------------------------------------- */

static int _decide (struct replaying *p, struct mw_err *err)
{
    struct decision *d = &p->decision;
    struct replay r;
    int rc = replay_decide (d, &p->conf, &r, err);

    if (rc == 0) {
        p->count++;
        p->differ += !r.same;
        if (p->all)
            json_array_append_new (p->all, _cli_replay_encode (d, &r));
        else
            _cli_replay_print (d, &r);
    }
    replay_free (&r);
    decision_free (d);
    return rc;
}

/* Its warden was killed, or the disk was full. */
static void _not_whole (struct replaying *p, uint64_t id)
{
    p->unread++;
    fprintf (stderr, "memwarden replay: decision %llu is not whole\n",
             (unsigned long long) id);
}

static void _cli_replay_record (struct replaying *p, const json_t *record)
{
    uint64_t begun = p->decision.id;
    struct mw_err err;
    int rc;

    p->records += *cli_text (record, "event") != '\0';
    rc = decision_take (&p->decision, record, &err);
    if (begun > 0 && rc >= 0 && p->decision.id != begun)
        _not_whole (p, begun);
    if (rc > 0)
        rc = _decide (p, &err);
    if (rc == 0)
        return;
    p->unread++;
    fprintf (stderr, "memwarden replay: record %llu: %s\n",
             cli_number (record, "seq"), err.text);
}

static int _cli_replay_read (struct replaying *p, FILE *f)
{
    cleanup_free char *text = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = getline (&text, &room, f)) > 0) {
        cleanup_json json_t *record = json_loadb (text, (size_t) n, 0, NULL);

        p->lines++;
        _cli_replay_record (p, record);
    }
    if (!ferror (f))
        return CLI_OK;
    perror ("memwarden replay: cannot read the journal");
    return CLI_FAILED;
}

static int _read_journal (struct replaying *p, const struct cli_common *common)
{
    cleanup_file FILE *old = NULL, *f = NULL;
    int rc = CLI_OK;

    if (geteuid () != 0) {
        fputs ("memwarden replay: what was decided about all jobs of the node "
               "is root's to read; `memwarden why JOB` tells of your own\n",
               stderr);
        return CLI_DENIED;
    }
    if (!(old = cli_open_history (p->self, common, true, &rc)) ||
        !(f = cli_open_history (p->self, common, false, &rc)))
        return rc;
    rc = _cli_replay_read (p, old);
    return rc == CLI_OK ? _cli_replay_read (p, f) : rc;
}

static int _cli_replay_read_file (struct replaying *p, const char *path)
{
    cleanup_file FILE *f = NULL;
    struct mw_err err;

    if (strcmp (path, "-") == 0)
        return _cli_replay_read (p, stdin);
    if ((f = fopen (path, "re")))
        return _cli_replay_read (p, f);
    mw_err_errno (&err, "cannot open %s", path);
    return cli_fail (p->self, &err, errno);
}

static int _cli_replay_end (struct replaying *p)
{
    if (p->decision.id > 0)
        _not_whole (p, p->decision.id);
    if (p->lines > 0 && p->records == 0) {
        fputs ("memwarden replay: this is no journal of memwardend\n", stderr);
        return CLI_FAILED;
    }
    if (p->all)
        cli_print_json (p->all);
    else
        printf ("%u decision%s about the node, %u different by %s\n", p->count,
                p->count == 1 ? "" : "s", p->differ, p->config);
    if (p->unread > 0)
        return CLI_FAILED;
    return p->differ > 0 ? CLI_DIFFERS : CLI_OK;
}

int cli_replay (const struct cli_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_COMMON_OPTIONS, { "config", required_argument, NULL, 'c' }, { 0 }
    };
    static struct replaying p = { .config = CONF_PATH_DEFAULT };
    struct cli_common common = { 0 };
    cleanup_json json_t *all = NULL;
    struct mw_err err;
    int c, rc;

    p.self = self;
    while ((c = getopt_long (argc, argv, CLI_LETTERS, options, NULL)) != -1) {
        if (c == 'c')
            p.config = optarg;
        else
            cli_common_option (self, c, &common);
    }
    if (optind + 1 < argc)
        return cli_usage (self, "one journal at a time");
    if (conf_load (&p.conf, p.config, &err) < 0)
        return cli_fail (self, &err, errno);
    if (common.json)
        p.all = all = json_array ();
    rc = optind < argc ? _cli_replay_read_file (&p, argv[optind])
                       : _read_journal (&p, &common);
    if (rc == CLI_OK)
        rc = _cli_replay_end (&p);
    decision_free (&p.decision);
    return rc;
}
