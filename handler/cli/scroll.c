/* scroll.c - which lines of a list a screen shows: see scroll.h */
#include "handler/cli/scroll.h"

size_t scroll_to (size_t first, size_t page, size_t all, enum scroll how)
{
    size_t last = all > page ? all - page
                             : 0; /* where the last screen begins */
    size_t step = how == SCROLL_PAGE_UP || how == SCROLL_PAGE_DOWN ? page : 1;

    switch (how) {
    case SCROLL_HOME:
        return 0;
    case SCROLL_END:
        return last;
    case SCROLL_UP:
    case SCROLL_PAGE_UP:
        first = first > step ? first - step : 0;
        break;
    case SCROLL_DOWN:
    case SCROLL_PAGE_DOWN:
        first = first < last && step < last - first ? first + step : last;
        break;
    case SCROLL_STAY:
        break;
    }
    return first < last ? first : last;
}
