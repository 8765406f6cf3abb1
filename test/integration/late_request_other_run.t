#!/usr/bin/env bash
# runs: v1 native
# A request names the run of the job it was made for: what a run's OOM has asked
# for while nobody carried it out does not hit the next run, which its user has
# begun; neither where the run's number was known, nor where the courier has been
# away since before the job began.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "2s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

begin () {                      # LADDER: its second run waits to be looked at
    submit --requeue --mem=60 --mem-burst=x1 --on-oom="$1" --wrap \
        "[ -z \"\$SLURM_RESTART_COUNT\" ] || exec sleep 1000
         while [ ! -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
         exec $CLUSTER_BIN/touchmem --size 100M"
}
none_asked () { [ -z "$(ls "$WARDEN_STATE/spool/req")" ]; }
second () { [ "$(job_field "$1" Restarts) $(job_state "$1")" = '1 RUNNING' ]; }
refused () { grep -q "^memwarden-courier: $1\..*\.$2: the job has been restarted" "$COURIER_LOG"; }

known=$(begin requeue,kill) known_end=$(begin kill)
must 'one is registered' wait_for 60 journal_has "$known" registered
must 'another, too' wait_for 60 journal_has "$known_end" registered
must 'their runs are known' wait_for 30 none_asked
kill -STOP "$COURIER_PID"       # it is there, and does nothing
at_exit 'kill -CONT "$COURIER_PID"'
fresh=$(begin requeue,kill) fresh_end=$(begin kill)
must 'a third is registered' wait_for 60 journal_has "$fresh" registered
must 'and a fourth' wait_for 60 journal_has "$fresh_end" registered
touch "$CLUSTER_DIR/out/go"
jobs=("$known" "$known_end" "$fresh" "$fresh_end")
for job in "${jobs[@]}"; do
    must "job $job: killed, as nobody answers" wait_job "$job" FAILED 60
    must 'its user runs it again' as_user scontrol requeue "$job"
done
for job in "${jobs[@]}"; do
    must "job $job runs again" wait_for 90 second "$job"
done
kill -CONT "$COURIER_PID"
must 'the courier works it all off' wait_for 60 none_asked
ok 'a requeue by number: refused' refused "$known" requeue
ok 'an end by number: refused' refused "$known_end" complete-oom
ok 'a requeue by age: refused' refused "$fresh" requeue
ok 'an end by age: refused' refused "$fresh_end" complete-oom
for job in "${jobs[@]}"; do
    is "the second run of job $job goes on" \
        "$(job_field "$job" Restarts) $(job_state "$job")" '1 RUNNING'
done
scancel "${jobs[@]}"
done_testing
