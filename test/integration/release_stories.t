#!/usr/bin/env bash
# runs: v2
# vm-only
# in-vm: 6.12-v2 13-v2 forky-v2
# packages: deb
# takes: 150 s
# What memwarden is for, once each, from packages of each Debian that are installed there,
# on its Slurm (22.05, 24.11, 26.05), C library and compiler (test/vm/test): a job is grown;
# writes its checkpoint and is requeued with more memory; is suspended and resumed; is
# killed as OUT_OF_MEMORY, also one member of an array alone; of three on a node that is
# out of memory one has to give; the node is drained.  Who looks is told why by stderr,
# comment, slurmrestd and `why`.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/packages.sh"
[ -n "${MW_IN_VM:-}" ] || skip_all 'packages are installed: in a VM alone'
packages_installed
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/slurmrestd.sh"

tcp=127.0.0.1:$(_cluster_port)
mapfile -t lines < <(rest_lines)

# all but 700 MiB of what there is now is kept for the node
available=$(awk '/^MemAvailable/ { printf "%d", $2 / 1024 }' /proc/meminfo)
cluster_warden_start "node-reserve = \"$((available - 700))M\"
node-ladder = \"suspend@3s,requeue,kill\"
burst = \"x1\"
max-burst = \"x8\"
max-priority = \"1000\"
drain-after = \"1\"
drain-window = \"1h\"
controller-timeout = \"2m\"
courier {
    slurmrestd = \"http://$tcp\"
    slurmrestd-token-file = \"$TMP/token\"
    slurmrestd-timeout = \"60s\"
    admin-comment = \"yes\"
}" --slurm-conf-line "${lines[0]}" --slurm-conf-line "${lines[1]}" --cpus 16 --plugstack-args 'max_priority=1000 max_burst=x8' \
    --cgroup-conf-line AllowedRAMSpace=800 2>"$TMP/start" ||
    { fail 'cluster, warden and courier' "$(cat "$TMP/start")"; done_testing; exit; }
echo "# Slurm $(slurmd -V), $(ldd --version | head -n 1)"
like 'what apt-get has installed works' "$(memwarden selftest 2>&1)" '^.*ok'
rest_token root >"$TMP/token" && chmod 600 "$TMP/token"
# shellcheck disable=SC2034    # for rest_get
REST_TOKEN=$(cat "$TMP/token")
rest_start "$tcp" jwt || { fail 'slurmrestd serves'; done_testing; exit; }
version=$(rest_version "$tcp")
echo "# slurmrestd $version"
outs=$CLUSTER_DIR/out touch=$CLUSTER_BIN/touchmem

# ---- each job's own limit --------------------------------------------------------
grown=$(submit --mem=60 --on-oom=grow=100M@5m,kill \
    --wrap "exec $touch --size 110M --free --stop-file $outs/grown.end")
saved=$(submit --mem=60 --requeue --oom-reserve=40M --mem-retry=x9,tries=1 \
    --on-oom='signal=USR1@10s,requeue=x1.5,kill' --wrap "
    [ ! -e $outs/checkpoint ] || exec $touch --size 80M
    exec $touch --size 300M --checkpoint $outs/checkpoint --go-on")
patient=$(submit --mem=60 --on-oom=suspend@1h,kill --wrap "exec $touch --size 100M")
killed=$(submit --mem=60 --on-oom=kill --wrap "exec $touch --size 100M")
# of the two, the last one has the id of the array
array=$(submit --array=0-1 --mem=60 --on-oom=kill --wrap "
    [ \$SLURM_JOB_ID = \$SLURM_ARRAY_JOB_ID ] && exec $touch --size 100M
    exec $touch --size 20M --stop-file $outs/member.end")

ok 'one is grown, and has given that back' wait_for 60 journal_has "$grown" resolved
like 'in this order' "$(journal_events "$grown")" 'detected:grow .*lent:grow .*returned'
touch "$outs/grown.end"
ok 'one is suspended at Slurm' wait_job "$patient" SUSPENDED 60
ok 'it is given room' mw set "$patient" --limit 120M
ok 'one ends as OUT_OF_MEMORY' wait_job "$killed" OUT_OF_MEMORY 60
is 'with the exit code of an OOM' "$(job_field "$killed" ExitCode)" 0:125
ok 'the one that was grown completes' wait_job "$grown" COMPLETED 60
ok 'the suspended one is resumed, and completes' wait_job "$patient" COMPLETED 60
ok 'a member of an array is killed' wait_job "$array" OUT_OF_MEMORY 60
is 'alone' "$(scontrol show job -o "$array" | grep -o 'JobState=[^ ]*' | sort | xargs)" \
    'JobState=OUT_OF_MEMORY JobState=RUNNING'
touch "$outs/member.end"
ok 'the one with a checkpoint runs again, and completes' wait_job "$saved" COMPLETED 90
is 'it was requeued once' "$(job_field "$saved" Restarts)" 1
like 'with more memory' "$(job_field "$saved" MinMemoryNode)" '^([89]|1[0-9])[0-9]M'
like 'which is counted' "$(scontrol show job "$saved")" \
    'AdminComment=.*\[memwarden run=1 mem=[0-9]+M try=1 peak=[0-9]+\]'
ok 'its checkpoint was written' test -s "$outs/checkpoint"
like 'as told in its stderr' "$(cat "$outs/$saved.err")" 'requeued with --mem=[0-9]+M'

like 'the stderr of the killed one: its limit' "$(cat "$outs/$killed.err")" \
    "memwarden: job $killed reached its limit of 60.* MiB .reservation 60.* MiB"
like 'its comment' "$(job_field "$killed" Comment) $(scontrol show job "$killed")" \
    "Comment=.*job $killed: .*killed"
is 'so has slurmrestd' "$(rest_get "$tcp" "/slurm/$version/job/$killed" |
    jq -r '.jobs[0].admin_comment | test("job '"$killed"': .*killed")')" true
like 'why, as its owner' "$(as_user "$MEMWARDEN" why "$killed" | tr '\n' ' ')" \
    'reached its limit.*killed'

# ---- the node's -----------------------------------------------------------------
stop=$outs/stop
job () {    # job PRIORITY RESERVATION LIMIT SIZE
    submit --oom-priority="$1" --mem="$2" --mem-burst="$3" --on-oom=kill \
        --wrap "exec $touch --size $4 --stop-file $stop"
}
touched () { grep -q touched "$outs/$1.out"; }
high=$(job 900 250 300M 200M)
middle=$(job 500 100 400M 150M)
must 'the high one has its memory' wait_for 30 touched "$high"
must 'the middle one has its memory' wait_for 30 touched "$middle"
low=$(submit --requeue --oom-priority=100 --mem=100 --mem-burst=800M --on-oom=kill --wrap "
    [ -z \"\$SLURM_RESTART_COUNT\" ] || exec $touch --size 20M
    exec $touch --size 700M --stop-file $stop")
requeued () { [ "$(job_field "$low" Restarts)" = 1 ]; }
must 'the low one is requeued' wait_for 60 requeued
drained () { [[ $(node_state) == drain* ]]; }
ok 'the node is drained for that' wait_for 30 drained
like 'with the reason' "$(scontrol show node "$CLUSTER_NODE")" 'Reason=memwarden: out of memory'
is 'the others still run' "$(job_state "$high") $(job_state "$middle")" 'RUNNING RUNNING'
touch "$stop"
ok 'the high one completes' wait_job "$high" COMPLETED 30
ok 'the middle one completes' wait_job "$middle" COMPLETED 30
scontrol update NodeName="$CLUSTER_NODE" State=RESUME
ok 'the low one runs again, and completes' wait_job "$low" COMPLETED 90
for j in $high $middle; do
    like "nothing has happened to job $j" "$(journal_events "$j")" \
        '^registered (node )+released $'
done
like 'why: the low one was chosen' "$(mw why "$low")" \
    'out of memory: chosen: .*over its reservation of 100 MiB; priority 100'
like 'why: the high one was not' "$(mw why "$high")" \
    'not chosen: within its reservation.*priority 900'
courier_says () { grep -E "$1" "$COURIER_LOG" | grep -v 'notify:'; }
like 'slurmrestd has set the comment' "$(courier_says "$killed\.[0-9]*\.comment")" 'comment: set$'
like '… drained the node' "$(courier_says '\.drain:')" 'is draining( \(by libslurm; slurmrestd: v0.0.38 cannot update a node\))?$'
case $version in
    v0.0.4[5-9]) like '… and requeued' "$(courier_says "$low\.[0-9]*\.requeue")" \
        'requeue: requeued[^(]*$' ;;
    *) like '… and libslurm has requeued' "$(courier_says "$low\.[0-9]*\.requeue")" \
        "requeued.*by libslurm; slurmrestd: $version cannot requeue" ;;
esac
is 'the kernel has killed nobody' "$(dmesg | grep -c 'oom-kill:')" 0
comment_of () { scontrol show job "$1" | grep -o 'Comment=memwarden: .*'; }
for j in $saved $low; do
    like 'the comment of one that was requeued tells of it' "$(comment_of "$j")" \
        "job $j: .*requeue"
done
# a line for one that is being requeued is late
is 'the courier was refused nothing else' "$(grep -E 'cannot|refused' "$COURIER_LOG" |
    grep -Ev 'notify:|slurmrestd: v[0-9.]+ cannot (requeue|update a node)')" ''
done_testing
