#!/usr/bin/env bash
# runs: v1 v2
# What memwarden says of a job that was killed in its OOM goes through slurmrestd, in the
# newest version of its interface that this Slurm serves: over TCP with a token that is
# read anew or a command writes, and over a unix socket; where the token is refused or
# cannot be read, nobody listens, or somebody else than slurmrestd, it is said why, and
# libslurm does it.  slurmrestd shows what scontrol does.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/slurmrestd.sh"
. "$MW_SRC/test/lib/receiver.sh"

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
at_failure 'cp "$TMP/restd.log" "$WARDEN_CONF" "$COURIER_LOG" .'
unix=unix:$CLUSTER_DIR/out/restd.sock
# shellcheck disable=SC2034    # for rest_get
REST_TOKEN=$(rest_token root)
expired=$(rest_token root 1)
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
refused='by libslurm; slurmrestd: .*HTTP status [0-9]+: .*the token is refused .has it expired\?.'
store 'not.a.token'
killed
like 'one that is refused is said to be' "$(said)" "$refused"
store "$expired"
killed
like 'one that has expired, too' "$(said)" "$refused"
rm "$token"
killed
like 'none: who must be able to read it is said' "$(said)" \
    "slurmrestd: no token: $token: No such file.*; it must be readable for the courier's user"
store "$(rest_token root 3600)"
# what a user has written there is in nobody's way
killed --comment "$(printf 'a "quote"\nand {"a": 1}; \xff\xfe $(id) %.0s' $(seq 20))"
like "where it is good $version takes it" "$(said)" 'comment: set$'
like 'with numbers' "$(shown comment)" "^memwarden: job $job: to be killed: .* limit is 50.0 MiB"
is "as scontrol does" "$(scontrol show job "$job" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')" \
    "$(shown comment | sed 's/ *$//')"
like 'and the admin reads it' "$(scontrol show job "$job")" "AdminComment=memwarden: job $job: .*killed"

rest_is () {    # rest_is LINES: of memwarden.conf, and the courier begins anew
    cluster_courier_stop
    sed -i -e '/^ *slurmrestd/d' -e '/admin-comment/d' -e "0,/^courier {/s##&\\n$1#" "$WARDEN_CONF"
    cluster_courier_start || { fail 'the courier comes back'; done_testing; exit; }
}
by_tcp="slurmrestd = \"http://$tcp\"\\nslurmrestd-user = \"root\"\\n"
rest_is "${by_tcp}slurmrestd-token-command = \"$(command -v scontrol) token username=root\""
killed
like 'a command may write it' "$(said)" 'comment: set$'
rest_is "${by_tcp}slurmrestd-token-command = \"/bin/echo x; sleep 617\""
killed
like 'one that hangs costs 5 s' "$(said)" 'no token: slurmrestd-token-command .* has not ended in 5 s'
is '… and is not left behind' "$(pgrep -fx 'sleep 617' | xargs -r ps -o ppid= -p | grep -cx ' *1')" 0

rest_is "slurmrestd = \"$unix\""
killed
like 'by a unix socket' "$(said)" 'comment: set$'
kill "$REST_PID"; wait "$REST_PID" 2>/dev/null
unseen () {     # there is nobody to show it
    job=$(submit --mem=50 --on-oom=kill --wrap "exec $CLUSTER_BIN/touchmem --size 90M")
    ok "$1: a job is killed in its OOM" wait_job "$job" OUT_OF_MEMORY 60
    ok '… and commented, which is said' wait_for 30 answered
}
unseen 'nobody listens'
like 'libslurm does it' "$(said)" "by libslurm; slurmrestd: $unix: "
like 'as well' "$(scontrol show job "$job")" "Comment=memwarden: job $job: .*killed"

# ---- somebody else listens ---------------------------------------------------------
python3 -c 'import http.server' 2>/dev/null ||
    { skip 'somebody else than slurmrestd listens' 'this python3 has no server'; done_testing; exit; }
receiver_start || { fail 'a receiver listens'; done_testing; exit; }
rest_is "slurmrestd = \"http://127.0.0.1:$RECEIVER_PORT\""
other="by libslurm; slurmrestd: http://127.0.0.1:$RECEIVER_PORT: "
while read -r mode words; do
    receiver_mode "$mode" openapi_v3
    unseen "a server of $mode"
    like "… $words" "$(said)" "$other$words"
done <<'END'
500 HTTP status 500
cut .*(transfer closed|outstanding)
garbage what it answers to /openapi/v3 is no description
hang .*timed out
v99 it offers only up to v0.0.99 of Slurm's interface; known are v0.0.36 to v0.0.45
END
receiver_mode v38 openapi_v3
for mode in cut garbage hang 403; do
    receiver_mode "$mode"
    unseen "one that takes the comment by $mode"
    like '… libslurm does it' "$(said)" "$other"
    like '… which is seen' "$(scontrol show job "$job")" "Comment=memwarden: job $job: .*killed"
done
done_testing
