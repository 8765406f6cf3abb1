#!/usr/bin/env bash
# runs: v1 native
# takes: 117 s
# A requeue with more memory also where that was given per CPU, and with no more
# than a node has; what must not be requeued, or cannot, is not, the story says
# why, and its ladder goes on; what its user has requeued meanwhile is run once.
# (--mem, and several times: requeue_twice.t.)
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "3s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
take=$CLUSTER_BIN/touchmem
percpu=$(submit --requeue -n1 -c2 --mem-per-cpu=50 --on-oom=requeue=x1.25,kill \
    --wrap "exec $take --size 110M")
much=$(submit --requeue --mem=60 --on-oom=requeue=x50,kill \
    --wrap "exec $take --size 80M")
never=$(submit --no-requeue --mem=60 --on-oom=requeue=x2,kill \
    --wrap "exec $take --size 80M")
as_user srun --mem=60 -n1 --on-oom=requeue=x2,kill \
    sh -c "echo \$SLURM_JOB_ID; exec $take --size 80M" >"$TMP/srun" 2>"$TMP/srun.err"
inter=$(head -n 1 "$TMP/srun")
ok 'not a batch job: killed' wait_job "$inter" OUT_OF_MEMORY 60
like 'the reason is in its story' "$(mw why "$inter")" 'requeue.*not a batch job'
ok 'one with --no-requeue: killed' wait_job "$never" OUT_OF_MEMORY 90
like 'the reason is in its story' "$(mw why "$never")" '--no-requeue'
is 'it was run once' "$(job_field "$never" Restarts)" 0

ok 'with --mem-per-cpu: runs again, and completes' wait_job "$percpu" COMPLETED 200
is 'with more, rounded up' "$(job_field "$percpu" MinMemoryCPU)" 63M
like 'the answer says so' "$(cat "$COURIER_LOG")" 'requeued with --mem-per-cpu=63M'
ok 'which wants more than the node has: runs again' wait_job "$much" COMPLETED 200
is 'with all it has' "$(job_field "$much" MinMemoryNode)" 2000M

# its requeue is asked for while the courier hangs, and somebody is first
until_go="
    [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
    until [ -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
    exec $take --size 100M"
met=$(submit --requeue --mem=60 --on-oom=requeue,kill --wrap "$until_go")
half=$(submit --requeue --mem=60 --on-oom=requeue=x50,kill --wrap "$until_go")
must 'another runs' wait_for 90 looked_up "$met"
must 'and another' wait_for 90 looked_up "$half"
kill -STOP "$COURIER_PID"
at_exit 'kill -CONT $COURIER_PID'
touch "$CLUSTER_DIR/out/go"
for job in $met $half; do
    must 'its requeue is asked for, and the courier hangs' wait_for 60 \
        journal_has "$job" step:requeue
done
ok 'its user requeues it' as_user scontrol requeue "$met"
ok 'the other is requeued as by a courier that dies before it gives it memory' \
    scontrol requeuehold "$half"
pending () { [ "$(job_state "$1")" = PENDING ]; }
ok 'it is to run again' wait_for 60 pending "$met"
ok 'so is the other' wait_for 60 pending "$half"
kill -CONT "$COURIER_PID"
ok 'the courier finds that done' wait_for 60 \
    grep -qE "$met\..*requeue: requeued already" "$COURIER_LOG"
ok 'it completes' wait_job "$met" COMPLETED 200
is 'in its second run' "$(job_field "$met" Restarts)" 1
ok 'the other, which the courier finds half done, completes' wait_job "$half" COMPLETED 200
is 'with all that its node has' "$(job_field "$half" MinMemoryNode)" 2000M
done_testing
