# node_idle.t - while the jobs could not use up the node's memory even at their
# limits no timer runs: the warden is woken by its guard alone, once in five seconds
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# the kernel's log and PSI are the whole machine's, on which others work as well
warden_sees /dev/null /dev/kmsg
warden_start 'psi = "off"
courier { start = false }' || exit 1
run_job quiet --reservation 16M --limit 32M -- bash -c '
    woken () { awk "/^voluntary/ { print \$2 }" "/proc/$0/status"; }
    until a=$(woken); sleep 1; [ "$a" = "$(woken)" ]; do :; done
    sleep 19; echo $(($(woken) - a))' "$WARDEN_PID"
wait $!
n=$(cat "$TMP/quiet.out")
ok "$n times in twenty seconds" [ "$n" -le 4 ]
warden_stop

# one that could: then there is a timer, seldom while nothing falls
warden_start 'psi = "off"
fill-rate = "100M"
max-burst = "x1000"
courier { start = false }' || exit 1
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
run_job large --reservation 64M --limit "${memory}M" -- bash -c '
    woken () { awk "/^voluntary/ { print \$2 }" "/proc/$0/status"; }
    a=$(woken); until [ "$(woken)" -gt "$a" ]; do sleep 0.1; done; echo woken' "$WARDEN_PID"
wait $!
is 'a job that could use it all has the node looked at' "$(cat "$TMP/large.out")" woken
done_testing
