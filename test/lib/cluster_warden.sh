# cluster_warden.sh - a cluster with our plugins, a warden and a courier
#
#   cluster_warden_start 'CONF LINES' [cluster_start's options…]
#   submit_hog LADDER   a job that wants 100M and asks for 60M; run again, it ends
#   looked_up JOB       has the controller told of it, its run's number included?
#
# Source tap.sh first.  Beside cluster.sh's and warden.sh's functions there are
# COURIER_PID, COURIER_LOG; jobs find touchmem in $CLUSTER_BIN.  The courier is
# root, the cluster's SlurmUser, unless COURIER_USER says otherwise.

. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
COURIER_PID=
COURIER_LOG=$TMP/courier.log

cluster_courier_stop () {
    [ -z "$COURIER_PID" ] || { kill "$COURIER_PID"; wait "$COURIER_PID"; }
    COURIER_PID=
} 2>/dev/null

# there may have been one before: each says it once
_couriers_ready () { [ "$(grep -c ': ready' "$COURIER_LOG")" -gt "$1" ]; }
cluster_courier_start () {
    local before
    before=$(grep -cs ': ready' "$COURIER_LOG")
    "${MW_SBIN:-$MW_BUILD/handler}/memwarden-courier" --foreground \
        --config "$WARDEN_CONF" >>"$COURIER_LOG" 2>&1 &
    COURIER_PID=$!
    wait_for 20 _couriers_ready "${before:-0}"
}

submit_hog () {
    submit --requeue --mem=60 --on-oom="$1" --wrap "
        [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
        exec $CLUSTER_BIN/touchmem --size 100M"
}

looked_up () { grep -q "[ ]$1\.[0-9]*\.lookup: {" "$COURIER_LOG"; }

cluster_warden_start () {
    local lines=$1; shift
    cluster_start --plugins both "$@" || return 1
    CLUSTER_BIN=$CLUSTER_DIR/bin
    mkdir "$CLUSTER_BIN" && install -m 755 "$TOUCHMEM" "$CLUSTER_BIN/" || return 1
    export MEMWARDEN_SOCKET=$CLUSTER_SOCKET
    warden_start "$lines
courier {
    user = \"${COURIER_USER:-root}\"
    slurm-conf = \"$SLURM_CONF\"
}" || return 1
    at_exit cluster_courier_stop
    cluster_courier_start
}
