/* fuzz_room.c - what fuzz targets share, and their table */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 20000
#define SOME 2000 /* of what takes some system calls */
#define FEW 400   /* of what takes many */

const struct fuzz_target fuzz_targets[] = {
    { "ladder", fuzz_ladder, MANY },
    { "units", fuzz_units, MANY },
    { "settings", fuzz_settings, MANY },
    { "conf", fuzz_conf, FEW },
    { "slurmconf", fuzz_slurmconf, MANY },
    { "jobspec", fuzz_jobspec, MANY },
    { "wire", fuzz_wire, MANY },
    { "client", fuzz_client, SOME },
    { "pass", fuzz_pass, MANY },
    { "class", fuzz_class, MANY },
    { "wish", fuzz_wish, FEW / 4 },
    { "journal", fuzz_journal, FEW },
    { "pool", fuzz_pool, SOME },
    { "rlimits", fuzz_rlimits, SOME },
    { "request", fuzz_request, SOME },
    { "answer", fuzz_answer, SOME },
    { "decision", fuzz_decision, MANY },
    { "kmsg", fuzz_kmsg, MANY },
    { "logfile", fuzz_logfile, SOME },
    { "cgroup", fuzz_cgroup, MANY },
    { "mounts", fuzz_mounts, SOME },
    { "meminfo", fuzz_meminfo, SOME },
    { "memcg1", fuzz_memcg1, FEW },
    { "memcg2", fuzz_memcg2, FEW },
    { "proc", fuzz_proc, SOME },
    { "proclimit", fuzz_proclimit, MANY },
};
const size_t fuzz_count = sizeof (fuzz_targets) / sizeof (fuzz_targets[0]);

const struct fuzz_target *fuzz_named (const char *name)
{
    for (size_t i = 0; i < fuzz_count; i++)
        if (strcmp (fuzz_targets[i].name, name) == 0)
            return &fuzz_targets[i];
    return NULL;
}

_Noreturn void fuzz_broken (const char *what, const char *file, int line)
{
    fprintf (stderr, "%s:%d: a promise is broken: %s\n", file, line, what);
    abort ();
}

char *fuzz_string (const uint8_t *data, size_t size)
{
    char *s = malloc (size + 1);

    PROMISE (s != NULL);
    if (size > 0)
        memcpy (s, data, size);
    s[size] = '\0';
    return s;
}

void fuzz_check_sentence (const struct mw_err *err)
{
    PROMISE (err->text[0] != '\0');
    for (const char *s = err->text; *s; s++)
        PROMISE ((unsigned char) *s >= 0x20 || *s == '\n');
}

/* ---- the directory ------------------------------------------------------- */

static char room_path[PATH_MAX];
static int room_fd = -1;

static int _room_remove_one (const char *path, const struct stat *st, int type,
                             struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;
    return remove (path);
}

void fuzz_remove (const char *path)
{
    nftw (path, _room_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void _room_remove (void)
{
    fuzz_remove (room_path);
}

static void _room_make (void)
{
    const char *tmp = getenv ("TMPDIR");

    /* a disk would be written to each time */
    if (!tmp || !*tmp)
        tmp = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf (room_path, sizeof (room_path), "%s/mw-fuzz.XXXXXX", tmp);
    PROMISE (mkdtemp (room_path) != NULL);
    room_fd = open (room_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    PROMISE (room_fd >= 0);
    PROMISE (setenv ("MEMWARDEN_SYSROOT", room_path, 1) == 0);
    atexit (_room_remove);
}

int fuzz_dir (void)
{
    if (room_fd < 0)
        _room_make ();
    return room_fd;
}

const char *fuzz_path (void)
{
    fuzz_dir ();
    return room_path;
}

void fuzz_file (const char *name, const void *data, size_t size)
{
    int dir = fuzz_dir (), fd;
    char above[128];

    for (const char *p = strchr (name, '/'); p; p = strchr (p + 1, '/')) {
        snprintf (above, sizeof (above), "%.*s", (int) (p - name), name);
        PROMISE (mkdirat (dir, above, 0700) == 0 || errno == EEXIST);
    }
    fd = openat (dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    PROMISE (fd >= 0 && write (fd, data, size) == (ssize_t) size);
    close (fd);
}

/* Is [line], of [len] bytes with its newline, a head that names [name]? */
static bool _room_is_head (const uint8_t *line, size_t len, const char *name)
{
    size_t n = strlen (name);

    return len == n + 9 && memcmp (line, "==> ", 4) == 0 &&
           memcmp (line + 4, name, n) == 0 &&
           memcmp (line + 4 + n, " <==\n", 5) == 0;
}

static const char *_room_head (const uint8_t *line, size_t len,
                               const char *const names[])
{
    for (; *names; names++)
        if (_room_is_head (line, len, *names))
            return *names;
    return NULL;
}

/* The part of [from] to [to] is [name]'s; NULL: nobody's. */
static void _room_part (const char *name, const uint8_t *from,
                        const uint8_t *to, bool last)
{
    if (!last && to - from >= 2 && to[-1] == '\n' && to[-2] == '\n')
        to--;
    if (name)
        fuzz_file (name, from, (size_t) (to - from));
}

void fuzz_files (const uint8_t *data, size_t size, const char *const names[])
{
    const uint8_t *end = data + size, *from = data, *line, *nl;
    const char *now = names[0], *head;

    for (const char *const *n = names; *n; n++)
        unlinkat (fuzz_dir (), *n, 0);
    for (line = data; line < end; line = nl) {
        nl = memchr (line, '\n', (size_t) (end - line));
        nl = nl ? nl + 1 : end;
        if (!(head = _room_head (line, (size_t) (nl - line), names)))
            continue;
        _room_part (line > data ? now : NULL, from, line, false);
        now = head;
        from = nl;
    }
    _room_part (now, from, end, true);
}
