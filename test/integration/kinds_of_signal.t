#!/usr/bin/env bash
# kinds_of_signal.t - sbatch --signal=B:USR1@TIME, that is before the job's time is
# over, is for its script: sent while the job is held in its OOM it is not lost, the
# script hears it when it goes on; and a job that is suspended there, whose time
# stands still, is sent it then.  Each ends as under Slurm alone.
# runs: v1 v2
# in-vm: newest-v2
# takes: 129 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

# the signal comes at the first look at the jobs' times, each 30 s
timed () {
    submit --mem=40 -t 10 --signal=B:USR1@600 "$@" --wrap "
        trap 'echo told; exit 3' USR1
        echo \$\$
        $CLUSTER_BIN/touchmem --size $size --stay 0 & wait"
}
out () { cat "$CLUSTER_DIR/out/$1.out"; }
end () { echo "$(out "$1" | grep told) $(end_of "$1")"; }
# USR1 is the 10th: has the script of JOB been sent it?
sent () {
    local mask
    mask=$(sed -n 's/^ShdPnd:\s*//p' "/proc/$(out "$1" | head -n 1)/status")
    [ $((0x$mask & 0x200)) -ne 0 ]
}

signals () {
    local plain
    plain=$(timed)
    until_told "$plain"
    ends 'its script is told' "$(end "$plain")"
}
until_told () { ok 'it ends' wait_job "$1" FAILED 120; }
size=20M
alone_and_with signals ''

size=60M
hold=$(timed --on-oom=hold@1h,kill)
susp=$(timed --on-oom=suspend@1h,kill)
kill=$(timed --on-oom=hold@1h,kill)
for j in $hold $kill; do must 'one is held' wait_for 60 journal_has "$j" held; done
must 'one is suspended' wait_job "$susp" SUSPENDED 60
for j in $hold $kill; do ok 'it is sent to one that is held' wait_for 120 sent "$j"; done
ok 'not to one whose time stands still' eval ! sent "$susp"
for j in $hold $susp; do
    ok 'it is given room' mw set "$j" --limit 100M
    until_told "$j"
    is 'its script is told' "$(end "$j")" 'told FAILED 3:0 0'
done
done_testing
