# one_process_hold.t - one process of a job waits while the others go on (hold --pid, …):
# who it is is on record, resume lets it go on, so does its time, its end, a warden that
# stops, the failsafe, also where the journal is lost; a warden that is killed leaves it
# to the next, which has it wait on.  Nobody is let go on whom somebody else has stopped.
# As a rung (hold=largest) it waits until the job is below its limit.  slow of one
# process stops that one alone by turns.
# runs: v1 v2
# takes: 30 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

is_in () { case $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) in [$2]) ;; *) return 1 ;; esac; }
stands () { is_in "$1" Tt; }
goes () { is_in "$1" RSD; }
ended () { ! kill -0 "$1" 2>/dev/null; }
free () { [ "$(job_shows "$job" .incident)" = null ]; }
alone () { job_shows "$job" '.stopped_pids | join(" ")'; }
why () { mw why "$job"; }
# two NAME: a job of a large and a small process, whose pids are in $large and $small
two () {
    job=$1$$
    run_job "$job" --reservation 96M --limit 96M --on-oom kill -- bash -c \
        "$TOUCHMEM --size 32M --stop-file $TMP/$1.go & echo \$! >$TMP/$1.large
         $TOUCHMEM --size 8M --stop-file $TMP/$1.go & echo \$! >$TMP/$1.small
         wait; echo all ended"
    run=$!
    wait_for 20 test -s "$TMP/$1.small"
    large=$(cat "$TMP/$1.large") small=$(cat "$TMP/$1.small")
    wait_for 20 touched "$large" 32000 && wait_for 20 touched "$small" 8000
}
touched () { [ "$(awk '/^RssAnon/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0)" -ge "$2" ]; }
go () { touch "$TMP/$1.go"; wait "$run"; }

warden_start
two a

# ---- by its number, until it is resumed ----
ok 'a process is held' mw hold "$job" --pid "$small"
ok 'it stands' wait_for 10 stands "$small"
ok 'the other goes on' goes "$large"
is 'that is told' "$(alone)" "$small"
like 'and on record before' "$(why)" "held alone: process $small \(touchmem\): it holds [0-9.]+ MiB"
like 'who it is is in the state that is kept' "$(last_state "$job" incident.stopped)" "^$small:[0-9]+:0$"
is 'twice is refused' "$(mw hold "$job" --pid "$small" 2>&1)" \
    "memwarden hold: process $small in job $job is held, or slowed, already"
ok 'one more is held: the largest of the others' mw hold "$job" --largest
ok 'it stands, too' wait_for 10 stands "$large"
ok 'the first one stands as before' stands "$small"
is 'one that is not held is not resumed' "$(mw resume "$job" --pid 1 2>&1)" \
    "memwarden resume: process 1 of job $job is not held, nor slowed, alone"
ok 'one is resumed' mw resume "$job" --pid "$small"
ok 'it goes on' wait_for 10 goes "$small"
ok 'the other still stands' stands "$large"
like 'that is on record' "$(why)" "process $small goes on"
ok 'the job is resumed' mw resume "$job"
ok 'all of it goes on' wait_for 10 goes "$large"
is 'nobody is stopped' "$(alone)" ''
ok 'the incident is over' free

# ---- who may not, who is not there ----
kill -STOP "$small"; wait_for 10 stands "$small"
is 'one that somebody else has stopped is left alone' "$(mw hold "$job" --pid "$small" 2>&1)" \
    "memwarden hold: process $small in job $job is stopped already"
ok 'the largest that goes on is held' mw hold "$job" --largest --for 10m
wait_for 10 stands "$large"
ok 'and resumed' mw resume "$job"
wait_for 10 goes "$large"
ok 'which does not wake the other' stands "$small"
kill -CONT "$small"
like 'a process of no job' "$(mw hold "$job" --pid $$ 2>&1)" "there is no process $$ in job $job"
like 'a time without a process' "$(mw hold "$job" --for 1m 2>&1)" '--for is of one process'
like 'both' "$(mw hold "$job" --pid "$small" --largest 2>&1)" 'either --pid or --largest'
like 'no such number' "$(mw hold "$job" --pid x 2>&1)" 'is not a process'
ok 'nothing was done' free

# ---- its time, its end, somebody else's word ----
ok 'a process is held for a second' mw hold "$job" --pid "$small" --for 1s
ok 'it goes on then' wait_for 20 free
ok 'it does' goes "$small"
mw hold "$job" --pid "$small"; wait_for 10 stands "$small"
seen () { jq -e --arg k "$job" 'select(.job == $k) | .text' "$WARDEN_STATE/journal.jsonl" | grep -q "$1"; }
# the warden has to have seen it stand, as it looks four times a second
woken () {
    ! seen "$small goes on: somebody else has said so" || return 0
    kill -STOP "$small"
    sleep 0.3
    kill -CONT "$small"
    return 1
}
ok 'somebody else lets it go on: that is seen' wait_for 20 woken
ok 'and the hold is over' wait_for 10 free

# ---- slow, by turns ----
ok 'one process is slowed' mw slow "$job" --to 50% --pid "$large"
for i in 1 2 3; do
    ok "it stands ($i)" wait_for 10 stands "$large"
    ok "it goes on ($i)" wait_for 10 goes "$large"
done
like 'on record' "$(why)" "slowed to 50% of its speed: process $large \(touchmem\)"
is 'never the other' "$(for i in {1..40}; do is_in "$small" Tt && echo stood; sleep 0.02; done)" ''
ok 'it is resumed' mw resume "$job"
ok 'that is over' free
is 'it goes on at full speed' "$(for i in {1..40}; do is_in "$large" Tt && echo stood; sleep 0.02; done)" ''

# ---- the warden is killed ----
mw hold "$job" --pid "$small"; wait_for 10 stands "$small"
warden_kill9
ok 'the warden is dead: it still stands' stands "$small"
warden_start
is 'the next one has it on record' "$(alone)" "$small"
ok 'where it stands' stands "$small"
ok 'and resumes it' mw resume "$job"
ok 'it goes on' wait_for 10 goes "$small"

mw hold "$job" --pid "$small"; wait_for 10 stands "$small"
warden_stop
ok 'a warden that is stopped lets it go on' goes "$small"
warden_start
ok 'the next one has it wait again' wait_for 10 stands "$small"
warden_kill9
ok 'failsafe' mw failsafe --state-dir "$WARDEN_STATE"
ok 'lets it go on' goes "$small"

warden_start
ok 'taken up once more' wait_for 10 stands "$small"
mw resume "$job"
go a

# ---- it ends while it stands ----
two b
mw hold "$job" --pid "$small"; wait_for 10 stands "$small"
kill -9 "$small"
ok 'one that is killed while it stands ends' wait_for 10 ended "$small"
ok 'and so does the hold' wait_for 10 free
like 'which says so' "$(why)" "process $small has ended"
mw hold "$job" --largest; wait_for 10 stands "$large"
kill -9 "$large"
wait "$run"
ok 'the end of the job ends it as well' wait_for 10 journal_has "$job" released

# ---- a rung of the ladder ----
job=c$$
run_job "$job" --reservation 64M --limit 64M --reserve 32M --on-oom 'hold=largest@10m,kill' -- bash -c \
    "$TOUCHMEM --size 24M --stop-file $TMP/c.go & echo \$! >$TMP/c.small
     until grep -q 'RssAnon:.* 2[4-9]... kB' /proc/\$!/status; do sleep 0.05; done
     $TOUCHMEM --size 52M & echo \$! >$TMP/c.large
     wait \$!; echo the large one ended with \$?"
run=$!
ok 'at its limit the largest is held' wait_for 30 seen 'held alone: process'
large=$(cat "$TMP/c.large")
is 'that one' "$(alone)" "$large"
touch "$TMP/c.go"
ok 'the other ends: it goes on' wait_for 20 journal_has "$job" resolved
wait "$run"
is 'to its own end' "$(grep large "$TMP/$job.out")" 'the large one ended with 0'
like 'which is how it ended' "$(why)" 'it has room again, one of its processes held'

# ---- nothing is on record any more ----
two d
mw hold "$job" --pid "$small"; wait_for 10 stands "$small"
warden_kill9
rm -f "$WARDEN_STATE"/{ahead,journal}.jsonl*
mw failsafe --state-dir "$WARDEN_STATE" >"$TMP/failsafe.out" 2>&1
ok 'without any record, too' goes "$small"
go d
done_testing
