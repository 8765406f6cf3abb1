#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# A requeue with more memory: the job comes back with the --mem that was asked
# for, also where it was given per CPU; without --requeue, or not a batch job, it
# is refused with the reason.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'sleep 1000')
percpu=$(submit -n1 -c2 --mem-per-cpu=50 --wrap 'sleep 1000')
never=$(submit --mem=50 --no-requeue --wrap 'sleep 1000')
for j in "$job" "$percpu" "$never"; do wait_job "$j" RUNNING 30; done

is 'requeued with --mem' "$(ask requeue "$job" mem=121)" \
    'ok 0 requeued with --mem=121M'
is 'the controller has the new --mem' "$(job_field "$job" MinMemoryNode)" 121M
is 'asked again: it knows that it was done' \
    "$(ask requeue "$job" mem=121)" 'ok 0 requeued already'
is 'requeued with --mem-per-cpu, rounded up' \
    "$(ask requeue "$percpu" mem=121)" 'ok 0 requeued with --mem-per-cpu=61M'
is 'the controller has the new --mem-per-cpu' \
    "$(job_field "$percpu" MinMemoryCPU)" 61M
is 'a job that must not be requeued: refused' "$(ask requeue "$never")" \
    'no 2037 it was submitted with --no-requeue'
is 'and it still runs' "$(job_state "$never")" RUNNING

as_user srun --mem=50 -n1 sleep 1000 >"$TMP/srun" 2>&1 &
srun=$!
at_exit "kill $srun"
_interactive () { squeue -h -n sleep -t R -o %i | grep .; }
wait_for 30 _interactive
inter=$(_interactive)
like 'not a batch job: refused' "$(ask requeue "$inter")" '^no 2039 .*batch'

ok 'it runs again' wait_job "$job" RUNNING 90
is 'its second run' "$(job_field "$job" Restarts)" 1
is 'with the new memory' "$(job_field "$job" MinMemoryNode)" 121M
like 'more than the node has: all it has' \
    "$(ask requeue "$job" mem=999999 restarts=1)" 'with --mem=2000M$'
done_testing
