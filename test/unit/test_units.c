/* Sizes, amounts, durations and priorities: what is read, refused, written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/units.h"

static uint64_t _size (const char *text)
{
    uint64_t bytes = 4711;
    struct mw_err err;

    if (mw_size_parse (text, &bytes, &err) < 0)
        fail_msg ("\"%s\": %s", text, err.text);
    return bytes;
}

static int _size_refused (const char *text)
{
    uint64_t bytes = 4711;
    struct mw_err err = { "" };

    if (mw_size_parse (text, &bytes, &err) == 0)
        fail_msg ("\"%s\" was taken as %lu", text, (unsigned long) bytes);
    assert_int_equal (bytes, 4711);
    assert_true (strchr (err.text, ';') != NULL); /* says what is right */
    return errno;
}

static void sizes_have_units_of_1024_in_either_case (void **state)
{
    (void) state;
    assert_int_equal (_size ("0"), 0);
    assert_int_equal (_size ("17B"), 17);
    assert_int_equal (_size ("1K"), 1024);
    assert_int_equal (_size ("512m"), 512 * MW_MIB);
    assert_int_equal (_size ("1.5G"), 3 * MW_GIB / 2);
    assert_int_equal (_size (".5GiB"), MW_GIB / 2);
    assert_int_equal (_size ("2gb"), 2 * MW_GIB);
    assert_int_equal (_size ("1T"), 1024 * MW_GIB);
    assert_int_equal (_size ("8191P"), UINT64_C (8191) << 50);
    assert_int_equal (_size ("0.0000000000000000000001G"), 0);
}

static void a_bare_number_is_refused_as_a_size (void **state)
{
    uint64_t bytes;
    struct mw_err err;

    (void) state;
    assert_int_equal (_size_refused ("100"), EINVAL);
    assert_int_equal (mw_size_parse ("100", &bytes, &err), -1);
    assert_non_null (strstr (err.text, "without a unit"));
}

static void what_is_no_size_is_refused (void **state)
{
    static const char *const bad[] = {
        "",    " ",   "G",      "1X",   "1 G",  "1GG", "1iB",
        "inf", "nan", "0x10M",  "1e3M", "1,5G", "M1",  "--1M",
        "+",   ".",   "1.2.3M", "1BB",  "0.5",
    };

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        if (_size_refused (bad[i]) != EINVAL)
            fail_msg ("\"%s\": errno %d", bad[i], errno);
}

static void negative_and_overflowing_sizes_are_out_of_range (void **state)
{
    (void) state;
    assert_int_equal (_size_refused ("-1"), ERANGE);
    assert_int_equal (_size_refused ("-1G"), ERANGE);
    assert_int_equal (_size_refused ("8192P"), ERANGE);
    assert_int_equal (_size_refused ("99999999999999999999999G"), ERANGE);
    assert_int_equal (_size_refused ("18446744073709551616B"), ERANGE);
    assert_int_equal (_size_refused ("9223372036854775808B"), ERANGE);
}

static void amounts_are_sizes_factors_or_shares (void **state)
{
    struct mw_amount a = { 0 };

    (void) state;
    assert_int_equal (mw_amount_of (&a, 100, 7), 7);
    assert_int_equal (mw_amount_parse ("512M", &a, NULL), 0);
    assert_int_equal (mw_amount_of (&a, 100, 7), 512 * MW_MIB);
    assert_int_equal (mw_amount_parse ("x1.5", &a, NULL), 0);
    assert_int_equal (a.kind, MW_AMOUNT_FACTOR);
    assert_int_equal (mw_amount_of (&a, 100, 7), 150);
    assert_int_equal (mw_amount_parse ("25%", &a, NULL), 0);
    assert_int_equal (a.kind, MW_AMOUNT_PERCENT);
    assert_int_equal (mw_amount_of (&a, 100, 7), 25);
}

static void amounts_saturate_and_x1_is_exact (void **state)
{
    struct mw_amount a;

    (void) state;
    assert_int_equal (mw_amount_parse ("x1000", &a, NULL), 0);
    assert_int_equal (mw_amount_of (&a, INT64_MAX, 0), INT64_MAX);
    assert_int_equal (mw_amount_of (&a, UINT64_MAX, 0), INT64_MAX);
    assert_int_equal (mw_amount_parse ("x1", &a, NULL), 0);
    assert_int_equal (mw_amount_of (&a, INT64_MAX - 1, 0), INT64_MAX - 1);
}

static void bad_amounts_are_refused (void **state)
{
    static const struct {
        const char *text;
        int error;
    } bad[] = {
        { "", EINVAL },      { "x", EINVAL },
        { "%", EINVAL },     { "x1.5G", EINVAL },
        { "x-1", ERANGE },   { "-5%", ERANGE },
        { "x1001", ERANGE }, { "x99999999999999999999", ERANGE },
        { "5%%", EINVAL },   { "1.5", EINVAL },
        { "-1", ERANGE },    { "xinf", EINVAL },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        struct mw_amount a = { .bytes = 4711 };

        if (mw_amount_parse (bad[i].text, &a, NULL) == 0 ||
            errno != bad[i].error || a.bytes != 4711)
            fail_msg ("\"%s\": errno %d", bad[i].text, errno);
    }
}

static void amounts_are_written_as_they_are_typed (void **state)
{
    static const char *const typed[] = {
        "512M", "x1.5", "25%",          "x1",   "12.5%", "17B",
        "0",    "3G",   "x1.000000001", "0.1%", "x1000",
    };

    (void) state;
    for (size_t i = 0; i < sizeof (typed) / sizeof (typed[0]); i++) {
        struct mw_amount a;
        char buf[32];

        assert_int_equal (mw_amount_parse (typed[i], &a, NULL), 0);
        assert_string_equal (mw_amount_format (&a, buf, sizeof (buf)),
                             typed[i]);
    }
}

static void sizes_are_written_for_a_reader (void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } want[] = {
        { 0, "0 B" },
        { 17, "17 B" },
        { 1023, "1023 B" },
        { 1024, "1.0 KiB" },
        { 512 * MW_KIB, "512 KiB" },
        { 2 * MW_GIB, "2.0 GiB" },
        { 3 * MW_GIB / 2, "1.5 GiB" },
        { MW_MIB - 1, "1.0 MiB" },
        { 100 * MW_MIB - 1, "100 MiB" },
        { 99 * MW_MIB, "99.0 MiB" },
        { UINT64_MAX, "16384 PiB" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (want) / sizeof (want[0]); i++) {
        char buf[MW_SIZE_STRLEN];

        assert_string_equal (mw_size_format (want[i].bytes, buf, sizeof (buf)),
                             want[i].text);
    }
}

static void exact_sizes_are_read_back (void **state)
{
    static const uint64_t sizes[] = {
        0,
        1,
        1023,
        1024,
        1025,
        MW_MIB,
        1536 * MW_MIB,
        MW_GIB,
        5000 * MW_GIB,
        INT64_MAX,
    };
    char buf[MW_SIZE_STRLEN];

    (void) state;
    for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
        assert_int_equal (_size (mw_size_exact (sizes[i], buf, sizeof (buf))),
                          sizes[i]);
    assert_string_equal (mw_size_exact (1536 * MW_MIB, buf, sizeof (buf)),
                         "1536M");
}

static void durations_are_read_and_written (void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
        const char *back;
    } want[] = {
        { "30", 30000, "30s" },
        { "30s", 30000, "30s" },
        { "0", 0, "0s" },
        { "10m", 600000, "10m" },
        { "1500ms", 1500, "1500ms" },
        { "1.5h", 5400000, "90m" },
        { "2d", 172800000, "2d" },
        { "0.5", 500, "500ms" },
        { "365d", UINT64_C (31536000000), "365d" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (want) / sizeof (want[0]); i++) {
        uint64_t ms = 1;
        char buf[32];

        assert_int_equal (mw_duration_parse (want[i].text, &ms, NULL), 0);
        assert_int_equal (ms, want[i].ms);
        assert_string_equal (mw_duration_format (ms, buf, sizeof (buf)),
                             want[i].back);
    }
}

static void bad_durations_are_refused (void **state)
{
    static const struct {
        const char *text;
        int error;
    } bad[] = {
        { "", EINVAL },    { "s", EINVAL },
        { "5x", EINVAL },  { "5 s", EINVAL },
        { "-1s", ERANGE }, { "366d", ERANGE },
        { "1y", EINVAL },  { "99999999999999999999s", ERANGE },
        { "1e9", EINVAL },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        uint64_t ms = 4711;
        struct mw_err err;

        if (mw_duration_parse (bad[i].text, &ms, &err) == 0 ||
            errno != bad[i].error || ms != 4711)
            fail_msg ("\"%s\": errno %d", bad[i].text, errno);
    }
}

static void priorities_are_0_to_1000 (void **state)
{
    static const char *const bad[] = {
        "1001", "-1", "",   "-",   "5.0",
        "1e2",  " 5", "5 ", "0x5", "18446744073709551617",
        "high",
    };
    unsigned priority = 4711;
    struct mw_err err;

    (void) state;
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        if (mw_priority_parse (bad[i], &priority, &err) == 0)
            fail_msg ("\"%s\" was taken", bad[i]);
        assert_int_equal (priority, 4711);
        assert_non_null (strstr (err.text, "0 to 1000"));
    }
    assert_int_equal (mw_priority_parse ("1001", &priority, NULL), -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (mw_priority_parse ("0", &priority, NULL), 0);
    assert_int_equal (priority, 0);
    assert_int_equal (mw_priority_parse ("1000", &priority, NULL), 0);
    assert_int_equal (priority, 1000);
}

static void hostile_text_is_tamed_in_the_sentence (void **state)
{
    uint64_t bytes;
    struct mw_err err;

    (void) state;
    assert_int_equal (mw_size_parse ("\033[2J1M", &bytes, &err), -1);
    assert_null (strchr (err.text, '\033'));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (sizes_have_units_of_1024_in_either_case),
        cmocka_unit_test (a_bare_number_is_refused_as_a_size),
        cmocka_unit_test (what_is_no_size_is_refused),
        cmocka_unit_test (negative_and_overflowing_sizes_are_out_of_range),
        cmocka_unit_test (amounts_are_sizes_factors_or_shares),
        cmocka_unit_test (amounts_saturate_and_x1_is_exact),
        cmocka_unit_test (bad_amounts_are_refused),
        cmocka_unit_test (amounts_are_written_as_they_are_typed),
        cmocka_unit_test (sizes_are_written_for_a_reader),
        cmocka_unit_test (exact_sizes_are_read_back),
        cmocka_unit_test (durations_are_read_and_written),
        cmocka_unit_test (bad_durations_are_refused),
        cmocka_unit_test (priorities_are_0_to_1000),
        cmocka_unit_test (hostile_text_is_tamed_in_the_sentence),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
