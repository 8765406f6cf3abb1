#!/usr/bin/env bash
# runs: v1 native
# Runs of one job are told apart: a requeued job's next run has incidents of its own
# number, also where the warden was restarted meanwhile, `why` shows each run, and
# the next run's standard error says why it was requeued.  Members of a job array
# are found by ARRAY_TASK and by their id, and the array's id tells of all.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'max-burst = "x4"' || { fail 'a cluster'; done_testing; exit; }
why () { mw why "$@" 2>&1; }
incidents () { jq -r "select(.event == \"detected\" and .job == \"$1\") | .incident" \
    "$WARDEN_STATE/journal.jsonl" | tr '\n' ' '; }
registered () { [ "$(journal_count "$1" registered)" -ge "$2" ]; }
ended () { [[ $(job_state "$1") =~ COMPLETED|FAILED|OUT_OF_MEMORY ]]; }

# its second run waits until the warden has been restarted
job=$(submit --mem=100 --on-oom=requeue=x1.5,kill --wrap "
    [ \"\${SLURM_RESTART_COUNT:-0}\" = 0 ] || until [ -e $CLUSTER_DIR/out/go ]; do sleep 0.2; done
    $CLUSTER_BIN/touchmem --size 180M")
ok 'a job is requeued in its OOM, and runs again' wait_for 120 registered "$job" 2
told () { grep -q 'this is run 2.*requeued with --mem=' "$CLUSTER_DIR/out/$job.err"; }
ok 'its stderr says why it was' wait_for 30 told
warden_restart
touch "$CLUSTER_DIR/out/go"
ok 'it ends' wait_for 180 ended "$job"
ids=$(incidents "$job")
like 'it has had more than one incident' "$ids" "^$job\\.1 $job\\.2 "
is 'each with an id of its own' "$(tr ' ' '\n' <<<"$ids" | sort | uniq -d)" ''
story=$(why "$job")
is 'why tells of each of its runs' "$(grep -oE '^(Run [0-9]+|Incident [0-9.]+)' <<<"$story" |
    head -n 4 | tr '\n' ' ')" "Run 1 Incident $job.1 Run 2 Incident $job.2 "

name=twice$$
for _ in 1 2; do
    run_job "$name" --reservation 48M --limit 48M --on-oom kill -- "$TOUCHMEM" --size 100M
    wait $!
done
is 'so it is for a name that is used again' "$(incidents "$name")" "$name.1 $name.2 "
warden_restart
run_job "$name" --reservation 48M --limit 48M --on-oom kill -- "$TOUCHMEM" --size 100M
wait $!
is 'also by a warden that is new' "$(incidents "$name")" "$name.1 $name.2 $name.3 "

array=$(submit --array=1-2 --mem=50 --on-oom=kill --wrap "
    [ \$SLURM_ARRAY_TASK_ID = 2 ] || exec $CLUSTER_BIN/touchmem --size 100M
    sleep 1")
over () { [ "$(jq -r "select(.event == \"released\" and .st.spec.array_job_id == $array) | .job" \
    "$WARDEN_STATE/journal.jsonl" | sort -u | wc -l)" = 2 ]; }
ok 'two members of an array end' wait_for 120 over
raw_of () { jq -r "select(.st.spec.array_job_id == $array and .st.spec.array_task_id == $1) | .job" \
    "$WARDEN_STATE/journal.jsonl" | head -n 1; }
first=$(raw_of 1) last=$(raw_of 2)
like 'one is found by ARRAY_TASK' "$(why "${array}_1")" "Incident $first\\.1"
like 'the other, too' "$(why "${array}_2")" 'It has had no OOM here'
is 'each says which it is' "$(why "${array}_1" | head -n 1 | cut -d, -f 1) $(why "${array}_2" |
    head -n 1 | cut -d, -f 1)" "Job $first (${array}_1) Job $last (${array}_2)"
other=$first; [ "$other" != "$array" ] || other=$last
is 'its own id tells of it alone' "$(why "$other" | grep -c '^Job ')" 1
is "the array's id tells of both" "$(why "$array" | grep -c '^Job ')" 2
is 'so does events' "$(mw events --job "${array}_1" | grep -c " job $first:\\| job $first ")" \
    "$(mw events | grep -c " job $first:\\| job $first ")"
like 'what is not known is said' "$(why "${array}_7")" "nothing is known of a job ${array}_7"

held=$(submit --array=5 --mem=50 --wrap 'sleep 1000')
ok 'a member runs' wait_for 60 registered "$held" 1
ok 'it is held by ARRAY_TASK' mw hold "${held}_5"
ok 'and goes on' mw resume "${held}_5"
like 'ps finds it, too' "$(mw ps "${held}_5")" 'sleep 1000'
done_testing
