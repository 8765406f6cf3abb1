# node_overcommitted.t - the pool runs out and no job is over its reservation: it is
# resolved by priority all the same, and said so
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 192M
warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
courier { start = false }" || exit 1

run_job high --priority 500 --reservation 160M --limit 160M -- \
    "$TOUCHMEM" --size 100M --stop-file "$TMP/stop"
high=$!
ok 'the high one has its memory' wait_for 30 grep -q touched "$TMP/high.out"
run_job low --priority 100 --reservation 160M --limit 160M -- "$TOUCHMEM" --size 140M
wait $!; is 'the low one had to give' $? 137
touch "$TMP/stop"
wait $high; is 'the high one completes' $? 0
like 'it is said that it was within its reservation' "$(mw why low)" \
    'chosen: .*no job over its reservation could cover it.*priority 100'
like 'why of the high one' "$(mw why high)" 'not chosen: .*priority 500'
like 'one was chosen' "$(cat "$TMP/warden.log")" 'memory again after .* 1 jobs were chosen'
done_testing
