# guard_hung.t - a warden that hangs while a job stands in its OOM is noticed without
# systemd: it is killed, its jobs are given back, and a new warden takes up what is
# there.  One that has much to do, and one that is only not let run, is left alone.
# runs: v1 v2
# in-vm: newest-v2
# takes: 40 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

new_pid () {        # of the warden that answers now, if it is another than $1
    local pid
    pid=$(timeout 10 "$MEMWARDEN" jobs >/dev/null 2>&1 && warden_there)
    [ -n "$pid" ] && [ "$pid" != "$1" ] && echo "$pid"
}
# whose configuration is this test's, and no keeper, nor the guard
warden_there () {
    local p
    for p in $(pgrep -f -- "--config $WARDEN_CONF\$"); do
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" != memwardend ] || echo "$p"
    done
}
# A warden that the guard has started is no child of this test.
stop_adopted () {
    [ -z "$WARDEN_PID" ] || {
        kill "$WARDEN_PID"; wait_for 10 eval '! kill -0 "$WARDEN_PID"'
        kill -9 "$WARDEN_PID"
        WARDEN_PID=
    }
}
# also what was started when the test had failed
end_all () { pgrep -f -- "--config $WARDEN_CONF\$" | xargs -r kill -9; }
at_exit 'stop_adopted; end_all'
gone () { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status"; }

warden_start
first=$WARDEN_PID
guard=$(guard_of "$first")
ok 'a warden has a guard' test -n "$guard"
as_it () { [ "$(cat "/proc/$guard/oom_score_adj")" = "$(cat "/proc/$first/oom_score_adj")" ]; }
ok 'which the kernel chooses no more than the warden' wait_for 10 as_it
run_job "waits$$" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- \
    "$TOUCHMEM" --size 64M
job=$!
ok 'a job stands in its OOM' wait_for 20 journal_has "waits$$" held
run_job "stays$$" --reservation 64M -- sleep 1000
stays=$!
at_exit "kill $stays"
ok 'another is within its limit' wait_for 20 journal_has "stays$$" registered

kill -STOP "$first"
began=$SECONDS
ok 'a warden that is stopped is killed' wait_for 20 gone "$first"
echo "# after $((SECONDS - began)) s"
ok 'the job in its OOM was given back' wait_for 20 journal_has "waits$$" failsafe
# the kernel has killed it, as at its limit on plain Linux, or a warden that knows of it
# has it again
cared () { gone "$2" || [ "$(job_shows "$1" .held)" = true ]; }
ok 'it is not left asleep' wait_for 40 cared "waits$$" "$job"
must 'a new warden is there' wait_for 20 new_pid "$first"
WARDEN_PID=$(new_pid "$first")
ok 'which says what has become of the one before' \
    grep -q "memwardend (pid $first) did not answer any more (its state was T) and was killed; its jobs were given back" "$WARDEN_LOG"
ok 'and has taken up the job that is there' wait_for 20 eval '[ "$(job_shows "stays$$" .key)" = "stays$$" ]'
run_job "grows$$" --reservation 32M --limit 32M --on-oom grow=64M@1m,kill -- "$TOUCHMEM" --size 60M
wait $!
is 'and answers an OOM' $? 0
again=$WARDEN_PID
ok 'it has a guard, too' test -n "$(guard_of "$again")"

# it waits for ever, and is not stopped
stop_adopted
MW_HANG_WHILE=$TMP/hang LD_PRELOAD=$MW_BUILD/test/bin/.libs/hang.so warden_start
second=$WARDEN_PID
run_job "blocks$$" --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- "$TOUCHMEM" --size 64M
job=$!
ok 'a job stands in its OOM again' wait_for 20 journal_has "blocks$$" held
touch "$TMP/hang"
ok 'a warden that waits for ever is killed' wait_for 40 gone "$second"
wait "$second" 2>/dev/null
rm "$TMP/hang"      # the next one fares no better, until then
ok 'a new warden is there' wait_for 60 new_pid "$second"
WARDEN_PID=$(new_pid "$second")
ok 'its job is not left asleep' wait_for 40 cared "blocks$$" "$job"
stop_adopted

# many turns, and a guard that is not let run
warden_start 'courier { start = false }'
third=$WARDEN_PID guard=$(guard_of "$WARDEN_PID")
end=$((SECONDS + 12))
while [ $SECONDS -lt $end ]; do mw jobs >/dev/null || break; done
ok 'a warden that has much to do is left alone' kill -0 "$third"
kill -STOP "$guard"
kill -STOP "$third"
sleep 8
kill -CONT "$third"
kill -CONT "$guard"
sleep 4
ok 'so is one where the guard stood still, too' mw jobs
is 'and it is the same' "$(warden_there)" "$third"
kill -9 "$third"; wait "$third" 2>/dev/null
WARDEN_PID=
ok 'a warden that was killed is none of its business: the guard ends' wait_for 10 gone "$guard"
is 'and has started nobody' "$(warden_there)" ''
done_testing
