#!/usr/bin/env bash
# srun_mem.t - a step that asks for less memory than its job (srun --mem) is stopped
# there, also where AllowedRAMSpace allows it more: that step alone ends, its stderr
# says why, `memwarden why JOB.STEP` tells it, nothing is asked of Slurm, and the job
# and the steps beside it go on; also when the warden is a new one.  A step without
# --mem has the job's limit.
# runs: v1 v2
# takes: 35 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

begin () {     # PLUGINS [OPTION…]
    local plugins=$1; shift
    cluster_warden_start '' --plugins "$plugins" --slurm-conf-line "$(first_job_id)" \
        --cgroup-conf-line AllowedRAMSpace=300 "$@" 2>"$TMP/start"
    must "plugins $plugins $*: cluster, warden and courier" grep -q ready "$COURIER_LOG"
    out=$CLUSTER_DIR/out
    eat=$CLUSTER_BIN/touchmem
}
end () {
    cluster_courier_stop
    warden_stop
    cluster_stop
    rm -rf "$WARDEN_STATE" "$COURIER_LOG" "$TMP/warden.log"
}
# script TEXT: as a job's script
script () { printf '#!/bin/bash\n%s\n' "$1" >"$out/job.sh"; }
requests () { grep -E "[ ]$1(\.[0-9]+)*\.(complete-oom|requeue|suspend|cancel)" "$COURIER_LOG"; }
registered_own () { journal_has "$1" registered; }

all='task both' hows='--exact --overlap' ends='kill9 stop'
[ "${MW_SLOW:-1}" -eq 1 ] || { all=both hows=--overlap ends=kill9; }
for plugins in $all; do
    begin "$plugins"
    script "srun -n1 --mem=30M $eat --size 60M; echo small ended with \$?
srun -n1 $eat --size 100M; echo whole ended with \$?"
    job=$(submit -n2 --mem=200M "$out/job.sh")
    ok "$plugins: a job, one of whose steps is over its --mem, completes" \
        wait_job "$job" COMPLETED 120
    like 'that step is killed' "$(cat "$out/$job.out")" 'small ended with 137'
    like 'one without --mem has what the job has' "$(cat "$out/$job.out")" 'whole ended with 0'
    like "its stderr says why" "$(cat "$out/$job.err")" \
        "memwarden: step $job.0 reached its limit of 30.0 MiB"
    like "and what was done" "$(cat "$out/$job.err")" \
        "memwarden: step $job.0: to be killed: it used up to"
    like 'so does why, of the step' "$(mw why "$job.0")" "step $job.0: killed"
    like 'of which it is the story' "$(mw why "$job.0")" "^Step $job.0"
    like 'and of its job' "$(mw why "$job")" "Incident $job.0.1"
    is 'nothing is asked of Slurm for it' "$(requests "$job")" ''
    is 'the job had no OOM itself' "$(journal_count "$job" detected)" 0
    is 'the kernel has not killed' "$(journal_count "$job" kernel-kill)$(journal_count "$job.0" kernel-kill)" 00
    [ "$plugins" = both ] || end
done

# ---- side by side: an innocent one within its own limit, and one without ----
for how in $hows; do
    rm -f "$out"/{stop,innocent,whole}
    script "srun $how -n1 --mem=60M $eat --size 50M --stop-file stop >innocent & a=\$!
srun $how -n1 --mem=80M $eat --size 60M --stop-file stop >other & b=\$!
until grep -q 'touched 50' innocent && grep -q 'touched 60' other; do sleep 0.1; done
srun $how -n1 --mem=30M $eat --size 60M; echo small ended with \$?
touch stop
wait \$a; echo innocent ended with \$?
wait \$b; echo other ended with \$?"
    job=$(submit -n4 --mem=200M "$out/job.sh")
    ok "$how: the job completes" wait_job "$job" COMPLETED 120
    like "$how: the one over its limit is killed" "$(cat "$out/$job.out")" 'small ended with 137'
    like "$how: the innocent one never notices" "$(cat "$out/$job.out")" 'innocent ended with 0'
    like "$how: nor the other" "$(cat "$out/$job.out")" 'other ended with 0'
    is "$how: one step had an incident" "$(jq -r 'select(.event == "detected") | .job' \
        "$WARDEN_STATE/journal.jsonl" | grep "^$job" | sort -u)" "$job.2"
done

# ---- whatever the job's own ladder is; and a new warden keeps the limit ----
for end in $ends; do
    rm -f "$out/go"
    script "srun -n1 --mem=30M bash -c 'until [ -e go ]; do sleep 0.1; done; exec $eat --size 60M'
echo small ended with \$?"
    job=$(submit -n2 --mem=200M --on-oom=hold@1h,requeue,kill "$out/job.sh")
    ok "a step with a limit of its own runs" wait_for 60 registered_own "$job.0"
    "warden_$end"
    warden_start
    is "after warden_$end a new warden comes up" $? 0
    touch "$out/go"
    ok 'the job completes' wait_job "$job" COMPLETED 120
    like 'the step is killed' "$(cat "$out/$job.out")" 'small ended with 137'
    like 'its stderr says why' "$(cat "$out/$job.err")" "step $job.0 reached its limit of 30.0"
    is 'nothing is asked of Slurm' "$(requests "$job")" ''
done

# ---- without a warden the step's limit is the kernel's to keep ----
for end in $ends; do
    rm -f "$out/go"
    script "srun -n1 --mem=30M bash -c 'until [ -e go ]; do sleep 0.1; done; exec $eat --size 60M'
echo small ended with \$?"
    job=$(submit -n2 --mem=200M "$out/job.sh")
    ok "a step with a limit of its own runs" wait_for 60 registered_own "$job.0"
    "warden_$end"
    [ "$end" = stop ] || mw failsafe --state-dir "$WARDEN_STATE" >/dev/null
    touch "$out/go"
    ok "after warden_$end and no other: the job ends" wait_for 120 job_over "$job"
    like 'the step did not get past its limit' "$(cat "$out/$job.out")" 'small ended with [1-9]'
    warden_start
    is 'a warden comes up' $? 0
done

# ---- the job's limit is the job's still: several within theirs, over it together ----
script "for i in 1 2 3; do srun --overlap -n1 --mem=90M $eat --size 80M --stay 600 & done; wait"
job=$(submit -n4 --mem=200M --on-oom=kill "$out/job.sh")
ok 'steps that are over the job together: the job is out of memory' \
    wait_job "$job" OUT_OF_MEMORY 120
is 'and no step' "$(jq -r 'select(.event == "detected") | .job' \
    "$WARDEN_STATE/journal.jsonl" | grep "^$job" | sort -u)" "$job"
is 'nothing of a step is left' "$(jq -r 'select(.event == "registered" or .event == "released") | .job' \
    "$WARDEN_STATE/journal.jsonl" | sort | uniq -c | awk '$1 % 2')" ''
end

# ---- where Slurm makes no memory cgroup, ours has a step's limit, too ----
if [ "${MW_SLOW:-1}" -eq 1 ]; then
    begin both --no-memcg
    script "srun -n1 --mem=30M $eat --size 60M; echo small ended with \$?
srun -n1 $eat --size 100M; echo whole ended with \$?"
    job=$(submit -n2 --mem=200M "$out/job.sh")
    ok 'no memory cgroup of Slurm: the job completes' wait_job "$job" COMPLETED 120
    like 'the step is killed' "$(cat "$out/$job.out")" 'small ended with 137'
    like 'one without --mem has what the job has' "$(cat "$out/$job.out")" 'whole ended with 0'
    like 'its stderr says why' "$(cat "$out/$job.err")" "step $job.0 reached its limit of 30.0"
fi
done_testing
