# journal_full_disk.t - a full disk under the journal is said once; jobs are
# guarded all the same, and recording goes on when there is room again.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

said () { grep -c 'No space left' "$TMP/warden.log"; }
# a short record may still fit where a long one did not: then that is said, too
again () { grep -c 'can be written again' "$TMP/warden.log"; }
log_has () { grep -q -- "$1" "$TMP/warden.log"; }

mkdir "$WARDEN_STATE"
mount -t tmpfs -o size=256k,mode=700 mwt "$WARDEN_STATE" ||
    skip_all 'no tmpfs can be mounted here'
at_exit "umount -l '$WARDEN_STATE'"
warden_start
dd if=/dev/zero of="$WARDEN_STATE/fill" bs=1k 2>/dev/null

run_job "full$$" --reservation 32M --limit 32M --on-oom kill -- "$TOUCHMEM" --size 64M
wait $!; is 'the job ends as its ladder says' $? 137
run_job "again$$" --reservation 32M --limit 32M --on-oom 'grow@1m,kill' -- "$TOUCHMEM" --size 64M
wait $!; is 'so does the next, which is grown' $? 0
like 'the full disk is said' "$(cat "$TMP/warden.log")" 'No space left'
is 'once until there is room' "$(said)" $(($(again) + 1))
ok 'the warden answers' mw jobs

rm "$WARDEN_STATE/fill"
run_job "room$$" --reservation 32M -- "$TOUCHMEM" --size 1M
wait $!; is 'with room again a job runs' $? 0
ok 'that is said' wait_for 20 log_has 'can be written again'
ok 'it is recorded' journal_has "room$$" released
ok 'every line of the journal is whole' jq -e . "$WARDEN_STATE/journal.jsonl"
warden_restart
ok 'and the next warden starts from it' mw jobs
done_testing
