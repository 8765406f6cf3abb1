#!/usr/bin/env bash
# runs: v2
# vm-only
# in-vm: forky-v2
# takes: 40 s
# Slurm 26.05 lets the memory of a job that runs be lowered (scontrol update job
# MinMemoryNode=, sbatch --mem-update), and writes its limits then.  The job's
# reservation is what Slurm gives it from then on, its limit is that with its burst, what
# is told of an OOM names that limit; also when no warden was there meanwhile.  A step's
# own, smaller limit stays.  With task/memwarden nobody is killed by being given less, nor
# by a step that starts where the job is above what Slurm limits it to (AllowedRAMSpace).
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

# AllowedRAMSpace is not set: Slurm's own limit is the allocation itself
cluster_warden_start 'burst = "x2"
max-burst = "x4"
ladder = "kill"' --slurm-conf-line "$(first_job_id)" --cgroup-conf-line CgroupSlice=jobs.slice \
    2>"$TMP/start" ||
    { fail 'cluster, warden and courier' "$(cat "$TMP/start")"; done_testing; exit; }
outs=$CLUSTER_DIR/out touch=$CLUSTER_BIN/touchmem
echo "# Slurm $(slurmd -V)"
# reservation and limit, MiB
has () { [ "$(job_shows "$1" '"\(.reservation / 1048576) \(.limit / 1048576)"')" = "$2" ]; }
file () { cat "$(job_shows "$1" .memory)/$2"; }
file_is () { [ "$(file "$1" "$2")" = "$3" ]; }
# update JOB MIB
update () { scontrol update job="$1" MinMemoryNode="$2" 2>>"$TMP/update"; }
updated () { [[ $(job_field "$1" MinMemoryNode) == "$2M" ]] && [[ ! $(job_state "$1") =~ RESIZING ]]; }

# ---- a job with a step of its job's memory, and one of less ----
cat >"$outs/job.sh" <<END
#!/bin/bash
srun --overlap -n1 --mem=50M bash -c 'echo >own; until [ -e go.own ]; do sleep 0.1; done
    exec $touch --size 65M' & a=\$!
srun --overlap -n1 bash -c 'echo >whole; until [ -e go ]; do sleep 0.1; done
    exec $touch --size 115M --stop-file stop' >touched & b=\$!
wait \$a; echo own ended with \$?
wait \$b; echo whole ended with \$?
exec $touch --size 300M
END
job=$(submit -n4 --mem=200 "$outs/job.sh")
must 'a job runs, with both its steps' wait_for 60 eval '[ -e "$outs/own" ] && [ -e "$outs/whole" ]'
ok 'it has what Slurm gives it, and its burst' has "$job" '200 400'
like 'it is in the slice that cgroup.conf names, by its SLUID' "$(job_shows "$job" .memory)" \
    '^/sys/fs/cgroup/jobs\.slice/.*_slurmstepd\.scope/s[0-9A-Za-z]+$'
ok 'Slurm gives it less' update "$job" 100
ok 'its reservation and limit follow' wait_for 60 has "$job" '100 200'
is 'as the kernel has them' "$(file "$job" memory.high) $(file "$job" memory.low)" \
    "$((200 << 20)) $((100 << 20))"
touch "$outs/go"
ok 'above the new allocation, below the limit, it goes on' \
    wait_for 60 grep -q 'touched 115' "$outs/touched"
is 'nothing has happened to it' "$(journal_count "$job" detected)" 0
like 'it was told' "$(cat "$outs/$job.err")" \
    "job $job: Slurm gives it 100 MiB now instead of 200 MiB: reservation 100 MiB, limit 200"

# ---- less than it uses: Slurm's own limit would be 60 MiB ----
must 'Slurm has done that' wait_for 60 updated "$job" 100
update "$job" 60
refused () { grep -q 'stays as it is, since it uses' "$outs/$job.err" "$CLUSTER_DIR"/log/*; }
ok 'less than it uses is refused' wait_for 60 refused
ok 'also by Slurm' wait_for 60 updated "$job" 100
ok 'and by the warden' has "$job" '100 200'
update "$job" 150
is 'more than it has Slurm refuses itself' "$?" 1

# ---- a step's start, for which Slurm would write its 100 MiB ----
as_user timeout $((60 * ${MW_SLOW:-1})) srun --jobid="$job" --overlap -n1 true >"$TMP/srun" 2>&1
is 'above what Slurm limits it to no other step starts' "$(($? > 0))" 1
ok "the reason comes to the job's stderr" wait_for 60 grep -Eq \
    "job $job: its step [0-9]+ cannot start: Slurm sets the job's limit to 100 MiB .*AllowedRAMSpace" \
    "$outs/$job.err"
is 'srun says what Slurm made of it' "$(grep -c 'error' "$TMP/srun")" 1
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'

# ---- the limits that are hit ----
touch "$outs/go.own"
ok 'the step over its own limit is killed' wait_for 60 grep -q 'own ended with 137' "$outs/$job.out"
like 'which is named' "$(cat "$outs/$job.err")" "step $job.[01] reached its limit of 50.0 MiB"
touch "$outs/stop"
ok 'the job over its new limit is killed' wait_job "$job" OUT_OF_MEMORY 60
like 'not its other step' "$(cat "$outs/$job.out")" 'whole ended with 0'
like 'the limit that was hit is named' "$(cat "$outs/$job.err")" \
    "job $job reached its limit of 200 MiB .reservation 100 MiB"
is 'the kernel has killed nobody' "$(dmesg | grep -c 'oom-kill:')" 0

# ---- while no warden is there ----
job=$(submit --mem=200 --wrap "echo >begun; until [ -e end ]; do sleep 0.1; done
    exec $touch --size 150M")
must 'another job runs' wait_for 60 eval '[ -e "$outs/begun" ]'
dir=$(job_shows "$job" .memory)
warden_stop
update "$job" 100
given () { [ "$(cat "$dir/memory.high")" = $((100 << 20)) ]; }
ok 'Slurm gives it less while the warden is away' wait_for 60 given
warden_start
ok 'the next one follows' wait_for 60 has "$job" '100 200'
touch "$outs/end"
ok 'and it completes' wait_job "$job" COMPLETED 60
is 'the kernel has killed nobody then' "$(dmesg | grep -c 'oom-kill:')" 0
done_testing
