# node_memory.t - no pool: the node's own memory runs out at full speed; the hog goes,
# the larger one within its reservation stays, and the kernel need not kill
# runs: v1 v2
# takes: 51 s
# in-vm: 6.12-v2 6.1-v1
# memory: 1G
# vm-only
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ -n "${MW_IN_VM:-}" ] || skip_all 'only a VM may run out of memory'

[ -d /sys/fs/cgroup/memory ] || echo +memory >/sys/fs/cgroup/cgroup.subtree_control
read -r total available < <(awk '/^MemTotal|^MemAvailable/ {
    printf "%d ", $2 / 1024 }' /proc/meminfo)
half=$((available / 2))
kills () { dmesg | grep -c 'Killed process'; }
before=$(kills)
# nothing is set that would help: limits as large as the node
warden_start 'node-ladder = "kill"
max-burst = "x64"
courier { start = false }' || exit 1

# a bystander: no job, and the kernel's favourite
"$TOUCHMEM" --size 32M --stop-file "$TMP/stop" >"$TMP/bystander.out" &
bystander=$!
echo 1000 >/proc/$bystander/oom_score_adj
run_job innocent --priority 100 --reservation "$((half + 100))M" -- \
    "$TOUCHMEM" --size "${half}M" --stop-file "$TMP/stop"
innocent=$!
must 'the innocent has half of the node' wait_for 60 grep -q touched "$TMP/innocent.out"
must 'the bystander has its memory' wait_for 60 grep -q touched "$TMP/bystander.out"
run_job hog --priority 900 --reservation 64M --limit "${total}M" -- \
    "$TOUCHMEM" --size "$((total - 64))M"
wait_end 30 $!; is 'the hog was killed' $? 137
is 'not by the kernel' "$(kills)" "$before"
ok 'the innocent is still there' kill -0 $innocent
ok 'the bystander, too' kill -0 $bystander
touch "$TMP/stop"
wait_end 12 $innocent; is 'the innocent completes' $? 0
wait_end 12 $bystander; is 'and the bystander' $? 0
unlike 'nothing has happened to the innocent' "$(journal_events innocent)" 'detected|step'
like 'why of the hog' "$(mw why hog)" \
    'out of memory: chosen: .*over its reservation of 64.0 MiB; priority 900'
like 'why of the innocent' "$(mw why innocent)" 'not chosen: within its reservation.*priority 100'
like 'it was MemAvailable that told' "$(cat "$TMP/warden.log")" \
    'MemAvailable is below the node reserve.*must be freed'
done_testing
