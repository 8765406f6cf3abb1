# drains.sh - what a job's end leaves on its node
#
#   slurmd_joins_late      before cluster_start: what is rare at a step's end (a
#                          SIGKILL of ours that meets slurmd's own) is the rule
#                          (bin/late_join)
#   harmless NAME          no slurmstepd is left, none was given up, the node is idle
#
# Source cluster_warden.sh first.  UNKILLABLE is for slurm.conf: its
# UnkillableStepTimeout, in seconds.

UNKILLABLE=20

# slurmd alone, whose slurmsteps have it from there
slurmd_joins_late () {
    mkdir "$TMP/bin"
    cat >"$TMP/bin/slurmd" <<END
#!/bin/sh
LATE_JOIN_MS=500 LD_PRELOAD=${LATE_JOIN:-$MW_BUILD/test/bin/.libs/late_join.so} \
    exec $(command -v slurmd) "\$@"
END
    chmod 755 "$TMP/bin/slurmd"
    PATH=$TMP/bin:$PATH
}

_stepds () {
    local p
    for p in $(pgrep -x slurmstepd); do
        grep -zqsx "SLURM_CONF=$SLURM_CONF" "/proc/$p/environ" && return
    done
    return 1
}
_no_stepds () { ! _stepds; }
_idle () { [ "$(node_state)" = idle ]; }

harmless () {
    # twice the time: Slurm looks at it each second, then each ten
    ok "$1: no slurmstepd is left" wait_for $((2 * UNKILLABLE)) _no_stepds
    is "$1: none had to be given up" \
        "$(grep -cE 'NOT ENDING WITH SIGNALS|Kill task failed' \
            "$CLUSTER_DIR/log/slurmd-$CLUSTER_NODE.log")" 0
    # slurmctld may still have to hear of the last one's end
    ok "$1: the node is as it was" wait_for 40 _idle
}
