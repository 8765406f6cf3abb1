#!/usr/bin/env bash
# suspended_by_slurm.t - a job that Slurm itself suspends (an admin, preemption, gang)
# while memwarden has it in hand is Slurm's to resume: we do not let it go on, its
# ladder waits, and has the time that was left when Slurm resumes it.
# runs: v1 v2
# takes: 105 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "20s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
for_s=$((12 * ${MW_SLOW:-1}))
begin () {
    submit --mem=60 --on-oom="hold@${1}s,kill" --wrap \
        "exec $CLUSTER_BIN/touchmem --size 100M"
}
said () { grep -q "job $1: $2" "$TMP/warden.log"; }
stopped () { [ "$(job_state "$1")" = SUSPENDED ] && frozen "$1"; }

# each holds longer than the one after it, which is the clock
room=$(begin $for_s) again=$(begin $for_s)
for job in "$room" "$again"; do
    must "job $job is held" wait_for 60 journal_has "$job" held
    scontrol suspend "$job"
done
clock=$(begin $for_s)
for job in "$room" "$again"; do
    ok "job $job: Slurm's suspend is seen" wait_for 60 said "$job" 'suspended at Slurm by somebody'
    is "job $job: and told" "$(job_shows "$job" .slurm_suspended)" true
done
ok 'one that Slurm lets alone is killed at its time' wait_job "$clock" OUT_OF_MEMORY 120
for job in "$room" "$again"; do
    ok "job $job: that of the suspended one has not passed" stopped "$job"
    ok "job $job: it has some left" [ "$(job_shows "$job" .incident.left_ms)" -gt 0 ]
done

mw set "$room" --limit 200M
like 'with room now it still is not resumed' "$(job_shows "$room" '"\(.held) \(.slurm_suspended)"')" 'true true'
ok '… nor thawed' stopped "$room"
is 'nor for who asks us to' "$(mw resume "$room" >/dev/null 2>&1 && echo yes)" ''
warden_restart
ok 'nor by a new warden' stopped "$room"
scontrol resume "$room"
ok 'resumed at Slurm it goes on, and completes' wait_job "$room" COMPLETED 120

scontrol resume "$again"
ok 'resumed at its limit it is held again' wait_for 60 said "$again" 'Slurm has resumed it'
is '… and so it says' "$(job_shows "$again" '"\(.held) \(.slurm_suspended)"')" 'true false'
ok '… and killed when the rest of its time is over' wait_job "$again" OUT_OF_MEMORY 120
done_testing
