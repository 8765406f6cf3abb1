/* What memwarden look reads: what is typed at its prompt, and where a task is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handler/cli/cli.h"
#include "handler/cli/stacks.h"
#include "handler/cli/typed.h"
#include "lib/cleanup.h"

json_t *cli_json_text (const char *text) /* of cli/jobs.c */
{
    return json_string (text);
}

static struct typed typed;

static int _type (const char *text)
{
    char line[256];

    snprintf (line, sizeof (line), "%s\n", text);
    return typed_read (line, &typed, NULL);
}

/* ---- typed --------------------------------------------------------------- */

static void a_letter_is_enough (void **state)
{
    static const struct {
        const char *text;
        enum typed_kind kind;
    } lines[] = {
        { "", TYPED_AGAIN },        { "  \t", TYPED_AGAIN },
        { "a", TYPED_AGAIN },       { "where", TYPED_WHERE },
        { "w", TYPED_WHERE },       { "l", TYPED_RESUME },
        { "let go", TYPED_RESUME }, { "resume", TYPED_RESUME },
        { "?", TYPED_HELP },        { "help", TYPED_HELP },
        { "q", TYPED_QUIT },        { "exit", TYPED_QUIT },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (lines) / sizeof (lines[0]); i++) {
        assert_int_equal (_type (lines[i].text), 0);
        assert_int_equal (typed.kind, lines[i].kind);
        assert_null (typed.sure);
    }
}

static void grow_takes_a_size (void **state)
{
    (void) state;
    assert_int_equal (_type ("g 64M"), 0);
    assert_int_equal (typed.kind, TYPED_GROW);
    assert_int_equal (typed.bytes, 64 << 20);
    assert_int_equal (_type ("grow"), -1);
    assert_int_equal (_type ("grow 64"), -1); /* of what? */
    assert_int_equal (_type ("grow 0"), -1);
    assert_int_equal (_type ("grow -1M"), -1);
    assert_int_equal (errno, ERANGE);
    assert_int_equal (_type ("grow 64M 64M"), -1);
}

static void _is_step (const char *text, const char *step, long pid, bool sure)
{
    assert_int_equal (_type (text), 0);
    assert_int_equal (typed.kind, TYPED_DO);
    assert_string_equal (typed.step, step);
    assert_int_equal (typed.pid, pid);
    assert_int_equal (typed.sure != NULL, sure);
}

static void steps_are_those_of_a_ladder (void **state)
{
    (void) state;
    _is_step ("s USR1", "signal=USR1", 0, false);
    _is_step ("signal USR1 largest", "signal=USR1:largest", 0, false);
    _is_step ("signal 10 4711", "signal=10", 4711, false);
    _is_step ("d", "dump", 0, false);
    _is_step ("dump heap", "dump=heap", 0, false);
    _is_step ("k", "kill", 0, true);
    _is_step ("k guilty", "kill=guilty", 0, true);
    _is_step ("kill 4711", "kill", 4711, true);
    _is_step ("r", "requeue", 0, true);
    _is_step ("requeue x1.5", "requeue=x1.5", 0, true);
}

static void a_killed_process_is_not_all_of_it (void **state)
{
    (void) state;
    _is_step ("kill 4711", "kill", 4711, true);
    assert_non_null (strstr (typed.sure, "kill process"));
    _is_step ("kill", "kill", 0, true);
    assert_non_null (strstr (typed.sure, "all of it"));
}

static void what_is_wrong_is_refused (void **state)
{
    static const char *const lines[] = {
        "x",
        "kil",
        "killall",
        "signal",
        "s EXPLODE",
        "s USR1 mine",
        "s USR1 0",
        "kill 0",
        "kill -1",
        "kill largest all",
        "k 4294967297",
        "kill a,kill",
        "dump a,kill",
        "r 2",
        "let loose",
        "again and",
        "quit now",
        "hold",
        "kill=largest",
        "s USR1@1m,kill",
    };

    (void) state;
    for (size_t i = 0; i < sizeof (lines) / sizeof (lines[0]); i++)
        assert_int_equal (_type (lines[i]), -1);
}

/* ---- where a task is ----------------------------------------------------- */

static void a_task_is_where_the_kernel_says (void **state)
{
    (void) state;
    assert_string_equal (stacks_does ('R', "", false), "running");
    assert_string_equal (stacks_does ('S', "do_wait", false), "asleep");
    assert_string_equal (stacks_does ('S', "0", false), "asleep");
    assert_string_equal (stacks_does ('D', "folio_wait_bit", false),
                         "in the kernel");
    assert_string_equal (stacks_does ('D', "__refrigerator", false), "frozen");
    assert_string_equal (stacks_does ('S', "get_signal", false), "frozen");
    assert_string_equal (stacks_does ('T', "get_signal", false), "stopped");
    assert_string_equal (stacks_does ('D', "mem_cgroup_oom_synchronize", false),
                         "at the limit");
    assert_string_equal (stacks_does ('S', "do_wait", true), "held");
    assert_string_equal (stacks_does ('D', "0", true), "held");
    assert_string_equal (stacks_does ('D', "mem_cgroup_oom_synchronize", true),
                         "at the limit");
    assert_string_equal (stacks_does ('R', "", true), "running");
    assert_string_equal (stacks_does ('Z', "", true), "ended");
    assert_string_equal (stacks_does ('?', "", false), "?");
}

static void a_stack_is_its_functions (void **state)
{
    cleanup_json json_t *frames = stacks_frames (
        "[<0>] do_wait+0x51/0xe0\n"
        "[<ffffffff81234567>] xfs_read.isra.0+0x1/0x2 [xfs]\n"
        "nonsense\n"
        "[<0>] \e[31m+0x1/0x2\n");
    cleanup_json json_t *none = stacks_frames ("");
    char many[4096] = "";

    (void) state;
    assert_int_equal (json_array_size (frames), 2);
    assert_string_equal (json_string_value (json_array_get (frames, 0)),
                         "do_wait");
    assert_string_equal (json_string_value (json_array_get (frames, 1)),
                         "xfs_read.isra.0");
    assert_int_equal (json_array_size (none), 0);
    for (int i = 0; i < 100; i++)
        strcat (many, "[<0>] f+0x1/0x2\n");
    json_decref (frames);
    frames = stacks_frames (many);
    assert_int_equal (json_array_size (frames), STACKS_FRAMES);
}

static void a_process_has_its_threads (void **state)
{
    cleanup_json json_t *tasks = stacks_of (getpid (), false);
    cleanup_json json_t *none = stacks_of (0x7fffffff, false);
    const json_t *task = json_array_get (tasks, 0);

    (void) state;
    assert_int_equal (json_array_size (tasks), 1);
    assert_int_equal (json_integer_value (json_object_get (task, "threads")),
                      1);
    assert_int_equal (json_integer_value (json_object_get (task, "first")),
                      getpid ());
    assert_string_equal (json_string_value (json_object_get (task, "does")),
                         "running");
    assert_int_equal (json_array_size (none), 0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_letter_is_enough),
        cmocka_unit_test (grow_takes_a_size),
        cmocka_unit_test (steps_are_those_of_a_ladder),
        cmocka_unit_test (a_killed_process_is_not_all_of_it),
        cmocka_unit_test (what_is_wrong_is_refused),
        cmocka_unit_test (a_task_is_where_the_kernel_says),
        cmocka_unit_test (a_stack_is_its_functions),
        cmocka_unit_test (a_process_has_its_threads),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
