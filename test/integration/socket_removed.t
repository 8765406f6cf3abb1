# socket_removed.t - root's socket or the users' is removed, or something else is put in
# its place: it is made anew, also for a desk that is started later, and who is connected
# stays so.
# runs: v1 v2
# in-vm: 6.12-v2
# takes: 30 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make cgroups'
daemon () { setpriv --reuid=daemon --regid=daemon --clear-groups "$@"; }
daemon "$MEMWARDEN" --version >/dev/null 2>&1 || skip_all "an unprivileged user cannot reach $MEMWARDEN"
root () { timeout 5 "$MEMWARDEN" hold "job$$" && timeout 5 "$MEMWARDEN" resume "job$$"; }
user () { [ "$(daemon timeout 5 "$MEMWARDEN" jobs --json | jq -r '.[].key')" = "job$$" ]; }

warden_start
run_job "job$$" --user daemon --reservation 32M -- sleep 1000
at_exit "kill $!"
run=$!
ok 'root is served' wait_for 20 root
ok 'so are users' wait_for 20 user
rm "$MEMWARDEN_SOCKET" "$MEMWARDEN_SOCKET.root"
ok 'both are removed: root is served again' wait_for 30 root
ok 'and users' wait_for 30 user
is "root's is root's alone" "$(stat -c %a "$MEMWARDEN_SOCKET.root")" 600
is "the users' is everybody's" "$(stat -c %a "$MEMWARDEN_SOCKET")" 666
ok 'that is told' grep -q "$MEMWARDEN_SOCKET.root was removed: it is made anew" "$WARDEN_LOG"
ok 'who was connected is so' kill -0 "$run"

desk=$(for k in $(cat "/proc/$WARDEN_PID/task/$WARDEN_PID/children"); do
    for p in $(cat "/proc/$k/task/$k/children"); do
        [ "$(cat "/proc/$p/comm")" != memwarden-desk ] || echo "$p"; done; done)
kill -9 "$desk"
ok 'a desk that is started later has it, too' wait_for 30 user

rm "$MEMWARDEN_SOCKET.root"
echo mine >"$MEMWARDEN_SOCKET.root"
ok 'what is no socket is not removed, and said' wait_for 30 \
    grep -q "$MEMWARDEN_SOCKET.root leads to memwardend no more, and cannot be made anew" "$WARDEN_LOG"
is 'once' "$(sleep 11; grep -c 'leads to memwardend no more' "$WARDEN_LOG")" 1
is 'it is still there' "$(cat "$MEMWARDEN_SOCKET.root")" mine
rm "$MEMWARDEN_SOCKET.root"
ok 'once it is gone root is served' wait_for 30 root

mkdir "$TMP/other"
mv "$MEMWARDEN_SOCKET" "$TMP/other/moved"
python3 -c 'import socket, sys; s = socket.socket (socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind (sys.argv[1])' "$MEMWARDEN_SOCKET"
ok "another socket in place of the users': they are served again" wait_for 30 user
warden_stop
is 'at its end none is left' "$(find "$MEMWARDEN_SOCKET" "$MEMWARDEN_SOCKET.root" 2>/dev/null)" ''
done_testing
