# kmsg_forged.t - words that a user brings into the kernel's log are no kill: neither
# the name of a process that crashes, nor a mount option, nor what is written to
# /dev/kmsg; in no job's story, not in the log, not in `memwarden kmsg`
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

v1=/sys/fs/cgroup/memory
as_nobody () { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; }
warden_start 'courier { start = false }' || exit 1
run_job victim --reservation 48M --limit 256M -- bash -c '
    trap "exit 0" USR1; echo up; while :; do sleep 0.1; done'
job=$!
ok 'a job runs' wait_for 30 grep -q up "$TMP/victim.out"
dir=$(last_state victim memory)
mkdir "$dir/small"
echo 0 >"$dir/small/memory.oom_control"
echo 8M >"$dir/small/memory.limit_in_bytes"
real_kill () {      # in the job, by the kernel: its pid in $pid
    sh -c 'echo $$ >"$0/cgroup.procs"; exec "$1" --size 64M' "$dir/small" "$TOUCHMEM" >/dev/null 2>&1 & pid=$!
    wait $pid
}
kills () { jq -r 'select(.event == "kernel-kill") | .text' "$WARDEN_STATE/journal.jsonl"; }
told () { kills | grep -q "itself has killed process $1 "; }

real_kill; first=$pid
ok 'a real kill in it is told' wait_for 30 told "$first"

# what any user can do, each in the kernel's log itself
said () { dmesg | tail -n 200 | grep -qF -- "$1"; }
as_nobody perl -e '$0 = "Killed process "; print unpack "p", pack "J", 1' 2>/dev/null
ok 'a process crashes whose name has the words' wait_for 10 said 'Killed process ['
mark=$$.$RANDOM
# without capabilities but in a namespace of its own
as_nobody unshare -Urm mount -t tmpfs -o \
    "Memory cgroup out of memory: Killed process 4211 ($mark) total-vm:1kB" none /mnt 2>/dev/null
ok 'a mount option has them' wait_for 10 said "Unknown parameter 'Memory cgroup out of memory: Killed process 4211 ($mark)"
as_nobody unshare -Urm mount -t tmpfs -o "a b invoked oom-killer: gfp_mask=0xcc0.$mark" none /mnt 2>/dev/null
as_nobody unshare -Urm mount -t tmpfs -o \
    "$(printf 'x\nOut of memory: Killed process 4212 (%s) total-vm:1kB' "$mark")" none /mnt 2>/dev/null
# root, or a daemon of root's that repeats what it is told
{
    echo "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
    echo "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${dir#"$v1"},task_memcg=${dir#"$v1"},task=$mark,pid=4213,uid=0"
    echo "Memory cgroup out of memory: Killed process 4213 ($mark) total-vm:9kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0"
} | while IFS= read -r line; do printf '%s\n' "$line" >/dev/kmsg; done

real_kill; last=$pid
ok 'a real kill after all that is told' wait_for 30 told "$last"
is 'and nothing in between' "$(kills | grep -c 'itself has killed')" 2
is 'in nobody else'"'"'s story' "$(jq -r 'select(.event == "kernel-kill") | .job' "$WARDEN_STATE/journal.jsonl" | sort | uniq -c | sed 's/^ *//')" '2 victim'
unlike 'no number that is none' "$(kills; cat "$TMP/warden.log")" 'process -|9223372036854775808'

# the same by hand
"$MEMWARDEN" kmsg --json /dev/kmsg >"$TMP/kmsg.json"
is 'memwarden kmsg /dev/kmsg knows the real ones' \
    "$(jq --argjson a "$first" --argjson b "$last" '[.[] | select(.pid == $a or .pid == $b)] | length' "$TMP/kmsg.json")" 2
is 'and nothing else' "$(jq -r --arg m "$mark" \
    '[.[] | select(.comm == $m or .pid == 4211 or .pid == 4212 or .pid == 4213 or (.killed and .pid == null))] | length' "$TMP/kmsg.json")" 0
dmesg -x >"$TMP/dmesg-x"
is 'nor of dmesg -x' "$("$MEMWARDEN" kmsg --json "$TMP/dmesg-x" | jq -r --arg m "$mark" \
    '[.[] | select(.comm == $m or .pid == 4211 or .pid == 4212 or .pid == 4213 or (.killed and .pid == null))] | length')" 0
xargs -r kill -USR1 <"$dir/cgroup.procs" 2>/dev/null
wait $job
done_testing
