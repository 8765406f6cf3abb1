#!/usr/bin/env bash
# kinds_of_gang.t - PreemptMode=SUSPEND,GANG: a job that is held in its OOM is
# suspended for another's sake, and its ladder waits; one that is suspended already
# stays so.  Given room meanwhile that one goes on; the other is held again when
# the gang scheduler resumes it, and goes on when it is given room.
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

cluster_warden_start '' --slurm-conf-line "$(first_job_id)" --cpus 4 \
    --slurm-conf-line PreemptType=preempt/partition_prio \
    --slurm-conf-line PreemptMode=SUSPEND,GANG \
    --slurm-conf-line SchedulerTimeSlice=5 \
    --slurm-conf-line 'PartitionName=lo Nodes=ALL PriorityTier=1' \
    --slurm-conf-line 'PartitionName=hi Nodes=ALL PriorityTier=10 PreemptMode=OFF' ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
begin () {
    submit -p lo -n2 --mem=40 --on-oom="$1@1h,kill" --wrap \
        "exec $CLUSTER_BIN/touchmem --size 60M"
}
shows () { [ "$(job_shows "$1" '"\(.held) \(.suspended) \(.slurm_suspended)"')" = "$2" ]; }

hold=$(begin hold) susp=$(begin suspend)
must 'one is held' wait_for 60 journal_has "$hold" held
must 'one is suspended' wait_job "$susp" SUSPENDED 60
hi=$(submit -p hi -n4 --mem=40 --wrap "
    until [ -e go ]; do sleep 0.2; done")
ok 'whoever preempts them runs' wait_job "$hi" RUNNING 60
ok 'for it the held one is suspended' wait_job "$hold" SUSPENDED 60
ok '… which is seen' wait_for 60 shows "$hold" 'true false true'
ok 'the other is suspended as it was' shows "$susp" 'true true false'
ok 'that one is given room' mw set "$susp" --limit 100M
ok '… and completes' wait_job "$susp" COMPLETED 60
is 'the held one still is suspended' "$(job_state "$hold")" SUSPENDED
touch "$CLUSTER_DIR/out/go"
ok 'whoever has preempted it completes' wait_job "$hi" COMPLETED 60
ok 'it is resumed' wait_job "$hold" RUNNING 60
ok '… and held again' wait_for 60 shows "$hold" 'true false false'
ok 'it is given room' mw set "$hold" --limit 100M
ok '… and completes' wait_job "$hold" COMPLETED 60
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
