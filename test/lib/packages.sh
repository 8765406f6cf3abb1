# packages.sh - packages of this tree, made once and kept in $MW_BUILD/packages until the
# tree changes; those of another release by test/build, there.  Source after tap.sh.
#
#   packages deb|rpm      they are in the directory $PACKAGES, or the test ends.  What is
#                         only looked at, and run for a minute, is compiled without
#                         optimizing.
#   packages_installed    in a VM: by apt-get

_packages_tree () {     # what would be packed, by names, sizes and times (6.1's hostfs
                        # has whole seconds)
    (cd "$MW_SRC" && find COPYING NEWS README.md HACKING.md configure.ac ./*.am m4 lib handler plugin \
        etc contrib doc -type f -printf '%p %s %Ts\n' | sort | sha256sum)
}

_packages_here () {
    PACKAGES=$MW_BUILD/packages/$1
    [ "$(cat "$PACKAGES/tree" 2>/dev/null)" = "$(_packages_tree)" ]
}

# In the image of a release, whose tree, as make-deb has it, is $MW_BUILD: its .debs, of
# what is compiled there for all else, too
_packages_made () {
    rm -rf "$MW_BUILD/packages"
    mkdir -p "$MW_BUILD/packages/deb" && cd "$MW_BUILD" && rm -f ../*.deb &&
        DEB_BUILD_OPTIONS="nocheck noopt noautodbgsym parallel=$(nproc)" DEB_CFLAGS_STRIP=-g \
            DEB_CONFIGURE_EXTRA_FLAGS=--enable-werror \
            dpkg-buildpackage --ignore-builtin-builddeps -us -uc -b -nc &&
        mv ../*.deb packages/deb && _packages_tree >packages/deb/tree
}

packages () {
    local options=() made=yes
    [ "$1" != rpm ] ||
        options=(-- --nocheck --define '_smp_mflags -j2' --define 'optflags -O0')
    mkdir -p "$MW_BUILD/packages"
    exec 8>"$MW_BUILD/packages/$1.lock"
    flock 8
    if [ -n "${MW_IN_VM:-}" ]; then     # where that would take ten minutes
        _packages_here "$1" || {
            made=
            echo 'not of this tree: the host makes them (test/vm/test; test/build release NAME)' >"$TMP/packages.log"
        }
    elif ! _packages_here "$1"; then
        rm -rf "$PACKAGES"
        # what rpm keeps at home is no admin's
        DEB_BUILD_OPTIONS='nocheck noopt noautodbgsym parallel=2' HOME=$TMP nice -n 19 \
            "$MW_SRC/contrib/make-$1" --build "$MW_BUILD" --out "$PACKAGES" "${options[@]}" \
            >"$TMP/packages.log" 2>&1 8>&- && _packages_tree >"$PACKAGES/tree" || made=
    fi
    exec 8>&-
    [ -n "$made" ] || sed 's/^/# /' "$TMP/packages.log"
    must "there are packages by contrib/make-$1" [ -n "$made" ]
}

# packages_installed: all of them, by apt-get, in the VM; then warden.sh and cluster.sh
# take what is installed.  Before these are sourced.
packages_installed () {
    local triggers=()
    packages deb
    # with the host's files in a VM, what others do when files have come (mandb, ldconfig)
    # opens more of them than that may
    [[ ${MW_VARIANT:-} != @(6.*|newest-*) ]] || triggers=(-o DPkg::NoTriggers=true -o DPkg::ConfigurePending=false)
    must 'apt-get installs them' env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        "${triggers[@]}" -o Dpkg::Options::=--force-unsafe-io install "$PACKAGES"/*.deb
    # shellcheck disable=SC2034
    MW_SBIN=/usr/sbin MW_BIN=/usr/bin MW_PLUGINS=
}
