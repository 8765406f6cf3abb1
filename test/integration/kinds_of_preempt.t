#!/usr/bin/env bash
# kinds_of_preempt.t - a job that is held or suspended in its OOM is preempted as any
# other: requeued (or by its user), it runs again and completes; cancelled, it is
# gone; and whoever preempts it runs.
# runs: v1 v2
# takes: 84 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

cluster_warden_start '' --slurm-conf-line "$(first_job_id)" --cpus 16 \
    --slurm-conf-line PreemptType=preempt/partition_prio \
    --slurm-conf-line PreemptMode=REQUEUE \
    --slurm-conf-line 'PartitionName=req Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE' \
    --slurm-conf-line 'PartitionName=can Nodes=ALL PriorityTier=1 PreemptMode=CANCEL' \
    --slurm-conf-line 'PartitionName=hi Nodes=ALL PriorityTier=10 PreemptMode=OFF' ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
begin () {
    submit --requeue -p "$1" -n2 --mem=40 --on-oom="$2@1h,kill" --wrap "
        [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
        exec $CLUSTER_BIN/touchmem --size 60M"
}
held () { journal_has "$1" held; }
declare -A req can user
for rung in hold suspend; do
    req[$rung]=$(begin req $rung) can[$rung]=$(begin can $rung)
    user[$rung]=$(begin req $rung)
done
admin=$(begin req suspend)
for job in "${req[@]}" "${can[@]}" "${user[@]}"; do
    must 'one is held' wait_for 60 held "$job"
done
for job in "${req[suspend]}" "${can[suspend]}" "${user[suspend]}" "$admin"; do
    must 'one is suspended at Slurm, too' wait_job "$job" SUSPENDED 60
done
for job in "${user[@]}"; do as_user scontrol requeue "$job"; done
scontrol requeuehold "$admin"
# all the CPUs, for those that are held, and the memory, for those suspended
hi=$(submit -p hi -n16 --mem=2000 --wrap 'true')
ok 'whoever preempts them runs' wait_job "$hi" COMPLETED 60
for rung in hold suspend; do
    ok "$rung, PreemptMode=REQUEUE: it runs again and completes" \
        wait_job "${req[$rung]}" COMPLETED 60
    is "$rung: once" "$(end_of "${req[$rung]}")" 'COMPLETED 0:0 1'
    ok "$rung, its user requeues it: it runs again and completes" \
        wait_job "${user[$rung]}" COMPLETED 60
    is "$rung, PreemptMode=CANCEL: it is gone" "$(job_state "${can[$rung]}")" PREEMPTED
done
is 'one that an admin has requeued to be held is' \
    "$(job_state "$admin") $(job_field "$admin" Reason)" \
    'PENDING job_requeued_in_held_state'
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
