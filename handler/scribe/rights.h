/* rights.h - what the scribe needs of the kernel, and nothing else */
#ifndef MW_SCRIBE_RIGHTS_H
#define MW_SCRIBE_RIGHTS_H

#include "lib/err.h"

/* Give up all else. Returns 0; -1 with errno, see lib/confine.h. */
int scribe_rights (struct mw_err *err);

#endif /* !MW_SCRIBE_RIGHTS_H */
