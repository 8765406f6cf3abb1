/* outcome.c - the kinds of ends that an incident may have */
#include "lib/outcome.h"

#include <stddef.h>
#include <string.h>

const char *const mw_outcome_name[MW_OUTCOME_COUNT] = {
    "recovered", "requeued", "killed", "kernel-killed", "ended", "other"
};

/* What incident/incident.c and step/ say of an end, by how that begins. */
static const struct {
    const char *begin;
    enum mw_outcome is;
} ends[] = {
    { "killed", MW_OUTCOME_KILLED },
    { "requeued", MW_OUTCOME_REQUEUED },
    { "the job has ended", MW_OUTCOME_ENDED },
    { "the step has ended", MW_OUTCOME_ENDED },
    { "back below", MW_OUTCOME_RECOVERED },
    { "below its limit", MW_OUTCOME_RECOVERED },
    { "it has room", MW_OUTCOME_RECOVERED },
    { "it has answered", MW_OUTCOME_RECOVERED },
    { "its cold pages", MW_OUTCOME_RECOVERED },
    { "refused more", MW_OUTCOME_RECOVERED },
    { "slowed, it", MW_OUTCOME_RECOVERED },
    { "resumed", MW_OUTCOME_RECOVERED },
    { "done as asked", MW_OUTCOME_RECOVERED },
    { "the process is", MW_OUTCOME_RECOVERED },
};

enum mw_outcome mw_outcome_of (const char *text)
{
    if (strstr (text, "the kernel had killed"))
        return MW_OUTCOME_KERNEL;
    for (size_t i = 0; i < sizeof (ends) / sizeof (ends[0]); i++) {
        if (strncmp (text, ends[i].begin, strlen (ends[i].begin)) == 0)
            return ends[i].is;
    }
    return MW_OUTCOME_OTHER;
}
