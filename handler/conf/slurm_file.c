/* slurm_file.c - a file of Slurm's configuration: see slurm_file.h */
#include "handler/conf/slurm_file.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "lib/cgfile.h"
#include "lib/cleanup.h"
#include "lib/err.h"

/* Deeper than anybody includes: files that include each other end there. */
#define DEPTH_MAX 10

struct reader {
    struct slurm_file *file;
    enum slurm_file_kind kind;
    int depth;
};

/* ---- lines --------------------------------------------------------------- */

static int _slurm_file_add (struct slurm_file *f, const char *file,
                            unsigned number, const char *text)
{
    struct slurm_line *more = reallocarray (f->lines, f->count + 1,
                                            sizeof (*more));
    struct slurm_line line = { .number = number };

    if (!more)
        return -1;
    f->lines = more;
    line.file = strdup (file);
    line.text = strdup (text);
    if (!line.file || !line.text) {
        free (line.file);
        free (line.text);
        return -1;
    }
    mw_tame (line.text, "\t");
    f->lines[f->count++] = line;
    return 0;
}

/* A "#" behind a backslash is one. */
static void _slurm_file_cut_comment (char *line)
{
    for (char *c = line; *c; c++) {
        if (*c == '\n' || *c == '\r' ||
            (*c == '#' && (c == line || c[-1] != '\\'))) {
            *c = '\0';
            return;
        }
    }
}

/* The next line with those it goes on in, into [*line]; [*number] is its first.
 * Returns false at the end. */
static bool _slurm_file_next (FILE *f, char **line, size_t *room,
                              unsigned *number, unsigned *lines)
{
    cleanup_free char *next = NULL;
    size_t more = 0, n;
    char *longer;

    if (getline (line, room, f) < 0)
        return false;
    *number = ++*lines;
    for (;;) {
        _slurm_file_cut_comment (*line);
        n = strlen (*line);
        if (n == 0 || (*line)[n - 1] != '\\' || getline (&next, &more, f) < 0)
            return true;
        ++*lines;
        if (!(longer = realloc (*line, n + strlen (next) + 1)))
            return true;
        *line = longer;
        *room = n + strlen (next) + 1;
        strcpy (longer + n - 1, next);
    }
}

/* ---- what is included ---------------------------------------------------- */

static void _slurm_file_one (struct reader *r, const char *path);

static void _slurm_file_trouble (struct slurm_file *f, const char *file,
                                 unsigned number, const char *what,
                                 const char *which)
{
    if (f->trouble[0])
        return;
    snprintf (f->trouble, sizeof (f->trouble), "%.160s, line %u: %s %.200s",
              file, number, what, which);
    mw_tame (f->trouble, "");
}

/* Copy the path that [name], in [file], means: %c is the cluster. */
static void _slurm_file_included (const struct reader *r, const char *file,
                                  const char *name, char path[PATH_MAX])
{
    const char *dir = r->kind == SLURM_FILE_STACK ? file : r->file->path;
    const char *end = strrchr (dir, '/'), *percent = strstr (name, "%c");
    char cluster[256] = "", whole[PATH_MAX];

    snprintf (whole, sizeof (whole), "%s", name);
    if (percent && r->kind == SLURM_FILE_CONF) {
        slurm_file_value (r->file, "ClusterName", cluster, sizeof (cluster));
        snprintf (whole, sizeof (whole), "%.*s%s%s", (int) (percent - name),
                  name, cluster, percent + 2);
    }
    if (whole[0] == '/' || !end ||
        snprintf (path, PATH_MAX, "%.*s/%s", (int) (end - dir), dir, whole) >=
            PATH_MAX)
        snprintf (path, PATH_MAX, "%s", whole);
}

/* plugstack.conf's: in the order of glob(3); none is no error. */
static void _slurm_file_pattern (struct reader *r, const char *pattern)
{
    const char *root = getenv ("MEMWARDEN_SYSROOT");
    char full[2 * PATH_MAX];
    glob_t found;

    snprintf (full, sizeof (full), "%s%s", root ? root : "", pattern);
    if (glob (full, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        _slurm_file_one (r, found.gl_pathv[i] + (root ? strlen (root) : 0));
    globfree (&found);
}

/* Is [line] an include? Then read what it names. */
static bool _slurm_file_include (struct reader *r, const char *file,
                                 unsigned number, const char *line)
{
    char name[PATH_MAX], path[PATH_MAX];
    int fd;

    line += strspn (line, " \t");
    if (strncasecmp (line, "include", strlen ("include")) != 0 ||
        !strchr (" \t", line[strlen ("include")]) ||
        sscanf (line + strlen ("include"), "%4095s", name) != 1)
        return false;
    _slurm_file_included (r, file, name, path);
    if (r->depth >= DEPTH_MAX) {
        _slurm_file_trouble (r->file, file, number, "includes itself by", path);
        return true;
    }
    if (r->kind == SLURM_FILE_STACK) {
        _slurm_file_pattern (r, path);
        return true;
    }
    fd = sysroot_open (path, O_RDONLY);
    if (fd < 0)
        _slurm_file_trouble (r->file, file, number, "cannot read", path);
    else
        close (fd);
    if (fd >= 0)
        _slurm_file_one (r, path);
    return true;
}

static void _slurm_file_one (struct reader *r, const char *path)
{
    int fd = sysroot_open (path, O_RDONLY);
    cleanup_file FILE *f = fd < 0 ? NULL : fdopen (fd, "r");
    cleanup_free char *line = NULL;
    unsigned number, lines = 0;
    size_t room = 0;

    if (!f)
        return;
    if (r->depth == 0)
        r->file->there = true;
    r->depth++;
    while (_slurm_file_next (f, &line, &room, &number, &lines))
        if (!_slurm_file_include (r, path, number, line) &&
            line[strspn (line, " \t")] &&
            _slurm_file_add (r->file, path, number, line) < 0)
            break;
    r->depth--;
}

void slurm_file_read (struct slurm_file *f, const char *path,
                      enum slurm_file_kind kind)
{
    struct reader r = { .file = f, .kind = kind };

    memset (f, 0, sizeof (*f));
    snprintf (f->path, sizeof (f->path), "%s", path);
    _slurm_file_one (&r, path);
}

void slurm_file_free (struct slurm_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free (f->lines[i].file);
        free (f->lines[i].text);
    }
    free (f->lines);
    f->lines = NULL;
    f->count = 0;
}

/* ---- what they say ------------------------------------------------------- */

/* Copy what [key] is in [line], words NAME=VALUE, into [value].
 * Returns true where it is there. */
static bool _slurm_file_word (const char *line, const char *key, char *value,
                              size_t len)
{
    size_t n, have;
    const char *word;

    while (*(line += strspn (line, " \t"))) {
        word = line;
        n = strcspn (line, " \t=");
        line += n;
        line += strspn (line, " \t");
        if (*line != '=')
            continue;
        line++;
        line += strspn (line, " \t");
        have = *line == '"' ? strcspn (++line, "\"") : strcspn (line, " \t");
        if (n == strlen (key) && strncasecmp (word, key, n) == 0) {
            snprintf (value, len, "%.*s", (int) have, line);
            return true;
        }
        line += have;
        line += *line == '"';
    }
    return false;
}

const struct slurm_line *slurm_file_value (const struct slurm_file *f,
                                           const char *key, char *value,
                                           size_t len)
{
    const struct slurm_line *line = NULL;

    value[0] = '\0';
    for (size_t i = 0; i < f->count; i++)
        if (_slurm_file_word (f->lines[i].text, key, value, len))
            line = &f->lines[i];
    return line;
}

FILE *slurm_file_stream (const struct slurm_file *f)
{
    int fd = f->count > 0 ? memfd_create ("slurm", MFD_CLOEXEC) : -1;
    FILE *out = fd < 0 ? NULL : fdopen (fd, "w+");

    for (size_t i = 0; out && i < f->count; i++)
        fprintf (out, "%s\n", f->lines[i].text);
    if (out)
        rewind (out);
    return out;
}

void slurm_file_beside (const struct slurm_file *f, const char *name,
                        char path[PATH_MAX])
{
    const char *end = strrchr (f->path, '/');

    if (name[0] == '/' || !end ||
        snprintf (path, PATH_MAX, "%.*s/%s", (int) (end - f->path), f->path,
                  name) >= PATH_MAX)
        snprintf (path, PATH_MAX, "%s", name);
}
