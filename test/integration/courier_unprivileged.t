#!/usr/bin/env bash
# runs: v1 native
# Started by root, the courier goes on as its configured user, with that user's
# rights and groups only, and does for a job in its OOM what that user may; where
# the controller refuses it, the job's story says what would be right, and the
# job's ladder does not wait.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

n=$(id -u nobody) g=$(id -g nobody)
# shellcheck disable=SC2034    # cluster_warden.sh
COURIER_USER=nobody
cluster_warden_start '' || { fail 'cluster, warden and courier'; done_testing; exit; }
status () { sed -n "s/^$1:\t*//p" "/proc/$COURIER_PID/status" | xargs; }
is 'it is its user' "$(status Uid)" "$n $n $n $n"
is 'and group' "$(status Gid)" "$g $g $g $g"
is 'with no other group' "$(status Groups)" "$g"
is 'and no capability' "$(status CapEff)" 0000000000000000

root=$(submit --root --mem=60 --on-oom=suspend@1h,kill \
    --wrap "exec $CLUSTER_BIN/touchmem --size 80M")
right="uid $n, which must be SlurmUser or an operator"
ok "it may not suspend root's job" wait_for 90 grep -qE \
    "job $root: the controller does not suspend it .*$right.*held here" "$TMP/warden.log"
ok 'which is held all the same' journal_has "$root" held
is 'and runs for the controller' "$(job_state "$root")" RUNNING
ok 'it goes on when it has room' mw set "$root" --limit 200M
ok 'and completes' wait_job "$root" COMPLETED 60
like 'why says what would be right' "$(mw why "$root")" "$right"
doctor () {
    "$MEMWARDEN" doctor --state-dir "$WARDEN_STATE" | grep -E '^[a-z/]+ +courier '
}
like 'so does the doctor' "$(doctor)" "^broken .* works as nobody .* $right"
own=$(submit --requeue --mem=60 --on-oom=requeue=x2,kill \
    --wrap "exec $CLUSTER_BIN/touchmem --size 80M")
ok "its own user's job is requeued, and completes" wait_job "$own" COMPLETED 200
is 'with more memory' "$(job_field "$own" MinMemoryNode)" 120M
like 'and the doctor has nothing to tell then' "$(doctor)" '^ok '
done_testing
