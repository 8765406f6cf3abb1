# file_size_limit.t - a journal that may not grow any more (RLIMIT_FSIZE) is like a full
# disk: it is said, jobs are answered, and the warden goes on.
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start
run_job "first$$" --reservation 32M -- sleep 1000
at_exit "kill $!"
ok 'a job is registered' wait_for 20 journal_has "first$$" registered
size=$(stat -c %s "$WARDEN_STATE/ahead.jsonl")
prlimit --pid "$WARDEN_PID" --fsize=$((size + 100)):
# until what room it has is full
for p in {301..450}; do mw set "first$$" --priority "$p" >/dev/null || break; done
ok 'the warden lives' kill -0 "$WARDEN_PID"
ok 'it is said' wait_for 10 grep -Eq '(File too large|No space left on device); what happens is not recorded' "$WARDEN_LOG"
run_job "oom$$" --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- "$TOUCHMEM" --size 60M
wait $!
is 'a job at its limit is answered' $? 0
ok 'no record is torn' jq . "$WARDEN_STATE/journal.jsonl"
ok 'nor in the journal that a restart reads' jq . "$WARDEN_STATE/ahead.jsonl"
prlimit --pid "$WARDEN_PID" --fsize=unlimited:
mw set "first$$" --priority 250 >/dev/null
ok 'when it may grow again that is said' wait_for 10 grep -q 'the journal can be written again' "$WARDEN_LOG"
warden_kill9
prlimit --fsize=100 "$MEMWARDEN" failsafe --state-dir "$WARDEN_STATE" >"$TMP/said" 2>&1; rc=$?
ok "failsafe is not ended by it: $rc" [ $rc -lt 128 ]
like 'and gives back' "$(cat "$TMP/said")" '1 job given back'
done_testing
