#!/usr/bin/env bash
# kinds_of_config.t - however a site has set up Slurm's own plugins, a job's OOM is
# handled, and ends as it should: task/affinity before task/cgroup, no extern
# step, proctrack/linuxproc, job_container/tmpfs.
# runs: v1 v2
# takes: 154 s
TMPDIR=/var/tmp     # job_container/tmpfs gives each job a /tmp of its own
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

at_exit 'rm -f /dev/shm/mw.$$ /dev/shm/mw.$$.2'     # of those that were killed
eats () { echo "$CLUSTER_BIN/touchmem --size $1"; }
# a third of its memory is in /dev/shm, as a file: that is charged, too
shm () {
    echo "dd if=/dev/zero of=/dev/shm/mw.$1 bs=1M count=15
        $(eats 30M); s=\$?
        rm /dev/shm/mw.$1; exit \$s"
}

alone () {
    local bad good shared
    bad=$(submit --mem=40 --wrap "$(eats 200M)")
    good=$(submit --mem=60 --wrap "$(eats 20M)")
    shared=$(submit --mem=40 --wrap "$(shm $$)")
    until_over "$bad" "$good" "$shared"
    ends "$name: over its limit" "$(end_of "$bad")"
    ends "$name: within its limit" "$(end_of "$good")"
    ends "$name: over it with what is in /dev/shm" "$(end_of "$shared")"
    [ -n "$with" ] || return 0
    ok "$name: by its ladder" journal_has "$bad" step:kill
    ok "$name: so is the other" journal_has "$shared" step:kill
}

# Slurm 22.05's job_container/tmpfs at times makes no container for a job's second run on
# the same node, which then cannot begin: that it was requeued is what is ours
unless_slurms_own () {     # JOB END
    if [ "$2" = 'FAILED 1:0 1' ] &&
        grep -q 'error: container_g_join failed' "$CLUSTER_DIR/out/$1.err"; then
        echo 'COMPLETED 0:0 1'
    else
        echo "$2"
    fi
}

ours () {
    local grown shared again end susp gone
    grown=$(submit --mem=40 --on-oom=grow=100M@1m,kill --wrap "srun $(eats 60M)")
    shared=$(submit --mem=40 --on-oom=grow=100M@1m,kill --wrap "$(shm $$.2)")
    again=$(submit --mem=40 --requeue --on-oom=requeue=x2,kill --wrap "srun $(eats 60M)")
    end=$(submit --mem=40 --on-oom=suspend@1s,kill --wrap "srun $(eats 60M)")
    susp=$(submit --mem=40 --on-oom=suspend@1h,kill --wrap "srun $(eats 60M)")
    gone=$(submit --mem=40 --on-oom=hold@1h,kill --wrap "$(eats 60M)")
    ok "$name: one is held" wait_for 60 journal_has "$gone" held
    scancel "$gone"
    ok "$name: one is suspended" wait_job "$susp" SUSPENDED 60
    ok "$name: and given room" mw set "$susp" --limit 100M
    until_over "$grown" "$shared" "$again" "$end" "$susp" "$gone"
    is "$name: it completes" "$(end_of "$susp")" 'COMPLETED 0:0 0'
    is "$name: grown: completes" "$(end_of "$grown")" 'COMPLETED 0:0 0'
    is "$name: with files in /dev/shm, too" "$(end_of "$shared")" 'COMPLETED 0:0 0'
    is "$name: requeued: completes" "$(unless_slurms_own "$again" "$(end_of "$again")")" \
        'COMPLETED 0:0 1'
    is "$name: suspended, then killed" "$(end_of "$end")" 'OUT_OF_MEMORY 0:125 0'
    is "$name: held, then cancelled" "$(job_state "$gone")" CANCELLED
    is "$name: the kernel has not killed" "$(grep -c kernel-kill \
        "$WARDEN_STATE/journal.jsonl")" 0
    unlike "$name: the node is not drained" "$(sinfo -h -o '%T')" 'drain|down'
}

# try NAME [cluster_start's options…]
try () {
    name=$1; shift
    cluster_courier_stop
    warden_stop
    cluster_stop
    rm -rf "$WARDEN_STATE" "$COURIER_LOG" "$TMP/warden.log"
    alone_and_with alone 'ladder = "kill"
controller-timeout = "60s"' "$@"
    ours
}
try 'proctrack/linuxproc' --slurm-conf-line ProctrackType=proctrack/linuxproc
try 'task/affinity first' --affinity
try 'no extern step' --no-contain
try 'job_container/tmpfs' --slurm-conf-line JobContainerType=job_container/tmpfs
done_testing
