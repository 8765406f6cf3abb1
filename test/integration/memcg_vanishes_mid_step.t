# memcg_vanishes_mid_step.t - a job's memcg is removed while a step of its ladder
# is under way: the incident ends, and the next job finds a warden.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

listed () { mw jobs --json | grep -q "\"$1\""; }
not_listed () { ! listed "$1"; }
empty () { [ -z "$(cat "$1/cgroup.procs" 2>/dev/null)" ]; }

warden_start
key=gone$$
run_job "$key" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- "$TOUCHMEM" --size 64M
run=$!
ok 'a job is held' wait_for 20 journal_has "$key" held
memory=$(last_state "$key" memory) freezer=$(last_state "$key" freezer)
ok 'the warden knows it' listed "$key"

# behind the warden's back: its runner, its processes, its directories
kill -9 "$run"; wait "$run" 2>/dev/null
for p in $(cat "$memory/cgroup.procs"); do kill -9 "$p"; done
[ ! -d "$freezer" ] || echo THAWED >"$freezer/freezer.state"
wait_for 10 empty "$memory"
wait_for 10 rmdir "$memory"
[ ! -d "$freezer" ] || wait_for 10 rmdir "$freezer"
ok 'its memcg is gone' [ ! -d "$memory" ]
ok 'the warden lets it go' wait_for 20 not_listed "$key"
ok 'the journal says so' journal_has "$key" released
ok 'the warden lives' kill -0 "$WARDEN_PID"

# the same name anew is another job, and is not touched for the old one's sake
run_job "$key" --reservation 32M -- "$TOUCHMEM" --size 1M
wait $!; is 'a new job of that name runs to its end' $? 0
done_testing
