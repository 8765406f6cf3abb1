/* elsewhere.h - whoever asks where no warden is (a login node) is told where to ask */
#ifndef MW_CLI_ELSEWHERE_H
#define MW_CLI_ELSEWHERE_H

#include <stddef.h>

/* Say on stderr where to ask by [command] about [job] (NULL: about none), as Slurm's
 *   commands tell it, where they are here and answer in time.  Says nothing where this is the
 *   place. */
void elsewhere_say (const char *command, const char *job);

/* Take the nodes of a job out of [text], a line of `scontrol --oneliner show job`.
 * Returns [nodes], "" where it has none (yet). */
char *elsewhere_nodes (const char *text, char *nodes, size_t len);

/* The first host of a list of Slurm's, "n[03-07,9],m1": "n03". Returns [host]. */
char *elsewhere_first (const char *nodes, char *host, size_t len);

#endif /* !MW_CLI_ELSEWHERE_H */
