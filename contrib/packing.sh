# packing.sh - what contrib/make-deb and contrib/make-rpm share; sourced by them
# shellcheck shell=bash disable=SC2034
#
#   packing_options ARG…       their options, those behind -- in ${rest[@]}; $work is a
#                              directory for this run alone
#   packing_unpack             what `make dist` packs is in $tree, a directory in $work that
#                              is called memwarden-$version
#   packing_failed             show the end of $work/log, and end
#   packing_hand_over FILE…    to --out, and the packages' names to stdout
name=${0##*/}
src=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packing_die () { echo "$name: $*" >&2; exit 1; }

packing_options () {
    out=. build='' sources='' rest=()
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0"; exit 0 ;;
            --out | --build)
                [ $# -ge 2 ] || packing_die "$1 needs a directory, see --help"
                [ "$1" = --out ] && out=$2 || build=$2
                shift 2 ;;
            --sources)
                [ $# -ge 2 ] && [ "$name" = make-deb ] || packing_die "$1: see --help"
                sources=$2
                shift 2 ;;
            --) shift; rest=("$@"); break ;;
            *) packing_die "unknown option '$1', see --help" ;;
        esac
    done
    mkdir -p "$out" && out=$(cd "$out" && pwd) || packing_die "cannot make $out"
    work=$(mktemp -d "${TMPDIR:-/tmp}/mwpack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
}

packing_failed () {
    tail -n 30 "$work/log" >&2
    packing_die 'it failed, see above'
}

# In a build of its own the compiler is not run: `make dist` packs sources
packing_unpack () {
    if [ -z "$build" ]; then
        build=$work/build
        mkdir "$build"
        { [ -x "$src/configure" ] || "$src/autogen.sh"; } >"$work/log" 2>&1 &&
            (cd "$build" && "$src/configure") >>"$work/log" 2>&1 || packing_failed
    fi
    version=$("$build/config.status" --version | sed -n '1s/.* //p')
    tree=$work/memwarden-$version
    # a name of its own: others may run `make dist` there
    make -C "$build" distdir="${work##*/}" distdir >"$work/log" 2>&1 &&
        mv "$build/${work##*/}" "$tree" >>"$work/log" 2>&1 || packing_failed
}

packing_hand_over () {
    local f
    mv "$@" "$out" || packing_die "cannot write to $out"
    for f in "$@"; do
        case $f in *.deb | *.rpm) echo "$out/${f##*/}" ;; esac
    done
}
