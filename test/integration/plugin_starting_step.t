#!/usr/bin/env bash
# plugin_starting_step.t - the slurmstepd of a step that is just being launched is not
# in the memory of a job whose OOM is the warden's: in that OOM it would get ENOMEM,
# die, and leave the step's cgroups behind.  Its tasks are where Slurm puts them.
# runs: v1
# needs: cluster
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"
# since 23.02 a task plugin has no hook in between
case $(slurmd -V) in *' 22.05'*) ;; *) skip_all 'Slurm 22.05 only' ;; esac

cluster_warden_start 'ladder = "kill"' --slurm-conf-line "$(first_job_id)" ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
echo "required $MW_BUILD/test/bin/.libs/stepd_where.so $CLUSTER_DIR/out/where" \
    >>"$CLUSTER_DIR/plugstack.conf"
job=$(submit --mem=100 -n1 --wrap "
    cp where before
    srun -n1 --overlap grep :memory: /proc/self/cgroup
    srun -n1 --overlap --mem=50 grep :memory: /proc/self/cgroup")
ok 'a job with two steps completes' wait_job "$job" COMPLETED 120
cd "$CLUSTER_DIR/out" || exit 1
before=$(wc -l <before)
is 'about to fork, their slurmstepds are out of the memory of the job' \
    "$(tail -n "+$((before + 1))" where | sed 's/.*:memory://')" "$(printf '/\n/')"
is 'and the tasks are in it' "$(sed 's/.*:memory:.*\(job_.*\)/\1/' "$job.out")" \
    "$(printf 'job_%s/step_%d/task_0\n' "$job" 0 "$job" 1)"
done_testing
