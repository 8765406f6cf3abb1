# runs: v1 v2 hybrid
# in-vm: 6.12-v2
# A job that outgrows its limit is lent memory, completes, and gives it back:
# `memwarden run` exits 0 and the journal tells it in order.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
key=grow.$$
run_job "$key" --reservation 64M --limit 64M --on-oom 'grow=256M@60s,kill' -- \
    "$TOUCHMEM" --size 200M
wait $!
is "the command completes" $? 0
wait_for 10 journal_has "$key" released
like "the journal shows detected, lent, returned, released in order" \
    "$(journal_events "$key")" 'detected:grow .*lent:grow .*returned.*released'
like "the job's stderr tells of it" "$(cat "$TMP/$key.err")" 'grown by'
out=$(mw why "$key")
is "why exits 0" $? 0
like "why tells the step with its numbers" "$out" 'grown by .*MiB'
like "why tells how much it really used" "$out" 'it used up to 2[0-9][0-9] MiB'
unlike "nothing of the job is left" "$(ls -d /sys/fs/cgroup/*/"$WARDEN_POOL"/"$key" /sys/fs/cgroup/"$WARDEN_POOL"/"$key" 2>/dev/null)" .
done_testing
