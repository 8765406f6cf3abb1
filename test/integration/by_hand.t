#!/usr/bin/env bash
# by_hand.t - the owner of a job has it dumped, and requeued, by a command or at the prompt
# of memwarden look: one that is held at its limit is held again behind a dump, and begins
# anew with more memory; one that runs begins anew; one that Slurm does not requeue goes on
# as it was.  What cannot be done is refused, nothing done.
# runs: v1 v2
# takes: 40 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cat >"$TMP/good" <<'END'
#!/bin/sh
echo looked at $(jq -r .job)
END
chmod 755 "$TMP/good"
cluster_warden_start "hook good { path = \"$TMP/good\" }" ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
owner () { as_user "$MEMWARDEN" "$@"; }
rc () { "$@" >"$TMP/out" 2>&1; echo $?; }
held () { [ "$(job_shows "$1" .held)" = true ]; }
dumped () { [ "$(journal_count "$1" dump)" -ge "$2" ] && held "$1"; }
prompt='\[q\]uit: $'
looks () {          # JOB [PATTERN ANSWER]…: its owner, at a terminal
    local job=$1; shift
    as_user python3 "$MW_SRC/test/lib/at_terminal.py" "$@" -- "$MEMWARDEN" look --for 100ms "$job"
}

# ---- held at its limit ----
job=$(submit_hog 'hold@10m,kill')
must 'a job is held at its limit' wait_for 60 held "$job"
is 'its owner has it dumped' "$(rc owner dump "$job")" 0
ok 'it is, and held again' wait_for 60 dumped "$job" 1
like 'what was found is in why' "$(mw why "$job")" 'dump: [0-9]+ process'
like 'with who has asked' "$(mw why "$job")" 'dump@30s asked for by uid [1-9]'
is 'a hook that is not there: 2' "$(rc owner dump "$job" --hook none)" 2
like 'which is said' "$(cat "$TMP/out")" 'no hook "none" is configured'
shown=$(looks "$job" "$prompt" 'd good' "$prompt" 'sh:true' "$prompt" 'r x2' 'y/N' 'no' "$prompt" q)
ok 'also at the prompt, by a hook' wait_for 60 dumped "$job" 2
like 'whose words are in why' "$(mw why "$job")" "looked at $job"
like 'a requeue wants a yes' "$shown" 'Nothing is done'
is "another's job: 4" "$(rc setpriv --reuid=65533 --regid=65533 --clear-groups "$MEMWARDEN" requeue "$job")" 4
is 'no factor: 2' "$(rc owner requeue "$job" --factor 2)" 2
is 'its owner has it requeued' "$(rc owner requeue "$job" --factor x2)" 0
ok 'it runs again, and completes' wait_job "$job" COMPLETED 120
is 'once' "$(job_field "$job" Restarts)" 1
memory=$(job_field "$job" MinMemoryNode)
ok "with its peak times two ($memory)" test "${memory%M}" -ge 110
like 'why has who asked' "$(mw why "$job")" 'requeue=x2 asked for by uid [1-9]'

# ---- not at its limit ----
job=$(submit --requeue --mem=60 --wrap '[ -z "$SLURM_RESTART_COUNT" ] || exit 0; sleep 1000')
keep=$(submit --no-requeue --mem=60 --wrap 'sleep 1000')
ok 'two jobs run' wait_job "$job" RUNNING 60
ok 'one of them not to be requeued' wait_job "$keep" RUNNING 60
known () { [ "$(job_shows "$1" .key)" = "$1" ]; }
wait_for 60 known "$job"; wait_for 60 known "$keep"
is 'the one is' "$(rc owner requeue "$job")" 0
ok 'it runs again, and completes' wait_job "$job" COMPLETED 120
is 'the other is asked for, too' "$(rc owner requeue "$keep")" 0
ok 'which Slurm refuses' wait_for 60 journal_has "$keep" resolved
like 'and why' "$(mw why "$keep")" 'the controller does not requeue it'
ok 'it goes on' wait_for 10 not_frozen "$keep"
is 'as before' "$(job_state "$keep")" RUNNING
is 'a requeue of one process: 2' "$(rc owner requeue "$keep" --pid 1)" 2

# ---- nobody to do it ----
cluster_courier_stop
lacks () { [ "$(rc owner dump "$keep")" = 1 ] && grep -q 'no memwarden-courier runs on this node' "$TMP/out"; }
ok 'without a courier it is refused' wait_for 60 lacks
scancel "$keep"
done_testing
