/* jobspec.c - a job as JSON, and back with nothing taken on trust */
#include "lib/jobspec.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/units.h"

#define CPUS_MAX 65536

const char *const mw_layout_name[MW_LAYOUT_COUNT] = {
    [MW_LAYOUT_LEAF] = "leaf",
    [MW_LAYOUT_SLURM] = "slurm",
    [MW_LAYOUT_STEP] = "step",
};

bool mw_jobkey_valid (const char *key)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen (key);

    /* no leading dot, "." and ".." among them: it names files; no leading
     * dash: it is typed on command lines */
    return len > 0 && len < MW_JOBKEY_MAX && key[0] != '.' && key[0] != '-' &&
           key[strspn (key, allowed)] == '\0';
}

const char *mw_jobspec_step (const struct mw_jobspec *spec)
{
    return spec->of[0] ? spec->key + strlen (spec->of) + 1 : NULL;
}

void mw_jobspec_put (struct json_put *p, const struct mw_jobspec *spec)
{
    char amount[MW_SIZE_STRLEN], retry[MW_RETRY_STRLEN];

    json_put_text (p, "key", spec->key);
    json_put_number (p, "slurm_id", spec->slurm_id);
    json_put_number (p, "array_job_id", spec->array_job_id);
    json_put_number (p, "array_task_id", spec->array_task_id);
    json_put_number (p, "uid", spec->uid);
    json_put_number (p, "gid", spec->gid);
    json_put_number (p, "cpus", spec->cpus);
    json_put_number (p, "priority", spec->priority);
    json_put_number (p, "reservation", spec->reservation);
    json_put_text (p, "user", spec->user);
    json_put_text (p, "burst",
                   mw_amount_format (&spec->burst, amount, sizeof (amount)));
    json_put_text (p, "reserve",
                   mw_amount_format (&spec->reserve, amount, sizeof (amount)));
    json_put_text (p, "ladder", spec->ladder);
    if (spec->proc_limit[0])
        json_put_text (p, "proc_limit", spec->proc_limit);
    json_put_text (p, "retry",
                   mw_retry_format (&spec->retry, retry, sizeof (retry)));
    json_put_text (p, "layout", mw_layout_name[spec->layout]);
    if (spec->of[0])
        json_put_text (p, "of", spec->of);
    json_put_flag (p, "batch", spec->batch);
    json_put_flag (p, "tells", spec->tells);
    json_put_flag (p, "script", spec->script);
    json_put_text (p, "name", spec->name);
}

json_t *mw_jobspec_encode (const struct mw_jobspec *spec)
{
    char text[6 * sizeof (*spec) + 512]; /* all of it escaped, and names */
    struct json_put p = { .text = text, .size = sizeof (text) };
    json_t *j;

    json_put (&p, "{");
    mw_jobspec_put (&p, spec);
    json_put_end (&p, "}");
    j = json_loadb (text, p.len, 0, NULL);
    if (!j)
        errno = ENOMEM;
    return j;
}

static int _jobspec_wrong (struct mw_err *err, const char *member,
                           const char *why)
{
    return mw_err_code (err, EINVAL, "job: \"%s\" %s", member, why);
}

/* Get the number [member] of [obj], from [min] to [max]; [dflt] if missing. */
static int _jobspec_get_number (const json_t *obj, const char *member,
                                uint64_t min, uint64_t max, uint64_t dflt,
                                uint64_t *value, struct mw_err *err)
{
    const json_t *j = json_object_get (obj, member);
    json_int_t n = json_integer_value (j);

    *value = dflt;
    if (!j)
        return 0;
    if (!json_is_integer (j) || n < 0 || (uint64_t) n < min ||
        (uint64_t) n > max)
        return mw_err_code (err, EINVAL,
                            "job: \"%s\" must be a whole number "
                            "from %" PRIu64 " to %" PRIu64,
                            member, min, max);
    *value = (uint64_t) n;
    return 0;
}

/* Get the string [member] of [obj]; "" if missing; NULL if it is no string or
 * longer than [max] bytes. */
static const char *_get_string (const json_t *obj, const char *member,
                                size_t max, struct mw_err *err)
{
    const json_t *j = json_object_get (obj, member);

    if (!j)
        return "";
    if (!json_is_string (j)) {
        _jobspec_wrong (err, member, "must be a string");
        return NULL;
    }
    if (json_string_length (j) > max) {
        mw_err_code (err, EINVAL,
                     "job: \"%s\" is too long; at most %zu bytes "
                     "are allowed",
                     member, max);
        return NULL;
    }
    return json_string_value (j);
}

static int _decode_numbers (const json_t *obj, struct mw_jobspec *spec,
                            struct mw_err *err)
{
    uint64_t n[8];

    /* (uid_t) -1 means "nobody in particular" to the kernel */
    if (_jobspec_get_number (obj, "slurm_id", 0, UINT32_MAX, 0, &n[0], err) <
            0 ||
        _jobspec_get_number (obj, "array_job_id", 0, UINT32_MAX, 0, &n[1],
                             err) < 0 ||
        _jobspec_get_number (obj, "array_task_id", 0, UINT32_MAX, 0, &n[2],
                             err) < 0 ||
        _jobspec_get_number (obj, "uid", 0, UINT32_MAX - 1, 0, &n[3], err) <
            0 ||
        _jobspec_get_number (obj, "gid", 0, UINT32_MAX - 1, 0, &n[4], err) <
            0 ||
        _jobspec_get_number (obj, "cpus", 1, CPUS_MAX, 1, &n[5], err) < 0 ||
        _jobspec_get_number (obj, "priority", 0, MW_PRIORITY_MAX,
                             MW_PRIORITY_DEFAULT, &n[6], err) < 0 ||
        _jobspec_get_number (obj, "reservation", 0, INT64_MAX, 0, &n[7], err) <
            0)
        return -1;
    spec->slurm_id = (uint32_t) n[0];
    spec->array_job_id = (uint32_t) n[1];
    spec->array_task_id = (uint32_t) n[2];
    spec->uid = (uid_t) n[3];
    spec->gid = (gid_t) n[4];
    spec->cpus = (uint32_t) n[5];
    spec->priority = (unsigned) n[6];
    spec->reservation = n[7];
    return 0;
}

static int _get_flag (const json_t *obj, const char *member, bool *value,
                      struct mw_err *err)
{
    const json_t *j = json_object_get (obj, member);

    *value = json_is_true (j);
    return !j || json_is_boolean (j)
               ? 0
               : _jobspec_wrong (err, member, "must be true or false");
}

static int _get_amount (const json_t *obj, const char *member,
                        struct mw_amount *amount, struct mw_err *err)
{
    const char *text = _get_string (obj, member, MW_SIZE_STRLEN, err);

    if (!text)
        return -1;
    if (*text == '\0')
        return 0;
    if (mw_amount_parse (text, amount, err) < 0) {
        errno = EINVAL;
        return mw_err_prefix (err, "job: \"%s\"", member);
    }
    return 0;
}

static int _get_ladder (const json_t *obj, struct mw_jobspec *spec,
                        struct mw_err *err)
{
    const char *text = _get_string (obj, "ladder", MW_LADDER_STRLEN - 1, err);
    struct mw_ladder ladder;

    if (!text)
        return -1;
    if (*text && mw_ladder_parse (text, &ladder, err) < 0)
        return mw_err_prefix (err, "job: \"ladder\"");
    snprintf (spec->ladder, sizeof (spec->ladder), "%s", text);
    return 0;
}

static int _get_proc_limit (const json_t *obj, struct mw_jobspec *spec,
                            struct mw_err *err)
{
    const char *text = _get_string (obj, "proc_limit", MW_PROCLIMIT_STRLEN - 1,
                                    err);
    struct mw_proclimit limit;

    if (!text)
        return -1;
    if (*text && mw_proclimit_parse (text, &limit, err) < 0)
        return mw_err_prefix (err, "job: \"proc_limit\"");
    strcpy (spec->proc_limit, text);
    return 0;
}

static int _get_retry (const json_t *obj, struct mw_jobspec *spec,
                       struct mw_err *err)
{
    const char *text = _get_string (obj, "retry", MW_RETRY_STRLEN - 1, err);

    if (!text)
        return -1;
    if (*text && mw_retry_parse (text, &spec->retry, err) < 0)
        return mw_err_prefix (err, "job: \"retry\"");
    return 0;
}

static int _get_layout (const json_t *obj, struct mw_jobspec *spec,
                        struct mw_err *err)
{
    const char *text = _get_string (obj, "layout", 16, err);

    if (!text)
        return -1;
    if (*text == '\0')
        return 0;
    for (size_t i = 0; i < MW_LAYOUT_COUNT; i++) {
        if (strcmp (text, mw_layout_name[i]) == 0) {
            spec->layout = (enum mw_layout) i;
            return 0;
        }
    }
    return _jobspec_wrong (err, "layout",
                           "must be \"leaf\", \"slurm\" or "
                           "\"step\"");
}

/* The name is only ever shown, so a long one is cut, between characters. */
static int _get_name (const json_t *obj, struct mw_jobspec *spec,
                      struct mw_err *err)
{
    const char *text = _get_string (obj, "name", SIZE_MAX, err);
    size_t len;

    if (!text)
        return -1;
    len = strlen (text);
    if (len >= sizeof (spec->name)) {
        len = sizeof (spec->name) - 1;
        while (len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy (spec->name, text, len);
    spec->name[len] = '\0';
    return 0;
}

/* It is compared with patterns, so none is better than a part of one. */
static int _get_user (const json_t *obj, struct mw_jobspec *spec,
                      struct mw_err *err)
{
    const char *text = _get_string (obj, "user", MW_USER_MAX - 1, err);

    if (!text)
        return -1;
    strcpy (spec->user, text);
    return 0;
}

/* A step's key begins with its job's, and a step is nobody's to complete or
 * requeue. */
static int _get_of (const json_t *obj, struct mw_jobspec *spec,
                    struct mw_err *err)
{
    const char *text = _get_string (obj, "of", MW_JOBKEY_MAX - 1, err);
    size_t len;

    if (!text)
        return -1;
    len = strlen (text);
    if ((len > 0) != (spec->layout == MW_LAYOUT_STEP) ||
        (len > 0 && (spec->slurm_id || strncmp (spec->key, text, len) ||
                     spec->key[len] != '.' || !spec->key[len + 1])))
        return _jobspec_wrong (err, "of",
                               "must be the job of a step: \"layout\" is "
                               "\"step\", the key JOB.STEP, \"slurm_id\" 0");
    strcpy (spec->of, text);
    return 0;
}

int mw_jobspec_decode (const json_t *obj, struct mw_jobspec *spec,
                       struct mw_err *err)
{
    struct mw_jobspec s = { 0 };
    const char *key;

    if (!json_is_object (obj))
        return mw_err_code (err, EINVAL, "job: not a JSON object");
    if (!(key = _get_string (obj, "key", MW_JOBKEY_MAX - 1, err)))
        return -1;
    if (!mw_jobkey_valid (key))
        return _jobspec_wrong (err, "key",
                               "must be letters, digits, ., _ and -, not "
                               "starting with . or -");
    memcpy (s.key, key, strlen (key));
    if (_get_flag (obj, "batch", &s.batch, err) < 0 ||
        _get_flag (obj, "tells", &s.tells, err) < 0 ||
        _get_flag (obj, "script", &s.script, err) < 0)
        return -1;
    if (_decode_numbers (obj, &s, err) < 0 ||
        _get_amount (obj, "burst", &s.burst, err) < 0 ||
        _get_amount (obj, "reserve", &s.reserve, err) < 0 ||
        _get_ladder (obj, &s, err) < 0 || _get_proc_limit (obj, &s, err) < 0 ||
        _get_retry (obj, &s, err) < 0 || _get_layout (obj, &s, err) < 0 ||
        _get_of (obj, &s, err) < 0 || _get_user (obj, &s, err) < 0 ||
        _get_name (obj, &s, err) < 0)
        return -1;
    *spec = s;
    return 0;
}
