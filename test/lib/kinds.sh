# kinds.sh - the same jobs under Slurm alone and with memwarden, and their ends
#
#   alone_and_with FUNCTION 'CONF LINES' [cluster_start's options…]
#                       FUNCTION in a cluster without anything of ours, and then
#                       in one with plugins, warden and courier, which stays;
#                       $with is empty in the first one
#   ends NAME TEXT      the first time keeps, then compares
#   end_of JOB          its state, exit code and number of restarts
#   until_over JOB…     all have ended
#
# Source after tap.sh.

. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"
with=
declare -A _alone

ends () {
    if [ -z "$with" ]; then
        _alone[$1]=$2
    else
        is "$1: as with Slurm alone (${_alone[$1]})" "$2" "${_alone[$1]}"
    fi
}

end_of () {
    echo "$(job_state "$1") $(job_field "$1" ExitCode) $(job_field "$1" Restarts)"
}

_over () {
    local job
    for job; do
        [[ $(job_state "$job") =~ ^(RUNNING|PENDING|COMPLETING|SUSPENDED|REQUEUED|)$ ]] &&
            return 1
    done
    return 0
}
# A node that is drained runs none of them: slurmd of 22.05 has been seen to wait in vain
# for a requeued job's prolog ("REQUEST_LAUNCH_PROLOG notification failed").
_over_or_drained () { _over "$@" || [[ $(sinfo -h -o '%T') == *drain* ]]; }
until_over () {
    wait_for 240 _over_or_drained "$@" && _over "$@" && return 0
    fail 'all come to their end' "$(sinfo -h -o '%T %E'; squeue -h -t all -o '%i %T %r')"
}

alone_and_with () {
    local function=$1 lines=$2; shift 2
    with=
    cluster_start "$@" --slurm-conf-line "$(first_job_id)" ||
        { fail 'a cluster comes up'; done_testing; exit 1; }
    CLUSTER_BIN=$CLUSTER_DIR/bin
    mkdir "$CLUSTER_BIN" && install -m 755 "$TOUCHMEM" "$CLUSTER_BIN/"
    $function
    cluster_stop
    with=yes
    cluster_warden_start "$lines" "$@" --slurm-conf-line "$(first_job_id)" ||
        { fail 'cluster, warden and courier'; done_testing; exit 1; }
    $function
}
