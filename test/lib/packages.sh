# packages.sh - packages of this tree, made once and kept in $MW_BUILD/packages until the
# tree changes.  Source after tap.sh.
#
#   packages deb|rpm      they are in the directory $PACKAGES, or the test ends.  What is
#                         only looked at, and run for a minute, is compiled without
#                         optimizing.

_packages_tree () {     # what would be packed, by names, sizes and times
    (cd "$MW_SRC" && find COPYING NEWS README.md HACKING.md configure.ac ./*.am m4 lib handler plugin \
        etc contrib doc -type f -printf '%p %s %T@\n' | sort | sha256sum)
}

_packages_here () {
    PACKAGES=$MW_BUILD/packages/$1
    [ "$(cat "$PACKAGES/tree" 2>/dev/null)" = "$(_packages_tree)" ]
}

packages () {
    local options=() made=yes
    [ "$1" != rpm ] ||
        options=(-- --nocheck --define '_smp_mflags -j2' --define 'optflags -O0')
    mkdir -p "$MW_BUILD/packages"
    exec 8>"$MW_BUILD/packages/$1.lock"
    flock 8
    if ! _packages_here "$1"; then
        rm -rf "$PACKAGES"
        # what rpm keeps at home is no admin's
        DEB_BUILD_OPTIONS='nocheck noopt noautodbgsym parallel=2' HOME=$TMP nice -n 19 \
            "$MW_SRC/contrib/make-$1" --build "$MW_BUILD" --out "$PACKAGES" "${options[@]}" \
            >"$TMP/packages.log" 2>&1 8>&- && _packages_tree >"$PACKAGES/tree" || made=
    fi
    exec 8>&-
    [ -n "$made" ] || sed 's/^/# /' "$TMP/packages.log"
    must "contrib/make-$1 makes them" [ -n "$made" ]
}
