# step_slow_recovery.t - a warden that is killed while a job is slowed: `memwarden
# failsafe` leaves the job running, and so does a warden that is stopped; one that
# is started again goes on with the step.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# kill or stop the warden at a moment at which the job stands
catch () { wait_for 20 frozen "$key"; }

warden_start
key=slow$$
run_job "$key" --reservation 64M --limit 64M --reserve 64M --on-oom 'slow=50@10m,kill' -- \
    "$TOUCHMEM" --size 80M --stop-file "$TMP/end"
job=$!
ok 'a job is slowed' catch
warden_kill9
warden_start
ok 'after kill -9 the next warden goes on with it' wait_for 20 journal_has "$key" adopted
ok 'it runs' wait_for 20 not_frozen "$key"
ok 'and stands by turns' catch
is 'the journal says that it is slowed' "$(last_state "$key" incident.slowed)" true

warden_stop
ok 'a warden that is stopped leaves it running' not_frozen "$key"
warden_start
ok 'and the next one slows it again' catch

warden_kill9
ok 'failsafe after a kill -9' mw failsafe --state-dir "$WARDEN_STATE"
ok 'leaves it running' not_frozen "$key"
touch "$TMP/end"
# on v1 above its limit with the kernel's killer on; so far it has not asked for more
wait $job; is 'and it ends by itself' $? 0
done_testing
