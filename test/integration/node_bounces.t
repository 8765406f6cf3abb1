# node_bounces.t - a job is stopped for the node's sake max-bounces times and comes
# back as often; the next time it is not stopped again, but its ladder goes on
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 200M
warden_start "pool = \"$POOL\"
node-ladder = \"$HOLDS\"
resume-at = \"20M\"
max-bounces = \"2\"
bounce-window = \"1h\"
courier { start = false }" || exit 1
times () { [ "$(journal_count low "$1")" -eq "$2" ]; }

run_job low --priority 100 --reservation 30M --limit 100M -- \
    "$TOUCHMEM" --size 60M --stop-file "$TMP/stop"
low=$!
must 'the low one has its memory' wait_for 30 grep -q touched "$TMP/low.out"
fill () {   # it needs what the pool has not, within its reservation
    run_job "fill$1" --priority 900 --reservation 180M --limit 180M -- \
        sh -c "until [ -e '$TMP/go$1' ]; do sleep 0.1; done
            exec '$TOUCHMEM' --size 170M --stop-file '$TMP/stop'"
    fill=$!
    must "the other one is there" wait_for 30 journal_has "fill$1" registered
}
for i in 1 2; do
    fill $i
    when_frozen low fill$i
    touch "$TMP/go$i"
    must "time $i: it is stopped" wait_for 30 times held $i
    wait $fill
    must "and comes back when there is room" wait_for 30 times resolved $i
    is 'by being thawed' "$(journal_count low thawed)" $i
    [ $i = 2 ] || { warden_kill9; warden_start; is 'a restart' $? 0; }
done
fill 3
touch "$TMP/go3"
must 'time 3: its ladder has gone on to the kill' wait_for 30 times resolved 3
wait $low
is 'and it is killed' $? 137
is 'without being stopped' "$(journal_count low held)" 2
like 'and this is told' "$(mw why low)" \
    'stopped for the node.s sake 2 times within 1h, and is not again'
must 'the other has what it needs' wait_for 30 grep -q touched "$TMP/fill3.out"
touch "$TMP/stop"
wait $fill
is 'and completes' $? 0
done_testing
