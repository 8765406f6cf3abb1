# node_stuck.t - a victim that does not die is waited for, 2 s; then the next one is
# taken, and only then: never two for one need
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 256M

# a freezer of v1 that is none of memwarden's: who is frozen in it does not die of
# SIGKILL, as in state D
freezer=/sys/fs/cgroup/freezer
[ -d $freezer ] || {
    freezer=$TMP/freezer
    mkdir "$freezer"
    mount -t cgroup -o freezer freezer "$freezer" 2>"$TMP/mount.err" ||
        { fail 'a freezer of v1 beside v2' "$(cat "$TMP/mount.err")"; done_testing; exit; }
    at_exit "umount $freezer"
}
ice=$freezer/ice$$
mkdir "$ice"
at_exit "rmdir $ice"
at_exit "echo THAWED >$ice/freezer.state"

warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
max-burst = \"x16\"
courier { start = false }" || exit 1
run_job innocent --priority 500 --reservation 60M --limit 80M -- \
    "$TOUCHMEM" --size 40M --stop-file "$TMP/stop"
innocent=$!
# two that it could be, of which the one of lower priority comes first.  Its memory
# is shared: private pages of a dying task the warden has freed, frozen or not
run_job stuck --priority 100 --reservation 10M --limit 200M -- \
    "$TOUCHMEM" --shmem --size 60M --stop-file "$TMP/never"
stuck=$!
run_job second --priority 200 --reservation 10M --limit 200M -- \
    "$TOUCHMEM" --size 60M --stop-file "$TMP/never"
second=$!
for name in innocent stuck second; do
    ok "$name has its memory" wait_for 30 grep -q touched "$TMP/$name.out"
done
memory=$(last_state stuck memory)
cat "$memory/cgroup.procs" >"$TMP/pids"
while read -r pid; do echo "$pid" >"$ice/cgroup.procs"; done <"$TMP/pids"
echo FROZEN >"$ice/freezer.state"
ok 'one is frozen by somebody else' wait_for 10 grep -q FROZEN "$ice/freezer.state"

# of higher priority, and over its reservation: it needs what the others have
run_job late --priority 900 --reservation 10M --limit 300M -- \
    "$TOUCHMEM" --size 130M --stop-file "$TMP/stop"
late=$!
ok 'the late one gets its memory' wait_for 60 grep -q touched "$TMP/late.out"
wait $second; is 'the second one was killed for it' $? 137
when () {       # NAME ERE: ms of the first record of it that matches
    jq -r --arg k "$1" --arg e "$2" 'select(.job == $k and ((.event + ":" + .text)
        | test($e))) | .ms' "$WARDEN_STATE/journal.jsonl" | head -n 1
}
like 'the first was waited for, and given up' "$(mw why stuck)" 'is not gone after 2000 ms; the next one is chosen'
first=$(when stuck 'SIGKILL to all') then=$(when second 'node:.*out of memory: chosen')
ok "the next one came then, not before (after $((then - first)) ms)" test $((then - first)) -ge 2000
ok 'and not much later' test $((then - first)) -lt $((2000 + 500 * ${MW_SLOW:-1}))
ok 'the first is still there' test -n "$(cat "$memory/cgroup.procs")"
echo THAWED >"$ice/freezer.state"
wait $stuck; is 'and dies when it can' $? 137
touch "$TMP/stop"
wait $late; is 'the late one completes' $? 0
wait $innocent; is 'the innocent completes' $? 0
is 'nobody else was chosen' "$(jq -r 'select(.event == "detected") | .job' \
    "$WARDEN_STATE/journal.jsonl" | tr '\n' ' ')" 'stuck second '
done_testing
