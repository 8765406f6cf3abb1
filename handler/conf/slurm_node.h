/* slurm_node.h - what slurm.conf says of this node's memory
 *
 * The warden has no libslurm and asks nobody: it reads the NodeName lines of
 * the file.  What is kept elsewhere (Include, a node that was made dynamically,
 * a configless node) is not known, and then the node's own size counts.
 */
#ifndef MW_SLURM_NODE_H
#define MW_SLURM_NODE_H

#include <stdint.h>
#include <stdio.h>

struct slurm_node {
    uint64_t real;       /* RealMemory, bytes; 0 = not said, or Slurm
                                   does not allocate memory */
    uint64_t spec;       /* MemSpecLimit, bytes; 0 = not said */
    unsigned long nodes; /* how many nodes are on this host */
};

/* Where slurm.conf is: as [configured], "" = nowhere; or by $SLURM_CONF. */
const char *slurm_conf_path (const char *configured);

/* Read from [f], a slurm.conf, what it says of the one node on [host] (short
 *   name). Returns 1, or 0: nothing, or several nodes are on it.  [node]->nodes is
 *   set in any case. */
int slurm_node_read (FILE *f, const char *host, struct slurm_node *node);

/* Is [host] in the list [list] ("n1,rack[01-04,7]x")? */
int slurm_node_listed (const char *list, const char *host);

#endif /* !MW_SLURM_NODE_H */
