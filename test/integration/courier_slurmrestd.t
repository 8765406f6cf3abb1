#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# The comment that the courier sets is what slurmrestd shows.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
sock=$CLUSTER_DIR/run/restd.sock
SLURMRESTD_SECURITY=disable_user_check slurmrestd -f "$SLURM_CONF" \
    -a rest_auth/local -s openapi/v0.0.38 "unix:$sock" >"$TMP/restd.log" 2>&1 &
restd=$!
at_exit "kill $restd"
job=$(submit --mem=50 --wrap 'sleep 1000')
wait_job "$job" RUNNING 30
is 'the comment is set' \
    "$(ask comment "$job" text='memwarden: grown to 2.5 GiB')" 'ok 0 set'
rest () { curl -sf --unix-socket "$sock" "http://localhost/slurm/v0.0.38/job/$job"; }
ok 'slurmrestd answers' wait_for 20 rest
is 'with the comment' "$(rest | jq -r '.jobs[0].comment')" \
    'memwarden: grown to 2.5 GiB'
done_testing
