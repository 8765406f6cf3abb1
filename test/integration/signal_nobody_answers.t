#!/usr/bin/env bash
# runs: v1 v2
# takes: 87 s
# in-vm: newest-v2
# Where nobody in a job catches the signal of its ladder, nobody gets it: that is
# said, the next step follows at once, and the job ends as OUT_OF_MEMORY, not as
# one that died of a signal.  Only `:all` sends it to each.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

# as the default, but for a time that nobody would wait for
cluster_warden_start 'ladder = "signal=TERM@20m,kill"' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
hog="$CLUSTER_BIN/touchmem --size 300M"
mkdir "$CLUSTER_DIR/jobs"
job_script () { { echo '#!/bin/bash'; cat; } >"$CLUSTER_DIR/jobs/$1"; }
job_script batch <<<"$hog"
job_script srun <<<"srun $hog"
job_script trap <<<"trap 'echo cleaned up' EXIT; $hog; echo goes on"
job_script ignores <<<"trap '' TERM; $hog; echo goes on"
declare -A job=()
for name in batch srun trap ignores; do
    job[$name]=$(submit --mem=60 "$CLUSTER_DIR/jobs/$name")
done
for name in batch srun trap ignores; do
    id=${job[$name]}
    ok "$name: OUT_OF_MEMORY" wait_job "$id" OUT_OF_MEMORY 120
    is "$name: its exit code" "$(job_field "$id" ExitCode)" 0:125
    like "$name: it is said" "$(mw why "$id")" 'none of its processes catches signal TERM'
    unlike "$name: nothing was answered" "$(mw why "$id")" 'answered the signal'
    unlike "$name: nobody got it" "$(cat "$CLUSTER_DIR/out/$id".*)" 'goes on|Terminated'
done

id=$(submit --mem=60 --oom-reserve=40M --on-oom='signal=USR1:all@20m,requeue=x6' \
    "$CLUSTER_DIR/jobs/batch")
_restarted () { [ "$(job_field "$id" Restarts)" = 1 ]; }
ok ':all: it died of it, and is requeued' wait_for 120 _restarted
like ':all: it is said' "$(mw why "$id")" 'sent signal USR1 to all its processes'
ok ':all: it completes with more memory' wait_job "$id" COMPLETED 120
id=$(submit --mem=60 --oom-reserve=40M --on-oom='signal=USR1:all@20m,kill' \
    "$CLUSTER_DIR/jobs/batch")
ok ':all: who died of it has not answered' wait_job "$id" OUT_OF_MEMORY 120
is ':all: its exit code' "$(job_field "$id" ExitCode)" 0:125
done_testing
