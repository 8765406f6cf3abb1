/* target.c - which one of a job's processes a step is for: see target.h */
#include "handler/policy/target.h"

#include "lib/units.h"

/* Both are in the order in which the kernel lists them, nearly always: looked for
 * from where the last one was. */
void target_growth (struct members *all, const struct target_before *before,
                    unsigned n, bool cut)
{
    unsigned at = 0;

    for (unsigned i = 0; i < all->n; i++) {
        struct member *one = &all->one[i];
        uint64_t holds = member_holds (one), held = cut ? holds : 0;

        for (unsigned k = 0; k < n; k++) {
            const struct target_before *was = &before[(at + k) % n];

            if (was->pid == one->pid && was->started == one->started) {
                held = was->held;
                at = (at + k + 1) % n;
                break;
            }
        }
        one->grew = holds > held ? holds - held : 0;
    }
}

/* Of two with equal [a] and [b]. */
static bool _target_younger (const struct member *a, const struct member *b)
{
    if (a->started != b->started)
        return a->started > b->started;
    return a->pid > b->pid;
}

static bool _target_before (uint64_t a, uint64_t b, const struct member *x,
                            const struct member *y)
{
    return a != b ? a > b : _target_younger (x, y);
}

static int _target_most (const struct members *all,
                         uint64_t (*of) (const struct member *one))
{
    int best = -1;

    for (unsigned i = 0; i < all->n; i++) {
        const struct member *one = &all->one[i];

        if (!one->barred &&
            (best < 0 || _target_before (of (one), of (&all->one[best]), one,
                                         &all->one[best])))
            best = (int) i;
    }
    return best;
}

static uint64_t _target_grew (const struct member *one)
{
    return one->grew;
}

static int _target_find (const struct members *all, pid_t pid)
{
    for (unsigned i = 0; i < all->n; i++) {
        if (all->one[i].pid == pid)
            return (int) i;
    }
    return -1;
}

/* The steps up are bounded: what was read one after the other may be a circle. */
static int _target_leader (const struct members *all, int from)
{
    int best = from, at = from;

    for (unsigned i = 0; i < all->n && at >= 0; i++) {
        if (!all->one[at].barred)
            best = at;
        at = _target_find (all, all->one[at].parent);
    }
    return best;
}

int target_choose (enum mw_target target, const struct members *all,
                   bool *grown)
{
    int best;

    *grown = false;
    if (target == MW_TARGET_GUILTY) {
        best = _target_most (all, _target_grew);
        if (best >= 0 && all->one[best].grew >= TARGET_GROWTH_MIN) {
            *grown = true;
            return best;
        }
    }
    best = _target_most (all, member_holds);
    return target == MW_TARGET_LEADER && best >= 0 ? _target_leader (all, best)
                                                   : best;
}

bool target_is_clear (const struct members *all, uint64_t limit)
{
    uint64_t enough = limit / 64 > TARGET_GROWTH_MIN ? limit / 64
                                                     : TARGET_GROWTH_MIN;
    int best = _target_most (all, _target_grew);

    return best >= 0 && all->one[best].grew >= enough;
}
