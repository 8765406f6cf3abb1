# kmsg_who_was_first.t - the kernel and memwarden at the same OOM: the story says who
# was first, and by how many milliseconds
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

mkfifo "$TMP/kmsg"
warden_sees "$TMP/kmsg" /dev/kmsg
warden_start 'ladder = "hold@10m,kill"
courier { start = false }' || exit 1
run_job a --reservation 32M --limit 64M -- bash -c '
    echo up; until [ -e "$0" ]; do sleep 0.05; done; "$1" --size 200M' "$TMP/go" "$TOUCHMEM"
ok 'the job runs' wait_for 30 grep -q up "$TMP/a.out"
exec 7>"$TMP/kmsg"
seq=0
rec () {
    local up
    read -r up _ </proc/uptime
    seq=$((seq + 1))
    printf '4,%d,%s0000,-;%s\n' $seq "${up/./}" "$1" >&7
}
kernel_kills () {       # PID
    rec "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"
    rec "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/$WARDEN_POOL/a,task_memcg=/$WARDEN_POOL/a,task=x,pid=$1,uid=0"
    rec "Memory cgroup out of memory: Killed process $1 (x) total-vm:9kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0"
}
text () { jq -r 'select(.job == "a") | .text' "$WARDEN_STATE/journal.jsonl"; }
said () { text | grep -Eq -- "$1"; }

kernel_kills 801
ok 'the kernel alone: memwarden had no sign' wait_for 10 said 'process 801 .*memwarden had no sign of it'
touch "$TMP/go"
ok 'memwarden detects it later' wait_for 30 journal_has a held
ok 'by how much is said' said 'job a: the kernel had killed for it itself, [0-9]{1,4} ms before memwarden detected it'
kernel_kills 802
ok 'the kernel while memwarden is at it' wait_for 10 said 'process 802 .*memwarden had begun [0-9]{1,5} ms before'
is 'each kill once' "$(journal_events a | grep -o kernel-kill | wc -l)" 2
done_testing
