#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# Started by root the courier goes on as its configured user, with that user's
# rights and groups only; a controller that refuses it is reported with what would
# be right, and its answers still reach the warden.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
chmod 755 "$TMP"
n=$(id -u nobody) g=$(id -g nobody)
export SPOOL_UID=$n
mkdir -p "$COURIER_STATE" && "$MW_BUILD/test/bin/spoolput" "$COURIER_STATE" init || exit 1
cat >"$TMP/memwarden.conf" <<END
courier {
    user = "nobody"
    slurm-conf = "$SLURM_CONF"
}
END
"$MW_BUILD/handler/memwarden-courier" --foreground --config "$TMP/memwarden.conf" \
    --state-dir "$COURIER_STATE" >>"$COURIER_LOG" 2>&1 &
COURIER_PID=$!
ok 'it starts' wait_for 10 grep -q ready "$COURIER_LOG"
status () { sed -n "s/^$1:\t*//p" "/proc/$COURIER_PID/status" | xargs; }
is 'as its user' "$(status Uid)" "$n $n $n $n"
is 'and group' "$(status Gid)" "$g $g $g $g"
is 'with no other group' "$(status Groups)" "$g"
is 'and no capability' "$(status CapEff)" 0000000000000000
root=$(submit --root --mem=50 --wrap 'sleep 1000')
own=$(submit --mem=50 --wrap 'sleep 1000')
wait_job "$root" RUNNING 30; wait_job "$own" RUNNING 30
for op in suspend requeue cancel complete-oom; do
    like "$op: refused, and what would be right" "$(ask $op "$root")" \
        "^no [0-9]+ .*uid $n, which must be SlurmUser or an operator"
done
is 'nothing has happened to the job' "$(job_state "$root")" RUNNING
is 'what its own user may do it can' "$(ask comment "$own" text=mine)" 'ok 0 set'
is 'no request is left' "$(ls "$COURIER_STATE/spool/req")" ''
done_testing
