# cluster_warden.sh - a cluster with our plugins, a warden and a courier
#
#   cluster_warden_start 'CONF LINES' [cluster_start's options…]
#
# Source tap.sh first.  Beside cluster.sh's and warden.sh's functions there are
# COURIER_PID, COURIER_LOG; jobs find touchmem in $CLUSTER_BIN.

. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
COURIER_PID=
COURIER_LOG=$TMP/courier.log

cluster_courier_stop () {
    [ -z "$COURIER_PID" ] || { kill "$COURIER_PID"; wait "$COURIER_PID"; }
    COURIER_PID=
} 2>/dev/null

cluster_courier_start () {
    "$MW_BUILD/handler/memwarden-courier" --foreground \
        --config "$WARDEN_CONF" >>"$COURIER_LOG" 2>&1 &
    COURIER_PID=$!
    wait_for 10 grep -q ready "$COURIER_LOG"
}

cluster_warden_start () {
    local lines=$1; shift
    cluster_start --plugins both "$@" || return 1
    CLUSTER_BIN=$CLUSTER_DIR/bin
    mkdir "$CLUSTER_BIN" && install -m 755 "$TOUCHMEM" "$CLUSTER_BIN/" || return 1
    export MEMWARDEN_SOCKET=$CLUSTER_SOCKET
    warden_start "$lines
courier {
    user = \"root\"
    slurm-conf = \"$SLURM_CONF\"
}" || return 1
    at_exit cluster_courier_stop
    cluster_courier_start
}
