# step_enomem.t - a program that knows what to do when malloc(3) fails gets that
# chance at its limit, and ends well; afterwards nobody's limits stay lowered, not
# those of a child either; where it does not help, the next step comes.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/rlimits.sh"

run () {        # NAME LADDER ARG…
    local name=$1 ladder=$2; shift 2
    run_job "$name" --reservation 64M --limit 64M --reserve 32M --on-oom "$ladder" -- "$@"
    job=$!
}
pid_in () { head -n 1 "$(last_state "$1" memory)/cgroup.procs"; }

warden_start

run "ends$$" 'enomem@10m,kill' "$TOUCHMEM" --size 200M --pieces
wait $job; is 'a program that handles it ends with 0' $? 0
like 'and says that there was none' "$(cat "$TMP/ends$$.out")" '^no memory: Cannot allocate'
wait_for 10 journal_has "ends$$" released
out=$(mw why "ends$$")
like 'why tells it' "$out" '1 of its processes get ENOMEM'
unlike 'nothing was killed' "$out" 'SIGKILL'

run "frees$$" 'enomem@10m,kill' "$TOUCHMEM" --size 200M --pieces --free --then-fork --stop-file "$TMP/end"
ok 'one that frees it' wait_for 20 journal_has "frees$$" resolved
like 'is out of it' "$(mw why "frees$$")" 'refused more, it has come down by itself'
like 'its limits were given back' "$(mw why "frees$$")" 'of its processes may have more memory again'
wait_for 10 grep -q '^child [1-9]' "$TMP/frees$$.out"
ok 'they are what they were' unlimited "$(pid_in "frees$$")"
ok 'those of its child, too' unlimited "$(sed -n 's/^child //p' "$TMP/frees$$.out")"
touch "$TMP/end"
wait $job; is 'and it ends by itself' $? 0

run "stays$$" 'enomem@1s,hold@10m,kill' "$TOUCHMEM" --size 200M --pieces --then-fork --stop-file "$TMP/end2"
ok 'one that stays at its limit is given T' wait_for 20 journal_has "stays$$" held:hold
pid=$(pid_in "stays$$")
ok 'then its limits are what they were' unlimited "$pid"
child=$(sed -n 's/^child //p' "$TMP/stays$$.out")
ok 'and the limits of its child, which has inherited them' unlimited "$child"
touch "$TMP/end2"
mw set "stays$$" --limit 96M
wait $job; is 'with more room it ends by itself' $? 0

# what it has mapped already it can touch, and is beyond its reserve with that
run "mapped$$" 'enomem@10m,kill' "$TOUCHMEM" --size 200M
wait $job; is 'memory that was mapped before cannot be refused: next step' $? 137

# its own limit, and one lower than what it has anyway
run "own$$" 'enomem@300ms,hold@10m,kill' bash -c \
    "ulimit -S -v 4000000; exec $TOUCHMEM --size 200M --pieces --stop-file $TMP/end3"
ok 'a job with a limit of its own' wait_for 20 journal_has "own$$" held:hold
is 'has just that afterwards' "$(limit "$(pid_in "own$$")")" 'unlimited 4096000000 '
touch "$TMP/end3"; mw set "own$$" --limit 96M
wait $job; is 'and ends by itself' $? 0

# its program, and many that begin and end while the warden looks
run "script$$" 'enomem@10m,kill' bash -c \
    "$TOUCHMEM --size 90M --pieces --stay 1 & for k in {1..40}; do $TOUCHMEM --size 1M & done; wait; exit 5"
wait $job; is 'a job script goes on to its end' $? 5
run "many$$" 'enomem@10m,kill' "$TOUCHMEM" --size 30M --pieces --children 6
wait $job; is 'so do several at a time' $? 0
ok 'no record is left' [ -z "$(ls "$WARDEN_STATE/rlimits")" ]

run_job "none$$" --reservation 32M --limit 32M --reserve 0 --on-oom 'enomem,kill' -- \
    "$TOUCHMEM" --size 64M --pieces
job=$!
wait $job; is 'without a reserve: next step' $? 137
like 'and why' "$(mw why "none$$")" 'enomem@1m is not available on this node: it has no reserve'
done_testing
