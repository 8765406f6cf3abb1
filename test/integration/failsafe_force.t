# failsafe_force.t - `memwarden failsafe --force` beside a warden that hangs: it is ended
# for good, and what it had is given back.  Nothing else than a memwardend is ended.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

failsafe () { mw failsafe --state-dir "$WARDEN_STATE" "$@"; }
gone () { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status"; }
job_of () { echo "$1$$"; }

# hangs NAME: a warden is stopped while a job stands in its OOM and another is held
hangs () {
    warden_start
    run_job "oom$1$$" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- \
        "$TOUCHMEM" --size 64M
    oom=$!
    run_job "held$1$$" --reservation 32M --limit 32M -- sleep 1000
    held=$!
    at_exit "kill $held"
    wait_for 20 journal_has "oom$1$$" held
    wait_for 20 journal_has "held$1$$" registered
    mw hold "held$1$$" >/dev/null
    ok "$1: jobs are stopped" wait_for 20 frozen "held$1$$"
    warden_unguarded
    kill -STOP "$WARDEN_PID"
}
# back NAME: nobody is asleep
back () {
    ok "$1: the warden is gone" wait_for 10 gone "$WARDEN_PID"
    ok "$1: the job in its OOM is not left asleep" wait_for 20 gone "$oom"
    ok "$1: the held one goes on" wait_for 10 not_frozen "held$1$$"
    ok "$1: and lives" kill -0 "$held"
    memory=$(last_state "held$1$$" memory)
    is "$1: the kernel's killer answers for it" \
        "$(sed -n 's/^oom_kill_disable //p' "$memory/memory.oom_control" 2>/dev/null)$(cat "$memory/memory.high" 2>/dev/null)" \
        "$([ -e "$memory/memory.high" ] && echo max || echo 0)"
    kill "$held"; wait "$held" 2>/dev/null
    wait "$WARDEN_PID" 2>/dev/null
    WARDEN_PID=
}

hangs plain
failsafe >"$TMP/said" 2>&1; rc=$?
is 'without --force: fails' "$([ $rc -ne 0 ] && echo fails)" fails
ok 'and harms nobody' kill -0 "$WARDEN_PID"
out=$(failsafe --force 2>&1); rc=$?
is 'with it: all is given back' "$rc $out" '0 memwardend was killed
2 jobs given back to the kernel'
back plain
out=$(failsafe --force --json 2>&1); rc=$?
is 'once more: there is nobody to end' "$rc $(jq -c '[.killed, .failed, .unread]' <<<"$out")" '0 [0,0,0]'

# nobody finds its lock: the memcgs say who has them
hangs lost
cp -a "$WARDEN_STATE" "$TMP/copy"
rm -rf "$WARDEN_STATE"
mv "$TMP/copy" "$WARDEN_STATE"
out=$(failsafe --force 2>&1); rc=$?
is 'its state directory is another: all is given back' "$rc $(head -n 1 <<<"$out")" '0 memwardend was killed'
back lost

# who has the lock is somebody else
python3 -c 'import fcntl, sys, time
f = open (sys.argv[1], "r+")
fcntl.lockf (f, fcntl.LOCK_EX)
print ("ready", flush = True)
time.sleep (1000)' "$WARDEN_STATE/lock" >"$TMP/locker" &
locker=$!
at_exit "kill $locker"
wait_for 10 grep -q ready "$TMP/locker"
out=$(failsafe --force 2>&1); rc=$?
is 'who is no memwardend is not killed' "$([ $rc -ne 0 ] && echo fails)" fails
like 'and named' "$out" "pid $locker has it, and is no memwardend: it is not killed"
ok 'and lives' kill -0 "$locker"
done_testing
