# old_kernel.t - a kernel that has not got a file the warden needs: the log says
# which, and the next step of the ladder follows; where nothing can be done for a
# job, it is not taken, and runs under a plain limit.
# runs: v1 v2 hybrid
# in-vm: 6.1-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

hide=$MW_BUILD/test/bin/.libs/hide.so
ok 'there is something to hide them by' [ -r "$hide" ]
without () { LD_PRELOAD=$hide MW_HIDE=$1 warden_start; }
log_has () { grep -Eq -- "$1" "$TMP/warden.log"; }
warden_start 'courier { start = false }'
warden_stop

# refuses FILE…: a job is not taken where it is missing
refuses () {
    local file key
    for file in "$@"; do
        key=no.$file
        without "$file"
        run_job "$key" --reservation 32M -- "$TOUCHMEM" --size 1M
        wait $!
        is "without $file: the command runs" $? 0
        like 'it is told that it has no warden' "$(cat "$TMP/$key.err")" \
            "$file: this kernel has no such file; .* plain limit"
        ok 'so is the log' log_has "job $key is not registered.*$file: this kernel has no such file"
        is 'there is no job' "$(mw jobs --json)" '[]'
        warden_stop
    done
}

# goes_on FILE LADDER ERE: the step that needs it is said not to work, and the
# next one kills
goes_on () {
    local key=no.$1
    without "$1"
    run_job "$key" --reservation 32M --limit 32M --on-oom "$2" -- "$TOUCHMEM" --size 200M
    wait $!
    is "without $1: the ladder $2 goes on to its end" $? 137
    ok 'the journal has its release' wait_for 20 journal_has "$key" released
    like 'detected, killed, resolved' "$(journal_events "$key")" 'detected.*step:kill.*resolved'
    ok 'the log says why' log_has "job $key: $3"
    warden_stop
}

if [ -d /sys/fs/cgroup/memory ]; then
    refuses memory.oom_control cgroup.event_control
else
    refuses memory.high memory.events
    goes_on cgroup.freeze 'hold@10m,kill' 'cannot freeze it: .*cgroup.freeze: this kernel has no such file'
    goes_on memory.reclaim 'reclaim,kill' 'reclaim .*(not available|memory.reclaim)'
    goes_on cgroup.kill kill 'SIGKILL to all its processes'
fi
done_testing
