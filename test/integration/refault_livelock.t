# refault_livelock.t - a job whose limit is full, and which only reads in again what
# was just dropped, never gets an OOM from the kernel: memwarden takes it for one
# runs: v1
# alone
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/psi.sh"

for f in light stuck; do      # each its own, and out of everybody's cache
    dd if=/dev/zero of="$TMP/$f.file" bs=1M count=64 conv=fsync status=none
    dd if="$TMP/$f.file" iflag=nocache count=0 status=none
done
warden_start 'psi = "some 50ms/2s"
ladder = "kill"
courier { start = false }' || exit 1

reader='until [ -e "$0/stop" ]; do cat "$0/$2.file" >/dev/null; done'
run_job light --reservation 128M --limit 256M -- bash -c "$reader" "$TMP" - light
light=$!
run_job stuck --reservation 128M --limit 256M -- bash -c '
    "$1" --size 247M --stop-file "$0/stop" &
    until grep -q touched "$0/stuck.out"; do sleep 0.1; done
    '"$reader"'; kill $!; wait' "$TMP" "$TOUCHMEM" stuck
stuck=$!
wait $stuck; rc=$?
is 'the livelocked job was answered by its ladder' $rc 137
like 'and told why' "$(mw why stuck)" 'only reads in again what it has just dropped: that is taken for its OOM'
touch "$TMP/stop"
wait $light; is 'one with room that reads as much completes' $? 0
is 'and had no incident' "$(grep -c '"event":"detected".*"job":"light"' "$WARDEN_STATE/journal.jsonl")" 0
done_testing
