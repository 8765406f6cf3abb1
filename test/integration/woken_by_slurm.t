#!/usr/bin/env bash
# woken_by_slurm.t - a job that sleeps suspended in its OOM and is resumed at Slurm by
# somebody else is seen to be, at once: it does not sleep on as Slurm counts its time.
# Without room it is the next rung's turn; where only the kill is left, it is
# suspended again for what is left of its time, once for each time it is resumed.
# runs: v1 v2
# takes: 63 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "20s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
said () { grep -c "job $1: $2" "$TMP/warden.log"; }
said_times () { [ "$(said "$1" "$2")" -ge "$3" ]; }
parked='suspended at the controller'
woken='resumed at Slurm by somebody else'

last=$(submit_hog suspend@10m,kill)
next=$(submit_hog suspend@10m,requeue,kill)
for job in "$last" "$next"; do
    must "job $job sleeps, suspended" wait_for 60 said_times "$job" "$parked" 1
done

scontrol resume "$next"
ok 'without room the next rung is taken: requeued, it runs again' \
    wait_job "$next" COMPLETED 120
is 'once' "$(job_field "$next" Restarts)" 1
is 'it was seen to be resumed, once' "$(said "$next" "$woken")" 1

for n in 1 2; do
    scontrol resume "$last"
    ok "resumed for the $n. time, it is seen" wait_for 60 said_times "$last" "$woken" "$n"
    ok '… and suspended again' wait_for 60 said_times "$last" "$parked" $((n + 1))
    is '… at Slurm' "$(job_state "$last")" SUSPENDED
    is '… and so it says' "$(job_shows "$last" '"\(.suspended) \(.incident.step)"')" 'true suspend'
    ok '… for what is left' [ "$(job_shows "$last" '.incident | .left_ms + .age_ms')" -lt 601000 ]
    is '… seen once' "$(said "$last" "$woken")" "$n"
done
# not taken for our own resume, which slurmd may carry out late
mw set "$last" --limit 70M
ok 'given some room it goes on, and sleeps again' wait_for 60 said_times "$last" "$parked" 4
scontrol resume "$last"
ok 'resumed at once, it is suspended again' wait_for 60 said_times "$last" "$parked" 5
is '… at Slurm' "$(job_state "$last")" SUSPENDED

mw set "$last" --limit 200M
ok 'given room, it goes on and completes' wait_job "$last" COMPLETED 120
done_testing
