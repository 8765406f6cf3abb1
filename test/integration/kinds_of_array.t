#!/usr/bin/env bash
# kinds_of_array.t - of an array with %N never more than N members run, also while
# members are killed or requeued for their memory, and each comes to the end that its
# ladder says.
# runs: v1 v2
# takes: 74 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

# begin SBATCH-ARG…: six members, two at a time, each of which says how many run as
# it begins, and is over its limit in its first run
begin () {
    array=$(submit --array=1-6%2 --mem=40 "$@" --wrap "
        squeue -h -r -t R,S -j \$SLURM_ARRAY_JOB_ID | wc -l \
            >$CLUSTER_DIR/out/run.\$SLURM_ARRAY_JOB_ID.\$SLURM_JOB_ID.\$SLURM_RESTART_COUNT
        exec $CLUSTER_BIN/touchmem --size 60M")
    until_over "${array}"_{1..6}
}
# how often a member has begun, and the most that ran then
begun () {
    cat "$CLUSTER_DIR/out/run.$array".* | sort -n | awk '{ n++ } END { print n, $1 }'
}
ends_of_all () { for i in 1 2 3 4 5 6; do end_of "${array}_$i"; done | sort | uniq -c | xargs; }

killed () {
    begin
    ends 'killed: their ends' "$(ends_of_all)"
    ends 'killed: two at a time' "$(begun)"
}
alone_and_with killed 'ladder = "kill"'

begin --requeue --on-oom=requeue=x2,kill
is 'requeued: each runs twice, and completes' "$(ends_of_all)" '6 COMPLETED 0:0 1'
is 'requeued: two at a time' "$(begun)" '12 2'
begin --requeue --on-oom=hold@2s,requeue=x2,kill
is 'held and requeued: each runs twice, and completes' "$(ends_of_all)" \
    '6 COMPLETED 0:0 1'
is 'held and requeued: two at a time' "$(begun)" '12 2'
begin --on-oom=grow=100M@1m,kill
is 'grown: each completes' "$(ends_of_all)" '6 COMPLETED 0:0 0'
is 'grown: two at a time' "$(begun)" '6 2'
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
