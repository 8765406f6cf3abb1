/* strikes.c - whose jobs have needed more than they asked for: see strikes.h */
#include "handler/policy/strikes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ONE 1000u
#define BITS 16

/* What of 2^32 is left after 1/2, 1/4, … of a half-life. */
static const uint32_t after[BITS] = {
    3037000500, 3611622603, 3938502376, 4112874773, 4202935003, 4248701965,
    4271771996, 4283353945, 4289156690, 4292061010, 4293513907, 4294240540,
    4294603903, 4294785595, 4294876445, 4294921870
};

/* ---- one score ----------------------------------------------------------- */

uint32_t strikes_score (const struct strikes_of *u, uint64_t now_s,
                        uint64_t half_s)
{
    uint64_t since = now_s > u->s ? now_s - u->s : 0;
    uint64_t halves = since / half_s, rest = since % half_s;
    uint64_t score = halves < 32 ? (uint64_t) u->milli << 32 >> halves : 0;

    for (unsigned i = 0; i < BITS; i++) {
        rest *= 2;
        if (rest < half_s)
            continue;
        rest -= half_s;
        score = (score >> 16) * (after[i] >> 16);
    }
    return (uint32_t) ((score + (UINT64_C (1) << 31)) >> 32);
}

static unsigned _strikes_rounded (uint32_t milli)
{
    return (milli + ONE / 2) / ONE;
}

enum strikes_loss strikes_loss (unsigned count, unsigned burst_at,
                                unsigned priority_at)
{
    if (count < burst_at)
        return STRIKES_NONE;
    return count < priority_at ? STRIKES_BURST : STRIKES_PRIORITY;
}

/* ---- all of them --------------------------------------------------------- */

static struct strikes_of *_strikes_of (const struct strikes *t, uint32_t uid)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->of[i].uid == uid)
            return (struct strikes_of *) &t->of[i];
    }
    return NULL;
}

unsigned strikes_count (const struct strikes *t, uint32_t uid, uint64_t now_s,
                        uint64_t half_s)
{
    const struct strikes_of *u = _strikes_of (t, uid);

    return u ? _strikes_rounded (strikes_score (u, now_s, half_s)) : 0;
}

/* A place for one more: where there is none, that of the lowest score. */
static struct strikes_of *_place (struct strikes *t, uint64_t now_s,
                                  uint64_t half_s)
{
    struct strikes_of *least = &t->of[0];

    if (t->count < STRIKES_USERS)
        return &t->of[t->count++];
    for (unsigned i = 1; i < t->count; i++) {
        if (strikes_score (&t->of[i], now_s, half_s) <
            strikes_score (least, now_s, half_s))
            least = &t->of[i];
    }
    return least;
}

unsigned strikes_add (struct strikes *t, uint32_t uid, uint64_t now_s,
                      uint64_t half_s)
{
    struct strikes_of *u = _strikes_of (t, uid);
    uint32_t milli = u ? strikes_score (u, now_s, half_s) : 0;

    if (!u)
        u = _place (t, now_s, half_s);
    milli += ONE;
    *u = (struct strikes_of) {
        .uid = uid,
        .milli = milli < STRIKES_MOST * ONE ? milli : STRIKES_MOST * ONE,
        .s = now_s,
    };
    return _strikes_rounded (u->milli);
}

bool strikes_forgive (struct strikes *t, uint32_t uid)
{
    struct strikes_of *u = _strikes_of (t, uid);

    if (!u)
        return false;
    *u = t->of[--t->count];
    return true;
}

/* ---- as text ------------------------------------------------------------- */

size_t strikes_write (const struct strikes *t, char *buf)
{
    size_t len = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < t->count; i++)
        len += (size_t) sprintf (buf + len,
                                 "%" PRIu32 " %" PRIu32 " %" PRIu64 "\n",
                                 t->of[i].uid, t->of[i].milli, t->of[i].s);
    return len;
}

static bool _read_line (const char *line, struct strikes_of *u)
{
    size_t len = strspn (line, "0123456789 ");
    int end = 0;

    return len > 0 && line[0] != ' ' && line[len] == '\n' &&
           sscanf (line, "%10" SCNu32 " %6" SCNu32 " %19" SCNu64 "%n", &u->uid,
                   &u->milli, &u->s, &end) == 3 &&
           line[end] == '\n' && u->milli <= STRIKES_MOST * ONE;
}

unsigned strikes_read (struct strikes *t, const char *text)
{
    unsigned bad = 0;

    t->count = 0;
    for (; *text; text += strcspn (text, "\n"), text += *text == '\n') {
        struct strikes_of u;

        if (t->count < STRIKES_USERS && _read_line (text, &u) &&
            !_strikes_of (t, u.uid))
            t->of[t->count++] = u;
        else
            bad++;
    }
    return bad;
}
