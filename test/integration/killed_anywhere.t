# killed_anywhere.t - killed before any call that changes something, while a job is being
# killed or grown, the warden leaves it to failsafe, or to the next warden, which leave
# nobody asleep and nothing behind, and have every record.  What else may fail, and in
# which rungs, is for test/faults, which takes an hour.
# runs: v1 v2
# in-vm: newest-v2
# takes: 110 s
. "$(dirname "$0")/../lib/tap.sh"

points='kill,kill:failsafe grow,kill:restart'
# a VM, where each call takes its time to be traced: those that matter most
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || points=kill,kill:failsafe
for point in $points; do
    "$MW_SRC/test/faults" --only "${point#*,}" "${point%,*}" >"$TMP/said" 2>&1
    is "${point#*,} in ${point%,*}" $? 0
    sed 's/^/# /' "$TMP/said"
    like 'there were points' "$(cat "$TMP/said")" ' [1-9][0-9]* points tried'
done
done_testing
