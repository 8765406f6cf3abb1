#!/usr/bin/env bash
# runs: v1
# needs: cluster
# What plugstack.conf allows binds on the node, whatever a user's commands say.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

cluster_start --plugins spank --plugstack-args 'max_priority=600 max_burst=x1.5' \
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
done_testing
