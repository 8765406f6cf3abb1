/* memwarden.conf: every mistake is told by file and line with what would be
 * right, and a broken file changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler/conf/conf.h"

static struct conf conf; /* large: not for the stack */
static struct mw_err err;
static char path[] = "/tmp/mwt.conf.XXXXXX";

static int _load (const char *text)
{
    FILE *f = fopen (path, "w");

    assert_non_null (f);
    fputs (text, f);
    fclose (f);
    err.text[0] = '\0';
    return conf_load (&conf, path, &err);
}

static void defaults_are_sane (void **state)
{
    struct conf again;

    (void) state;
    conf_defaults (&conf);
    assert_int_equal (conf.ladder.count, 3);
    assert_int_equal (conf.node_ladder.count, 4);
    assert_true (conf.syslog);
    assert_false (conf.shadow);
    assert_int_equal (conf.max_priority, 500);
    assert_int_equal (_load (""), 0); /* an empty file is all defaults */
    conf_defaults (&again);
    assert_memory_equal (&again, &conf, sizeof (conf));
}

static void every_option_is_read (void **state)
{
    (void) state;
    assert_int_equal (
        _load (
            "# comments do not\n# shift lines\n"
            "socket = /run/x.sock  # nor here\n"
            "state-dir = \"/var/s\"\nlog-file = \"\"\nsyslog = no\n"
            "shadow = yes /* nor\n here */\npool = /sys/fs/cgroup/memory/x\n"
            "fill-rate = 3G\npsi = \"full 80ms/2s\"\n"
            "node-reserve = 2G\nresume-at = \"12.5%\"\n"
            "node-ladder = \"requeue,kill\"\norder = strict-priority\n"
            "max-bounces = 7\nbounce-window = 10m\nno-mem-share = 50%\n"
            "burst = x1.5\nmax-burst = x2\nreserve = 64M\nmax-priority = 600\n"
            "ladder = \"grow=512M@10m,dump=gdb,kill\"\n"
            "controller-timeout = 3s\n"
            "courier { start = yes\n path = /bin/true\n user = root\n"
            " slurm-conf = /etc/slurm.conf\n webhook = \"https://h/x\" }\n"
            "class night { match-qos = \"night*\"\n match-partition = p\n"
            " match-account = a\n match-user = u\n protect = yes\n"
            " max-priority = 900\n burst = x3\n max-burst = x3\n reserve = 0\n"
            " ladder = kill\n node-ladder = kill }\n"
            "class empty {}\n"
            "evidence-dir = /e\nevidence-max = 2G\n"
            "hook gdb { path = /usr/bin/gcore\n timeout = 30s }\n"
            "hook core { path = /c\n as = job\n max-size = 3G\n"
            " stop = no }\n"),
        0);
    assert_string_equal (conf.socket, "/run/x.sock");
    assert_string_equal (conf.log_file, "");
    assert_true (conf.node_reserve.bytes == 2 * MW_GIB);
    assert_true (conf.fill_rate.bytes == 3 * MW_GIB);
    assert_int_equal (conf.psi.kind, CONF_PSI_FULL);
    assert_int_equal (conf.psi.stall_ms, 80);
    assert_int_equal (conf.psi.window_ms, 2000);
    assert_true (conf.resume_at.ratio == 0.125);
    assert_int_equal (conf.order, CONF_ORDER_STRICT_PRIORITY);
    assert_int_equal (conf.bounce_window_ms, 600000);
    assert_true (conf.burst.ratio == 1.5);
    assert_int_equal (conf.ladder.count, 3);
    assert_true (conf.courier_start);
    assert_string_equal (conf.courier_user, "root");
    assert_string_equal (conf.webhook, "https://h/x");
    assert_int_equal (conf.class_count, 2);
    assert_string_equal (conf.classes[0].match_qos, "night*");
    assert_int_equal (conf.classes[0].max_priority, 900);
    assert_int_equal (conf.classes[0].ladder.count, 1);
    assert_string_equal (conf.classes[1].name, "empty");
    assert_int_equal (conf.classes[1].max_priority, -1);
    assert_int_equal (conf.hook_count, 2);
    assert_int_equal (conf.hooks[0].timeout_ms, 30000);
    assert_false (conf.hooks[0].as_job);
    assert_int_equal (conf.hooks[0].max_size.bytes, MW_GIB);
    assert_true (conf.hooks[1].as_job);
    assert_false (conf.hooks[1].stop);
    assert_int_equal (conf.hooks[1].max_size.bytes, 3 * MW_GIB);
    assert_string_equal (conf.evidence_dir, "/e");
    assert_int_equal (conf.evidence_max.bytes, 2 * MW_GIB);
}

/* A wrong file, the line that is wrong, and words of what would be right. */
static const struct wrong {
    const char *text;
    unsigned line;
    const char *says;
} wrongs[] = {
    { "# a\n\nlader = kill\n", 3,
      "unknown option \"lader\"; did you mean"
      " \"ladder\"?" },
    { "node_reserve = 1G\n", 1, "did you mean \"node-reserve\"?" },
    { "frobnicate = 1\n", 1, "see memwarden.conf(5)" },
    { "slurm-conf = \"\"\n", 1, "in a courier section only" },
    { "class a {\n socket = /x }\n", 2, "outside of { }" },
    { "syslog = perhaps\n", 1, "write yes or no" },
    { "\nsocket = run/x\n", 2, "absolute path" },
    { "burst = 1.5\n", 1, "burst: " },
    { "burst = x0.5\n", 1, "from x1 to x1000" },
    { "burst = x5\n", 1, "burst x5 is over max-burst x4" },
    { "max-burst = x2\n\nburst = x3\n", 3, "over max-burst x2" },
    { "class a {\n max-burst = x2\n\n burst = x3 }", 4, "over max-burst x2" },
    { "class a {\n burst = x9 }\n", 2, "burst x9 is over max-burst x4" },
    { "node-reserve = 100%\n", 1, "from 0% to 90%" },
    { "node-reserve = x2\n", 1, "from 0% to 90%" },
    { "fill-rate = 5%\n", 1, "write a size (\"1G\")" },
    { "fill-rate = 0\n", 1, "write a size" },
    { "psi = on\n", 1, "write off, or some or full" },
    { "psi = \"most 150ms/1s\"\n", 1, "write off, or some or full" },
    { "psi = \"some 150ms/100ms\"\n", 1, "window of 500ms to 10s" },
    { "psi = \"some 150ms/20s\"\n", 1, "window of 500ms to 10s" },
    { "psi = \"some 2s/1s\"\n", 1, "window of 500ms to 10s" },
    { "psi = \"some 0/1s\"\n", 1, "write off" },
    { "psi = \"some 150ms/1s now\"\n", 1, "write off" },
    { "reserve = -1M\n", 1, "negative" },
    { "reserve = 99999999999999P\n", 1, "too large" },
    { "reserve = 101%\n", 1, "from 0% to 100%" },
    { "no-mem-share = 0\n", 1, "from 1% to 100%" },
    { "max-priority = 1001\n", 1, "from 0 to 1000" },
    { "max-priority = -1\n", 1, "from 0 to 1000" },
    { "max-priority = 18446744073709551617\n", 1, "from 0 to 1000" },
    { "controller-timeout = 0\n", 1, "from 100ms to 1h" },
    { "order = random\n", 1, "overage or strict-priority" },
    { "\n\nladder = \"grow@30s,explode\"\n", 3, "explode" },
    { "\nladder = \"dump=gdb,kill\"\n", 2, "names no hook" },
    { "class a {\n\nladder = \"dump=gdb,kill\" }\n", 3, "names no hook" },
    { "hook a {\n}\n", 2, "has no path" },
    { "hook a { path = /x\n as = root }\n", 2, "write courier or job" },
    { "hook a { path = /x\n max-size = 0 }\n", 2, "write a size" },
    { "hook a { path = /x\n stop = maybe }\n", 2, "write yes or no" },
    { "evidence-dir = e\n", 1, "absolute path" },
    { "evidence-max = 5%\n", 1, "write a size" },
    { "hook a { path = /x\n as = job }\npost-incident-hook = a\n", 3,
      "after an incident there may be no job; write dump=a" },
    { "hook a {\n path = x }\n", 2, "absolute path" },
    { "hook a { path = /x }\n\nhook a { path = /y }\n", 3, "its own name" },
    { "class a { }\nclass b { }\nclass a { }\n", 3, "its own name" },
    { "class a { }\nhook b { path = /x }\nclass b { }\n\nb = 1\n", 5,
      "unknown option \"b\"" },
    { "class a {\n hook = 1 }\n", 2, "unknown option \"hook\"" },
    { "hook = 1\n", 1, "missing title" },
    { "= 1\n", 1, "unexpected token '='" },
    { "syslog = \"\\999\"\n", 1, "write NAME" },
    { "f.g = 1\n", 1, "unknown option \"f.g\"" },
    { "class \"../x\" {\n}\n", 2, "is no name for a class" },
    { "class {\n}\n", 1, "missing title" },
    { "courier {\n user = no-such-user-here }\n", 2, "there is no user" },
    { "courier {\n webhook = \"ftp://x\" }\n", 2, "http" },
    { "syslog = yes\n\nsyslog = no\n", 3, "given twice, first in line 1" },
    { "syslog yes\n", 1, "missing equal sign" },
    { "syslog = \"yes\n", 2, "premature end" },
    { "syslog = yes\nhook a {\n path = /x\n", 2, "not closed" },
};

static void a_mistake_is_told_by_file_and_line (void **state)
{
    struct conf old;
    char head[64];

    (void) state;
    assert_int_equal (_load ("max-bounces = 42\n"), 0);
    old = conf;
    for (unsigned i = 0; i < sizeof (wrongs) / sizeof (wrongs[0]); i++) {
        errno = 0;
        if (_load (wrongs[i].text) != -1)
            fail_msg ("accepted: %s", wrongs[i].text);
        assert_int_equal (errno, EINVAL);
        snprintf (head, sizeof (head), "%s:%u: ", path, wrongs[i].line);
        if (strncmp (err.text, head, strlen (head)) != 0 ||
            !strstr (err.text, wrongs[i].says))
            fail_msg ("%s\nsays: %s\nwant: %s%s", wrongs[i].text, err.text,
                      head, wrongs[i].says);
        assert_memory_equal (&old, &conf, sizeof (conf));
    }
}

static void a_wrong_ladder_has_its_caret (void **state)
{
    (void) state;
    assert_int_equal (_load ("ladder = \"grow@30s,explode\"\n"), -1);
    assert_non_null (strstr (err.text, "\n"));
    assert_non_null (strstr (err.text, "^"));
}

static void too_many_sections_are_refused (void **state)
{
    static char text[CONF_MAX_CLASSES * 20 + 40];
    char *p = text;

    (void) state;
    for (int i = 0; i <= CONF_MAX_CLASSES; i++)
        p += sprintf (p, "class c%d {}\n", i);
    assert_int_equal (_load (text), -1);
    assert_non_null (strstr (err.text, "at most 32"));
}

static void a_file_that_cannot_be_read_says_so (void **state)
{
    (void) state;
    assert_int_equal (conf_load (&conf, "/nonexistent/m.conf", &err), -1);
    assert_int_equal (errno, ENOENT);
    assert_non_null (strstr (err.text, "/nonexistent/m.conf"));
    assert_int_equal (conf_load (&conf, "/tmp", &err), -1);
    assert_int_equal (conf_load (&conf, "/dev/zero", &err), -1);
    assert_non_null (strstr (err.text, "not a configuration"));
}

static void a_file_others_may_write_is_refused_by_root (void **state)
{
    (void) state;
    if (geteuid () != 0)
        skip ();
    assert_int_equal (_load (""), 0);
    chmod (path, 0666);
    assert_int_equal (conf_load (&conf, path, &err), -1);
    assert_int_equal (errno, EPERM);
    assert_non_null (strstr (err.text, "mode 0666); right would be: chown root "
                                       "/tmp/mwt.conf."));
    chmod (path, 0620);
    assert_int_equal (chown (path, 0, 65534), 0);
    assert_int_equal (conf_load (&conf, path, &err), -1); /* another group */
    assert_int_equal (chown (path, 65534, 0), 0);
    chmod (path, 0600);
    assert_int_equal (conf_load (&conf, path, &err), -1);
    assert_int_equal (chown (path, 0, 0), 0);
    assert_int_equal (conf_load (&conf, path, &err), 0);
}

/* Whoever can write there can put another file in its place. */
static void a_directory_others_may_write_is_refused_by_root (void **state)
{
    char dir[] = "/tmp/mwt.confdir.XXXXXX", in[64], link[] = "/tmp/mwt.link";

    (void) state;
    if (geteuid () != 0)
        skip ();
    assert_non_null (mkdtemp (dir));
    snprintf (in, sizeof (in), "%s/memwarden.conf", dir);
    fclose (fopen (in, "w"));
    assert_int_equal (conf_load (&conf, in, &err), 0);
    chmod (dir, 0777);
    assert_int_equal (conf_load (&conf, in, &err), -1);
    assert_int_equal (errno, EPERM);
    assert_non_null (strstr (err.text, "its directory /tmp/mwt.confdir."));
    assert_int_equal (symlink (in, link), 0);
    assert_int_equal (conf_load (&conf, link, &err), -1);
    unlink (link);
    unlink (in);
    rmdir (dir);
}

static void binary_junk_is_refused (void **state)
{
    static const char junk[] = "syslog\0= yes\n";
    FILE *f = fopen (path, "w");

    (void) state;
    assert_non_null (f);
    fwrite (junk, 1, sizeof (junk), f);
    fclose (f);
    assert_int_equal (conf_load (&conf, path, &err), -1);
    assert_non_null (strstr (err.text, "zero byte"));
}

static int make_file (void **state)
{
    int fd = mkstemp (path);

    (void) state;
    return fd < 0 ? -1 : close (fd);
}

static int remove_file (void **state)
{
    (void) state;
    return unlink (path);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (defaults_are_sane),
        cmocka_unit_test (every_option_is_read),
        cmocka_unit_test (a_mistake_is_told_by_file_and_line),
        cmocka_unit_test (a_wrong_ladder_has_its_caret),
        cmocka_unit_test (too_many_sections_are_refused),
        cmocka_unit_test (a_file_that_cannot_be_read_says_so),
        cmocka_unit_test (a_file_others_may_write_is_refused_by_root),
        cmocka_unit_test (a_directory_others_may_write_is_refused_by_root),
        cmocka_unit_test (binary_junk_is_refused),
    };

    return cmocka_run_group_tests (tests, make_file, remove_file);
}
