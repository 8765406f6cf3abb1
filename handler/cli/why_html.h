/* why_html.h - the story of a job's OOMs as a page, with a time line of each */
#ifndef MW_WHY_HTML_H
#define MW_WHY_HTML_H

#include <jansson.h>
#include <stdio.h>

/* Add to [others], an object, what journal [f] has of other jobs' use while the
 *   incidents of those in [records] went on: {"KEY":[ms, bytes, …]}.  What the reader
 *   of the journal may not see is not in it. */
void why_others (FILE *f, const json_t *records, json_t *others);

/* Write the page about [records], of one job or of several; strings of users are made
 *   harmless. */
void why_html (const json_t *records, const json_t *others, FILE *out);

#endif /* !MW_WHY_HTML_H */
