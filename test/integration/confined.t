# confined.t - after start the warden, its desk and its keepers have only the
# capabilities that they use, and the kernel answers only the calls that they need; a
# ladder's steps work all the same.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

status () { awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"; }
has () { [ "$(status "$1" "$2")" = "$3" ]; }
children () { cat "/proc/$1/task/$1/children"; }
only () {           # PID FIELD BIT…: no other
    local mask=0 b pid=${1:?nobody} field=$2; shift 2
    for b in "$@"; do mask=$((mask | 1 << b)); done
    [ $((0x$(status "$pid" "$field") & ~mask)) = 0 ]
}

warden_start
keepers () { pgrep -P "$WARDEN_PID" -x memwarden-keep; }
kept () { pgrep -x "memwarden-$1" -P "$(keepers | paste -sd,)"; }
all_are_there () { kept scrib && kept desk && kept atten; }
must 'those that it starts are there' wait_for 30 all_are_there
keepers=$(keepers)
desk=$(kept desk)
[ "$(status "$WARDEN_PID" Seccomp)" ] || skip_all 'this kernel has no seccomp'
# CHOWN DAC_OVERRIDE FOWNER KILL IPC_LOCK SYS_ADMIN SYS_RESOURCE SYSLOG
needs='0 1 3 5 14 21 24 34'
# shellcheck disable=SC2086
for f in CapPrm CapEff CapBnd; do
    ok "the warden, $f" only "$WARDEN_PID" $f $needs
done
is 'none is inherited' "$((0x$(status "$WARDEN_PID" CapInh)))" 0
is 'the kernel answers the calls that it needs' "$(status "$WARDEN_PID" Seccomp)" 2
is 'it gets no new ones' "$(status "$WARDEN_PID" NoNewPrivs)" 1
for k in $keepers; do
    [ "$(children "$k")" = "$desk " ] || continue   # the others' are root, see below
    for f in CapPrm CapEff; do ok "a keeper, $f" wait_for 30 only "$k" $f 5 6 7; done
done
for f in CapPrm CapEff; do ok "the desk, $f" wait_for 30 only "$desk" $f; done
scribe=$(kept scrib)
# DAC_OVERRIDE
for f in CapPrm CapEff CapBnd; do ok "the scribe, $f" wait_for 30 only "$scribe" $f 1; done
ok 'the scribe: calls' wait_for 30 has "$scribe" Seccomp 2
attendant=$(kept atten)
# CHOWN KILL SETGID SETUID
for f in CapPrm CapEff CapBnd; do ok "the attendant, $f" wait_for 30 only "$attendant" $f 0 5 6 7; done
ok 'it gets no new ones' wait_for 30 has "$attendant" NoNewPrivs 1
ok 'the desk, CapBnd, and it gets no new ones' wait_for 30 only "$desk" CapBnd 5 6 7
ok 'the desk: calls' wait_for 30 has "$desk" Seccomp 2
unlike 'nothing is said' "$(cat "$WARDEN_LOG" "$TMP/warden.err")" 'rights|capabilit|system calls'

# all that it does to jobs
python=/usr/bin/python3
uid=$(id -u nobody)
run_job "grow$$" --user nobody --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- "$TOUCHMEM" --size 60M
wait $!; is 'grow' $? 0
run_job "kill$$" --user nobody --reservation 32M --limit 32M --on-oom kill -- "$TOUCHMEM" --size 60M
wait $!; is 'kill' $? 137
run_job "held$$" --user nobody --reservation 32M --limit 32M --on-oom hold@2s,grow=64M@1m,kill -- "$TOUCHMEM" --size 60M
wait $!; is 'hold, then grow' $? 0
run_job "enomem$$" --user nobody --reservation 64M --limit 64M --on-oom enomem@1m,kill -- sleep 1000
job=$!
at_exit "kill $job"
ok 'a job is registered' wait_for 20 journal_has "enomem$$" registered
ok 'and is held by root' mw hold "enomem$$"
ok 'it is frozen' wait_for 10 frozen "enomem$$"
ok 'and goes on' mw resume "enomem$$"
run_job "signal$$" --user nobody --reservation 48M --limit 48M --reserve 64M --on-oom 'signal=USR1@60s,kill' -- \
    bash -c "trap : USR1; '$TOUCHMEM' --size 80M; exit 0"
wait $!
ok 'signal: it has been sent' journal_has "signal$$" step:signal
ok 'the owner is served by the desk' setpriv --reuid="$uid" --clear-groups timeout 20 "$MEMWARDEN" jobs
ok 'and has his way' setpriv --reuid="$uid" --clear-groups timeout 20 "$MEMWARDEN" set "enomem$$" --priority 100
ok 'and his history' setpriv --reuid="$uid" --clear-groups timeout 20 "$MEMWARDEN" events
[ ! -x $python ] || {
    setpriv --reuid="$uid" --clear-groups "$python" "$MW_SRC/test/lib/hostile.py" lingering "$MEMWARDEN_SOCKET" 3 \
        <<<'' >/dev/null 2>&1
    ok 'after a descriptor that takes long to close' wait_for 20 setpriv --reuid="$uid" --clear-groups "$MEMWARDEN" jobs
}
kill -HUP "$WARDEN_PID"
ok 'it reads its configuration again' wait_for 10 grep -q 'configuration read again' "$WARDEN_LOG"
rm "$MEMWARDEN_SOCKET" "$MEMWARDEN_SOCKET.root"
ok 'and makes its sockets anew' wait_for 30 mw jobs
said () { sed '1,/ is ready/d' "$WARDEN_LOG"; }     # a machine may give it less than it asks for
unlike 'nothing was refused' "$(said)" 'not permitted'
warden_stop
unlike 'nor at its end' "$(said)" 'not permitted'
done_testing
