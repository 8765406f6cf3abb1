#!/usr/bin/env bash
# kinds_of_crash.t - a node loses slurmd and all slurmstepds while jobs are held or
# suspended in their OOM, and comes back as after a reboot (slurmd -b): they are as
# with any job that Slurm loses, those that are requeued run again and complete, and
# nothing is left known or frozen; whether the cgroups have gone as well, or not.
# runs: v1 v2
# in-vm: newest-v2
# takes: 42 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

cluster_warden_start '' --slurm-conf-line "$(first_job_id)" ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
begin () {
    submit --mem=40 --on-oom="$1" "$2" --wrap "
        [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
        exec $CLUSTER_BIN/touchmem --size 60M"
}
# what the reboot itself would do
empty () {
    local p dir
    dir=$(last_state "$1" memory)
    for f in "$(last_state "$1" freezer)"/step_*/freezer.state; do
        [ ! -e "$f" ] || echo THAWED >"$f"
    done
    for p in $(find "$dir" -name cgroup.procs -exec cat {} +); do kill -9 "$p"; done
    find "$dir" -depth -type d -exec rmdir {} \;
    [ ! -e "$dir" ]
} 2>/dev/null
# Slurm takes a job for lost when a slurmd that is younger than the job does not
# know it, and it was not started just now
lost () {
    local j
    for j; do
        [[ $(job_state "$j") =~ ^(RUNNING|SUSPENDED)$ ]] || continue
        sleep 5
        slurmd_restart -b
        return 1
    done
}

left=$(begin hold@1h,kill --no-requeue)
hold=$(begin hold@1h,kill --no-requeue)
again=$(begin hold@1h,kill --requeue)
susp=$(begin suspend@1h,kill --requeue)
for j in $left $hold $again; do must 'one is held' wait_for 60 journal_has "$j" held; done
must 'one is suspended' wait_job "$susp" SUSPENDED 60

kill -STOP "$(cat "$CLUSTER_DIR/run/slurmd-$CLUSTER_NODE.pid")"    # it sees nothing
slurmstepds_kill
for j in $hold $again $susp; do ok 'its cgroup goes' wait_for 30 empty "$j"; done
slurmd_restart -9 -b
is 'the node comes back' $? 0
ok 'Slurm knows that they are lost' wait_for 60 lost "$left" "$hold" "$again" "$susp"
ok 'held, its cgroup left: it is over' wait_job "$left" NODE_FAIL 60
ok 'held, its cgroup gone: it is over' wait_job "$hold" NODE_FAIL 60
ok 'held and requeued: it runs again and completes' wait_job "$again" COMPLETED 60
is 'once' "$(end_of "$again")" 'COMPLETED 0:0 1'
ok 'suspended and requeued: it runs again and completes' wait_job "$susp" COMPLETED 60
is 'once' "$(end_of "$susp")" 'COMPLETED 0:0 1'
none () { [ "$(mw jobs --json | jq length)" = 0 ]; }
ok 'none is known any more' wait_for 60 none
for j in $left $hold $again $susp; do
    is 'the incident is closed' "$(journal_count "$j" resolved)" 1
done
ok 'none is left frozen' not_frozen "$left"
done_testing
