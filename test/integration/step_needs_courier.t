#!/usr/bin/env bash
# step_needs_courier.t - a step that the courier would have to carry out is refused
# at once where there is none and none is to be started, and the ladder goes on; one
# that is on its way back is waited for, a few seconds.
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

# everything that would be waited out takes far longer than this test
long=300
cluster_start --plugins both 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
warden_start "controller-timeout = \"${long}s\"
courier {
    start = false
    user = \"root\"
    slurm-conf = \"$SLURM_CONF\"
}" || { fail 'the warden comes up, with no courier'; done_testing; exit; }
install -m 755 "$TOUCHMEM" "$CLUSTER_DIR/out/touchmem"

# took JOB: seconds from its OOM to its incident's end
took () {
    jq -sr --arg j "$1" '[.[] | select(.job == $j)]
        | ((map(select(.event == "resolved")) | last.ms)
           - (map(select(.event == "detected")) | first.ms)) / 1000 | floor' \
        "$WARDEN_STATE/journal.jsonl"
}
soon () { [ "$(took "$1")" -lt 60 ]; }
refused () { like "$1: $2 is refused, and said" "$(mw why "$1")" \
    "$2[^ ]* is not available on this node: no memwarden-courier runs"; }

run_job native --reservation 30M --on-oom="dump@${long}s,kill" -- "$TOUCHMEM" --size 100M
wait_end 60 $!
is 'without Slurm: killed' $? 137
refused native "dump@5m"
ok 'at once' soon native

job=$(submit --mem=40 --on-oom="dump@${long}s,suspend@${long}s,requeue=x1.5,kill" \
    --wrap './touchmem --size 200M')
ok 'a job of Slurm: its incident comes to its end' wait_for 60 journal_has "$job" resolved
for step in dump suspend requeue; do refused "$job" $step; done
ok 'at once' soon "$job"
ok 'it has ended' wait_for 60 journal_has "$job" released
like 'by the kill' "$(mw why "$job")" 'SIGKILL'

# one that was there, and is not any more
at_exit cluster_courier_stop
rm -f "$COURIER_LOG"
cluster_courier_start
kill -9 "$COURIER_PID"
wait "$COURIER_PID" 2>/dev/null
COURIER_PID=
rm "$COURIER_LOG"
job=$(submit --mem=40 --on-oom="suspend@${long}s,kill" --wrap './touchmem --size 200M')
ok 'its courier was there once: its incident comes to its end' \
    wait_for 60 journal_has "$job" resolved
refused "$job" suspend
ok 'after some seconds' soon "$job"
ok 'it has ended' wait_for 60 journal_has "$job" released

# one that comes back meanwhile, as systemd starts it again
job=$(submit --mem=40 --on-oom="suspend@${long}s,kill" --wrap './touchmem --size 200M')
ok 'another OOM' wait_for 60 journal_has "$job" detected
cluster_courier_start
is 'the courier comes back' $? 0
suspended () { [ "$(job_state "$job")" = SUSPENDED ]; }
ok 'and the job is suspended' wait_for 60 suspended
unlike 'nothing is refused' "$(mw why "$job")" 'not available'
as_user scancel "$job"
ok 'it ends' wait_job "$job" CANCELLED 60
done_testing
