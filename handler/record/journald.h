/* journald.h - lines for systemd's journal, with fields to look for
 *
 * By its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): one datagram,
 * that is dropped rather than waited for; sd_journal_send(3) would wait.
 */
#ifndef MW_JOURNALD_H
#define MW_JOURNALD_H

#include <stdbool.h>

struct journald_line {
    int level; /* of syslog(3) */
    const char *text;
    const char *job, *incident, *step; /* "" = of none */
};

/* Open it, where it reads our stderr (JOURNAL_STREAM, systemd.exec(5)): nobody else's
 *   lines go there in another way than they did.
 * Returns a descriptor (the caller's); -1: it does not, or cannot be opened. */
int journald_open (void);

/* Is it the journal that reads /dev/log, too? */
bool journald_is_syslog (void);

/* Send [l] to [fd]. Returns 0; -1 with errno: it was not taken. */
int journald_send (int fd, const struct journald_line *l);

#endif /* !MW_JOURNALD_H */
