#!/usr/bin/env bash
# runs: v1
# takes: 33 s
# A job that was suspended at the controller and is requeued then runs again, also
# where it was killed meanwhile, and whoever requeues it: what suspending left behind
# (priority 0) does not hold it for ever.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "3s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
suspended () { grep -q "job $1: suspended at the controller" "$TMP/warden.log"; }

# as long as the courier does not answer, the ladder goes on without it
late=$(submit_hog suspend@15s,requeue,kill)
must 'one is suspended at the controller' wait_for 60 suspended "$late"
kill -STOP "$COURIER_PID"
at_exit 'kill -CONT $COURIER_PID'
is 'the controller says so' "$(job_state "$late")" SUSPENDED
must 'nobody answers to its requeue: killed' wait_for 60 journal_has "$late" step:kill
ended () { [[ $(job_state "$late") =~ ^(FAILED|OUT_OF_MEMORY)$ ]]; }
ok 'it has ended' wait_for 60 ended
kill -CONT "$COURIER_PID"
soon=$(submit_hog suspend@1s,requeue,kill)
ok 'it is requeued, runs again, and completes' wait_job "$late" COMPLETED 120
is 'once' "$(job_field "$late" Restarts)" 1
ok 'another, whose requeue is answered, runs again, and completes' \
    wait_job "$soon" COMPLETED 120
ok 'it had been suspended' suspended "$soon"
is 'once' "$(job_field "$soon" Restarts)" 1

# ---- by hand: after it was killed, and while it is suspended ----
killed=$(submit_hog suspend@1s,kill)
asleep=$(submit_hog suspend@1h,kill)
ok 'one is killed while suspended' wait_job "$killed" OUT_OF_MEMORY 60
ok 'it had been suspended' suspended "$killed"
must 'one is suspended' wait_for 60 suspended "$asleep"
for j in $killed $asleep; do
    ok 'it is requeued by hand' scontrol requeue "$j"
    ok 'runs again, and completes' wait_job "$j" COMPLETED 120
done
hold=$(submit_hog suspend@1h,kill)
must 'one more is suspended' wait_for 60 suspended "$hold"
ok 'it is requeued by hand, and held' scontrol requeuehold "$hold"
spool_empty () { [ -z "$(ls "$WARDEN_STATE/spool/req")" ]; }
released () { journal_has "$hold" released; }
ok 'it has gone' wait_for 60 released
ok 'and the courier has done what there was to do' wait_for 60 spool_empty
ok 'it waits' wait_job "$hold" PENDING 60
like '… held: that is whose wish it was' "$(job_field "$hold" Reason)" '[Hh]eld'
done_testing
