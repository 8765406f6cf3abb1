#!/usr/bin/env bash
# runs: v1 v2 systemd
# in-vm: 6.12-systemd
# The throw-away cluster of test/lib/cluster.sh runs users' and root's jobs, and
# nothing of it is left afterwards: no process, no cgroup, no file.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"

cluster_start --nodes 2 2>"$TMP/start"
is 'a cluster of two nodes comes up' "$?$(cat "$TMP/start")" 0
dir=$CLUSTER_DIR nodes=$CLUSTER_NODES

job=$(submit -N2 --mem=50 --wrap 'id -un; srun -n2 hostname')
ok 'a job of an unprivileged user completes' wait_job "$job" COMPLETED 60
like 'it ran as that user' "$(head -n 1 "$dir/out/$job.out")" '^nobody$'
root=$(submit --root --mem=50 --wrap 'id -un')
ok "a job of root's completes" wait_job "$root" COMPLETED 60
is 'it ran as root' "$(cat "$dir/out/$root.out")" root

like 'who asks for it where no warden is learns its node from Slurm itself' \
    "$(MEMWARDEN_SOCKET=$TMP/none "$MW_BUILD/handler/memwarden" why "$root" 2>&1)" \
    "job $root is on [a-z0-9]*: ask there, as by  ssh $(job_field "$root" NodeList) memwarden why $root\$"

slurmctld_stop
unlike 'slurmctld_stop: the controller is away' "$(scontrol ping 2>&1)" 'UP'
ok 'slurmctld_start: it is back' slurmctld_start
is 'and knows its jobs' "$(job_state "$job")" COMPLETED

busy=$(submit --mem=50 --wrap 'sleep 1000')
ok 'one job still runs' wait_job "$busy" RUNNING 30
ports=$(sed -n 's/.*Port=\([0-9]*\).*/\1/p' "$dir/slurm.conf")
cluster_stop
is 'after cluster_stop: its directory is gone' "$(ls -d "$dir" 2>&1)" \
    "ls: cannot access '$dir': No such file or directory"
for node in $nodes; do
    is "no cgroup of $node is left" \
        "$(find /sys/fs/cgroup -maxdepth 3 -name "*$node*")" ''
done
left=
for p in /proc/[0-9]*; do
    tr '\0' '\n' 2>/dev/null <"$p/environ" | grep -q "^SLURM_CONF=$dir" &&
        left+=" $(cat "$p/comm")"
done
is 'no process of it is left' "$left" ''
for port in $ports; do
    is "port $port is free" \
        "$(grep ":$(printf %04X "$port") .* 0A " /proc/net/tcp)" ''
done
done_testing
