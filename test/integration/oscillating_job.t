#!/usr/bin/env bash
# oscillating_job.t - a job that passes its limit and comes back, again and again, keeps
# its loan longer after some incidents, so that it has fewer, and not each is told; what
# is done to it stays the same: it is lent memory each time, and at last gives it back
# runs: v1 v2
# in-vm: newest-v2
# takes: 130 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

python=/usr/bin/python3
[ -x $python ] || skip_all 'no python3'
rounds=40
cat >"$TMP/note" <<END
#!/bin/sh
echo "\$MEMWARDEN_JOB" >>$TMP/hooks
END
chmod 755 "$TMP/note"
: >"$TMP/hooks"
warden_start "post-incident-hook = \"note\"
hook note { path = \"$TMP/note\" }
courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
}" || exit 1
run_job "swing$$" --reservation 24M --limit 24M --on-oom 'grow=48M@10s,kill' -- \
    $python -c "
import mmap, time
for i in range($rounds):
    m = mmap.mmap(-1, 40 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, 40 << 20, 4096):
        m[at] = 1
    m.close()
    time.sleep(1.2)
print('swung', flush=True)
time.sleep(35)
"
job=$!
swung () { grep -qx swung "$TMP/swing$$.out"; }
must "it goes $rounds times beyond its limit and back" wait_for 200 swung
incidents=$(journal_count "swing$$" detected)
ok "that makes $incidents incidents" [ "$incidents" -le $((rounds / 2)) ]
ok 'first each time one' [ "$incidents" -ge 11 ]
is 'it is never refused' "$(mw events | grep -c "swing$$.*cannot be grown")" 0
is 'the log says once that not all are told' \
    "$(grep -c "swing$$: it has had 11 incidents within a minute" "$WARDEN_LOG")" 1
is 'so does the job' "$(grep -c 'it has had 11 incidents within a minute' "$TMP/swing$$.err")" 1
hooks=$(wc -l <"$TMP/hooks")
ok "the hook is run $hooks times" [ "$hooks" -le $((13 + SECONDS / 10)) ]
open () { [ "$(job_shows "swing$$" .lent)" -gt 0 ]; }
closed () { ! open; }
ok 'at last it gives back what it was lent' wait_for 60 closed
wait_end 100 $job; is 'it ends as it would have' $? 0
done_testing
