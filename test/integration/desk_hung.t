# desk_hung.t - a desk that hangs is noticed by its keeper, killed and started again;
# meanwhile, and afterwards, jobs and root have their answers.
# runs: v1 v2
# in-vm: 6.12-v2
# takes: 20 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make cgroups'
daemon () { setpriv --reuid=daemon --regid=daemon --clear-groups "$@"; }
daemon "$MEMWARDEN" --version >/dev/null 2>&1 || skip_all "an unprivileged user cannot reach $MEMWARDEN"

desk () {
    local keeper p
    for keeper in $(cat "/proc/$WARDEN_PID/task/$WARDEN_PID/children"); do
        for p in $(cat "/proc/$keeper/task/$keeper/children"); do
            [ "$(cat "/proc/$p/comm")" != memwarden-desk ] || echo "$p"
        done
    done
}
gone () { [ ! -d "/proc/$1" ]; }
served () { daemon timeout 5 "$MEMWARDEN" jobs; }

warden_start
ok 'users are served' wait_for 20 served
first=$(desk)
ok 'by a desk' test -n "$first"
kill -STOP "$first"
at_exit "kill -9 $first"
run_job "oom$$" --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- "$TOUCHMEM" --size 60M
wait $!
is 'while it hangs a job at its limit is answered' $? 0
ok 'and root is served' timeout 20 "$MEMWARDEN" jobs
ok 'it is killed' wait_for 60 gone "$first"
ok 'users are served again' wait_for 20 served
ok 'by another desk' test "$(desk)" != "$first"
ok 'which is told' wait_for 10 grep -q 'the desk did not answer its keeper any more' "$WARDEN_LOG"
ok 'the warden is the same' kill -0 "$WARDEN_PID"

second=$(desk)
sleep 18
is 'one that answers is left alone' "$(desk)" "$second"
done_testing
