/* sight_incident.c - what goes on with a job that is looked at, and what was tried */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handler/cli/sight.h"
#include "lib/cleanup.h"

/* Add what [f] has of the incident [id] to [tried], which keeps the last of it. */
static void _sight_read (FILE *f, const char *id, json_t *tried)
{
    cleanup_free char *line = NULL;
    size_t room = 0;
    ssize_t n;

    while (f && (n = getline (&line, &room, f)) > 0) {
        cleanup_json json_t *r = NULL;

        if (!strstr (line, id) || !(r = json_loadb (line, (size_t) n, 0, NULL)))
            continue;
        if (strcmp (cli_text (r, "incident"), id) != 0 ||
            strcmp (cli_text (r, "event"), "uses") == 0 ||
            !*cli_text (r, "text"))
            continue;
        json_array_append_new (tried,
                               json_pack ("{s:O?,s:O?,s:O?}", "t",
                                          json_object_get (r, "t"), "event",
                                          json_object_get (r, "event"), "text",
                                          json_object_get (r, "text")));
        if (json_array_size (tried) > SIGHT_TRIED)
            json_array_remove (tried, 0);
    }
}

static json_t *_sight_tried (const struct cli_command *self,
                             const struct cli_common *common, const char *id)
{
    cleanup_file FILE *old = cli_open_history (self, common, true, NULL);
    cleanup_file FILE *now = cli_open_history (self, common, false, NULL);
    json_t *tried = json_array ();

    _sight_read (old, id, tried);
    _sight_read (now, id, tried);
    return tried;
}

/* The wall time in [ms] from now, in s. */
static json_t *_sight_wall (int64_t ms)
{
    struct timespec now;

    clock_gettime (CLOCK_REALTIME, &now);
    ms += (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return json_integer (ms / 1000);
}

json_t *sight_incident (const struct cli_command *self,
                        const struct cli_common *common, const json_t *job)
{
    const json_t *in = json_object_get (job, "incident");
    int64_t age = (int64_t) cli_number (in, "age_ms");
    int64_t left = (int64_t) cli_number (in, "left_ms");
    json_t *told;

    if (!json_is_object (in))
        return json_null ();
    told = json_copy ((json_t *) in);
    json_object_set_new (told, "began", _sight_wall (-age));
    json_object_set_new (told, "until",
                         left > 0 ? _sight_wall (left) : json_integer (0));
    json_object_set_new (told, "tried",
                         _sight_tried (self, common, cli_text (in, "id")));
    return told;
}
