#!/usr/bin/env bash
# runs: v1
# needs: cluster
# A warden that takes connections and never answers delays a step, but does not
# stop it, and the step is left as plain Slurm made it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

cluster_start --plugins both --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
recorder_start hang
job=$(submit --mem=100 --wrap 'd=/sys/fs/cgroup/memory$(sed -n "s/.*:memory://p" /proc/self/cgroup); cat ${d%/task*}/memory.limit_in_bytes')
ok 'a job completes' wait_job "$job" COMPLETED 60
is "its step's limit is Slurm's" "$(cat "$CLUSTER_DIR/out/$job.out")" $((100 << 20))
like 'one line in the log says why' \
    "$(grep -h "memwarden: job $job runs without it" "$CLUSTER_DIR"/log/slurmd-*.log)" 'answer|time'
unlike 'the node is not drained' "$(sinfo -h -o %T)" 'drain|down'
done_testing
