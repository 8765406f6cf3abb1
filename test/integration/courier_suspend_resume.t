#!/usr/bin/env bash
# runs: v1 v2
# in-vm: 6.12
# needs: cluster
# The courier suspends and resumes a job at the controller; asked a second time,
# as after a crash, the answer is the same.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
job=$(submit --mem=50 --wrap 'echo begun; sleep 1000')
begun () { grep -qs begun "$CLUSTER_DIR/out/$job.out"; }     # as in courier_requeue_suspended
ok 'a job runs' wait_for 30 begun
is 'suspend: done' "$(ask suspend "$job")" 'ok 0 suspended'
ok 'the controller shows it SUSPENDED' wait_job "$job" SUSPENDED 10
is 'suspend again: still done' "$(ask suspend "$job")" 'ok 0 suspended'
line=$(put notify "$job" text='memwarden: said meanwhile')
resume=$(put resume "$job")
is 'the job is resumed, and the line told' "$( (take 60; take 60) | sort)" \
    "$(printf '%s\n' "$line ok 0 told" "$resume ok 0 resumed" | sort)"
is 'the resume passed the line, which waited for it' \
    "$(grep -oE "($line|$resume): (told|resumed)" "$COURIER_LOG" | grep -oE 'told|resumed' | tr '\n' ' ')" \
    'resumed told '
ok 'in its standard error' wait_for 10 \
    grep -q 'said meanwhile' "$CLUSTER_DIR/out/$job.err"
ok 'the controller shows it RUNNING' wait_job "$job" RUNNING 10
is 'resume again: still done' "$(ask resume "$job")" 'ok 0 resumed'
is 'a job that is not there: refused' \
    "$(ask suspend 4000000)" 'no 2017 cannot look at the job: Invalid job id specified'
is 'not a job of Slurm: refused' \
    "$(ask suspend mine)" "no 22 not a job of Slurm's"
is 'cancel: done' "$(ask cancel "$job")" 'ok 0 cancelled'
ok 'the controller shows it CANCELLED' wait_job "$job" CANCELLED 20
is 'nothing is left in the spool' "$(ls "$COURIER_STATE"/spool/{req,ans,tmp} |
    grep -v : | tr -d '\n')" ''
done_testing
