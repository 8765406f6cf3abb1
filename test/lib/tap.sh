# tap.sh - for test/integration/*.t: TAP, clean-up, waiting.  Source it first.
#
# A test says in its head which machines it is for, as test/run reads it:
#   # runs: v1 v2          cgroup versions and kinds of VM in which it can run (v1:
#                          on this machine, too; "native": there alone)
#   # in-vm: 6.12-v2       VMs (test/vm/test) in which it is a part of the whole
#   # packages: deb        made (packages.sh) before the VM is there
#   # memory: 1G           of such a VM; default 2G
#   # vm-only              the node itself is to run out: never on this machine
#   # alone                beside no other test
#   # takes: 90 s          here; what is long is begun first
# It gets MW_SRC (source tree), MW_BUILD (build tree), and TMP (a private
# directory, removed at its end).  Whatever it starts it stops in at_exit.

set -u
MW_SRC=${MW_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
MW_BUILD=${MW_BUILD:-$MW_SRC}
export MW_SRC MW_BUILD
TMP=$(mktemp -d "${TMPDIR:-/tmp}/mwt.XXXXXX")
chmod 755 "$TMP"
_n=0 _bad=0 _at_exit=() _at_failure=()

# at_exit COMMAND: run it at the end, also after a failure; last one first
at_exit () { _at_exit=("$1" "${_at_exit[@]}"); }

# at_failure COMMAND: if the test fails, run it before anything is cleaned up, in
# a directory below $MW_LOGS where it may leave what explains the failure
at_failure () { _at_failure+=("$1"); }

_explain () {
    local c dir
    dir=${MW_LOGS:-}/failed.$(basename "$0" .t)
    [ ${#_at_failure[@]} -gt 0 ] && [ -d "${MW_LOGS:-}" ] &&
        mkdir -p "$dir" || return 0
    for c in "${_at_failure[@]}"; do
        (cd "$dir" && eval "$c") >>"$dir/said" 2>&1
    done
    echo "# what explains it: $dir"
}

_finish () {
    local c rc=$?
    trap - EXIT INT TERM
    [ "$_bad" -eq 0 ] && [ "$_planned" = yes ] || _explain
    for c in "${_at_exit[@]}"; do eval "$c" >>"$TMP/at_exit.log" 2>&1; done
    if [ "$_bad" -gt 0 ] && [ -n "${MW_KEEP:-}" ]; then
        echo "# kept: $TMP"
    else
        rm -rf "$TMP"
    fi
    if [ "$_planned" != yes ]; then
        echo "not ok $((_n + 1)) - the test ran to its end"
        echo "1..$((_n + 1))"
        exit 1
    fi
    [ "$_bad" -eq 0 ] || [ "$rc" -ne 0 ] || rc=1
    exit "$rc"
}
_planned=no
trap _finish EXIT
trap 'exit 130' INT TERM

pass () { _n=$((_n + 1)); echo "ok $_n - $1"; }
fail () {
    _n=$((_n + 1)); _bad=$((_bad + 1)); echo "not ok $_n - $1"
    shift; [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}
# ok NAME COMMAND…: the command succeeds
ok () { local name=$1 out; shift
    if out=$("$@" 2>&1); then pass "$name"; else fail "$name" "$* failed: $out"; fi; }
# must NAME COMMAND…: so does ok, but without it the rest would wait in vain
must () { local before=$_bad; ok "$@"; [ "$_bad" -eq "$before" ] || { done_testing; exit 1; }; }
# is NAME GOT WANT
is () { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:  $2" "want: $3"; fi; }
# like NAME TEXT ERE
like () { if grep -Eq -- "$3" <<<"$2"; then pass "$1"; else fail "$1" "got: $2" "want match: $3"; fi; }
unlike () { if grep -Eq -- "$3" <<<"$2"; then fail "$1" "got: $2" "no match wanted: $3"; else pass "$1"; fi; }
# skip NAME REASON
skip () { _n=$((_n + 1)); echo "ok $_n - $1 # SKIP $2"; }
# skip_all REASON: the whole file
skip_all () { echo "1..0 # SKIP $1"; _planned=yes; exit 0; }
# done_testing: last line of every test
done_testing () { _planned=yes; echo "1..$_n"; }

. "$MW_SRC/test/lib/wait.sh"

# wait_end SECONDS PID: like wait, with wait_for's patience; then 124
wait_end () {
    wait_for "$1" _ended "$2" || return 124
    wait "$2"
}
_ended () { [ ! -d "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }
