# plugin.sh - for tests of the Slurm plugins.  Source after tap.sh, cluster.sh.
#
#   recorder_start, recorder_stop
#                             in the warden's place: writes down what it is told
#   registered JOB            its `register` lines so far
#   told JOB FILTER           of the last one, by jq: told 12 .priority
#   memcg_of JOB              the directory that was handed over
#   first_job_id              a --slurm-conf-line: job ids no other test has, since
#                             cgroups that the plugin makes are named after them

RECORDER=$MW_BUILD/test/bin/recorder
RECORD=$TMP/record
RECORDER_PID=

recorder_start () {
    : >"$RECORD"
    "$RECORDER" "$CLUSTER_SOCKET" "$RECORD" &
    RECORDER_PID=$!
    at_exit recorder_stop
    wait_for 10 test -S "$CLUSTER_SOCKET"
}
recorder_stop () {
    [ -n "$RECORDER_PID" ] || return 0
    kill "$RECORDER_PID"
    wait "$RECORDER_PID" 2>/dev/null
    RECORDER_PID=
}
registered () { grep "^register .*\"key\":\"$1\"" "$RECORD"; }
times_registered () { registered "$1" | wc -l; }
told () {
    registered "$1" | tail -n 1 | sed 's/^register //; s/} .*/}/' | jq -r "$2"
}
memcg_of () { registered "$1" | tail -n 1 | sed 's/^register .*} //' | cut -d' ' -f1; }
freezer_of () { registered "$1" | tail -n 1 | sed 's/^register .*} //' | cut -s -d' ' -f2; }
first_job_id () { echo "FirstJobId=$((1000 + RANDOM * 30 + RANDOM % 30))"; }

# slurmstepds MEMCG: how many there are in it and below
slurmstepds () {
    local p n=0
    for p in $(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null); do
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" != slurmstepd ] || n=$((n + 1))
    done
    echo $n
}

has_registered () { [ "$(times_registered "$1")" -ge "$2" ]; }
# until JOB has N registrations
wait_registered () { wait_for 30 has_registered "$1" "$2"; }
job_over () { [[ $(job_state "$1") =~ ^(COMPLETED|FAILED|CANCELLED|OUT_OF_MEMORY|NODE_FAIL)$ ]]; }

# registered_once JOB NAME
registered_once () {
    wait_for 20 journal_has "$1" registered
    is "$2" "$(journal_count "$1" registered)" 1
}

# acceptance_7 PLUGINS: jobs of all kinds are placed and registered once each, and
# their OOM is handled, with only these plugins and a real warden
acceptance_7 () {
    local job array id oom
    cluster_start --plugins "$1" --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
    is "the cluster comes up with plugins: $1" "$?$(cat "$TMP/start")" 0
    # not by `ok`: what is started in a subshell would not be stopped
    warden_start 'ladder = "kill"
courier { start = false }'
    is 'the warden comes up' "$?" 0
    job=$(submit -n4 --mem=200 --wrap 'srun -n4 true; srun -n1 true; srun -n2 sleep 1')
    ok 'a job with srun -n4 and several steps completes' wait_job "$job" COMPLETED 60
    registered_once "$job" 'it was registered once'
    job=$(submit --root --mem=50 --wrap 'srun true')
    ok "root's job completes" wait_job "$job" COMPLETED 60
    registered_once "$job" 'and was registered once'
    array=$(submit --array=1-3 --mem=50 --wrap 'srun true')
    for id in 1 2 3; do
        job=$(wait_for 20 job_field "${array}_$id" JobId; job_field "${array}_$id" JobId)
        ok "array task $id completes" wait_job "${array}_$id" COMPLETED 60
        registered_once "$job" 'and was registered once'
    done
    as_user srun -n2 --mem=60 true >"$TMP/srun" 2>&1
    is 'srun alone runs' "$?" 0
    # the user may not be able to read the build tree
    install -m 755 "$TOUCHMEM" "$CLUSTER_DIR/out/touchmem"
    oom=$(submit --mem=64 --wrap "./touchmem --size 200M")
    ok 'a job that needs too much comes to its end' wait_for 60 job_over "$oom"
    ok 'its OOM was seen by the warden' journal_has "$oom" detected
    ok 'and handled by its ladder' journal_has "$oom" step:kill
    is 'the kernel has not been there first' "$(journal_count "$oom" kernel-kill)" 0
    unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
    _released () { [ "$(journal_count "$oom" released)" = 1 ]; }
    ok 'the warden knows that the job is over' wait_for 20 _released
    is "nothing is in the user's stderr of a good job" \
        "$(cat "$CLUSTER_DIR/out/$job.err")" ''
}
