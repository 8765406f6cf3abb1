# event_cost.t - what an OOM costs the warden does not grow with how many jobs are
# armed: wake-ups, reads and writes, and bytes read are counted, no time is taken
# runs: v1 v2
# alone
# takes: 48 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

# of an incident, from its event until the loan is back
cost () {       # cost JOBS: "WAKE-UPS CALLS BYTES"
    "$MW_SRC/test/bench/job_oom" --jobs "$1" --idle 0 >"$TMP/$1" 2>&1
    sed 's/^/# /' "$TMP/$1" >&3
    sed -n 's/.*costs memwardend \([0-9]*\)[.0-9]* wake-ups, \([0-9]*\)[.0-9]* reads and writes, \([0-9]*\) bytes read/\1 \2 \3/p' "$TMP/$1"
}
exec 3>&1
one=$(cost 1) many=$(cost 100)
like 'an incident of one job is answered and counted' "$one" '^[0-9]+ [0-9]+ [0-9]+$'
like 'so are those of 100' "$many" '^[0-9]+ [0-9]+ [0-9]+$'
# shellcheck disable=SC2086
set -- ${one:-0 0 0} ${many:-999999 999999 999999}
# v2 looks a few times more where the processor is slow
ok "with 100 it wakes up as often: $4, $1" [ "$4" -le $(($1 + 10)) ]
ok "it makes as many calls: $5, $2" [ "$5" -le $(($2 + 30)) ]
ok "it reads as many bytes: $6, $3" [ "$6" -le $(($3 + 16384)) ]
done_testing
