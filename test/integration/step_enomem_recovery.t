# step_enomem_recovery.t - the warden goes while a job is refused memory: after
# `memwarden failsafe`, or a clean stop, nobody's limits stay lowered; a restarted
# warden goes on with the step and gives them back at its end.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/rlimits.sh"

# start NAME LADDER: a job that stays at its limit in the step, with a child
start () {
    run_job "$1" --reservation 64M --limit 64M --reserve 32M --on-oom "$2" -- \
        "$TOUCHMEM" --size 200M --pieces --then-fork --stop-file "$TMP/end.$1"
    job=$!
    wait_for 20 grep -q '^child [1-9]' "$TMP/$1.out"
    child=$(sed -n 's/^child //p' "$TMP/$1.out")
    pid=$(grep -vx "$child" "$(last_state "$1" memory)/cgroup.procs" | head -n 1)
}

warden_start
start "a$$" 'enomem@10m,kill'
ok 'a job is refused memory' lowered "$pid"
ok 'and so is its child' lowered "$child"
# whoever sets its limit anew meanwhile has decided for itself
prlimit --pid "$child" --as=3000000000:
warden_kill9
ok 'failsafe after a kill -9' mw failsafe --state-dir "$WARDEN_STATE"
ok 'gives its limits back' unlimited "$pid"
is 'but not the one that its child has set itself' "$(limit "$child")" 'unlimited 3000000000 '
is 'and leaves no record' "$(ls "$WARDEN_STATE/rlimits")" ''
touch "$TMP/end.a$$"; wait $job; is 'it ends by itself' $? 0

warden_start
start "b$$" 'enomem@10m,kill'
ok 'another one is' lowered "$pid"
warden_stop
ok 'a warden that stops gives back' unlimited "$pid"
ok 'its child too' unlimited "$child"
warden_start
ok 'the next one goes on with the step' wait_for 20 lowered "$pid"
touch "$TMP/end.b$$"; wait $job; is 'it ends by itself' $? 0

start "c$$" 'enomem@5s,hold@10m,kill'
ok 'a third is' lowered "$pid"
warden_kill9
ok 'and stays so without a warden' lowered "$pid"
warden_start
ok 'the next one goes on to the end of its time' wait_for 30 journal_has "c$$" held:hold
ok 'and then gives back what the first had taken' unlimited "$pid"
ok 'to its child as well' unlimited "$child"
touch "$TMP/end.c$$"; mw set "c$$" --limit 96M
wait $job; is 'it ends by itself' $? 0
done_testing
