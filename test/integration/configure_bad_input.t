# configure_bad_input.t - ./configure of a Slurm that is not as it should be says what to
# do: headers without libslurm, a version that is no number, a pre-release, a plugin
# directory that cannot be written, a second Slurm, no libcgroup as on RHEL 9
# runs: v1 native
# takes: 60 s
. "$(dirname "$0")/../lib/tap.sh"
include=/usr/include/slurm
[ -r $include/slurm_version.h ] || skip_all 'no headers of Slurm here (Debian: libslurm-dev)'
lib=$(ls -d /usr/lib/*/libslurm.so /usr/lib64/libslurm.so 2>/dev/null | head -n 1)
mkdir -p "$TMP/build" && cd "$TMP/build" || exit 1
# prefix NAME: a Slurm of its own, whose headers are copies
prefix () {
    mkdir -p "$TMP/$1/include" "$TMP/$1/lib/slurm" "$TMP/$1/bin"
    cp -r $include "$TMP/$1/include/"
}
# says ARG…: what is said last, without line breaks; the cache makes it quick
says () { nice -n 19 "$MW_SRC/configure" -C "$@" 2>&1 | tail -n 30 | tr -s ' \n' ' '; }

prefix headers
said=$(says --with-slurm="$TMP/headers")
like 'headers without libslurm: which is missing' "$said" \
    "error: missing: libslurm below $TMP/headers/lib, for the headers of Slurm [0-9.]+ that are in $TMP/headers/include"
like 'and where it is to be had' "$said" 'slurm and slurm-devel of one version, or --with-slurm=PREFIX'
prefix macro
sed -i 's/^#define SLURM_VERSION_NUMBER .*/#define SLURM_VERSION_NUMBER SLURM_VERSION_NUM(26,5,0)/' \
    "$TMP/macro/include/slurm/slurm_version.h"
like 'a version that is no number: where' "$(says --with-slurm="$TMP/macro")" \
    "missing: a number as SLURM_VERSION_NUMBER in $TMP/macro/include/slurm/slurm_version.h"
like 'no libcgroup: what RHEL 9 needs' "$(says ac_cv_header_libcgroup_h=no ac_cv_lib_cgroup_cgroup_init=no)" \
    'missing: libcgroup.h and libcgroup \(Debian: libcgroup-dev; RHEL 9 has none any more: build that of github'
rm -f config.cache

prefix pre
ln -s "$lib" "$TMP/pre/lib/libslurm.so"
version=$(sed -n 's/^S\["SLURM_VERSION"\]="\(.*\)"$/\1/p' "$MW_BUILD/config.status")
for p in pre headers; do
    # shellcheck disable=SC2016    # as it is written there
    printf '#!/bin/sh\necho "slurm %s-0rc1"\n' "$version" >"$TMP/$p/bin/scontrol"
    chmod 755 "$TMP/$p/bin/scontrol"
done
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    said=$(nice -n 19 unshare -m --propagation private sh -c 'mount --bind "$1/pre/lib/slurm" "$1/pre/lib/slurm" &&
        mount -o remount,bind,ro "$1/pre/lib/slurm" && PATH=$1/headers/bin:$PATH "$2/configure" \
        --with-slurm="$1/pre"' - "$TMP" "$MW_SRC" 2>&1 | tail -n 30 | tr -s ' \n' ' ')
    like 'a plugin directory that cannot be written: two ways' "$said" \
        "$TMP/pre/lib/slurm cannot be written here: .*DESTDIR=DIR; or .*PluginDir=DIR:$TMP/pre/lib/slurm"
else
    said=$(PATH=$TMP/headers/bin:$PATH says --with-slurm="$TMP/pre")
    skip 'a plugin directory that cannot be written' 'only root can mount'
fi
like 'a pre-release: its name, and when to build again' "$said" \
    "a pre-release, $version-0rc1: .* build memwarden again when you have the release"
like 'a second Slurm: how that one is named' "$said" \
    "two Slurm here: .*$TMP/pre, and the scontrol of PATH is that of $TMP/headers\..*--with-slurm=$TMP/headers"

printf '#!/bin/sh\necho slurm 21.08.1\n' >"$TMP/pre/bin/scontrol"
like 'headers of one and programs of another: which to install' \
    "$(PATH=$TMP/pre/bin:$PATH says --with-slurm="$TMP/pre")" \
    "headers in $TMP/pre/include are of Slurm $version, and its scontrol is of 21\.08\.1, which will not take"

# who builds packages hands it options; it takes any without a word
"$MW_SRC/configure" --help >"$TMP/help"
for f in spack/package.py memwarden.spec debian/rules; do
    unknown=$(grep -oE -- '--(with|without|enable|disable)-[a-z-]+' "$MW_SRC/contrib/$f" | sort -u |
        while read -r option; do
            grep -qE -- "--(with|without|enable|disable)-${option#--*-}([=[ ]|\$)" "$TMP/help" || echo "$option"
        done)
    is "contrib/$f: configure knows its options" "$unknown" ''
done
ok "Spack's recipe is Python" python3 -c 'import ast, sys; ast.parse (open (sys.argv[1]).read ())' \
    "$MW_SRC/contrib/spack/package.py"
done_testing
