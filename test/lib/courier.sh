# courier.sh - memwarden-courier under test, with the test as its warden
#
#   courier_start [LINE…]        LINEs of memwarden.conf; sets COURIER_PID
#   courier_stop
#   ask OP JOB [KEY=VALUE]…      puts a request, waits for its answer, prints
#                                "ok CODE TEXT" or "no CODE TEXT" (spoolput)
#   put OP JOB [KEY=VALUE]…      prints the request's id
#   take SECONDS                 the next answer: "ID ok|no CODE TEXT"
#
# Source tap.sh first.  Only for what no incident brings about: a job's OOM makes
# its requests by itself, with cluster_warden.sh.

COURIER_STATE=$TMP/state
COURIER_LOG=$TMP/courier.log

courier_start () {
    mkdir -p "$COURIER_STATE"
    "$MW_BUILD/test/bin/spoolput" "$COURIER_STATE" init || return 1
    printf '%s\n' 'courier {' 'user = "root"' '}' \
        "$@" >"$TMP/memwarden.conf"
    "$MW_BUILD/handler/memwarden-courier" --foreground \
        --config "$TMP/memwarden.conf" --state-dir "$COURIER_STATE" \
        >>"$COURIER_LOG" 2>&1 &
    COURIER_PID=$!
    wait_for 10 grep -q ready "$COURIER_LOG"
}

courier_stop () {
    [ -z "${COURIER_PID:-}" ] || { kill "$COURIER_PID"; wait "$COURIER_PID"; }
    COURIER_PID=
} 2>/dev/null
at_exit courier_stop

put () { "$MW_BUILD/test/bin/spoolput" "$COURIER_STATE" put "$@"; }
take () { "$MW_BUILD/test/bin/spoolput" "$COURIER_STATE" take "$1"; }
ask () {
    local id
    id=$(put "$@") || return 1
    take 60 | sed "s/^$id //"
}
