#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# A request names the run of the job it was made for: a late one does not hit the
# next run.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'sleep 1000')
wait_job "$job" RUNNING 30
is 'its first run is requeued' "$(ask requeue "$job")" 'ok 0 requeued'
_second () { [ "$(job_field "$job" Restarts)" = 1 ] && [ "$(job_state "$job")" = RUNNING ]; }
ok 'its second run begins' wait_for 90 _second
for op in suspend resume requeue cancel complete-oom notify; do
    like "a late $op: refused" "$(ask $op "$job" text=x restarts=0)" \
        '^no 116 the job has been restarted since'
done
is 'the second run goes on' "$(job_state "$job") $(job_field "$job" Restarts)" \
    'RUNNING 1'
is 'one for this run is done' "$(ask suspend "$job" restarts=1)" \
    'ok 0 suspended'
done_testing
