# runs: v1 v2
# in-vm: newest-v2
# A program inside a job learns its own memory through libmemwarden, hears the
# job's notes, and is told when the warden goes; outside a job it is told so.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
selfmem=$MW_BUILD/test/bin/selfmem

"$selfmem" >"$TMP/out" 2>&1; rc=$?
like "no warden is told" "$rc $(cat "$TMP/out")" "^1 .*$MEMWARDEN_SOCKET"
warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
"$selfmem" >"$TMP/out" 2>&1; rc=$?
like "outside a job is told" "$rc $(cat "$TMP/out")" '^1 .*job'

run_job "n$$" --user nobody --priority 300 --reservation 64M --limit 64M \
    --on-oom 'grow=128M@60s,kill' -- \
    sh -c "'$selfmem' 1 & '$TOUCHMEM' --size 1M --stay 0 & t=\$!; until grep -q subscribed '$TMP/n$$.out'; do sleep 0.1; done; '$TOUCHMEM' --size 100M; kill \$t; wait"
wait $!
like "a user's program learns its own numbers" "$(cat "$TMP/n$$.out")" \
    "job n$$ priority 300 reservation 67108864 limit 67108864 used some"
like "and hears a note" "$(cat "$TMP/n$$.out")" "note: .*n$$"

run_job "g$$" --reservation 64M -- "$selfmem" 1
pid=$!
wait_for 20 grep -q subscribed "$TMP/g$$.out"
warden_stop
wait $pid
like "and is told when the warden goes" "$(cat "$TMP/g$$.out")" 'the warden has gone'
done_testing
