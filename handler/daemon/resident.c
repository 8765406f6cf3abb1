/* resident.c - what must act when all memory is gone: see resident.h */
#include "handler/daemon/resident.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

extern ElfW (Dyn) _DYNAMIC[]; /* of this program */

/* The names in it; NULL as long as the program has not been seen, which comes first. */
static const char *names;

static void _find_names (uintptr_t base)
{
    uintptr_t at = 0;

    for (const ElfW (Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_STRTAB)
            at = d->d_un.d_ptr;
    }
    /* not every loader has added it already */
    names = (const char *) (at < base ? base + at : at);
}

/* Does this program itself call the library at [path]?  Those that libraries call are
 * for what we never ask of them (libsystemd's: to read journals that are compressed). */
static bool _is_called (const char *path)
{
    const char *slash = strrchr (path, '/');

    for (const ElfW (Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_NEEDED &&
            strcmp (names + d->d_un.d_val, slash ? slash + 1 : path) == 0)
            return true;
    }
    return false;
}

static int _read_whole (struct dl_phdr_info *info, size_t size, void *arg)
{
    const size_t page = (size_t) sysconf (_SC_PAGESIZE);
    bool ours = !names || info->dlpi_addr == getauxval (AT_BASE);

    (void) size;
    (void) arg;
    if (!names)
        _find_names (info->dlpi_addr);
    if (!ours && !_is_called (info->dlpi_name))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW (Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t at = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t end = info->dlpi_addr + p->p_vaddr + p->p_filesz;

        if (p->p_type != PT_LOAD || !(p->p_flags & PF_R))
            continue;
        for (; at < end; at += page)
            (void) *(const volatile char *) at;
    }
    return 0;
}

int resident_lock (void)
{
    int rc = mlockall (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);

    names = NULL;
    dl_iterate_phdr (_read_whole, NULL);
    return rc;
}
