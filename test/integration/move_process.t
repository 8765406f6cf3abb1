# move_process.t - root puts a process of one job into another (memwarden move --pid N
# --to JOB2), or into none (/): it is there, freezer and all, what it takes from then on is
# charged there; what it has used so far goes with it where the kernel does that (cgroup
# v1 before Linux 6.13), and not beyond that job's limit, and else stays, which is said.
# Both stories have it.  Not while a job is in an incident or frozen, nor of a process that
# is not the job's, nor by anybody else: then nothing is done.
# runs: v1 v2
# in-vm: 6.12-v2 6.1-v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

cgroup_of () { sed -n "s/^[0-9]*:$2://p" "/proc/$1/cgroup"; }   # PID CONTROLLER
memory_of () { cgroup_of "$1" memory; }
if [ -d /sys/fs/cgroup/memory ]; then v=v1; else v=v2; memory_of () { cgroup_of "$1" ''; }; fi
in_job () { [[ $(memory_of "$1")/ == */$WARDEN_POOL/$2/* ]]; }  # PID JOB
stands () { [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat") == [Tt] ]]; }
used () { job_shows "$1" .used; }
uses () { [ "$(used "$1")" -ge "$2" ]; }
uses_less () { [ "$(used "$1")" -lt "$2" ]; }
# does this kernel charge anew? it says so where it is told to
charges_move () {
    local file=/sys/fs/cgroup/memory/$WARDEN_POOL/memory.move_charge_at_immigrate
    [ -e "$file" ] && echo 3 2>/dev/null >"$file" && echo 0 >"$file"
}
M=1048576
# starts NAME LIMIT SIZE: a job of a shell and one process of SIZE, whose pid is in $pid
starts () {
    run_job "$1" --reservation "$2" --limit "$2" --on-oom kill -- bash -c \
        "$TOUCHMEM --size $3 --stop-file $TMP/go & echo \$! >$TMP/$1.pid; wait"
    runs+=($!)
    wait_for 20 test -s "$TMP/$1.pid"
    pid=$(cat "$TMP/$1.pid")
    wait_for 20 uses "$1" $((${3%M} * M))
}

warden_start
runs=()
a=a$$ b=b$$ c=c$$
starts "$a" 128M 48M; one=$pid
starts "$b" 128M 8M; other=$pid
starts "$c" 32M 8M

# ---- nothing is done ----
refused () { like "$1" "$(mw move "${@:3}" 2>&1)" "$2"; }
refused 'which process' 'which process\? give --pid' "$a" --to "$b"
refused 'where to' 'where to\? give --to' "$a" --pid "$one"
refused 'no such job' 'there is no job none on this node' "$a" --pid "$one" --to none
refused 'of no such job' 'there is no job none on this node' none --pid "$one" --to "$b"
refused 'where it is' "it is in job $a already" "$a" --pid "$one" --to "$a"
refused 'another job'"'"'s process' "there is no process $other in job $a" "$a" --pid "$other" --to "$b"
refused 'no number' 'is not a process.s number' "$a" --pid x --to "$b"
refused 'no word' '"a b" is not a job, nor /' "$a" --pid "$one" --to 'a b'
mw hold "$b"
refused 'a job in an incident' "job $b is in an incident \(hold\)" "$a" --pid "$one" --to "$b"
mw resume "$b"
mw hold "$a" --pid "$one"; wait_for 10 stands "$one"
refused 'of one' "job $a is in an incident \(hold-one\)" "$a" --pid "$one" --to "$b"
mw resume "$a"
like 'somebody else than root' \
    "$(setpriv --reuid 65534 --clear-groups "$MEMWARDEN" move "$a" --pid "$one" --to "$b" 2>&1)" \
    'only root moves a process'
ok 'it is where it was' in_job "$one" "$a"

# ---- to another job ----
before=$(used "$a")
follows=$(charges_move && echo yes)
out=$(mw move "$a" --pid "$one" --to "$b" 2>&1)
like 'it is moved' "$out" "process $one is in .*/$WARDEN_POOL/$b now"
ok 'it is there' in_job "$one" "$b"
if [ $v = v1 ]; then
    is 'its freezer, too' "$(cgroup_of "$one" freezer)" "$(cgroup_of "$other" freezer)"
    is 'for that moment alone is anything charged anew' \
        "$(cat "/sys/fs/cgroup/memory$(memory_of "$other")/memory.move_charge_at_immigrate")" 0
fi
if [ "$follows" ]; then
    ok 'what it has used is charged there' uses "$b" $((56 * M))
    ok 'and not where it was' uses_less "$a" $((before - 40 * M))
    unlike 'nothing stays' "$out" 'stay charged'
else
    like 'what it has used stays charged' "$out" "48.[0-9] MiB that it has used so far stay charged to job $a"
    ok 'where it was' uses "$a" $((48 * M))
    ok 'and not there' uses_less "$b" $((24 * M))
    like 'as the story has it' "$(mw why "$a")" "moved to job $b; 48.[0-9] MiB that it has used so far stay charged here"
fi
like 'who was to be moved' "$(mw why "$a")" "to be moved by root to job $b: process $one \(touchmem\)"
like 'it was' "$(mw why "$a")" "process $one was moved to job $b"
like 'and of the other' "$(mw why "$b")" "process $one was moved here from job $a"
is 'it is found there from now on' "$(mw hold "$b" --pid "$one" 2>&1)" ''
ok 'and held' wait_for 10 stands "$one"
mw resume "$b"
refused 'it is in the first no more' "there is no process $one in job $a" "$a" --pid "$one" --to "$c"

# ---- where there is no room ----
if [ "$follows" ]; then
    refused 'a job with no room for it' "job $c has no room for it: it uses .* of its limit of 32.0 MiB" \
        "$b" --pid "$one" --to "$c"
    ok 'it stays' in_job "$one" "$b"
else
    ok 'what is not charged there needs no room' mw move "$b" --pid "$one" --to "$c"
    ok 'it is there' in_job "$one" "$c"
    mw move "$c" --pid "$one" --to "$b" >"$TMP/back.out"
fi
ok 'it is back' in_job "$one" "$b"

# ---- out of any job ----
like 'into none' "$(mw move "$b" --pid "$one" --to / 2>&1)" "process $one is in /sys/fs/cgroup(/memory)? now"
is 'it is in the root' "$(memory_of "$one")" /
[ $v = v2 ] || is 'of the freezers, too' "$(cgroup_of "$one" freezer)" /
like 'the story has it' "$(mw why "$b")" "process $one was moved to no job"

# ---- it ends, its job goes on ----
touch "$TMP/go"
wait "${runs[@]}"
ok 'all jobs end' wait_for 20 journal_has "$b" released
is 'nothing was killed' "$(cat "$TMP/$a.err" "$TMP/$b.err" "$TMP/$c.err" | grep -i kill)" ''
done_testing
