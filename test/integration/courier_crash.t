#!/usr/bin/env bash
# runs: v1 native
# A worker that hangs in libslurm and dies takes neither the courier nor a job's
# OOM with it: another does what was asked.  A courier that is killed when it has
# done something, and could not say so, is followed by one that knows it.  A job
# that stands at the controller goes on before it is told what was said meanwhile.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "5m"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
job=$(submit --mem=60 --on-oom=suspend@1h,kill --wrap "echo begun
    until [ -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
    exec $CLUSTER_BIN/touchmem --size 100M --stop-file $CLUSTER_DIR/out/stop")
must 'a job runs' wait_for 60 grep -qs begun "$CLUSTER_DIR/out/$job.out"
must 'the controller has told of it' wait_for 60 looked_up "$job"
ctld=$(cat "$CLUSTER_DIR/run/slurmctld.pid")
at_exit 'kill -CONT $ctld $COURIER_PID'
worker () { pgrep -P "$COURIER_PID"; }
asked () { ls "$WARDEN_STATE/spool/req" | grep -q "^$job\..*\.$1"; }
kill -STOP "$ctld"
touch "$CLUSTER_DIR/out/go"
must 'in its OOM it is held at once' wait_for 60 journal_has "$job" held
ok 'though the controller, which is to suspend it, hangs' wait_for 20 asked suspend
must 'a worker waits for that' wait_for 20 worker
kill -9 "$(worker | head -n 1)"
ok 'its death is told' wait_for 20 \
    grep -q 'its worker died (signal 9)' "$COURIER_LOG"
ok 'another worker takes over' wait_for 20 worker
kill -CONT "$ctld"
ok 'the controller suspends the job' wait_job "$job" SUSPENDED 60
ok 'which the warden hears' wait_for 20 grep -q \
    "job $job: suspended at the controller" "$TMP/warden.log"

idle () { ! worker; }
ok 'then there is nothing to be done' wait_for 60 idle
kill -STOP "$ctld"
ok 'it is given room' mw set "$job" --limit 200M
must 'the controller is asked to resume it' wait_for 20 asked resume
must 'a worker waits for that' wait_for 20 worker
worker=$(worker | head -n 1)
kill -STOP "$COURIER_PID"
kill -CONT "$ctld"
ok 'the worker has done it' wait_job "$job" RUNNING 60
ok 'and the courier could not say so' asked resume
kill -9 "$COURIER_PID"; wait "$COURIER_PID" 2>/dev/null
ended () { [ ! -d "/proc/$worker" ] || grep -q 'State:.Z' "/proc/$worker/status"; }
ok 'it is killed: no worker of it is left' wait_for 20 ended
: >"$COURIER_LOG"
cluster_courier_start || fail 'a new courier comes'
ok 'the answer is the same' wait_for 20 grep -q "$job\..*\.resume: resumed" "$COURIER_LOG"
touch "$CLUSTER_DIR/out/stop"
ok 'the job completes' wait_job "$job" COMPLETED 60
empty () { [ -z "$(find "$WARDEN_STATE"/spool/{req,tmp} -type f)" ]; }
ok 'nothing is left in the spool' wait_for 60 empty
done_testing
