# kmsg_job_wall.t - on cgroup v2 a job runs into its memory.max while the warden
# cannot run: the kernel kills, and the story says so: who was first, by how many
# milliseconds, and which setting keeps a job from that wall
# runs: v2
# takes: 65 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'courier { start = false }' || exit 1
story () { jq -r --arg k "$1" 'select(.job == $k and .event == "kernel-kill") | .text' "$WARDEN_STATE/journal.jsonl"; }
told () { story "$1" | grep -q 'itself has killed'; }
killed () { [ "$(awk '/^oom_kill / { print $2 }' "$1/memory.events")" -gt 0 ]; }
# Over its limit by what the kernel does not choose, then it wants more than the
# wall leaves.  How long memory.high keeps it from there goes by the part of its
# limit that it is over: with a small limit it would be minutes.  The shell is sent
# the signal as well.
job='trap "" USR1; echo -1000 >/proc/self/oom_score_adj
     "$1" --size "$2" --checkpoint "$0.seen" --go-on --stop-file "$0.stop" & keeps=$!
     until [ -e "$0.go" ]; do sleep 0.1; done
     (echo 0 >/proc/self/oom_score_adj; exec "$1" --size 128M); echo "child $?"
     wait $keeps'

# before the warden has seen anything
run_job late --reservation 512M --limit 768M --reserve 8M --on-oom 'signal=USR1@10m,kill' -- \
    bash -c "$job" "$TMP/late" "$TOUCHMEM" 740M
late=$!
ok 'a job is within its limit' wait_for 60 grep -q touched "$TMP/late.out"
dir=$(last_state late memory)
warden_unguarded
kill -STOP "$WARDEN_PID"
touch "$TMP/late.go"
ok 'the kernel kills in it at its wall' wait_for 120 killed "$dir"
kill -CONT "$WARDEN_PID"
ok 'the kill is recorded' wait_for 60 told late
like 'whose limit, who was first, what to set' "$(story late)" \
    'job late: the kernel itself has killed process [0-9]+ \(touchmem, .* MiB\): the job.s limit was reached, noticed by touchmem; (memwarden had no sign of it|the kernel was [0-9]+ ms faster than memwarden); a larger reserve than 32.0 MiB, or a smaller limit, keeps it from that wall'
is 'the memcg of the limit' "$(jq -r 'select(.event == "kernel-kill") | .oom_memcg' "$WARDEN_STATE/journal.jsonl")" "${dir#/sys/fs/cgroup}"
like 'the job was told' "$(wait_for 10 grep -q 'itself has killed' "$TMP/late.err"; cat "$TMP/late.err")" 'kernel itself has killed'
touch "$TMP/late.stop"
wait $late; is 'what is left of the job completes' $? 0
is 'one kill, one record' "$(story late | wc -l)" 1

# while the warden is at it
run_job slow --reservation 512M --limit 768M --reserve 16M --on-oom 'signal=USR1@10m,kill' -- \
    bash -c "$job" "$TMP/slow" "$TOUCHMEM" 770M
slow=$!
ok 'a job over its limit has its signal' wait_for 60 test -e "$TMP/slow.seen"
dir=$(last_state slow memory)
kill -STOP "$WARDEN_PID"
touch "$TMP/slow.go"
ok 'it goes on to its wall' wait_for 120 killed "$dir"
kill -CONT "$WARDEN_PID"
ok 'the kill is recorded' wait_for 60 told slow
like 'memwarden had begun before' "$(story slow)" \
    'the job.s limit was reached, .*memwarden had begun [0-9]+ ms before; a larger reserve than 32.0 MiB'
like 'in the story of the job' "$(mw why slow)" 'kernel itself has killed process'
touch "$TMP/slow.stop"
wait $slow
done_testing
