# huge_pages.t - a job is refused huge pages by the hugetlb controller: its stderr, why and
# events say so, with its use and its limit; on v2 at once, on v1 at its end
# runs: v1 v2
# takes: 60 s
# in-vm: qemu-6.12 qemu-6.1-swap
# vm-only
# User Mode Linux has no huge pages.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ -n "${MW_IN_VM:-}" ] || skip_all 'needs huge pages of its own'

echo 16 >/proc/sys/vm/nr_hugepages
[ "$(cat /proc/sys/vm/nr_hugepages)" -ge 8 ] || { fail 'the kernel has huge pages'; done_testing; exit; }
v1=/sys/fs/cgroup/memory
if [ -d $v1 ]; then
    mkdir -p /sys/fs/cgroup/hugetlb
    mountpoint -q /sys/fs/cgroup/hugetlb || mount -t cgroup -o hugetlb hugetlb /sys/fs/cgroup/hugetlb
else
    echo '+memory +hugetlb' >/sys/fs/cgroup/cgroup.subtree_control
fi
warden_start 'courier { start = false }' || exit 1
# the pool is there with its first job, and hands the controller down
if [ ! -d $v1 ]; then
    run_job first$$ --reservation 64M -- "$TOUCHMEM" --size 1M --stop-file "$TMP/first.stop"
    must 'a job is there' wait_for 60 journal_has first$$ registered
    must 'the pool hands hugetlb down' bash -c "echo +hugetlb >/sys/fs/cgroup/$WARDEN_POOL/cgroup.subtree_control"
fi
cat >"$TMP/huge.py" <<'END'
import mmap, os, sys, time
def wait(name):
    while not os.path.exists(sys.argv[1] + name): time.sleep(0.05)
wait('.go')
# MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB
m = mmap.mmap(-1, 4 << 20, flags=0x40022)
m[0] = m[2 << 20] = 1
print('has two', flush=True)
try:
    mmap.mmap(-1, 4 << 20, flags=0x40022 | 0x4000)[0] = 1
except OSError as e:
    print('refused', e.errno, flush=True)
wait('.stop')
END
if [ -d $v1 ]; then     # whoever wants a limit there makes it before
    huge=/sys/fs/cgroup/hugetlb/$WARDEN_POOL/j$$ limit=hugetlb.2MB.limit_in_bytes
    mkdir -p "$huge"
    at_exit "rmdir -p '$huge'"
fi
run_job j$$ --reservation 64M -- bash -c "ulimit -c 0; python3 '$TMP/huge.py' '$TMP/j'; echo ended with \$?"
job=$!
must 'the job runs' wait_for 60 journal_has j$$ registered
dir=$(job_shows j$$ .memory)
if [ -d $v1 ]; then
    while read -r p; do echo "$p" >"$huge/cgroup.procs"; done <"$dir/cgroup.procs"
else
    huge=$dir limit=hugetlb.2MB.max
fi
must 'it has a limit of huge pages' bash -c "echo $((4 << 20)) >'$huge/$limit'"
touch "$TMP/j.go"
must 'it uses what it may' wait_for 60 grep -q 'has two' "$TMP/j$$.out"
if [ ! -d $v1 ]; then
    ok 'it is told at once' wait_for 60 grep -q 'was refused huge pages' "$TMP/j$$.err"
fi
touch "$TMP/j.stop"
wait_end 60 $job
like 'the third it is refused' "$(cat "$TMP/j$$.out")" 'refused 12|ended with 135'
told='was refused huge pages \([0-9]+ times\): it uses [0-9.]+ [MB]i?B? ?in pages of 2MB, and the job.s limit of them is 4.0 MiB'
like 'why has it' "$(mw why j$$)" "$told"
is 'it is no OOM, and nothing was done' "$(journal_events j$$ | grep -Eo 'detected|step|kernel-kill')" ''
is 'it is an event of its own, with numbers' "$(jq -r --arg k j$$ \
    'select(.job == $k and .event == "huge") | "\(.hugetlb.size) \(.hugetlb.limit)"' \
    "$WARDEN_STATE/journal.jsonl" | head -n 1)" "2MB $((4 << 20))"
touch "$TMP/first.stop"
done_testing
