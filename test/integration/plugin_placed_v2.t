#!/usr/bin/env bash
# runs: v2
# takes: 52 s
# in-vm: 6.12-v2
# On cgroup v2 what is registered is the job's own directory as Slurm made it;
# slurmstepd stays where it is, and no step has a limit that repeats the job's.
# A recorder is in the warden's place; with a warden, and an OOM: plugin_both.t.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

for plugins in spank task; do
    cluster_start --plugins $plugins --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
    is "$plugins: the cluster comes up" "$?$(cat "$TMP/start")" 0
    recorder_start
    job=$(submit -n2 --mem=200 --wrap 'srun -n2 sleep 1000')
    ok 'the batch step and srun register' wait_registered "$job" 2
    memcg=$(memcg_of "$job")
    # job_ID, and from 26.05 on the SLUID
    like 'the directory is the job itself' "$memcg" 'slurmstepd.scope/[^/]+$'
    is 'the reservation is --mem' "$(told "$job" .reservation)" $((200 << 20))
    is 'the owner is right' "$(told "$job" .uid)" "$(id -u "$CLUSTER_USER")"
    is 'no freezer is needed' "$(freezer_of "$job")" ''
    for step in batch 0; do
        is "step $step: no limit of its own" \
            "$(cat "$memcg/step_$step/user/memory.max" "$memcg/step_$step/user/memory.high" | tr '\n' ' ')" 'max max '
        ok "step $step: slurmstepd is in its place" \
            grep -q . "$memcg/step_$step/slurm/cgroup.procs"
    done
    is "the job's limit stands" "$(cat "$memcg/memory.max")" $((200 << 20))
    scancel "$job"
    ok 'the job ends' wait_job "$job" CANCELLED 60
    recorder_stop
    cluster_stop
done

# The owner is known by the tasks, not by a directory of theirs: where nobody
# constrains memory none is given to the user, nor anywhere in 24.11 and later.
cluster_start --plugins task --no-memcg --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
is "without memory constrained: the cluster comes up" "$?$(cat "$TMP/start")" 0
recorder_start
for as in '' --root; do
    # shellcheck disable=SC2086
    job=$(submit $as --mem=200 --wrap 'sleep 1000')
    ok 'a job registers' wait_registered "$job" 1
    is 'the owner is right' "$(told "$job" .uid) $(told "$job" .gid)" \
        "$([ -n "$as" ] && echo 0 0 || echo "$(id -u "$CLUSTER_USER") $(id -g "$CLUSTER_USER")")"
    scancel "$job"
    ok 'the job ends' wait_job "$job" CANCELLED 60
done
done_testing
