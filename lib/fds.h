/* fds.h - descriptors of this process */
#ifndef MW_FDS_H
#define MW_FDS_H

#include <stddef.h>

/* Close all from [from] on but the [count] ones in [spared]: those that are open, by
 *   /proc/self/fd, since there may be a million that are not. */
void mw_close_from (int from, const int *spared, size_t count);

#endif /* !MW_FDS_H */
