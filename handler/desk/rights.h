/* rights.h - what the desk needs of the kernel, and nothing else */
#ifndef MW_DESK_RIGHTS_H
#define MW_DESK_RIGHTS_H

#include "lib/err.h"

/* Give up all but that. Returns 0; -1 with errno. */
int desk_rights (struct mw_err *err);

#endif /* !MW_DESK_RIGHTS_H */
