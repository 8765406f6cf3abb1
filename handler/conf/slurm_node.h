/* slurm_node.h - what slurm.conf says of this node's memory
 *
 * The warden has no libslurm and asks nobody: it reads the NodeName lines of
 * the file and of what it includes.  A node that was made dynamically has none, and then
 * the node's own size counts.  Where slurmd has its files from the controller
 * (configless), they are where it keeps them.
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

/* Where slurm.conf is: as [configured], "" = nowhere; or by $SLURM_CONF; or in /etc, or
 *   else where slurmd links what it has from the controller (slurmd --conf-server). */
const char *slurm_conf_path (const char *configured);

/* Read from [f], a slurm.conf, what it says of the one node on [host] (short
 *   name). Returns 1, or 0: nothing, or several nodes are on it.  [node]->nodes is
 *   set in any case. */
int slurm_node_read (FILE *f, const char *host, struct slurm_node *node);

/* Is [host] in the list [list] ("n1,rack[01-04,7]x")? */
int slurm_node_listed (const char *list, const char *host);

#endif /* !MW_SLURM_NODE_H */
