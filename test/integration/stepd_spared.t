#!/usr/bin/env bash
# stepd_spared.t - a slurmstepd that is in its job's memory cgroup, as each is for a
# moment at its step's launch, is not killed with the job: it sees to the job's end
# and removes its cgroups, whatever the distribution calls its program.
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' || { fail 'cluster, warden and courier'; done_testing; exit 1; }
# With the reserve open a slurmstepd has room for its threads beside the hog.
job=$(submit --mem=40 --oom-reserve=40M --on-oom=hold@1h,signal=USR1@1s,kill --wrap "
    trap : USR1
    $CLUSTER_BIN/touchmem --size 44M --stay 0 &
    while [ -e /proc/\$! ]; do wait \$!; done")
must 'a job is held' wait_for 60 journal_has "$job" held
memory=$(echo /sys/fs/cgroup/memory/slurm*_"$CLUSTER_NODE"/uid_*/job_"$job"/step_batch)
freezer=${memory%/step_batch} freezer=${freezer/memory/freezer}
for stepd in $(cat "$freezer/cgroup.procs"); do
    grep -q "\[$job.batch\]" "/proc/$stepd/cmdline" && break
done
like 'its slurmstepd' "$(readlink "/proc/$stepd/exe")" '/slurmstepd'
ok '… is in its memory cgroup, as at the launch' \
    sh -c "echo $stepd >'$memory/cgroup.procs'"
ok 'the job is to go on' mw resume "$job"
ok 'and is killed' wait_job "$job" OUT_OF_MEMORY 60
gone () { [ ! -d "$freezer" ] && [ ! -d "/proc/$stepd" ]; }
ok 'its slurmstepd removes its cgroups and ends' wait_for 60 gone
like '… as always' "$(cat "$CLUSTER_DIR"/log/slurmd*.log)" "\[$job.batch\] done with job"
done_testing
