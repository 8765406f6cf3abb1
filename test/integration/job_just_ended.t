# job_just_ended.t - where a job ends by itself while something is done to it, its end
# is on record and no failure: nothing has failed
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start || { fail 'a warden'; done_testing; exit; }
resume_warden () { kill -CONT "$WARDEN_PID" 2>/dev/null; }
at_exit resume_warden
# shellcheck disable=SC2154    # the caller's key
has () { journal_has "$key" "$1"; }
empty () { [ -z "$(cat "$memory/cgroup.procs")" ]; }
ends_under () {     # ends_under LADDER EVENT: a job that ends unseen, once EVENT is there
    local dir
    run_job "$key" --reservation 48M --limit 48M --reserve 64M --on-oom "$1" -- \
        bash -c "trap : USR1; '$TOUCHMEM' --size 80M --stop-file '$TMP/$key.stop'; exit 0"
    run=$!
    ok "$1: its OOM is handled" wait_for 20 has "$2"
    memory=$(last_state "$key" memory) freezer=$(last_state "$key" freezer)
    warden_unguarded
    kill -STOP "$WARDEN_PID"
    kill -9 $run; wait $run 2>/dev/null
    case $1 in hold* | slow*) for f in "$freezer/freezer.state" "$memory/cgroup.freeze"; do
        [ ! -e "$f" ] || case $f in *.state) echo THAWED ;; *) echo 0 ;; esac >"$f"
    done; xargs -r kill -9 <"$memory/cgroup.procs" 2>/dev/null ;; esac
    touch "$TMP/$key.stop"
    wait_for 20 empty
    for dir in "$memory" "$freezer"; do [ ! -d "$dir" ] || rmdir "$dir"; done
    kill -CONT "$WARDEN_PID"
    ok 'it ends by itself: that is on record' wait_for 20 has released
    unlike 'and nothing has failed' "$(journal_events "$key") $(mw why "$key")" \
        'failed|has been removed'
    like 'its incident is over' "$(journal_events "$key")" 'resolved'
}
key=signal$$ ends_under 'signal=USR1@600s,kill' lent
key=hold$$ ends_under 'hold@600s,kill' held
key=slow$$ ends_under 'slow@600s,kill' step:slow
key=enomem$$ ends_under 'enomem@600s,kill' step:enomem
done_testing
