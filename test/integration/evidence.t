# evidence.t - a hook that is as = "job": it is the job's user who runs it, without any
# capability, in the job's memory cgroup, about the process that its rung names.  The
# shipped ones leave a core that gdb reads, the processes, what they map, and a heap
# profile, in a directory of the user's.  A file is as large as is allowed, and all of
# his are; what a hook leaves running is ended, also where it would be a daemon.  One
# that is not root's is not run; and who kills the attendant keeps nobody from his ladder.
# runs: v1 v2
# in-vm: newest-v2
# takes: 40 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

user=nobody uid=$(id -u nobody)
evidence=$TMP/evidence own=$TMP/evidence/$uid
hooks=
hook () {       # NAME [OPTION…]: a hook whose script is on standard input
    cat >"$TMP/$1"; chmod 755 "$TMP/$1"
    hooks+="hook $1 { path = \"$TMP/$1\" as = \"job\" ${*:2} }"$'\n'
}
for h in core ps smaps; do
    hook $h 'timeout = "60s"' <"$MW_SRC/contrib/hooks/evidence-$h"
done
hook heap 'stop = "no" timeout = "60s"' <"$MW_SRC/contrib/hooks/evidence-heap"
hook who <<END
#!/bin/sh
exec 2>&1
id -u; id -G; pwd
grep -E '^(CapEff|CapPrm|NoNewPrivs)' /proc/self/status | tr -s '\t\n' '  '; echo
env | sort | tr '\n' ' '; echo
cat /proc/self/cgroup >who.cgroup
ls /proc/self/fd | tr '\n' ' '
END
hook writes 'max-size = "1M"' <<'END'
#!/bin/sh
exec cat /dev/zero >much
END
# it would leave its group, its session, its parent
hook daemon <<END
#!/bin/sh
cat >sleeps <<'EOF2'
#!/bin/sh
exec sleep 98765
EOF2
chmod 755 sleeps
(setsid setsid ./sleeps & (setsid ./sleeps &) &)
(trap '' HUP TERM; ./sleeps & ./sleeps) &
sleep 0.5
echo left them
END
hook endless <<<$'#!/bin/sh\nyes words'
hook stops <<<$'#!/bin/sh\ntouch stays.is\nexec sleep 98764'
hook stays 'stop = "no"' <<<$'#!/bin/sh\necho stays\ntouch stays.is\nsleep 98764 & sleep 98764'
hook open <<<$'#!/bin/sh\necho must not run'
chmod 757 "$TMP/open"

warden_start "courier { start = false }
evidence-dir = \"$evidence\"
evidence-max = \"512M\"
$hooks"

# job NAME LADDER [COMMAND…]: one of $user's that is beyond its limit, with 90 MiB left of
# its reserve; it stays
job () {
    local name=$1 ladder=$2; shift 2
    [ $# -gt 0 ] || set -- "$TOUCHMEM" --size 100M --stay 0
    run_job "$name" --user $user --reservation 96M --limit 96M --reserve 96M --on-oom "$ladder" -- "$@"
    job=$!
}
why () { mw why "$1"; }
chosen () { why "$1" | sed -n 's/.* is run for\(, and stops,\|\) process \([0-9]*\) .*/\2/p' | head -n 1; }
file () { find "$own" -maxdepth 1 -name "${2:-$1}$$.*.$1" 2>/dev/null | head -n 1; }   # KIND [JOB]
held () { jq --arg k "$1" 'select(.job == $k and .process) | .process.anon' "$WARDEN_STATE/journal.jsonl" | head -n 1; }
nobody_is () { ! pgrep -f "$1" >/dev/null; }

# ---- as whom ----
job "who$$" 'dump=who,kill'
wait $job; is 'after it comes kill' $? 137
out=$(why "who$$")
like 'the hook is run as the job'"'"'s user' "$out" "hook \"who\" done: $uid \["
like 'with his groups' "$out" "dump: $(id -G $user) \["
like 'in his directory' "$out" "dump: $own \["
like 'without capabilities, and for good' "$out" \
    'dump: CapPrm: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1'
pid=$(chosen "who$$")
like 'about the largest process, which is told' "$out" "MEMWARDEN_DIR=$own .*MEMWARDEN_JOB=who$$ .*MEMWARDEN_MEMCG=/.*who$$ .*MEMWARDEN_PID=$pid "
unlike 'and of nobody else'"'"'s variables' "$out" 'dump: .*MEMWARDEN_SOCKET'
like 'its memory is the job'"'"'s' "$(cat "$own/who.cgroup")" "/who$$\$"
like 'no descriptor of another is open in it' "$out" 'dump: 0 1 2 3 +\['
is 'evidence-dir is root'"'"'s' "$(stat -c '%u %a' "$evidence")" '0 755'
is 'and his is his alone' "$(stat -c '%u %a' "$own")" "$uid 700"

job "goes$$" 'dump=who@60s,grow=64M@10m,kill' "$TOUCHMEM" --size 120M
wait $job; is 'who was stopped for it goes on' $? 0
like 'that is told' "$(why "goes$$")" "process $(chosen "goes$$") goes on"

# who stands for somebody else does so afterwards, too
state () { sed 's/.*) //; s/ .*//' "/proc/$1/stat"; }
stands () { [ "$(state "$1")" = T ]; }
cat >"$TMP/stands" <<END
#!/bin/sh
"$TOUCHMEM" --size 60M --stay 0 &
echo \$! >"$TMP/stands.is"
until [ -e "$TMP/stands.go" ]; do sleep 0.1; done
exec "$TOUCHMEM" --size 45M --stay 0
END
chmod 755 "$TMP/stands"; : >"$TMP/stands.is"; chmod 666 "$TMP/stands.is"
job "stands$$" 'dump=who@60s,hold@10m,kill' "$TMP/stands"
must 'a process has its memory' wait_for 30 grep -q touched "$TMP/stands$$.out"
pid=$(cat "$TMP/stands.is")
kill -STOP "$pid"; wait_for 10 stands "$pid"
: >"$TMP/stands.go"
ok 'its hook is run, and then all wait' wait_for 60 journal_has "stands$$" held
like 'it was the one' "$(why "stands$$")" "hook who is run for process $pid "
mw set "stands$$" --limit 200M; mw resume "stands$$" >"$TMP/resume" 2>&1
ok 'they go on' wait_for 20 not_frozen "stands$$"
ok 'but who stood before stands' stands "$pid"
kill $job; kill -9 "$pid"; wait $job

# ---- core ----
if command -v gdb >/dev/null; then
    # one that goes on growing; on a tmpfs the core is the job's memory, too
    : >"$TMP/leaks.is"; chmod 666 "$TMP/leaks.is"
    cat >"$TMP/leaks" <<END
#!/bin/sh
"$TOUCHMEM" --size 90M --children 2 --stay 0 >"$TMP/leaks.is" &
until [ \$(grep -c touched "$TMP/leaks.is") = 2 ]; do sleep 0.1; done
exec "$TOUCHMEM" --size 150M
END
    chmod 755 "$TMP/leaks"
    run_job "core$$" --user $user --reservation 290M --limit 290M --reserve 290M \
        --on-oom 'dump=core:largest@60s,kill' -- "$TMP/leaks"
    wait $!; is 'a core is written, then comes kill' $? 137
    core=$(file core) pid=$(chosen "core$$")
    like 'why says where' "$(why "core$$")" "core of process $pid: $core, [0-9]+ MiB"
    like 'and of whom' "$(why "core$$")" "hook core is run for, and stops, process $pid \(touchmem\), the largest one: it holds [0-9]"
    is 'it is the user'"'"'s' "$(stat -c '%u %a' "$core")" "$uid 600"
    out=$(gdb --nx --batch -ex bt "$TOUCHMEM" "$core" 2>&1)
    like 'gdb reads it' "$out" "Core was generated by .$TOUCHMEM"
    like 'as of that process' "$out" "New LWP $pid"
    ok 'with what the process held' test "$(stat -c %s "$core")" -ge "$(held "core$$")"
    rm "$core"
    sed -i 's/hook core {/hook core { max-size = "16M"/' "$WARDEN_CONF"
    kill -HUP "$WARDEN_PID"
    ok 'less may be written' wait_for 10 grep -q 'configuration read again' "$WARDEN_LOG"
    job "small$$" 'dump=core@60s,kill'
    wait $job
    like 'a core that would be larger is not' "$(why "small$$")" "holds [0-9]+ MiB, and no more than 16 MiB may be written"
    is 'nothing of it is left' "$(find "$own" -name '*core*' -o -name 'unfinished*')" ''
else
    skip 'a core' 'there is no gdb'
fi

# ---- ps, smaps ----
job "ps$$" 'dump=ps,dump=smaps,kill'
wait $job
out=$(why "ps$$") pid=$(chosen "ps$$")
like 'ps: the processes' "$out" "hook \"ps\" done: processes: 1, in $(file ps)"
like 'with their command' "$(cat "$(file ps)")" "$pid .*$TOUCHMEM --size 100M"
like 'smaps: the sum' "$out" 'hook "smaps" done: processes: 1; Pss [0-9.]+ MiB \(anonymous [0-9]'
like 'and the largest' "$out" "dump: $pid \(touchmem\): [0-9.]+ MiB"
is 'all of it is in a file' "$(grep -c ^Pss: "$(file smaps ps)")" 1

# ---- heap ----
cat >"$TMP/profiled" <<END
import os, signal
def dump (*_):
    with open ("$TMP/profiles/p.0001.heap", "w") as f:
        f.write ("profile of %d\\n" % os.getpid ())
signal.signal (signal.SIGUSR2, dump)
held = b"x" * (100 << 20)
while True:
    signal.pause ()
END
mkdir "$TMP/profiles"; chown $user "$TMP/profiles"
echo old >"$TMP/profiles/p.0000.heap"
job "heap$$" 'dump=heap@60s,kill' env MEMWARDEN_HEAP_SIGNAL=USR2 HEAPPROFILE="$TMP/profiles/p" /usr/bin/python3 "$TMP/profiled"
wait $job
pid=$(chosen "heap$$")
like 'a process that catches its signal writes its heap profile' "$(why "heap$$")" \
    "heap profile of process $pid: $(file heap), 0 KiB"
is 'which is copied' "$(cat "$(file heap)")" "profile of $pid"
job "deaf$$" 'dump=heap,kill' env MEMWARDEN_HEAP_SIGNAL=USR1 "$TOUCHMEM" --size 100M --stay 0
wait $job
like 'one that does not catch it is not sent it' "$(why "deaf$$")" 'does not catch signal USR1, which would end it: it is not sent'
job "mute$$" 'dump=heap,kill'
wait $job
like 'one that names none neither' "$(why "mute$$")" 'names no signal for its heap profile'
job "snake$$" 'dump=heap@60s,kill' /usr/bin/python3 -c 'x = b"x" * (100 << 20)
while True: pass'
wait $job
like 'of Python its stacks are written, or it is said why not' "$(why "snake$$")" \
    'is Python, and there is no py-spy on this node|stacks of Python process|py-spy: '

# ---- the guilty one ----
job "grows$$" 'dump=who:guilty@60s,kill' "$TOUCHMEM" --size 300M --rate 20M
wait $job
like 'the one that grows' "$(why "grows$$")" 'hook who is run for, and stops, process [0-9]+ \(touchmem\), the fastest growing one'
like 'while there is room left for it' "$(why "grows$$")" 'hook "who" done'

# ---- bounds ----
job "writes$$" 'dump=writes,kill'
wait $job
like 'who writes more than he may dies of it' "$(why "writes$$")" 'hook "writes" died of signal 25'
is 'the file is as large as is allowed' "$(stat -c %s "$own/much")" $((1 << 20))
job "daemon$$" 'dump=daemon,kill'
wait $job
like 'a hook has left processes' "$(why "daemon$$")" 'dump: left them'
ok 'none of them is there' wait_for 10 nobody_is 'sleep 98765'
job "endless$$" 'dump=endless@3s,kill'
wait $job; is 'one that says more than anybody reads: kill' $? 137
like 'when its time is over' "$(why "endless$$")" 'hook "endless" did not end in its time; killed: words'
job "open$$" 'dump=open,kill'
wait $job
out=$(why "open$$")
like 'a hook that others may change is not run' "$out" 'open can be changed by others than root'
unlike 'really not' "$out" 'must not run'
ln -s /etc "$own/etc"; ln -s "$own" "$own/loop"
head -c 512M /dev/zero >"$own/big"
job "full$$" 'dump=who,kill'
wait $job
like 'where the directory is full none is run' "$(why "full$$")" "not run: $own is full: there are 51[0-9.]+ MiB|not run: $own is full: there are [0-9.]+ MiB, evidence-max is 512 MiB"
ok 'what was there is kept' test -s "$own/big"
rm -rf "$own"
ln -s /etc "$own"
job "link$$" 'dump=who,kill'
wait $job
like 'a link in the place of it is not followed' "$(why "link$$")" "not run: $own is not the directory of user $uid"
rm "$own"

# ---- its process ends ----
cat >"$TMP/short" <<END
#!/bin/sh
"$TOUCHMEM" --size 100M --stop-file "$TMP/go"
exec "$TOUCHMEM" --size 1M --stay 0
END
chmod 755 "$TMP/short"
job "short$$" 'dump=stays@60s,kill' "$TMP/short"
ok 'a hook is at it' wait_for 30 test -e "$own/stays.is"
touch "$TMP/go"
over () { why "short$$" | grep -q 'hook "stays" was killed: process [0-9]* has ended before it: stays'; }
ok 'its process ends: so does it' wait_for 30 over
ok 'nothing of it is left' wait_for 10 nobody_is 'sleep 98764'
kill $job; wait $job

# ---- the attendant is killed ----
rm -f "$own/stays.is"
job "killed$$" 'dump=stays@60s,kill'
ok 'another hook is at it' wait_for 30 test -e "$own/stays.is"
attendant=$(pgrep -x memwarden-atten -P "$(pgrep -d, -x memwarden-keep -P "$WARDEN_PID")")
kill -9 "$attendant"
wait $job; is 'the attendant is killed: the ladder goes on' $? 137
like 'and says why' "$(why "killed$$")" 'hook "stays" was ended: so was who had started it: stays'
ok 'nothing of the hook is left' wait_for 10 nobody_is 'sleep 98764'
job "again$$" 'dump=who@60s,kill'
wait $job
like 'there is another attendant' "$(why "again$$")" 'hook "who" done'

# ---- the warden is killed ----
rm -f "$own/stays.is"
job "orphan$$" 'dump=stops@60s,kill'
ok 'one more is at it' wait_for 30 test -e "$own/stays.is"
pid=$(chosen "orphan$$")
ok 'its process stands' wait_for 10 stands "$pid"
warden_kill9
ok 'nothing of the hook is left, either' wait_for 10 nobody_is 'sleep 98764'
ok 'failsafe' mw failsafe --state-dir "$WARDEN_STATE"
ok 'its process goes on' wait_for 10 eval '! stands "$pid"'
warden_start
kill $job 2>/dev/null; wait $job

# ---- it hangs ----
attendant=$(pgrep -x memwarden-atten -P "$(pgrep -d, -x memwarden-keep -P "$WARDEN_PID")")
kill -STOP "$attendant"
job "hangs$$" 'dump=who@2s,grow=64M@10m,kill' "$TOUCHMEM" --size 120M
wait $job; is 'the attendant hangs: the job goes on by the next rung' $? 0
like 'when the time of this one is over' "$(why "hangs$$")" 'dump: not done in its time'
kill -CONT "$attendant"

# ---- many at once ----
job "first$$" 'dump=stays@60s,kill'; first=$job
job "second$$" 'dump=stays@60s,kill'; second=$job
both_are () { [ "$(pgrep -fc '^sleep 98764')" = 4 ]; }
ok 'two hooks of a user'"'"'s are at it' wait_for 30 both_are
job "third$$" 'dump=stays@60s,kill'
wait $job; is 'a third is not waited for' $? 137
like 'and is not run' "$(why "third$$")" 'hook "stays" is not run: 2 others of the same user are at it already'
kill $first $second; wait $first $second
ok 'nothing of them is left' wait_for 10 nobody_is 'sleep 98764'
done_testing
