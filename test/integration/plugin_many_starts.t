#!/usr/bin/env bash
# runs: v1
# Jobs that are all started at once on one node start, all of them, with both
# plugins and their warden (Slurm 24.11 loses half of them where a plugin has the
# hook job_prolog, see HACKING.md).  MW_STARTS: how many
# (400 is what the figures there are of; 100 is what a test has the time for).
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"

starts=${MW_STARTS:-100}
plugins=${MW_PLUGINS:-both}
cluster_start --plugins "$plugins" --cpus "$starts" --memory $((starts * 4)) \
    --slurm-conf-line MaxArraySize=$((starts + 1)) 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
if [ "$plugins" != none ]; then
    warden_start 'courier { start = false }'
    is 'the warden comes up' "$?" 0
fi
mkdir -m 777 "$CLUSTER_DIR/out/ran"
begin=$SECONDS
# shellcheck disable=SC2016
array=$(submit --array=1-"$starts" --mem=4 -n1 \
    --wrap ': >ran/$SLURM_ARRAY_TASK_ID')
ran () { find "$CLUSTER_DIR/out/ran" -type f | wc -l; }
_all_ran () { [ "$(ran)" = "$starts" ]; }
wait_for "${MW_STARTS_TIME:-500}" _all_ran
is "all of $starts jobs that start at once run" "$(ran)" "$starts"
echo "# array $array: $(ran) of $starts after $((SECONDS - begin)) s"
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
