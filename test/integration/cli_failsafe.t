# runs: v1 v2
# A warden that is killed leaves a job held: `memwarden failsafe` gives it back
# to the kernel, so that it is not left asleep.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
key=f$$
run_job "$key" --reservation 64M --limit 64M --on-oom 'hold@1h,kill' -- \
    "$TOUCHMEM" --size 200M
pid=$!
at_exit "kill $pid"
wait_for 20 journal_has "$key" held
is "the job is held" $? 0
mw failsafe --state-dir "$WARDEN_STATE" >"$TMP/out" 2>&1
rc=$?
like "while a warden runs it refuses" "$rc $(cat "$TMP/out")" '^[1-9].*(run|lock)'
like "and the job is still held" "$(journal_events "$key")" 'held:hold $'
warden_kill9
like "without one it says what it did" "$(mw failsafe --state-dir "$WARDEN_STATE" 2>&1)" '1 job given back'
ended () { ! kill -0 "$pid" 2>/dev/null || grep -q '^State:.Z' "/proc/$pid/status"; }
wait_for 30 ended
is "the job is not left asleep" $? 0
wait $pid
is "the kernel has killed it, as without a warden" $? 137
done_testing
