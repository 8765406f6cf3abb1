# recovery_emfile.t - a warden that is restarted and has too few descriptors for its jobs
# does not take them for gone: it says so, and takes them up when it can.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

jobs=12
warden_start
for i in $(seq $jobs); do
    run_job "job$i.$$" --reservation 16M --limit 32M -- sleep 1000
    at_exit "kill $!"
    last=$!
done
all () { [ "$(mw jobs --json | jq length)" = "${1:-$jobs}" ]; }
must 'jobs are registered' wait_for 60 all
mw hold "job1.$$" >/dev/null
ok 'one is held' wait_for 20 frozen "job1.$$"
warden_kill9

# so many as it needs for itself and some of the jobs, and may not have more
setpriv --bounding-set=-sys_resource prlimit --nofile=64:4096 "$WARDEND" --foreground \
    --config "$WARDEN_CONF" >>"$TMP/warden.err" 2>&1 &
WARDEN_PID=$!
ok 'it says so' wait_for 20 grep -q 'it cannot be taken up again yet: .*Too many open files; that is tried every second' "$WARDEN_LOG"
is 'nobody is taken for gone' "$(jq -r 'select(.event == "released") | .job' "$WARDEN_STATE/journal.jsonl")" ''
waiting=$(grep -c 'cannot be taken up again yet' "$WARDEN_LOG")
echo "# $waiting of $jobs wait"
ok 'the warden lives' kill -0 "$WARDEN_PID"
kill "$last"; wait "$last" 2>/dev/null
prlimit --pid "$WARDEN_PID" --nofile=4096:4096
ok 'when it has enough all that live are taken up' wait_for 30 all $((jobs - 1))
is 'said once for each' "$(grep -c 'cannot be taken up again yet' "$WARDEN_LOG")" "$waiting"
ended () { [ "$(jq -r 'select(.event == "released") | .job' "$WARDEN_STATE/journal.jsonl")" = "job$jobs.$$" ]; }
ok 'the one that has ended meanwhile is gone' wait_for 20 ended
ok 'who was held is so, by a warden that knows' eval '[ "$(job_shows "job1.$$" .held)" = true ]'
ok 'and can go on' mw resume "job1.$$"
ok 'it does' wait_for 10 not_frozen "job1.$$"
done_testing
