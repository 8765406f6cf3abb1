# courier_presence.t - whether a courier is at work, and what keeps it from that, can
# be seen before anything depends on it: doctor tells one that never came, works,
# has ended, or ends again and again; a courier of another user than the
# configuration's, or beside another, says so at its start
# runs: v1 native
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
COURIER=$MW_BUILD/handler/memwarden-courier
COURIER_PID=
warden_start 'courier { user = "nobody" }' || exit 1

# start LOG [COMMAND…]: a courier, by COMMAND
start () {
    local log=$1; shift
    "$@" "$COURIER" --foreground --config "$WARDEN_CONF" 2>"$log" &
    COURIER_PID=$!
}
as=(setpriv --reuid nobody --regid nogroup --clear-groups)
stop () {
    [ -z "$COURIER_PID" ] || { kill -9 "$COURIER_PID"; wait "$COURIER_PID"; }
    COURIER_PID=
} 2>/dev/null
at_exit stop
doctor () { "$@" "$MEMWARDEN" doctor --json --state-dir "$WARDEN_STATE" |
    jq -r '.[] | select(.item == "courier") | .verdict + " " + .found'; }
says () { doctor env | grep -Eq -- "$1"; }

is 'the state directory can be passed, not read' \
    "$(stat -c %a "$WARDEN_STATE" "$WARDEN_STATE/spool" | xargs)" '711 711'
like 'there has never been one' "$(doctor env)" '^lacks none has ever worked here'

start "$TMP/1.err"
ok 'started by root it works' wait_for 10 says "^ok process $COURIER_PID works as nobody since"
is 'as the configured user' "$(stat -c %U "/proc/$COURIER_PID")" nobody
first=$COURIER_PID
timeout 20 "$COURIER" --foreground --config "$WARDEN_CONF" 2>"$TMP/2.err"
is 'another one ends' $? 1
like 'and names the first' "$(cat "$TMP/2.err")" "another courier works this spool off: process $first;"
ok 'which works on' says "^ok process $first works"
like 'who may not look is told so' "$(doctor setpriv --reuid daemon --regid daemon --clear-groups)" "^n/a unknown: only root"
stop
ok 'one that has ended is told' says '^lacks none works; the last one \(as nobody\) started at'

setpriv --reuid daemon --regid daemon --clear-groups timeout 20 "$COURIER" --foreground --config "$WARDEN_CONF" 2>"$TMP/3.err"
is "another user's ends" $? 1
like 'and tells both' "$(cat "$TMP/3.err")" \
    "it runs as uid $(id -u daemon), but by courier \{ user = … \} the spool is nobody's"

start "$TMP/4.err" "${as[@]}"
ok 'started as that user it works as well' wait_for 10 says "^ok process $COURIER_PID works as nobody"
for n in 1 2 3; do
    stop
    start "$TMP/again.$n" "${as[@]}"
    wait_for 10 says "process $COURIER_PID works" || fail "start $n" "$(doctor env)"
done
like 'one that comes again and again is told, though it is there now' "$(doctor env)" \
    "^lacks process $COURIER_PID works .* ended [0-9]+ times soon after its start"
stop
mkfifo "$TMP/pipe" && mv -f "$TMP/pipe" "$WARDEN_STATE/spool/ans/.courier"
like 'a pipe in its place harms nobody' "$(doctor env)" '^lacks none has ever worked'
rm -r "$WARDEN_STATE/spool"
like 'no spool: who makes it' "$(doctor env)" '^lacks cannot open .*/spool: .*memwardend makes it'
done_testing
