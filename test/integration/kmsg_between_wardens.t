# kmsg_between_wardens.t - what the kernel has killed in a job while no warden was
# there is in the job's story: `memwarden failsafe` leaves the job's OOM to it
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

failsafe () { mw failsafe --state-dir "$WARDEN_STATE"; }
kills () { jq -c --arg k "$1" 'select(.event == "kernel-kill" and .job == $k)' "$WARDEN_STATE/journal.jsonl"; }

# held NAME: a job whose child is in its OOM; it outlives the child
held () {
    rm -f "$TMP/go"
    run_job "$1" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- \
        bash -c '"$1" --size 64M; echo "child $?"; until [ -e "$0" ]; do sleep 0.05; done' \
        "$TMP/go" "$TOUCHMEM"
    job=$!
    ok "$1: held at its limit" wait_for 20 journal_has "$1" held
}
# orphaned NAME: its warden is killed, and the kernel answers
orphaned () {
    warden_kill9
    failsafe >"$TMP/failsafe.out"
    ok "$1: the kernel kills its child" wait_for 20 grep -q 'child 137' "$TMP/$1.out"
}

warden_start 'courier { start = false }' || exit 1
held a; orphaned a
warden_start
ok 'a: the next warden ends its story' wait_for 20 journal_has a resolved
record=$(kills a)
is 'with the kill, once' "$(jq -s length <<<"$record")" 1
is 'of the process' "$(jq -r .comm <<<"$record")" touchmem
like 'and why nobody else has answered' "$(jq -r .text <<<"$record")" \
    "the job's limit was reached, noticed by touchmem; no memwardend was there; "
like 'what has made room is told, too' "$(mw why a | tr '\n' ' ')" \
    'the kernel itself has killed process.*it has room again, after the kernel had killed in it'
warden_kill9; warden_start
is 'the one after it does not tell it again' "$(kills a | wc -l)" 1
touch "$TMP/go"; wait "$job"

# nobody reads the kernel's log: its kills are counted
warden_stop
warden_sees /dev/null /dev/kmsg
warden_start
held b; orphaned b
warden_start
ok 'b: the next warden ends its story' wait_for 20 journal_has b resolved
like 'without the log a kill is counted' "$(mw why b | tr '\n' ' ')" \
    'the kernel has killed in it.*it has room again, after the kernel had killed in it'
is 'once' "$(kills b | wc -l)" 1
touch "$TMP/go"; wait "$job"
done_testing
