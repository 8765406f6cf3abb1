#!/usr/bin/env bash
# runs: v1 v2
# takes: 51 s
# The controller is down while a job's ladder says requeue: the job is held at
# once, the ladder goes on after controller-timeout, and the requeue is made good
# when the controller is back.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'controller-timeout = "3s"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
cat >"$CLUSTER_DIR/job.sh" <<END
#!/bin/bash
[ "\${SLURM_RESTART_COUNT:-0}" = 0 ] || { echo "second run"; exit 0; }
while [ ! -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
exec $CLUSTER_BIN/touchmem --size 300M
END
chmod 755 "$CLUSTER_DIR/job.sh"
job=$(submit --mem=60 --on-oom=requeue=x1.5,kill "$CLUSTER_DIR/job.sh")
wait_job "$job" RUNNING 30
ok 'the job is registered' wait_for 20 journal_has "$job" registered
slurmctld_stop
touch "$CLUSTER_DIR/out/go"
ok 'its OOM is detected' wait_for 30 journal_has "$job" detected
ok 'it is held at once' wait_for 10 journal_has "$job" held
ok 'requeue is asked for' wait_for 10 journal_has "$job" asked
ok 'the ladder goes on without the controller: killed' \
    wait_for 60 journal_has "$job" step:kill
left () { find /sys/fs/cgroup -path "*$CLUSTER_NODE*job_$job*" -name cgroup.procs \
    -not -path '*step_extern*' -exec cat {} + 2>/dev/null | while read -r p; do
    tr '\0' ' ' <"/proc/$p/cmdline"; echo; done | grep touchmem; }
gone () { [ -z "$(left)" ]; }
ok 'its memory is free' wait_for 20 gone
doctor () {
    mw doctor --state-dir "$WARDEN_STATE" | grep -Eq "^$1 +courier .*$2"
}
ok 'the doctor tells what keeps the courier' wait_for 60 doctor broken \
    'requests? waits?(, the oldest for [0-9a-z]+)?; .*([Uu]nable to contact|no end in sight)'
slurmctld_start
_requeued () { [ "$(job_field "$job" Restarts)" = 1 ]; }
ok 'the controller is back: the job is requeued' wait_for 120 _requeued
mem=$(job_field "$job" MinMemoryNode)
ok "with more memory ($mem)" test "${mem%M}" -gt 60
ok 'its second run completes' wait_job "$job" COMPLETED 120
ok 'the doctor has nothing to tell' wait_for 30 doctor ok ''
is 'the courier has said once that it was away' \
    "$(grep -c 'the controller is away' "$COURIER_LOG")" 1
like 'it was the second run' "$(cat "$CLUSTER_DIR/out/$job.out")" 'second run'
done_testing
