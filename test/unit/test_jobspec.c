/* A job spec survives the wire; a hostile one is refused by its member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/jobspec.h"

static const struct mw_jobspec full = {
    .key = "12",
    .slurm_id = 12,
    .array_job_id = 10,
    .array_task_id = 2,
    .uid = 1000,
    .gid = 100,
    .cpus = 4,
    .priority = 300,
    .reservation = UINT64_C (1) << 40,
    .burst = { .kind = MW_AMOUNT_FACTOR, .ratio = 1.5 },
    .reserve = { .kind = MW_AMOUNT_BYTES, .bytes = 64 * MW_MIB },
    .ladder = "grow@30s,kill",
    .retry = { .factor = 1.5, .max = 64 * MW_MIB, .tries = 2 },
    .layout = MW_LAYOUT_SLURM,
    .batch = true,
    .user = "ada",
    .name = "sim",
};

/* Decode the JSON [text]. Returns as mw_jobspec_decode. */
static int _decode (const char *text, struct mw_jobspec *spec,
                    struct mw_err *err)
{
    cleanup_json json_t *j = json_loads (text, 0, NULL);

    if (!j)
        fail_msg ("not JSON: %s", text);
    return mw_jobspec_decode (j, spec, err);
}

static void _refused (const char *text, const char *sentence)
{
    struct mw_jobspec spec = { .priority = 4711 };
    struct mw_err err = { "" };

    if (_decode (text, &spec, &err) == 0)
        fail_msg ("taken: %s", text);
    assert_int_equal (errno, EINVAL);
    assert_int_equal (spec.priority, 4711);
    if (!strstr (err.text, sentence))
        fail_msg ("no \"%s\" in: %s", sentence, err.text);
}

static void every_member_survives_the_wire (void **state)
{
    cleanup_json json_t *j = mw_jobspec_encode (&full);
    cleanup_free char *text = json_dumps (j, 0);
    struct mw_jobspec got;
    struct mw_err err;

    (void) state;
    assert_int_equal (_decode (text, &got, &err), 0);
    assert_string_equal (got.key, full.key);
    assert_int_equal (got.slurm_id, 12);
    assert_int_equal (got.array_job_id, 10);
    assert_int_equal (got.array_task_id, 2);
    assert_int_equal (got.uid, 1000);
    assert_int_equal (got.gid, 100);
    assert_int_equal (got.cpus, 4);
    assert_int_equal (got.priority, 300);
    assert_int_equal (got.reservation, full.reservation);
    assert_int_equal (got.burst.kind, MW_AMOUNT_FACTOR);
    assert_true (got.burst.ratio == 1.5);
    assert_int_equal (got.reserve.bytes, 64 * MW_MIB);
    assert_string_equal (got.user, "ada");
    assert_string_equal (got.ladder, full.ladder);
    assert_true (got.retry.factor == 1.5 && got.retry.max == 64 * MW_MIB &&
                 got.retry.tries == 2);
    assert_int_equal (got.layout, MW_LAYOUT_SLURM);
    assert_true (got.batch);
    assert_string_equal (got.name, "sim");
}

static void a_step_names_its_job (void **state)
{
    struct mw_jobspec got, again;
    cleanup_json json_t *obj = NULL;

    (void) state;
    assert_int_equal (_decode ("{\"key\":\"12.0\",\"of\":\"12\","
                               "\"layout\":\"step\"}",
                               &got, NULL),
                      0);
    assert_string_equal (mw_jobspec_step (&got), "0");
    obj = mw_jobspec_encode (&got);
    assert_int_equal (mw_jobspec_decode (obj, &again, NULL), 0);
    assert_string_equal (again.of, "12");
    assert_int_equal (again.layout, MW_LAYOUT_STEP);
    assert_null (mw_jobspec_step (&full));
}

static void missing_members_take_the_defaults (void **state)
{
    struct mw_jobspec got;

    (void) state;
    assert_int_equal (_decode ("{\"key\":\"a\",\"from_the_future\":[1]}", &got,
                               NULL),
                      0);
    assert_int_equal (got.priority, MW_PRIORITY_DEFAULT);
    assert_int_equal (got.cpus, 1);
    assert_int_equal (got.reservation, 0);
    assert_int_equal (got.burst.kind, MW_AMOUNT_NONE);
    assert_string_equal (got.ladder, "");
    assert_int_equal (got.layout, MW_LAYOUT_LEAF);
    assert_false (got.batch);
}

static void keys_cannot_lead_out_of_a_directory (void **state)
{
    char longest[MW_JOBKEY_MAX + 1];

    (void) state;
    memset (longest, 'x', MW_JOBKEY_MAX);
    longest[MW_JOBKEY_MAX] = '\0';
    assert_false (mw_jobkey_valid (longest));
    longest[MW_JOBKEY_MAX - 1] = '\0';
    assert_true (mw_jobkey_valid (longest));
    assert_true (mw_jobkey_valid ("12_3.batch-A"));
    assert_false (mw_jobkey_valid (""));
    assert_false (mw_jobkey_valid ("."));
    assert_false (mw_jobkey_valid (".."));
    assert_false (mw_jobkey_valid (".hidden"));
    assert_false (mw_jobkey_valid ("-rf"));
    assert_false (mw_jobkey_valid ("a/b"));
    assert_false (mw_jobkey_valid ("a\nb"));
    assert_false (mw_jobkey_valid ("\xc3\xa4"));
    _refused ("{}", "\"key\" must be letters");
    _refused ("{\"key\":\"../../etc\"}", "\"key\" must be letters");
    _refused ("{\"key\":12}", "\"key\" must be a string");
}

static void numbers_out_of_range_are_refused_by_name (void **state)
{
    (void) state;
    _refused ("{\"key\":\"a\",\"priority\":1001}",
              "\"priority\" must be a "
              "whole number from 0 to 1000");
    _refused ("{\"key\":\"a\",\"priority\":-1}", "\"priority\"");
    _refused ("{\"key\":\"a\",\"priority\":5.5}", "\"priority\"");
    _refused ("{\"key\":\"a\",\"priority\":\"5\"}", "\"priority\"");
    _refused ("{\"key\":\"a\",\"reservation\":-1}", "\"reservation\"");
    _refused ("{\"key\":\"a\",\"uid\":4294967295}", "\"uid\"");
    _refused ("{\"key\":\"a\",\"uid\":4294967296}", "\"uid\"");
    _refused ("{\"key\":\"a\",\"user\":7}", "\"user\" must be a string");
    _refused ("{\"key\":\"a\",\"gid\":-1}", "\"gid\"");
    _refused ("{\"key\":\"a\",\"cpus\":0}", "\"cpus\"");
    _refused ("{\"key\":\"a\",\"slurm_id\":99999999999}", "\"slurm_id\"");
}

static void bad_texts_are_refused_by_name (void **state)
{
    (void) state;
    _refused ("[]", "not a JSON object");
    _refused ("{\"key\":\"a\",\"burst\":\"-1\"}", "\"burst\"");
    _refused ("{\"key\":\"a\",\"burst\":5}", "\"burst\" must be a string");
    _refused ("{\"key\":\"a\",\"reserve\":\"99999999999999999999G\"}",
              "\"reserve\"");
    _refused ("{\"key\":\"a\",\"ladder\":\"explode\"}",
              "unknown step \"explode\"");
    _refused ("{\"key\":\"a\",\"ladder\":null}", "\"ladder\"");
    _refused ("{\"key\":\"a\",\"layout\":\"tree\"}", "\"layout\"");
    _refused ("{\"key\":\"a\",\"batch\":1}", "\"batch\"");
    _refused ("{\"key\":\"12.0\",\"of\":\"12\"}", "\"of\"");
    _refused ("{\"key\":\"12.0\",\"layout\":\"step\"}", "\"of\"");
    _refused ("{\"key\":\"12.\",\"of\":\"12\",\"layout\":\"step\"}", "\"of\"");
    _refused ("{\"key\":\"13.0\",\"of\":\"12\",\"layout\":\"step\"}", "\"of\"");
    _refused ("{\"key\":\"12.0\",\"of\":\"12\",\"layout\":\"step\","
              "\"slurm_id\":12}",
              "\"of\"");
    _refused ("{\"key\":\"a\",\"name\":1}", "\"name\"");
}

static void a_long_name_is_cut_between_characters (void **state)
{
    struct mw_jobspec got;
    char text[200] = "{\"key\":\"a\",\"name\":\"", want[MW_NAME_MAX];

    (void) state;
    memset (want, 'n', 62);
    want[62] = '\0';
    strcat (text, want);
    strcat (text, "\xc3\xa4\xc3\xa4\"}");
    assert_int_equal (_decode (text, &got, NULL), 0);
    assert_string_equal (got.name, want);
}

static void a_name_that_is_no_utf8_can_be_sent (void **state)
{
    struct mw_jobspec spec = full, got;
    cleanup_json json_t *j = NULL;

    (void) state;
    strcpy (spec.name, "gr\xfc\xdf"
                       "e");
    j = mw_jobspec_encode (&spec);
    assert_non_null (j);
    assert_int_equal (mw_jobspec_decode (j, &got, NULL), 0);
    assert_string_equal (got.name, "gr??e");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (every_member_survives_the_wire),
        cmocka_unit_test (a_step_names_its_job),
        cmocka_unit_test (missing_members_take_the_defaults),
        cmocka_unit_test (keys_cannot_lead_out_of_a_directory),
        cmocka_unit_test (numbers_out_of_range_are_refused_by_name),
        cmocka_unit_test (bad_texts_are_refused_by_name),
        cmocka_unit_test (a_long_name_is_cut_between_characters),
        cmocka_unit_test (a_name_that_is_no_utf8_can_be_sent),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
