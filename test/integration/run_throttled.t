# On cgroup v2 a job at its limit is not asleep but throttled by memory.high.  It is
# not left so: past its step's deadline the ladder goes on; and a job that has been
# lent room, or has made some, runs at full speed.
# runs: v2
# takes: 74 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }'
high () { cat "$(last_state "$1" memory)/memory.high"; }
# with the counter of how often it was throttled, while it lives
throttled () { [ "$(awk '/^high / { print $2 }' "$(last_state "$1" memory)/memory.events")" -gt 0 ]; }

key=deaf$$
run_job "$key" --reservation 64M --limit 64M --reserve 16M \
    --on-oom 'signal=USR1:all@60s,kill' -- \
    sh -c "trap '' USR1; exec '$TOUCHMEM' --size 300M"
job=$!
must 'a job deaf to its signal gets there' wait_for 20 journal_has "$key" step:signal
is 'its reserve is open: the limit is 80 MiB' "$(high "$key")" $((80 << 20))
ok 'it is throttled' wait_for 20 throttled "$key"
wait_end 90 $job
is 'not longer than to its deadline: then it is killed' $? 137
ok 'the journal has its release' wait_for 20 journal_has "$key" released
like 'signal, then kill' "$(journal_events "$key")" 'step:signal .*step:kill .*resolved'
# from its detection: the deadline begins before the signal's record is written
is 'by the ladder, after the 60 s of its signal' "$(jq -s --arg k "$key" '
    [.[] | select(.job == $k)] | (map(select(.step == "kill")) | first | .ms)
    - (map(select(.event == "detected")) | first | .ms)
    | . >= 60000' "$WARDEN_STATE/journal.jsonl")" true
is 'not by the kernel' "$(journal_has "$key" kernel-kill && echo killed)" ''

key=grown$$
run_job "$key" --reservation 64M --limit 64M --on-oom 'grow@60s,kill' -- \
    "$TOUCHMEM" --size 200M --stop-file "$TMP/stop"
job=$!
must 'a job is lent room' wait_for 20 journal_has "$key" lent:grow
touched () { grep -q 'touched 200' "$TMP/$key.out"; }
ok 'and touches all of its memory' wait_for 60 touched
touch "$TMP/stop"
wait_end 30 $job
is 'and completes' $? 0
done_testing
