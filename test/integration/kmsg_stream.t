# kmsg_stream.t - records of the kernel's log come whole: split writes, gaps, floods,
# a request by sysrq, and a log that ends
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

mkfifo "$TMP/kmsg"
warden_sees "$TMP/kmsg" /dev/kmsg
warden_start 'courier { start = false }' || exit 1
run_job a --reservation 32M --limit 64M -- sh -c 'echo up; sleep 1000'
ok 'the job runs' wait_for 30 grep -q up "$TMP/a.out"
exec 7>"$TMP/kmsg"      # only now: the log ends with its last writer

seq=100
rec () { seq=$((seq + 1)); printf '4,%d,%d,-;%s\n' $seq "$((seq * 10))" "$1" >&7; }
head_ () { rec "$1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=${2:-0}, oom_score_adj=0"; }
verdict () { rec "oom-kill:constraint=$1,nodemask=(null),cpuset=/,mems_allowed=0,$2task_memcg=$3,task=$4,pid=$5,uid=0"; }
out () { rec "$1: Killed process $3 ($2) total-vm:900kB, anon-rss:400kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:80kB oom_score_adj:0"; }
mine=/$WARDEN_POOL/a
records () { jq -r 'select(.event == "kernel-kill" or .event == "note") | .text' "$WARDEN_STATE/journal.jsonl"; }
said () { records | grep -Eq -- "$1"; }

head_ kworker -1
verdict CONSTRAINT_NONE global_oom, "$mine" sysrqed 901
out 'Out of memory' sysrqed 901
ok 'sysrq is told' wait_for 10 said 'process 901 \(sysrqed\) by sysrq f: nothing is started'
is 'and is no kill of the kernel'"'"'s own' "$(journal_events a | grep -c kernel-kill)" 0

head_ thirsty
verdict CONSTRAINT_NONE global_oom, "$mine" wide 902
out 'Out of memory' wide 902
ok 'a node OOM that the kernel answered' wait_for 10 said \
    'job a: .*process 902 \(wide, 400 KiB\): the node was out of memory, noticed by thirsty; memwarden had no sign of it; node-reserve = "[0-9]+M" instead of'

head_ bound
verdict CONSTRAINT_CPUSET global_oom, "$mine" numa 903
out 'Out of memory' numa 903
ok 'memory nodes of a cpuset' wait_for 10 said 'process 903 .*some memory nodes were out of memory'

# in pieces: a line is only taken when it is whole
head_ pieces
verdict CONSTRAINT_MEMCG "oom_memcg=$mine," "$mine" split 904
seq=$((seq + 1))
line="4,$seq,$((seq * 10)),-;Memory cgroup out of memory: Killed process 904 (split) total-vm:900kB, anon-rss:400kB, UID:0 oom_score_adj:0"
for ((i = 0; i < ${#line}; i += 20)); do
    printf '%s' "${line:i:20}" >&7
done
printf '\n SUBSYSTEM=x\n' >&7
ok 'a record in pieces is one' wait_for 10 said 'process 904 \(split, 400 KiB\): the job.s limit'

head_ gap
seq=$((seq + 7))
out 'Memory cgroup out of memory' lossy 905
ok 'a gap inside a report is told with it' wait_for 10 said 'process 905 .*7 records of its report are lost'
ok 'and by itself' wait_for 10 said 'overwritten before it was read: 7 records are lost'

# a flood, a job's kill in its middle, and the warden answers meanwhile
(
    for ((i = 0; i < 20000; i++)); do
        seq=$((seq + 1)); printf '6,%d,%d,-;eth0: noise\n' "$seq" $((seq * 10))
        [ $i -eq 10000 ] || continue
        head_ swimmer >/dev/null; seq=$((seq + 1))
        verdict CONSTRAINT_MEMCG "oom_memcg=$mine," "$mine" diver 906; seq=$((seq + 1))
        out 'Memory cgroup out of memory' diver 906; seq=$((seq + 1))
    done >&7
) & flood=$!
ok 'the warden answers while it is flooded' mw jobs
wait $flood
ok 'a kill in a flood is found' wait_for 20 said 'process 906 \(diver'
is 'each was told once' "$(records | grep -c 'kernel itself has killed process')" 5

for i in $(seq 40); do
    out 'Memory cgroup out of memory' "again$i" $((1000 + i)) </dev/null
done
ok 'many at once are counted' wait_for 10 test "$(records | grep -c 'itself has killed')" -lt 46

exec 7>&-
ok 'a log that ends is said' wait_for 10 grep -q "kernel's log cannot be read any more" "$TMP/warden.log"
ok 'and the warden goes on' mw jobs
done_testing
