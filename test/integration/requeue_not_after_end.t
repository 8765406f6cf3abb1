#!/usr/bin/env bash
# runs: v1 native
# takes: 38 s
# A requeue that has waited, since the controller or the courier was away, looks
# at how the job has ended meanwhile: one that has gone on and ended by itself, or
# that Slurm has ended, stays ended, and that is told; one that the warden has
# killed is run again, unless it has been over for too long by then.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "2s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

# NAME LADDER THEN…: touches 150M of its 60, when told to, and then does THEN
begin () {
    local name=$1 ladder=$2; shift 2
    submit --requeue --mem=60 --mem-burst=x1 --on-oom="$ladder" --wrap \
        "[ -z \"\$SLURM_RESTART_COUNT\" ] || { echo again; exit 0; }
         while [ ! -e $CLUSTER_DIR/out/$name ]; do sleep 0.1; done
         $CLUSTER_BIN/touchmem --size 100M
         touch $CLUSTER_DIR/out/\$SLURM_JOB_ID.end
         $*"
}
go () { touch "$CLUSTER_DIR/out/$1"; }
none_asked () { [ -z "$(ls "$WARDEN_STATE/spool/req")" ]; }
why_has () { mw why "$1" | grep -q "$2"; }

# ---- the controller is away: what ended by itself
itself=$(begin away requeue,grow@10m,kill 'exit 3')
killed=$(begin away requeue,kill 'exit 3')
for job in "$itself" "$killed"; do
    must "job $job runs" wait_job "$job" RUNNING 60
    must 'and is registered' wait_for 30 journal_has "$job" registered
done
must 'their runs are known' wait_for 30 none_asked
slurmctld_stop
go away
must 'its requeue has no answer, it is grown, and ends' \
    wait_for 60 test -e "$CLUSTER_DIR/out/$itself.end"
must 'with its OOM' wait_for 60 journal_has "$itself" resolved
must 'the other is killed' wait_for 60 journal_has "$killed" step:kill
slurmctld_start
ok 'one that ended by itself is FAILED' wait_job "$itself" FAILED 90
is 'as it ended' "$(job_field "$itself" ExitCode)" 3:0
ok 'its requeue is dropped, with a line' \
    wait_for 60 why_has "$itself" 'not requeued'
ok 'one that was killed is run again' wait_job "$killed" COMPLETED 120
is 'once' "$(job_field "$killed" Restarts)" 1

# ---- the courier is away: killed, or ended by Slurm, long ago
kill -STOP "$COURIER_PID"       # it is there, and does nothing
at_exit 'kill -CONT "$COURIER_PID"'
over=$(begin late requeue,kill 'exit 3')
cancelled=$(begin late requeue,hold@10m,kill 'exit 3')
soon=$(begin soon requeue,kill 'exit 3')
for job in "$over" "$cancelled" "$soon"; do
    must "job $job is registered" wait_for 60 journal_has "$job" registered
done
go late
must 'nobody answers: it is killed' wait_job "$over" FAILED 60
must 'another is held' wait_for 60 why_has "$cancelled" 'the request stays'
as_user scancel "$cancelled"
must 'and cancelled by its user' wait_job "$cancelled" CANCELLED 60
over_for () {
    [ $(($(date +%s) - $(date -d "$(job_field "$1" EndTime)" +%s))) -gt 33 ]
}
must 'time goes by' wait_for 60 over_for "$over"
go soon
must 'a third is killed' wait_job "$soon" FAILED 60
kill -CONT "$COURIER_PID"
must 'the courier is back, and works it all off' wait_for 60 none_asked
is 'what has been over for long stays so' \
    "$(job_state "$over") $(job_field "$over" Restarts)" 'FAILED 0'
ok 'and that is told' wait_for 30 why_has "$over" 'not requeued: it has been'
is 'so does what was cancelled' \
    "$(job_state "$cancelled") $(job_field "$cancelled" Restarts)" 'CANCELLED 0'
ok 'what was killed just now is run again' wait_job "$soon" COMPLETED 120
done_testing
