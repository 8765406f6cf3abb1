# wait.sh - until something is so that gives no event to wait on
#
#   wait_for SECONDS COMMAND…    until it succeeds.  SECONDS is what it may take where
#                                nothing else runs: it fails after three times as
#                                many, since eight tests do run, or MW_SLOW times
#                                where test/vm says that the machine is slow; a
#                                test's verdict must not depend on its speed

# what never says anything: a pause by it takes no process, which are dear in a VM
[ -n "${_silence:-}" ] || exec {_silence}<> <(:)

wait_for () {
    local _times=$((${MW_SLOW:-1} > 3 ? MW_SLOW : 3)) _end _began _us _pause
    _end=$((SECONDS + $1 * _times)); shift
    while :; do
        _began=${EPOCHREALTIME/[.,]/}
        "$@" >/dev/null 2>&1 && return
        [ $SECONDS -lt $_end ] || return 1
        # an eighth of the time goes to looking, since eight tests look at once; but
        # what is so for some seconds only must not be missed
        _us=$((7 * (${EPOCHREALTIME/[.,]/} - _began)))
        [ $_us -gt 50000 ] || _us=50000
        [ $_us -lt 1000000 ] || _us=1000000
        printf -v _pause '%d.%06d' $((_us / 1000000)) $((_us % 1000000))
        read -rt "$_pause" -u "$_silence"
    done
}
