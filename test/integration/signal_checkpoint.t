#!/usr/bin/env bash
# runs: v1 v2
# takes: 86 s
# in-vm: newest-v2
# A signal asks for a checkpoint and does not destroy it: under a job script without
# a trap, under srun beside a task that does not catch it, and where the script has
# an EXIT trap and goes on, a checkpoint of 3 s is written to its end; then the job
# is requeued, also where it was over by then, and completes.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
out=$CLUSTER_DIR/out
job_script () {     # NAME: a first run from stdin, which writes a checkpoint
    {
        cat <<END
#!/bin/bash
if [ -e $out/$1.ckpt ]; then
    cat $out/$1.ckpt
    exec $CLUSTER_BIN/touchmem --size 20M
fi
sim="$CLUSTER_BIN/touchmem --size 300M --checkpoint $out/$1.ckpt --write-for 3"
END
        cat
    } >"$CLUSTER_DIR/$1.sh"
    chmod 755 "$CLUSTER_DIR/$1.sh"
}
declare -A job=()
start () {          # NAME SBATCH-ARGS…
    local name=$1; shift
    job[$name]=$(submit --mem=60 --oom-reserve=40M --open-mode=append "$@" \
        "$CLUSTER_DIR/$name.sh")
}
job_script batch <<'END'
$sim
END
job_script srun <<'END'
export sim
# what the deaf task gives back makes room, and is no answer of the one asked
# at its limit nobody can fork any more
srun -n2 bash -c 'if [ $SLURM_PROCID = 0 ]; then
        until [ -e '"$PWD"'/ready ]; do sleep 0.05; done
        exec $sim
    fi
    ${sim%% *} --size 8M --stop-file '"$PWD"'/srun.ckpt &
    echo >'"$PWD"'/ready
    wait $!
    echo "the deaf task has ended with $?"'
END
job_script more <<'END'
trap 'echo cleaned up' EXIT
$sim
sleep 1000
END
job_script stays <<'END'
$sim --go-on
END
start batch --on-oom='signal=USR1@10m,requeue=x1.5'
start srun -n2 --on-oom='signal=USR1@10m,requeue=x1.5'
start more --on-oom='signal=USR1@10m,requeue=x1.5'
start stays --on-oom="signal=USR1@$((8 * ${MW_SLOW:-1}))s,requeue=x1.5"

for name in batch srun more stays; do
    id=${job[$name]}
    ok "$name: completes" wait_job "$id" COMPLETED 180
    is "$name: in its second run" "$(job_field "$id" Restarts)" 1
    mem=$(job_field "$id" MinMemoryNode)
    ok "$name: with more memory ($mem)" test "${mem%M}" -gt 60
    is "$name: its checkpoint was written to the end" \
        "$(cat "$out/$name.ckpt")" "$(printf 'begun\ncheckpoint')"
    unlike "$name: no process died of the signal" \
        "$(cat "$out/$id.err" "$out/$id.out")" 'User defined signal'
done
like 'beside srun: the deaf task was left alone' \
    "$(cat "$out/${job[srun]}.out")" 'deaf task has ended with 0'
like 'why: it was sent to those that catch it' "$(mw why "${job[batch]}")" \
    'sent signal USR1 to its processes that catch it'
for name in batch more; do
    unlike "$name: Slurm did not take its first run for ended" \
        "$(sed "/release hold on JobId=${job[$name]} /q" "$CLUSTER_DIR/log/slurmctld.log")" \
        "_job_complete: JobId=${job[$name]} "
done
done_testing
