# psi_two_signs.t - tasks stall: only when the node itself looks for memory, and
# MemAvailable is close to the reserve, has a job to give; one for one need
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/psi.sh"

# the stalls are real; what the node says of itself are files of ours
meminfo () { put_meminfo 1024 "$1"; }
vmstat () { put "$TMP/vmstat" "$(printf 'pgscan_direct %d\nworkingset_refault_file 7\n' "$1")"; }
meminfo 600
vmstat 1000
psi_warden
# what stalls is the reader, at its own limit
psi_reader
run_job hog --priority 100 --reservation 32M --limit 128M -- "$TOUCHMEM" --size 64M --stop-file "$TMP/never"
hog=$!
run_job other --priority 200 --reservation 32M --limit 128M -- "$TOUCHMEM" --size 64M --stop-file "$TMP/stop"
other=$!
ok 'the jobs have their memory' wait_for 30 grep -q touched "$TMP/hog.out" "$TMP/other.out"
ok 'tasks stall' wait_for 60 log 'tasks wait for memory \(PSI'
meminfo 120         # above the reserve, but close to it
ok 'they go on with that for some windows' wait_for 60 psi_goes_on
unlike 'MemAvailable close to the reserve is not enough' "$(cat "$TMP/warden.log")" 'out of memory'

(n=2000; until [ -e "$TMP/stop" ]; do n=$((n + 100)); vmstat $n; sleep 0.1; done) & scan=$!
wait $hog; is 'the node looks for memory as well: the hog had to give' $? 137
meminfo 600
like 'and it is said why' "$(cat "$TMP/warden.log")" \
    'the node is out of memory \(tasks wait for memory, and MemAvailable is close to the node reserve\)'
ok 'the node has memory again' wait_for 30 log 'the node has memory again after .* 1 jobs were chosen'
touch "$TMP/stop"
wait $scan
wait $other; is 'nobody else had to' $? 0
# shellcheck disable=SC2154    # test/lib/psi.sh
wait "$reader"; is 'not even who stalled' $? 0
done_testing
