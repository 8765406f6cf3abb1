/* The journal: whatever byte the warden was killed at, a restart finds each job
 * in its last whole state; a full disk costs records, never the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/job/job.h"
#include "handler/pass/seal.h"
#include "handler/record/journal.h"
#include "lib/cleanup.h"

#define HOSTILE "x\"},{\\\n\033[2J\xff\xc0\xaf\xed\xa0\x80 \xc3\xa4"

static char dir[] = "/tmp/mwt.journal.XXXXXX";
static struct mw_err err;

static void _path (char *buf, size_t len, const char *name)
{
    snprintf (buf, len, "%s/%s", dir, name);
}

/* Read file [name] whole; the caller frees it. */
static char *_slurp (const char *name, size_t *len)
{
    char path[256], *text = malloc (1 << 20);
    FILE *f;

    _path (path, sizeof (path), name);
    f = fopen (path, "r");
    assert_non_null (f);
    assert_non_null (text);
    *len = fread (text, 1, (1 << 20) - 1, f);
    text[*len] = '\0';
    fclose (f);
    return text;
}

static void _overwrite (const char *name, const char *text, size_t len)
{
    char path[256];
    FILE *f;

    _path (path, sizeof (path), name);
    f = fopen (path, "w");
    assert_non_null (f);
    assert_int_equal (fwrite (text, 1, len, f), len);
    fclose (f);
}

static struct job *_job (struct job_table *t, const char *key)
{
    struct mw_ladder ladder;
    struct job *job = job_new (t);

    assert_non_null (job);
    assert_int_equal (mw_ladder_parse ("hold@30s,kill", &ladder, NULL), 0);
    snprintf (job->spec.key, sizeof (job->spec.key), "%s", key);
    snprintf (job->spec.name, sizeof (job->spec.name), "%s", HOSTILE);
    job->spec.uid = 1000;
    job->spec.cpus = 2;
    job->spec.burst = (struct mw_amount) { MW_AMOUNT_FACTOR, 0, 1.5 };
    job->spec.layout = MW_LAYOUT_SLURM;
    job->memcg.path = strdup ("/sys/fs/cgroup/memory/" HOSTILE);
    job->memcg.inode = 4711;
    job->memcg.set_limit = MEMCG_NO_LIMIT;
    job->freezer_path = strdup ("/sys/fs/cgroup/freezer/x");
    job->ladder = ladder_share (&ladder);
    job->reservation = 64 * MW_MIB;
    job->limit = 96 * MW_MIB;
    job->priority = 300;
    job->incident = (struct incident) {
        .open = true,
        .number = 2,
        .step = 0,
        .deadline_ms = 12345,
        .frozen = true,
        .lent = MW_MIB,
        .request = "12.0000000001.suspend",
        .ladder = ladder_share (&ladder),
    };
    job->incidents = 2;
    job->bounces = 3;
    job->bounce_ms = 77;
    return job;
}

static void _free_all (struct job_table *t)
{
    while (t->first)
        job_free (t, t->first);
}

static int fresh_dir (void **state)
{
    (void) state;
    strcpy (dir + strlen (dir) - 6, "XXXXXX");
    return mkdtemp (dir) ? 0 : -1;
}

static int remove_dir (void **state)
{
    char cmd[300];

    (void) state;
    snprintf (cmd, sizeof (cmd), "rm -rf -- '%s'", dir);
    return system (cmd);
}

static void _assert_as_made (const struct job *job)
{
    assert_non_null (job);
    assert_int_equal (job->spec.uid, 1000);
    assert_true (job->spec.burst.ratio == 1.5);
    assert_int_equal (job->spec.layout, MW_LAYOUT_SLURM);
    assert_int_equal (job->memcg.inode, 4711);
    assert_true (job->memcg.set_limit == MEMCG_NO_LIMIT);
    assert_string_equal (job->freezer_path, "/sys/fs/cgroup/freezer/x");
    assert_int_equal (job->limit, 96 * MW_MIB);
    assert_int_equal (job->priority, 300);
    assert_int_equal (job->ladder->count, 2);
    assert_true (job->incident.open);
    assert_true (job->incident.frozen);
    assert_int_equal (job->incident.number, 2);
    assert_int_equal (job->incident.deadline_ms, 12345);
    assert_int_equal (job->incident.lent, MW_MIB);
    assert_string_equal (job->incident.request, "12.0000000001.suspend");
    assert_int_equal (job->incidents, 2);
    assert_int_equal (job->bounces, 3);
    assert_int_equal (job->bounce_ms, 77);
}

static void a_restart_finds_the_jobs_as_they_were (void **state)
{
    struct job_table t = { 0 }, back = { 0 };
    struct journal j;
    uint64_t seq;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    journal_append (&j, "registered", _job (&t, "13"), NULL, "b", NULL, &err);
    journal_append (&j, "released", job_find (&t, "13"), NULL, "c", NULL, &err);
    seq = j.seq;
    journal_close (&j);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    assert_int_equal (journal_recover (&j, &back, &err), 0);
    assert_string_equal (err.text, "");
    assert_int_equal (back.count, 1);
    assert_int_equal (j.seq, seq);
    _assert_as_made (job_find (&back, "12"));
    journal_close (&j);
    _free_all (&t);
    _free_all (&back);
}

static void a_hostile_name_makes_no_second_record (void **state)
{
    cleanup_free char *text = NULL;
    struct job_table t = { 0 };
    struct journal j;
    size_t len;
    int lines = 0;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, HOSTILE, NULL,
                    &err);
    journal_close (&j);
    _free_all (&t);
    text = _slurp ("ahead.jsonl", &len);
    for (char *line = strtok (text, "\n"); line; line = strtok (NULL, "\n")) {
        cleanup_json json_t *r = json_loads (line, 0, NULL);

        assert_true (json_is_object (r));
        assert_null (strchr (line, '\033'));
        lines++;
        if (json_object_get (r, "job"))
            assert_non_null (
                strstr (json_string_value (json_object_get (r, "text")),
                        "\xc3\xa4"));
    }
    assert_int_equal (lines, 2); /* the boot's, too */
}

/* The records are: boot, registered (not held), held.  Killed when [cut] bytes of them
 * were there: of a half one the first byte is written last, so it is a newline still. */
static void _cut_at (char *file, size_t room, const char *text, size_t cut)
{
    size_t begin = cut;

    memset (file, '\n', room);
    memcpy (file, text, cut);
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    if (begin < cut)
        file[begin] = '\n';
}

static void killed_at_any_byte_the_last_whole_state_wins (void **state)
{
    cleanup_free char *text = NULL, *file = NULL;
    struct job_table t = { 0 };
    struct journal j;
    struct job *job;
    size_t len, used;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    job = _job (&t, "12");
    job->incident.frozen = false;
    journal_append (&j, "registered", job, NULL, "a", NULL, &err);
    job->incident.frozen = true;
    journal_append (&j, "held", job, "hold", "b", NULL, &err);
    used = j.file.len;
    journal_close (&j);
    _free_all (&t);
    text = _slurp ("ahead.jsonl", &len);
    assert_non_null (file = malloc (len));
    for (size_t cut = 0; cut <= used; cut++) {
        struct job_table back = { 0 };
        int whole = 0;
        bool torn = cut > 0 && text[cut - 1] != '\n';

        for (size_t i = 0; i < cut; i++)
            whole += text[i] == '\n';
        _cut_at (file, len, text, cut);
        _overwrite ("ahead.jsonl", file, len);
        assert_int_equal (journal_open (&j, dir, dir, &err), 0);
        assert_int_equal (journal_recover (&j, &back, &err), 0);
        assert_int_equal (back.count, whole >= 2);
        assert_int_equal (strstr (err.text, "torn") != NULL,
                          torn && cut > 1 && text[cut - 2] != '\n');
        assert_int_equal (j.unread, 0);
        if (whole >= 2)
            assert_int_equal (back.first->incident.frozen, whole == 3);
        /* and the next record does not stick to what was torn */
        assert_int_equal (journal_append (&j, "note", NULL, NULL, "n", NULL,
                                          &err),
                          0);
        assert_int_equal (j.file.map[j.file.len - 1], '\n');
        journal_close (&j);
        _free_all (&back);
    }
}

/* A journal that has job 12, and then a note [more] (may be NULL), closed.
 * Returns the file (the caller's), [*len] bytes, of which [*used] are lines. */
static char *_journal_of_one (const char *more, size_t *len, size_t *used)
{
    struct job_table t = { 0 };
    struct journal j;

    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    if (more)
        journal_append (&j, "note", NULL, NULL, more, NULL, &err);
    *used = j.file.len;
    journal_close (&j);
    _free_all (&t);
    return _slurp ("ahead.jsonl", len);
}

/* A file that was cut off, as by a disk that lost its end. */
static void cut_off_at_any_byte_no_state_is_half (void **state)
{
    size_t len, used;
    cleanup_free char *text = _journal_of_one (NULL, &len, &used);
    struct journal j;

    (void) state;
    for (size_t cut = 0; cut <= used; cut++) {
        struct job_table back = { 0 };

        _overwrite ("ahead.jsonl", text, cut);
        assert_int_equal (journal_open (&j, dir, dir, &err), 0);
        assert_int_equal (journal_recover (&j, &back, &err), 0);
        assert_int_equal (back.count, cut == used);
        if (back.first)
            _assert_as_made (back.first);
        journal_close (&j);
        _free_all (&back);
    }
}

/* A byte that has changed makes its record one that is not understood, never another
 * one. */
static void a_changed_byte_is_seen (void **state)
{
    size_t len, used;
    cleanup_free char *text = _journal_of_one ("behind it", &len, &used);
    struct journal j;

    (void) state;
    for (size_t i = 0; i < used; i++) {
        struct job_table back = { 0 };

        text[i] ^= 1;
        _overwrite ("ahead.jsonl", text, len);
        text[i] ^= 1;
        if (journal_open (&j, dir, dir, &err) < 0)
            continue;
        assert_int_equal (journal_recover (&j, &back, &err), 0);
        if (back.first)
            _assert_as_made (back.first);
        assert_true (j.unread > 0 || j.file.torn > 0 || j.file.len == 0);
        journal_close (&j);
        _free_all (&back);
    }
}

static void half_a_state_changes_nothing (void **state)
{
    struct job_table t = { 0 }, back = { 0 };
    struct journal j;
    char path[256];
    size_t used;
    FILE *f;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    used = j.file.len;
    journal_close (&j);
    _free_all (&t);
    _path (path, sizeof (path), "ahead.jsonl");
    f = fopen (path, "r+");
    assert_non_null (f);
    fseek (f, (long) used, SEEK_SET);
    fputs ("{\"event\":\"held\",\"job\":\"12\",\"st\":{\"limit\":1}}\n"
           "{\"event\":\"held\",\"job\":\"../x\",\"st\":{}}\n"
           "[]\n\n{\"job\":7}\nnonsense\n",
           f);
    fclose (f);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    assert_int_equal (journal_recover (&j, &back, &err), 0);
    assert_non_null (strstr (err.text, "could not be understood"));
    assert_int_equal (back.count, 1);
    _assert_as_made (job_find (&back, "12"));
    journal_close (&j);
    _free_all (&back);
}

/* As a version left it that had no other: without checksums.  Also where the state
 * directory was removed. */
static void without_a_journal_the_story_is_read (void **state)
{
    cleanup_free char *text = NULL, *story = NULL;
    struct job_table t = { 0 }, back = { 0 };
    struct journal j;
    size_t len, used, n = 0;
    char path[256];

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    journal_append (&j, "registered", _job (&t, "13"), NULL, "b", NULL, &err);
    journal_append (&j, "released", job_find (&t, "13"), NULL, "c", NULL, &err);
    used = j.file.len;
    journal_close (&j);
    _free_all (&t);
    text = _slurp ("ahead.jsonl", &len);
    assert_non_null (story = malloc (used));
    for (char *line = strtok (text, "\n"); line; line = strtok (NULL, "\n")) {
        size_t bare = strlen (line) - SEAL_SIZE - 1;

        memcpy (story + n, line, bare);
        memcpy (story + n + bare, "}\n", 2);
        n += bare + 2;
    }
    _overwrite ("journal.jsonl", story, n);
    _path (path, sizeof (path), "ahead.jsonl");
    assert_int_equal (unlink (path), 0);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    assert_int_equal (journal_recover (&j, &back, &err), 0);
    assert_string_equal (err.text, "");
    assert_int_equal (back.count, 1);
    _assert_as_made (job_find (&back, "12"));
    assert_int_equal (j.seq, 4);
    journal_close (&j);
    _free_all (&back);
}

static void a_journal_of_another_boot_is_put_aside (void **state)
{
    cleanup_free char *old = NULL;
    struct job_table t = { 0 }, back = { 0 };
    struct journal j;
    size_t len;
    char *id;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    journal_close (&j);
    _free_all (&t);
    old = _slurp ("ahead.jsonl", &len);
    id = strstr (old, "\"boot\":\"");
    assert_non_null (id);
    memcpy (id + 8, "00000000", 8);
    _overwrite ("ahead.jsonl", old, len);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    assert_int_equal (journal_recover (&j, &back, &err), 0);
    assert_int_equal (back.count, 0);
    journal_close (&j);
    free (old);
    old = _slurp ("ahead.jsonl.1", &len);
    assert_non_null (strstr (old, "registered"));
}

static void two_wardens_do_not_share_a_state_directory (void **state)
{
    struct journal j, second;
    int status;
    pid_t pid;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    pid = fork ();
    if (pid == 0) {
        char want[32];
        int rc = journal_open (&second, dir, dir, &err);

        snprintf (want, sizeof (want), "pid %d", (int) getppid ());
        _exit (rc == -1 && errno == EBUSY && strstr (err.text, want) ? 0 : 1);
    }
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (status, 0);
    journal_close (&j);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_close (&j);
}

static void a_state_directory_others_may_write_is_refused (void **state)
{
    struct journal j;

    (void) state;
    chmod (dir, 0777);
    assert_int_equal (journal_open (&j, dir, dir, &err), -1);
    assert_int_equal (errno, EPERM);
    assert_int_equal (journal_open (&j, "/nonexistent/a/b", "/nonexistent/a/b",
                                    &err),
                      -1);
    assert_non_null (strstr (err.text, "/nonexistent/a/b"));
}

static void a_new_file_begins_with_every_state (void **state)
{
    struct job_table t = { 0 }, none = { 0 }, back = { 0 };
    struct journal j;
    uint64_t seq;

    (void) state;
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    journal_append (&j, "registered", _job (&t, "12"), NULL, "a", NULL, &err);
    seq = j.seq;
    assert_int_equal (journal_rotate (&j, &t, &none, &err), 0);
    assert_true (j.rotate_at > j.file.len);
    assert_true (j.seq > seq);
    journal_close (&j);
    assert_int_equal (journal_open (&j, dir, dir, &err), 0);
    assert_int_equal (journal_recover (&j, &back, &err), 0);
    assert_int_equal (back.count, 1);
    _assert_as_made (job_find (&back, "12"));
    journal_close (&j);
    _free_all (&t);
    _free_all (&back);
}

/* In a child with its own mounts: [dir] becomes a tmpfs of 64 KiB. */
static int _on_a_full_disk (void)
{
    struct job_table t = { 0 }, back = { 0 };
    struct job *job = _job (&t, "12");
    struct journal j;
    int n = 0, rc;

    if (unshare (CLONE_NEWNS) < 0 ||
        mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount ("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700") < 0)
        return 77;
    if (journal_open (&j, dir, dir, &err) < 0)
        return 1;
    while ((rc = journal_append (&j, "note", job, NULL, "x", NULL, &err)) ==
               0 &&
           n < 1000)
        n++;
    if (rc == 0 || errno != ENOSPC || !j.failing)
        return 2;
    /* nothing half is left, and there was room for some */
    if (j.file.len > j.file.room || n < 5)
        return 3;
    journal_close (&j);
    if (journal_open (&j, dir, dir, &err) < 0)
        return 4;
    if (journal_recover (&j, &back, &err) < 0 || err.text[0] || back.count != 1)
        return 5;
    /* room again: it goes on by itself */
    if (mount ("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=256k,mode=700") < 0)
        return 7;
    job->incident.frozen = false;
    if (journal_append (&j, "thawed", job, NULL, "y", NULL, &err) < 0 ||
        j.failing)
        return 6;
    return 0;
}

static void a_full_disk_costs_records_and_nothing_else (void **state)
{
    int status;
    pid_t pid;

    (void) state;
    if (geteuid () != 0)
        skip ();
    pid = fork ();
    if (pid == 0)
        _exit (_on_a_full_disk ());
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    if (WEXITSTATUS (status) == 77)
        skip ();
    assert_int_equal (WEXITSTATUS (status), 0);
}

#define T(f) cmocka_unit_test_setup_teardown (f, fresh_dir, remove_dir)

int main (void)
{
    const struct CMUnitTest tests[] = {
        T (a_restart_finds_the_jobs_as_they_were),
        T (a_hostile_name_makes_no_second_record),
        T (killed_at_any_byte_the_last_whole_state_wins),
        T (cut_off_at_any_byte_no_state_is_half),
        T (a_changed_byte_is_seen),
        T (half_a_state_changes_nothing),
        T (without_a_journal_the_story_is_read),
        T (a_journal_of_another_boot_is_put_aside),
        T (two_wardens_do_not_share_a_state_directory),
        T (a_state_directory_others_may_write_is_refused),
        T (a_new_file_begins_with_every_state),
        T (a_full_disk_costs_records_and_nothing_else),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
