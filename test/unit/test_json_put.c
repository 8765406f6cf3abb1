/* JSON put together without allocation is valid whatever did not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json_put.h"

/* A quote, a control character, UTF-8 of 2 to 4 bytes, and what is none:
 * escaped 2, 6, 2, 3, 4, 1 and 2 bytes. */
#define STRANGE "\"\001\xc3\xa4\xe2\x80\xa6\xf0\x9f\x92\xa9\xff\\"

/* An object of one text, [most] bytes of it, in [size] bytes. Returns what it
 * says, the caller's; NULL where it says nothing. */
static json_t *_object (size_t size, size_t most, bool *over)
{
    char buf[256];
    struct json_put p = { .text = buf, .size = size - 1 };
    json_t *j;

    memset (buf, '#', sizeof (buf));
    json_put (&p, "{");
    json_put_cut (&p, "a", "x" STRANGE STRANGE, most);
    *over = p.over;
    p.size++;
    json_put_end (&p, "}");
    j = json_loads (json_put_done (&p), 0, NULL);
    assert_non_null (j);
    assert_true (strlen (buf) < size);
    assert_int_equal (buf[size], '#');
    return j;
}

static void a_text_is_cut_at_a_characters_boundary (void **state)
{
    static const char whole[] = "x\"\001\xc3\xa4\xe2\x80\xa6\xf0\x9f\x92\xa9?\\"
                                "\"\001\xc3\xa4\xe2\x80\xa6\xf0\x9f\x92\xa9?\\";
    size_t had = 0;
    bool over;

    (void) state;
    for (size_t most = 0; most < 64; most++) {
        cleanup_json json_t *j = _object (128, most, &over);
        const char *text = json_string_value (json_object_get (j, "a"));

        assert_false (over); /* it was asked for */
        assert_non_null (text);
        assert_memory_equal (text, whole, strlen (text));
        assert_true (strlen (text) >= had);
        had = strlen (text);
    }
    assert_int_equal (had, strlen (whole));
}

/* [s] as a member of an array, of at most 7 bytes. */
static const char *_cut (const char *s)
{
    static char buf[64];
    struct json_put p = { .text = buf, .size = sizeof (buf) };

    json_put_cut (&p, NULL, s, 7);
    return json_put_done (&p);
}

static void what_is_no_utf8_or_stands_for_something_is_escaped (void **state)
{
    (void) state;
    assert_string_equal (_cut ("ab\ncd"), "\"ab\"");
    assert_string_equal (_cut ("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_string_equal (_cut ("abcdef\xc3\xa4"), "\"abcdef\"");
    assert_string_equal (_cut ("\xed\xa0\x80"), "\"???\"");
    assert_string_equal (_cut ("\xf4\x90\x80\x80"), "\"????\"");
    assert_string_equal (_cut ("\xc0\xaf"), "\"??\"");
}

static void what_does_not_fit_is_not_there_at_all (void **state)
{
    bool over;

    (void) state;
    for (size_t size = 4; size < 128; size++) {
        cleanup_json json_t *j = _object (size, 128, &over);

        assert_int_equal (json_object_size (j), over ? 0 : 1);
    }
    assert_false (over);
}

static void members_are_whole_or_not_there (void **state)
{
    (void) state;
    for (size_t size = 4; size < 64; size++) {
        cleanup_json json_t *j = NULL;
        char buf[64];
        struct json_put p = { .text = buf, .size = size - 1 };

        json_put (&p, "{");
        json_put_number (&p, "number", UINT64_MAX);
        json_put_signed (&p, "signed", INT64_MIN);
        json_put_flag (&p, "flag", true);
        assert_true (p.over || size > 60);
        p.size++;
        json_put_end (&p, "}");
        assert_non_null (j = json_loads (json_put_done (&p), 0, NULL));
    }
}

static void numbers_are_as_they_are (void **state)
{
    char buf[256];
    struct json_put p = { .text = buf, .size = sizeof (buf) };

    (void) state;
    json_put (&p, "[");
    json_put_number (&p, NULL, UINT64_MAX);
    json_put_number (&p, NULL, 0);
    json_put_signed (&p, NULL, -1);
    json_put_signed (&p, NULL, INT64_MIN);
    json_put_signed (&p, NULL, INT64_MAX);
    json_put_end (&p, "]");
    assert_string_equal (json_put_done (&p),
                         "[9223372036854775807,0,-1,"
                         "-9223372036854775808,9223372036854775807]");
    assert_false (p.over);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_text_is_cut_at_a_characters_boundary),
        cmocka_unit_test (what_is_no_utf8_or_stands_for_something_is_escaped),
        cmocka_unit_test (what_does_not_fit_is_not_there_at_all),
        cmocka_unit_test (members_are_whole_or_not_there),
        cmocka_unit_test (numbers_are_as_they_are),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
