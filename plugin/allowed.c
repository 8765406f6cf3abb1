/* allowed.c - cgroup.conf, of which two words matter: see allowed.h */
#include "plugin/allowed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"

/* As Slurm looks for it: by its name, where it is by default, and where slurmd has it
 * from the controller.  NULL: nowhere. */
static FILE *_cgroup_conf (char path[PATH_MAX])
{
    const char *confs[] = { getenv ("SLURM_CONF"), "/etc/slurm/slurm.conf",
                            "/run/slurm/conf/slurm.conf" };
    FILE *f = NULL;

    for (size_t i = 0; !f && i < sizeof (confs) / sizeof (*confs); i++) {
        const char *slash = confs[i] ? strrchr (confs[i], '/') : NULL;

        if (!slash)
            continue;
        snprintf (path, PATH_MAX, "%.*s/cgroup.conf", (int) (slash - confs[i]),
                  confs[i]);
        f = fopen (path, "re");
        if (i == 0)
            break; /* who names one has no other */
    }
    return f;
}

/* What [key] is in [word], "KEY=VALUE"; NULL: it is another's. */
static const char *_value_of (const char *word, const char *key)
{
    size_t n = strlen (key);

    return strncasecmp (word, key, n) == 0 && word[n] == '=' ? word + n + 1
                                                             : NULL;
}

bool allowed_read (double *percent, char path[PATH_MAX])
{
    cleanup_file FILE *f = _cgroup_conf (path);
    bool limits = false, whole = f != NULL;
    char line[1024], *rest;
    const char *value;

    *percent = 100;
    while (f && fgets (line, sizeof (line), f)) {
        line[strcspn (line, "#\n")] = '\0';
        for (char *word = strtok_r (line, " \t\r", &rest); word;
             word = strtok_r (NULL, " \t\r", &rest)) {
            if ((value = _value_of (word, "ConstrainRAMSpace")))
                limits = strcasecmp (value, "yes") == 0;
            else if ((value = _value_of (word, "AllowedRAMSpace")))
                *percent = strtod (value, NULL);
            else if (strcasecmp (word, "include") == 0)
                whole = false;
        }
    }
    return whole && limits && *percent > 0;
}
