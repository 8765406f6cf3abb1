# soak_jobs.sh - the jobs and events of test/soak's plan
#
#   soak_job K KIND LADDER ARG   submit it; waits while $SOAK_AT_ONCE are there
#   soak_event WHAT K            let it happen; K is the number of a job
#   soak_over ID                 has Slurm done with it?
#
# What the checks ask for: id[K] kind[K] ladder[K] arg[K] end[K] (an ERE: what the
# ladder allows, and what was done to the job from outside), outside[K] (those
# events), want[K] (an innocent's sum); live (numbers K).

# shellcheck disable=SC2034    # for the checks
declare -A id=() kind=() ladder=() arg=() end=() outside=() want=()
live=() soak_jobs=0 soak_events=0

# the state of each of the array's tasks, or of the job, a line each; fails where
# the controller does not say
soak_states () {
    scontrol show job -o "$1" 2>/dev/null |
        sed -n 's/.* JobState=\([A-Z_]*\) .*/\1/p' | grep .
}
_running='^(PENDING|RUNNING|SUSPENDED|COMPLETING|CONFIGURING|REQUEUED|SPECIAL_EXIT)'
soak_over () {
    local states
    states=$(soak_states "$1") && ! grep -Eq "$_running" <<<"$states"
}

# Without its controller slurmd cannot confirm a launch: Slurm holds the job then
_release_unlaunched () {
    local k
    for k in "${live[@]}"; do
        [[ ${outside[$k]} != *slurm* ]] ||
            ! scontrol show job "${id[$k]}" 2>/dev/null | grep -q launch_failed_requeued_held ||
            scontrol release "${id[$k]}" 2>/dev/null
    done
}

# A suspend that a slurmd did not read, in the middle of its end, is sent again by the
# controller 10 s later, without the run's number: it may stop the next run, which is
# RUNNING at Slurm until its time is over (Slurm 22.05 alone: 4 of 6 jobs that were
# suspended 0.3 s behind SIGTERM to slurmd, and requeued).  An admin's suspend and resume
# helps.  Only where the warden has done nothing to this run.
_is_frozen () {     # KEY
    local cg
    cg=$(_cluster_cgroups)
    # shellcheck disable=SC2086
    [ -n "$cg" ] && find $cg -path "*/job_$1/step_*" \
        \( -name freezer.state -o -name cgroup.freeze \) -exec cat {} + 2>/dev/null |
        grep -q 'FROZEN\|^1'
}
_is_strayed () {    # KEY
    local job
    job=$(scontrol show job -o "$1" 2>/dev/null | grep "^JobId=$1 ")
    [[ $job == *' JobState=RUNNING '* && $job != *' Restarts=0 '* ]] &&
        _is_frozen "$1" && [[ $(_events_of "$1") =~ registered\ (adopted\ |note\ )*$ ]]
}
_resume_strayed () {
    local k key
    for k in "${live[@]}"; do
        [[ ${outside[$k]} == *slurm* ]] || continue
        for key in $(_keys "$k"); do
            _is_strayed "$key" || continue
            say "job $k ($key): stopped by the suspend of its run before"
            scontrol suspend "$key" && sleep 3
            scontrol resume "$key"
        done
    done
}

_few_live () {
    local k still=()
    for k in "${live[@]}"; do
        soak_over "${id[$k]}" || still+=("$k")
    done
    live=("${still[@]}")
    soak_look
    [ ${#live[@]} -lt "$SOAK_AT_ONCE" ]
}

# A run that follows a requeue only says so: one OOM a job.
_again='[ -z "$SLURM_RESTART_COUNT" ] || { echo again; exit 0; }'

_script () {        # K KIND ARG; an innocent's ARG is its seconds
    local t=$CLUSTER_BIN/touchmem
    echo '#!/bin/sh'
    case $2 in
        innocent) echo "exec $CLUSTER_BIN/memsum 16 $3 $1" ;;
        *) echo "$_again" ;;
    esac
    case $2 in
        hog|array) echo "exec $t --size 70M --stay 1" ;;
        grower) echo "exec $t --size 44M --rate 20M --pieces --stay 1" ;;
        forks) echo "exec $t --size 12M --children 4 --stay 20" ;;
        saver) echo "exec $t --size 70M --rate 30M --checkpoint ck.\$SLURM_JOB_ID" ;;
        steps) echo "srun -n1 --overlap $CLUSTER_BIN/memsum 4 1 $1 || exit"
               echo "srun -n1 --overlap $CLUSTER_BIN/memsum 4 30 $1 &"
               echo "srun -n1 --overlap $t --size 70M --stay 1"
               echo 'wait' ;;
    esac
}

soak_job () {
    local k=$1 more=()
    kind[$k]=$2 ladder[$k]=$3 arg[$k]=$4 outside[$k]=
    end[$k]=$(ends_of "$2" "$3")
    if [ "$2" = innocent ]; then
        want[$k]=$("$MW_BUILD/test/bin/memsum" 16 0 "$k" | cut -d' ' -f2)
    fi
    [ "$2" != array ] || more+=(--array=1-2)
    wait_for 300 _few_live || violation "no job comes to its end: ${live[*]}"
    # the controller may be busy
    for _ in 1 2 3; do
        id[$k]=$(_script "$k" "$2" "$4" | submit --requeue --open-mode=append -t 10 \
            --mem=32 -n1 --on-oom="$3" -J "soak$k" "${more[@]}" \
            2>>"$TMP/submit.err") && break
        sleep 1
    done
    [ -n "${id[$k]}" ] || violation "job $k is not taken: $(tail -n1 "$TMP/submit.err")"
    [ "$2" != array ] || id[$k]=${id[$k]%%_*}
    live+=("$k")
    soak_jobs=$((soak_jobs + 1))
}

_touched () {       # WHAT [K]: this job, or all that live
    local k
    for k in ${2:-"${live[@]}"}; do outside[$k]+="$1 "; done
}
_allow () { end[$1]+="|$2"; }

_courier_kill9 () {
    kill -9 "$COURIER_PID"; wait "$COURIER_PID"
} 2>/dev/null

_courier_again () { cluster_courier_start || violation 'a new courier is not ready'; }

# as ExecStopPost= and Restart= of its unit
_warden_again () {
    mw failsafe --state-dir "$WARDEN_STATE" >>"$TMP/failsafe.log" 2>&1 ||
        violation "failsafe: $(tail -n1 "$TMP/failsafe.log")"
    warden_start || violation 'a new warden does not come up'
}

soak_event () {
    local j=${id[$2]}
    soak_events=$((soak_events + 1))
    say "$1 (job $2, $j)"
    case $1 in
        # one that has ended meanwhile is run again as well: Slurm's own rule
        requeue) _touched "$1" "$2"
            case " ${live[*]} " in *" $2 "*) ;; *) live+=("$2") ;; esac
            _allow "$2" COMPLETED
            scontrol requeue "$j" >/dev/null 2>&1 ;;
        scancel) _touched "$1" "$2"; _allow "$2" 'CANCELLED.*'
            scancel "$j" 2>/dev/null ;;
        suspend) _touched "$1" "$2"
            if scontrol suspend "$j" 2>/dev/null; then
                sleep 2
                scontrol resume "$j" 2>/dev/null
            fi ;;
        reconfigure) scontrol reconfigure ;;
        warden) _touched "$1"; warden_kill9; _warden_again ;;
        courier) _touched "$1"; _courier_kill9; _courier_again ;;
        both) _touched warden; _touched courier; warden_kill9
            _courier_kill9; _warden_again; _courier_again ;;
        slurmctld) _touched "$1"; slurmctld_stop; sleep 3
            slurmctld_start || violation 'slurmctld does not come back' ;;
        # not -9: that loses the launches it has begun, with Slurm alone, too
        slurmd) _touched "$1"; slurmd_restart || violation 'a new slurmd does not start' ;;
    esac
    # without the courier or the controller nobody tells Slurm that it was an OOM
    case $1 in courier|both|slurmctld|slurmd|warden)
        local k
        for k in "${live[@]}"; do
            [ "${kind[$k]}" = innocent ] || _allow "$k" FAILED
        done
    esac
}
