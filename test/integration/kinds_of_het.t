#!/usr/bin/env bash
# kinds_of_het.t - the components of a heterogeneous job are jobs of their own on
# their nodes: each has its own reservation and answer.  A kill ends the one that is
# over its limit, and the whole where that has the script, as with Slurm alone; a
# requeue is the whole job's, with more memory for that component only.
# runs: v1 v2
# takes: 65 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

eats () { echo "$CLUSTER_BIN/touchmem --size $1M"; }
# script BATCH STEP: sets script to one that takes so many MiB itself, and lets a
# step of the second component take so many; what that returns does not matter
script () {
    script=$(mktemp "$CLUSTER_DIR/out/script.XXXXXX")
    chmod 755 "$script"
    printf '#!/bin/sh\n%s || exit\nsrun --het-group=1 %s\necho after\nexit 0\n' \
        "$(eats "$1")" "$(eats "$2")" >"$script"
}
# both MEM0 MEM1 [SBATCH-ARG…]: such a job, its script being $script
both () {
    local first=$1 second=$2; shift 2
    submit --mem="$first" "$@" : --mem="$second" "$@" "$script"
}
ends_of () { echo "$(end_of "$1+0"), $(end_of "$1+1")"; }
mems_of () { echo "$(job_field "$1+0" MinMemoryNode) $(job_field "$1+1" MinMemoryNode)"; }

launch () {
    local good bad
    script 10 20; good=$(both 40 60)
    script 90 20; bad=$(both 40 60)
    # shellcheck disable=SC2046    # eats: a command and its arguments
    (as_user timeout $((60 * ${MW_SLOW:-1})) srun --mem=40 $(eats 20) : \
        --mem=60 $(eats 90) >"$TMP/srun" 2>&1; echo $? >"$TMP/rc")
    until_over "$good"+{0,1} "$bad"+{0,1}
    ends 'both in their limits' "$(ends_of "$good")"
    ends "the script's own memory" "$(ends_of "$bad")"
    ends 'srun alone, the second one over: fails' "$(($(cat "$TMP/rc") > 0))"
}
alone_and_with launch 'ladder = "kill"' --nodes 2

comment_of () { scontrol show job -o "$1" | grep -o 'Comment=memwarden.*'; }
script 10 90
job=$(both 40 60)
until_over "$job"+{0,1}
is 'killed: the component alone, the script goes on' "$(ends_of "$job")" \
    'COMPLETED 0:0 0, OUT_OF_MEMORY 0:125 0'
like 'to its end' "$(cat "$CLUSTER_DIR/out/$job.out")" '^after$'
like 'the comment is that of the one that was killed' "$(comment_of "$job+1")" killed
is 'the other one has none' "$(comment_of "$job+0")" ''
is 'each was registered, with its own reservation' "$(
    jq -r --argjson j "$job" 'select(.event == "registered" and
        (.job == "\($j)" or .job == "\($j + 1)")) | .text' \
        "$WARDEN_STATE/journal.jsonl" | grep -o 'reservation [0-9.]*' | sort | xargs)" \
    'reservation 40.0 reservation 60.0'

# Slurm has one environment for all components
before=$(squeue -h -t all -o %i | wc -l)
submit --mem=40 : --mem=60 --on-oom=grow=100M@1m,kill "$script" >"$TMP/refused" 2>&1
is 'a flag of a later component alone is refused' "$?" 1
like 'and sbatch says how to give it' "$(cat "$TMP/refused")" \
    '--on-oom is that of all components.*the first one'
as_user srun --mem=40 --oom-priority=1 true : --mem=60 --oom-priority=2 true \
    >"$TMP/refused" 2>&1
is 'so are two that differ' "$?" 1
like 'and srun says why' "$(cat "$TMP/refused")" '--oom-priority is that of all'
is 'no job comes of it' "$(squeue -h -t all -o %i | wc -l)" "$before"
job=$(submit --mem=40 --on-oom=grow=100M@1m,kill : --mem=60 "$script")
until_over "$job"+{0,1}
is "the first one's are for all: the second one is grown" "$(ends_of "$job")" \
    'COMPLETED 0:0 0, COMPLETED 0:0 0'

job=$(both 40 60 --on-oom=grow=100M@1m,kill)
until_over "$job"+{0,1}
is 'grown: both complete' "$(ends_of "$job")" 'COMPLETED 0:0 0, COMPLETED 0:0 0'

# backfill, which alone starts such jobs, looks where something has changed; that the
# time has come when a requeued one may run again is not such a thing
over_again () {
    scontrol update PartitionName=p State=UP
    _over "$@"
}
job=$(both 40 60 --requeue --on-oom=requeue=x3,kill)
ok 'a requeued one runs again' wait_for 120 over_again "$job"+{0,1}
is 'requeued for the second one: both run again and complete' \
    "$(ends_of "$job")" 'COMPLETED 0:0 1, COMPLETED 0:0 1'
is 'with more memory for that one alone' "$(mems_of "$job")" '40M 180M'

script 90 20
job=$(both 40 150 --requeue --on-oom=requeue=x3,kill)
ok 'another one, too' wait_for 120 over_again "$job"+{0,1}
is 'requeued for the first one: both run again and complete' \
    "$(ends_of "$job")" 'COMPLETED 0:0 1, COMPLETED 0:0 1'
is 'with more memory for that one alone, and the other keeps its own' \
    "$(mems_of "$job")" '120M 150M'
unlike 'no node is drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
