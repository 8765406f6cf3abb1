#!/usr/bin/env bash
# runs: v1
# A warden that takes connections and never answers delays a step, but does not
# stop it, and the step is left as plain Slurm made it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"
. "$MW_SRC/test/lib/warden.sh"

cluster_start --plugins both --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
export MEMWARDEN_SOCKET=$CLUSTER_SOCKET
warden_start 'burst = "x2"
courier { start = false }' || { fail 'the warden comes up'; done_testing; exit; }
at_exit 'kill -CONT "$WARDEN_PID"'
warden_unguarded
kill -STOP "$WARDEN_PID"
job=$(submit --mem=100 --wrap 'd=/sys/fs/cgroup/memory$(sed -n "s/.*:memory://p" /proc/self/cgroup); cat ${d%/task*}/memory.limit_in_bytes')
ok 'a job completes' wait_job "$job" COMPLETED 60
is "its step's limit is Slurm's" "$(cat "$CLUSTER_DIR/out/$job.out")" $((100 << 20))
like 'one line in the log says why' \
    "$(grep -h "memwarden: job $job runs without it" "$CLUSTER_DIR"/log/slurmd-*.log)" 'answer|time'
unlike 'the node is not drained' "$(sinfo -h -o %T)" 'drain|down'
kill -CONT "$WARDEN_PID"
job=$(submit --mem=100 --wrap true)
ok 'when it goes on, so does another' wait_job "$job" COMPLETED 60
ok 'which it knows of' wait_for 20 journal_has "$job" released
done_testing
