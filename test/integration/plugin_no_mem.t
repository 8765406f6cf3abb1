#!/usr/bin/env bash
# runs: v1
# A job without memory of its own (memory not consumable) is registered with no
# reservation: the warden gives it its share, never everything.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"
. "$MW_SRC/test/lib/warden.sh"

pool=/sys/fs/cgroup/memory/slurm_mw$$n1     # as cluster_start will name its node
reserved () {
    jq -r --arg k "$1" 'select(.job == $k and .event == "registered") | .text' \
        "$WARDEN_STATE/journal.jsonl" | grep -o 'reservation [^,]*'
}
for plugins in spank task; do
    mkdir "$pool" && echo 1000M >"$pool/memory.limit_in_bytes" || exit 1
    cluster_start --plugins $plugins --slurm-conf-line "$(first_job_id)" \
        --slurm-conf-line SelectTypeParameters=CR_CPU 2>"$TMP/start"
    is "$plugins: the cluster comes up" "$?$(cat "$TMP/start")" 0
    export MEMWARDEN_SOCKET=$CLUSTER_SOCKET
    warden_start "pool = \"$pool\"
no-mem-share = \"5%\"
courier { start = false }" || { fail 'the warden comes up'; done_testing; exit; }
    job=$(submit -n2 --wrap true)
    ok 'a job without --mem completes' wait_job "$job" COMPLETED 60
    is 'it had its share of the pool' "$(reserved "$job")" 'reservation 50.0 MiB'
    job=$(submit -n2 --mem=0 --wrap true)
    ok 'so does one with --mem=0' wait_job "$job" COMPLETED 60
    is 'it had its share, too' "$(reserved "$job")" 'reservation 50.0 MiB'
    doctor=$(mw doctor --json | jq -c '.[] | select(.item == "SelectTypeParameters")')
    like 'doctor says so' "$doctor" 'lacks.*CR_CPU.*|CR_CPU.*lacks'
    like 'and what that means' "$doctor" 'nothing to reserve from'
    warden_stop
    cluster_stop
done
done_testing
