# pool.sh - a small pool for jobs of `run_job`, of the test's own.  Source after
# warden.sh, which removes it at the end.
#
#   pool_make SIZE        make it, limited to SIZE; its directory in $POOL, the
#                         file of its limit in $POOL_LIMIT

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
