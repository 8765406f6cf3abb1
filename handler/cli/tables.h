/* tables.h - what jobs, ps and top show in columns, by libsmartcols(3)
 *
 * Each function returns the table's text, a heading and a line for each member,
 * each ended by a newline; free(3) it.  What cannot be printed is shown as \xNN.
 * No line is longer than [width], for which long names are cut; 0: as long as they
 * are.  Returns NULL with errno.
 */
#ifndef MW_CLI_TABLES_H
#define MW_CLI_TABLES_H

#include <jansson.h>
#include <stddef.h>

/* The [jobs] that a warden tells of, for `memwarden jobs`. */
char *tables_jobs (const json_t *jobs, size_t width);

/* The [processes] of a job: pid, uid, rss, state, command. */
char *tables_processes (const json_t *processes, size_t width);

/* The [n] jobs of [order], each with a bar: what it uses, with a mark where its
 *   reservation ends; the bar's whole length is its limit. */
char *tables_top (const json_t **order, size_t n, size_t width);

/* [number], to be shown with two digits: not as -0.00. */
double tables_hundredth (const json_t *number);

/* The [groups] of a report: whose jobs of which name, what they used and should ask. */
char *tables_report (const json_t *groups, size_t width);

#endif /* !MW_CLI_TABLES_H */
