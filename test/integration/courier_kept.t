# courier_kept.t - where memwardend is told to start the courier, that runs with none
# of the warden's own privileges, comes back when it dies, and goes with the warden
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# as the unit does, or as near to it as this machine allows
cat >"$TMP/wardend" <<END
#!/bin/sh
echo 300 >/proc/self/oom_score_adj
chrt -r 1 true 2>/dev/null && exec chrt -r 1 "$WARDEND" "\$@"
exec "$WARDEND" "\$@"
END
chmod 755 "$TMP/wardend"
WARDEND=$TMP/wardend
warden_start "courier {
    start = true
    user = \"root\"
    path = \"$MW_BUILD/handler/memwarden-courier\"
}" || exit 1
courier () { pgrep -P "$(pgrep -d , -P "$WARDEN_PID")" -x memwarden-couri; }
keeper () { awk '/^PPid/ { print $2 }' "/proc/$(courier)/status"; }
must 'the courier is started' wait_for 20 courier
kept=$(keeper) first=$(courier)
second=
at_exit 'kill -9 $kept $first $second'
is 'the kernel may choose it' "$(cat "/proc/$first/oom_score_adj")" 0
like 'it has no real-time priority' "$(chrt -p "$first")" 'policy: SCHED_OTHER'

kill -9 "$first"
another () { local now; now=$(courier) && [ "$now" != "$first" ]; }
must 'when it dies another is started' wait_for 20 another
second=$(courier)
warden_kill9
gone () { [ ! -d "/proc/$kept" ] && [ ! -d "/proc/$second" ]; }
ok 'without the warden there is none' wait_for 20 gone
done_testing
