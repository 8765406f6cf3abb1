/* class.h - which class of the configuration a job is in, and which run of its
 *   id this is
 *
 * Partition, account and QOS are taken from the controller alone: what the
 * job's environment says of them is its user's to set.  So is how often the job
 * has been restarted, which Slurm does not tell on the node, and by which every
 * request names the run that it is for.  The courier looks all of it up when
 * the job is registered; until its answer the job matches only classes that ask
 * for none of them, and its run goes by its age (courier/slurm.c).
 */
#ifndef MW_CLASS_H
#define MW_CLASS_H

#include <stdbool.h>

#include "handler/conf/conf.h"
#include "handler/job/job.h"
#include "handler/spool/spool.h"
#include "lib/err.h"

struct warden;

/* The first class of [conf] that a job of [spec] matches, of which [facts] are
 *   known; NULL. */
const struct conf_class *class_of (const struct conf *conf,
                                   const struct mw_jobspec *spec,
                                   const struct job_facts *facts);

/* Read [text], the courier's answer {"partition","account","qos","restarts",
 *   "cpus"},
 *   into [facts].
 * Returns 0; -1 with errno (EPROTO), [facts] untouched. */
int class_parse (const char *text, struct job_facts *facts, struct mw_err *err);

/* Ask what is not known of [job] and not asked already; in shadow mode, where
 *   nothing is done to it, only for a class. */
void class_ask (struct warden *w, struct job *job);

/* [a] is for [job]: remember it, and put the job into its class.
 * Returns false where it does not answer a lookup. */
bool class_answer (struct warden *w, struct job *job,
                   const struct spool_answer *a);

/* [job] is going: take back what is still being asked about it. */
void class_forget (struct warden *w, struct job *job);

#endif /* !MW_CLASS_H */
