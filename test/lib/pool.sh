# pool.sh - a small pool for jobs of `run_job`, of the test's own.  Source after
# warden.sh, which removes it at the end.
#
#   pool_make SIZE        make it, limited to SIZE; its directory in $POOL, the
#                         file of its limit in $POOL_LIMIT
#   HOLDS                 a node ladder that only holds, for as long as it can be
#   when_frozen A B       in the background: as soon as job A is frozen, end job B;
#                         what B had is free before A's ladder has come to its end

POOL= POOL_LIMIT=
pool_make () {
    local root=/sys/fs/cgroup/memory
    POOL_LIMIT=memory.limit_in_bytes
    if [ ! -d $root ]; then
        root=/sys/fs/cgroup POOL_LIMIT=memory.high
        echo +memory >$root/cgroup.subtree_control
    fi
    POOL=$root/$WARDEN_POOL
    mkdir "$POOL" || exit 1
    [ $root != /sys/fs/cgroup ] || echo +memory >"$POOL/cgroup.subtree_control"
    mkdir "$POOL/keep"      # or the pool goes with its last job
    echo "$1" >"$POOL/$POOL_LIMIT"
}

# A held job that frees nothing is kept no longer than 100 ms on one step
HOLDS='hold@10m' && for _i in {1..14}; do HOLDS+=,hold@10m; done && HOLDS+=,kill

# Bash alone, without a fork once it waits
when_frozen () {
    local file freezer procs pids state=
    freezer=$(last_state "$1" freezer)
    file=$freezer/freezer.state
    [ -n "$freezer" ] || file=$(last_state "$1" memory)/cgroup.freeze
    procs=$(last_state "$2" memory)/cgroup.procs
    [ -p "$TMP/tick" ] || mkfifo "$TMP/tick"
    (
        exec {tick}<>"$TMP/tick"
        while read -r state <"$file"; do
            [[ $state != FR* && $state != 1 ]] || break
            read -rt 0.002 -u $tick
        done
        mapfile -t pids <"$procs"
        kill -9 "${pids[@]}"
    ) &
}
