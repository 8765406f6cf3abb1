#!/usr/bin/env bash
# runs: v1 v2
# takes: 93 s
# in-vm: newest-v2
# requeue=x1.5 of a job that needs 200M and asks for 100M: it is run again with
# 150M and then with 225M, and completes.  So it is with either plugin or both,
# without an extern step, and where its user has requeued it before: a run has
# its ladder, whatever its number.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

variants=('both')               # in a VM it takes minutes
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] ||
    variants+=('spank' 'task' 'spank --no-contain' 'task --no-contain')
[ $# -eq 0 ] || variants=("$@")

make_job () {
    cat >"$CLUSTER_DIR/job.sh" <<END
#!/bin/bash
echo "\$SLURM_MEM_PER_NODE" >>$CLUSTER_DIR/out/\$SLURM_JOB_ID.mem
[ -z "\$1" ] || [ -n "\$SLURM_RESTART_COUNT" ] || exec sleep 1000
exec $CLUSTER_BIN/touchmem --size 200M
END
    chmod 755 "$CLUSTER_DIR/job.sh"
}

memory () { tr '\n' ' ' <"$CLUSTER_DIR/out/$1.mem"; }

twice () {                      # VARIANT: two jobs, side by side
    local job users script=$CLUSTER_DIR/job.sh
    make_job
    job=$(submit --requeue --mem=100 "$script")
    users=$(submit --requeue --mem=100 "$script" wait)
    ok "$1: another runs" wait_job "$users" RUNNING 60
    ok "$1: and is registered" wait_for 60 journal_has "$users" registered
    ok "$1: its user requeues it" as_user scontrol requeue "$users"
    ok "$1: the first completes" wait_job "$job" COMPLETED 200
    is "$1: in its third run" "$(job_field "$job" Restarts)" 2
    is "$1: which had more each time" "$(memory "$job")" '100 150 225 '
    ok "$1: the other completes" wait_job "$users" COMPLETED 200
    is "$1: in its fourth run" "$(job_field "$users" Restarts)" 3
    is "$1: which had more from the second on" "$(memory "$users")" \
        '100 100 150 225 '
}

for v in "${variants[@]}"; do
    # shellcheck disable=SC2086
    if cluster_warden_start 'ladder = "requeue=x1.5,kill"' --plugins $v; then
        twice "$v"
    else
        fail "$v: cluster, warden and courier"
    fi
    cluster_courier_stop
    warden_stop
    cluster_stop
    rm -rf "$WARDEN_STATE"
done
done_testing
