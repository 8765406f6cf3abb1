/* rest.h - slurmrestd, in a worker: what it offers is asked of it, not of libslurm */
#ifndef MW_COURIER_REST_H
#define MW_COURIER_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "handler/conf/conf.h"

enum rest_verdict {
    REST_DONE,
    REST_FAILED, /* Slurm says no: [code], [text] */
    REST_NOT, /* not by slurmrestd; [text] says why, "" = it is not configured */
};

struct rest_result {
    enum rest_verdict verdict;
    int code; /* Slurm's errno */
    char text[400];
};

/* What a server has been found to offer, 0 = not known: its version of the interface
 *   (38 is v0.0.38), and the bits below.  The courier has its workers know what one of
 *   them has found. */
extern uint32_t rest_offer;
#define REST_VERSION(offer) ((offer) &0xff)
#define REST_HAS_NODE 0x100    /* a node can be updated */
#define REST_HAS_REQUEUE 0x200 /* a job can be requeued */

/* The newest version that the OpenAPI description [json] of [len] bytes offers and that
 *   is known here, as rest_offer.  Returns 0, with why in [text]: none. */
uint32_t rest_negotiate (const char *json, unsigned long len, char *text,
                         unsigned long text_len);

/* Set the comment of job [id] to [text], and the admin's to [admin] unless that is NULL,
 *   where the version has it: [*admin_set]. */
void rest_comment (const struct conf *conf, const char *id, const char *text,
                   const char *admin, bool *admin_set, struct rest_result *res);

/* Requeue job [id], held with [hold]. */
void rest_requeue (const struct conf *conf, const char *id, bool hold,
                   struct rest_result *res);

/* Drain node [name] for [reason]. */
void rest_drain (const struct conf *conf, const char *name, const char *reason,
                 struct rest_result *res);

#endif /* !MW_COURIER_REST_H */
