#!/usr/bin/env bash
# kinds_of_launch.t - however a job is launched, whoever has launched it, waits for
# it or depends on it sees the end that Slurm alone would show: a job over its limit
# fails as OUT_OF_MEMORY; and one that is grown or requeued instead has not failed
# for any of them.
# runs: v1 v2
# takes: 47 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

# in the background, as its user: NAME COMMAND…; its output is in $TMP/NAME, the
# exit status is its last line
begin () {
    local name=$1; shift
    (as_user timeout $((60 * ${MW_SLOW:-1})) "$@" >"$TMP/$name" 2>&1 </dev/null
    echo "exit $?" >>"$TMP/$name") &
    begun+=($!)
}
# Slurm's word for how it failed differs (1; 137 where we have ended the step)
failed () { tail -n 1 "$TMP/$1" | sed 's/exit [1-9].*/failed/'; }
id_in () { grep -om 1 -E 'job [0-9]+' "$TMP/$1" | cut -d' ' -f2; }

launch () {
    local eat="$CLUSTER_BIN/touchmem --size 200M" array bad onbad onok i
    begun=()
    begin srun srun --mem=40 sh -c "echo job \$SLURM_JOB_ID; exec $eat"
    begin pty script -qec "srun --pty --mem=40 sh -c 'echo job \$SLURM_JOB_ID; $eat'" \
        /dev/null
    begin salloc salloc --mem=40 sh -c "srun echo good; srun $eat; [ \$? = 0 ]"
    begin wait sbatch --wait --mem=40 --wrap "$eat"
    begin waitgood sbatch --wait --mem=40 --wrap true
    array=$(submit --array=1-3%2 --mem=40 --wrap "
        [ \$SLURM_ARRAY_TASK_ID = 2 ] || exec $eat")
    bad=$(submit --mem=40 --wrap "$eat")
    onbad=$(submit --mem=40 -d afternotok:"$bad" --wrap true)
    onok=$(submit --mem=40 -d afterok:"$bad" --kill-on-invalid-dep=yes --wrap true)
    wait "${begun[@]}"
    until_over "${array}"_{1,2,3} "$bad" "$onbad" "$onok"
    ends 'srun alone' "$(failed srun) $(end_of "$(id_in srun)")"
    ends 'srun --pty' "$(failed pty) $(end_of "$(id_in pty)")"
    ends 'a step of salloc' "$(failed salloc) $(grep -c '^good$' "$TMP/salloc")"
    ends 'sbatch --wait of a bad one' "$(tail -n 1 "$TMP/wait")"
    ends 'sbatch --wait of a good one' "$(tail -n 1 "$TMP/waitgood")"
    for i in 1 2 3; do ends "--array=1-3%2: $i" "$(end_of "${array}_$i")"; done
    ends 'sbatch' "$(end_of "$bad")"
    ends 'afternotok on it' "$(end_of "$onbad")"
    ends 'afterok on it' "$(end_of "$onok")"
}
# An srun whose job is ended under it waits KillWait and 2 s more for word of how its
# tasks ended; it exits with 0 without
alone_and_with launch 'ladder = "kill"
controller-timeout = "60s"' --slurm-conf-line "KillWait=$((3 * ${MW_SLOW:-1}))"

# what Slurm alone can't: the same job gets through
eat="$CLUSTER_BIN/touchmem --size 60M"
begun=()
begin srun srun --mem=40 --on-oom=grow=100M@1m,kill \
    "$CLUSTER_BIN/touchmem" --size 60M
begin wait sbatch --wait --requeue --mem=40 --on-oom=requeue=x2,kill --wrap "$eat"
bad=$(submit --requeue --mem=40 --on-oom=requeue=x2,kill --wrap "$eat")
onok=$(submit --mem=40 -d afterok:"$bad" --kill-on-invalid-dep=yes --wrap true)
onbad=$(submit --mem=40 -d afternotok:"$bad" --kill-on-invalid-dep=yes --wrap true)
wait "${begun[@]}"
until_over "$bad" "$onok" "$onbad"
is 'srun alone, grown: good' "$(tail -n 1 "$TMP/srun")" 'exit 0'
is 'sbatch --wait, requeued: waits for the second run, good' \
    "$(tail -n 1 "$TMP/wait")" 'exit 0'
is 'requeued: completes' "$(end_of "$bad")" 'COMPLETED 0:0 1'
is 'afterok on it: runs' "$(end_of "$onok")" 'COMPLETED 0:0 0'
is 'afternotok on it: never runs' "$(job_state "$onbad")" CANCELLED
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
