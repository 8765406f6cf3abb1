# plugin_renamed_dir.t - a job's directory is found, whatever it is called and
# wherever it lies: newer Slurm names it otherwise than job_N, so the plugin takes
# what stands before "/step_" in /proc/PID/cgroup.  The task plugin itself, in a
# hand-made tree; the warden handles the job's OOM there.  In a slurmstepd, and in
# the tree that Slurm makes: plugin_task_only.t.
# runs: v1 v2 hybrid
# takes: 43 s
# in-vm: newest-v2 6.1-hybrid
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

id=$((1000000 + $$))
job=$WARDEN_POOL/some.scope/s7BQ4ZT5C9X00
plugin=$MW_BUILD/plugin/.libs/task_memwarden.so
limit=$((64 << 20))

# as Slurm does: the job's limit at the job and at the step
if [ -d /sys/fs/cgroup/memory ]; then
    memory=/sys/fs/cgroup/memory/$job freezer=/sys/fs/cgroup/freezer/$job/step_0
    stepd=$memory/step_0 tasks=$memory/step_0/task_0
    mkdir -p "$tasks" "$freezer"
    for d in "$memory" "$stepd"; do
        echo $limit >"$d/memory.limit_in_bytes"
        echo $limit >"$d/memory.soft_limit_in_bytes"
    done
    limit_of () { cat "$1/memory.limit_in_bytes"; }
    frozen_file=$freezer/freezer.state
    no_limit='^[0-9]{19}$' kept=$limit
else
    memory=/sys/fs/cgroup/$job freezer=-
    stepd=$memory/step_0/slurm tasks=$memory/step_0/user/task_0
    mkdir -p "$tasks" "$stepd"
    for d in "$WARDEN_POOL" "$WARDEN_POOL/some.scope" "$job" "$job/step_0" "$job/step_0/user"; do
        echo +memory >"/sys/fs/cgroup/$d/cgroup.subtree_control"
    done
    for d in "$memory" "$memory/step_0/user"; do
        echo $limit >"$d/memory.max"
        echo $limit >"$d/memory.high"
    done
    limit_of () { cat "$1/memory.high"; }
    frozen_file=$memory/step_0/user/cgroup.freeze
    no_limit='^max$' kept=$limit
fi
step () {       # COMMAND…: as the task of the step
    (echo "$BASHPID" >"$stepd/cgroup.procs"
    exec -a "slurmstepd: [$id.0]" "$MW_BUILD/test/bin/stepd_probe" \
        "$plugin" "$tasks" "$freezer" "$@") >"$TMP/step.out" 2>"$TMP/step.err"
}

frozen_step () { grep -q '^FR\|^1$' "$frozen_file"; }

warden_start 'ladder = "hold@10m,signal=TERM@1s,kill"
courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
step "$TOUCHMEM" --size 1M --stop-file "$TMP/stop" &
first=$!
ok 'a step registers' wait_for 20 journal_has "$id" registered
is 'the plugin has nothing to say' "$(cat "$TMP/step.err")" ''
is 'what is registered is the directory above the step' \
    "$(last_state "$id" memory)" "$memory"
[ "$freezer" = - ] || is 'so is the freezer' "$(last_state "$id" freezer)" "${freezer%/*}"
is 'the reservation is the limit found there' \
    "$(mw jobs --json | jq -r ".[] | select(.key == \"$id\") | .reservation")" "$limit"
is "the job's limit stands" "$(limit_of "$memory")" "$kept"
if [ "$freezer" = - ]; then
    like "the step's is lifted" "$(limit_of "$memory/step_0/user")" "$no_limit"
else
    like "the step's is lifted" "$(limit_of "$memory/step_0")" "$no_limit"
    is 'slurmstepd is no more in it' "$(cat "$stepd/cgroup.procs")" ''
fi
touch "$TMP/stop"
wait $first
is 'the step ends by itself' $? 0

step "$TOUCHMEM" --size 100M &
second=$!
ok 'a step that needs more is held' wait_for 20 journal_has "$id" held
ok 'there' wait_for 20 frozen_step
ok 'its limit is raised' mw set "$id" --limit 200M
wait $second
is 'and it completes' $? 0
is 'there, too' "$(limit_of "$memory")" $((200 << 20))

step "$TOUCHMEM" --size 300M --ignore-term &
third=$!
held_twice () { journal_has "$id" 'resolved detected:hold held:hold'; }
ok 'a step that needs too much is held' wait_for 20 held_twice
ok 'it is resumed' mw resume "$id"
wait $third
is 'and killed at the end of its ladder' $? 137
resolved () { grep -Eq 'step:kill .*resolved' <<<"$(journal_events "$id")"; }
ok 'its incident is over' wait_for 20 resolved
is 'the kernel has not been there first' "$(journal_has "$id" kernel-kill && echo killed)" ''
done_testing
