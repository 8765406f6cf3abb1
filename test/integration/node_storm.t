# node_storm.t - twenty hogs at once: one victim after the other, none for nothing,
# and the job within its reservation completes untouched
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 300M
warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
ladder = \"hold@10m,kill\"
courier { start = false }" || exit 1

run_job innocent --priority 100 --reservation 100M --limit 120M -- \
    "$TOUCHMEM" --size 80M --stop-file "$TMP/stop"
innocent=$!
ok 'the innocent has its memory' wait_for 30 grep -q touched "$TMP/innocent.out"
hogs=()
for i in $(seq 20); do
    run_job "hog$i" --priority 500 --reservation 8M --limit 32M -- \
        "$TOUCHMEM" --size 26M --rate 2M --stay 1     # all begin while there is room
    hogs+=($!)
done
killed=0 completed=0 rcs=
for pid in "${hogs[@]}"; do
    wait "$pid"; rc=$?; rcs+=" $rc"
    case $rc in 0) completed=$((completed + 1)) ;; 137) killed=$((killed + 1)) ;; esac
done
touch "$TMP/stop"
wait $innocent; is 'the innocent completes' $? 0
is "every hog has completed or was killed:$rcs" $((killed + completed)) 20
ok "some completed ($completed) and some were killed ($killed)" \
    test "$completed" -gt 0 -a "$killed" -gt 0
# one that is not gone 2 s after its SIGKILL is not waited for any longer
overlaps=$(jq -r 'select(.event == "detected" or .event == "resolved" or
        (.event == "node" and (.text | test("is not gone after")))) | "\(.event) \(.job)"' \
    "$WARDEN_STATE/journal.jsonl" | awk '
    $1 == "detected" { for (job in open) print $2 " while " job; open[$2] }
    $1 != "detected" { delete open[$2] }')
is 'one victim after the other' "$overlaps" ''
is 'as many killed as were chosen' \
    "$(jq -r 'select(.event == "node" and (.text | test("out of memory: chosen"))) | .job' "$WARDEN_STATE/journal.jsonl" | wc -l)" "$killed"
is 'the innocent was never chosen' "$(journal_events innocent | grep -c detected)" 0
done_testing
