#!/usr/bin/env bash
# one_process.t - a step of the ladder for one process of the job.  Of a step of four
# ranks the one that leaks, and is not the largest, is killed alone (kill=guilty), also
# where the warden is killed while it looks for it; the others end by themselves and
# the job completes.  A Python program that is refused memory (enomem=largest) catches
# MemoryError and completes.  A signal goes to the largest alone; so does a
# kill that the owner of a held job asks for, which then goes on.  A job script is
# never killed so.  Each is in why, in the journal, and in the job's stderr.
# runs: v1 v2
# takes: 45 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
out=$CLUSTER_DIR/out
eat=$CLUSTER_BIN/touchmem
# script NAME: a job's, from stdin
script () { { echo '#!/bin/bash'; cat; } >"$CLUSTER_DIR/$1.sh"; chmod 755 "$CLUSTER_DIR/$1.sh"; }
declare -A job=()
start () {          # NAME SBATCH-ARGS…
    local name=$1; shift
    job[$name]=$(submit "$@" "$CLUSTER_DIR/$name.sh")
}
why () { mw why "${job[$1]}"; }
said () { cat "$out/${job[$1]}.$2"; }
killed () {         # NAME: of the journal, whom
    jq -c --arg k "${job[$1]}" 'select(.job == $k and .process and .step == "kill-one") | .process' \
        "$WARDEN_STATE/journal.jsonl"
}
# four ranks, of which number 2 leaks: slower than it looks, where RATE is little
ranks () {          # NAME RATE
    script "$1" <<END
export out=$out
srun -n4 --kill-on-bad-exit=0 --wait=0 bash -c 'case \$SLURM_PROCID in
    2) until [ -e \$out/$1.0 -a -e \$out/$1.1 -a -e \$out/$1.3 ]; do sleep 0.1; done
       exec $eat --size 600M --rate $2;;
    0) size=100M;;
    *) size=8M;;
    esac
    $eat --size \$size --stop-file \$out/$1.go >\$out/$1.\$SLURM_PROCID.is &
    until grep -qs touched \$out/$1.\$SLURM_PROCID.is; do sleep 0.1; done
    touch \$out/$1.\$SLURM_PROCID
    wait \$!
    echo rank \$SLURM_PROCID ended with \$?'
echo the step ended with \$?
END
}

# ---- one of four leaks ----
ranks leaks 60M
start leaks -n4 --mem=220 --oom-reserve=60M --on-oom='kill=guilty,kill'
ok 'a rank leaks: the incident is over' wait_for 60 journal_has "${job[leaks]}" resolved
is 'one process was chosen' "$(killed leaks | wc -l)" 1
is 'rank 2 of step 0, by its growth' \
    "$(killed leaks | jq -r '[.step, .task, .comm, .target] | join(" ")')" '0 2 touchmem guilty'
ok 'which is told in bytes' test "$(killed leaks | jq .grew)" -ge 262144
pid=$(killed leaks | jq .pid)
touch "$out/leaks.go"
ok 'its job completes' wait_job "${job[leaks]}" COMPLETED 60
is 'the other ranks have ended by themselves' "$(said leaks out | grep ^rank | sort | tr '\n' ,)" \
    'rank 0 ended with 0,rank 1 ended with 0,rank 3 ended with 0,'
like 'Slurm has seen the one killed' "$(said leaks out)" 'the step ended with 137'
like 'why names it' "$(why leaks)" \
    "SIGKILL to process $pid \(touchmem, step 0, task 2\), the fastest growing one \(by [0-9.]+ [MK]iB in [0-9.]+ s\): it holds [0-9.]+ MiB \(anonymous "
like 'and how it ended' "$(why leaks)" 'back below its limit, one of its processes killed'
like 'so does its stderr' "$(said leaks err)" "SIGKILL to process $pid \(touchmem"
unlike 'nothing else was killed' "$(why leaks)" 'SIGKILL to all'

# ---- the warden is killed while it looks ----
ranks away 4M
start away -n4 --mem=160 --oom-reserve=60M --on-oom='kill=guilty,kill'
looks () {
    jq -c --arg k "${job[away]}" 'select(.job == $k and (.text | contains("which of its processes grows")))' \
        "$WARDEN_STATE/journal.jsonl" | grep -q .
}
ok 'a slow one: it is looked at who grows' wait_for 90 looks
warden_kill9
warden_start
ok 'the next warden ends the incident' wait_for 60 journal_has "${job[away]}" resolved
is 'by the same rank' "$(killed away | jq -r '[.step, .task] | join(" ")')" '0 2'
touch "$out/away.go"
ok 'that job completes, too' wait_job "${job[away]}" COMPLETED 60
is 'with its other ranks' "$(said away out | grep -c '^rank [013] ended with 0')" 3

# ---- four others, at the same time ----
script python <<END
$eat --size 8M --stop-file $out/python.go &
python3 - <<'PY'
parts = []
try:
    while True:
        parts.append(b"x" * (1 << 20))
except MemoryError:
    n = len(parts)
    del parts
    print("caught, at", n, "MiB", flush=True)
half = [b"y" * (1 << 20) for i in range(n // 2)]
print("done with", len(half), flush=True)
PY
echo python ended with \$?
touch $out/python.go
wait
END
script signal <<END
$eat --size 8M --checkpoint $out/signal.small --stop-file $out/signal.go &
$eat --size 300M --checkpoint $out/signal.large
echo the large one ended with \$?
touch $out/signal.go
wait \$!
echo the small one ended with \$?
END
script held <<END
$eat --size 8M --stop-file $out/held.go &
$eat --size 300M
echo the large one ended with \$?
touch $out/held.go
wait \$!
echo the small one ended with \$?
END
script alone <<END
exec $eat --size 300M
END
# without CAP_SYS_RESOURCE, as in many a container, root's own job alone can be refused
caps=$((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)))
whose=(); (( caps >> 24 & 1 )) || whose=(--root)
start python "${whose[@]}" --mem=100 --oom-reserve=50M --on-oom='enomem=largest@10m,kill'
start signal --mem=80 --oom-reserve=40M --on-oom='signal=USR1:largest@10m,kill'
start held --mem=80 --oom-reserve=20M --on-oom='hold@10m,kill'
start alone --mem=60 --oom-reserve=20M --on-oom='kill=largest,kill'

# ---- refused memory, Python catches that ----
ok 'a Python program is refused memory: its job completes' wait_job "${job[python]}" COMPLETED 90
like 'it has caught MemoryError' "$(said python out)" 'caught, at [0-9]+ MiB'
like 'and gone on with less' "$(said python out)" 'done with [0-9]+'
like 'to its end' "$(said python out)" 'python ended with 0'
like 'why names it' "$(why python)" \
    'further memory is refused to process [0-9]+ \(python3[^ ]*, step batch, task 0\), the largest one'
like 'so does its stderr' "$(said python err)" 'further memory is refused to process'
unlike 'nothing was killed' "$(why python)" SIGKILL

# ---- a signal, to the largest ----
ok 'a signal to the largest: the job completes' wait_job "${job[signal]}" COMPLETED 60
ok 'it has written its checkpoint' test -e "$out/signal.large"
ok 'the other one has not had it' test ! -e "$out/signal.small"
like 'why names it' "$(why signal)" 'sent signal USR1 to process [0-9]+ \(touchmem, step batch'

# ---- by hand, while it is held ----
ok 'a job is held at its limit' wait_for 60 journal_has "${job[held]}" held:hold
script=$(mw ps "${job[held]}" --json | jq 'map(select(.command | test("slurm_script"))) | .[0].pid')
like 'its script is not to be killed by hand' \
    "$(as_user "$MEMWARDEN" kill "${job[held]}" --pid "$script" 2>&1)" "process $script is the script of job"
is 'nor can one of a job that has gone' "$(mw kill "${job[away]}" --largest 2>&1)" \
    "memwarden kill: there is no job ${job[away]} on this node"
is 'its owner has the largest killed' "$(as_user "$MEMWARDEN" kill "${job[held]}" --largest 2>&1; echo $?)" 0
ok 'it goes on, and completes' wait_job "${job[held]}" COMPLETED 60
is 'without that one' "$(said held out | grep ended | tr '\n' ,)" \
    'the large one ended with 137,the small one ended with 0,'
like 'why has who asked' "$(why held)" 'kill=largest@10s asked for by uid [1-9]'

# ---- nobody but the script ----
ok 'a job script is not killed alone' wait_job "${job[alone]}" OUT_OF_MEMORY 60
like 'and why' "$(why alone)" 'it has no process but its job script: none is killed alone'
is 'the kernel has not killed in any of them' "$(jq -r 'select(.event == "kernel-kill") | .job' \
    "$WARDEN_STATE/journal.jsonl")" ''
done_testing
