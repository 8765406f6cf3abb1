#!/usr/bin/env bash
# runs: v1 native
# The comment of a job that was killed in its OOM is what slurmrestd shows, and its
# state, in the newest version of its interface that this Slurm serves.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' || { fail 'cluster, warden and courier'; done_testing; exit; }
sock=$CLUSTER_DIR/out/restd.sock
# as the job's user: 26.05's does not start as root, and rest_auth/local lets its
# own user in; without slurmdbd's part, for which there would have to be one
parts=$(as_user slurmrestd -f "$SLURM_CONF" -s list 2>&1 |
    grep -Eo 'openapi/(v[0-9.]+|slurmctld)' | paste -sd,)
setpriv --reuid "$(id -u "$CLUSTER_USER")" --regid "$(id -g "$CLUSTER_USER")" \
    --clear-groups slurmrestd -f "$SLURM_CONF" -a rest_auth/local -s "$parts" \
    "unix:$sock" >"$TMP/restd.log" 2>&1 &
restd=$!
at_exit "kill $restd"
at_failure 'cp "$TMP/restd.log" .'
job=$(submit --mem=50 --on-oom=kill --wrap "exec $CLUSTER_BIN/touchmem --size 90M")
ok 'a job is killed in its OOM' wait_job "$job" OUT_OF_MEMORY 60

get () { as_user curl -sf --unix-socket "$sock" "http://localhost$1"; }
# /openapi/v3 names what is served: /slurm/v0.0.40/job/{job_id}, …
newest () {
    get /openapi/v3 | jq -r '.paths | keys[]' |
        sed -n 's|^/slurm/\(v[0-9.]*\)/job/{job_id}/*$|\1|p' | sort -V | tail -n 1
}
_serves () { [ -n "$(newest)" ]; }
must 'slurmrestd says what it serves' wait_for 20 _serves
version=$(newest)
shown () { get "/slurm/$version/job/$job" | jq -r ".jobs[0].$1"; }
commented () { [[ $(shown comment) == *killed* ]]; }
ok "$version shows that it was killed" wait_for 20 commented
like 'with numbers' "$(shown comment)" "^memwarden: job $job: to be killed: .* limit is 50.0 MiB"
is "as scontrol does" "$(scontrol show job "$job" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')" \
    "$(shown comment | sed 's/ *$//')"
done_testing
