#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# A worker that hangs in libslurm and dies does not take the courier or the request
# with it: the request is done by another.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'sleep 1000')
wait_job "$job" RUNNING 30
ctld=$(cat "$CLUSTER_DIR/run/slurmctld.pid")
kill -STOP "$ctld"
at_exit "kill -CONT $ctld"
id=$(put suspend "$job")
_worker () { pgrep -P "$COURIER_PID"; }
ok 'a worker waits for a controller that hangs' wait_for 20 _worker
kill -9 "$(_worker | head -n 1)"
ok 'its death is told' wait_for 20 grep -q 'its worker died (signal 9)' "$COURIER_LOG"
ok 'another worker takes over' wait_for 20 _worker
kill -CONT "$ctld"
is 'the request is done' "$(take 60)" "$id ok 0 suspended"
ok 'the job is suspended' wait_job "$job" SUSPENDED 10

kill -STOP "$ctld"
id=$(put resume "$job")
ok 'once more a worker waits' wait_for 20 _worker
worker=$(_worker | head -n 1)
kill -9 "$COURIER_PID"; wait "$COURIER_PID" 2>/dev/null
_dead () { [ ! -d "/proc/$worker" ] || grep -q 'State:.Z' "/proc/$worker/status"; }
ok 'the courier killed: its worker ends with it' wait_for 20 _dead
kill -CONT "$ctld"
: >"$COURIER_LOG"
courier_start
is 'a new courier does what was left' "$(take 60)" "$id ok 0 resumed"
done_testing
