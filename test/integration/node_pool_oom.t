# node_pool_oom.t - the pool runs out: the low job over its reservation goes, the
# one within its reservation completes untouched, and `why` tells each of them
# runs: v1 v2
# takes: 61 s
# in-vm: 6.12-v2 qemu-6.12
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 256M
warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
courier { start = false }" || exit 1

job () {    # job NAME PRIORITY RESERVATION LIMIT SIZE STAY
    run_job "$1" --priority "$2" --reservation "$3" --limit "$4" -- \
        "$TOUCHMEM" --size "$5" --stop-file "$TMP/stop"
}
job innocent 500 120M 200M 100M; innocent=$!
ok 'the innocent has its memory' wait_for 30 grep -q touched "$TMP/innocent.out"
job middle 400 20M 200M 40M; middle=$!
ok 'the one in the middle has its memory' wait_for 30 grep -q touched "$TMP/middle.out"
job hog 100 50M 1G 400M; hog=$!
wait $hog; rc=$?
is 'the hog was killed' $rc 137
touch "$TMP/stop"
wait $innocent; is 'the innocent completes' $? 0
wait $middle; is 'the one in the middle completes' $? 0
is 'the innocent had no incident' "$(grep -c '"event":"detected".*"job":"innocent"' "$WARDEN_STATE/journal.jsonl")" 0
like 'why of the hog' "$(mw why hog)" 'node is out of memory: chosen: .*over its reservation of 50.0 MiB; priority 100'
like 'why of the innocent' "$(mw why innocent)" 'not chosen: within its reservation.*priority 500'
like 'why of the middle' "$(mw why middle)" 'not chosen: those chosen suffice.*priority 400'
like 'the node has memory again' "$(cat "$TMP/warden.log")" 'the node has memory again after .* 1 jobs were chosen'
warden_stop
[ ! -e "$POOL/memory.oom_control" ] ||
    like 'the killer is the kernel'"'"'s again' "$(cat "$POOL/memory.oom_control")" 'oom_kill_disable 0'
done_testing
