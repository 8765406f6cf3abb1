# runs: v1 v2
# `events` tells what was, --follow what comes, --job of one job alone; root
# reads the journal itself where no warden is.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
"$MEMWARDEN" events --follow --job "b$$" --json >"$TMP/follow" 2>&1 &
follow=$!
at_exit "kill $follow"
run_job "a$$" --reservation 64M -- true; wait $!
run_job "b$$" --reservation 64M -- true; wait $!
followed () { grep -q '"event":"released"' "$TMP/follow"; }
wait_for 20 followed
is "--follow tells what comes" $? 0
is "--job only of that job" "$(jq -r .job "$TMP/follow" | sort -u)" "b$$"
is "in order" "$(jq -r .event "$TMP/follow" | tr '\n' ' ')" 'registered released '
is "every line is JSON with time, event and text" \
    "$(mw events --json | jq -s 'all(.[]; .t and .event and .text)')" true
like "events tells of both jobs" "$(mw events)" "a$$"
# as the warden does when the journal has become too long
mv "$WARDEN_STATE/journal.jsonl" "$WARDEN_STATE/journal.jsonl.1"
warden_restart
like "events tells of what is in the old file" "$(mw events)" "a$$"
like "so does why" "$(mw why "a$$")" registered
: >"$TMP/follow"
run_job "b$$" --reservation 64M -- true; wait $!
wait_for 20 followed
is "--follow goes on in the new file" $? 0
kill -0 $follow; is "--follow is still there" $? 0
warden_stop
like "without a warden root reads the journal" \
    "$(mw events --state-dir "$WARDEN_STATE" --job "a$$")" "a$$"
mw events --state-dir "$TMP/nowhere" >"$TMP/out" 2>&1
is "no warden and no journal: 5" $? 5
like "which names the file" "$(cat "$TMP/out")" "$TMP/nowhere/journal.jsonl"
done_testing
