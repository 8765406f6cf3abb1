/* outcome.h - the kinds of ends that an incident may have, of which the sentences are
 * many */
#ifndef MW_OUTCOME_H
#define MW_OUTCOME_H

enum mw_outcome {
    MW_OUTCOME_RECOVERED, /* the job goes on */
    MW_OUTCOME_REQUEUED,
    MW_OUTCOME_KILLED,
    MW_OUTCOME_KERNEL, /* the kernel has killed in it meanwhile */
    MW_OUTCOME_ENDED,  /* the job has ended before its ladder */
    MW_OUTCOME_OTHER,
    MW_OUTCOME_COUNT
};

extern const char *const mw_outcome_name[MW_OUTCOME_COUNT];

/* Of what kind the end is that a record calls [text]. */
enum mw_outcome mw_outcome_of (const char *text);

#endif /* !MW_OUTCOME_H */
