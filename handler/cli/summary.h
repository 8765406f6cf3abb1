/* summary.h - what a job has used of what it asked for, at its end */
#ifndef MW_SUMMARY_H
#define MW_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Compose of [record], "released" in a journal, "used at most 90.0 MiB of 100 MiB (90
 *   %), in 12m", with a word of page cache where there was much.
 * Returns false, and "", where it is another one, or nothing was ever seen. */
bool summary_text (const json_t *record, char *buf, size_t len);

/* Print that as a line of a story, if it is one. */
void summary_tell (const json_t *record);

#endif /* !MW_SUMMARY_H */
