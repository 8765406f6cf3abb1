/* test_settings.c - the plugin's flags and plugstack.conf arguments */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/wire.h"
#include "plugin/settings.h"

static struct mw_jobspec spec;
static struct mw_err err;

static int put (enum setting which, const char *text)
{
    settings_defaults (&spec);
    err.text[0] = '\0';
    return settings_put (&spec, which, text, &err);
}

#define assert_says(what) assert_non_null (strstr (err.text, what))

static void defaults_are_those_of_the_contract (void **state)
{
    (void) state;
    settings_defaults (&spec);
    assert_int_equal (spec.priority, 500);
    assert_int_equal (spec.burst.kind, MW_AMOUNT_NONE);
    assert_int_equal (spec.reserve.kind, MW_AMOUNT_NONE);
    assert_string_equal (spec.ladder, "");
    assert_int_equal (spec.layout, MW_LAYOUT_SLURM);
}

static void priority_is_0_to_1000 (void **state)
{
    static const char *const bad[] = {
        "1001", "-1", "", "x", "5.5", "500x", "99999999999999999999"
    };

    (void) state;
    assert_int_equal (put (SETTING_PRIORITY, "0"), 0);
    assert_int_equal (spec.priority, 0);
    assert_int_equal (put (SETTING_PRIORITY, "1000"), 0);
    assert_int_equal (spec.priority, 1000);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        assert_int_equal (put (SETTING_PRIORITY, bad[i]), -1);
        assert_says ("--oom-priority");
        assert_says ("1000");
        assert_int_equal (spec.priority, 500);
    }
}

static void burst_is_a_size_or_a_factor_from_1 (void **state)
{
    static const char *const bad[] = { "-1", "0", "x0.5", "x0",   "50%",
                                       "",   "M", "xnan", "xinf", "9999999P" };

    (void) state;
    assert_int_equal (put (SETTING_BURST, "6G"), 0);
    assert_int_equal (spec.burst.kind, MW_AMOUNT_BYTES);
    assert_int_equal (put (SETTING_BURST, "x1"), 0);
    assert_int_equal (put (SETTING_BURST, "x1.5"), 0);
    assert_int_equal (spec.burst.kind, MW_AMOUNT_FACTOR);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        if (put (SETTING_BURST, bad[i]) != -1)
            fail_msg ("--mem-burst=%s was taken", bad[i]);
        assert_says ("--mem-burst");
        assert_says ("allowed");
        assert_int_equal (spec.burst.kind, MW_AMOUNT_NONE);
    }
}

static void reserve_is_a_size_or_a_share (void **state)
{
    (void) state;
    assert_int_equal (put (SETTING_RESERVE, "256M"), 0);
    assert_int_equal (put (SETTING_RESERVE, "10%"), 0);
    assert_int_equal (spec.reserve.kind, MW_AMOUNT_PERCENT);
    assert_int_equal (put (SETTING_RESERVE, "x1.5"), -1);
    assert_says ("allowed");
    assert_int_equal (put (SETTING_RESERVE, "-1"), -1);
    assert_int_equal (put (SETTING_RESERVE, NULL), -1);
}

static void a_bad_ladder_is_shown_with_a_caret (void **state)
{
    (void) state;
    assert_int_equal (put (SETTING_LADDER, "grow@30s,kill"), 0);
    assert_non_null (strstr (spec.ladder, "grow"));
    assert_int_equal (put (SETTING_LADDER, "explode"), -1);
    assert_says ("--on-oom");
    assert_says ("explode");
    assert_says ("^");
    assert_string_equal (spec.ladder, "");
}

static void burst_below_mem_is_told_with_both_numbers (void **state)
{
    (void) state;
    put (SETTING_BURST, "100M");
    assert_int_equal (settings_fit (&spec, 200 * MW_MIB, &err), -1);
    assert_says ("100");
    assert_says ("200");
    assert_int_equal (settings_fit (&spec, 100 * MW_MIB, &err), 0);
    assert_int_equal (settings_fit (&spec, 0, &err), 0);
}

static void a_retry_below_mem_is_told_with_both_numbers (void **state)
{
    struct site site = { .max_priority = MW_PRIORITY_MAX };

    (void) state;
    assert_int_equal (put (SETTING_RETRY, "x0.5"), -1);
    assert_says ("--mem-retry: x0.5");
    assert_int_equal (put (SETTING_RETRY, "x2,max=100M"), 0);
    assert_int_equal (settings_fit (&spec, 200 * MW_MIB, &err), -1);
    assert_says ("--mem-retry: max=100");
    assert_says ("200");
    assert_int_equal (settings_fit (&spec, 100 * MW_MIB, &err), 0);
    assert_int_equal (settings_fit (&spec, 0, &err), 0);
    /* where only the node knows --mem, it is off */
    spec.reservation = 200 * MW_MIB;
    assert_true (settings_clamp (&spec, &site, &err));
    assert_says ("--mem-retry");
    assert_false (mw_retry_is (&spec.retry));
}

static void the_site_binds (void **state)
{
    char *av[] = { "max_priority=700", "max_burst=x2", "required=yes",
                   "socket=/run/x.sock" };
    struct site site;

    (void) state;
    assert_int_equal (site_parse (&site, 4, av, &err), 0);
    assert_true (site.required);
    assert_string_equal (site.socket, "/run/x.sock");
    put (SETTING_PRIORITY, "900");
    settings_put (&spec, SETTING_BURST, "10G", &err);
    spec.reservation = MW_GIB;
    assert_true (settings_clamp (&spec, &site, &err));
    assert_int_equal (spec.priority, 700);
    assert_true (mw_amount_of (&spec.burst, MW_GIB, 0) == 2 * MW_GIB);
    assert_says ("700");
    assert_says ("cap");
    assert_false (settings_clamp (&spec, &site, &err));
    assert_string_equal (err.text, "");
}

/* What site_socket makes of "socket=" and [value]: a path, or "". */
static const char *socket_of (const char *value)
{
    static char path[PATH_MAX];
    char arg[PATH_MAX], *av[] = { arg };
    struct site site;

    snprintf (arg, sizeof (arg), "socket=%s", value ? value : "");
    err.text[0] = '\0';
    site_parse (&site, value ? 1 : 0, av, &err);
    return site_socket (&site, path, &err) < 0 ? "" : path;
}

static void the_socket_is_the_nodes (void **state)
{
    char host[HOST_NAME_MAX + 1], want[HOST_NAME_MAX + 64];

    (void) state;
    gethostname (host, sizeof (host));
    host[strcspn (host, ".")] = '\0';
    snprintf (want, sizeof (want), "/run/%s/w%%n-n1.sock", host);
    setenv ("SLURMD_NODENAME", "n1", 1);
    assert_string_equal (socket_of ("/run/%h/w%%n-%n.sock"), want);
    assert_string_equal (socket_of ("/run/n%n%n"), "/run/nn1n1");
    assert_string_equal (socket_of (NULL), MW_SOCKET_DEFAULT);
    setenv ("MEMWARDEN_SOCKET", "/run/%n.sock", 1);
    assert_string_equal (socket_of (NULL), "/run/n1.sock");
    assert_string_equal (socket_of ("/run/x.sock"), "/run/x.sock");
    unsetenv ("MEMWARDEN_SOCKET");
}

static void a_socket_that_is_none_is_nobodys (void **state)
{
    static const char *const bad[] = { "/run/%x", "/run/%", "/run/%%%",
                                       "/run/%%%N" };
    char *av[] = { "socket=/run/%d.sock" };
    struct site site;

    (void) state;
    assert_int_equal (site_parse (&site, 1, av, &err), -1);
    assert_says ("plugstack.conf");
    assert_says ("\"%d\"");
    assert_says ("%n (the node's name), %h");
    setenv ("SLURMD_NODENAME", "n1", 1);
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
        assert_string_equal (socket_of (bad[i]), "");
        assert_says ("allowed are %n");
    }
    unsetenv ("SLURMD_NODENAME");
    assert_string_equal (socket_of ("/run/%n.sock"), "");
    assert_says ("which node");
    assert_string_equal (socket_of ("/run/x.sock"), "/run/x.sock");
    setenv ("MEMWARDEN_SOCKET", "x.sock", 1);
    assert_string_equal (socket_of (NULL), "");
    assert_says ("not absolute");
    unsetenv ("MEMWARDEN_SOCKET");
}

static void on_the_node_a_burst_below_mem_is_mem (void **state)
{
    struct site site;

    (void) state;
    site_parse (&site, 0, NULL, NULL);
    put (SETTING_BURST, "100M");
    spec.reservation = MW_GIB;
    assert_true (settings_clamp (&spec, &site, NULL));
    assert_true (mw_amount_of (&spec.burst, MW_GIB, 0) == MW_GIB);
}

static void a_wrong_site_argument_is_named_and_the_others_hold (void **state)
{
    char *av[] = { "max_priority=5000", "colour=red", "required=maybe",
                   "socket=relative", "max_burst=x3" };
    struct site site;

    (void) state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal (site_parse (&site, 1, av + i, &err), -1);
        assert_says ("plugstack.conf");
    }
    assert_int_equal (site_parse (&site, 5, av, &err), -1);
    assert_int_equal (site.max_burst.kind, MW_AMOUNT_FACTOR);
    assert_int_equal (site.max_priority, 1000);
    assert_false (site.required);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (defaults_are_those_of_the_contract),
        cmocka_unit_test (priority_is_0_to_1000),
        cmocka_unit_test (burst_is_a_size_or_a_factor_from_1),
        cmocka_unit_test (reserve_is_a_size_or_a_share),
        cmocka_unit_test (a_bad_ladder_is_shown_with_a_caret),
        cmocka_unit_test (burst_below_mem_is_told_with_both_numbers),
        cmocka_unit_test (a_retry_below_mem_is_told_with_both_numbers),
        cmocka_unit_test (the_site_binds),
        cmocka_unit_test (the_socket_is_the_nodes),
        cmocka_unit_test (a_socket_that_is_none_is_nobodys),
        cmocka_unit_test (on_the_node_a_burst_below_mem_is_mem),
        cmocka_unit_test (a_wrong_site_argument_is_named_and_the_others_hold),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
