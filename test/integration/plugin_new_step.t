#!/usr/bin/env bash
# runs: v1 v2
# in-vm: 6.12
# needs: cluster
# Slurm writes the job's limit anew at the start of every step.  Where cgroup.conf
# allows the burst (AllowedRAMSpace), a job that is over its reservation can start
# another step, and nothing of it is harmed; the reservation is still --mem.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

for plugins in spank task; do
    cluster_start --plugins $plugins --slurm-conf-line "$(first_job_id)" \
        --cgroup-conf-line AllowedRAMSpace=300 2>"$TMP/start"
    is "$plugins: the cluster comes up" "$?$(cat "$TMP/start")" 0
    warden_start 'ladder = "kill"
burst = "x3"
courier { start = false }'
    is 'the warden comes up' "$?" 0
    install -m 755 "$TOUCHMEM" "$CLUSTER_DIR/out/touchmem"
    cat >"$CLUSTER_DIR/out/job.sh" <<'END'
#!/bin/bash
./touchmem --size 200M --stop-file stop >touched &
until grep -q 'touched 200' touched; do sleep 0.1; done
srun --overlap -n1 echo the second step ran
touch stop
wait $!; echo the first ended with $?
END
    rm -f "$CLUSTER_DIR/out/stop"
    job=$(submit -n2 --mem=100 "$CLUSTER_DIR/out/job.sh")
    ok 'a job over its reservation completes' wait_job "$job" COMPLETED 120
    like 'it started another step' "$(cat "$CLUSTER_DIR/out/$job.out")" 'second step ran'
    like 'which did no harm' "$(cat "$CLUSTER_DIR/out/$job.out")" 'first ended with 0'
    like 'its reservation was --mem' "$(jq -r --arg k "$job" \
        'select(.job == $k and .event == "registered") | .text' \
        "$WARDEN_STATE/journal.jsonl")" 'reservation 100 MiB, limit 300 MiB'
    is 'the kernel has not killed' "$(journal_count "$job" kernel-kill)" 0
    warden_stop
    cluster_stop
done
done_testing
