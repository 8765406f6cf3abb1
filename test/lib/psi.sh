# psi.sh - tasks that stall, for real, on a node that says of itself what the test
# makes up.  Source after warden.sh; skips the test where there is no PSI.
#
#   psi_warden            a warden that finds $TMP/meminfo and $TMP/vmstat, which are
#                         there before, in the places of /proc's; reserve 100M
#   psi_reader            the job "reader", of high priority and within its
#                         reservation, stalls at its own limit until $TMP/stop is
#                         there; its pid in $reader
#   log ERE               has the warden logged that?
#   psi_goes_on [COMMAND…]   have tasks stalled in some windows more, since it was
#                         first asked?  For wait_for; with COMMAND before each look

head -c 1 /proc/pressure/memory >/dev/null 2>&1 || skip_all 'this kernel has no PSI'

psi_warden () {
    warden_sees "$TMP/meminfo" /proc/meminfo "$TMP/vmstat" /proc/vmstat
    warden_start 'node-reserve = "100M"
psi = "some 4ms/2s"
node-ladder = "kill"
courier { start = false }' || exit 1
}
psi_reader () {
    run_job reader --priority 900 --reservation 32M --limit 32M -- bash -c '
        dd if=/dev/zero of="$0/file" bs=1M count=96 status=none
        until [ -e "$0/stop" ]; do cat "$0/file" >/dev/null; done' "$TMP"
    # shellcheck disable=SC2034    # for the test
    reader=$!
}
log () { grep -Eq -- "$1" "$TMP/warden.log"; }
_psi_stalled () { awk '/^some/ { sub (".*=", ""); print }' /proc/pressure/memory; }
_psi_from= _psi_until=
psi_goes_on () {
    : "${_psi_from:=$(_psi_stalled)}"
    # what does not happen has to be given its time
    : "${_psi_until:=$((SECONDS + 10))}"
    [ $# -eq 0 ] || "$@"
    [ $SECONDS -ge "$_psi_until" ] && [ $(($(_psi_stalled) - _psi_from)) -gt 500000 ]
}
