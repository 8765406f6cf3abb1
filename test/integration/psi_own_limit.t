# psi_own_limit.t - what a job at its own limit has to read in again is no sign of
# the node's, however little is left there; what others have to is one
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/psi.sh"

# The stalls and refaults are real.  That the node looks for memory, too, and has
# little left, is said by files of ours; the job brings its own up to date after each
# 40 MiB, which is much less than what would be a sign.
vmstat () {     # of the test in the directory $1; nobody else on this machine counts
    local refaults memcg
    memcg=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
    refaults=$(awk '/^total_workingset_refault(_file)? / { print $2; exit }' "$memcg/memory.stat")
    put "$1/vmstat" "pgscan_direct ${EPOCHREALTIME%.*}
workingset_refault_file $((refaults + $(cat "$1/others")))"
    echo "$refaults" >"$1/refaults"
}
export -f put vmstat
echo 0 >"$TMP/others"
put "$TMP/vmstat" 'pgscan_direct 1'
put_meminfo 4096 600
psi_warden

run_job reader --priority 900 --reservation 32M --limit 32M -- bash -c '
    dd if=/dev/zero of="$0/file" bs=1M count=40 status=none
    until [ -e "$0/stop" ]; do cat "$0/file" >/dev/null; vmstat "$0"; done' "$TMP"
reader=$!
run_job hog --priority 100 --reservation 32M --limit 128M -- "$TOUCHMEM" --size 64M --stop-file "$TMP/never"
hog=$!
must 'the jobs have their memory' wait_for 30 grep -q touched "$TMP/hog.out"
must 'tasks stall' wait_for 60 log 'tasks wait for memory \(PSI'
windows=$((SECONDS + 10))   # what does not happen has to be given its time
many () { [ $SECONDS -ge $windows ] && [ "$(cat "$TMP/refaults")" -gt 200000 ]; }
must 'a job at its limit has to read in again 800 MiB and more' wait_for 100 many
unlike 'that is not an OOM of the node' "$(cat "$TMP/warden.log")" 'out of memory'

others () {     # 200 MiB each time
    echo $(($(cat "$TMP/others") + 50000)) >"$TMP/others.new" && mv "$TMP/others.new" "$TMP/others"
    log 'the node is out of memory'
}
must 'others have to, too: it is one' wait_for 60 others
like 'and it is said why' "$(cat "$TMP/warden.log")" \
    'the node is out of memory \(tasks wait for memory, and what is dropped is read in again\)'
wait $hog; is 'the one over its reservation has to give' $? 137
touch "$TMP/stop"
wait $reader; is 'not the one that stalled' $? 0
done_testing
