# runs: v1 v2 hybrid
# takes: 51 s
# in-vm: 6.12-v2 qemu-6.12 6.1-v2 6.1-hybrid
# A job whose ladder is `kill` ends with 137 by the warden's hand, not by the
# kernel's OOM killer, and `why` explains it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
key=kill.$$
kernel_kills () { dmesg 2>/dev/null | grep -c "oom-kill:.*/$key" || true; }
run_job "$key" --reservation 64M --limit 64M --on-oom kill -- \
    "$TOUCHMEM" --size 200M
wait $!
is "run exits with 137" $? 137
wait_for 10 journal_has "$key" released
like "the journal shows detected, kill, resolved" "$(journal_events "$key")" \
    'detected.*step:kill.*resolved'
like "the job's stderr says who killed it" "$(cat "$TMP/$key.err")" 'memwarden: .*killed'
like "why explains it" "$(mw why "$key")" 'killed'
is "the kernel killed nothing in it" "$(kernel_kills)" 0
mw why --json "$key" | jq -e 'type == "array" and length > 2 and all(.[]; .text)' >"$TMP/jq" 2>&1
is "why --json is an array of records" $? 0
done_testing
