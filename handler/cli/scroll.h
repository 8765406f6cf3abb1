/* scroll.h - which lines of a list a screen shows */
#ifndef MW_CLI_SCROLL_H
#define MW_CLI_SCROLL_H

#include <stddef.h>

enum scroll {
    SCROLL_STAY, /* the list or the screen may have got shorter */
    SCROLL_UP,
    SCROLL_DOWN,
    SCROLL_PAGE_UP,
    SCROLL_PAGE_DOWN,
    SCROLL_HOME,
    SCROLL_END,
};

/* Of a list of [all] lines, a screen of [page] lines shows those from [first] on, 0
 *   the first one.
 * Returns that of the next screen; its last line is the list's at most. */
size_t scroll_to (size_t first, size_t page, size_t all, enum scroll how);

#endif /* !MW_CLI_SCROLL_H */
