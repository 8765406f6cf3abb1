/* say.c - what came of an attempt, and when there is another */
#include "handler/courier/courier.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t courier_backoff (enum courier_way way, unsigned attempts,
                          uint32_t chance)
{
    uint64_t most = way == WAY_CONTROLLER ? 5000 : 60000;
    uint64_t ms = UINT64_C (250) << (attempts < 10 ? attempts : 10);

    ms = ms < most ? ms : most;
    return ms / 2 + chance % (ms / 2 + 1);
}

enum courier_verdict courier_say (struct courier_result *res,
                                  enum courier_verdict verdict, int code,
                                  const char *fmt, ...)
{
    va_list ap;

    res->verdict = verdict;
    res->code = code;
    res->denied = false;
    res->suspended = false;
    res->offer = 0;
    va_start (ap, fmt);
    vsnprintf (res->text, sizeof (res->text), fmt, ap);
    va_end (ap);
    return verdict;
}
