#!/usr/bin/env bash
# runs: v1
# needs: cluster
# A job without memory of its own (memory not consumable) is registered with no
# reservation: the warden gives it its share, never everything.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

for plugins in spank task; do
    cluster_start --plugins $plugins --slurm-conf-line "$(first_job_id)" \
        --slurm-conf-line SelectTypeParameters=CR_CPU 2>"$TMP/start"
    is "$plugins: the cluster comes up" "$?$(cat "$TMP/start")" 0
    recorder_start
    job=$(submit -n2 --wrap true)
    ok 'a job without --mem completes' wait_job "$job" COMPLETED 60
    is 'registered with no reservation' "$(told "$job" .reservation)" 0
    job=$(submit -n2 --mem=0 --wrap true)
    ok 'so does one with --mem=0' wait_job "$job" COMPLETED 60
    is 'with no reservation either' "$(told "$job" .reservation)" 0
    recorder_stop
    cluster_stop
done
done_testing
