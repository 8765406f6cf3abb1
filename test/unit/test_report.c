/* What is told: tamed, to the right ones, and nobody who does not listen can
 * make the warden wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "handler/job/warden.h"
#include "handler/record/journal.h"
#include "handler/record/report.h"
#include "lib/cleanup.h"
#include "test/unit/fake_scribe.h"
#include "handler/spool/waiting.h"

static char dir[] = "/tmp/mwt.report.XXXXXX";
static struct warden w; /* large: not for the stack */
static struct journal journal;
static struct report reports;
static struct waiting waiting;

/* Nobody is attached, and no step listens. */
static void note_nobody (struct warden *to, struct job *job, const char *text)
{
    (void) to;
    (void) job;
    (void) text;
}

static bool tell_nobody (struct warden *to, const struct job *job,
                         uint64_t number, bool open, const char *text)
{
    (void) to;
    (void) job;
    (void) number;
    (void) open;
    (void) text;
    return false;
}

static int open_report (void **state)
{
    struct mw_err err;

    (void) state;
    strcpy (dir + strlen (dir) - 6, "XXXXXX");
    if (!mkdtemp (dir))
        return -1;
    journal = (struct journal) { 0 };
    reports = (struct report) { .journald = -1 };
    w = (struct warden) { .up = { .note = note_nobody, .tell = tell_nobody },
                          .journal = &journal,
                          .report = &reports,
                          .waiting = &waiting };
    conf_defaults (&w.conf);
    w.conf.syslog = false;
    unsetenv ("JOURNAL_STREAM");
    if (journal_open (&journal, dir, dir, &err) < 0)
        return -1;
    report_open (&w);
    return fake_scribe_begin (&reports);
}

static int close_report (void **state)
{
    char cmd[300];

    (void) state;
    report_close (&w);
    fake_scribe_end (&reports);
    journal_close (&journal);
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", dir);
    return system (cmd);
}

static const char *_read (const char *name)
{
    static char text[65536];
    char path[256];
    FILE *f;
    size_t n;

    snprintf (path, sizeof (path), "%s/%s", dir, name);
    f = fopen (path, "r");
    assert_non_null (f);
    n = fread (text, 1, sizeof (text) - 1, f);
    text[n] = '\0';
    fclose (f);
    return text;
}

static int _count (const char *text, const char *word)
{
    int n = 0;

    while ((text = strstr (text, word))) {
        text += strlen (word);
        n++;
    }
    return n;
}

static void the_record_is_there_before_the_line (void **state)
{
    (void) state;
    report (&w, NULL, "note", REPORT_LOG, "number %d", 7);
    assert_int_equal (_count (_read ("ahead.jsonl"), "number 7"), 1);
    assert_int_equal (_count (fake_scribe_log (), "number 7"), 0);
    report_flush (&w);
    assert_int_equal (_count (fake_scribe_log (), "number 7"), 1);
    report_flush (&w);
    assert_int_equal (_count (fake_scribe_log (), "number 7"), 1);
}

static void control_characters_do_not_reach_the_log (void **state)
{
    (void) state;
    report (&w, NULL, "note", REPORT_LOG, "name %s", "\033[2Jx\r");
    report_flush (&w);
    assert_null (strchr (fake_scribe_log (), '\033'));
    assert_int_equal (_count (fake_scribe_log (), "name ?[2Jx?"), 1);
}

static void more_lines_than_room_lose_none (void **state)
{
    (void) state;
    for (int i = 0; i < 100; i++)
        report (&w, NULL, "note", REPORT_LOG, "line <%d>", i);
    report_flush (&w);
    for (int i = 0; i < 100; i++) {
        char want[32];

        snprintf (want, sizeof (want), "line <%d>", i);
        assert_int_equal (_count (fake_scribe_log (), want), 1);
    }
}

static void a_syslog_that_does_not_read_is_not_waited_for (void **state)
{
    int pair[2];

    (void) state;
    assert_int_equal (socketpair (AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    reports.syslog_fd = pair[0]; /* a blocking one, at that */
    alarm (20);                  /* waiting would be for ever */
    for (int i = 0; i < 10000; i++)
        report_log (&w, LOG_NOTICE, "line");
    alarm (0);
    assert_true (reports.dropped > 0);
    assert_true (reports.dropped < 10000);
    close (pair[1]);
}

/* What systemd's journal has taken is not for stderr, too. */
static void the_journal_gets_the_fields_of_a_line (void **state)
{
    static struct mw_ladder ladder;
    static struct job job;
    char got[2048] = "";
    int pair[2];

    (void) state;
    assert_int_equal (reports.journald, -1); /* stderr is not the journal's */
    assert_int_equal (socketpair (AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    reports.journald = pair[0];
    strcpy (job.spec.key, "12");
    assert_int_equal (mw_ladder_parse ("kill", &ladder, NULL), 0);
    job.incident.open = true;
    job.incident.number = 3;
    job.incident.ladder = &ladder;
    report (&w, &job, "step", REPORT_LOG, "job 12: to be\nMEMWARDEN_JOB=1");
    report_flush (&w);
    assert_true (recv (pair[1], got, sizeof (got) - 1, MSG_DONTWAIT) > 0);
    assert_string_equal (got, "PRIORITY=5\nSYSLOG_FACILITY=3\n"
                              "SYSLOG_IDENTIFIER=memwardend\n"
                              "MEMWARDEN_JOB=12\nMEMWARDEN_INCIDENT=12.3\n"
                              "MEMWARDEN_STEP=kill\n"
                              "MESSAGE=job 12: to be MEMWARDEN_JOB=1\n");
    report_log (&w, LOG_WARNING, "it is ready");
    memset (got, 0, sizeof (got));
    assert_true (recv (pair[1], got, sizeof (got) - 1, MSG_DONTWAIT) > 0);
    assert_string_equal (got, "PRIORITY=4\nSYSLOG_FACILITY=3\n"
                              "SYSLOG_IDENTIFIER=memwardend\n"
                              "MESSAGE=it is ready\n");
    close (pair[1]);
    close (pair[0]);
    reports.journald = -1;
}

static void a_full_disk_is_said_once_and_when_it_is_over (void **state)
{
    struct ahead good = journal.file;
    cleanup_fd int full = open ("/dev/full", O_RDWR | O_CLOEXEC);

    (void) state;
    journal.file = (struct ahead) { .fd = full };
    for (int i = 0; i < 5; i++)
        report (&w, NULL, "note", REPORT_LOG, "lost");
    journal.file = good;
    report (&w, NULL, "note", REPORT_LOG, "kept");
    report_flush (&w);
    assert_int_equal (fake_scribe_count ("cannot write ahead.jsonl"), 1);
    assert_int_equal (fake_scribe_count ("can be written again"), 1);
    assert_int_equal (fake_scribe_count ("lost"), 5);
    assert_int_equal (_count (_read ("ahead.jsonl"), "kept"), 1);
}

static void a_scribe_that_does_not_read_is_not_waited_for (void **state)
{
    (void) state;
    alarm (20); /* waiting would be for ever */
    for (int i = 0; i < 10000; i++)
        report_log (&w, LOG_NOTICE, "line");
    alarm (0);
    assert_true (reports.unsaid > 0);
    fake_scribe_log ();
    report_log (&w, LOG_NOTICE, "line");
    assert_int_equal (reports.unsaid, 0);
    assert_int_equal (fake_scribe_count ("lines are missing here"), 1);
}

static void a_journal_over_its_size_begins_a_new_file (void **state)
{
    (void) state;
    report (&w, NULL, "note", REPORT_LOG, "old");
    journal.rotate_at = 1;
    report_flush (&w);
    assert_int_equal (_count (_read ("ahead.jsonl"), "old"), 0);
    assert_int_equal (_count (_read ("ahead.jsonl.1"), "old"), 1);
    assert_true (journal.rotate_at > journal.file.len);
    report (&w, NULL, "note", REPORT_LOG, "new");
    assert_int_equal (_count (_read ("ahead.jsonl"), "new"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown (f, open_report, close_report)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (the_record_is_there_before_the_line),
        T (control_characters_do_not_reach_the_log),
        T (more_lines_than_room_lose_none),
        T (a_syslog_that_does_not_read_is_not_waited_for),
        T (the_journal_gets_the_fields_of_a_line),
        T (a_full_disk_is_said_once_and_when_it_is_over),
        T (a_journal_over_its_size_begins_a_new_file),
        T (a_scribe_that_does_not_read_is_not_waited_for),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
