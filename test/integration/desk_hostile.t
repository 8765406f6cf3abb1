# desk_hostile.t - users who attack the warden's socket reach its desk alone: jobs at
# their limit are answered, root and other users are served, the warden ends when it
# is told to, and what is on record of others stays.
# runs: v1 v2
# takes: 73 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make cgroups'
python=/usr/bin/python3     # one that everybody may run
[ -x $python ] || skip_all 'no python3'

nobody () { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
daemon () { setpriv --reuid=daemon --regid=daemon --clear-groups "$@"; }
hostile () { "$python" "$MW_SRC/test/lib/hostile.py" "$@"; }
daemon "$MEMWARDEN" --version >/dev/null 2>&1 || skip_all "an unprivileged user cannot reach $MEMWARDEN"

# begin NAME COMMAND…: an attack in the background, until attack_end; its pid in $!
attack () {
    local name=$1; shift
    mkfifo "$TMP/$name.in"
    "$@" <"$TMP/$name.in" >"$TMP/$name.said" 2>&1 &
    attackers+=($!)
    # shellcheck disable=SC2034    # open as long as the test
    exec {held}>"$TMP/$name.in"
    wait_for 60 grep -qx ready "$TMP/$name.said" || sed 's/^/# /' "$TMP/$name.said"
}
attackers=()
at_exit 'kill "${attackers[@]}"'
oom () {            # NAME: a job that gets through by more memory
    run_job "oom$$" --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- \
        "$TOUCHMEM" --size 60M
    wait $!
    is "$1" $? 0
}
# served WHEN PRIORITY: a job in OOM, root and another user
served () {
    oom "$1: a job at its limit is answered"
    is "$1: root is served" "$(timeout 20 "$MEMWARDEN" jobs --json | jq -r '.[].key' | grep -c "^own$$")" 1
    is "$1: another user is served" \
        "$(daemon timeout 20 "$MEMWARDEN" jobs --json | jq -r '.[].key')" "own$$"
    ok "$1: his story is told" daemon timeout 20 "$MEMWARDEN" why "own$$"
    ok "$1: and has his way" daemon timeout 20 "$MEMWARDEN" set "own$$" --priority "$2"
}

chmod 755 "$TMP"
warden_start 'courier { start = false }' || { fail 'the warden starts'; done_testing; exit; }
run_job "own$$" --user daemon --reservation 64M -- sleep 1000
at_exit "kill $!"
run_job "his$$" --user nobody --reservation 64M -- sleep 1000
at_exit "kill $!"
both () { [ "$(mw jobs --json | jq length)" = 2 ]; }
wait_for 20 both
is 'the warden has no socket that a stranger can open' \
    "$(stat -c %a "$MEMWARDEN_SOCKET.root")" 600
desk=$(pgrep -f -x 'memwardend --desk' | while read -r p; do
    pgrep -P "$WARDEN_PID" -x memwarden-keep |
        grep -qx "$(awk '/^PPid/ { print $2 }' "/proc/$p/status")" && echo "$p"; done)
unlike 'the desk is not root' "$(stat -c %u "/proc/${desk:-none}")" '^0?$'
is 'nor becomes so by what it runs' "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/${desk:-none}/status")" 1

attack lingering nobody "$python" "$MW_SRC/test/lib/hostile.py" lingering "$MEMWARDEN_SOCKET" 20
served 'descriptors that take long to close' 400
attack unread nobody "$python" "$MW_SRC/test/lib/hostile.py" unread "$MEMWARDEN_SOCKET" 20
served 'such in sockets that nobody has read' 401
attack crowd hostile crowd "$MEMWARDEN_SOCKET" 70000 40
served '40 users with 32 connections each' 402
attack left nobody "$python" "$MW_SRC/test/lib/hostile.py" left "$MEMWARDEN_SOCKET" 5000
served '5000 connections left with a descriptor each' 404

# records: what changes nothing makes none, and what does comes at a bounded rate
before=$(stat -c %s "$WARDEN_STATE/journal.jsonl")
attack flood nobody "$python" "$MW_SRC/test/lib/hostile.py" flood "$MEMWARDEN_SOCKET" 150 \
    "{\"v\":1,\"type\":\"set\",\"job\":\"his$$\",\"priority\":300}"
is 'what is so already is not recorded' \
    "$(jq -r 'select(.event == "note") | .text' "$WARDEN_STATE/journal.jsonl" | grep -c "his$$: priority set to 300")" 1
ok 'nor does it fill the journal' [ $(($(stat -c %s "$WARDEN_STATE/journal.jsonl") - before)) -lt 20000 ]
served 'a flood of requests' 403

attack hoard nobody "$python" "$MW_SRC/test/lib/hostile.py" hoard "$MEMWARDEN_SOCKET" 500
served 'histories that nobody reads' 405
ok 'who hoards has no connection left' [ -z "$(nobody timeout 20 "$MEMWARDEN" jobs --json 2>/dev/null)" ]
exec {held}>&-
wait "${attackers[-1]}"
is 'until he lets go of what he had' \
    "$(nobody timeout 20 "$MEMWARDEN" jobs --json | jq -r '.[].key')" "his$$"

kill -STOP "$desk"
oom 'a desk that hangs: a job at its limit is answered'
ok 'and root is served' timeout 20 "$MEMWARDEN" hold "his$$"
kill -KILL "$desk"
back () { daemon timeout 20 "$MEMWARDEN" jobs --json 2>/dev/null | grep -q "own$$"; }
ok 'a desk that dies comes back behind the same socket' wait_for 20 back
like 'what was done to a job is on record' "$(mw events)" "his$$: held"
attack last nobody "$python" "$MW_SRC/test/lib/hostile.py" lingering "$MEMWARDEN_SOCKET" 5
kill "$WARDEN_PID"
ended () { ! kill -0 "$WARDEN_PID" 2>/dev/null; }
ok 'the warden ends when it is told to' wait_for 20 ended
warden_start
ok 'and its successor serves users' wait_for 20 back
done_testing
