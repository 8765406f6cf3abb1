/* fuzz_text.c - what people write: ladders, sizes, options, configurations */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "handler/conf/conf.h"
#include "handler/conf/slurm_node.h"
#include "lib/cleanup.h"
#include "lib/jobspec.h"
#include "lib/ladder.h"
#include "lib/proclimit.h"
#include "lib/units.h"
#include "plugin/settings.h"

/* What is taken is written so that it is read back the same. */
void fuzz_ladder (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    char once[MW_LADDER_STRLEN], twice[MW_LADDER_STRLEN];
    struct mw_ladder ladder;
    struct mw_err err = { "" };

    if (mw_ladder_parse (text, &ladder, &err) < 0) {
        fuzz_check_sentence (&err);
        return;
    }
    PROMISE (ladder.count > 0 && ladder.count <= MW_LADDER_MAX_STEPS);
    PROMISE (ladder.step[ladder.count - 1].kind == MW_STEP_KILL);
    mw_ladder_format (&ladder, once, sizeof (once));
    PROMISE (mw_ladder_parse (once, &ladder, NULL) == 0);
    mw_ladder_format (&ladder, twice, sizeof (twice));
    PROMISE (strcmp (once, twice) == 0);
}

void fuzz_proclimit (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    char once[MW_PROCLIMIT_STRLEN], twice[MW_PROCLIMIT_STRLEN];
    struct mw_proclimit l;
    struct mw_err err = { "" };

    if (mw_proclimit_parse (text, &l, &err) < 0) {
        fuzz_check_sentence (&err);
        return;
    }
    for (unsigned i = 0; i < l.actions.count; i++)
        PROMISE (l.actions.step[i].target == MW_TARGET_PID);
    mw_proclimit_format (l.bytes, &l.actions, once, sizeof (once));
    PROMISE (strlen (once) < sizeof (once) - 1);
    PROMISE (mw_proclimit_parse (once, &l, NULL) == 0);
    mw_proclimit_format (l.bytes, &l.actions, twice, sizeof (twice));
    PROMISE (strcmp (once, twice) == 0);
}

void fuzz_units (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    char buf[64];
    struct mw_amount a, b;
    uint64_t n, again;
    unsigned priority;
    struct mw_err err = { "" };

    if (mw_size_parse (text, &n, &err) == 0) {
        PROMISE (n <= INT64_MAX);
        mw_size_exact (n, buf, sizeof (buf));
        PROMISE (mw_size_parse (buf, &again, NULL) == 0 && again == n);
        mw_size_format (n, buf, MW_SIZE_STRLEN);
    } else {
        fuzz_check_sentence (&err);
    }
    if (mw_amount_parse (text, &a, NULL) == 0) {
        mw_amount_format (&a, buf, sizeof (buf));
        PROMISE (mw_amount_parse (buf, &b, NULL) == 0 && a.kind == b.kind);
        PROMISE (mw_amount_of (&a, INT64_MAX, 0) <= INT64_MAX);
    }
    if (mw_duration_parse (text, &n, NULL) == 0) {
        mw_duration_format (n, buf, sizeof (buf));
        PROMISE (mw_duration_parse (buf, &again, NULL) == 0 && again == n);
    }
    if (mw_priority_parse (text, &priority, NULL) == 0)
        PROMISE (priority <= MW_PRIORITY_MAX);
}

/* ---- the plugin's ----------------------------------------------------------
 *
 * A line "FLAG=TEXT" is what a job asks for, any other one an argument in
 * plugstack.conf. */

/* Returns whether [line] is a flag of the command line. */
static bool _settings_line (char *line, struct mw_jobspec *spec)
{
    char *value = strchr (line, '=');
    struct mw_err err = { "" };

    for (int i = 0; value && i < SETTING_COUNT; i++) {
        size_t len = strlen (settings[i].flag);

        if ((size_t) (value - line) != len ||
            strncmp (line, settings[i].flag, len) != 0)
            continue;
        if (settings_put (spec, (enum setting) i, value + 1, &err) < 0)
            fuzz_check_sentence (&err);
        return true;
    }
    return false;
}

/* What the plugin takes, the warden takes, and it means the same there. */
static void _settings_check (const struct mw_jobspec *spec)
{
    cleanup_json json_t *j = mw_jobspec_encode (spec);
    struct mw_jobspec back;

    PROMISE (j && mw_jobspec_decode (j, &back, NULL) == 0);
    PROMISE (back.priority == spec->priority);
    PROMISE (back.burst.kind == spec->burst.kind);
    PROMISE (back.reserve.kind == spec->reserve.kind);
    PROMISE (strcmp (back.ladder, spec->ladder) == 0);
}

void fuzz_settings (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    char *args[16], *save = NULL, path[PATH_MAX];
    struct mw_err err = { "" }, note;
    struct mw_jobspec spec;
    struct site site;
    int count = 0;

    settings_defaults (&spec);
    strcpy (spec.key, "12");
    spec.reservation = size % 3 * MW_GIB;
    for (char *line = strtok_r (text, "\n", &save); line;
         line = strtok_r (NULL, "\n", &save)) {
        if (!_settings_line (line, &spec) && count < 16)
            args[count++] = line;
    }
    if (site_parse (&site, count, args, &err) < 0)
        fuzz_check_sentence (&err);
    _settings_check (&spec);
    if (settings_clamp (&spec, &site, &note))
        fuzz_check_sentence (&note);
    PROMISE (spec.priority <= site.max_priority);
    PROMISE (settings_fit (&spec, spec.reservation, NULL) == 0);
    _settings_check (&spec);
    setenv ("SLURMD_NODENAME", "node17", 1);
    if (site_socket (&site, path, &err) == 0)
        PROMISE (path[0] == '/' && strlen (path) < sizeof (path));
    else
        fuzz_check_sentence (&err);
}

/* ---- memwarden.conf ------------------------------------------------------ */

static void _conf_check_ladder (const struct conf *c, const struct mw_ladder *l)
{
    PROMISE (l->count <= MW_LADDER_MAX_STEPS);
    if (l->count > 0)
        PROMISE (l->step[l->count - 1].kind == MW_STEP_KILL);
    for (unsigned i = 0; i < l->count; i++)
        if (l->step[i].hook[0])
            PROMISE (conf_find_hook (c, l->step[i].hook) != NULL);
}

static void _conf_check (const struct conf *c)
{
    PROMISE (c->class_count <= CONF_MAX_CLASSES);
    PROMISE (c->hook_count <= CONF_MAX_HOOKS);
    PROMISE (c->ladder.count > 0 && c->node_ladder.count > 0);
    PROMISE (c->max_priority <= MW_PRIORITY_MAX);
    PROMISE (c->psi.kind == CONF_PSI_OFF || c->psi.window_ms > 0);
    _conf_check_ladder (c, &c->ladder);
    _conf_check_ladder (c, &c->node_ladder);
    for (unsigned i = 0; i < c->class_count; i++) {
        PROMISE (c->classes[i].name[0]);
        PROMISE (c->classes[i].max_priority >= -1 &&
                 c->classes[i].max_priority <= MW_PRIORITY_MAX);
        _conf_check_ladder (c, &c->classes[i].ladder);
        _conf_check_ladder (c, &c->classes[i].node_ladder);
    }
    for (unsigned i = 0; i < c->hook_count; i++)
        PROMISE (c->hooks[i].path[0] == '/');
    if (c->post_incident_hook[0])
        PROMISE (conf_find_hook (c, c->post_incident_hook) != NULL);
}

/* It is taken as a whole, or not at all and with a line. */
void fuzz_conf (const uint8_t *data, size_t size)
{
    static struct conf conf, before;
    char path[PATH_MAX];
    struct mw_err err = { "" };

    fuzz_file ("memwarden.conf", data, size);
    snprintf (path, sizeof (path), "%s/memwarden.conf", fuzz_path ());
    conf_defaults (&conf);
    memcpy (&before, &conf, sizeof (conf));
    if (conf_load (&conf, path, &err) == 0) {
        _conf_check (&conf);
        return;
    }
    PROMISE (memcmp (&before, &conf, sizeof (conf)) == 0);
    fuzz_check_sentence (&err);
    PROMISE (strncmp (err.text, path, strlen (path)) == 0);
}

/* ---- slurm.conf ---------------------------------------------------------- */

/* Its first line is a list of hosts, too. */
void fuzz_slurmconf (const uint8_t *data, size_t size)
{
    cleanup_free char *text = fuzz_string (data, size);
    static const char *const hosts[] = { "n1", "rack07x", "node17" };
    struct slurm_node node = { 0 };
    int rc;

    for (size_t i = 0; i < sizeof (hosts) / sizeof (hosts[0]); i++) {
        /* of size 0 there is no such file */
        cleanup_file FILE *f = fmemopen (text, size + 1, "r");

        PROMISE (f != NULL);
        rc = slurm_node_read (f, hosts[i], &node);
        PROMISE (rc == 0 || (rc == 1 && node.nodes == 1));
    }
    text[strcspn (text, "\n")] = '\0';
    for (size_t i = 0; i < sizeof (hosts) / sizeof (hosts[0]); i++)
        slurm_node_listed (text, hosts[i]);
}
