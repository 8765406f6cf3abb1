#!/usr/bin/env bash
# runs: v1
# Without a warden jobs run as under plain Slurm, with one line in slurmd's log;
# with required=yes they are refused with a message; the node is never drained.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"

cluster_start --plugins both 2>"$TMP/start"
is 'a cluster with both plugins comes up' "$?$(cat "$TMP/start")" 0
job=$(submit -n2 --mem=100 --wrap 'srun -n2 true')
ok 'a job of two steps completes' wait_job "$job" COMPLETED 60
is 'nothing is said in its stderr' "$(cat "$CLUSTER_DIR/out/$job.err")" ''
is "slurmd's log has one line a step" \
    "$(cat "$CLUSTER_DIR"/log/slurmd-*.log | grep -c "memwarden: job $job runs without it")" 2
like 'which says why' "$(grep -h 'memwarden: job' "$CLUSTER_DIR"/log/slurmd-*.log)" "$CLUSTER_SOCKET"
job=$(submit --mem=60 --wrap "python3 -c 'x = bytearray(100 << 20)'")
ok "a job over its --mem meets Slurm's own OOM" wait_job "$job" OUT_OF_MEMORY 60
is 'the node is idle' "$(sinfo -h -o %T)" idle
cluster_stop

cluster_start --plugins spank --plugstack-args required=yes 2>"$TMP/start"
is 'a cluster with required=yes comes up' "$?$(cat "$TMP/start")" 0
as_user srun --mem=50 touch "$CLUSTER_DIR/out/ran" >"$TMP/srun" 2>&1 || refused=yes
is 'srun is refused' "${refused:-}" yes
# a step that ends at once may lose its last line on the way to srun: slurmd's log
# always has it
like 'with the reason' "$(cat "$TMP/srun"
    grep -h 'required=yes' "$CLUSTER_DIR"/log/slurmd-*.log)" 'memwarden.*required=yes'
job=$(submit --mem=50 --wrap "touch $CLUSTER_DIR/out/ran")
ok 'a batch job is refused' wait_job "$job" FAILED 60
like 'its stderr has the reason' "$(cat "$CLUSTER_DIR/out/$job.err")" 'memwarden.*required=yes'
is 'nothing of either has run' "$(ls "$CLUSTER_DIR/out/ran" 2>/dev/null)" ''
unlike 'the node is not drained' "$(sinfo -h -o '%T %E')" 'drain|down'
done_testing
