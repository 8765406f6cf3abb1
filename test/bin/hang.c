/* hang.c - a loop that turns no more: preloaded (ld.so(8)), epoll_wait(2) waits for ever
 * while the file $MW_HANG_WHILE is there.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int epoll_wait (int fd, struct epoll_event *events, int max, int ms)
{
    const char *hang = getenv ("MW_HANG_WHILE");
    int (*next) (int, struct epoll_event *, int, int);
    void *found = dlsym (RTLD_NEXT, "epoll_wait");
    int rc;

    memcpy (&next, &found, sizeof (next));
    rc = next (fd, events, max, ms);
    while (hang && access (hang, F_OK) == 0)
        usleep (10000);
    return rc;
}
