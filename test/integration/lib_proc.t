#!/usr/bin/env bash
# lib_proc.t - the job's own voice, more of it: a note when its usage passes a mark, once for
# each time; a process that bounds itself and those it starts, over exec unless asked
# otherwise; what is wrong, and a warden that is older than the library.
# runs: v1 v2
# takes: 20 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
export LD_LIBRARY_PATH=$MW_BUILD/lib/.libs PYTHONPATH=$MW_SRC/contrib/python PYTHONDONTWRITEBYTECODE=1
small=(--user nobody --reservation 256M --limit 256M --on-oom kill)
warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }

# ---- marks -----------------------------------------------------------------------------
cat >"$TMP/marks.py" <<'END'
import errno, select
import memwarden as m
M = 1 << 20
p = m.Pressure()
def refused(*args):
    try: m.notify_at(*args); return "taken"
    except OSError as e: return errno.errorcode[e.errno]
def told():
    notes = []
    while not any("passes the mark" in n for n in notes):
        if not select.select([p], [], [], 60)[0]: return "nothing"
        notes += p.notes()
    return [n for n in notes if "passes the mark" in n][0]
print("wrong", refused(101, 0), refused(50, M), refused(0, 257 * M))
m.notify_at(50)
a = bytearray(140 * M)
print("first", told(), flush=True)
del a
m.notify_at(0, 32 * M) # is passed once, behind which the other must have been rearmed
a = bytearray(40 * M)
print("other", told(), flush=True)
del a
m.notify_at()
print("many", [refused(10 + i, 0) for i in range(9)])
m.notify_at()
m.notify_at(50)
a = bytearray(140 * M)
print("again", told(), flush=True)
print("quiet", select.select([p], [], [], 3)[0])
END
run_job m$$ "${small[@]}" -- python3 "$TMP/marks.py"
wait $!
out=$(cat "$TMP/m$$.out")
like 'what is no mark is refused' "$out" 'wrong ERANGE ERANGE ERANGE'
like 'a mark is told when it is passed' "$out" \
    "first job m$$: uses 1[2-9][0-9] MiB, which passes the mark of 12[78] MiB, 50 % of its limit"
like 'one in bytes, too' "$out" 'other job .* which passes the mark of 32.0 MiB'
like 'a job has eight' "$out" "many \['taken', 'taken', 'taken', 'taken', 'taken', 'taken', 'taken', 'taken', 'ENOSPC'\]"
like 'the next time it is told again' "$out" 'again job .* 50 % of its limit'
like 'and once' "$out" 'quiet \[\]'

# ---- one that bounds itself, and whom it starts ---------------------------------------------
cat >"$TMP/bounds.py" <<'END'
import errno, os, subprocess, sys, time
import memwarden as m
M = 1 << 20
eat = [sys.argv[1], "--size", "80M", "--stop-file", sys.argv[2]]
def refused(*args):
    try: m.proc_limit(*args); return "taken"
    except OSError as e: return errno.errorcode[e.errno]
def forked(size):
    pid = os.fork()
    if pid == 0:
        hold = b"x" * (size * M)
        while not os.path.exists(sys.argv[2]): time.sleep(0.05)
        os._exit(0)
    return pid
def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print("wrong", refused(401 * M), refused(48 * M, "hold"), refused(48 * M, None, 2))
before = forked(60)
m.proc_limit(48 * M)
small = forked(8)
print("forked", status(forked(80)), flush=True)
print("executed", subprocess.run(eat, stdout=subprocess.DEVNULL).returncode, flush=True)
m.proc_limit(48 * M, "kill", m.CLEAR_ON_EXEC)
spared = subprocess.Popen(eat, stdout=subprocess.DEVNULL)
print("cleared, forked", status(forked(80)), flush=True)
m.proc_limit(0)
also = forked(60)
open(sys.argv[2], "w").close()
print("cleared, executed", spared.wait(), flush=True)
print("others", status(before), status(small), status(also), flush=True)
END
mkdir "$TMP/sign"; chmod 777 "$TMP/sign"
run_job b$$ --user nobody --reservation 400M --limit 400M --on-oom kill -- python3 "$TMP/bounds.py" "$TOUCHMEM" "$TMP/sign/go"
wait $!
out=$(cat "$TMP/b$$.out" "$TMP/b$$.err")
like 'what is none is refused' "$out" 'wrong ERANGE EINVAL EINVAL'
like 'a process that is forked has it' "$out" 'forked -9'
like 'over exec, too' "$out" 'executed -9'
like 'but not where it is to be cleared then' "$out" 'cleared, executed 0'
like 'which says nothing of one that is only forked' "$out" 'cleared, forked -9'
like 'who was there before, is smaller, or came when it was lifted is not hurt' "$out" 'others 0 0 0'
like 'it is on record' "$(mw events --job b$$)" 'has its own limit set to 48M:kill'
like 'and what was done' "$(mw why b$$)" 'above the 48.0 MiB that it may hold: process'

# ---- a warden that is older than the library ---------------------------------------------------
cat >"$TMP/older.py" <<'END'
import errno, json, os, socket, threading
path = os.environ["MEMWARDEN_SOCKET"] = os.environ["OLDER"]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(path)
s.listen(8)
def serve():
    while True:
        c, _ = s.accept()
        while True:
            data = c.recv(65536)
            if not data: break
            ask = json.loads(data)
            if ask["type"] == "self": reply = {"v": ask["v"], "type": "ok", "job": {"key": "1"}}
            else: reply = {"v": ask["v"], "type": "error", "errno": errno.EINVAL,
                           "error": 'unknown request "%s"' % ask["type"]}
            c.send(json.dumps(reply).encode())
threading.Thread(target=serve, daemon=True).start()
import memwarden as m
for call in (lambda: m.notify_at(50), lambda: m.proc_limit(1 << 20)):
    try: call()
    except OSError as e: print(errno.errorcode[e.errno], e.strerror)
class Old:
    def __getattr__(self, name): raise AttributeError
m._lib = Old()
try: m.notify_at(50)
except OSError as e: print(errno.errorcode[e.errno], e.strerror)
END
like 'an older warden is told as what it is' "$(OLDER=$TMP/older.sock python3 "$TMP/older.py" 2>&1 | tr '\n' ' ')" \
    'ENOSYS the warden of this node is older .* ENOSYS the warden .* ENOSYS the installed libmemwarden is older than this module'
done_testing
