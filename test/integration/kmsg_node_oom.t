# kmsg_node_oom.t - the kernel answers the node's OOM itself: told with who was first
# and what to set; sysrq f starts nothing; a log that was overwritten is said
# runs: v2
# takes: 31 s
# in-vm: 6.12-v2
# memory: 1G
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

[ -n "${MW_IN_VM:-}" ] || skip_all 'only a VM may run out of memory'
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
warden_start 'node-reserve = "2M"
class all { match-user = "*"
    protect = true }
courier { start = false }' || exit 1
run_job innocent --priority 900 --reservation 64M --limit 128M -- \
    "$TOUCHMEM" --size 32M --stop-file "$TMP/stop"
innocent=$!
ok 'a job runs' wait_for 30 grep -q touched "$TMP/innocent.out"

texts () { jq -r 'select(.event == "kernel-kill" or .event == "note") | .text' "$WARDEN_STATE/journal.jsonl"; }
said () { texts | grep -Eq -- "$1"; }
echo 1 >/proc/sys/vm/overcommit_memory
# nobody's job; the kernel's first choice by far
"$TOUCHMEM" --size 64G >"$TMP/stray.out" 2>&1 & stray=$!
echo 1000 >"/proc/$stray/oom_score_adj"
wait $stray; is 'the kernel killed what is no job' $? 137
ok 'and it is recorded' wait_for 30 said "itself has killed process $stray \(touchmem"
like 'as the node'"'"'s OOM, with who was first and what to set' "$(texts)" \
    "process $stray .* the node was out of memory, noticed by .*; (memwarden had no sign of it|memwarden had begun [0-9]+ ms before|the kernel was [0-9]+ ms faster than memwarden); node-reserve = \"[0-9]+M\" instead of 2.0 MiB"
is 'its trigger is the kernel' "$(jq -r 'select(.event == "kernel-kill") | .trigger' "$WARDEN_STATE/journal.jsonl" | sort -u)" kernel
touch "$TMP/stop"
wait $innocent; is 'the job completes' $? 0

run_job asked --reservation 300M --limit 400M -- "$TOUCHMEM" --size 200M --stop-file "$TMP/never"
asked=$!
ok 'another job has memory' wait_for 30 grep -q touched "$TMP/asked.out"
echo 1 >/proc/sys/kernel/sysrq
echo f >/proc/sysrq-trigger
wait $asked; is 'sysrq f has killed it' $? 137
ok 'which is told' wait_for 30 said 'process [0-9]+ \(touchmem\) by sysrq f: nothing is started'
is 'and started nothing' "$(grep -c '"event":"detected".*"job":"asked"' "$WARDEN_STATE/journal.jsonl")" 0

# more than the log holds, while the warden cannot read
echo on >/proc/sys/kernel/printk_devkmsg
warden_unguarded
kill -STOP "$WARDEN_PID"
awk 'BEGIN { for (i = 0; i < 20000; i++) { print "<6>noise " i; fflush () } }' >/dev/kmsg
kill -CONT "$WARDEN_PID"
ok 'what was overwritten is said' wait_for 30 said 'overwritten before it was read: [0-9]+ records are lost'
ok 'and the warden goes on' mw jobs
done_testing
