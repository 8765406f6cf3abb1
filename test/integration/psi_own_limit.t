# psi_own_limit.t - what a job at its own limit has to read in again is no sign of
# the node's, however little is left there; what others have to is one
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

head -c 1 /proc/pressure/memory >/dev/null 2>&1 || skip_all 'this kernel has no PSI'
# The stalls and refaults are real.  That the node looks for memory, too, and has
# little left, is said by files of ours; the job brings its own up to date after each
# 40 MiB, which is much less than what would be a sign.
cat >"$TMP/vmstat.sh" <<'END'
refaults=$(awk '/^workingset_refault(_file)? / { print $2; exit }' /proc/vmstat)
printf 'pgscan_direct %d\nworkingset_refault_file %d\n%-4000s' "${EPOCHREALTIME%.*}" \
    $((refaults + $(cat "$1/others"))) '' |
    dd of="$1/vmstat" bs=8192 conv=notrunc iflag=fullblock status=none
echo "$refaults" >"$1/refaults"
END
echo 0 >"$TMP/others"
bash "$TMP/vmstat.sh" "$TMP"
first=$(cat "$TMP/refaults")
put_meminfo 4096 600
warden_sees "$TMP/meminfo" /proc/meminfo "$TMP/vmstat" /proc/vmstat
warden_start 'node-reserve = "100M"
psi = "some 4ms/2s"
node-ladder = "kill"
courier { start = false }' || exit 1
log () { grep -Eq -- "$1" "$TMP/warden.log"; }

run_job reader --priority 900 --reservation 32M --limit 32M -- bash -c '
    dd if=/dev/zero of="$0/file" bs=1M count=40 status=none
    until [ -e "$0/stop" ]; do cat "$0/file" >/dev/null; bash "$0/vmstat.sh" "$0"; done' "$TMP"
reader=$!
run_job hog --priority 100 --reservation 32M --limit 128M -- "$TOUCHMEM" --size 64M --stop-file "$TMP/never"
hog=$!
must 'the jobs have their memory' wait_for 30 grep -q touched "$TMP/hog.out"
must 'tasks stall' wait_for 60 log 'tasks wait for memory \(PSI'
windows=$((SECONDS + 10))   # what does not happen has to be given its time
many () { [ $SECONDS -ge $windows ] && [ $(($(cat "$TMP/refaults") - first)) -gt 200000 ]; }
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
