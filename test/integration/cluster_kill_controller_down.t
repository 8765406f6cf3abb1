#!/usr/bin/env bash
# runs: v1
# takes: 49 s
# The controller is down while a job is to be killed: it is killed after
# controller-timeout, and ends as OUT_OF_MEMORY all the same when the controller
# is back.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "2s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
job=$(submit --mem=60 --on-oom=kill --wrap "echo begun
    while [ ! -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
    exec $CLUSTER_BIN/touchmem --size 300M")
ok 'the job runs' wait_for 60 grep -q begun "$CLUSTER_DIR/out/$job.out"
ok 'it is registered' wait_for 20 journal_has "$job" registered
slurmctld_stop
touch "$CLUSTER_DIR/out/go"
ok 'it is killed without an answer' wait_for 60 journal_has "$job" resolved
ok 'the request waits' test -n "$(ls "$WARDEN_STATE/spool/req" | grep complete-oom)"
# slurmstepd tries for a while, and then again after 15 s
slurmd_waits () { grep -qs 'Retrying job complete RPC' "$CLUSTER_DIR"/log/slurmd*; }
ok 'slurmd cannot tell of the end either' wait_for 120 slurmd_waits
slurmctld_start
oom () { [ "$(job_field "$job" ExitCode)" = 0:125 ]; }
ok 'the controller is back: the exit code of an OOM' wait_for 60 oom
# slurmstepd goes only when its own attempt has come to an end
ok 'and OUT_OF_MEMORY' wait_job "$job" OUT_OF_MEMORY 240
done_testing
