# warden.sh - a memwardend of the test's own: private socket, state, pool.
# Source after tap.sh.
#
#   warden_start ['CONF LINES']   start it, wait until it answers; where it does
#                                 not, the test ends
#   warden_stop, warden_kill9, warden_restart
#   warden_unguarded              it is stopped by the test: nobody is to end it for that
#   guard_of PID                  its guard
#   warden_sees FILE PLACE…       before: it finds FILE in the place of PLACE
#   put FILE TEXT                 TEXT into such a FILE, in one write
#   put_meminfo TOTAL AVAILABLE   (MiB) into $TMP/meminfo
#   mw ARG…                       the CLI on its socket
#   journal_events KEY            the events of one job, a line: "detected step …"
#   journal_count KEY EVENT       how often it had that event
#   job_shows KEY FILTER          of `mw jobs --json`, by jq: ".held"
#   last_state KEY FIELD           of the state its last record has: "incident.slowed"
#   frozen KEY                    is the job's cgroup, or a step's in it, to be frozen?
#   run_job NAME ARG…             `memwarden run --name NAME ARG…` in the
#                                 background; its pid in $!, output in $TMP/NAME.{out,err}

# packages_installed (packages.sh) has said where they are else
WARDEND=${MW_SBIN:-$MW_BUILD/handler}/memwardend
MEMWARDEN=${MW_BIN:-$MW_BUILD/handler}/memwarden
# shellcheck disable=SC2034    # for the test
TOUCHMEM=$MW_BUILD/test/bin/touchmem
export MEMWARDEN_SOCKET=$TMP/w.sock
WARDEN_STATE=$TMP/state
WARDEN_CONF=$TMP/memwarden.conf
WARDEN_LOG=$TMP/warden.log
WARDEN_POOL=mwt$$
WARDEN_PID=

mw () { "$MEMWARDEN" "$@"; }

warden_start () {
    [ $# -eq 0 ] || {
        printf '%s\n' "socket = \"$MEMWARDEN_SOCKET\"" \
            "state-dir = \"$WARDEN_STATE\"" "log-file = \"$WARDEN_LOG\"" \
            'syslog = false' "$1" >"$WARDEN_CONF"
    }
    [ -f "$WARDEN_CONF" ] || { warden_start "${WARDEN_EXTRA:-courier { start = false \}}"; return; }
    "$WARDEND" --foreground --config "$WARDEN_CONF" >>"$TMP/warden.err" 2>&1 &
    WARDEN_PID=$!
    wait_for 10 mw jobs || {
        fail 'the warden answers' "$(cat "$TMP/warden.err")"
        exit 1
    }
}
warden_sees () {
    local mounts=
    while [ $# -gt 1 ]; do
        mounts+="mount --bind '$1' '$2' && "
        shift 2
    done
    cat >"$TMP/wardend" <<END
#!/bin/sh
exec unshare -m --propagation private sh -c \
    "$mounts"'exec "\$@"' - "$MW_BUILD/handler/memwardend" "\$@"
END
    chmod 755 "$TMP/wardend"
    WARDEND=$TMP/wardend
}
# what was there before is longer: spaces, which nobody reads
put () {
    printf '%-4000s\n' "$2" |
        dd of="$1" bs=8192 conv=notrunc iflag=fullblock status=none
}
put_meminfo () {
    put "$TMP/meminfo" "$(printf '%s: %d kB\n' MemTotal $(($1 * 1024)) MemFree 4096 \
        MemAvailable $(($2 * 1024)) SwapTotal 0 SwapFree 0)"
}
_warden_gone () { ! kill -0 "$WARDEN_PID" 2>/dev/null; }
_warden_signal () {
    [ -n "$WARDEN_PID" ] || return 0
    kill "-$1" "$WARDEN_PID" 2>/dev/null
    wait "$WARDEN_PID" 2>/dev/null
    WARDEN_PID=
}
warden_stop () { _warden_signal TERM; }
job_shows () { mw jobs --json | jq -r --arg k "$1" ".[] | select(.key == \$k) | $2"; }
warden_kill9 () { _warden_signal KILL; }
warden_restart () { warden_stop; warden_start; }
at_exit 'warden_stop'
at_failure 'cp "$TMP"/*.{log,err,out} "$WARDEN_STATE"/journal.jsonl .; mw jobs'

run_job () {
    local name=$1; shift
    "$MEMWARDEN" run --pool "$WARDEN_POOL" --name "$name" "$@" \
        >"$TMP/$name.out" 2>"$TMP/$name.err" &
}

# What a test's jobs left: killed by pid, their directories removed.
_pool_clean () {
    local c p
    for c in /sys/fs/cgroup/freezer/$WARDEN_POOL /sys/fs/cgroup/memory/$WARDEN_POOL /sys/fs/cgroup/$WARDEN_POOL; do
        [ -d "$c" ] || continue
        for p in $(find "$c" -name freezer.state); do echo THAWED >"$p" 2>/dev/null; done
        for p in $(find "$c" -name cgroup.freeze); do echo 0 >"$p" 2>/dev/null; done
        for p in $(find "$c" -name cgroup.procs -exec cat {} +); do kill -9 "$p" 2>/dev/null; done
        wait_for 5 _pool_empty "$c"
        find "$c" -depth -type d -exec rmdir {} \; 2>/dev/null
    done
    true
}
_pool_empty () { [ -z "$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null)" ]; }
at_exit '_pool_clean'

journal_events () {
    # but for what its memory was, which is looked at behind all that is done
    jq -r --arg k "$1" 'select(.job == $k and .event != "uses") | .event + (if .step then ":" + .step else "" end)' \
        "$WARDEN_STATE/journal.jsonl" 2>/dev/null | tr '\n' ' '
}
journal_has () { case " $(journal_events "$1") " in *" $2"*) ;; *) return 1 ;; esac; }
journal_count () {
    jq -r --arg k "$1" --arg e "$2" 'select(.job == $k and .event == $e) | .event' \
        "$WARDEN_STATE/journal.jsonl" | wc -l
}
last_state () {
    jq -r --arg k "$1" "select(.job == \$k and .st) | .st.$2" \
        "$WARDEN_STATE/journal.jsonl" | tail -n 1
}
frozen () {
    local memory freezer f
    memory=$(last_state "$1" memory) freezer=$(last_state "$1" freezer)
    for f in "$memory"/{,step_*/user/}cgroup.freeze "$freezer"/{,step_*/}freezer.state; do
        [ ! -e "$f" ] || ! grep -Eq '^(FR|1)' "$f" || return 0
    done
    return 1
}
not_frozen () { ! frozen "$1"; }

# The process that sees whether the warden hangs (daemon/guard.h); of a test that stops
# a warden it is ended.
guard_of () {       # PID
    wait_for 10 pgrep -P "$1" -x memwarden-guard    # its name it gives itself
    pgrep -P "$1" -x memwarden-guard
}
warden_unguarded () {
    local guard
    guard=$(guard_of "$WARDEN_PID")
    [ -z "$guard" ] || kill -9 "$guard"
}
