# step_slow.t - a job that is slowed stands and runs by turns in its reserve, until
# it comes down by itself, its time is over, or the reserve is full; and nobody
# stays slowed.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

ended () { ! kill -0 "$1" 2>/dev/null; }

# run NAME LADDER ARG…: a job of 64 MiB and a reserve of as much
run () {
    local name=$1 ladder=$2; shift 2
    run_job "$name" --reservation 64M --limit 64M --reserve 64M --on-oom "$ladder" -- \
        "$TOUCHMEM" "$@"
    job=$!
}

warden_start

run "falls$$" 'slow=20@10m,kill' --size 80M --rate 40M --free --stop-file "$TMP/end"
ok 'a job at its limit is slowed' wait_for 20 journal_has "falls$$" 'step:slow'
ok 'it comes down' wait_for 60 journal_has "falls$$" resolved
ok 'and is not left frozen' wait_for 5 not_frozen "falls$$"
is 'nor said to be slowed' "$(last_state "falls$$" incident.slowed)" false
touch "$TMP/end"
wait $job; is 'it runs to its end' $? 0
out=$(mw why "falls$$")
like 'why tells how slow' "$out" 'slowed to 20% of its speed'
like 'and what came of it' "$out" 'slowed, it has come down by itself'

run "stays$$" 'slow=50@10m,kill' --size 80M --stop-file "$TMP/never"
ok 'while it is slowed it stands' wait_for 20 frozen "stays$$"
ok 'and runs' wait_for 20 not_frozen "stays$$"
ok 'and stands again' wait_for 20 frozen "stays$$"
ok 'and touches its memory all the same' wait_for 60 grep -q 'touched 80' "$TMP/stays$$.out"
events=$(journal_events "stays$$")
touch "$TMP/never"
wait $job; is 'it ends by itself' $? 0
unlike 'the turns are no records' "$events" '(held|thawed):slow'

run "time$$" 'slow@300ms,kill' --size 80M --stop-file "$TMP/none"
wait $job; is 'its time over, the next step comes: kill' $? 137
like 'for which it is not slowed any more' "$(mw why "time$$")" 'not slowed any more'

run "fills$$" 'slow=90@10m,kill' --size 200M
wait $job; is 'a job that fills its reserve goes to the next step' $? 137

run_job "none$$" --reservation 32M --limit 32M --reserve 0 --on-oom 'slow@10m,kill' -- \
    "$TOUCHMEM" --size 64M
job=$!
wait $job; is 'without a reserve it ends too' $? 137
like 'and the story says why it was not slowed' "$(mw why "none$$")" \
    'slow@10m is not available on this node: it has no reserve'

for pct in 0 101 x -5; do
    out=$(mw run --pool "$WARDEN_POOL" --reservation 32M --on-oom "slow=$pct,kill" -- true 2>&1)
    like "slow=$pct is refused, and what is right is said" "$? $out" '^(2|125) .*1% to 100%'
done
done_testing
