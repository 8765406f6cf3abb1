#!/usr/bin/env bash
# proc_limit.t - what one process may hold: of several processes of a job the one that
# passes it is killed alone, sent a signal or refused memory, and the others go on; many
# of them one after the other; it is set, lifted and refused by hand; the next warden has
# it; the job's own OOM is answered first.
# runs: v1 v2
# takes: 40 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
small=(--reservation 256M --limit 256M --on-oom kill)
# of the journal: the one processes that KEY's records name
named () {
    jq -r --arg k "$1" 'select(.job == $k and .process) | "\(.incident) \(.process.pid) \(.process.comm)"' \
        "$WARDEN_STATE/journal.jsonl"
}
resolved () { [ "$(journal_count "$1" resolved)" -ge "$2" ]; }
warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }

# ---- one of three is killed ------------------------------------------------------
# shell KEY: three processes, of which one passes 64M when KEY.grow is there
cat >"$TMP/three" <<END
$TOUCHMEM --size 8M --stop-file \$1.go >/dev/null & first=\$!
$TOUCHMEM --size 8M --stop-file \$1.go >/dev/null & second=\$!
until [ -e \$1.grow ]; do sleep 0.05; done
$TOUCHMEM --size 150M \$2 --stop-file \$1.go >/dev/null & third=\$!
wait \$third; echo third \$?
touch \$1.go
wait \$first; echo first \$?
wait \$second; echo second \$?
END
three () {          # KEY LIMIT [ARG of the one that grows]
    run_job "$1" "${small[@]}" --proc-limit "$2" -- bash "$TMP/three" "$TMP/$1" "${3:-}"
}
three k$$ 64M
job=$!
wait_for 10 journal_has k$$ registered
is 'it is told by jobs' "$(job_shows k$$ .proc_limit)" 64M:kill
touch "$TMP/k$$.grow"
wait $job
is 'the job ends by itself' $? 0
is 'the one above its limit was killed, the others go on' "$(tr '\n' ' ' <"$TMP/k$$.out")" \
    'third 137 first 0 second 0 '
like 'its stderr names it, and its limit' "$(cat "$TMP/k$$.err")" \
    'above the 64.0 MiB that it may hold: process [0-9]+ \(touchmem\): it holds [0-9.]+ MiB \(anonymous'
like 'and what was done' "$(cat "$TMP/k$$.err")" 'SIGKILL to process [0-9]+ \(touchmem\)'
like 'so does why' "$(mw why k$$)" 'SIGKILL to process [0-9]+ \(touchmem'
like 'with how it ended, or the job, if that was sooner' "$(mw why k$$)" 'the process is gone|the job has ended; it'
is 'the records are of one incident, and of one process' "$(named k$$ | sort -u | wc -l)" 1
is 'it is of a trigger of its own' \
    "$(jq -r --arg k k$$ 'select(.job == $k and .event == "resolved") | .trigger' "$WARDEN_STATE/journal.jsonl")" process

# ---- a signal, and who does not catch it ---------------------------------------------
three s$$ 64M:signal=USR1@10m "--checkpoint $TMP/s$$.saved"
job=$!
touch "$TMP/s$$.grow"
wait $job
ok 'a signal: it has saved its work' test -e "$TMP/s$$.saved"
like 'the others have not had it' "$(tr '\n' ' ' <"$TMP/s$$.out")" 'third [0-9]+ first 0 second 0 '
like 'its stderr names it' "$(cat "$TMP/s$$.err")" 'sent signal USR1 to process [0-9]+ \(touchmem\)'
three d$$ 64M:signal=USR1@10m,kill
job=$!
touch "$TMP/d$$.grow"
wait $job
like 'who does not catch it is not sent it' "$(cat "$TMP/d$$.err")" 'does not catch signal USR1'
is 'but comes to the next action' "$(tr '\n' ' ' <"$TMP/d$$.out")" 'third 137 first 0 second 0 '

# ---- refused memory --------------------------------------------------------------------
cat >"$TMP/slowly.py" <<END
import time
parts = []
try:
    for i in range(220):
        parts.append(b"x" * (1 << 20))
        if i > 60: time.sleep(0.1)
    print("never refused")
except MemoryError:
    del parts
    print("caught", flush=True)
END
run_job e$$ "${small[@]}" --proc-limit 64M:enomem@10m -- python3 "$TMP/slowly.py"
wait $!
is 'refused memory, Python catches that' "$(cat "$TMP/e$$.out")" caught
like 'its stderr names it' "$(cat "$TMP/e$$.err")" 'further memory is refused to process [0-9]+ \(python3'

# ---- slowed ----------------------------------------------------------------------------
three z$$ 64M:slow=50%@1s,kill
job=$!
touch "$TMP/z$$.grow"
wait $job
like 'slowed, it is still above its limit, and comes to the next action' "$(tr '\n' ' ' <"$TMP/z$$.out")" \
    'third 137 first 0 second 0 '
like 'its stderr names it' "$(cat "$TMP/z$$.err")" 'slowed to 50% of its speed: process [0-9]+ \(touchmem\)'

# ---- many ------------------------------------------------------------------------------
cat >"$TMP/many" <<END
for i in 1 2 3 4 5 6; do $TOUCHMEM --size 4M --stop-file \$1.go >/dev/null & small="\$small \$!"; done
for i in 1 2 3; do $TOUCHMEM --size 40M --stop-file \$1.go >/dev/null & large="\$large \$!"; done
for p in \$large; do wait \$p; echo large \$?; done
touch \$1.go
for p in \$small; do wait \$p; echo small \$?; done
END
run_job m$$ "${small[@]}" --proc-limit 32M -- bash "$TMP/many" "$TMP/m$$"
wait $!
is 'many: all that are above are killed, one after the other, and no other' \
    "$(sort "$TMP/m$$.out" | uniq -c | tr -s ' \n' ' ')" ' 3 large 137 6 small 0 '
is 'each in an incident of its own' "$(journal_count m$$ resolved)" 3

# ---- set, lifted; the next warden has it --------------------------------------------------
run_job r$$ "${small[@]}" -- bash "$TMP/three" "$TMP/r$$"
job=$!
wait_for 10 journal_has r$$ registered
like 'nothing is above the whole job' "$(mw set r$$ --proc-limit 1G 2>&1)" \
    'a process limit of 1.0 GiB is above the job.s limit of 256 MiB, which no process passes; it must be that much or less'
like 'nor 0' "$(mw set r$$ --proc-limit 0M 2>&1)" '--proc-limit: .*write a size above 0, or "none"'
like 'nor what is not done to one' "$(mw set r$$ --proc-limit 64M:hold 2>&1)" \
    '"hold" is not done to one process; allowed are slow, enomem, signal, kill'
like 'nor has an action a target' "$(mw set r$$ --proc-limit 64M:kill=largest 2>&1)" \
    'kill is for the process that has passed the limit; write it without "=largest"'
is 'nothing was set' "$(job_shows r$$ .proc_limit)" ''
ok 'it is set' mw set r$$ --proc-limit 64M:kill
ok 'and lifted' mw set r$$ --proc-limit none
is 'then there is none' "$(job_shows r$$ .proc_limit)" ''
ok 'and set again' mw set r$$ --proc-limit 64M
warden_kill9
warden_start
is 'the next warden has it' "$(job_shows r$$ .proc_limit)" 64M:kill
touch "$TMP/r$$.grow"
wait $job
is 'and sees who is above' "$(tr '\n' ' ' <"$TMP/r$$.out")" 'third 137 first 0 second 0 '

# ---- the warden is killed behind its record ------------------------------------------------
three w$$ 64M:enomem@10m,kill
job=$!
touch "$TMP/w$$.grow"
wait_for 20 journal_has w$$ step:enomem
warden_kill9
warden_start
is 'killed in an incident of one, the next goes on with it' \
    "$(job_shows w$$ '.incident | "\(.trigger) \(.step)"')" 'process enomem'
ok 'its limit is lifted' mw set w$$ --proc-limit none
is 'then it is over' "$(job_shows w$$ .incident)" null
touch "$TMP/w$$.go"
wait $job
like 'that is on record' "$(mw why w$$)" 'its limit is another now'
is 'and nobody is hurt' "$(tr '\n' ' ' <"$TMP/w$$.out")" 'third 0 first 0 second 0 '

# ---- the job's own out-of-memory goes first -------------------------------------------------
cat >"$TMP/both" <<END
$TOUCHMEM --size 60M --stop-file \$1.go >/dev/null &
until [ -e \$1.grow ]; do sleep 0.05; done
exec $TOUCHMEM --size 44M --stop-file \$1.go
END
run_job j$$ --reservation 96M --limit 96M --on-oom kill --proc-limit 48M:enomem@10m -- bash "$TMP/both" "$TMP/j$$"
job=$!
wait_for 20 journal_has j$$ step:enomem
touch "$TMP/j$$.grow"
wait $job
is 'at its own limit the job is dealt with as a whole' $? 137
is 'one incident has given way to the other' \
    "$(jq -r --arg k j$$ 'select(.job == $k and .event == "resolved") | .trigger' "$WARDEN_STATE/journal.jsonl" | tr '\n' ' ')" 'process job '
like 'which is told' "$(mw why j$$)" "it has become the whole job's"

# ---- bad input at the start --------------------------------------------------------------
like 'run: a size above the limit' \
    "$(mw run --reservation 64M --limit 64M --proc-limit 65M -- true 2>&1)" \
    '--proc-limit: 65.0 MiB is above the --limit of 64.0 MiB'
like 'one above what the configuration gives is left out, which is said' \
    "$(mw run --pool "$WARDEN_POOL" --name o$$ --reservation 64M --proc-limit 1T -- true 2>&1)" \
    'memwarden run: the proc-limit of 1.0 TiB is above the job.s limit of [0-9.]+ MiB, which no process passes: it is left out'
like 'run: no size' "$(mw run --reservation 64M --proc-limit :kill -- true 2>&1)" '--proc-limit: ":kill" has no size'
done_testing
