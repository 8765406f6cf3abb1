# node_resume_by_priority.t - of two jobs that were stopped for the node's sake, the
# one of higher priority comes back first, whoever was stopped or began first
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 200M
warden_start "pool = \"$POOL\"
node-ladder = \"$HOLDS\"
resume-at = \"90M\"
courier { start = false }" || exit 1

job () {    # job NAME PRIORITY
    run_job "$1" --priority "$2" --reservation 30M --limit 100M -- \
        "$TOUCHMEM" --size 50M --stop-file "$TMP/stop"
    must "$1 has its memory" wait_for 30 grep -q touched "$TMP/$1.out"
}
job low 100; low=$!
job high 400; high=$!
run_job neighbour --priority 900 --reservation 60M -- \
    "$TOUCHMEM" --size 10M --stop-file "$TMP/leave"
neighbour=$!
must 'their neighbour, too' wait_for 30 grep -q touched "$TMP/neighbour.out"

stop () {   # stop NAME: another one needs more than there is, until NAME is frozen
    run_job "fill-$1" --priority 900 --reservation 160M --limit 160M -- sh -c \
        "until [ -e '$TMP/go-$1' ]; do sleep 0.1; done; exec '$TOUCHMEM' --size 120M"
    fill=$!
    must 'a job that needs more' wait_for 30 journal_has "fill-$1" registered
    when_frozen "$1" "fill-$1"
    touch "$TMP/go-$1"
    must "$1 is stopped" wait_for 30 journal_has "$1" held
    wait $fill
    must 'and the other one gone' wait_for 30 journal_has "fill-$1" released
}
stop low
# the next to be chosen is the other one
must 'low is given a higher priority' mw set low --priority 450
stop high
must 'and its own again' mw set low --priority 100
ok 'both stand' eval 'frozen low && frozen high'
touch "$TMP/leave"
wait $neighbour
must 'there is room: low comes back' wait_for 30 journal_has low resolved
must 'and high' wait_for 30 journal_has high resolved
is 'high before low' "$(jq -r 'select(.event == "thawed") | .job' \
    "$WARDEN_STATE/journal.jsonl" | tr '\n' ' ')" 'high low '
touch "$TMP/stop"
wait $low
is 'low completes' $? 0
wait $high
is 'high completes' $? 0
done_testing
