/* slurm_node.c - what slurm.conf says of this node's memory: see slurm_node.h
 *
 * slurm.conf(5): words NAME=VALUE, case does not count in NAME; a line may go
 * on after a backslash; NodeName=DEFAULT is for the lines below it; NodeHostname
 * is the host where that is not the node's name.  RealMemory bounds what jobs
 * get only where memory is allocated (SelectTypeParameters); elsewhere it is the
 * least that a healthy node has, and may be far below what jobs use.
 */
#include "handler/conf/slurm_node.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/units.h"

#define WORD_MAX 1024

/* ---- lists of hosts ------------------------------------------------------ */

/* Does the number at the start of [s], of [n] digits, lie in one of the ranges
 * up to "]"?  "01-04" has leading zeros, so the width counts. */
static bool _in_ranges (const char *ranges, const char *s, size_t n)
{
    unsigned long number = strtoul (s, NULL, 10), low, high;
    size_t width;
    char *end;

    while (*ranges && *ranges != ']') {
        width = strspn (ranges, "0123456789");
        low = high = strtoul (ranges, &end, 10);
        if (*end == '-')
            high = strtoul (end + 1, &end, 10);
        if (width > 0 && number >= low && number <= high &&
            (n == width || (n > width && ranges[0] != '0' && *s != '0')))
            return true;
        ranges = end + strcspn (end, ",]");
        ranges += *ranges == ',';
    }
    return false;
}

/* Is [host] what [item], of [len] characters, stands for? */
static bool _is (const char *item, size_t len, const char *host)
{
    const char *end = item + len, *close;
    size_t digits;

    while (item < end) {
        if (*item != '[') {
            if (*item++ != *host++)
                return false;
            continue;
        }
        close = memchr (item, ']', (size_t) (end - item));
        digits = strspn (host, "0123456789");
        if (!close || digits == 0 || digits > 9 ||
            !_in_ranges (item + 1, host, digits))
            return false;
        host += digits;
        item = close + 1;
    }
    return *host == '\0';
}

int slurm_node_listed (const char *list, const char *host)
{
    const char *item = list;
    int depth = 0;

    for (;; list++) {
        depth += (*list == '[') - (*list == ']');
        if (*list && (*list != ',' || depth > 0))
            continue;
        if (list > item && _is (item, (size_t) (list - item), host))
            return 1;
        if (!*list)
            return 0;
        item = list + 1;
    }
}

/* ---- the file ------------------------------------------------------------ */

const char *slurm_conf_path (const char *configured)
{
    static const char usual[] = "/etc/slurm/slurm.conf";
    static const char configless[] = "/run/slurm/conf/slurm.conf";
    const char *path = configured[0] ? configured : getenv ("SLURM_CONF");

    if (path && *path)
        return path;
    return access (usual, F_OK) < 0 && access (configless, F_OK) == 0
               ? configless
               : usual;
}

/* Copy what [key] is in [line] into [value]. */
static bool _slurm_node_word (const char *line, const char *key,
                              char value[WORD_MAX])
{
    size_t n = strlen (key);

    while (*line) {
        line += strspn (line, " \t\r\n");
        if (strncasecmp (line, key, n) == 0 && line[n] == '=') {
            snprintf (value, WORD_MAX, "%.*s",
                      (int) strcspn (line + n + 1, " \t\r\n"), line + n + 1);
            return true;
        }
        line += strcspn (line, " \t\r\n");
    }
    return false;
}

/* How many numbers the ranges up to "]" stand for. */
static unsigned long _slurm_node_numbers (const char *ranges)
{
    unsigned long all = 0, low, high;
    char *end;

    while (*ranges && *ranges != ']') {
        low = high = strtoul (ranges, &end, 10);
        if (*end == '-')
            high = strtoul (end + 1, &end, 10);
        all += high >= low ? high - low + 1 : 0;
        ranges = end + strcspn (end, ",]");
        ranges += *ranges == ',';
    }
    return all;
}

/* How many names [list] stands for. */
static unsigned long _names (const char *list)
{
    unsigned long all = 0, item = 1;

    for (; *list; list++) {
        if (*list == ',') {
            all += item;
            item = 1;
        } else if (*list == '[') {
            item *= _slurm_node_numbers (list + 1);
            if (!(list = strchr (list, ']')))
                break;
        }
    }
    return all + item;
}

/* How many of the nodes of [line], a NodeName line, are on [host].  One host name
 * with several node names is that of all of them. */
static unsigned long _nodes_on (const char *line, const char *host)
{
    char name[WORD_MAX], at[WORD_MAX];

    if (!_slurm_node_word (line, "NodeName", name))
        return 0;
    if (!_slurm_node_word (line, "NodeHostname", at))
        return (unsigned long) slurm_node_listed (name, host);
    if (!slurm_node_listed (at, host))
        return 0;
    return _names (at) == 1 ? _names (name) : 1;
}

/* Without SelectTypeParameters select/cons_* allocates memory, select/linear
 * does not; which of them is the default has changed: then it is not known. */
static void _select (const char *line, bool *by_type, int *by_parameters)
{
    char value[WORD_MAX];

    if (_slurm_node_word (line, "SelectType", value))
        *by_type = strcasestr (value, "cons_") != NULL;
    if (_slurm_node_word (line, "SelectTypeParameters", value))
        *by_parameters = strcasestr (value, "memory") != NULL;
}

/* In MiB, as slurm.conf has it. */
static void _slurm_node_size (const char *line, const char *key,
                              uint64_t *bytes)
{
    char value[WORD_MAX], *end;
    unsigned long mb;

    if (!_slurm_node_word (line, key, value))
        return;
    mb = strtoul (value, &end, 10);
    if (end > value && *end == '\0' && mb < UINT64_MAX / MW_MIB)
        *bytes = mb * MW_MIB;
}

/* A line and those it goes on in, without the comment. false = the end. */
static bool _slurm_node_line (FILE *f, char **line, size_t *room)
{
    cleanup_free char *next = NULL;
    size_t more = 0, n, add;
    char *longer;

    if (getline (line, room, f) < 0)
        return false;
    for (;;) {
        (*line)[strcspn (*line, "#\n")] = '\0';
        n = strlen (*line);
        if (n == 0 || (*line)[n - 1] != '\\' || getline (&next, &more, f) < 0)
            return true;
        add = strlen (next);
        if (!(longer = realloc (*line, n + add + 1)))
            return true;
        *line = longer;
        *room = n + add + 1;
        memcpy (longer + n - 1, next, add + 1);
    }
}

int slurm_node_read (FILE *f, const char *host, struct slurm_node *node)
{
    struct slurm_node common = { 0 }, one;
    cleanup_free char *line = NULL;
    char name[WORD_MAX];
    unsigned long found = 0, here;
    int by_parameters = -1;
    bool by_type = false;
    size_t room = 0;

    while (_slurm_node_line (f, &line, &room)) {
        _select (line, &by_type, &by_parameters);
        if (!_slurm_node_word (line, "NodeName", name))
            continue;
        one = common;
        _slurm_node_size (line, "RealMemory", &one.real);
        _slurm_node_size (line, "MemSpecLimit", &one.spec);
        if (strcasecmp (name, "DEFAULT") == 0) {
            common = one;
            continue;
        }
        if ((here = _nodes_on (line, host)) > 0)
            *node = one;
        found += here;
    }
    node->nodes = found;
    if (by_parameters < 0 ? !by_type : !by_parameters)
        node->real = 0;
    return found == 1 && (node->real > 0 || node->spec > 0);
}
