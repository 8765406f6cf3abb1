# failsafe_leaves_nobody_asleep.t - the warden is killed while a job is held:
# `memwarden failsafe` wakes the job and gives its OOM back to the kernel; while a
# warden lives it refuses.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

failsafe () { mw failsafe --state-dir "$WARDEN_STATE"; }
gone () { ! kill -0 "$1" 2>/dev/null; }

# start NAME: a job that runs into its limit and is held there
start () {
    run_job "$1" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- \
        "$TOUCHMEM" --size 64M
    job=$!
}

warden_start
start "asleep$$"
ok 'a job is held at its limit' wait_for 20 journal_has "asleep$$" held

out=$(failsafe 2>&1); rc=$?
is 'while the warden lives, failsafe fails' "$([ $rc -ne 0 ] && echo fails)" fails
like 'and names the one that lives' "$out" "in use by a running memwardend \(pid $WARDEN_PID\)"
ok 'and leaves the job as it was' kill -0 "$job"

warden_kill9
ok 'the warden is dead, the job still asleep' kill -0 "$job"
out=$(failsafe 2>&1)
is 'failsafe says what it did' "$out" '1 job given back to the kernel'
# awake, beyond its limit and the kernel's killer back: it ends, as on plain Linux
ok 'the job is not left asleep' wait_for 20 gone "$job"
wait "$job"; is 'it ended by SIGKILL' $? 137
like 'the journal has it' "$(grep '"failsafe"' "$WARDEN_STATE/ahead.jsonl")" "asleep$$: given back"
out=$(failsafe 2>&1); rc=$?
is 'a second time does no harm' $rc 0

warden_start
start "stopped$$"
ok 'a job is held under the next warden' wait_for 20 journal_has "stopped$$" held
warden_stop
ok 'a warden that is stopped leaves nobody asleep either' wait_for 20 gone "$job"
out=$(mw failsafe --state-dir "$TMP/none/such" 2>&1); rc=$?
is 'no state directory: fails' "$([ $rc -ne 0 ] && echo fails)" fails
like 'and names it' "$out" "$TMP/none/such"
done_testing
