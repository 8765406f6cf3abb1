# runs: v1 v2
# in-vm: 6.12-v2
# A warden that is killed while a job is held: after a restart the job goes on
# as its ladder says, and `memwarden run` hears of it again.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
key=r$$
run_job "$key" --reservation 64M --limit 64M --on-oom 'hold@8s,kill' -- \
    "$TOUCHMEM" --size 200M
pid=$!
wait_for 20 journal_has "$key" held
is "the job is held" $? 0
warden_kill9
is "the warden is dead, the run is not" "$(kill -0 $pid 2>&1)" ''
warden_start
is "the warden is there again" $? 0
like "and has the job" "$(mw jobs --json | jq -r '.[].key')" "$key"
wait $pid
is "the ladder went on to its end" $? 137
wait_for 10 journal_has "$key" released
like "the journal has the whole of it" "$(journal_events "$key")" \
    'detected.*held.*adopted.*kill.*released'
like "the run heard of the kill from the new warden" "$(cat "$TMP/$key.err")" 'killed'
done_testing
