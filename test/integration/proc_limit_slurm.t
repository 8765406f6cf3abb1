#!/usr/bin/env bash
# proc_limit_slurm.t - --proc-limit of sbatch and its form in the environment: of a step of
# four ranks the one that passes it is killed alone and the job completes; a job script
# is never touched; what is wrong is refused at submit.
# runs: v1 v2
# takes: 25 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
out=$CLUSTER_DIR/out
eat=$CLUSTER_BIN/touchmem
script () { { echo '#!/bin/bash'; cat; } >"$CLUSTER_DIR/$1.sh"; chmod 755 "$CLUSTER_DIR/$1.sh"; }
why () { mw why "$1"; }
said () { cat "$out/$1.$2"; }

# ---- one of four ranks ---------------------------------------------------------------
script ranks <<END
export out=$out
srun -n4 --kill-on-bad-exit=0 --wait=0 bash -c '
    size=8M
    [ \$SLURM_PROCID != 2 ] || { until [ -e \$out/0 -a -e \$out/1 -a -e \$out/3 ]; do sleep 0.1; done; size=120M; }
    $eat --size \$size --stop-file \$out/go >/dev/null &
    touch \$out/\$SLURM_PROCID
    wait \$!
    echo rank \$SLURM_PROCID ended with \$?
    [ \$SLURM_PROCID != 2 ] || touch \$out/go'
echo the step ended with \$?
END
ranks=$(submit -n4 --mem=400 --proc-limit=64M "$CLUSTER_DIR/ranks.sh")
ok 'its job completes' wait_job "$ranks" COMPLETED 90
is 'the rank that passed the limit was killed, the others ended by themselves' \
    "$(said "$ranks" out | grep ^rank | sort | tr '\n' ,)" \
    'rank 0 ended with 0,rank 1 ended with 0,rank 2 ended with 137,rank 3 ended with 0,'
like 'why names process, step and task' "$(why "$ranks")" \
    'SIGKILL to process [0-9]+ \(touchmem, step 0, task 2\): it holds'
like 'so does its stderr' "$(said "$ranks" err)" 'above the 64.0 MiB that it may hold: process [0-9]+ \(touchmem, step 0, task 2\)'

# ---- by the environment; the job script ----------------------------------------------
cat >"$CLUSTER_DIR/alone.sh" <<END
#!/usr/bin/env python3
import subprocess
hold = b"x" * (150 << 20)
child = subprocess.run(["$eat", "--size", "100M", "--stop-file", "$out/never"])
print("child", child.returncode, len(hold) >> 20)
END
chmod 755 "$CLUSTER_DIR/alone.sh"
alone=$(MEMWARDEN_PROC_LIMIT=64M:signal=USR1@5s,kill submit --mem=400 "$CLUSTER_DIR/alone.sh")
ok 'a job whose script is above completes' wait_job "$alone" COMPLETED 90
is 'its limit comes by the environment' "$(last_state "$alone" proc_limit)" 64M:signal=USR1@5s,kill
like 'its child, which holds less than the script, was killed' "$(said "$alone" out)" 'child -9 150'
is 'and nothing else' "$(jq -r --arg k "$alone" 'select(.job == $k and .process) | .process.comm' \
    "$WARDEN_STATE/journal.jsonl" | sort -u)" touchmem

# ---- refused at submit ---------------------------------------------------------------
refused () { as_user sbatch --mem=100 "$@" "$CLUSTER_DIR/alone.sh" 2>&1; }
like 'no size' "$(refused --proc-limit=kill)" '--proc-limit: '
like 'an action that is none' "$(refused --proc-limit=64M:explode)" \
    '--proc-limit: "explode" is not done to one process; allowed are '
like 'a size above what the job may burst to' "$(refused --mem-burst=x2 --proc-limit=1G)" \
    '--proc-limit: 1.0 GiB is above the 200 MiB that the whole job may use'
done_testing
