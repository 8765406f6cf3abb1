/* What webhooks are sent, and what of slurmrestd is understood: texts of strangers end
 * nothing, and mean nothing, in any body; a server that offers nothing known is said to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "handler/courier/rest.h"
#include "handler/courier/transition.h"
#include "lib/cleanup.h"

#define RECORD \
    "{\"t\":\"2026-11-21T01:02:03.000456Z\",\"ms\":7,\"seq\":17,\"event\":\"%s\"," \
    "\"job\":\"12\",\"uid\":1000,\"slurm_id\":12,\"incident\":\"12.1\"," \
    "\"trigger\":\"job\",\"text\":%s,\"used\":1,\"peak\":2,\"limit\":3," \
    "\"reservation\":4,\"priority\":500,\"hook\":\"gdb\"}"

static json_t *_record (const char *event, const char *text)
{
    char json[2048];
    json_t *j;

    snprintf (json, sizeof (json), RECORD, event, text);
    j = json_loads (json, 0, NULL);
    assert_non_null (j);
    return j;
}

static const char *_member (const json_t *j, const char *key)
{
    return json_string_value (json_object_get (j, key));
}

/* The body of a transition whose sentence is [text], parsed again. */
static json_t *_body (enum conf_body body, const char *event, const char *text)
{
    cleanup_json json_t *record = _record (event, text);
    cleanup_json json_t *j = transition_of (record);
    const char *type;
    cleanup_free char *out = transition_body (j, body, &type);
    json_t *parsed = out ? json_loads (out, 0, NULL) : NULL;

    assert_non_null (parsed);
    return parsed;
}

static void a_record_is_named_by_its_time_and_number (void **state)
{
    cleanup_json json_t *record = _record ("step", "\"x\"");
    char name[OUTBOX_NAME_MAX];

    (void) state;
    assert_true (transition_name (record, name));
    assert_string_equal (name, "1795222923000456.0000000017.12");
    json_object_set_new (record, "job", json_string ("../../etc/passwd"));
    assert_false (transition_name (record, name));
    json_object_set_new (record, "job", json_string ("12"));
    json_object_set_new (record, "t", json_string ("yesterday"));
    assert_false (transition_name (record, name));
}

static void the_object_has_what_the_record_has (void **state)
{
    cleanup_json json_t *j = _body (CONF_BODY_MEMWARDEN, "step",
                                    "\"\\\"},{\\n\"");

    (void) state;
    assert_string_equal (_member (j, "summary"), "\"},{\n");
    assert_int_equal (json_integer_value (json_object_get (j, "schema")), 1);
    assert_non_null (
        strstr (_member (j, "key"), "/12.1/17/2026-11-21T01:02:03"));
    assert_null (json_object_get (j, "ms"));
    assert_null (json_object_get (j, "hook"));
    assert_string_equal (_member (json_object_get (j, "more"), "hook"), "gdb");
}

static void an_incident_is_one_alert_that_ends (void **state)
{
    cleanup_json json_t *a = _body (CONF_BODY_ALERTMANAGER, "step", "\"x\"");
    cleanup_json json_t *b = _body (CONF_BODY_ALERTMANAGER, "resolved",
                                    "\"y\"");

    (void) state;
    assert_true (
        json_equal (json_object_get (json_array_get (a, 0), "labels"),
                    json_object_get (json_array_get (b, 0), "labels")));
    assert_string_equal (_member (json_array_get (a, 0), "endsAt"),
                         "2026-11-22T01:02:03Z");
    assert_string_equal (_member (json_array_get (b, 0), "endsAt"),
                         "2026-11-21T01:02:03.000456Z");
}

static void nobody_is_called_in_a_chat (void **state)
{
    cleanup_json json_t
        *j = _body (CONF_BODY_SLACK, "step",
                    "\"<!channel> @all <http://evil|here> *x* `y` & \\u0001\"");
    const char *text = _member (j, "text");

    (void) state;
    assert_null (strpbrk (text, "<>*`"));
    assert_null (strstr (text, "@all"));
    assert_non_null (strstr (text, "&lt;!channel&gt;"));
}

static uint32_t _offers (const char *json, char why[200])
{
    why[0] = '\0';
    return rest_negotiate (json, strlen (json), why, 200);
}

static void the_newest_known_version_is_taken (void **state)
{
    char why[200];
    uint32_t offer;

    (void) state;
    /* 22.05, 24.11, 26.05, as they name what they have */
    offer =
        _offers ("{\"paths\":{\"/slurm/v0.0.36/job/{job_id}\":{\"post\":{}},"
                 "\"/slurm/v0.0.38/job/{job_id}\":{\"post\":{}},"
                 "\"/slurm/v0.0.38/node/{node_name}\":{\"get\":{}}}}",
                 why);
    assert_int_equal (offer, 38);
    offer =
        _offers ("{\"paths\":{\"/slurm/v0.0.42/job/{job_id}\":{\"post\":{}},"
                 "\"/slurm/v0.0.42/node/{node_name}\":{\"post\":{}},"
                 "\"/slurm/v0.0.40/job/{job_id}\":{\"post\":{}},"
                 "\"/slurmdb/v0.0.99/job/{job_id}\":{\"post\":{}}}}",
                 why);
    assert_int_equal (offer, 42 | REST_HAS_NODE);
    offer =
        _offers ("{\"paths\":{\"/slurm/v0.0.45/job/{job_id}/\":{\"post\":{}},"
                 "\"/slurm/v0.0.45/node/{node_name}\":{\"post\":{}},"
                 "\"/slurm/v0.0.45/job/{job_id}/requeue\":{\"get\":{}},"
                 "\"/slurm/v0.0.46/job/{job_id}\":{\"post\":{}}}}",
                 why);
    assert_int_equal (offer, 45 | REST_HAS_NODE | REST_HAS_REQUEUE);
}

static void what_is_not_known_is_said (void **state)
{
    char why[200];

    (void) state;
    assert_int_equal (
        _offers ("{\"paths\":{\"/slurm/v0.0.99/job/{job_id}\":{\"post\":{}}}}",
                 why),
        0);
    assert_non_null (strstr (why, "only up to v0.0.99"));
    assert_non_null (strstr (why, "v0.0.36 to v0.0.45"));
    assert_int_equal (_offers ("{\"paths\":{}}", why), 0);
    assert_non_null (strstr (why, "offers nothing"));
    assert_int_equal (_offers ("\xff<html>", why), 0);
    assert_non_null (strstr (why, "no description"));
    assert_int_equal (_offers ("{\"paths\":7}", why), 0);
    assert_non_null (strstr (why, "no description"));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_record_is_named_by_its_time_and_number),
        cmocka_unit_test (the_object_has_what_the_record_has),
        cmocka_unit_test (an_incident_is_one_alert_that_ends),
        cmocka_unit_test (nobody_is_called_in_a_chat),
        cmocka_unit_test (the_newest_known_version_is_taken),
        cmocka_unit_test (what_is_not_known_is_said),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
