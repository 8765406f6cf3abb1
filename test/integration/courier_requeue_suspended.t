#!/usr/bin/env bash
# runs: v1
# needs: cluster
# A job that was suspended at the controller and is requeued then runs again: what
# suspending left behind (priority 0) does not hold it for ever.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
# suspended while Slurm still starts its batch step, a job's next run may stay frozen
begun () { grep -qs begun "$CLUSTER_DIR/out/$1.out"; }
once () { submit --requeue --mem=50 --wrap 'echo begun; [ -n "$SLURM_RESTART_COUNT" ] || sleep 1000'; }
job=$(once)
ok 'a job runs' wait_for 30 begun "$job"
is 'suspend: done' "$(ask suspend "$job")" 'ok 0 suspended'
is 'requeue: done' "$(ask requeue "$job")" 'ok 0 requeued'
ok 'it runs again, to its end' wait_job "$job" COMPLETED 60
is 'once' "$(job_field "$job" Restarts)" 1

# killed while it is suspended, it has ended when its turn comes
job=$(once)
ok 'another runs' wait_for 30 begun "$job"
is 'suspend: done' "$(ask suspend "$job")" 'ok 0 suspended'
step=$(echo /sys/fs/cgroup/freezer/slurm_"$CLUSTER_NODE"/uid_*/job_"$job"/step_batch)
kill -9 $(cat "$step/cgroup.procs")
echo THAWED >"$step/freezer.state"
ok 'it has failed' wait_job "$job" FAILED 30
is 'requeue: done' "$(ask requeue "$job")" 'ok 0 requeued'
ok 'it runs again, too' wait_job "$job" COMPLETED 60
done_testing
