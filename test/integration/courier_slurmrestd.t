#!/usr/bin/env bash
# runs: v1 native
# What memwarden says of a job that was killed in its OOM goes through slurmrestd, in the
# newest version of its interface that this Slurm serves: over TCP with a token that is
# read anew, and over a unix socket; where the token is refused, cannot be read, or nobody
# listens, it is said why, and libslurm does it.  slurmrestd shows what scontrol does.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/slurmrestd.sh"

token=$TMP/token
tcp=127.0.0.1:$(_cluster_port)
mapfile -t lines < <(rest_lines)
cluster_warden_start "courier {
    slurmrestd = \"http://$tcp\"
    slurmrestd-user = \"root\"
    slurmrestd-token-file = \"$token\"
    admin-comment = \"yes\"
}" --slurm-conf-line "${lines[0]}" --slurm-conf-line "${lines[1]}" ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
at_failure 'cp "$TMP/restd.log" .'
unix=unix:$CLUSTER_DIR/out/restd.sock
# shellcheck disable=SC2034    # for rest_get
REST_TOKEN=$(rest_token root)
{ rest_start "$tcp" jwt && rest_start "$unix"; } ||
    { fail 'slurmrestd serves by TCP and by a unix socket'; done_testing; exit; }
version=$(rest_version "$unix")
echo "# $version"

killed () {     # killed [SBATCH-ARGS]: sets job, one that is killed and has its comment
    job=$(submit --mem=50 --on-oom=kill "$@" --wrap "exec $CLUSTER_BIN/touchmem --size 90M")
    ok 'a job is killed in its OOM' wait_job "$job" OUT_OF_MEMORY 60
    ok 'and commented' wait_for 30 commented
}
shown () { rest_get "$unix" "/slurm/$version/job/$job" | jq -r ".jobs[0].$1"; }
commented () { [[ $(shown comment) == *killed* ]] && answered; }
answered () { grep -Eq "$job\.[0-9]*\.comment: set" "$COURIER_LOG"; }
said () { grep -E "$job\.[0-9]*\.comment:" "$COURIER_LOG" | tail -n 1; }
store () { echo "$1" >"$token.new" && chmod "${2:-600}" "$token.new" && mv "$token.new" "$token"; }

store "$(rest_token root 3600)" 644
killed
like 'a token for everybody is not taken, with what would be right' "$(said)" \
    "set .by libslurm; slurmrestd: no token: $token can be read by everybody .mode 0644.; right would be: chmod o= "
store 'not.a.token'
killed
like 'one that is refused is said to be' "$(said)" \
    'by libslurm; slurmrestd: .*(the token is refused|HTTP status)'
store "$(rest_token root 3600)"
# what a user has written there is in nobody's way
killed --comment "$(printf 'a "quote"\nand {"a": 1}; \xff\xfe $(id) %.0s' $(seq 20))"
like "where it is good $version takes it" "$(said)" 'comment: set$'
like 'with numbers' "$(shown comment)" "^memwarden: job $job: to be killed: .* limit is 50.0 MiB"
is "as scontrol does" "$(scontrol show job "$job" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')" \
    "$(shown comment | sed 's/ *$//')"
like 'and the admin reads it' "$(scontrol show job "$job")" "AdminComment=memwarden: job $job: .*killed"

cluster_courier_stop
sed -i -e "s|^ *slurmrestd = .*|slurmrestd = \"$unix\"|" -e '/slurmrestd-token/d' \
    -e '/admin-comment/d' "$WARDEN_CONF"
must 'the courier comes back' cluster_courier_start
killed
like 'by a unix socket' "$(said)" 'comment: set$'
kill "$REST_PID"; wait "$REST_PID" 2>/dev/null
unseen () {     # there is nobody to show it
    job=$(submit --mem=50 --on-oom=kill --wrap "exec $CLUSTER_BIN/touchmem --size 90M")
    ok 'a job is killed in its OOM' wait_job "$job" OUT_OF_MEMORY 60
    ok 'and commented' wait_for 30 answered
}
unseen
like 'where nobody listens libslurm does it' "$(said)" "by libslurm; slurmrestd: $unix: "
like 'as well' "$(scontrol show job "$job")" "Comment=memwarden: job $job: .*killed"
done_testing
