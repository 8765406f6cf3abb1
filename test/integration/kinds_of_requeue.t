#!/usr/bin/env bash
# kinds_of_requeue.t - a job that Slurm does not requeue (sbatch --no-requeue, or
# JobRequeue=0 in slurm.conf and no --requeue) is told so where its ladder says
# requeue, and the ladder goes on: what comes then ends it, or gets it through.
# Ended by its own answer to a signal it ends as with Slurm alone.  --requeue
# overrules slurm.conf.
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

# where they share one slow processor, Slurm's word of a script's end comes too late
answers=4
[ "${MW_SLOW:-1}" -eq 1 ] || answers=1
says () {
    wait_for 30 grep -q "the controller does not requeue it: $2" "$CLUSTER_DIR/out/$1.err"
}
# tries NAME WHY [SBATCH-ARG…]: the same with each of them
tries () {
    local name=$1 why=$2 killed grown told i; shift 2
    killed=$(submit "$@" --mem=40 --on-oom=requeue=x2,kill --wrap "$eat")
    grown=$(submit "$@" --mem=40 --on-oom=requeue,grow=100M@1m,kill --wrap "$eat")
    # its reserve is enough for the script to answer in; what that leaves behind is at
    # the limit again when the script has ended
    told=$(submit "$@" --array=1-$answers --mem=40 --oom-reserve=20M \
        --on-oom=signal=USR1@1m,requeue,kill --wrap "
        trap '{ sleep 0.2; $eat; } & echo told; exit 3' USR1
        $CLUSTER_BIN/touchmem --size 44M --stay 0 & wait")
    until_over "$killed" "$grown"
    for i in $(seq $answers); do until_over "${told}_$i"; done
    is "$name: the next rung is kill" "$(end_of "$killed")" 'OUT_OF_MEMORY 0:125 0'
    is "$name: the next rung is grow" "$(end_of "$grown")" 'COMPLETED 0:0 0'
    for i in $(seq $answers); do
        is "$name: ended in answer to a signal" "$(end_of "${told}_$i")" 'FAILED 3:0 0'
    done
    for j in $killed $grown; do ok "$name: its user is told why" says "$j" "$why"; done
}

cluster_warden_start '' --slurm-conf-line "$(first_job_id)" \
    --slurm-conf-line JobRequeue=0 ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
eat="exec $CLUSTER_BIN/touchmem --size 60M"
tries JobRequeue=0 'it is not to be requeued'
tries --no-requeue 'it is not to be requeued' --no-requeue
job=$(submit --requeue --mem=40 --on-oom=requeue=x2,kill --wrap "$eat")
until_over "$job"
is '--requeue: runs again, and completes' "$(end_of "$job")" 'COMPLETED 0:0 1'
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
