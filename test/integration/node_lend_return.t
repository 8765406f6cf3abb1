# node_lend_return.t - with swap: the job of low priority is suspended and pushed
# out, the other has the room, and when that has ended the first comes back and
# completes; how much was moved and how long it stood is recorded
# runs: swap
# takes: 35 s
# in-vm: 6.12-swap 6.1-swap
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
kills () { dmesg | grep -c 'Killed process'; }
kills=$(kills)    # of other tests of this boot

[ "$(awk '/^SwapFree/ { print $2 }' /proc/meminfo)" -gt 0 ] || skip_all 'there is no swap here'
# of what is available now, 250 MiB to the jobs: the rest is the node's reserve.  So
# near to it everything stalled would be a second sign.
available=$(awk '/^MemAvailable/ { print int ($2 / 1024) }' /proc/meminfo)
warden_start "node-reserve = \"$((available - 250))M\"
psi = \"off\"
node-ladder = \"suspend@10m,kill\"
max-burst = \"x16\"
courier { start = false }" || exit 1

run_job low --priority 100 --reservation 32M --limit 256M -- \
    "$TOUCHMEM" --size 150M --stop-file "$TMP/end-low"
low=$!
must 'the low one has more than its reservation' wait_for 12 grep -q touched "$TMP/low.out"
run_job high --priority 900 --reservation 220M --limit 256M -- \
    "$TOUCHMEM" --size 180M --stop-file "$TMP/end-high"
high=$!
must 'the high one fills the node: the low one is suspended' wait_for 12 journal_has low held
pushed () { jq -e 'select(.job == "low" and .event == "step" and .pushed > 0)' "$WARDEN_STATE/journal.jsonl" | grep -q .; }
must 'and pushed out' wait_for 12 pushed
must 'the high one has its room' wait_for 12 grep -q touched "$TMP/high.out"
ok 'meanwhile the low one stands' frozen low
touch "$TMP/end-high"
wait_end 12 $high; is 'the high one completes' $? 0
must 'then the low one comes back' wait_for 12 journal_has low thawed
touch "$TMP/end-low"
wait_end 12 $low; is 'and completes' $? 0
out=$(mw why low)
like 'why: how much was moved' "$out" '1[0-9][0-9] MiB of it pushed out in [0-9]+ ms; it uses .* and 1[0-9][0-9] MiB of swap'
like 'why: how long it stood' "$out" 'goes on .* after [0-9]+\.[0-9] s; 1[0-9][0-9] MiB of it had been moved to swap'
like 'both are in the journal as numbers' "$(grep '"thawed"' "$WARDEN_STATE/journal.jsonl")" \
    '"frozen_for_ms":[1-9][0-9]+,"pushed":1[0-9]{8}'
unlike 'nothing has happened to the high one' "$(journal_events high)" 'detected|step'
unlike 'nobody was killed' "$(journal_events low)" ':kill'
is 'and not by the kernel' "$(kills)" "$kills"
done_testing
