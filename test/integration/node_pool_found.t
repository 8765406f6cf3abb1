#!/usr/bin/env bash
# runs: v1 v2
# in-vm: 6.12-v2
# Slurm's own pool is found above its first job.  On cgroup v2 it is limited as
# slurm.conf says of the node, given back by the failsafe, and found anew when
# slurmd has made another; on v1 it is said and left alone, unless configured.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' --memory 1000 ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
log () { cat "$TMP/warden.log"; }
job () {        # ID, as Slurm counts
    submit --mem=50 --wrap "$CLUSTER_BIN/touchmem --size 8M --stop-file $CLUSTER_DIR/out/stop$1"
    wait_for 60 journal_has "$1" registered
}
completes () { touch "$CLUSTER_DIR/out/stop$1"; wait_job "$1" COMPLETED 60; }

on_v1 () {
    local top=/sys/fs/cgroup/memory/slurm_$CLUSTER_NODE was
    ok 'a job is registered' job 1
    like 'the pool is found, and why it is left alone is said' "$(log)" \
        "the pool is $top, Slurm's own: not taken over, since on cgroup v1"
    like "its killer is the kernel's" "$(cat "$top/memory.oom_control")" 'oom_kill_disable 0'
    was=$(cat "$top/memory.limit_in_bytes")
    ok 'the job completes' completes 1

    warden_stop
    echo "pool = \"$top\"" >>"$WARDEN_CONF"
    warden_start
    ok 'configured, it is limited to RealMemory' \
        wait_for 10 grep -q "pool $top: limited to 1000 MiB" "$TMP/warden.log"
    is 'in fact' "$(cat "$top/memory.limit_in_bytes")" $((1000 << 20))
    ok 'another job is registered' job 2
    ok 'and completes' completes 2
    warden_stop
    is 'a warden that ends puts the limit back' "$(cat "$top/memory.limit_in_bytes")" "$was"
}

# what slurmd leaves when it goes is taken away with it
scope_gone () {
    local pid
    for pid in $(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null); do
        kill -9 "$pid"
    done
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$1" ]
}

on_v2 () {
    local top=/sys/fs/cgroup/system.slice/${CLUSTER_NODE}_slurmstepd.scope
    limits () { cat "$top/memory.high" "$top/memory.max" | tr '\n' ' '; }
    limited="$((1000 << 20)) $((1064 << 20)) "
    is 'the scope begins without limits' "$(limits)" 'max max '
    ok 'a job is registered' job 1
    like 'the pool is found' "$(log)" "pool $top, Slurm's own: limited to 1000 MiB"
    is 'and limited to RealMemory' "$(limits)" "$limited"
    warden_kill9
    ok 'the warden is killed: failsafe' mw failsafe --state-dir "$WARDEN_STATE"
    is 'puts it back' "$(limits)" 'max max '
    warden_start
    is 'the next warden finds it by the job that is there' "$(limits)" "$limited"
    ok 'the job completes' completes 1

    _cluster_end "$CLUSTER_DIR/run/slurmd-$CLUSTER_NODE.pid" slurmd
    ok 'slurmd and its scope go' wait_for 30 scope_gone "$top"
    ok 'slurmd comes again' _cluster_slurmd "$CLUSTER_NODE"
    ok 'and takes jobs' wait_for 60 _cluster_idle
    is 'its scope has no limits' "$(limits)" 'max max '
    ok 'the first job there is registered' job 2
    is 'the new scope is the pool' "$(limits)" "$limited"
    ok 'the job completes' completes 2
    warden_stop
    is 'a warden that ends puts it back' "$(limits)" 'max max '
    echo $((300 << 20)) >"$top/memory.max"
    warden_start
    ok 'a job where the admin has set a wall' job 3
    is 'that wall stays' "$(limits)" "$(((300 << 20) - (300 << 17))) $((300 << 20)) "
    ok 'the job completes' completes 3
    warden_stop
    is 'and the limits are as they were' "$(limits)" "max $((300 << 20)) "
}

if [ -d /sys/fs/cgroup/memory ]; then on_v1; else on_v2; fi
done_testing
