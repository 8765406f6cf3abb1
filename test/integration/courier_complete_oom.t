#!/usr/bin/env bash
# runs: v1 v2
# in-vm: 6.12
# needs: cluster
# A job that memwarden ends is shown by the controller as OUT_OF_MEMORY, exit code
# 0:125, as if Slurm had seen the OOM itself.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'echo begun; sleep 1000')
wait_job "$job" RUNNING 30
# Slurm drops a line for a job whose batch step has not begun yet
wait_for 30 grep -q begun "$CLUSTER_DIR/out/$job.out"
is 'its stderr gets a line' "$(ask notify "$job" text='memwarden: a test')" \
    'ok 0 told'
ok 'the line is there' wait_for 10 \
    grep -q 'memwarden: a test' "$CLUSTER_DIR/out/$job.err"
is 'its comment is set' "$(ask comment "$job" text='ran out of memory')" \
    'ok 0 set'
is 'its admin comment is set' \
    "$(ask admin-comment "$job" text='for admins')" 'ok 0 set'
is 'completed' "$(ask complete-oom "$job")" 'ok 0 completed as OUT_OF_MEMORY'
ok 'the controller shows OUT_OF_MEMORY' wait_job "$job" OUT_OF_MEMORY 20
is 'and the exit code' "$(job_field "$job" ExitCode)" 0:125
like 'and the comment' "$(scontrol show job "$job")" 'Comment=ran out of memory'
like 'completed again: no error' "$(ask complete-oom "$job")" '^ok '
like 'a comment now: refused with the reason' \
    "$(ask comment "$job" text=late)" '^no [0-9]+ .*finished'
done_testing
