# disk_hangs.t - whoever keeps the writer of what people read waiting does not keep the
# warden waiting: a disk that hangs below the story and the log, a stderr whose reader
# has stalled, a log that is a FIFO.  Nothing of the story is lost by it.
# runs: v1 v2
# takes: 44 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

oom () {            # NAME: a job that gets through by more memory
    run_job "$1" --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- \
        "$TOUCHMEM" --size 60M
    wait $!
}
ended () { grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status" && return 1; true; }
conf () {           # LINE…: instead of the story's and the log's place
    printf '%s\n' "socket = \"$MEMWARDEN_SOCKET\"" "state-dir = \"$WARDEN_STATE\"" \
        'syslog = false' 'courier { start = false }' "$@" >"$WARDEN_CONF"
}

# ---- a disk ------------------------------------------------------------------
disk=$TMP/disk
mkdir "$disk"
truncate -s 16M "$TMP/image"
mkfs.ext4 -q "$TMP/image"
stopped=
if mount -o loop "$TMP/image" "$disk" 2>/dev/null; then
    hang () { fsfreeze -f "$disk"; }
    thaw () { fsfreeze -u "$disk" 2>/dev/null; true; }
    at_exit 'thaw; umount -l "$disk"'
else                # a kernel without: the writer is stopped, as it would stand
    keepers () { pgrep -P "$WARDEN_PID" -x memwarden-keep; }
    hang () {
        local k
        for k in $(keepers); do stopped+=" $(pgrep -P "$k" -x memwarden-scrib)"; done
        # shellcheck disable=SC2086
        kill -STOP $stopped
    }
    # shellcheck disable=SC2086
    thaw () { [ -z "$stopped" ] || kill -CONT $stopped; stopped=; }
    at_exit thaw
fi
WARDEN_LOG=$disk/log
conf "history-dir = \"$disk/story\"" "log-file = \"$WARDEN_LOG\""
warden_start
oom "before$$"; is 'a job is grown' $? 0
told () { mw why "$1" 2>/dev/null | grep -q released; }
ok 'its story is on the disk' wait_for 20 told "before$$"
hang; is "the disk hangs" $? 0
oom "during$$"; is 'a job is grown all the same' $? 0
oom "again$$"; is 'and another' $? 0
ok 'the warden answers' timeout 20 "$MEMWARDEN" jobs
run_job "lives$$" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- sleep 1000
lives=$!
registered () { [ "$(job_shows "$1" .key)" = "$1" ]; }
ok 'a job is registered' wait_for 20 registered "lives$$"
warden_kill9
warden_start
ok 'killed and started again, it has it' registered "lives$$"
ok 'and answers' timeout 20 "$MEMWARDEN" set "lives$$" --priority 300
oom "later$$"; is 'and grows jobs' $? 0
thaw
for j in before during again later; do
    ok "the disk is there again: the story of $j is whole" wait_for 20 told "$j$$"
    is "and told once: $j" "$(mw events --job "$j$$" --json |
        jq -r 'select(.event == "released") | .job' | wc -l)" 1
done
log_has () { grep -q "later$$: released" "$WARDEN_LOG"; }
ok 'the log goes on' wait_for 20 log_has
kill "$lives"
wait "$lives" 2>/dev/null
warden_stop

# ---- stderr ------------------------------------------------------------------
# its reader never reads, and little is kept for him
cat >"$TMP/stalled.py" <<'END'
import os, socket, sys
a, b = socket.socketpair()
a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
os.dup2(a.fileno(), 2)
b.set_inheritable(True)
os.execv(sys.argv[1], sys.argv[1:])
END
rm -rf "$WARDEN_STATE"
conf 'log-file = ""'
/usr/bin/python3 "$TMP/stalled.py" "$WARDEND" --foreground --config "$WARDEN_CONF" &
WARDEN_PID=$!
ok 'stderr is a stream that nobody reads: the warden starts' wait_for 20 mw jobs
run_job "talks$$" --reservation 32M --limit 32M -- sleep 1000
talks=$!
ok 'a job' wait_for 20 registered "talks$$"
for p in {1..300}; do mw set "talks$$" --priority $((100 + p)) || break; done
is '300 lines of the log later' "$(job_shows "talks$$" .priority)" 400
oom "stderr$$"; is 'a job is grown' $? 0
kill "$talks"
wait "$talks" 2>/dev/null
kill "$WARDEN_PID"
ok 'and it ends' wait_for 20 ended "$WARDEN_PID"
WARDEN_PID=

# ---- the log -----------------------------------------------------------------
mkfifo "$TMP/fifo"
conf "log-file = \"$TMP/fifo\""
timeout -k 1 20 "$WARDEND" --foreground --config "$WARDEN_CONF" >"$TMP/said" 2>&1; rc=$?
is 'a log that is a FIFO is refused' $rc 1
like 'and named' "$(cat "$TMP/said")" "cannot open log file $TMP/fifo"
done_testing
