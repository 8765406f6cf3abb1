/* event.h - sd-event, and what systemd before 243 (RHEL 8 has 239) lacks of it */
#ifndef MW_EVENT_H
#define MW_EVENT_H

#include <systemd/sd-event.h>

#include "config.h"

#if !HAVE_SD_EVENT_SOURCE_DISABLE_UNREF
/* Switch [s] (may be NULL) off, and give it up. Returns NULL. */
static inline sd_event_source *mw_disable_unref (sd_event_source *s)
{
    if (s)
        sd_event_source_set_enabled (s, SD_EVENT_OFF);
    return sd_event_source_unref (s);
}
#define sd_event_source_disable_unref mw_disable_unref
#endif

#endif /* !MW_EVENT_H */
