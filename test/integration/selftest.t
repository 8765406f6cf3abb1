# selftest.t - `memwarden selftest` sees whether this node's warden handles an OOM, by
# one of its own: one line, the exit status, and nothing is left; other jobs do not
# notice.  It says what is wrong where there is no warden, or one that is stopped, and
# has an end then, too.
# runs: v1 v2 swap
# in-vm: 6.12-v2 6.12-swap
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
selftest () { mw selftest "$@" >"$TMP/said" 2>&1; echo $?; }
said () { cat "$TMP/said"; }
left () { find /sys/fs/cgroup -type d -name 'selftest-*'; }

is 'no warden: 5' "$(selftest)" 5
like 'one line: what, and what to do' "$(said)" \
    "^selftest: FAILED: there is no socket $MEMWARDEN_SOCKET.*; systemctl start memwardend\$"
is 'one line' "$(said | wc -l)" 1

warden_start 'courier { start = false }' || exit 1
run_job "held$$" --reservation 64M -- sleep 1000
at_exit "kill $!"
there () { [ "$(job_shows "held$$" .held)" = "$1" ]; }
wait_for 20 there false
ok 'a job is held' mw hold "held$$"

is 'it is handled: 0' "$(selftest)" 0
like 'one line' "$(said)" '^selftest: ok: a job of 8 MiB ran out of memory, and the warden has killed it; [0-9]+ ms in all$'
is 'of one line' "$(said | wc -l)" 1
is 'no cgroup is left' "$(left)" ''
is 'nor a job' "$(mw jobs --json | jq -r '.[].key')" "held$$"
is 'the held one is held' "$(job_shows "held$$" .held)" true
key=$(mw events --json | jq -r 'select(.event == "step" and .step == "kill").job' | sort -u)
like 'the story has it under its own name' "$key" '^selftest-[0-9]+$'
like 'from its begin to its end' "$(journal_events "$key")" 'registered.*detected.*step:kill.*released'
is 'as JSON' "$(selftest --json)" 0
is 'for programs' "$(jq -r .ok <"$TMP/said")" true
setpriv --reuid nobody --regid nogroup --clear-groups "$MEMWARDEN" selftest >"$TMP/said" 2>&1
is 'a user may not: 4' $? 4
like 'and is told so' "$(said)" '^selftest: FAILED: only root'
is 'what is no option: 2' "$(selftest now)" 2

warden_unguarded
kill -STOP "$WARDEN_PID"
is 'a warden that is stopped: 1' "$(selftest)" 1
kill -CONT "$WARDEN_PID"
like 'which has not answered' "$(said)" '^selftest: FAILED: .*has not answered in time'
is 'no cgroup is left then' "$(left)" ''

warden_stop
sed -i '1i shadow = "true"' "$WARDEN_CONF"
warden_start
is 'a warden in shadow mode: 0' "$(selftest)" 0
like 'and that is said' "$(said)" '^selftest: ok: .*shadow mode'
done_testing
