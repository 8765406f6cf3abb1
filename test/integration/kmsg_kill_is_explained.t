# kmsg_kill_is_explained.t - a kill by the kernel itself, in a registered job, is in
# the job's story: which process, whose limit, who was first, what to set
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

v1=/sys/fs/cgroup/memory
warden_start 'courier { start = false }' || exit 1
run_job victim --reservation 48M --limit 64M --on-oom 'hold@10m,kill' -- \
    bash -c 'echo up; until [ -e "$0" ]; do sleep 0.05; done
             "$1" --size 200M; echo "child $?"' "$TMP/go" "$TOUCHMEM"
ok 'the job runs' wait_for 30 grep -q up "$TMP/victim.out"
dir=$(last_state victim memory)
# somebody takes the OOM away from the warden: the kernel answers at the limit
echo 0 >"$dir/memory.oom_control"
touch "$TMP/go"
told () { jq -c 'select(.event == "kernel-kill" and .job == "victim")' "$WARDEN_STATE/journal.jsonl"; }
ok 'the kill is recorded' wait_for 30 journal_has victim kernel-kill
record=$(told)
is 'once' "$(jq -s length <<<"$record")" 1
is 'its trigger is the kernel' "$(jq -r .trigger <<<"$record")" kernel
is 'the process' "$(jq -r .comm <<<"$record")" touchmem
is 'not of the whole node' "$(jq -r .global <<<"$record")" false
is 'the memcg of the limit' "$(jq -r .oom_memcg <<<"$record")" "/$WARDEN_POOL/victim"
is 'the memcg of the victim' "$(jq -r .task_memcg <<<"$record")" "/$WARDEN_POOL/victim"
ok 'with the kernel'"'"'s stack' jq -e '.trace | length > 3' <<<"$record"
like 'whose limit, who was first, and what to set' "$(jq -r .text <<<"$record")" \
    'itself has killed process [0-9]+ \(touchmem, .* MiB\): the job.s limit was reached, noticed by touchmem; (memwarden had no sign of it|memwarden had begun [0-9]+ ms before|the kernel was [0-9]+ ms faster than memwarden); a larger reserve than'
like 'in the job'"'"'s story' "$(mw why victim)" 'kernel itself has killed process'
like 'in the log' "$(cat "$TMP/warden.log")" 'job victim: the kernel itself has killed'
like 'the job was told' "$(wait_for 10 grep -q 'itself has killed' "$TMP/victim.err"; cat "$TMP/victim.err")" 'kernel itself has killed'

run_job below --reservation 48M --limit 128M -- bash -c '
    for name in step docker-0a1b.scope; do
        mkdir "$0/$name"; echo 0 >"$0/$name/memory.oom_control"
        echo 32M >"$0/$name/memory.limit_in_bytes"
        (echo $BASHPID >"$0/$name/cgroup.procs"; exec "$1" --size 100M)
        echo "child $?"; rmdir "$0/$name"
    done' "$v1/$WARDEN_POOL/below" "$TOUCHMEM"
wait $!
like 'a limit below the job'"'"'s is named' "$(mw why below)" \
    "a limit below the job's was reached.*/$WARDEN_POOL/below/step is not memwarden's: whoever made that directory set it"
like 'a container'"'"'s with its own knob' "$(mw why below)" \
    "/below/docker-0a1b.scope is not memwarden's but a container's: docker run --memory"
done_testing
