#!/usr/bin/env bash
# runs: v1 v2
# takes: 41 s
# A job that memwarden kills or requeues, suspended or not, never leaves a
# slurmstepd behind that waits for UnkillableStepTimeout and drains the node ("Kill
# task failed").  What is rare there (bin/late_join) is the rule here: any SIGKILL
# of ours that meets slurmd's own is seen.  RARE=yes: as it is, and JOBS many.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/drains.sh"

jobs=${JOBS:-4}
[ -n "${RARE:-}" ] || slurmd_joins_late
cluster_warden_start '' --cpus 64 --memory 8000 \
    --slurm-conf-line "UnkillableStepTimeout=$UNKILLABLE" \
    --slurm-conf-line 'SlurmdDebug=debug2' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

# a second run only says so
hogs () {           # LADDER: as many, one after the other; in $ids
    local i
    ids=
    for ((i = 0; i < jobs; i++)); do
        ids+=" $(submit --requeue --mem=24 --on-oom="$1" --wrap \
            "[ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
            exec $CLUSTER_BIN/touchmem --size 100M")"
    done
}
ended () {          # ERE: the state of all of $ids
    local id
    for id in $ids; do _cluster_job_is "$id" "$1" || return 1; done
}

# what is known of those of $ids that have not ended as wanted
not_so () {         # ERE
    local id
    for id in $ids; do
        _cluster_job_is "$id" "$1" && continue
        scontrol show job "$id" | grep -E 'JobState|ExitCode|Comment'
        mw events | grep "$id" | tail -n 20
        grep "$id" "$CLUSTER_DIR/log/slurmctld.log" "$COURIER_LOG" | tail -n 20
    done | sed 's/^/# /'
}

for ladder in ${LADDERS:-suspend@3s,kill suspend@3s,requeue,kill kill requeue,kill}; do
    hogs "$ladder"
    case $ladder in
        *requeue*) want=COMPLETED ;;
        *) want=OUT_OF_MEMORY ;;
    esac
    ok "$ladder: all end as $want" wait_for $((60 + jobs * 4)) ended "$want" || not_so "$want"
    harmless "$ladder"
    echo "# $(date +%T) $ladder: $jobs jobs"
done
done_testing
