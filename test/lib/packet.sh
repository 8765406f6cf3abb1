# packet.sh - one packet to the warden, whatever is in it.  Source after warden.sh.
#
#   packet [-u UID] [-d DIR]… TEXT    send it with the directories opened beside it,
#                                     over root's socket or, as UID, the users';
#                                     prints the answer, or "closed"
#   spec KEY [MEMBERS]                the text of a register of 32 MiB
#   in_memcg DIR… -- COMMAND…         becomes COMMAND, in these cgroups

command -v python3 >/dev/null || skip_all 'no python3'

packet () {
    python3 - "$MEMWARDEN_SOCKET" "$@" <<'EOF'
import array, os, socket, sys
path, args, fds = sys.argv[1], sys.argv[2:], []
if args[0] != "-u":
    path += ".root"
while args[0] in ("-u", "-d"):
    if args[0] == "-u":
        os.setgroups([])
        os.setresuid(*[int(args[1])] * 3)
    else:
        fds.append(os.open(args[1], os.O_RDONLY))
    args = args[2:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(20)
s.connect(path)
beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
try:
    s.sendmsg([args[0].encode("utf-8", "surrogateescape")], beside)
    try:
        said = s.recv(65536)
    except ConnectionResetError:    # told in place of what has come before it
        said = s.recv(65536)
    print(said.decode() or "closed")
except (BrokenPipeError, ConnectionResetError):
    print("closed")
except OSError as e:
    print(e)
EOF
}

spec () {
    printf '{"v":1,"type":"register","job":{"key":"%s","uid":0,"cpus":1,"reservation":33554432%s}}' \
        "$1" "${2:-}"
}

in_memcg () {
    while [ "$1" != -- ]; do
        echo "$BASHPID" >"$1/cgroup.procs" || exit 99
        shift
    done
    shift
    exec "$@"
}
