#!/usr/bin/env bash
# runs: v1 native
# takes: 242 s
# The courier and both plugins compile without a warning, and link, against the
# Slurm of Debian 13 and of the Debian after it (test/lib/slurm_dev fetches it),
# and configure names the version that it found.
. "$(dirname "$0")/../lib/tap.sh"
[ "$(. /etc/os-release; echo "${ID:-}")" = debian ] ||
    skip_all 'other releases of Slurm are fetched from Debian, on Debian'

# build PREFIX: in the present directory.  The library is for a newer C library
# than this machine's, whose symbols it may miss here: it is built against, not
# run.
build () {
    "$MW_SRC/configure" --enable-werror --with-slurm="$1" CFLAGS='-g -O0' \
        LDFLAGS=-Wl,--allow-shlib-undefined >configure.log 2>&1 ||
        { tail -n 20 configure.log; return 1; }
    { make -j"$(nproc)" -C lib && make -j"$(nproc)" -C handler memwarden-courier &&
        make -j"$(nproc)" -C plugin; } >make.log 2>&1 ||
        { grep -E 'error|undefined' make.log | head -n 20; return 1; }
}

version () {        # PREFIX: "24.11.5", by the compiler's reading of the header
    printf '#include <slurm/slurm_version.h>\nint v = SLURM_VERSION_NUMBER;\n' |
        cc -E -P -x c -isystem "$1/include" - | tr -d '[:space:]' |
        sed -n 's/.*intv=\(.*\);$/\1\n/p' |
        { read -r v; printf '%d.%02d.%d' $((v >> 16 & 255)) $((v >> 8 & 255)) $((v & 255)); }
}

defines () { nm -D --defined-only "$1" | awk '{ print $3 }' | grep -E '^(plugin|spank_plugin)_' | paste -sd' '; }

for suite in trixie forky; do
    prefix=$("$MW_SRC/test/lib/slurm_dev" $suite 2>"$TMP/fetch") ||
        { fail "$suite: its Slurm is there" "$(cat "$TMP/fetch")"; continue; }
    mkdir "$TMP/$suite" && cd "$TMP/$suite" || exit 1
    slurm=$(version "$prefix")
    ok "$suite: it builds against Slurm $slurm" build "$prefix"
    is 'configure names that version' \
        "$(sed -n "s/^checking for Slurm's headers .*\.\.\. //p" configure.log)" "Slurm $slurm"
    is 'the courier is linked with its library' \
        "$(readelf -d handler/memwarden-courier | grep -o 'libslurm\.so\.[0-9]*')" \
        "$(readelf -d "$prefix"/lib/*/libslurm.so | sed -n 's/.*soname: \[\(.*\)\]/\1/p')"
    is 'task_memwarden.so is there' "$(defines plugin/.libs/task_memwarden.so)" \
        'plugin_name plugin_type plugin_version'
    is 'so is spank_memwarden.so' "$(defines plugin/.libs/spank_memwarden.so)" \
        'plugin_name plugin_type plugin_version spank_plugin_version'
done
done_testing
