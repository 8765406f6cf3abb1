# runs: v1 v2
# in-vm: 6.12-v2
# `memwarden run` exits as its command does, passes signals on, and without a
# warden runs it under a plain limit, or not at all where --required is given.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

run () {
    "$MEMWARDEN" run --pool "$WARDEN_POOL" --name "s$$" --reservation 64M "$@" \
        >"$TMP/out" 2>"$TMP/err"
}
left () { find /sys/fs/cgroup -maxdepth 3 -name "s$$" 2>/dev/null; }

run -- true
is "without a warden the command runs" $? 0
like "and stderr says under which limit" "$(cat "$TMP/err")" 'memwardend is not running.*plain limit'
run --required -- touch "$TMP/ran"
is "--required: 125" $? 125
is "and the command has not run" "$(ls "$TMP/ran" 2>/dev/null)" ''
is "nothing is left of either" "$(left)" ''

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
run --required -- sh -c 'exit 7'; is "exit 7" $? 7
run --required -- sh -c 'kill -TERM $$'; is "killed by TERM: 143" $? 143
run --required -- /nonexistent/x; is "not found: 127" $? 127
run --required -- /etc/passwd; is "not executable: 126" $? 126
run --required -- sh -c 'echo out; echo err >&2'
is "its stdout is the command's alone" "$(cat "$TMP/out")" out
run --required --user nobody -- id -un; is "--user runs it as that user" "$(cat "$TMP/out")" nobody
run --required -- cat /proc/self/cgroup
like "the command is in its own memcg" "$(cat "$TMP/out")" "$WARDEN_POOL/s$$"

run_job "t$$" --reservation 64M -- sh -c 'trap "echo caught; exit 9" USR1; echo up; while :; do sleep 0.1; done'
pid=$!
wait_for 10 grep -q up "$TMP/t$$.out"
kill -USR1 $pid
wait $pid
is "signals are passed on" "$? $(tail -n 1 "$TMP/t$$.out")" '9 caught'
run --required -- sh -c 'sleep 1000 & echo $! >'"$TMP/bg"
# a zombie has ended: in a container nobody may be there to reap it
unlike "what the command leaves behind ends with it" \
    "$(sed -n 's/^State:[[:space:]]*//p' "/proc/$(cat "$TMP/bg")/status" 2>/dev/null)" '^[RSDT]'
is "no cgroup is left" "$(left)" ''
is "no job is registered" "$(mw jobs --json)" '[]'
done_testing
