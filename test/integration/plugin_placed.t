#!/usr/bin/env bash
# runs: v1
# What is registered is the job's own directory as Slurm made it, once a step and
# before the first task runs; no slurmstepd is in it, and no step has a limit that
# only repeats the job's.  A recorder is in the warden's place, to see what each step
# tells as it tells it; with a warden, and an OOM: plugin_both.t.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

cluster_start --plugins both --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
recorder_start

cat >"$CLUSTER_DIR/out/job.sh" <<'END'
#!/bin/bash
#SBATCH --mem=200 --oom-priority=300 --mem-burst=x1.5 --oom-reserve=16M
#SBATCH --on-oom=grow@30s,kill
srun -n2 --oom-priority=900 sleep 1000 &
wait
END
job=$(submit -n4 -J 'a"b' "$CLUSTER_DIR/out/job.sh")
ok 'the batch step and the first srun register' wait_registered "$job" 2
is 'the reservation is --mem' "$(told "$job" .reservation)" $((200 << 20))
is 'the priority is the one of sbatch, not of a step' "$(told "$job" .priority)" 300
is 'burst' "$(told "$job" .burst)" x1.5
is 'reserve' "$(told "$job" .reserve)" 16M
is 'ladder' "$(told "$job" .ladder)" 'grow@30s,kill'
is 'the owner' "$(told "$job" .uid)" "$(id -u "$CLUSTER_USER")"
is 'a batch job can be requeued' "$(told "$job" .batch)" true
is 'its name, quote included' "$(told "$job" .name)" 'a"b'
is 'not of an array' "$(told "$job" .array_job_id)" 0
memcg=$(memcg_of "$job")
like 'the directory is the job itself' "$memcg" "/job_$job\$"
like 'so is the freezer' "$(freezer_of "$job")" "/freezer/.*/job_$job\$"
is 'each step hands over the same one' \
    "$(registered "$job" | sed 's/.*} //' | sort -u | wc -l)" 1
# a task is one by name until it execs
_no_stepd () { [ "$(slurmstepds "$memcg")" = 0 ]; }
ok 'no slurmstepd is in it' wait_for 10 _no_stepd
is "the job's limit stands" "$(cat "$memcg/memory.limit_in_bytes")" $((200 << 20))
lifted=
for s in batch extern 0; do
    [ "$(cat "$memcg/step_$s/memory.limit_in_bytes")" -gt $((1 << 60)) ] || lifted+=" $s"
done
is 'the limits of its steps are lifted' "$lifted" ''
is 'the record is for root alone' "$(stat -c '%a %U' "$CLUSTER_DIR/run/jobs" "$CLUSTER_DIR/run/jobs/$job" | tr '\n' ' ')" '700 root 600 root '
scancel "$job"
ok 'the job ends' wait_job "$job" CANCELLED 30
_released () { grep -q "^release \"$job\"" "$RECORD"; }
ok 'and is released' wait_for 20 _released
is 'its record is gone' "$(ls "$CLUSTER_DIR/run/jobs")" ''

# a step with a smaller limit of its own
job=$(submit -n1 --mem=200 --wrap 'srun -n1 --mem=50 sleep 1000')
ok 'a step that asked for less is placed' wait_registered "$job" 2
memcg=$(memcg_of "$job")
is 'it keeps its own limit' "$(cat "$memcg/step_0/memory.limit_in_bytes")" $((50 << 20))
ok 'and is registered beside its job' wait_registered "$job.0" 1
is 'with that limit, to be killed at it alone' \
    "$(told "$job.0" '"\(.of) \(.reservation) \(.burst) \(.ladder) \(.slurm_id)"')" \
    "$job $((50 << 20)) x1 kill 0"
is 'by the directory of its tasks' "$(memcg_of "$job.0") $(freezer_of "$job.0" | sed 's/.*job_/job_/')" \
    "$memcg/step_0 job_$job/step_0"
scancel "$job"

array=$(submit --array=3,7 --mem=50 --wrap 'srun sleep 0')
ok 'an array completes' wait_job "${array}_3" COMPLETED 60
ok 'all of it' wait_job "${array}_7" COMPLETED 60
for t in 3 7; do
    id=$(job_field "${array}_$t" JobId)
    is "task $t is registered by its own id as the array's" \
        "$(told "$id" '"\(.array_job_id) \(.array_task_id)"')" "$array $t"
done
as_user srun -n2 --mem=60 sleep 0 2>/dev/null
is 'srun alone cannot be requeued' "$(grep ^register "$RECORD" | tail -n 1 | sed 's/^register //; s/} .*/}/' | jq -r .batch)" false
done_testing
