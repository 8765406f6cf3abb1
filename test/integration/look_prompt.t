#!/usr/bin/env bash
# look_prompt.t - the owner of a job that is held at its limit looks at it, at a terminal,
# and decides: its limit is raised and it completes; its largest process is killed and the
# rest goes on; it is let go, and the next step of its ladder is taken.  What is not
# possible is said, and nothing done; so is that the job has ended.  Leaving by ^C or at
# the end of the input does nothing.  No terminal is steered by what a job calls itself.
# runs: v1 v2
# takes: 30 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make cgroups'
install -m 755 "$TOUCHMEM" "$TMP/touchmem"
touchmem=$TMP/touchmem
mkdir -m 1777 "$TMP/jobs"
warden_start 'courier { start = false }
max-burst = "x3"'

prompt='\[q\]uit: $'
# looks JOB [PATTERN ANSWER]…: its owner, at a terminal; what is shown
looks () {
    local job=$1; shift
    python3 "$MW_SRC/test/lib/at_terminal.py" "$@" -- \
        setpriv --reuid=nobody --regid=nogroup --clear-groups \
        "$MEMWARDEN" look --for 100ms "$job"
}
held () { [ "$(job_shows "$1" '.held')" = true ]; }
not_held () { ! held "$1"; }
# begins JOB LADDER COMMAND…: of nobody's, 60M, and is held
begins () {
    local job=$1 ladder=$2; shift 2
    run_job "$job" --user nobody --reservation 60M --limit 60M --reserve 30M --on-oom "$ladder" -- "$@"
    pid[$job]=$!
    ok "job $job is held at its limit" wait_for 60 held "$job"
}
declare -A pid
two='touchmem=$1 go=$2
    $touchmem --size 8M --stop-file $go &
    $touchmem --size 300M
    echo the large one ended with $?
    wait $!
    echo the small one ended with $?'

# ---- grow ----
begins grows 'hold@10m,kill' "$touchmem" --size 100M --stop-file "$TMP/jobs/grows"
shown=$(looks grows "$prompt" '?' "$prompt" 'g' "$prompt" 'g 1000G' "$prompt" 'x' \
    "$prompt" 'k 1' "$prompt" 'g 64M' "$prompt" 'q')
is 'who looks leaves in order' $? 0
like 'he sees why it is held' "$shown" 'In an incident since [0-9:]+: it has reached its limit'
like 'and for how long' "$shown" 'It is held, for [0-9]+ s now'
like 'what comes next, and when' "$shown" 'Now: hold@10m, until [0-9:]+, in 9 min [0-9]+ s; then: kill'
like 'what was done' "$shown" 'job grows: held \(its tasks are frozen\)'
like 'which process has the memory, and that it stands' "$shown" ' (at the limit|frozen|held) +'"$touchmem"
like 'the help has whom' "$shown" 'WHO is a PID, largest, guilty, leader'
like 'a size is asked for' "$shown" 'by how much\? write the size behind it: grow 64M'
like 'beyond his cap it is refused' "$shown" 'Not done: the limit must be from the reservation \(60 MiB\) to 180 MiB'
like 'what is no command is said' "$shown" '"x" is not understood; \? lists what is'
like 'a process that is not shown is not killed' "$shown" 'There is no process 1 \(any more\) among those shown: nothing is done'
like 'the limit is raised' "$shown" 'Job grows: .* its limit is 124 MiB'
ok 'the job goes on' wait_for 60 grep -q 'touched 100 MiB' "$TMP/grows.out"
touch "$TMP/jobs/grows"
wait_end 60 "${pid[grows]}"; is 'and completes' $? 0
like 'it is on record' "$(mw why grows)" 'limit set to 124 MiB'

# ---- kill largest ----
begins kills 'hold@10m,kill' bash -c "$two" two "$touchmem" "$TMP/jobs/kills"
shown=$(looks kills "$prompt" 'l' "$prompt" 'k largest' 'y/N' 'n' "$prompt" 'kill largest' 'y/N' 'y' \
    "$prompt" 'q')
like 'to let it go where only the kill is left is refused' "$shown" \
    'Not done: job kills is still at its limit and the only step left is to kill it'
like 'without a yes nothing is done' "$shown" 'Nothing is done'
like 'with one it is' "$shown" 'Done'
ok 'the largest dies' wait_for 60 grep -q 'the large one ended with 137' "$TMP/kills.out"
ok 'the incident is over' wait_for 60 journal_has kills resolved
touch "$TMP/jobs/kills"
wait_end 60 "${pid[kills]}"; is 'the rest goes on, to its end' $? 0
is 'in order' "$(tail -n 1 "$TMP/kills.out")" 'the small one ended with 0'
like 'who has asked is on record' "$(mw why kills)" "kill=largest@10s asked for by uid $(id -u nobody)"

# ---- let go ----
begins goes 'hold@10m,signal=USR1@10m,kill' "$touchmem" --size 100M --checkpoint "$TMP/jobs/goes"
shown=$(looks goes "$prompt" 'let go' "$prompt" 'q')
like 'what its ladder has is shown' "$shown" 'then: signal=USR1@10m,kill'
wait_end 60 "${pid[goes]}"; is 'let go, it is sent that signal, and ends in order' $? 0
ok 'with its checkpoint written' test -e "$TMP/jobs/goes"
like 'which is the next step of its ladder' "$(mw why goes)" 'resume asked for.*|sent signal USR1'

# ---- nothing ----
begins waits 'hold@10m,kill' bash -c 'exec -a "$1" "$2" --size 100M' - $'\e[31mred\e]0;title\a' "$touchmem"
shown=$(looks waits "$prompt" '^D'); is 'the end of the input ends it' $? 0
like 'a signal wants a name' "$(looks waits "$prompt" 's' "$prompt" '^D')" 'which signal\?'
looks waits "$prompt" '^C' >"$TMP/shown"; is 'so does ^C' $? 130
looks waits "$prompt" 'k' 'y/N' '^C' >"$TMP/shown"; is 'also when it is asked whether it is sure' $? 130
ok 'and the job is held as before' held waits
like 'its processes are shown' "$shown" 'red'
unlike 'and steer no terminal' "$shown" $'[\e\a]'
shown=$(mw look --for 10ms --stacks waits)
like 'where its tasks sleep' "$shown" "^ +[0-9]+  touchmem: (at the limit|frozen|held)( in |$)"
if [ -n "$(cat "/proc/$(mw ps waits --json | jq '.[0].pid')/stack")" ]; then
    like 'root sees the stack of each' "$shown" '^ {10}[a-z_0-9.]+( < [a-z_0-9.]+)+'
else
    unlike 'a kernel that tells no stack: none is made up' "$shown" '^ {10}[a-z_0-9.]+( < [a-z_0-9.]+)+'
fi
like 'its owner does not, and is told' \
    "$(setpriv --reuid=nobody --regid=nogroup --clear-groups "$MEMWARDEN" look --for 10ms --stacks waits)" \
    "The kernel's stacks are for root alone"
like 'another does not see the job' \
    "$(setpriv --reuid=65533 --regid=nogroup --clear-groups "$MEMWARDEN" look --for 10ms waits 2>&1)" \
    'there is no job waits on this node, or it is not yours'
is 'no terminal: it is not asked' "$(mw look --for 10ms waits </dev/null | grep -c 'uit')" 0
is 'but where that is wanted' "$(printf 'nonsense\nq\n' | mw look --for 10ms --prompt waits | grep -c 'is not understood')" 1
is 'and not for programs' "$(mw look --json --prompt waits 2>&1 | head -n 1)" \
    'memwarden look: either --json or --prompt'
is 'which have all of it' "$(mw look --for 10ms --json --stacks waits |
    jq -c '[.incident.rung, .incident.next, (.incident.tried | length > 0), (.processes[0].tasks | length)]')" \
    '["hold@10m","kill",true,1]'

its=$(mw ps waits --json | jq '.[0].pid')
like 'before a process is killed it is asked whether it is that one' \
    "$(looks waits "$prompt" "k $its" 'y/N' n "$prompt" q)" "Job waits: kill process $its \(.*touchmem.*\(y/N\)|kill process $its \(\?\[31mred"

# ---- it has ended meanwhile ----
shown=$(looks waits "$prompt" "sh:'$MEMWARDEN' set waits --limit 180M; until ! '$MEMWARDEN' jobs --json | grep -q waits; do sleep 0.1; done")
is 'a job that has ended meanwhile is no error' $? 0
like 'it is said' "$shown" 'It has ended; `memwarden why waits` tells how'
done_testing
