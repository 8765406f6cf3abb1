# kmsg_rate_limited.t - the kernel says no more than 10 of its reports in 5 s, but
# every kill: one without its report is told to its own job or to nobody known,
# never to the job of the report before
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'courier { start = false }' || exit 1
for job in noisy quiet; do
    run_job $job --reservation 48M --limit 512M -- bash -c '
        trap "exit 0" USR1; echo up; while :; do sleep 0.1; done'
    ok "job $job runs" wait_for 60 grep -q up "$TMP/$job.out"
done
small () {          # DIR: a memcg in it at whose limit the kernel kills
    mkdir "$1/small"
    echo 0 >"$1/small/memory.oom_control"
    echo 4M >"$1/small/memory.limit_in_bytes"
}
noisy=$(last_state noisy memory) quiet=$(last_state quiet memory)
small "$noisy"; small "$quiet"
kernel_kills () {   # DIR: in it; the pid in $pid
    sh -c 'echo $$ >"$0/small/cgroup.procs"; exec "$1" --size 32M' "$1" "$TOUCHMEM" >/dev/null 2>&1 & pid=$!
    wait $pid
}
said () { dmesg | grep -q "Memory cgroup out of memory: Killed process $1 "; }
# its verdict is part of the report
reported () { dmesg | grep -q "^[^']*oom-kill:.*,pid=$1,uid="; }

# until one of the quiet job's is held back
pids=
for _ in $(seq 10); do
    for _ in $(seq 12); do kernel_kills "$noisy"; pids+=" $pid"; done
    kernel_kills "$quiet"
    ok 'the kernel has killed in the quiet job' wait_for 30 said "$pid"
    reported "$pid" || break
done
ok 'and has not said in which' eval '! reported "$pid"'
record () { jq -c --arg p "process $1 " 'select(.event == "kernel-kill" and (.text | contains($p)))' "$WARDEN_STATE/journal.jsonl"; }
told () { [ -n "$(record "$1")" ]; }
ok 'the kill is told' wait_for 30 told "$pid"
record=$(record "$pid")
is 'once' "$(jq -s length <<<"$record")" 1
is 'to no wrong job' "$(jq -r '.job // "nobody"' <<<"$record")" nobody
is 'no memcg is named' "$(jq -r '.oom_memcg + .task_memcg + .invoker' <<<"$record")" ''
like 'and is said to be unknown' "$(jq -r .text <<<"$record")" \
    'the kernel itself has killed process [0-9]+ .*: some limit was reached, noticed by nobody known'
wrong=
for job in noisy quiet; do
    for p in $(jq -r --arg k $job 'select(.event == "kernel-kill" and .job == $k and .pid) | .pid' "$WARDEN_STATE/journal.jsonl"); do
        case " $pids " in *" $p "*) of=noisy ;; *) of=quiet ;; esac
        [ $of = $job ] || wrong+=" $p:$job"
    done
done
is 'each that was told to a job is that job'"'"'s own' "$wrong" ''
like 'those with a report were' "$(jq -r 'select(.event == "kernel-kill" and .job == "noisy") | .text' "$WARDEN_STATE/journal.jsonl")" \
    'job noisy: the kernel itself has killed process'
is '`memwarden kmsg` neither gives it away' \
    "$("$MEMWARDEN" kmsg --json /dev/kmsg | jq -r --argjson p "$pid" '.[] | select(.pid == $p) | .oom_memcg + .task_memcg + .invoker')" ''
done_testing
