#!/usr/bin/env bash
# runs: v1 v2
# alone
# takes: 71 s
# in-vm: 6.12-v2
# Three jobs on a node that runs out of memory: of high priority and within its
# reservation, in the middle and a little over it, low and far over it.  The low one
# is requeued and completes later, the others never notice; each is told why.
# In the VM it is the node itself that runs out, else the pool.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

if [ -n "${MW_IN_VM:-}" ]; then
    # all but 700 MiB of what there is now is kept for the node
    available=$(awk '/^MemAvailable/ { printf "%d", $2 / 1024 }' /proc/meminfo)
    node="node-reserve = \"$((available - 700))M\""
    killed='oom-kill:'
else
    # what cluster_start makes of this shell's pid
    pool=/sys/fs/cgroup/memory/slurm_mw$$n1
    mkdir "$pool" && echo 600M >"$pool/memory.limit_in_bytes" || exit 1
    node="pool = \"$pool\""
    killed="oom-kill:.*slurm_mw$$n1"
fi
# other tests of this boot may have had some
kills () { dmesg | grep -c "$killed"; }
kills=$(kills)
# 3 s: frozen it may be enough for the node, as long as nobody else wants more
cluster_warden_start "$node
node-ladder = \"suspend@3s,requeue,kill\"
burst = \"x1\"
max-burst = \"x8\"
max-priority = \"1000\"" --plugstack-args 'max_priority=1000 max_burst=x8' \
    --cgroup-conf-line AllowedRAMSpace=800 ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

stop=$CLUSTER_DIR/out/stop
job () {    # job PRIORITY RESERVATION LIMIT SIZE
    submit --oom-priority="$1" --mem="$2" --mem-burst="$3" --on-oom=kill \
        --wrap "$CLUSTER_BIN/touchmem --size $4 --stop-file $stop"
}
touched () { grep -q touched "$CLUSTER_DIR/out/$1.out"; }
high=$(job 900 250 300M 200M)
middle=$(job 500 100 400M 150M)
must 'the high one has its memory' wait_for 15 touched "$high"
must 'the middle one has its memory' wait_for 15 touched "$middle"
# the second run is content with less
low=$(submit --requeue --oom-priority=100 --mem=100 --mem-burst=800M --on-oom=kill \
    --wrap "[ -n \"\$SLURM_RESTART_COUNT\" ] && exec $CLUSTER_BIN/touchmem --size 20M
            exec $CLUSTER_BIN/touchmem --size 700M --stop-file $stop")
requeued () { [ "$(job_field "$low" Restarts)" = 1 ]; }
must 'the low one is requeued' wait_for 15 requeued
like 'after it was suspended' "$(journal_events "$low")" 'detected:suspend .*held.*:requeue'
must 'and completes then' wait_job "$low" COMPLETED 20
is 'the high one still runs' "$(job_state "$high")" RUNNING
is 'the middle one still runs' "$(job_state "$middle")" RUNNING
touch "$stop"
must 'the high one completes' wait_job "$high" COMPLETED 15
must 'the middle one completes' wait_job "$middle" COMPLETED 15
for job in $high $middle; do
    # the node may be short a second time before the low one has given all back
    like "nothing has happened to job $job" "$(journal_events "$job")" \
        '^registered (node )+released $'
    is 'it was never started again' "$(job_field "$job" Restarts)" 0
done
like 'why: the low one was chosen' "$(mw why "$low")" \
    'out of memory: chosen: .*over its reservation of 100 MiB; priority 100'
like 'why: the high one was not' "$(mw why "$high")" \
    'not chosen: within its reservation.*priority 900'
like 'why: the middle one was not' "$(mw why "$middle")" \
    'not chosen: those chosen suffice.*priority 500'
is 'the kernel has killed nobody' "$(kills)" "$kills"
done_testing
