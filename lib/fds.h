/* fds.h - descriptors of this process */
#ifndef MW_FDS_H
#define MW_FDS_H

/* Close all from [from] on but the two [spared] (-1: none): those that are open, by
 *   /proc/self/fd, since there may be a million that are not. */
void mw_close_from (int from, const int spared[2]);

#endif /* !MW_FDS_H */
