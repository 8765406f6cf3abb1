/* policy.c - headroom, lending, victims, return: see policy.h for the rules */
#include "handler/policy/policy.h"

#include <inttypes.h>
#include <stdio.h>

#define GROW_LEAST (64 * MW_MIB)
#define GROW_POINTLESS MW_MIB
#define MARGIN_MOST MW_GIB
#define NEED_LEAST MW_MIB
#define SORT_SMALL 12
#define FREES_MOST (UINT64_C (1) << 48) /* so that no sum overflows */

/* policy_rank.key, from the top: nobody's candidate (1 bit), then class (1) and
 * priority (10) in the order configured, then relative overage, inverted. */
#define KEY_EXCLUDED (UINT64_C (1) << 63)
#define KEY_RELATIVE_BITS 52
#define KEY_RELATIVE_MAX ((UINT64_C (1) << KEY_RELATIVE_BITS) - 1)
#define KEY_TIER(k) ((k) >> KEY_RELATIVE_BITS)

static uint64_t _max (uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* a - b, a + b and a × b that stop at the ends of their range */
static uint64_t _less (uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t _plus (uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t _policy_times (uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow (a, b, &product) ? UINT64_MAX : product;
}

uint64_t policy_headroom (const struct policy_node *node,
                          const struct policy_job *jobs, unsigned count)
{
    uint64_t left = node->capacity;
    uint64_t borrowed;
    unsigned i;

    for (i = 0; i < count && left > 0; i++) {
        borrowed = _less (jobs[i].used, _less (jobs[i].limit, jobs[i].lent));
        left = _less (left, _max (jobs[i].used, jobs[i].reservation));
        left = _less (left, _less (jobs[i].lent, borrowed));
    }
    return left;
}

uint64_t policy_grow (const struct mw_amount *amount, uint64_t limit,
                      uint64_t lent, uint64_t headroom)
{
    uint64_t own = _less (limit, lent);
    uint64_t want;

    if (amount->kind == MW_AMOUNT_NONE)
        want = _max (limit / 4, GROW_LEAST);
    else {
        want = mw_amount_of (amount, own, 0);
        if (amount->kind == MW_AMOUNT_FACTOR)
            want = _less (want, own);
        want = _less (want, lent);
    }
    want = mw_least (want, headroom);
    return want < GROW_POINTLESS ? 0 : want;
}

uint64_t policy_need (const struct policy_node *node, bool at_limit)
{
    uint64_t margin = mw_least (node->capacity / 16, MARGIN_MOST);
    bool low = node->available < node->reserve;
    uint64_t need = 0;

    if (at_limit || node->used > node->capacity)
        need = _less (_plus (node->used, margin), node->capacity);
    if (low)
        need = _max (need, _plus (node->reserve - node->available, margin));
    return at_limit ? _max (need, NEED_LEAST) : need;
}

uint64_t policy_spare (const struct policy_job *jobs, unsigned count)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < count; i++) {
        if (!jobs[i].protect && jobs[i].used > jobs[i].reservation)
            sum = _plus (sum, jobs[i].used);
    }
    return sum;
}

static uint64_t _relative (const struct policy_job *j, uint64_t overage)
{
    if (overage == 0)
        return 0;
    if (j->reservation == 0)
        return UINT64_MAX;
    if (overage <= UINT64_MAX / 1000)
        return overage * 1000 / j->reservation;
    return _policy_times (overage / j->reservation, 1000);
}

static uint64_t _policy_key (const struct policy_job *j,
                             const struct policy_rank *r, enum conf_order order)
{
    uint64_t within = r->overage == 0;
    uint64_t priority = mw_least (j->priority, MW_PRIORITY_MAX);
    uint64_t tier;

    if (order == CONF_ORDER_STRICT_PRIORITY)
        tier = priority << 1 | within;
    else
        tier = within << 10 | priority;
    return tier << KEY_RELATIVE_BITS |
           (KEY_RELATIVE_MAX - mw_least (r->relative, KEY_RELATIVE_MAX));
}

static void _rank (const struct policy_job *jobs, unsigned place,
                   enum conf_order order, struct policy_rank *r)
{
    const struct policy_job *j = &jobs[place];

    r->job = place;
    r->overage = _less (j->used, j->reservation);
    r->relative = _relative (j, r->overage);
    r->lost_work = _policy_times (j->elapsed_ms, j->cpus);
    r->frees = mw_least (j->used, FREES_MOST);
    r->key = _policy_key (j, r, order);
    r->verdict = POLICY_NOT_NEEDED;
    if (j->leaving)
        r->verdict = POLICY_LEAVING;
    else if (j->protect)
        r->verdict = POLICY_PROTECTED;
    else if (j->used == 0)
        r->verdict = POLICY_FREES_NOTHING;
    else
        return;
    r->key |= KEY_EXCLUDED;
}

/* Does [a] come before [b]?  A total order: no two jobs share an index. */
static bool _before (const struct policy_job *jobs, const struct policy_rank *a,
                     const struct policy_rank *b)
{
    const struct policy_job *ja, *jb;

    if (a->key != b->key)
        return a->key < b->key;
    ja = &jobs[a->job];
    jb = &jobs[b->job];
    if (ja->requeueable != jb->requeueable)
        return ja->requeueable;
    if (a->lost_work != b->lost_work)
        return a->lost_work < b->lost_work;
    if (ja->slurm_id != jb->slurm_id)
        return ja->slurm_id > jb->slurm_id;
    return ja->index > jb->index;
}

static void _policy_swap (struct policy_rank *a, struct policy_rank *b)
{
    struct policy_rank tmp = *a;

    *a = *b;
    *b = tmp;
}

static void _sift (struct policy_rank *r, unsigned root, unsigned n,
                   const struct policy_job *jobs)
{
    unsigned child;

    while ((child = 2 * root + 1) < n) {
        if (child + 1 < n && _before (jobs, &r[child], &r[child + 1]))
            child++;
        if (!_before (jobs, &r[root], &r[child]))
            return;
        _policy_swap (&r[root], &r[child]);
        root = child;
    }
}

static void _heap_sort (struct policy_rank *r, unsigned n,
                        const struct policy_job *jobs)
{
    unsigned i;

    for (i = n / 2; i-- > 0;)
        _sift (r, i, n, jobs);
    for (i = n; i-- > 1;) {
        _policy_swap (&r[0], &r[i]);
        _sift (r, 0, i, jobs);
    }
}

static void _insertion_sort (struct policy_rank *r, unsigned n,
                             const struct policy_job *jobs)
{
    struct policy_rank moving;
    unsigned i, k;

    for (i = 1; i < n; i++) {
        moving = r[i];
        for (k = i; k > 0 && _before (jobs, &moving, &r[k - 1]); k--)
            r[k] = r[k - 1];
        r[k] = moving;
    }
}

/* Part [r] ([n] >= 3) about the middle one of first, middle and last. Returns
 * where it ended. */
static unsigned _policy_part (struct policy_rank *r, unsigned n,
                              const struct policy_job *jobs)
{
    unsigned mid = n / 2, low = 0, high = n - 1;

    if (_before (jobs, &r[mid], &r[0]))
        _policy_swap (&r[mid], &r[0]);
    if (_before (jobs, &r[n - 1], &r[0]))
        _policy_swap (&r[n - 1], &r[0]);
    if (_before (jobs, &r[n - 1], &r[mid]))
        _policy_swap (&r[n - 1], &r[mid]);
    _policy_swap (&r[mid], &r[n - 2]);
    for (high = n - 2;;) {
        while (_before (jobs, &r[++low], &r[n - 2]))
            ;
        while (high > 0 && _before (jobs, &r[n - 2], &r[--high]))
            ;
        if (low >= high)
            break;
        _policy_swap (&r[low], &r[high]);
    }
    _policy_swap (&r[low], &r[n - 2]);
    return low;
}

/* Quick sort, since qsort(3) may allocate; its worst case is one a user could
 * bring about, therefore heap sort where it goes too deep. */
static void _sort (struct policy_rank *r, unsigned n,
                   const struct policy_job *jobs, unsigned depth)
{
    unsigned at;

    while (n > SORT_SMALL) {
        if (depth-- == 0) {
            _heap_sort (r, n, jobs);
            return;
        }
        at = _policy_part (r, n, jobs);
        if (at < n - at - 1) {
            _sort (r, at, jobs, depth);
            r += at + 1;
            n -= at + 1;
        } else {
            _sort (r + at + 1, n - at - 1, jobs, depth);
            n = at;
        }
    }
    _insertion_sort (r, n, jobs);
}

/* The most that one can ask of each of [r] so that they free [need]
 * together. */
static uint64_t _threshold (const struct policy_rank *r, unsigned n,
                            uint64_t need, uint64_t largest)
{
    uint64_t low = 1, high = largest, mid, sum;
    unsigned i;

    while (low < high) {
        mid = high - (high - low) / 2;
        for (sum = 0, i = 0; i < n; i++)
            sum += r[i].frees >= mid ? r[i].frees : 0;
        if (sum >= need)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* Choose in the tier [r] (sorted, [n] jobs, together enough) the fewest that
 * free [need]: the largest, and as the last one the first in order that
 * suffices. */
static void _choose_fewest (struct policy_rank *r, unsigned n, uint64_t need)
{
    uint64_t largest = 0, least;
    unsigned i;

    for (i = 0; i < n; i++)
        largest = _max (largest, r[i].frees);
    if (largest < need) {
        least = _threshold (r, n, need, largest);
        for (i = 0; i < n; i++) {
            if (r[i].frees > least) {
                r[i].verdict = POLICY_CHOSEN;
                need -= r[i].frees;
            }
        }
        for (i = 0; need > least; i++) {
            if (r[i].frees == least) {
                r[i].verdict = POLICY_CHOSEN;
                need -= least;
            }
        }
    }
    for (i = 0; r[i].frees < need || policy_is_chosen (&r[i]); i++)
        ;
    r[i].verdict = POLICY_CHOSEN;
}

/* Take whole tiers while [need] is more than they free, then part of one.
 * Returns what the chosen free together. */
static uint64_t _policy_choose (struct policy_rank *r, unsigned n,
                                uint64_t need)
{
    uint64_t covered = 0, tier;
    unsigned i, end, k;

    for (i = 0; i < n && covered < need; i = end) {
        tier = 0;
        for (end = i; end < n && KEY_TIER (r[end].key) == KEY_TIER (r[i].key);
             end++)
            tier = _plus (tier, r[end].frees);
        if (tier >= need - covered) {
            _choose_fewest (r + i, end - i, need - covered);
            end = n;
        } else {
            for (k = i; k < end; k++)
                r[k].verdict = POLICY_CHOSEN;
        }
        covered = _plus (covered, tier);
    }
    covered = 0;
    for (i = 0; i < n; i++) {
        if (policy_is_chosen (&r[i]))
            covered = _plus (covered, r[i].frees);
    }
    return covered;
}

/* Let off, best protected first, whoever the others make unnecessary: a small
 * job of low priority need not go if the large one behind it must go anyway.
 * [n] candidates, sorted. Returns what the chosen free then. */
static uint64_t _let_off (struct policy_rank *r, unsigned n, uint64_t need,
                          uint64_t covered)
{
    bool broken = false;
    unsigned i;

    for (i = n; i-- > 0;) {
        if (!policy_is_chosen (&r[i]))
            continue;
        if (r[i].overage > 0 && broken)
            continue;
        if (covered - r[i].frees >= need) {
            covered -= r[i].frees;
            r[i].verdict = POLICY_NOT_NEEDED;
        } else if (r[i].overage == 0) {
            broken = true;
        }
    }
    return covered;
}

/* Say of the candidates that were not chosen which of two reasons it was, and
 * of the only one chosen that it is enough. */
static void _policy_judge (struct policy_plan *plan, unsigned candidates,
                           bool enough)
{
    unsigned i, last = 0;

    for (i = 0; i < candidates; i++) {
        struct policy_rank *r = &plan->ranks[i];

        if (policy_is_chosen (r)) {
            plan->chosen++;
            last = i;
            plan->reservations_broken |= r->overage == 0;
        } else if (r->overage == 0) {
            r->verdict = POLICY_WITHIN_RESERVATION;
        }
    }
    if (plan->chosen == 1 && enough)
        plan->ranks[last].verdict = POLICY_SUFFICES_ALONE;
}

/* Put the chosen before the others and leave both in order: each one's new
 * place goes where its key was, then everyone moves there. */
static void _chosen_first (struct policy_rank *r, unsigned n, unsigned chosen)
{
    unsigned i, front = 0, back = chosen;

    for (i = 0; i < n; i++)
        r[i].key = policy_is_chosen (&r[i]) ? front++ : back++;
    for (i = 0; i < n; i++) {
        while (r[i].key != i)
            _policy_swap (&r[i], &r[r[i].key]);
    }
}

void policy_victims (const struct policy_node *node,
                     const struct policy_job *jobs, unsigned count,
                     uint64_t need, enum conf_order order,
                     struct policy_plan *plan)
{
    uint64_t leaving = 0, left, covered;
    unsigned i, candidates = 0, depth = 0;

    (void) node;
    for (i = 0; i < count; i++) {
        _rank (jobs, i, order, &plan->ranks[i]);
        if (plan->ranks[i].verdict == POLICY_LEAVING)
            leaving = _plus (leaving, plan->ranks[i].frees);
        candidates += !(plan->ranks[i].key & KEY_EXCLUDED);
    }
    for (i = count; i > 0; i /= 2)
        depth += 2;
    _sort (plan->ranks, count, jobs, depth);

    left = _less (need, leaving);
    covered = _policy_choose (plan->ranks, candidates, left);
    covered = _let_off (plan->ranks, candidates, left, covered);

    plan->need = need;
    plan->covered = _plus (leaving, covered);
    plan->order = order;
    plan->count = count;
    plan->chosen = 0;
    plan->reservations_broken = false;
    _policy_judge (plan, candidates, covered >= left);
    _chosen_first (plan->ranks, candidates, plan->chosen);
}

bool policy_is_chosen (const struct policy_rank *rank)
{
    return rank->verdict == POLICY_CHOSEN ||
           rank->verdict == POLICY_SUFFICES_ALONE;
}

int policy_resume (const struct policy_job *jobs, unsigned count,
                   uint64_t headroom, uint64_t resume_at)
{
    int best = -1;
    uint64_t asks;
    unsigned i;

    if (headroom < resume_at)
        return -1;
    for (i = 0; i < count; i++) {
        const struct policy_job *j = &jobs[i];

        if (!j->parked || j->leaving)
            continue;
        asks = _less (_plus (j->used, j->swap), _max (j->used, j->reservation));
        if (asks > headroom)
            continue;
        if (best < 0 || j->priority > jobs[best].priority)
            best = (int) i;
    }
    return best;
}

static const char *_ordinal (unsigned n)
{
    if (n / 10 % 10 == 1)
        return "th";
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* The terms every sentence ends with. */
static void _terms (const struct policy_job *j, const struct policy_rank *r,
                    char *buf, size_t len)
{
    char used[MW_SIZE_STRLEN], promised[MW_SIZE_STRLEN], over[MW_SIZE_STRLEN];
    char by[64] = "within";

    mw_size_format (j->used, used, sizeof (used));
    mw_size_format (j->reservation, promised, sizeof (promised));
    mw_size_format (r->overage, over, sizeof (over));
    if (r->overage > 0 && r->relative == UINT64_MAX)
        snprintf (by, sizeof (by), "%s over", over);
    else if (r->overage > 0)
        snprintf (by, sizeof (by), "%s (%" PRIu64 ".%" PRIu64 "%%) over", over,
                  r->relative / 10, r->relative % 10);
    snprintf (buf, len,
              "uses %s, %s its reservation of %s; priority %u; "
              "would lose %" PRIu64 ".%" PRIu64 " CPU-seconds and can%s be "
              "requeued%s",
              used, by, promised, j->priority, r->lost_work / 1000,
              r->lost_work % 1000 / 100, j->requeueable ? "" : "not",
              j->parked ? "; is held" : "");
}

/* Why the plan needs no further job. */
static const char *_policy_enough (const struct policy_plan *plan)
{
    if (plan->need == 0)
        return "nothing is needed";
    return plan->chosen > 0 ? "those chosen suffice"
                            : "what the leaving jobs free suffices";
}

static void _because (const struct policy_plan *plan, unsigned rank, char *buf,
                      size_t len)
{
    const struct policy_rank *r = &plan->ranks[rank];
    char need[MW_SIZE_STRLEN], frees[MW_SIZE_STRLEN];

    mw_size_format (plan->need, need, sizeof (need));
    mw_size_format (r->frees, frees, sizeof (frees));
    switch (r->verdict) {
    case POLICY_CHOSEN:
        snprintf (buf, len, "chosen %u%s of %u: frees %s of the %s needed%s",
                  rank + 1, _ordinal (rank + 1), plan->chosen, frees, need,
                  r->overage == 0 ? ", which the jobs over their reservations "
                                    "could not cover"
                                  : "");
        break;
    case POLICY_SUFFICES_ALONE:
        snprintf (buf, len, "chosen: frees %s, enough for the %s needed%s",
                  frees, need,
                  r->overage == 0 ? "; no job over its "
                                    "reservation could cover it"
                                  : "");
        break;
    case POLICY_NOT_NEEDED:
        snprintf (buf, len, "not chosen: %s", _policy_enough (plan));
        break;
    case POLICY_WITHIN_RESERVATION:
        snprintf (buf, len, "not chosen: within its reservation, and %s",
                  _policy_enough (plan));
        break;
    case POLICY_FREES_NOTHING:
        snprintf (buf, len, "not chosen: it would free nothing");
        break;
    case POLICY_LEAVING:
        snprintf (buf, len,
                  "not chosen again: it is leaving already and frees "
                  "%s of the %s needed",
                  frees, need);
        break;
    case POLICY_PROTECTED:
        snprintf (buf, len, "not chosen: protected by the admin");
        break;
    }
}

char *policy_explain (const struct policy_plan *plan,
                      const struct policy_job *jobs, unsigned rank, char *buf,
                      size_t len)
{
    const struct policy_rank *r = &plan->ranks[rank];
    char because[192], terms[224];

    _because (plan, rank, because, sizeof (because));
    _terms (&jobs[r->job], r, terms, sizeof (terms));
    snprintf (buf, len, "%s (%s)", because, terms);
    return buf;
}
