# A job whose pool has no headroom waits, suspended, until its neighbour ends; then
# it is lent what it needs, and completes.  Its owner may also resume or hold it.
# runs: v1 v2
# alone
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# a small pool: all that is available but 300 MiB is the node's reserve.  What the
# system uses is in the pool, so the neighbour is promised that, too.
read -r total available < <(awk '/^MemTotal|^MemAvailable/ {
    printf "%d ", $2 / 1024 }' /proc/meminfo)
reserve=$((available - 300))
warden_start "node-reserve = \"${reserve}M\"
psi = \"off\""
state () { job_shows "$1" .held; }
held () { [ "$(state "$1")" = true ]; }

run_job "neighbour$$" --reservation $((total - reserve - 100))M -- \
    "$TOUCHMEM" --size 10M --stop-file "$TMP/go"
neighbour=$!
wait_for 20 journal_has "neighbour$$" registered
run_job "waits$$" --reservation 64M --limit 64M --on-oom 'grow=128M@60s,suspend@10m,kill' -- \
    "$TOUCHMEM" --size 150M
job=$!
ok 'without headroom it is suspended' wait_for 20 held "waits$$"
like 'and the reason is recorded' "$(mw why "waits$$")" 'no headroom'
touch "$TMP/go"
wait $neighbour
is 'the neighbour ends' $? 0
wait $job
is 'then the job is lent memory and completes' $? 0
like 'held, thawed, lent, returned' "$(journal_events "waits$$")" \
    'held.*thawed.*lent.*returned.*resolved'

run_job "admin$$" --reservation 64M -- "$TOUCHMEM" --size 10M --stop-file "$TMP/end"
job=$!
wait_for 20 journal_has "admin$$" registered
ok 'hold: the job is frozen' mw hold "admin$$"
is 'and says so' "$(state "admin$$")" true
ok 'resume: it goes on' mw resume "admin$$"
is 'and says so' "$(state "admin$$")" false
touch "$TMP/end"
wait $job
is 'and completes' $? 0
mw resume "nobody$$" 2>/dev/null
is 'a job that is not there is exit code 3' $? 3
done_testing
