#!/usr/bin/env bash
# runs: v1
# takes: 45 s
# Where Slurm makes no memory cgroup, each job has one of ours, shared by all its
# steps and gone after it, and its OOM there is handled.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"
. "$MW_SRC/test/lib/warden.sh"

# cgroups_of JOB: ours, in every hierarchy
cgroups_of () { ls -d /sys/fs/cgroup/*/memwarden/job_"$1" 2>/dev/null; }
_gone () { [ -z "$(cgroups_of "$1")" ]; }

try () {    # PLUGINS PROCTRACK FREEZER-ERE
    local job memcg
    cluster_start --plugins "$1" --no-memcg --slurm-conf-line "$(first_job_id)" \
        --slurm-conf-line "ProctrackType=proctrack/$2" 2>"$TMP/start"
    is "$1, proctrack/$2: the cluster comes up" "$?$(cat "$TMP/start")" 0
    export MEMWARDEN_SOCKET=$CLUSTER_SOCKET
    warden_start 'ladder = "kill"
courier { start = false }' || { fail 'the warden comes up'; done_testing; exit; }
    job=$(submit -n3 --mem=100 --wrap 'srun --exact --mem=40 -n2 sleep 1000 & srun --exact --mem=40 -n1 sleep 1000 & wait')
    ok 'a job is registered' wait_for 30 journal_has "$job" registered
    memcg=$(last_state "$job" memory)
    is 'in a directory of ours' "$memcg" "/sys/fs/cgroup/memory/memwarden/job_$job"
    like 'with a freezer' "$(last_state "$job" freezer)" "$3"
    # srun -n2 may be step 0 or 1
    _tasks () { [ "$(cat "$memcg"/step_[01]/cgroup.procs | wc -l)" = 3 ]; }
    ok 'every task of its steps is in it' wait_for 30 _tasks
    like 'and the batch script' "$(sed 's|.*|/proc/&/comm|' "$memcg/step_batch/cgroup.procs" |
        xargs cat)" slurm_script
    # a task is one by name until it execs
    _no_stepd () { [ "$(slurmstepds "$memcg")" = 0 ]; }
    ok 'no slurmstepd is' wait_for 10 _no_stepd
    is 'the owner is right' "$(last_state "$job" spec.uid)" "$(id -u "$CLUSTER_USER")"
    scancel "$job"
    ok 'the job ends' wait_job "$job" CANCELLED 30
    install -m 755 "$TOUCHMEM" "$CLUSTER_DIR/out/touchmem"
    oom=$(submit --mem=64 --wrap 'srun ./touchmem --size 200M')
    ok 'a job that takes more than --mem comes to its end' wait_for 60 job_over "$oom"
    # the task plugin alone knows --mem by the limit that Slurm has set, here none
    if [ "$1" = task ]; then
        is 'it had its share of the node' "$(job_state "$oom")" COMPLETED
    else
        ok 'it was killed by its ladder' wait_for 20 journal_has "$oom" step:kill
    fi
    is 'the kernel has not been there first' "$(journal_count "$oom" kernel-kill)" 0
    unlike 'no step was refused' "$(cat "$TMP/warden.log")" 'not registered|another memcg'
    # a process that outlived its step leaves an empty one for the next to remove
    as_user srun --mem=50 true >"$TMP/srun" 2>&1
    ok 'and their cgroups are gone' wait_for 20 _gone "$job"
    ok 'both' wait_for 20 _gone "$oom"
    warden_stop
    cluster_stop
}
try spank cgroup '/freezer/slurm_.*/job_'
try task cgroup '/freezer/slurm_.*/job_'
try both linuxproc '/freezer/memwarden/job_'
try task linuxproc '/freezer/memwarden/job_'
done_testing
