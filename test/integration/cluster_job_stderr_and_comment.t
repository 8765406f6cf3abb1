#!/usr/bin/env bash
# runs: v1 v2
# A person is told why: in the job's own standard error, in its comment at the
# controller, and by `memwarden why` in order and with numbers.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
job=$(submit --mem=60 --on-oom=grow=100M@2m,kill \
    --wrap "$CLUSTER_BIN/touchmem --size 110M --free --stop-file $CLUSTER_DIR/out/end")
dead=$(submit --mem=60 --on-oom=kill --wrap "$CLUSTER_BIN/touchmem --size 300M")
libs=$MW_BUILD/lib/.libs
must 'an example of libmemwarden compiles' "${CC:-cc}" -I"$MW_SRC/lib" -o "$CLUSTER_BIN/borrow" \
    "$MW_SRC/contrib/voice/borrow.c" -L"$libs" -lmemwarden -Wl,-rpath,"$CLUSTER_BIN"
must 'and is where jobs are' install -m 755 "$libs/libmemwarden.so.0" "$CLUSTER_BIN"
lent=$(submit --mem=64 --on-oom=kill --wrap "
    export MEMWARDEN_SOCKET='$MEMWARDEN_SOCKET'
    exec $CLUSTER_BIN/borrow 16 90")
ok 'one is grown, and back below its limit' wait_for 60 journal_has "$job" resolved
_comment () { scontrol show job "$1" | grep -q 'Comment=.*job '"$1"; }
ok 'its comment says so' wait_for 20 _comment "$job"
touch "$CLUSTER_DIR/out/end"
ok 'it completes' wait_job "$job" COMPLETED 60
ok 'one that has asked for memory by itself completes' wait_job "$lent" COMPLETED 60
like 'above its limit' "$(cat "$CLUSTER_DIR/out/$lent.out")" 'at the peak: .* lent$'
like 'its stderr says what it was lent' "$(cat "$CLUSTER_DIR/out/$lent.err")" \
    "memwarden: job $lent: lent 10[12] MiB for 10m, as it asked"
is 'and it had no OOM' "$(journal_count "$lent" detected)" 0
ok 'the other one is killed' wait_job "$dead" OUT_OF_MEMORY 60
is 'with the exit code that Slurm gives to an OOM' "$(job_field "$dead" ExitCode)" 0:125

err=$(cat "$CLUSTER_DIR/out/$job.err")
like 'stderr: the limit and the reservation' "$err" \
    "memwarden: job $job reached its limit of 60.* MiB .reservation 60.* MiB"
like 'stderr: what was done' "$err" 'grown|lent'
err=$(cat "$CLUSTER_DIR/out/$dead.err")
like 'stderr of the killed one' "$err" "job $dead reached its limit"
like 'comment of the killed one' "$(scontrol show job "$dead")" 'Comment=.*killed'
why=$(mw why "$dead" 2>&1)
like 'why: the OOM' "$why" 'reached its limit'
like 'why: the end' "$why" 'killed'
like 'why, in order' "$(tr '\n' ' ' <<<"$why")" 'reached its limit.*killed'
why=$(as_user "$MEMWARDEN" why "$job" 2>&1)
like 'why, as the job owner' "$why" 'reached its limit'
unlike 'why of a job that is not there' "$(mw why 999999 >/dev/null 2>&1; echo $?)" '^0$'
done_testing
