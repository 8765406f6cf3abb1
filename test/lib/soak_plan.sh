# soak_plan.sh - what test/soak does, and in which order: by its seed alone
#
#   soak_plan SEED JOBS      prints a round after the other, for ever, a line each:
#       round N
#       job K KIND LADDER ARG    KIND: innocent hog grower forks steps array saver
#                                ARG: an innocent's seconds; else a number
#       event WHAT K             WHAT: see soak_event in soak_jobs.sh; K: a job that has been
#                                submitted in this round
#       pause MS
#   ends_of KIND LADDER      the states it may end in, as an ERE
#
# Does not look at the machine, so that a seed is the same plan everywhere.

# the admin's reserve and what the pool has to spare let a ladder's steps do
# something; each of them comes to its end in a few seconds
# shellcheck disable=SC2054    # the commas are a ladder's
_ladders=(kill suspend@3s,kill hold@2s,kill requeue,kill requeue=x1.5
          signal=USR1@2s,kill signal=USR1@3s,requeue=x1.5,kill
          signal=USR1:all@2s,kill grow=16M@3s,kill grow@6s,suspend@2s,kill
          slow=50@2s,kill enomem@2s,kill dump@2s,kill hold@1s,suspend@2s,requeue
          suspend@2s,signal=USR1@2s,requeue,kill reclaim,hold@2s,grow@5s,kill)
_kinds=(innocent hog innocent grower forks steps array saver hog)
_events=(scancel suspend requeue reconfigure warden courier both slurmctld
         slurmd suspend)

# _below N: the next random number below it, in $_r.  The upper bits of a linear
# congruence; the lower ones repeat soon.
_below () {
    _x=$(((_x * 1103515245 + 12345) & 0x7fffffff))
    _r=$(((_x >> 8) % $1))
}

soak_plan () {
    local _x=$1 _r jobs=$2 round k=0 first i kind ladder
    _below 2; _below 2
    for ((round = 1; ; round++)); do
        echo "round $round"
        first=$((k + 1))
        for ((i = 0; i < jobs; i++)); do
            k=$((k + 1))
            # each round has its innocent from the beginning
            _below ${#_kinds[@]}; kind=${_kinds[_r]}
            [ "$i" -gt 0 ] || kind=innocent
            _below ${#_ladders[@]}; ladder=${_ladders[_r]}
            _below 6
            echo "job $k $kind $ladder $((_r + 3))"
            _below 10
            echo "pause $((_r * 100))"
            _below 3
            [ "$_r" -eq 0 ] || continue
            _below ${#_events[@]}; kind=${_events[_r]}
            _below $((k - first + 1))
            echo "event $kind $((first + _r))"
        done
    done
}

# What the ladder itself allows; an array's or a step's end is the whole job's.
ends_of () {
    local ere
    [ "$1" != innocent ] || { echo COMPLETED; return; }
    ere=OUT_OF_MEMORY
    # lent enough; run again, which ends at once; has answered by its checkpoint
    case $2 in *grow*|*requeue*) ere+='|COMPLETED' ;; esac
    case $1,$2 in saver,*signal*) ere+='|COMPLETED' ;; esac
    # a malloc that fails is taken by the grower and nobody else
    case $2 in *enomem*) ere+='|COMPLETED|FAILED' ;; esac
    echo "$ere"
}
