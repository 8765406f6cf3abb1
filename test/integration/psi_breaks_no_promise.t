# psi_breaks_no_promise.t - where tasks stall and MemAvailable is only close to the
# reserve, nobody within the reservation has to give; where it is below it, somebody
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/psi.sh"

# the stalls are real; what the node says of itself are files of ours
vmstat () { put "$TMP/vmstat" "pgscan_direct ${EPOCHREALTIME%.*}"; }
put_meminfo 1024 120
vmstat
psi_warden

psi_reader
run_job within --priority 100 --reservation 128M --limit 128M -- \
    "$TOUCHMEM" --size 64M --stop-file "$TMP/never"
within=$!
must 'the job has its memory' wait_for 30 grep -q touched "$TMP/within.out"
must 'tasks stall' wait_for 60 log 'tasks wait for memory \(PSI'
must 'they go on with that while the node looks for memory, too' wait_for 60 psi_goes_on vmstat
unlike 'close to the reserve nobody has to give' "$(cat "$TMP/warden.log")" 'out of memory'
touch "$TMP/stop"
# shellcheck disable=SC2154    # test/lib/psi.sh
wait "$reader"; is 'nor who stalls' $? 0
put_meminfo 1024 60
wait $within; is 'below it even so' $? 137
like 'and is told that a promise was broken' "$(mw why within)" 'within its reservation'
done_testing
