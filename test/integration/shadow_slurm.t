#!/usr/bin/env bash
# runs: v1
# Shadow mode under Slurm: the job stays as Slurm made it, slurmstepd and the steps'
# limits included; its OOM, which there is a step's, is heard and ends as Slurm ends it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

settings () {   # settings JOB's DIRECTORY: limits of job and steps, and where slurmstepd is
    (cd "$1" && grep -r '' --include=memory.limit_in_bytes --include=memory.soft_limit_in_bytes .
     grep -r oom_kill_disable --include=memory.oom_control .
     for p in $(cat step_*/cgroup.procs); do cat "/proc/$p/comm"; done) | sort
}
script='touch $1.up; until [ -e $1.go ]; do sleep 0.1; done; [ $2 = none ] || '
script+='$2 --size 200M; until [ -e $1.stop ]; do sleep 0.1; done'
up () { [ -e "$CLUSTER_DIR/out/$1.up" ]; }
job () {        # job NAME PROGRAM
    submit --mem=64 --mem-burst=x2 --on-oom='signal=TERM@30s,kill' --oom-reserve=16M \
        --wrap "set -- $CLUSTER_DIR/out/$1 $2; $script"
}
memcg () { find /sys/fs/cgroup/memory -maxdepth 4 -path "*mw$$n1*/job_$1" -type d; }

cluster_warden_start 'shadow = true
burst = "x1"
max-burst = "x4"' || { fail 'cluster, warden and courier'; done_testing; exit; }
job=$(job watched "$CLUSTER_BIN/touchmem")
must 'the job runs' wait_for 30 up watched
must 'it is registered' wait_for 30 journal_has "$job" registered
with=$(settings "$(memcg "$job")")
like 'slurmstepd is where Slurm has put it' "$with" '^slurmstepd'
ok 'the steps have their limits' \
    grep -q "step_batch/memory.limit_in_bytes:$((64 << 20))" <<<"$with"
touch "$CLUSTER_DIR/out/watched.go"
ok 'its OOM is on record' wait_for 30 journal_has "$job" shadow
like 'with what would have been done' "$(mw why "$job")" \
    "its limit of 64.0 MiB .* killed 1 of its processes; memwarden's limit would have been 128 MiB; memwarden would have begun with signal=TERM@30s"
is 'nothing has been changed' "$(settings "$(memcg "$job")")" "$with"
touch "$CLUSTER_DIR/out/watched.stop"
ok 'it ends as Slurm ends it' wait_job "$job" OUT_OF_MEMORY 30
is 'nobody was told at the controller' "$(job_field "$job" Comment)" ''
unlike 'nor in the job' "$(cat "$CLUSTER_DIR"/out/*"$job"*)" 'memwarden'
is 'the courier has been asked for nothing but what the job is' \
    "$(jq -r 'select(.event == "asked") | .text' "$WARDEN_STATE/journal.jsonl")" ''

warden_stop
job=$(job plain none)
must 'the same job without a warden runs' wait_for 30 up plain
is 'it is as the one with it was' "$(settings "$(memcg "$job")")" "$with"
touch "$CLUSTER_DIR"/out/plain.{go,stop}
ok 'it completes' wait_job "$job" COMPLETED 30
done_testing
