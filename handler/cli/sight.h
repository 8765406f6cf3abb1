/* sight.h - what memwarden look has seen of a job, as JSON, and as people read it
 *
 *   {"job","used","total","limit","reservation","held":{KIND: bytes},
 *    "incident": null or what wire.h has, with "began","until": wall time, s (until 0: no
 *    deadline), "tried":[{"t","event","text"}], the last of what is on record,
 *    "grew_in_ms","processes":[{"pid","uid","started","holds","anon","shmem","file",
 *    "hugetlb","swap","state","does","command" [,"grew"] [,"tasks": as stacks_of has it]}],
 *    "files":[{"path","bytes"}]}
 */
#ifndef MW_CLI_SIGHT_H
#define MW_CLI_SIGHT_H

#include "handler/cli/cli.h"

#define SIGHT_TRIED 8   /* records of the incident */
#define SIGHT_STACKS 16 /* processes whose tasks are told, the largest ones */
#define SIGHT_PROCESSES 20 /* lines for people; JSON has all */

/* What goes on with [job], as wire.h has it: the member "incident". A new value. */
json_t *sight_incident (const struct cli_command *self,
                        const struct cli_common *common, const json_t *job);

/* For people. [seen]: tamed. */
void sight_print (const json_t *seen);

#endif /* !MW_CLI_SIGHT_H */
