# shadow_node.t - shadow mode: the node runs out of memory, its own or that of the
# pool; who would have had to give, and what, is on record, and nobody is harmed
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# the jobs are real; what the node says of itself is a file of ours
put_meminfo 1024 600
warden_sees "$TMP/meminfo" /proc/meminfo
root=/sys/fs/cgroup/memory
[ -d $root ] || { root=/sys/fs/cgroup; echo +memory >$root/cgroup.subtree_control; }
pool=$root/$WARDEN_POOL
conf='shadow = true
psi = "off"
node-ladder = "suspend@5m,kill"
max-burst = "x64"
courier { start = false }'
warden_start "node-reserve = \"100M\"
$conf" || exit 1

job () {    # job NAME PRIORITY RESERVATION SIZE
    run_job "$1" --priority "$2" --reservation "$3" --limit 400M -- \
        "$TOUCHMEM" --size "$4" --stop-file "$TMP/stop"
}
job hog 900 32M 160M; hog=$!
job low 100 120M 64M; low=$!
ok 'a hog, over its reservation, has its memory' wait_for 30 grep -q touched "$TMP/hog.out"
ok 'a job of low priority, within it, too' wait_for 30 grep -q touched "$TMP/low.out"

# everything of both jobs that a step could change
settings () {
    local f
    for f in "$pool"/{hog,low}/{memory.limit_in_bytes,memory.soft_limit_in_bytes,memory.high,memory.max,memory.low,cgroup.freeze} \
        "${root%/*}/freezer/$WARDEN_POOL"/{hog,low}/freezer.state; do
        [ ! -e "$f" ] || grep -H '' "$f"
    done
    grep -s oom_kill_disable "$pool"/{.,hog,low}/memory.oom_control
    grep -s '' "$pool"/memory.{limit_in_bytes,high,max}
}
before=$(settings)
records () { jq -c "select(.event == \"$1\"${2:+ and .job == \"$2\"})" "$WARDEN_STATE/journal.jsonl"; }
count () { records "$@" | wc -l; }
has () { [ "$(count "${@:2}")" = "$1" ]; }
log () { grep -Eq -- "$1" "$TMP/warden.log"; }

put_meminfo 1024 60
ok 'it is recorded who would have had to give' wait_for 30 has 1 shadow hog
is 'for the node, and what would have been begun with' \
    "$(records shadow hog | jq -r '"\(.trigger) \(.first) \(.deadline_ms) \(.ladder)"')" \
    'node suspend@5m 300000 suspend@5m,kill'
ok 'the decision is on record as one that is carried out is' wait_for 30 has 1 decision
like 'it can be replayed' "$(mw replay --config "$WARDEN_CONF")" '^  then .*: hog; begun with suspend@5m,kill$'
like 'why: the hog' "$(mw why hog)" \
    'out of memory: chosen: .*over its reservation of 32.0 MiB; priority 900'
like 'and what would have been done' "$(mw why hog)" 'shadow .*would have begun with suspend@5m'
like 'why: the other' "$(mw why low)" 'not chosen: within its reservation.*priority 100'
looks=$((SECONDS + 3))      # what does not happen has to be given its time
later () { [ $SECONDS -ge $looks ]; }
wait_for 30 later
is 'once, however long it lasts' "$(count shadow) $(count decision)" '1 1'

job worse 100 32M 250M; worse=$!
ok 'a worse one comes: the plan has changed, and is recorded' wait_for 30 has 1 shadow worse
is 'the first one is not told again' "$(count shadow hog)" 1
put_meminfo 1024 600
ok 'the node has memory again' wait_for 30 log 'memory again after .*; 2 jobs would have been chosen'
is 'nothing of any job has been changed' "$(settings)" "$before"
is 'no incident, no step' "$(journal_events hog)$(journal_events worse)" \
    'registered node shadow node registered node shadow '

# the pool's limit would be 400M; it is not given one
warden_stop
put_meminfo 600 500
warden_start "node-reserve = \"200M\"
pool = \"$pool\"
$conf" || exit 1
ok 'the pool is over what it would be limited to' wait_for 30 has 2 shadow worse
like 'that is told' "$(cat "$TMP/warden.log")" 'pool .*: only watched: its limit would be 400 MiB'
like 'and why' "$(cat "$TMP/warden.log")" 'out of memory \(the pool is at its limit\)'
is 'neither the pool nor a job has been changed' "$(settings)" "$before"

touch "$TMP/stop"
for pid in $hog $low $worse; do
    wait "$pid"; is 'each job completes' $? 0
done
is 'nobody was told in it' "$(cat "$TMP"/{hog,low,worse}.err)" ''
ok 'the pool is below its limit again' wait_for 30 log '; 1 jobs would have been chosen'
done_testing
