# psi_swap_full.t - nothing is recorded or made up: the node's memory and swap fill,
# tasks stall, and on these two signs the job over its reservation has to give,
# before the kernel kills anybody
# runs: swap
# takes: 100 s
# in-vm: qemu-6.12-swap
# vm-only
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ -n "${MW_IN_VM:-}" ] || skip_all 'only a VM may run out of memory'
[ -b "$MW_VM_SWAP" ] || skip_all 'there is no disk for swap here'

kills () { dmesg | grep -c 'Killed process'; }
mib () { awk -v k="$1:" '$1 == k { print int ($2 / 1024) }' /proc/meminfo; }
kills=$(kills)    # of other tests of this boot
# little swap, and most of the memory in use already: it takes less time
swapoff "$MW_VM_SWAP" 2>/dev/null
mkswap "$MW_VM_SWAP" 262144 >/dev/null && swapon "$MW_VM_SWAP" || exit 1
at_exit 'swapoff "$MW_VM_SWAP"; mkswap "$MW_VM_SWAP"; swapon "$MW_VM_SWAP"'
"$TOUCHMEM" --lock --size "$(($(mib MemAvailable) - 400))M" \
    --stop-file "$TMP/stop" >"$TMP/system.out" &
system=$!
at_exit "kill -9 $system; wait $system"
echo -1000 >"/proc/$system/oom_score_adj"
ok 'the system uses most of the memory' wait_for 120 grep -q touched "$TMP/system.out"

# without a reserve MemAvailable alone starts nothing
warden_start 'node-reserve = "0%"
psi = "some 4ms/500ms"
node-ladder = "kill"
max-burst = "x64"
courier { start = false }' || exit 1
run_job high --priority 900 --reservation 100M --limit 100M -- \
    "$TOUCHMEM" --size 60M --stop-file "$TMP/stop"
high=$!
run_job busy --priority 900 --reservation 64M --limit 64M -- bash -c '
    until [ -e "$0/stop" ]; do "$1" --size 16M >/dev/null || exit; done' "$TMP" "$TOUCHMEM"
busy=$!
ok 'a job within its reservation has its memory' wait_for 60 grep -q touched "$TMP/high.out"
# from full swap to the kernel there are some 20 MiB: slowly there, so that it does not
# depend on how quick the machine is who comes first
# shellcheck disable=SC2016
run_job hog --priority 100 --reservation 32M --limit 1G -- bash -c '
    swap_is_full () {
        while read -r k v _; do [ "$k" != SwapFree: ] || break; done </proc/meminfo
        [ "$v" -lt 16384 ]
    }
    "$0" --size "$1" --stop-file "$2/never" &
    until grep -q touched "$2/hog.out"; do sleep 0.1; done
    until swap_is_full; do "$0" --size 4M --stop-file "$2/never" & sleep 0.2; done
    exec "$0" --size 1G --rate 1M' "$TOUCHMEM" "$(($(mib MemAvailable) + 256 - 150))M" "$TMP"
hog=$!
wait $hog; is 'the hog had to give' $? 137
touch "$TMP/stop"
wait $high; is 'the one within its reservation completes' $? 0
wait $busy; is 'so does the one that stalled' $? 0
log=$(cat "$TMP/warden.log")
like 'on two signs' "$log" \
    'node is out of memory \(tasks wait for memory, and (swap is full|what is dropped is read in again)\)'
like 'the hog was chosen' "$(mw why hog)" 'chosen: .*over its reservation of 32.0 MiB'
like 'one for one need' "$log" 'the node has memory again after .* 1 jobs were chosen'
is 'and nobody by the kernel' "$(kills)" "$kills"
done_testing
