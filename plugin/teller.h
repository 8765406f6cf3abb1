/* teller.h - what is done to a job, said in its own standard error
 *
 * slurmstepd's standard error is, while tasks run, that of the step's first task
 * on this node (slurm_spank_task_post_fork to slurm_spank_task_exit): what is
 * written there is in the user's file or at the user's srun, whatever the
 * controller does, and also while the job is suspended.  So a thread of
 * slurmstepd's listens to the warden and writes down each line as it comes; and
 * when a task has ended, all that the warden has said by then is written before
 * slurmstepd goes on.
 */
#ifndef MW_TELLER_H
#define MW_TELLER_H

/* Listen to what is said of job [key], as its step [step] ("step_batch"), at the
 *   warden of [socket], a path.  Once in a process; without a warden it is tried
 *   again and again. */
void teller_begin (const char *key, const char *step, const char *socket);

/* The same where the warden is away and has not been told of the job: should a
 *   later step tell it, all that is said of the job from then on is heard. */
void teller_await (const char *key, const char *step, const char *socket);

/* A task has ended: write what the warden has said so far.  Waits, all calls
 *   together, two seconds at most for a warden that does not answer, and ten for
 *   one that has begun a story and is still connected. */
void teller_catch_up (void);

/* The step is over. */
void teller_end (void);

/* Write "memwarden: [text]" as one line. Waits a second at most for a reader
 *   that does not read. */
void teller_say (const char *text);

#endif /* !MW_TELLER_H */
