# soak_checks.sh - the promises that test/soak holds memwarden to
#
#   soak_look                what must hold at any moment; fast
#   soak_checks              what must hold when all jobs of a round have ended:
#                            $soak_round are their numbers
#   soak_baseline            after a start: what warden and courier use
#
# Each calls violation TEXT, which does not return, where a promise is broken.

# shellcheck disable=SC2154    # soak_jobs.sh and test/soak have them
soak_ooms=0

# ---- at any moment ----
_look_nodes () {
    local states
    states=$(scontrol show node -o 2>/dev/null | sed -n 's/.* State=\([^ ]*\).*/\1/p')
    ! grep -Eq 'DRAIN|DOWN|FAIL' <<<"$states" ||
        violation "a node is $states: $(scontrol show node | grep -o 'Reason=.*')"
}

# only what is new since the last look; a record is written whole or not at all
_journal_at=0 _journal_inode=
_look_journal () {
    local f=$WARDEN_STATE/journal.jsonl size inode
    read -r size inode < <(stat -c '%s %i' "$f") || return 0
    [ "$inode" = "$_journal_inode" ] || _journal_at=0
    _journal_inode=$inode
    [ "$size" -gt "$_journal_at" ] || return 0
    tail -c "+$((_journal_at + 1))" "$f" | head -c $((size - _journal_at)) |
        jq -es 'all(has("event") and has("seq"))' >/dev/null 2>&1 ||
        violation "the journal cannot be read from byte $_journal_at to $size"
    _journal_at=$size
    mw events >/dev/null 2>"$TMP/events.err" ||
        violation "memwarden events: $(cat "$TMP/events.err")"
}

# [ms] by the clock of the node's uptime.  Time to look at it is given to the
# courier; what has no time is to be made good, but not while nobody can.
_spool_slack=$((20000 * ${MW_SLOW:-1}))
_look_spool () {
    local f now until
    now=$(awk '{ printf "%d", $1 * 1000 }' /proc/uptime)
    for f in "$WARDEN_STATE"/spool/req/*; do
        until=$(jq -r '.not_after_ms // 0' "$f" 2>/dev/null) || continue
        [ "${until:-0}" -eq 0 ] || [ "$now" -lt $((until + _spool_slack)) ] ||
            violation "$(basename "$f") is in the spool $((now - until)) ms over its time"
    done
}

# an innocent is never held, and never has an OOM
_look_innocents () {
    local k
    for k in "${live[@]}"; do
        [ "${kind[$k]}" = innocent ] || continue
        ! grep -Eq "\"event\":\"(detected|step|held|kernel-kill)\".*\"job\":\"${id[$k]}\"" \
            "$WARDEN_STATE/journal.jsonl" ||
            violation "an innocent, job $k (${id[$k]}), was not let alone"
    done
}

_looked=0
soak_look () {
    [ $((SECONDS - _looked)) -ge 2 ] || return 0
    _looked=$SECONDS
    _look_nodes; _look_journal; _look_spool; _look_innocents
    _release_unlaunched
    _resume_strayed
}

# ---- warden and courier ----
_uses () { echo "$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status") $(ls "/proc/$1/fd" | wc -l)"; }
soak_baseline () { _base=$WARDEN_PID,$COURIER_PID _base_w= _base_c=; }
_flat () {          # NAME PID BASE: KiB and descriptors
    local rss fds
    read -r rss fds < <(_uses "$2")
    [ -n "$rss" ] || violation "the $1 has died"
    [ "$rss" -le $((${3% *} + 4096)) ] || violation "the $1 grew from ${3% *} to $rss KiB"
    [ "$fds" -le $((${3#* } + 2)) ] ||
        violation "the $1 had ${3#* } descriptors, now $fds: $(ls -l "/proc/$2/fd")"
}
# the first round with these processes is what later ones are measured by
_check_flat () {
    [ "$_base" = "$WARDEN_PID,$COURIER_PID" ] || soak_baseline
    if [ -z "$_base_w" ]; then
        _base_w=$(_uses "$WARDEN_PID") _base_c=$(_uses "$COURIER_PID")
    fi
    _flat warden "$WARDEN_PID" "$_base_w"
    _flat courier "$COURIER_PID" "$_base_c"
}

# ---- when a round's jobs have ended ----
_job_dirs () {
    local cg
    cg=$(_cluster_cgroups)
    # shellcheck disable=SC2086
    [ -z "$cg" ] || find $cg -type d -name 'job_*' 2>/dev/null
}
_no_job_dirs () { [ -z "$(_job_dirs)" ]; }
_check_left () {
    local d f text=
    wait_for 60 _no_job_dirs && return
    for d in $(_job_dirs); do
        for f in "$d"/{freezer.state,cgroup.freeze,memory.oom_control,memory.high,memory.limit_in_bytes}; do
            [ ! -e "$f" ] || text+=" $f: $(tr '\n' ' ' <"$f");"
        done
    done
    # shellcheck disable=SC2046
    for f in $(find $(_job_dirs) -name cgroup.procs -exec cat {} +); do
        text+=" $(tr '\0' ' ' <"/proc/$f/cmdline"), pid $f, $(
            sed -n 's/^State:[[:space:]]*//p' "/proc/$f/status") in $(cat "/proc/$f/wchan");"
    done
    violation "left after their jobs:$text"
}

_check_innocent () {        # K
    local k=$1 out gap
    case ${outside[$k]} in *scancel*|*requeue*) return ;; esac
    out=$(cat "$CLUSTER_DIR/out/${id[$k]}.out")
    [[ $out == "sum ${want[$k]} "* ]] ||
        violation "an innocent, job $k (${id[$k]}), has '$out', its sum is ${want[$k]}"
    [ "$(job_field "${id[$k]}" ExitCode)" = 0:0 ] ||
        violation "an innocent, job $k (${id[$k]}), ended by $(job_field "${id[$k]}" ExitCode)"
    gap=${out##* }
    case ${outside[$k]} in *suspend*) return ;; esac
    [ "$gap" -le $((8000 * ${MW_SLOW:-1})) ] ||
        violation "an innocent, job $k (${id[$k]}), stood still for $gap ms"
}

# The keys under which the warden has job K: an array's are its tasks' own ids
_keys () {
    if [ "${kind[$1]}" = array ]; then
        scontrol show job -o "${id[$1]}" | sed -n 's/^JobId=\([0-9]*\) .*/\1/p'
    else
        echo "${id[$1]}"
    fi
}

# what happened to it: the events of the journal, and the older one if there is one
_events_of () {
    cat "$WARDEN_STATE"/journal.jsonl.1 "$WARDEN_STATE"/journal.jsonl 2>/dev/null |
        jq -r --arg k "$1" 'select(.job == $k) | .event + (if .step then ":" + .step else "" end)' |
        tr '\n' ' '
}
_comment_has () { scontrol show job "$1" | grep -Eq "Comment=.*$2"; }

# In its stderr, in the comment and in `why`, in order: that it reached its limit,
# and what was its end.  A job that was touched from outside may have had another.
_check_story () {           # K KEY
    local k=$1 key=$2 events err why end= n
    events=$(_events_of "$key")
    case " $events" in *' detected'*) ;; *) return ;; esac
    n=$(grep -o 'detected' <<<"$events" | wc -l)
    soak_ooms=$((soak_ooms + n))
    case " $events" in
        *' kernel-kill'*) [[ ${outside[$k]} == *warden* ]] ||
            violation "the kernel was first at job $k ($key): $events" ;;
    esac
    [ "$(grep -o 'resolved' <<<"$events" | wc -l)" -ge "$n" ] ||
        violation "job $k ($key): an OOM that is not resolved: $events"
    why=$(mw why "$key" 2>&1)
    [[ $why =~ reached\ its\ limit.*resolved ]] ||
        violation "job $k ($key): why is not complete: $why"
    # scancel and requeue may have ended it in the middle of it
    case ${outside[$k]} in *scancel*|*requeue*) return ;; esac
    # it was done before it could be killed
    [[ $why != *'its script has ended; what is left of it is killed'* ]] || return
    case " $events" in
        *' step:kill'*) end='to be killed' ;;
        *' step:requeue'*) end='to be requeued' ;;
        *) return ;;
    esac
    [[ $why =~ reached\ its\ limit.*$end.*resolved ]] ||
        violation "job $k ($key): why does not tell that it is $end: $why"
    case ${outside[$k]} in *warden*|*slurmd*) end+='|memwardend does not answer' ;; esac
    err=$(tr '\n' '~' <"$CLUSTER_DIR/out/$key.err")
    [[ $err =~ reached\ its\ limit.*($end) ]] ||
        violation "job $k ($key): not in its stderr: reached its limit, then $end: $err"
    [[ ${outside[$k]} == *warden* ]] || wait_for 60 _comment_has "$key" "($end)" ||
        violation "job $k ($key): not in its comment: $end: $(job_field "$key" Comment)"
}

# What no warden has answered the OOM of, having been killed before it or within it,
# ends as under Slurm alone, whose limit is twice as high (AllowedRAMSpace): two kinds
# find enough, and of a script whose step the kernel has killed Slurm says what the
# script returns.  Whom the kernel has killed within an OOM the next warden tells.
_allow_unwatched () {       # K
    local events key=${id[$1]}
    # on cgroup v2 Slurm's limit is a brake (memory.high), at which a job may stand
    # until its time is up; an array's first member has the id behind its last one's
    if [ ! -d /sys/fs/cgroup/memory ] && [[ ${outside[$1]} == *warden* ]]; then
        for key in "$key" $([ "${kind[$1]}" != array ] || echo $((key + 1))); do
            [[ $(_events_of "$key") == *detected* ]] || _allow "$1" TIMEOUT
        done
    fi
    case ${kind[$1]},${outside[$1]} in
        grower,*warden*|forks,*warden*|steps,*warden*) ;;
        *) return ;;
    esac
    events=$(_events_of "${id[$1]}")
    [[ $events == *detected* && ! $events =~ failsafe.*kernel-kill.*resolved ]] ||
        _allow "$1" COMPLETED
}

_check_end () {             # K
    local state
    _allow_unwatched "$1"
    for state in $(soak_states "${id[$1]}"); do
        [[ $state =~ ^(${end[$1]})$ ]] ||
            violation "job $1 (${id[$1]}), ${kind[$1]}, ${ladder[$1]}," \
                "is $state, not ${end[$1]}; ${outside[$1]:-nobody} did something to it"
    done
}

_round_over () {
    soak_look
    local k
    for k in "${soak_round[@]}"; do soak_over "${id[$k]}" || return 1; done
}
_spool_empty () { [ -z "$(ls "$WARDEN_STATE/spool/req")" ]; }

soak_checks () {
    local k key
    # an srun that waits for its step's resources hears nothing of a slurmctld that is
    # new, and asks again after minutes
    wait_for 600 _round_over || for k in "${soak_round[@]}"; do
        soak_over "${id[$k]}" || violation "job $k (${id[$k]}), ${kind[$k]}," \
            "${ladder[$k]}, does not end, it is" "$(soak_states "${id[$k]}" | tr '\n' ' ')"
    done
    live=()
    _check_left
    for k in "${soak_round[@]}"; do
        _check_end "$k"
        if [ "${kind[$k]}" = innocent ]; then _check_innocent "$k"; continue; fi
        for key in $(_keys "$k"); do _check_story "$k" "$key"; done
    done
    wait_for 90 _spool_empty ||
        violation "left in the spool: $(ls "$WARDEN_STATE/spool/req" | tr '\n' ' ')"
    _check_flat
    _looked=0
    soak_look
}
