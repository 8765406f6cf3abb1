# step_dump.t - at its limit a job's processes are listed, or the admin's hook is
# run, while its reserve is open; what that writes is in the story; then the ladder
# goes on, also where there is no hook, or one that fails or hangs.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

hook () {       # NAME: a hook whose script is on standard input
    cat >"$TMP/$1"; chmod 755 "$TMP/$1"
    hooks+="hook $1 { path = \"$TMP/$1\" }"$'\n'
}
# run NAME LADDER: a job that runs into its limit
run () {
    run_job "$1" --reservation 48M --limit 48M --reserve 16M --on-oom "$2" -- \
        "$TOUCHMEM" --size 200M
    job=$!
}
hooks=
hook good <<EOF2
#!/bin/sh
cat >$TMP/stdin
for p in \$(cat \$MEMWARDEN_MEMCG/cgroup.procs); do cat /proc/\$p/comm; done
echo line two
cat \$MEMWARDEN_MEMCG/memory.limit_in_bytes \$MEMWARDEN_MEMCG/memory.high 2>/dev/null || true
EOF2
hook fails <<<$'#!/bin/sh\necho sorry >&2\nexit 7'
hook hangs <<<$'#!/bin/sh\necho begun\nsleep 100000'
hook open <<<$'#!/bin/sh\necho must not run'
chmod 757 "$TMP/open"
hooks+="hook gone { path = \"$TMP/none\" }"$'\n'

# with the socket it was told: it would be the default one otherwise
warden_start "courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
}
$hooks"

run "ps$$" 'dump,kill'
wait $job; is 'after dump comes kill' $? 137
out=$(mw why "ps$$")
like 'without a hook its processes are counted' "$out" 'dump: 1 process, resident [0-9.]+ MiB'
like 'and told, largest first' "$out" 'dump: [0-9]+ [a-z0-9]+ [0-9.]+ MiB [A-Z] .*touchmem --size 200M'
like 'its stderr has the first line of that' "$(cat "$TMP/ps$$.err")" 'dump: 1 process'

run "good$$" 'dump=good,kill'
wait $job; is 'a hook is run, then comes kill' $? 137
out=$(mw why "good$$")
like 'what it wrote is in the story' "$out" 'hook "good" done: touchmem'
like 'every line of it' "$out" 'dump: line two'
like 'the reserve was open meanwhile' "$out" 'dump: 67108864'
is 'it got the numbers as JSON' \
    "$(jq -r '"\(.event) \(.job) \(.limit) \(.reserve)"' "$TMP/stdin")" \
    "dump good$$ 50331648 16777216"

run "fails$$" 'dump=fails,kill'
wait $job; is 'a hook that fails: kill all the same' $? 137
like 'with its status and its last words' "$(mw why "fails$$")" 'exit status 7: sorry'

run "hangs$$" 'dump=hangs@2s,kill'
wait $job; is 'a hook that hangs: kill when its time is over' $? 137
like 'and that is said' "$(mw why "hangs$$")" 'dump: .*(not done in its|did not end in its) time'
no_hook () { ! pgrep -f "$TMP/hangs" >/dev/null; }
ok 'nothing of it is left' wait_for 10 no_hook

run "open$$" 'dump=open,kill'
wait $job; is 'a hook that others may write: kill' $? 137
out=$(mw why "open$$")
like 'it is not run, and why' "$out" 'open can be changed by others than root'
unlike 'really not' "$out" 'must not run'

run "gone$$" 'dump=gone,kill'
wait $job; is 'a hook that is not there: kill' $? 137
like 'and why' "$(mw why "gone$$")" 'cannot run hook .*none: No such file'

run "unknown$$" 'dump=unknown,kill'
wait $job; is 'a hook that is not configured: kill' $? 137
like 'and why' "$(mw why "unknown$$")" 'dump=unknown@30s is not available on this node: no hook'
done_testing
