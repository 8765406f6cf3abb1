# node_replay.t - a node OOM on record is decided again by `memwarden replay`: the
# same by the configuration that it had, otherwise by another, with every reason
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 256M
warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
courier { start = false }" || exit 1

job () {    # job NAME PRIORITY RESERVATION LIMIT SIZE
    run_job "$1" --priority "$2" --reservation "$3" --limit "$4" -- \
        "$TOUCHMEM" --size "$5" --stop-file "$TMP/stop"
}
job low 100 120M 200M 100M; low=$!
ok 'the job of low priority has its memory' wait_for 30 grep -q touched "$TMP/low.out"
job hog 900 50M 1G 400M; hog=$!
wait $hog
is 'the hog, over its reservation, was killed' $? 137
touch "$TMP/stop"
wait $low
is 'the other completes' $? 0

out=$(mw replay --config "$WARDEN_CONF"); rc=$?
is 'by its own configuration: the same' "$rc $(grep -c '^  the same$' <<<"$out")" '0 1'
like 'the victim then' "$out" '^  then .*order overage: hog; begun with kill$'
like 'the victim now' "$out" '^  now .*order overage: hog; begun with kill$'
like 'every term of the chosen' "$out" \
    '^ +1 +1  hog: chosen: frees .* needed \(uses .*% ?\) over its reservation of 50.0 MiB; priority 900; would lose .* CPU-seconds and cannot be requeued\)'
like 'every term of the other' "$out" \
    '^ +- +-  low: not chosen: within its reservation.*\(uses .*reservation of 120 MiB; priority 100; would lose'

out=$(mw why hog)
like 'why: the reservation that would have spared it' "$out" \
    '^  reserving [0-9.]+ [MG]iB \(--mem\), it would not have been chosen$'
like 'why: who would have had to be away' "$out" \
    '^  had low not been there, it would not have been chosen$'
unlike 'why: nothing of it for who was not chosen' "$(mw why low)" 'would not have been chosen'

sed 's/^node-ladder.*/order = "strict-priority"\nnode-ladder = "suspend@10m,kill"/' \
    "$WARDEN_CONF" >"$TMP/other.conf"
out=$(mw replay --config "$TMP/other.conf"); rc=$?
is 'strictly by priority: different, and so the exit code' \
    "$rc $(grep -c '^  DIFFERENT$' <<<"$out")" '6 1'
like 'the first victim would be the low one' "$out" \
    '^  now .*order strict-priority: low(, hog)?; begun with suspend@10m,kill$'
like 'that it was not chosen then is said' "$out" '^ +- +1  low: chosen.*; then: within-reservation'

sed 's/^node-ladder.*/class root { match-user = "root" protect = true }/' \
    "$WARDEN_CONF" >"$TMP/protect.conf"
like 'protected by a class: nobody' "$(mw replay --config "$TMP/protect.conf")" \
    '^ +1 +-  hog: not chosen: protected by the admin'

cp "$WARDEN_STATE/journal.jsonl" "$TMP/copy"
warden_stop
json () { mw replay --config "$TMP/other.conf" --json "$@" | jq -r "$filter"; }
filter='.[0] | "\(.same) \(.then.victims[0]) \(.now.victims[0]) \(.then.order) \(.now.order)"'
is 'a copy of the journal, as JSON' "$(json "$TMP/copy")" 'false hog low overage strict-priority'
is 'the same on standard input' "$(json - <"$TMP/copy")" 'false hog low overage strict-priority'
is 'the journal, without a warden' "$(json --state-dir "$WARDEN_STATE")" \
    'false hog low overage strict-priority'
filter='.[0].jobs[] | select(.job == "hog") | "\(.priority_now) \(.reservation) \(.overage == .used - .reservation) \(.rank_then)"'
is 'with the terms as numbers' "$(json "$TMP/copy")" "900 $((50 << 20)) true 1"
done_testing
