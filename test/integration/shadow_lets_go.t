# shadow_lets_go.t - a warden that is started in shadow mode undoes what the one
# before it had done, and from then on touches nothing
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'courier { start = false }' || exit 1
run_job victim --reservation 64M --limit 64M --on-oom 'hold@1h,kill' -- bash -c '
    echo up; until [ -e "$0.go" ]; do sleep 0.05; done
    "$1" --size 200M; echo "child: $?"
    until [ -e "$0.stop" ]; do sleep 0.05; done' "$TMP/w" "$TOUCHMEM"
victim=$!
ok 'the job runs' wait_for 30 grep -q up "$TMP/victim.out"
touch "$TMP/w.go"
ok 'it is held for its OOM' wait_for 30 frozen victim
dir=$(last_state victim memory)
warden_kill9
sed -i '/courier/i shadow = true' "$WARDEN_CONF"
warden_start || exit 1
ok 'it goes on' wait_for 10 not_frozen victim
if [ -e "$dir/memory.oom_control" ]; then
    is 'the killer is the kernel again' "$(grep -c 'oom_kill_disable 0' "$dir/memory.oom_control")" 1
else
    is 'no limit slows it' "$(cat "$dir/memory.high")" max
fi
ok 'at its limit the kernel answers' wait_for 30 grep -q 'child: 137' "$TMP/victim.out"
ok 'and that is on record' wait_for 30 journal_has victim shadow
touch "$TMP/w.stop"
wait $victim; is 'the job completes' $? 0
# `run` may not have found the new warden yet: then the cgroup's end tells
ok 'and is let go' wait_for 30 journal_has victim released
is 'its incident was closed first' "$(journal_events victim | sed 's/kernel-kill //g; s/thawed[^ ]* //')" \
    'registered detected:hold held:hold resolved adopted shadow released '
warden_stop

# nor does it become the other kind of warden while it runs
warden_start || exit 1
sed -i '/shadow/d' "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
ok 'only a start changes that' wait_for 10 grep -q 'shadow is true until memwardend is started again' "$TMP/warden.log"
done_testing
