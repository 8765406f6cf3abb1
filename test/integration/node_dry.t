# node_dry.t - all memory is gone but the kernel's last pages: the node's, and that of
# the warden's own memcg.  The warden still decides, records and kills, and the kernel
# need not
# runs: v1 v2
# takes: 40 s
# in-vm: 6.12-v2 6.1-v1
# memory: 1G
# vm-only
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ -n "${MW_IN_VM:-}" ] || skip_all 'only a VM may run out of memory'

root=/sys/fs/cgroup/memory max=memory.limit_in_bytes current=memory.usage_in_bytes
[ -d $root ] || { root=/sys/fs/cgroup max=memory.max current=memory.current
    echo +memory >$root/cgroup.subtree_control; }
kills () { dmesg | grep -c 'Killed process'; }
# page faults that had to wait for a disk
faults () { awk '{ sub(/.*\) /, ""); print $10 }' "/proc/$WARDEN_PID/stat"; }
before=$(kills)
warden_start 'node-ladder = "kill"
max-burst = "x64"
courier { start = false }' || exit 1
guard=$(guard_of "$WARDEN_PID")
# absent PID: KiB of its own program that it would have to read from a disk
absent () {
    awk -v p="$(readlink "/proc/$1/exe")" '/^[0-9a-f]+-[0-9a-f]+ / { own = $6 == p }
        own && $1 == "Size:" { n += $2 } own && $1 == "Rss:" { n -= $2 } END { print n }' "/proc/$1/smaps"
}
is 'all of the program is in memory' "$(absent "$WARDEN_PID")" 0
is 'so is the guard'"'"'s' "$(absent "$guard")" 0

# ---- the node's -------------------------------------------------------------
# No job takes it, and none wants more, so that no timer and no stall tells of it.
# Takes all that is available while the warden sleeps, and stays; never the kernel's choice
cat >"$TMP/ballast.py" <<'END'
import ctypes, os, signal, sys
M = 1 << 20
def available():
    with open('/proc/meminfo') as f:
        return next(int(l.split()[1]) for l in f if l.startswith('MemAvailable'))
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.mlockall(3)
with open('/proc/self/oom_score_adj', 'w') as f: f.write('-1000')
pids = [int(p) for p in sys.argv[2:]]
for p in pids: os.kill(p, signal.SIGSTOP)
while available() > 2048:
    libc.memset(libc.mmap(None, M, 3, 0x22, -1, 0), 1, M)
left = available()
for p in reversed(pids): os.kill(p, signal.SIGCONT)
print('left', left, flush=True)
# where nothing comes of it the test is not to wait for ever
if not signal.sigtimedwait([], 60 * int(os.environ.get('MW_SLOW', '1'))): open(sys.argv[1], 'w')
signal.pause()
END
run_job spare --priority 100 --reservation 64M -- "$TOUCHMEM" --size 32M --stop-file "$TMP/stop"
spare=$!
run_job hog --priority 900 --reservation 64M --limit 512M -- \
    "$TOUCHMEM" --size 200M --stop-file "$TMP/stop"
hog=$!
must 'one has its memory' wait_for 60 grep -q touched "$TMP/spare.out"
must 'and the other' wait_for 60 grep -q touched "$TMP/hog.out"
# what has not been used yet is not in memory any more, but for what is locked there
sync; echo 3 >/proc/sys/vm/drop_caches
had=$(faults)
python3 "$TMP/ballast.py" "$TMP/stop" "$guard" "$WARDEN_PID" >"$TMP/ballast" 2>&1 &
ballast=$!
wait "$hog"                 # no process is started while there is no memory for it
is 'of a dry node the job over its reservation is killed' $? 137
like 'when next to nothing was left' "$(cat "$TMP/ballast")" '^left [0-9]{1,4}$'
kill "$ballast"
is 'not by the kernel' "$(kills)" "$before"
is 'the warden has not waited for a disk' "$(faults)" "$had"
ok 'the job within its reservation is there' kill -0 $spare
like 'it is on record' "$(journal_events hog)" 'node detected:kill (step:kill )+resolved'
like 'and why it was it' "$(mw why hog)" 'chosen: .*over its reservation of 64.0 MiB; priority 900'
touch "$TMP/stop"
wait_end 30 $spare; is 'which completes' $? 0

# ---- the warden's own memcg ---------------------------------------------------
warden_stop
own=$root/mwt$$.own
at_exit "rmdir '$own'"
mkdir "$own"
echo $$ >"$own/cgroup.procs"
warden_start
echo $$ >"$root/cgroup.procs"
run_job greedy --reservation 32M --limit 32M --on-oom kill -- \
    bash -c "until [ -e '$TMP/go' ]; do sleep 0.1; done; exec '$TOUCHMEM' --size 128M"
greedy=$!
must 'a job is registered' wait_for 60 journal_has greedy registered
cat "$own/$current" >"$own/$max"
echo "# its memcg: $(cat "$own/$current") of $(cat "$own/$max")"
touch "$TMP/go"
wait_end 30 $greedy; is 'without a page left to it, it kills' $? 137
ok 'and records' wait_for 30 journal_has greedy resolved
is 'the kernel has killed nobody' "$(kills)" "$before"
ok 'it goes on' kill -0 "$WARDEN_PID"
warden_stop
done_testing
