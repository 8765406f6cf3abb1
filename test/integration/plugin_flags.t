#!/usr/bin/env bash
# runs: v1
# The flags are in sbatch, srun and salloc, and what is not allowed is refused at
# submit with a message that says what is.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"

cluster_start --plugins spank --cgroup-conf-line AllowedRAMSpace=200 2>"$TMP/start"
is 'the cluster comes up with the plugin' "$?$(cat "$TMP/start")" 0

for tool in sbatch srun salloc; do
    help=$($tool --help 2>&1)
    for flag in oom-priority=0..1000 'mem-burst=SIZE|xF' 'oom-reserve=SIZE' on-oom=LADDER 'proc-limit=SIZE'; do
        like "$tool --help has --$flag" "$help" "--${flag//|/\\|}"
    done
done

# refused NAME ERE SBATCH-ARGS…
refused () {
    local name=$1 ere=$2 out rc; shift 2
    out=$(submit "$@" --wrap true 2>&1); rc=$?
    if [ $rc -ne 0 ] && grep -Eq -- "$ere" <<<"$out"; then
        pass "$name"
    else
        fail "$name" "rc=$rc" "$out"
    fi
}
refused '--oom-priority=1001' 'oom-priority.*1000' --oom-priority=1001
refused '--oom-priority=-1' 'oom-priority.*1000' --oom-priority=-1
refused '--on-oom=explode' 'explode.*allowed' --on-oom=explode
refused '--mem-burst=-1' 'mem-burst.*allowed' --mem-burst=-1
refused '--mem-burst=x0.5' 'mem-burst.*allowed' --mem-burst=x0.5
refused '--oom-reserve=lots' 'oom-reserve.*allowed' --oom-reserve=lots
refused '--mem-burst below --mem' 'below.*--mem of 200' --mem=200M --mem-burst=100M
out=$(MEMWARDEN_OOM_PRIORITY=2000 submit --wrap true 2>&1)
like 'a bad environment default is refused' "$out" 'MEMWARDEN_OOM_PRIORITY.*1000'

caret=$(submit --on-oom='grow@30s,explode' --wrap true 2>&1 | sed 's/^sbatch: error: //')
word=$(grep -b -o explode <<<"$(grep '^ *grow' <<<"$caret")" | cut -d: -f1)
mark=$(grep -b -o '\^' <<<"$(grep '^ *\^' <<<"$caret")" | cut -d: -f1)
is 'the caret stands under the wrong word' "$mark" "$word"
like 'srun refuses too' "$(as_user srun --oom-priority=1001 true 2>&1)" 'oom-priority.*1000'
like 'salloc refuses too' "$(as_user salloc --on-oom=explode true 2>&1)" 'explode'

printf '#!/bin/bash\n#SBATCH --oom-priority=5000\ntrue\n' >"$CLUSTER_DIR/out/bad.sh"
like '#SBATCH lines are read' "$(submit "$CLUSTER_DIR/out/bad.sh" 2>&1)" 'oom-priority.*1000'
printf '#!/bin/bash\n#SBATCH --mem=50 --oom-priority=5 --mem-burst=x2\n#SBATCH --oom-reserve=16M\n#SBATCH --on-oom=grow@30s,kill\ntrue\n' >"$CLUSTER_DIR/out/good.sh"
job=$(submit "$CLUSTER_DIR/out/good.sh" 2>"$TMP/err")
ok "good ones are taken, and the job completes without a warden" wait_job "$job" COMPLETED 60
is 'without a word to the user' "$(cat "$TMP/err" "$CLUSTER_DIR/out/$job.err")" ''

# beyond what cgroup.conf has: taken, and told what is lost
for burst in x2.5 250M; do
    like "--mem-burst=$burst beyond AllowedRAMSpace: which is told" \
        "$(submit --mem=100 --mem-burst=$burst --wrap true 2>&1)" \
        "memwarden: --mem-burst=$burst: .*200 % of its --mem it can start no further step .AllowedRAMSpace in $CLUSTER_DIR/cgroup.conf"
done
sed -i '/AllowedRAMSpace/d' "$CLUSTER_DIR/cgroup.conf"
like 'where that is not set, it is 100' "$(submit --mem=100 --mem-burst=x2 --wrap true 2>&1)" ' 100 % of its --mem'
sed -i '/ConstrainRAMSpace/d' "$CLUSTER_DIR/cgroup.conf"
unlike 'where Slurm sets no limit there is nothing to tell' \
    "$(submit --mem=100 --mem-burst=x2 --wrap true 2>&1)" memwarden
done_testing
