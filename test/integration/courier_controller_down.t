#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# A request that is made while the controller is down is made good when it is
# back; one whose time has passed by then is not.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'sleep 1000')
other=$(submit --mem=50 --wrap 'sleep 1000')
wait_job "$job" RUNNING 30
wait_job "$other" RUNNING 30
slurmctld_stop
late=$(put requeue "$other" after=1)
id=$(put suspend "$job")
comment=$(put comment "$job" text='while it was away')
is 'one that is too late is refused meanwhile' "$(take 60)" \
    "$late no 110 not done: its time has passed"
ok 'the courier has tried, and says so' \
    wait_for 60 grep -q 'the controller is away' "$COURIER_LOG"
is 'there is no answer yet' "$(ls "$COURIER_STATE/spool/ans")" ''
slurmctld_start
is 'the controller is back: made good' "$(take 60)" "$id ok 0 suspended"
is 'in order' "$(take 60)" "$comment ok 0 set"
ok 'the job is suspended' wait_job "$job" SUSPENDED 10
is 'the other one was left alone' "$(job_state "$other")" RUNNING
is 'it says that once' \
    "$(grep -c 'the controller is away' "$COURIER_LOG")" 1
done_testing
