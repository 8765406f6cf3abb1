/* option.h - every option of memwarden.conf: one row, one place */
#ifndef MW_CONF_OPTION_H
#define MW_CONF_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "handler/conf/conf.h"

struct conf_option {
    const char *section; /* "root", "courier", "class", "hook",
                               "webhook" */
    const char *name;
    /* Read [text] into [field]. Returns 0; -1 with errno and what would be right. */
    int (*set) (const struct conf_option *o, void *field, const char *text,
                struct mw_err *err);
    size_t offset;     /* of the field, in what the section fills: */
    size_t size;       /*   struct conf, conf_class, conf_hook,
                      conf_webhook */
    uint64_t min, max; /* numbers, times; strings: max is their length;
                                   amounts: least and greatest, in percent */
    unsigned kinds;    /* amounts: which kinds, as 1 << kind */
};

extern const struct conf_option conf_options[];
extern const unsigned conf_option_count;
#define CONF_OPTION_MAX 80 /* at least conf_option_count */

/* The row of [name] in [section]; NULL. */
const struct conf_option *conf_option_find (const char *section,
                                            const char *name);

/* The name in [section] that [name] may have been meant to be; NULL: none is
 *   near. */
const char *conf_option_nearest (const char *section, const char *name);

#endif /* !MW_CONF_OPTION_H */
