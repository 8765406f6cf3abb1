#!/usr/bin/env bash
# runs: v1
# takes: 32 s
# What plugstack.conf allows binds on the node, whatever a user's commands say; and
# nothing of what a user asked for is cut without a word, by whomever it is cut.
# First with a recorder in the warden's place, which tells what a step has asked for;
# then with a warden.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"
. "$MW_SRC/test/lib/warden.sh"

cluster_start --plugins spank \
    --plugstack-args 'max_priority=600 max_burst=x1.5 max_reserve=50%' \
    --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
is 'the cluster comes up' "$?$(cat "$TMP/start")" 0
recorder_start

# registers NAME FIELD WANT SBATCH-ARGS…
registers () {
    local name=$1 field=$2 want=$3 job; shift 3
    job=$(submit "$@" --wrap true 2>"$TMP/err")
    wait_job "$job" COMPLETED 60 2>/dev/null
    is "$name" "$(told "$job" "$field")" "$want"
}
registers 'a priority below the cap is taken' .priority 550 --mem=50 --oom-priority=550
registers 'one above it is cut' .priority 600 --mem=50 --oom-priority=900
like 'and the user is told' "$(cat "$TMP/err")" 'priority=900.*600'
registers 'a burst below the cap is taken' .burst x1.25 --mem=100 --mem-burst=x1.25
registers 'a factor above it is cut' .burst x1.5 --mem=100 --mem-burst=x3
registers 'a size above it too' .burst x1.5 --mem=100 --mem-burst=1G
like 'and the user is told' "$(cat "$TMP/err")" 'mem-burst=1G .*cap, x1.5 is taken'
registers 'a reserve below the cap is taken' .reserve 20M --mem=100 --oom-reserve=20M
unlike 'with nothing to tell' "$(cat "$TMP/err")" cap
registers 'one above it is cut' .reserve 50% --mem=100 --oom-reserve=80M
like 'and the user is told' "$(cat "$TMP/err")" 'oom-reserve=80M .*cap, 50% is taken'
registers 'a share above it too' .reserve 50% --mem=100 --oom-reserve=90%
like 'and the user is told' "$(cat "$TMP/err")" 'oom-reserve=90% .*cap, 50% is taken'
registers 'a size below the reservation becomes the reservation on the node' \
    .burst x1 --mem-per-cpu=100 --mem-burst=50M
MEMWARDEN_OOM_PRIORITY=50 registers 'the environment gives a default' .priority 50 --mem=50
MEMWARDEN_OOM_PRIORITY=900 registers 'which is cut as well' .priority 600 --mem=50
MEMWARDEN_OOM_PRIORITY=50 registers 'and a flag wins over' .priority 70 --mem=50 --oom-priority=70

job=$(submit -n1 --mem=50 --oom-priority=100 --wrap 'srun --oom-priority=1000 --on-oom=kill true')
ok 'a job whose step says otherwise' wait_job "$job" COMPLETED 60
is 'registers at both steps' "$(times_registered "$job")" 2
is "with the job's own values" \
    "$(registered "$job" | grep -c '"ladder":"".*"priority":100')" 2

own=$CLUSTER_DIR/out/own
mkdir "$own"
echo "optional $CLUSTER_DIR/plugins/spank_memwarden.so" >"$own/plugstack.conf"
sed "s|^PlugStackConfig=.*|PlugStackConfig=$own/plugstack.conf|" \
    "$CLUSTER_DIR/slurm.conf" >"$own/slurm.conf"
chmod -R a+rX "$own"
SLURM_CONF=$own/slurm.conf registers "a user's own plugstack changes nothing" \
    .priority 600 --mem=50 --oom-priority=1000

# a real warden has caps of its own, which no submit host knows
recorder_stop
cluster_stop
cluster_start --plugins spank --slurm-conf-line "$(first_job_id)" \
    --plugstack-args 'max_burst=x3' 2>"$TMP/start"
is 'a cluster with wider caps comes up' "$?$(cat "$TMP/start")" 0
warden_start 'max-burst = "x1.5"
max-priority = 550
courier { start = false }' || { fail 'the warden comes up'; done_testing; exit; }

# cut WORD… -- SBATCH-ARGS…: each WORD in the user's stderr (once), the log, `why`
cut () {
    local words=() word job err
    while [ "$1" != -- ]; do words+=("$1"); shift; done; shift
    job=$(submit "$@" -n1 --wrap 'srun true' 2>"$TMP/err")
    ok "$*: runs" wait_job "$job" COMPLETED 60
    err=$CLUSTER_DIR/out/$job.err
    for word in "${words[@]}"; do
        is "stderr, once: $word" "$(grep -Ec "job $job: .*$word" "$err")" 1
        ok "log: $word" grep -Eq "job $job: .*$word" "$TMP/warden.log"
        like "why: $word" "$(mw why "$job")" "$word"
    done
    [ ${#words[@]} -gt 0 ] || is 'nothing in its stderr' "$(cat "$err")" ''
}
cut 'reserve of 300 MiB that it asked for is cut to 50.0 MiB' -- --mem=50 --oom-reserve=300M
cut 'limit of 100 MiB that it asked for is cut to 75.0 MiB' -- --mem=50 --mem-burst=x2
cut 'priority of 900 that it asked for is cut to 550' -- --mem=50 --oom-priority=900
cut 'limit of .* is cut to 75' 'reserve of .* is cut to 50' 'priority of .* is cut to 550' \
    -- --mem=50 --mem-burst=100M --oom-reserve=400% --oom-priority=1000
cut 'mem-burst=x9 .* cap, x3 is taken' 'limit of 150.* is cut to 75' -- --mem=50 --mem-burst=x9
cut -- --mem=50
run_job one --reservation 30M --reserve 500M -- true
wait $!
like '`memwarden run` says so, too' "$(cat "$TMP/one.err")" 'reserve of 500 MiB .* is cut to 30.0'
done_testing
