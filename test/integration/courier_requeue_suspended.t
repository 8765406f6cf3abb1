#!/usr/bin/env bash
# runs: v1
# needs: cluster
# A job that was suspended at the controller and is requeued then runs again, also
# where it has ended meanwhile: what suspending left behind (priority 0) does not
# hold it for ever.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start

# suspended while Slurm still starts its batch step, the next run may stay frozen
begun () { grep -q begun "$CLUSTER_DIR/out/$1.out"; }
freezer () { echo /sys/fs/cgroup/freezer/slurm_"$CLUSTER_NODE"/uid_*/job_"$1"/step_batch; }
stands () { grep -q '^FR' "$(freezer "$1")/freezer.state"; }
suspended_job () {
    job=$(submit --requeue --mem=50 \
        --wrap '[ -n "$SLURM_RESTART_COUNT" ] || { echo begun; sleep 1000; }')
    ok 'a job runs' wait_for 30 begun "$job"
    is 'suspend: done' "$(ask suspend "$job")" 'ok 0 suspended'
    ok 'it stands' wait_for 30 stands "$job"
}

suspended_job
is 'requeue: done' "$(ask requeue "$job")" 'ok 0 requeued'
ok 'it runs again, to its end' wait_job "$job" COMPLETED 60
is 'once' "$(job_field "$job" Restarts)" 1

suspended_job
kill -9 $(cat "$(freezer "$job")/cgroup.procs")
echo THAWED >"$(freezer "$job")/freezer.state"
ok 'killed, it has failed' wait_job "$job" FAILED 30
is 'requeue: done' "$(ask requeue "$job")" 'ok 0 requeued'
ok 'it runs again, to its end' wait_job "$job" COMPLETED 60
done_testing
