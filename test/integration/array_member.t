#!/usr/bin/env bash
# runs: v1 v2
# An OOM of one member of a job array concerns that member alone, also where its
# raw job id is the array's: it alone is killed, suspended and resumed, or
# requeued with more memory, and told.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'max-burst = "x1"' --cpus 16 ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
go=$CLUSTER_DIR/out/go
# begin LADDER: an array of three, each of which takes what $go.ID says, when
# that is there; sets array and, of its members, whole (which has the array's
# id), part (which has not) and other
begin () {
    array=$(submit --array=0-2 --requeue --mem=50 --on-oom="$1" --wrap "
        f=$go.\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID
        until [ -s \$f ]; do sleep 0.2; done
        exec $CLUSTER_BIN/touchmem --size \$(cat \$f)")
    must "$1: three members run" wait_for 120 all_registered
    whole=
    for m in 0 1 2; do [ "$(raw_of $m)" != "$array" ] || whole=$m; done
    must 'one of them has the id of the array' test -n "$whole"
    part=$(((whole + 1) % 3)) other=$(((whole + 2) % 3))
}
raw_of () { job_field "${array}_$1" JobId; }
all_registered () {
    local m
    for m in 0 1 2; do looked_up "$(raw_of $m)" || return 1; done
}
let_take () { echo "$2" >"$go.tmp" && mv "$go.tmp" "$go.${array}_$1"; }
# states: of whole, part and other
states () {
    echo "$(job_state "${array}_$whole") $(job_state "${array}_$part")" \
        "$(job_state "${array}_$other")"
}
becomes () { wait_for 90 states_are "$1"; }
states_are () { [ "$(states)" = "$1" ]; }

begin kill
let_take "$whole" 100M
ok 'the one with the id of the array is killed, alone' \
    becomes 'OUT_OF_MEMORY RUNNING RUNNING'
let_take "$part" 100M
ok 'so is another' becomes 'OUT_OF_MEMORY OUT_OF_MEMORY RUNNING'
let_take "$other" 10M
ok 'the third one completes' becomes 'OUT_OF_MEMORY OUT_OF_MEMORY COMPLETED'
is 'each as after an OOM' "$(job_field "${array}_$whole" ExitCode) $(
    job_field "${array}_$part" ExitCode)" '0:125 0:125'
comment_of () { scontrol show job -o "${array}_$1" | grep -o 'Comment=memwarden.*'; }
for m in $whole $part; do
    like "the comment of $m is its own" "$(comment_of "$m")" "job $(raw_of "$m"): .*killed"
done
is 'the third one has none' "$(comment_of "$other")" ''

begin suspend@1h,kill
let_take "$part" 60M
ok 'one is suspended, alone' becomes 'RUNNING SUSPENDED RUNNING'
let_take "$whole" 60M
ok 'so is the one with the id of the array' becomes 'SUSPENDED SUSPENDED RUNNING'
ok 'that one is given room' mw set "$array" --limit 100M
ok 'it completes, the other stays suspended' becomes 'COMPLETED SUSPENDED RUNNING'
ok 'that one is given room' mw set "$(raw_of "$part")" --limit 100M
ok 'it completes, too' becomes 'COMPLETED COMPLETED RUNNING'
let_take "$other" 10M

begin requeue=x2,kill
mem_of () { job_field "${array}_$1" MinMemoryNode; }
runs () { for m in $whole $part $other; do job_field "${array}_$m" Restarts; done | xargs; }
let_take "$whole" 80M
ok 'the one with the id of the array is run again, and completes' \
    becomes 'COMPLETED RUNNING RUNNING'
is 'it alone' "$(runs)" '1 0 0'
let_take "$part" 80M
ok 'so is another' becomes 'COMPLETED COMPLETED RUNNING'
is 'it alone' "$(runs)" '1 1 0'
is 'with more memory, which the third one has not' \
    "$(mem_of "$whole") $(mem_of "$part") $(mem_of "$other")" '100M 100M 50M'
let_take "$other" 10M
ok 'which completes in its first run' becomes 'COMPLETED COMPLETED COMPLETED'
# a line for one that has ended meanwhile is late
is 'nothing else was refused' "$(grep -v notify: "$COURIER_LOG" | grep -cE 'cannot|since')" 0
done_testing
