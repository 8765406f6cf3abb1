#!/usr/bin/env bash
# courier_flood.t - a job that is held and resumed in a loop, thousands of times, makes
# no more requests to the controller than one in 10 s, and what another user's job asks
# meanwhile is done; the log says so once, and a told incident how many were not.
# runs: v1 v2
# in-vm: newest-v2
# takes: 60 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

python=/usr/bin/python3
[ -x $python ] || skip_all 'no python3'
cluster_warden_start '' || { fail 'cluster, warden and courier'; done_testing; exit; }
his=$(submit --mem=60 --wrap 'exec sleep 1000')
must 'a job runs' wait_job "$his" RUNNING 60
must 'and is known' wait_for 60 looked_up "$his"
other=$(submit --root --requeue --mem=60 --on-oom=requeue=x2,kill --wrap "
    [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
    until [ -e $CLUSTER_DIR/out/go ]; do sleep 0.1; done
    exec $CLUSTER_BIN/touchmem --size 100M")
must 'so does one of another user' wait_job "$other" RUNNING 60
must 'which is known, too' wait_for 60 looked_up "$other"

rounds=1000
[ "${MW_SLOW:-1}" -eq 1 ] || rounds=300
began=$SECONDS
# toggle: that often held and resumed, in the background; its pid in $!
toggle () {
    "$python" "$MW_SRC/test/lib/hostile.py" toggle "$MEMWARDEN_SOCKET.root" $rounds "$his" &
    at_exit "kill $! 2>/dev/null"
}
toggle
first=$! most=0
until _ended $first; do
    now=$(find "$WARDEN_STATE/spool/req" -type f | wc -l)
    [ "$now" -le "$most" ] || most=$now
done
wait $first; is "it is held and resumed $rounds times" $? 0
echo "# in $((SECONDS - began)) s"
ok "so many requests wait at most: $most" [ "$most" -le 20 ]
toggle
second=$!
touch "$CLUSTER_DIR/out/go"
ok 'while that goes on, the other job is requeued, and completes' \
    wait_job "$other" COMPLETED 200
is 'with what its ladder says' "$(job_field "$other" MinMemoryNode)" 120M
wait $second
took=$((SECONDS - began))
asked=$(grep -c "[ ]$his\.[0-9]*\.comment: set" "$COURIER_LOG")
ok "the controller is told $asked times in $took s" [ "$asked" -le $((14 + took / 10)) ]
last=$(jq -r --arg k "$his" 'select(.job == $k and .incident) | .incident' \
    "$WARDEN_STATE/journal.jsonl" | tail -n 1)
is 'though all is on record' "$last" "$his.$((rounds * 2))"
is 'the log says once that not each is told' \
    "$(grep -c "job $his: it has had 11 incidents within a minute" "$TMP/warden.log")" 1
ok 'and has few lines of it' [ "$(grep -c "job $his" "$TMP/warden.log")" -lt $((120 + 10 * took)) ]
sleep_told () { mw hold "$his"; mw resume "$his"; grep -q "job $his: .*incidents before it were not told" "$TMP/warden.log"; }
ok 'one that is told says how many were not' wait_for 30 sleep_told
commented () { scontrol show job "$his" | grep -q 'Comment=.*were not told'; }
ok 'to the controller as well' wait_for 30 commented
ok 'in the job itself it is said' grep -q 'it has had 11 incidents' "$CLUSTER_DIR/out/$his.err"
scancel "$his"
done_testing
