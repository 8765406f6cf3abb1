# nested_slurm_v1.t - in a step that begins when the job's OOM has been taken over,
# its user makes a memory cgroup, limited to less than the job: the kernel kills
# there, the job hears of it and goes on
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' || exit 1
cat >"$CLUSTER_DIR/out/nest.sh" <<END
#!/bin/bash
cd "/sys/fs/cgroup/memory\$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)" || exit 9
mkdir mine mine/inner && echo 16M >mine/memory.limit_in_bytes || exit 9
(echo \$BASHPID >mine/inner/cgroup.procs && exec $CLUSTER_BIN/touchmem --size 40M)
echo "it ended with \$?"
END
chmod 755 "$CLUSTER_DIR/out/nest.sh"
job=$(submit --mem=60 --on-oom='hold@10m,kill' --wrap 'srun ./nest.sh')
ok 'the job completes' wait_job "$job" COMPLETED 90
like 'its nested process was killed' "$(cat "$CLUSTER_DIR/out/$job.out")" 'it ended with 137'
like 'by the kernel, which the job is told' "$(mw why "$job")" 'limit below the job.s was reached.*/mine is not'
done_testing
