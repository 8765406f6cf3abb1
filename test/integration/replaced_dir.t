# replaced_dir.t - between a job's OOM and what is to be done about it its directory
# is removed, and another made that has its name: the warden sees that the job is
# gone, and touches nothing of the new one.
# runs: v1 v2 hybrid
# in-vm: 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/packet.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

empty () { [ -z "$(cat "$1/cgroup.procs" 2>/dev/null)" ]; }
at_limit () {   # the kernel has told, and nobody has listened yet
    if [ -e "$1/memory.oom_control" ]; then
        grep -q '^under_oom 1' "$1/memory.oom_control"
    else
        [ "$(awk '/^high / { print $2 }' "$1/memory.events")" -gt 0 ]
    fi
}
dirs_of () {
    if [ -d /sys/fs/cgroup/memory ]; then
        echo /sys/fs/cgroup/{memory,freezer}/"$WARDEN_POOL/$1"
    else
        echo "/sys/fs/cgroup/$WARDEN_POOL/$1"
    fi
}
# limits_of DIR: all that the warden could have changed
limits_of () {
    (cd "$1" && cat memory.limit_in_bytes memory.soft_limit_in_bytes memory.oom_control \
        memory.high memory.max memory.low) 2>/dev/null
}
state_of () { cat "$1/freezer.state" "$1/cgroup.freeze" 2>/dev/null; }

# replace KEY RUNNER: its processes die, its directories are made anew, with a
# process of somebody else in them
replace () {
    local d p dirs
    read -ra dirs <<<"$(dirs_of "$1")"
    for d in "${dirs[@]}"; do
        [ ! -e "$d/freezer.state" ] || echo THAWED >"$d/freezer.state"
    done
    kill -9 "$2"; wait "$2" 2>/dev/null
    for p in $(cat "${dirs[0]}/cgroup.procs"); do kill -9 "$p"; done
    wait_for 20 empty "${dirs[0]}"
    for d in "${dirs[@]}"; do wait_for 20 rmdir "$d" && mkdir "$d" || return 1; done
    in_memcg "${dirs[@]}" -- sleep 1000 &
    other=$!
    wait_for 10 grep -q . "${dirs[0]}/cgroup.procs"
}

# try NAME LADDER UNTIL…: stop the warden when that has come; then replace
try () {
    local key=$1 ladder=$2 run memory freezer was; shift 2
    run_job "$key" --reservation 32M --limit 32M --on-oom "$ladder" -- \
        sh -c "until [ -e '$TMP/$key.go' ]; do sleep 0.1; done; exec '$TOUCHMEM' --size 300M"
    run=$!
    ok "$key: it is registered" wait_for 20 journal_has "$key" registered
    read -r memory freezer <<<"$(dirs_of "$key")"
    warden_unguarded
    [ "$1" != at_limit ] || kill -STOP "$WARDEN_PID"
    touch "$TMP/$key.go"
    ok "$key: it is at its limit" wait_for 60 "$@"
    kill -STOP "$WARDEN_PID"
    replace "$key" "$run"
    is "$key: another has its name" "$(cat "$memory/cgroup.procs")" "$other"
    was=$(limits_of "$memory")
    kill -CONT "$WARDEN_PID"
    ok "$key: the warden lets the old one go" wait_for 60 journal_has "$key" released
    unlike "$key: it has not killed" "$(journal_events "$key")" 'step:kill'
    ok "$key: the new one lives" kill -0 "$other"
    unlike "$key: it is not frozen" "$(state_of "${freezer:-$memory}")" '^(FR|1)'
    is "$key: its limits are its own" "$(limits_of "$memory")" "$was"
    kill -9 "$other"; wait "$other" 2>/dev/null
}

warden_start 'courier { start = false }'
try event kill at_limit "$(dirs_of event | cut -d' ' -f1)"
try action 'hold@10m,kill' journal_has action held
done_testing
