# memcg_wakes_sleepers.t - on v1 a task sleeps in its OOM until it is told that there
# is memory again.  The kernel does not tell it of slab that was freed (inodes,
# dentries …): the warden does, and the job goes on instead of sleeping for ever.
# runs: v1
# in-vm: 6.1-v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'ladder = "kill"
courier { start = false }' || exit 1

# The inodes and dentries of what the job makes in tmpfs are its kernel memory, some
# 14 MiB; they are given back when somebody else removes the files.
files=$(mktemp -d /dev/shm/mwt.XXXXXX) || exit 1
at_exit 'rm -rf "$files"'
run_job sleeper --reservation 64M --limit 64M -- bash -c '
    (cd "$1" && seq 16000 | xargs touch)
    touch "$0/made"; until [ -e "$0/go" ]; do sleep 0.05; done
    exec "$2" --size 56M' "$TMP" "$files" "$TOUCHMEM"
job=$!
must 'the files are made' wait_for 20 test -e "$TMP/made"
memcg=$(last_state sleeper memory)
kmem () { cat "$memcg/memory.kmem.usage_in_bytes"; }
ok 'their kernel memory is charged to the job' test "$(kmem)" -ge $((10 << 20))
under_oom () { grep -q '^under_oom 1' "$memcg/memory.oom_control"; }
warden_unguarded
kill -STOP "$WARDEN_PID"        # it is to look when they are closed
at_exit 'kill -CONT "$WARDEN_PID"'
touch "$TMP/go"
must 'then the job is at its limit and in its OOM' wait_for 20 under_oom
rm -rf "$files"
freed () { [ "$(kmem)" -lt $((4 << 20)) ]; }
must 'the files are removed and their memory is free' wait_for 20 freed
ok 'the kernel has not told the sleeper' under_oom
limit=$(cat "$memcg/memory.limit_in_bytes")
kill -CONT "$WARDEN_PID"
must 'the warden does' wait_for 20 grep -q touched "$TMP/sleeper.out"
wait $job; is 'and the job completes' $? 0
unlike 'without any OOM to be told of' "$(journal_events sleeper)" 'detected'
is 'its limit is what it was' "$limit" $((64 << 20))
done_testing
