# step_reclaim.t - pages of a job that has more than its reservation are pushed out
# to swap while the node is short of memory, and nobody is killed for it; what
# cannot be pushed out, or where there is no swap, goes to the next step.
# runs: v1 v2 swap
# alone
# takes: 73 s
# in-vm: 6.12-v2 6.12-swap qemu-6.1-swap
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

swap=$(awk '/^SwapFree/ { print $2 }' /proc/meminfo)

if [ "$swap" -eq 0 ]; then
    warden_start
    run_job "none$$" --reservation 32M --limit 32M --on-oom 'reclaim,kill' -- \
        "$TOUCHMEM" --size 64M
    wait $!; is 'without swap the next step is taken' $? 137
    like 'and why is said' "$(mw why "none$$")" \
        'reclaim is not available on this node: there is no free swap'
    done_testing
    exit
fi

# of what is available now, 200 MiB to the jobs: the rest is the node's reserve.  So
# near to it everything stalled would be a second sign.
available=$(awk '/^MemAvailable/ { print int ($2 / 1024) }' /proc/meminfo)
warden_start "courier { start = false }
psi = \"off\"
node-reserve = \"$((available - 200))M\"
node-ladder = \"reclaim,kill\""

run_job "cold$$" --reservation 20M --limit 160M --priority 100 -- \
    "$TOUCHMEM" --size 130M --stop-file "$TMP/end"
cold=$!
wait_for 60 grep -q touched "$TMP/cold$$.out"
ok 'a job has more than its reservation' grep -q touched "$TMP/cold$$.out"
run_job "warm$$" --reservation 120M --limit 160M -- \
    "$TOUCHMEM" --size 110M --stop-file "$TMP/end"
warm=$!
ok 'another fills the node: pages of the first are pushed out' \
    wait_for 60 journal_has "cold$$" 'step:reclaim'
ok 'and that is enough' wait_for 60 journal_has "cold$$" resolved
out=$(mw why "cold$$")
like 'how much is said' "$out" '[1-9][0-9.]* MiB of it pushed out; it uses .* and [1-9][0-9.]* MiB of swap'
ok 'the other gets its memory' wait_for 60 grep -q touched "$TMP/warm$$.out"
touch "$TMP/end"
wait $warm; is 'and completes' $? 0
wait $cold; is 'the first completes too' $? 0
unlike 'nobody was killed' "$(journal_events "cold$$") $(journal_events "warm$$")" ':kill'

# Locked memory cannot be pushed out, and at its own limit a job is in its OOM.  Not
# on v1: what the kernel pushes out there may be what rseq(2) needs, for which it does
# not let the job sleep; it sends SIGSEGV, before anybody hears of an OOM.
if [ ! -d /sys/fs/cgroup/memory ]; then
    run_job "locked$$" --reservation 48M --limit 48M --on-oom 'reclaim,kill' -- \
        "$TOUCHMEM" --size 100M --lock
    wait $!; is 'no progress: the next step is taken' $? 137
    like 'and said' "$(mw why "locked$$")" 'pushed out; it uses'
fi
done_testing
