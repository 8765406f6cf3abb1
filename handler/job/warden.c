/* warden.c - what every room may ask of the warden: see warden.h */
#include "handler/job/warden.h"

void warden_room (struct warden *w)
{
    if (w->room)
        sd_event_source_set_enabled (w->room, SD_EVENT_ONESHOT);
}

struct job *warden_find (struct warden *w, const char *key)
{
    struct job *job = job_find (&w->jobs, key);

    return job ? job : job_find (&w->steps, key);
}
