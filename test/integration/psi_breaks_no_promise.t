# psi_breaks_no_promise.t - where tasks stall and MemAvailable is only close to the
# reserve, nobody within the reservation has to give; where it is below it, somebody
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

head -c 1 /proc/pressure/memory >/dev/null 2>&1 || skip_all 'this kernel has no PSI'
# the stalls are real; what the node says of itself are files of ours
vmstat () { put "$TMP/vmstat" "pgscan_direct ${EPOCHREALTIME%.*}"; }
put_meminfo 1024 120
vmstat
warden_sees "$TMP/meminfo" /proc/meminfo "$TMP/vmstat" /proc/vmstat
warden_start 'node-reserve = "100M"
psi = "some 4ms/2s"
node-ladder = "kill"
courier { start = false }' || exit 1
log () { grep -Eq -- "$1" "$TMP/warden.log"; }
stalled () { awk '/^some/ { sub (".*=", ""); print }' /proc/pressure/memory; }

run_job reader --priority 900 --reservation 32M --limit 32M -- bash -c '
    dd if=/dev/zero of="$0/file" bs=1M count=96 status=none
    until [ -e "$0/stop" ]; do cat "$0/file" >/dev/null; done' "$TMP"
reader=$!
run_job within --priority 100 --reservation 128M --limit 128M -- \
    "$TOUCHMEM" --size 64M --stop-file "$TMP/never"
within=$!
must 'the job has its memory' wait_for 30 grep -q touched "$TMP/within.out"
must 'tasks stall' wait_for 60 log 'tasks wait for memory \(PSI'
from=$(stalled)
windows=$((SECONDS + 10))   # what does not happen has to be given its time
more () { vmstat; [ $SECONDS -ge $windows ] && [ $(($(stalled) - from)) -gt 500000 ]; }
must 'they go on with that while the node looks for memory, too' wait_for 60 more
unlike 'close to the reserve nobody has to give' "$(cat "$TMP/warden.log")" 'out of memory'
touch "$TMP/stop"
wait $reader; is 'nor who stalls' $? 0
put_meminfo 1024 60
wait $within; is 'below it even so' $? 137
like 'and is told that a promise was broken' "$(mw why within)" 'within its reservation'
done_testing
