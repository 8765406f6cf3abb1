# shadow_job.t - shadow mode: a job's own OOM is left to the kernel, nothing of its
# memcg is touched, nobody is told in it; what would have been done is on record
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'shadow = true
burst = "x2"
max-burst = "x4"
courier { start = false }' || exit 1
like 'the mode is told' "$(cat "$TMP/warden.log")" 'ready: .*shadow: nothing is done'

# its child is killed, it goes on; so twice
run_job victim --reservation 64M --on-oom 'grow@9m,signal=TERM@30s,kill' -- bash -c '
    echo up
    for i in 1 2; do
        until [ -e "$0.$i" ]; do sleep 0.05; done
        "$1" --size 200M; echo "child $i: $?"
    done' "$TMP/go" "$TOUCHMEM"
victim=$!
ok 'the job runs' wait_for 30 grep -q up "$TMP/victim.out"
dir=$(last_state victim memory)
like 'it is registered' "$dir" "/$WARDEN_POOL/victim\$"

# A fresh directory beside it has what nobody has written to.
mkdir "$dir/../fresh"; at_exit "rmdir '$dir/../fresh'"
if [ -e "$dir/memory.max" ]; then
    files='memory.high memory.low cgroup.freeze' limit=memory.max
else
    files='memory.soft_limit_in_bytes' limit=memory.limit_in_bytes
    freezer=$(last_state victim freezer)
fi
settings () {
    # shellcheck disable=SC2086    # several names
    (cd "$1" && grep -s '' $files
     grep -s oom_kill_disable memory.oom_control)
    [ -z "${freezer:-}" ] || cat "${freezer%/*}/${1##*/}/freezer.self_freezing"
}
[ -z "${freezer:-}" ] || { mkdir "${freezer%/*}/fresh"; at_exit "rmdir '${freezer%/*}/fresh'"; }
untouched () {
    is "$1: as nobody has written to it" "$(settings "$dir")" "$(settings "$dir/../fresh")"
    is "$1: the limit is what it was given" "$(cat "$dir/$limit")" $((64 << 20))
}
untouched 'registered'

shadows () { jq -c 'select(.event == "shadow" and .job == "victim")' "$WARDEN_STATE/journal.jsonl"; }
told () { [ "$(shadows | wc -l)" = "$1" ]; }
touch "$TMP/go.1"
ok 'the kernel has killed in it' wait_for 30 grep -q 'child 1: 137' "$TMP/victim.out"
ok 'that is on record' wait_for 30 told 1
untouched 'after its OOM'
is 'its limit as it was given; it had used that; its reservation; the limit it would have had' \
    "$(shadows | jq -r '[.kernel_limit, .used, .reservation, .limit] | map(. / 1048576) | join(" ")')" \
    '64 64 64 128'
is 'the trigger, and one kill of the kernel' "$(shadows | jq -r '"\(.trigger) \(.kernel_kills)"')" 'job 1'
is 'the first step, its deadline, how much could have been lent' \
    "$(shadows | jq -r '"\(.first) \(.deadline_ms) \(.lend / 1048576)"')" 'grow@9m 540000 64'
is 'the ladder' "$(shadows | jq -r .ladder)" 'grow@9m,signal=TERM@30s,kill'
touch "$TMP/go.2"
ok 'a second one is a second record' wait_for 30 told 2
wait $victim; is 'the job ends as it would without memwarden' $? 0
is 'no more than those' "$(shadows | wc -l)" 2
is 'no step, no incident' "$(journal_events victim | sed 's/kernel-kill //g')" \
    'registered shadow shadow released '
unlike 'nobody was told in it' "$(cat "$TMP/victim.err")" 'memwarden|limit'
like 'why' "$(mw why victim)" "shadow  .*at its limit of 64.0 MiB \(reservation 64.0 MiB\); the kernel has killed 1 of its processes; memwarden's limit would have been 128 MiB; memwarden would have begun with grow@9m: 64.0 MiB could have been lent; its ladder: grow@9m,signal=TERM@30s,kill"
like 'events' "$(mw events --job victim)" 'shadow  .*would have begun with grow@9m'
like 'the log' "$(cat "$TMP/warden.log")" 'job victim: shadow: '

run_job held --reservation 64M -- bash -c 'echo up; until [ -e "$0" ]; do sleep 0.05; done' "$TMP/stop"
ok 'another runs' wait_for 30 grep -q up "$TMP/held.out"
like 'an admin cannot have it held' "$(mw hold held 2>&1)" 'shadow mode: it does nothing'
ok 'a limit is only counted on' mw set held --limit 100M
dir=$(last_state held memory)
untouched 'the other'
warden_kill9
"$MEMWARDEN" failsafe --state-dir "$WARDEN_STATE" >"$TMP/failsafe" 2>&1
untouched 'after the failsafe'
warden_start || exit 1
ok 'a restarted warden has it again' wait_for 10 journal_has held adopted
untouched 'after a restart'
touch "$TMP/stop"
done_testing
