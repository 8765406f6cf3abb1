#!/usr/bin/env bash
# evidence_slurm.t - a hook that is run as the job, of a job of Slurm's: it is in that
# job's memory cgroup, by its owner, about a rank of its step; the job goes on when that
# rank is killed, and completes; nothing of the hook keeps Slurm from removing what it
# has made.  Of a job of root's it is run as root, who has no capability then.
# runs: v1 v2
# in-vm: newest-v2
# takes: 30 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cat >"$TMP/who" <<'END'
#!/bin/sh
sed -n 's/^Uid:[[:space:]]*//p; /^CapEff/p' /proc/self/status | tr -s '\t' ' '
grep -E 'memory|^0::' /proc/self/cgroup
tr '\0' ' ' <"/proc/$MEMWARDEN_PID/cmdline"
END
chmod 755 "$TMP/who"
cluster_warden_start "evidence-dir = \"$TMP/evidence\"
hook who { path = \"$TMP/who\" as = \"job\" }" ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
eat=$CLUSTER_BIN/touchmem
cat >"$CLUSTER_DIR/ranks.sh" <<END
#!/bin/bash
srun -n2 --kill-on-bad-exit=0 --wait=0 bash -c '[ \$SLURM_PROCID = 0 ] && exec $eat --size 10M; exec $eat --size 400M'
echo the step ended with \$?
END
uid=$(id -u "$CLUSTER_USER")
job=$(submit -n2 --mem=100 --oom-reserve=100M --on-oom='dump=who:largest@30s,kill=largest,kill' "$CLUSTER_DIR/ranks.sh")
ok 'the job completes without the rank' wait_job "$job" COMPLETED 90
out=$(mw why "$job")
like 'the hook is run as its owner' "$out" "hook \"who\" done: $uid $uid $uid $uid"
like 'without capabilities' "$out" 'dump: CapEff: 0000000000000000'
like 'in the job'"'"'s memory cgroup' "$out" "dump: [0-9]+:[a-z,]*:/.*job_$job|dump: 0::/.*slurmstepd.scope/.*/task_[0-9]+ "
like 'about the rank that leaks' "$out" 'dump: .*touchmem --size 400M'
like 'which is a process of its step' "$out" 'and stops, process [0-9]+ \(touchmem, step 0, task 1\)'
like 'and was killed then' "$out" 'SIGKILL to process [0-9]+ \(touchmem, step 0, task 1\)'
gone () { [ -z "$(find /sys/fs/cgroup -type d -path "*/job_$job*" 2>/dev/null)" ]; }
ok 'Slurm has removed its cgroups' wait_for 30 gone
node_idle () { [ "$(node_state)" = idle ]; }
ok 'the node is idle' wait_for 30 node_idle

job=$(submit --root --mem=60 --oom-reserve=60M --on-oom='dump=who@30s,kill' --wrap "exec $eat --size 100M")
ok 'a job of root'"'"'s ends' wait_for 90 journal_has "$job" resolved
out=$(mw why "$job")
like 'its hook is root'"'"'s' "$out" 'hook "who" done: 0 0 0 0'
like 'without capabilities' "$out" 'dump: CapEff: 0000000000000000'
done_testing
