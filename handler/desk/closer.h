/* closer.h - who closes what may take long to close
 *
 * A descriptor that is sent beside a packet (SCM_RIGHTS) is the sender's choice: a TCP
 * socket that lingers, a file of a file system that does not answer.  The kernel lets
 * go of it in whoever receives the packet or closes the socket that it waits in
 * (net/unix/scm.c), and that takes as long as it takes.  So it is never received, and
 * such connections are closed by a child that does nothing else.
 */
#ifndef MW_CLOSER_H
#define MW_CLOSER_H

#include <stdbool.h>
#include <stddef.h>

/* Children at a time.  There is one; when more is left to be closed meanwhile than it can
 * close there is one more for each CLOSER_BATCH, and the more there are the larger each
 * batch: whatever hostile users have in flight (RLIMIT_NOFILE, a million), the desk holds
 * a few thousand of it. */
#define CLOSER_MAX 256
#define CLOSER_BATCH 64

/* What waits in [sock], without taking it.
 * Returns 1: a packet without descriptors, which the next recv(2) takes; 0: its end;
 *   -1 with errno EAGAIN: nothing, EPROTO: a packet with descriptors. */
int closer_look (int sock);

/* Does a packet with descriptors wait in [sock], which is shut down?  Others before it
 *   are dropped. */
bool closer_is_needed (int sock);

/* Have a child close the [count] ones in [socks], which are not open here any more then.
 *   [socks] has room for one more.
 * Returns false where there are too many already: ask again later, with all. */
bool closer_takes (int *socks, size_t count);

/* A child has ended (SIGCHLD). Returns whether others are still at it. */
bool closer_reap (void);

#endif /* !MW_CLOSER_H */
