# psi_alone_harms_nobody.t - tasks that stall have the node looked at, and no job is
# harmed for it while the node has memory
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/psi.sh"

warden_start 'psi = "some 4ms/2s"
node-ladder = "kill"
courier { start = false }' || exit 1
# it holds more than its limit can hold in cache, and reads that for ever
run_job reader --reservation 16M --limit 32M -- bash -c '
    dd if=/dev/zero of="$0/file" bs=1M count=96 status=none
    until [ -e "$0/stop" ]; do cat "$0/file" >/dev/null; done' "$TMP"
reader=$!
ok 'tasks wait for memory: the node is looked at' wait_for 60 \
    grep -q 'tasks wait for memory (PSI some 4ms/2s)' "$TMP/warden.log"
touch "$TMP/stop"
wait $reader; is 'the job completes' $? 0
unlike 'no OOM of the node was seen' "$(cat "$WARDEN_STATE/journal.jsonl")" 'out of memory'
is 'nor one of the job' "$(grep -c '"event":"detected"' "$WARDEN_STATE/journal.jsonl")" 0
is 'it was said once, not each time' "$(grep -c 'tasks wait for memory' "$TMP/warden.log")" 1
done_testing
