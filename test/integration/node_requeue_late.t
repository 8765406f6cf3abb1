#!/usr/bin/env bash
# runs: v1 native
# The node cannot wait for a controller that is away: the job that was to be
# suspended and then requeued is killed soon, and it is requeued nevertheless when
# the controller is back.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

pool=/sys/fs/cgroup/memory/slurm_mw$$n1     # as cluster_start will name its node
mkdir "$pool" && echo 200M >"$pool/memory.limit_in_bytes" || exit 1
cluster_warden_start "pool = \"$pool\"
node-ladder = \"suspend@10m,requeue,kill\"
max-burst = \"x8\"" --plugstack-args 'max_burst=x8' \
    --cgroup-conf-line AllowedRAMSpace=800 ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

go=$CLUSTER_DIR/out/go
job=$(submit --requeue --mem=60 --mem-burst=400M --on-oom=kill \
    --wrap "[ -n \"\$SLURM_RESTART_COUNT\" ] && exit 0
            exec $CLUSTER_BIN/touchmem --size 140M --stay 600")
# needs its reservation: as long as it waits for it the pool is full
other=$(submit --mem=120 --on-oom=kill \
    --wrap "while [ ! -e $go ]; do sleep 0.1; done
            exec $CLUSTER_BIN/touchmem --size 100M")
must 'one job is over its reservation' \
    wait_for 30 grep -q touched "$CLUSTER_DIR/out/$job.out"
must 'another is within its own' wait_for 30 journal_has "$other" registered
slurmctld_stop
touch "$go"
must 'the pool is full: the first is held' wait_for 20 journal_has "$job" held
must 'its requeue is asked for' wait_for 20 journal_has "$job" step:requeue
must 'it is killed' wait_for 20 journal_has "$job" step:kill
must 'the other has its memory' \
    wait_for 20 grep -q touched "$CLUSTER_DIR/out/$other.out"
slurmctld_start
requeued () { [ "$(job_field "$job" Restarts)" = 1 ]; }
must 'the controller is back: it is requeued' wait_for 60 requeued
ok 'and completes' wait_job "$job" COMPLETED 60
done_testing
