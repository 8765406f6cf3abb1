/* slurm.conf's NodeName lines, as admins write them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "handler/conf/slurm_node.h"
#include "lib/units.h"

static int _read (const char *text, const char *host, struct slurm_node *node)
{
    char all[1024];
    FILE *f;
    int rc;

    snprintf (all, sizeof (all), "%s%s",
              strstr (text, "SelectType")
                  ? ""
                  : "SelectTypeParameters=CR_Core_Memory\n",
              text);
    f = fmemopen (all, strlen (all), "r");
    assert_non_null (f);
    *node = (struct slurm_node) { 0 };
    rc = slurm_node_read (f, host, node);
    fclose (f);
    return rc;
}

static void a_host_is_found_in_a_list (void **state)
{
    static const struct {
        const char *list, *host;
        int in;
    } t[] = {
        { "n1", "n1", 1 },
        { "n1", "n10", 0 },
        { "n10", "n1", 0 },
        { "a,b,c", "b", 1 },
        { "a,b,c", "d", 0 },
        { "", "a", 0 },
        { "n[1-10]", "n7", 1 },
        { "n[1-10]", "n11", 0 },
        { "n[1-10]", "n10", 1 },
        { "n[1-10]", "n", 0 },
        { "n[1-10]", "n07", 0 },
        { "n[01-10]", "n07", 1 },
        { "n[01-10]", "n7", 0 },
        { "n[1,3,5-7]", "n3", 1 },
        { "n[1,3,5-7]", "n4", 0 },
        { "x,n[1,3]b,y", "n3b", 1 },
        { "x,n[1,3]b,y", "n3", 0 },
        { "x,n[1,3]b,y", "y", 1 },
        { "r[1-2]n[1-3]", "r2n3", 1 },
        { "r[1-2]n[1-3]", "r3n1", 0 },
        { "n[1-3", "n2", 0 },
        { "n[", "n", 0 },
        { "n]", "n", 0 },
        { ",,", "", 0 },
        { "n[-]", "n1", 0 },
        { "n[1-99999999999999999999]", "n5", 1 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof (t) / sizeof (t[0]); i++)
        if (slurm_node_listed (t[i].list, t[i].host) != t[i].in)
            fail_msg ("%s in %s: not %d", t[i].host, t[i].list, t[i].in);
}

static void a_node_s_memory_is_read (void **state)
{
    struct slurm_node n;

    (void) state;
    assert_int_equal (_read ("ClusterName=c\n# NodeName=h RealMemory=1\n"
                             "nodename=h CPUs=4 realmemory=64000 "
                             "MemSpecLimit=2000 # yes\n",
                             "h", &n),
                      1);
    assert_int_equal (n.real, 64000 * MW_MIB);
    assert_int_equal (n.spec, 2000 * MW_MIB);
    assert_int_equal (_read ("NodeName=DEFAULT RealMemory=1000\n"
                             "NodeName=a[1-3] \\\n  MemSpecLimit=10\n"
                             "NodeName=b RealMemory=7",
                             "a2", &n),
                      1);
    assert_int_equal (n.real, 1000 * MW_MIB);
    assert_int_equal (n.spec, 10 * MW_MIB);
    assert_int_equal (_read ("NodeName=x NodeHostname=h RealMemory=5\n", "h",
                             &n),
                      1);
    assert_int_equal (n.real, 5 * MW_MIB);
}

/* Where Slurm gives no memory away RealMemory says nothing of their share. */
static void real_memory_counts_where_memory_is_allocated (void **state)
{
    static const struct {
        const char *lines;
        uint64_t mb;
    } t[] = {
        { "SelectTypeParameters=CR_CPU_Memory\n", 64 },
        { "selecttypeparameters=cr_one_task_per_core,cr_memory\n", 64 },
        { "SelectTypeParameters=CR_Core\n", 0 },
        { "SelectType=select/cons_tres\n", 64 },
        { "SelectType=select/linear\n", 0 },
        { "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n", 0 },
        { "# SelectType=select/cons_tres\n", 0 },
    };
    struct slurm_node n;
    char text[256];

    (void) state;
    for (size_t i = 0; i < sizeof (t) / sizeof (t[0]); i++) {
        snprintf (text, sizeof (text),
                  "NodeName=h RealMemory=64 "
                  "MemSpecLimit=8\n%s",
                  t[i].lines);
        assert_int_equal (_read (text, "h", &n), 1);
        assert_int_equal (n.real, t[i].mb * MW_MIB);
        assert_int_equal (n.spec, 8 * MW_MIB);
    }
}

static void what_is_not_certain_is_not_known (void **state)
{
    struct slurm_node n;

    (void) state;
    assert_int_equal (_read ("NodeName=a RealMemory=5\n", "h", &n), 0);
    assert_int_equal (_read ("NodeName=h CPUs=2\n", "h", &n), 0);
    assert_int_equal (_read ("NodeName=h RealMemory=lots\n", "h", &n), 0);
    assert_int_equal (_read ("NodeName=h RealMemory=-\\", "h", &n), 0);
    assert_int_equal (_read ("NodeName=h[1-2] NodeHostname=h RealMemory=5\n"
                             "NodeName=i NodeHostname=h RealMemory=5\n",
                             "h", &n),
                      0);
    assert_int_equal (_read ("\n", "h", &n), 0);
}

static void nodes_of_a_host_are_counted (void **state)
{
    static const struct {
        const char *text;
        unsigned long nodes;
    } t[] = {
        { "NodeName=h\n", 1 },
        { "NodeName=i\n", 0 },
        { "NodeName=h[1-9]\n", 0 },
        { "NodeName=a NodeHostname=h\nNodeName=b NodeHostname=h\n", 2 },
        { "NodeName=n[1-2] NodeHostname=h Port=[17001-17002]\n", 2 },
        { "NodeName=a,n[1-2]x[01-10],b NodeHostname=h\n", 22 },
        { "NodeName=n[1-3] NodeHostname=g,h,i\n", 1 },
        { "NodeName=DEFAULT CPUs=2\nNodeName=h\n", 1 },
        { "NodeName=n[1-2 NodeHostname=h\n", 2 },
    };
    struct slurm_node n;

    (void) state;
    for (size_t i = 0; i < sizeof (t) / sizeof (t[0]); i++) {
        _read (t[i].text, "h", &n);
        if (n.nodes != t[i].nodes)
            fail_msg ("%s: %lu", t[i].text, n.nodes);
    }
    /* what it says of one node is not that of all */
    assert_int_equal (_read ("NodeName=n[1-2] NodeHostname=h RealMemory=5\n",
                             "h", &n),
                      0);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_host_is_found_in_a_list),
        cmocka_unit_test (a_node_s_memory_is_read),
        cmocka_unit_test (real_memory_counts_where_memory_is_allocated),
        cmocka_unit_test (what_is_not_certain_is_not_known),
        cmocka_unit_test (nodes_of_a_host_are_counted),
    };

    return cmocka_run_group_tests (tests, NULL, NULL);
}
