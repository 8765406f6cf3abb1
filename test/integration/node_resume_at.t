# node_resume_at.t - a job that was stopped for the node's sake comes back when
# resume-at of the pool is free, and not for less
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 200M
warden_start "pool = \"$POOL\"
node-ladder = \"$HOLDS\"
resume-at = \"100M\"
courier { start = false }" || exit 1
seq_of () {     # KEY EVENT: when it was, by the journal's own count
    jq -r --arg k "$1" --arg e "$2" 'select(.job == $k and .event == $e) | .seq' \
        "$WARDEN_STATE/journal.jsonl" | tail -n 1
}

run_job low --priority 100 --reservation 30M --limit 100M -- \
    "$TOUCHMEM" --size 60M --stop-file "$TMP/stop"
low=$!
must 'the low one has its memory' wait_for 30 grep -q touched "$TMP/low.out"
# what is promised to a neighbour is not free, whether it is used or not
run_job neighbour --priority 900 --reservation 60M -- \
    "$TOUCHMEM" --size 10M --stop-file "$TMP/leave"
neighbour=$!
must 'its neighbour, too' wait_for 30 grep -q touched "$TMP/neighbour.out"
run_job fill --priority 900 --reservation 160M --limit 160M -- \
    sh -c "until [ -e '$TMP/go' ]; do sleep 0.1; done; exec '$TOUCHMEM' --size 150M"
fill=$!
must 'and one that will need more than there is' wait_for 30 journal_has fill registered
when_frozen low fill
touch "$TMP/go"
must 'the low one is stopped' wait_for 30 journal_has low held
wait $fill
must 'the pool has memory again' wait_for 30 journal_has fill released
# 200 less 60 used by it and 60 promised: 80 are free.  Another job's end has the
# warden look at who waits
run_job look --reservation 1M -- true
wait $!
must 'the warden has looked' wait_for 30 journal_has look released
ok 'for 80M it does not come back' frozen low
touch "$TMP/leave"
wait $neighbour
must 'for 140M it does' wait_for 30 journal_has low resolved
is 'by being thawed, once' "$(jq -r 'select(.event == "thawed") | .job' \
    "$WARDEN_STATE/journal.jsonl")" low
ok 'and not before its neighbour had gone' \
    test "$(seq_of low thawed)" -gt "$(seq_of neighbour released)"
touch "$TMP/stop"
wait $low
is 'it completes' $? 0
done_testing
