# readonly_cgroupfs.t - a job whose cgroup cannot be written is not taken, and the
# log says why; one that can only not be frozen is taken, and where a step fails
# for that, the log says so and the next one follows.
# runs: v1 v2 hybrid
# in-vm: 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/packet.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

log_has () { grep -Eq -- "$1" "$TMP/warden.log"; }
if [ -d /sys/fs/cgroup/memory ]; then
    job=/sys/fs/cgroup/memory/$WARDEN_POOL/ro freezer=/sys/fs/cgroup/freezer/$WARDEN_POOL/ro
    limit=memory.limit_in_bytes state=$freezer/freezer.state
    dirs=(-d "$job" -d "$freezer")
    mkdir -p "$job" "$freezer"
else
    job=/sys/fs/cgroup/$WARDEN_POOL/ro freezer=
    limit=memory.high state=$job/cgroup.freeze
    dirs=(-d "$job")
    mkdir -p "$job"
    echo +memory >"/sys/fs/cgroup/$WARDEN_POOL/cgroup.subtree_control"
fi
# read_only FILE|DIR ARG…: `packet ARG…` where that cannot be written.  A
# descriptor keeps what is mounted there only while somebody lives there.
export -f packet
export MEMWARDEN_SOCKET
read_only () {
    rm -f "$TMP/answer"
    unshare -m bash -c 'mount --make-rprivate / && mount --bind "$1" "$1" &&
        mount -o remount,bind,ro "$1" && shift && answer=$1 && shift &&
        packet "$@" >"$answer.new" && mv "$answer.new" "$answer" &&
        exec sleep 1000' bash "$1" "$TMP/answer" "${@:2}" &
    at_exit "kill $!"
    wait_for 20 test -s "$TMP/answer"
    answer=$(cat "$TMP/answer")
}

warden_start 'courier { start = false }'
before=$(cat "$job/$limit")
read_only "$job" "${dirs[@]}" "$(spec ro)"
like 'a directory that cannot be written is refused' "$answer" \
    "$job/$limit: Read-only file system"
ok 'the log says so' wait_for 20 log_has "job ro is not registered.*$job/$limit: Read-only"
is 'its limit is what it was' "$(cat "$job/$limit")" "$before"
is 'there is no job' "$(mw jobs --json)" '[]'

mkfifo "$TMP/go"
in_memcg "$job" ${freezer:+"$freezer"} -- \
    sh -c "read -r _ <'$TMP/go'; exec '$TOUCHMEM' --size 200M" >"$TMP/out" 2>&1 &
task=$!
read_only "$state" "${dirs[@]}" "$(spec ro ',"burst":"x1","ladder":"hold@10m,kill"')"
like 'one that can only not be frozen is taken' "$answer" '"ok"'
echo >"$TMP/go"
wait $task
is 'at its limit it is killed' $? 137
ok 'its incident is over' wait_for 20 journal_has ro resolved
like 'hold failed, then kill' "$(journal_events ro)" \
    'detected:hold held:hold failed:hold step:kill .*resolved'
ok 'the log says why' wait_for 20 log_has "job ro: cannot freeze it: .*${state##*/}: Read-only file system"
ok 'the warden lives' kill -0 "$WARDEN_PID"
done_testing
