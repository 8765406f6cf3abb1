/* A million random nodes and configurations (fixed seed): whatever the numbers,
 * the plan keeps its promises.  The checks know the rules of doc/design.md, section
 * 4, not how policy/policy.c goes about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handler/policy/policy.h"

#define ROUNDS 1000000
#define MAX_JOBS 64

static uint64_t seed = 20261121;

/* splitmix64: small, and the same everywhere */
static uint64_t _random (void)
{
    uint64_t z = (seed += UINT64_C (0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t _below (uint64_t n)
{
    return _random () % n;
}

struct trial {
    unsigned count;
    uint64_t need;
    enum conf_order order;
    struct policy_node node;
    struct policy_job jobs[MAX_JOBS];
    struct policy_plan plan;
    struct policy_rank ranks[MAX_JOBS];
};

/* Few distinct values, so that ties are common; now and then absurd ones. */
static uint64_t _size (unsigned wild)
{
    static const uint64_t absurd[] = { 0, 1, UINT64_MAX, INT64_MAX,
                                       UINT64_C (1) << 48 };

    if (wild && _below (8) == 0)
        return absurd[_below (sizeof (absurd) / sizeof (absurd[0]))];
    return _below (3) ? _below (9) * 64 * MW_MIB : _below (MW_GIB);
}

static void _make (struct trial *t)
{
    unsigned kinds = 1 + (unsigned) _below (4);
    unsigned wild = _below (16) == 0;
    unsigned i;

    memset (t, 0, sizeof (*t));
    t->count = (unsigned) _below (_below (64) ? 9 : MAX_JOBS + 1);
    t->order = _below (2) ? CONF_ORDER_OVERAGE : CONF_ORDER_STRICT_PRIORITY;
    t->need = _below (8) ? _below (3 * MW_GIB) : _size (wild);
    t->node.capacity = _size (wild) * 4;
    t->node.used = _size (wild) * 4;
    for (i = 0; i < t->count; i++) {
        t->jobs[i] = (struct policy_job) {
            .index = i,
            .slurm_id = (uint32_t) _below (4),
            .priority = (unsigned) _below (kinds) * 300,
            .reservation = _size (wild),
            .limit = _size (wild),
            .lent = _below (4) ? 0 : _size (wild),
            .used = _size (wild),
            .swap = _below (2) ? 0 : _size (wild),
            .elapsed_ms = wild ? _random () : _below (3) * 1000,
            .cpus = (uint32_t) _below (4),
            .requeueable = _below (2),
            .protect = _below (8) == 0,
            .leaving = _below (8) == 0,
            .parked = _below (4) == 0,
        };
    }
}

static void _run (struct trial *t, uint8_t dirt)
{
    memset (t->ranks, dirt, sizeof (t->ranks));
    memset (&t->plan, dirt, sizeof (t->plan));
    t->plan.ranks = t->ranks;
    policy_victims (&t->node, t->jobs, t->count, t->need, t->order, &t->plan);
}

static bool _candidate (const struct policy_job *j)
{
    return !j->protect && !j->leaving && j->used > 0;
}

static uint64_t _frees (const struct policy_job *j)
{
    return j->used < UINT64_C (1) << 48 ? j->used : UINT64_C (1) << 48;
}

static bool _over (const struct policy_job *j)
{
    return j->used > j->reservation;
}

/* Is [a] of a tier before [b]'s? */
static bool _tier_before (const struct policy_job *a,
                          const struct policy_job *b, enum conf_order order)
{
    if (order == CONF_ORDER_OVERAGE && _over (a) != _over (b))
        return _over (a);
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return _over (a) && !_over (b);
}

#define CHECK(t, promise, cond) \
    do { \
        if (!(cond)) \
            _broken ((t), promise, #cond); \
    } while (0)

static void _broken (const struct trial *t, const char *promise,
                     const char *cond)
{
    unsigned i;

    print_message ("need %llu order %d\n", (unsigned long long) t->need,
                   t->order);
    for (i = 0; i < t->plan.count && i < t->count; i++) {
        const struct policy_rank *r = &t->ranks[i];
        const struct policy_job *j = &t->jobs[r->job % MAX_JOBS];

        print_message ("%s job %u: prio %u used %llu of %llu%s%s\n",
                       i < t->plan.chosen ? "*" : " ", r->job, j->priority,
                       (unsigned long long) j->used,
                       (unsigned long long) j->reservation,
                       j->protect ? " protect" : "",
                       j->leaving ? " leaving" : "");
    }
    fail_msg ("%s: not true: %s", promise, cond);
}

static void _check_whole (const struct trial *t)
{
    uint64_t seen = 0;
    unsigned i;

    CHECK (t, "every job is in the plan", t->plan.count == t->count);
    CHECK (t, "every job is in the plan", t->plan.chosen <= t->count);
    for (i = 0; i < t->count; i++) {
        CHECK (t, "every job is there once", t->ranks[i].job < t->count);
        CHECK (t, "every job is there once", !(seen >> t->ranks[i].job & 1));
        seen |= UINT64_C (1) << t->ranks[i].job;
        CHECK (t, "the victims are the first",
               policy_is_chosen (&t->ranks[i]) == (i < t->plan.chosen));
    }
}

static void _check_victims (const struct trial *t)
{
    uint64_t leaving = 0, all = 0, chosen = 0, left;
    unsigned i;

    for (i = 0; i < t->count; i++) {
        if (t->jobs[i].leaving)
            leaving += _frees (&t->jobs[i]);
        else if (_candidate (&t->jobs[i]))
            all += _frees (&t->jobs[i]);
    }
    for (i = 0; i < t->plan.chosen; i++) {
        CHECK (t, "never a forbidden victim",
               _candidate (&t->jobs[t->ranks[i].job]));
        chosen += _frees (&t->jobs[t->ranks[i].job]);
    }
    left = t->need > leaving ? t->need - leaving : 0;
    CHECK (t, "the need is covered if it can be",
           all < left ? chosen == all : chosen >= left);
    CHECK (t, "the plan says what it covers",
           t->plan.covered == leaving + chosen);
    CHECK (t, "nothing needed, nobody chosen", left > 0 || chosen == 0);
}

/* Nobody of a later tier while the tiers before suffice; in the default order
 * the reservation promise is a part of that, said again in its own words. */
static void _check_tiers (const struct trial *t)
{
    uint64_t before, overages = 0, leaving = 0;
    unsigned i, k;

    for (i = 0; i < t->count; i++) {
        const struct policy_job *j = &t->jobs[i];

        if (_candidate (j) && _over (j))
            overages += _frees (j) - j->reservation;
        if (j->leaving)
            leaving += _frees (j);
    }
    for (i = 0; i < t->plan.chosen; i++) {
        const struct policy_job *v = &t->jobs[t->ranks[i].job];

        before = leaving;
        for (k = 0; k < t->count; k++) {
            const struct policy_job *j = &t->jobs[t->ranks[k].job];

            if (!_candidate (j) || !_tier_before (j, v, t->order))
                continue;
            before += _frees (j);
            CHECK (t, "nobody over is let off for one within",
                   _over (v) || !_over (j) || k < t->plan.chosen);
        }
        CHECK (t, "tiers before do not suffice", before < t->need);
        if (t->order == CONF_ORDER_OVERAGE && !_over (v))
            CHECK (t, "reservation promise", overages + leaving < t->need);
    }
}

static void _check_minimal (const struct trial *t)
{
    unsigned i, k;

    for (i = 0; i < t->plan.chosen; i++) {
        const struct policy_rank *r = &t->ranks[i];
        bool shield = false;

        /* one over its reservation is not let off before one within */
        for (k = 0; _over (&t->jobs[r->job]) && k < t->plan.chosen; k++)
            shield |= !_over (&t->jobs[t->ranks[k].job]) &&
                      _tier_before (&t->jobs[r->job], &t->jobs[t->ranks[k].job],
                                    t->order);
        CHECK (t, "nobody chosen in vain",
               shield || t->plan.covered - r->frees < t->need);
    }
}

/* If one tier alone gives all victims, no smaller number of it would do. */
static void _check_fewest (const struct trial *t)
{
    uint64_t best[MAX_JOBS], sum = 0, leaving = 0;
    unsigned i, k, n = 0;
    const struct policy_job *v;

    if (t->plan.chosen < 1 || t->plan.covered < t->need)
        return;
    v = &t->jobs[t->ranks[0].job];
    for (i = 0; i < t->plan.chosen; i++) {
        if (_tier_before (v, &t->jobs[t->ranks[i].job], t->order) ||
            _tier_before (&t->jobs[t->ranks[i].job], v, t->order))
            return;
    }
    for (i = 0; i < t->count; i++) {
        const struct policy_job *j = &t->jobs[i];

        if (j->leaving)
            leaving += _frees (j);
        if (!_candidate (j) || _tier_before (v, j, t->order) ||
            _tier_before (j, v, t->order))
            continue;
        for (k = n++; k > 0 && best[k - 1] < _frees (j); k--)
            best[k] = best[k - 1];
        best[k] = _frees (j);
    }
    for (k = 0; k < n && leaving + sum < t->need; k++)
        sum += best[k];
    CHECK (t, "the fewest of the tier", t->plan.chosen == k);
}

/* The terms that the plan names are what the rules say, and say the order: over
 * their reservation or not, priority, relative overage, what can be requeued,
 * lost work; among the victims and among those who are let off. */
static void _check_terms (const struct trial *t, const struct policy_rank *r)
{
    const struct policy_job *j = &t->jobs[r->job];
    uint64_t over = _over (j) ? j->used - j->reservation : 0;
    unsigned __int128 lost = (unsigned __int128) j->elapsed_ms * j->cpus;
    unsigned __int128 part = (unsigned __int128) over * 1000;

    CHECK (t, "the overage is told", r->overage == over);
    CHECK (t, "lost work is told",
           r->lost_work == (lost > UINT64_MAX ? UINT64_MAX : (uint64_t) lost));
    if (over == 0)
        CHECK (t, "relative overage is told", r->relative == 0);
    else if (j->reservation == 0)
        CHECK (t, "relative overage is told", r->relative == UINT64_MAX);
    else if (part <= UINT64_MAX)
        CHECK (t, "relative overage is told",
               r->relative == (uint64_t) part / j->reservation);
}

/* Is [b] to be taken before [a], whatever the order of input? */
static bool _wrong_way (const struct trial *t, const struct policy_rank *a,
                        const struct policy_rank *b)
{
    const struct policy_job *ja = &t->jobs[a->job], *jb = &t->jobs[b->job];
    const uint64_t most = (UINT64_C (1) << 52) - 1; /* told apart up to */
    uint64_t ra = a->relative < most ? a->relative : most;
    uint64_t rb = b->relative < most ? b->relative : most;

    if (_tier_before (ja, jb, t->order) || _tier_before (jb, ja, t->order))
        return _tier_before (jb, ja, t->order);
    if (ra != rb)
        return rb > ra;
    if (ja->requeueable != jb->requeueable)
        return jb->requeueable;
    return b->lost_work < a->lost_work;
}

static void _check_order (const struct trial *t)
{
    const struct policy_rank *r = t->ranks;
    uint64_t leaving = 0, left;
    unsigned i;

    for (i = 0; i < t->count; i++) {
        _check_terms (t, &r[i]);
        if (t->jobs[i].leaving)
            leaving += _frees (&t->jobs[i]);
        if (i > 0 && (i < t->plan.chosen || i > t->plan.chosen) &&
            _candidate (&t->jobs[r[i - 1].job]) &&
            _candidate (&t->jobs[r[i].job]))
            CHECK (t, "everyone in turn", !_wrong_way (t, &r[i - 1], &r[i]));
    }
    left = t->need > leaving ? t->need - leaving : 0;
    for (i = 1; t->plan.chosen == 1 && i < t->count; i++) {
        if (_candidate (&t->jobs[r[i].job]) &&
            _frees (&t->jobs[r[i].job]) >= left &&
            _frees (&t->jobs[r[0].job]) >= left)
            CHECK (t, "of those who suffice the first in turn",
                   !_wrong_way (t, &r[0], &r[i]));
    }
}

static void _check_same (const struct trial *t)
{
    struct trial again = *t;
    unsigned i;

    _run (&again, 0x5a);
    CHECK (t, "same input, same plan",
           again.plan.chosen == t->plan.chosen &&
               again.plan.covered == t->plan.covered &&
               again.plan.reservations_broken == t->plan.reservations_broken);
    for (i = 0; i < t->count; i++)
        CHECK (t, "same input, same plan",
               again.ranks[i].job == t->ranks[i].job &&
                   again.ranks[i].verdict == t->ranks[i].verdict);
}

static void _check_shuffled (const struct trial *t)
{
    struct trial other = *t;
    struct policy_job job;
    unsigned i, k;

    for (i = other.count; i-- > 1;) {
        k = (unsigned) _below (i + 1);
        job = other.jobs[i];
        other.jobs[i] = other.jobs[k];
        other.jobs[k] = job;
    }
    _run (&other, 0xff);
    CHECK (t, "order of input decides nothing",
           other.plan.chosen == t->plan.chosen);
    for (i = 0; i < t->plan.chosen; i++)
        CHECK (t, "order of input decides nothing",
               other.jobs[other.ranks[i].job].index ==
                   t->jobs[t->ranks[i].job].index);
}

static void _check_rest (const struct trial *t)
{
    uint64_t headroom = policy_headroom (&t->node, t->jobs, t->count);
    const struct mw_amount a = { .kind = (enum mw_amount_kind) _below (4),
                                 .bytes = _size (1),
                                 .ratio = 1.25 };
    uint64_t resume_at = _size (0);
    char text[96];
    unsigned i;
    int back;

    CHECK (t, "headroom is of the pool", headroom <= t->node.capacity);
    CHECK (t, "no more is lent than there is",
           policy_grow (&a, _size (1), _size (1), headroom) <= headroom);
    back = policy_resume (t->jobs, t->count, headroom, resume_at);
    CHECK (t, "only who is held comes back",
           back < 0 || (t->jobs[back].parked && !t->jobs[back].leaving &&
                        headroom >= resume_at));
    for (i = 0; i < t->count; i++) {
        memset (text, 'x', sizeof (text));
        policy_explain (&t->plan, t->jobs, i, text, sizeof (text) - 1);
        CHECK (t, "an explanation stays in its buffer",
               text[sizeof (text) - 1] == 'x' &&
                   memchr (text, '\0', sizeof (text) - 1));
    }
}

static void a_million_nodes_keep_every_promise (void **state)
{
    const char *rounds = getenv ("MW_ROUNDS");
    long i, n = rounds ? atol (rounds) : ROUNDS;
    struct trial t;

    (void) state;
    for (i = 0; i < n; i++) {
        _make (&t);
        _run (&t, 0xa5);
        _check_whole (&t);
        _check_victims (&t);
        _check_tiers (&t);
        _check_minimal (&t);
        _check_fewest (&t);
        _check_order (&t);
        _check_same (&t);
        _check_shuffled (&t);
        if (i % 16 == 0)
            _check_rest (&t);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_million_nodes_keep_every_promise),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
