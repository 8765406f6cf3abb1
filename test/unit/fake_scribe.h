/* fake_scribe.h - who keeps the log of a unit test's warden: nobody but the test
 *
 * Lines wait in the socket until the test looks at them; records stay in the journal.
 */
#ifndef MW_FAKE_SCRIBE_H
#define MW_FAKE_SCRIBE_H

#include "handler/record/report.h"

/* [r] has a scribe. Returns 0; -1 with errno. */
int fake_scribe_begin (struct report *r);
void fake_scribe_end (struct report *r);

/* All lines of the log so far, ended by a 0; the fake's. */
const char *fake_scribe_log (void);

/* How often [text] is in them. */
unsigned fake_scribe_count (const char *text);

#endif /* !MW_FAKE_SCRIBE_H */
