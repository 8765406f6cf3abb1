# suite.sh - packages of another Debian than this machine's, by apt-get, which is changed
# in nothing.  Source it; nothing else is needed.
#
#   suite_mirror           where this machine has Debian from
#   suite_line SUITE DIR   the line of sources.list by which apt-get can read SUITE's
#                          lists, which are below DIR then: [trusted=yes] where this
#                          machine has no key for it, and that is said
#   suite_apt DIR COMMAND… apt-get, apt-cache with what suite_line has put into DIR
#
# A suite whose key this machine has not got yet is taken unsigned: it is for tests.

suite_mirror () {       # security and updates are no whole mirrors
    local from
    from=$(apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(CREATED_BY)' 2>/dev/null |
        sed -n 's/|Debian|Packages$//p' | grep -v security | head -n 1)
    echo "${from:-http://deb.debian.org/debian/}"
}

suite_apt () {
    local dir=$1 command=$2; shift 2
    "$command" -qq -o Dir::Etc::SourceList="$dir/sources.list" \
        -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$dir/lists" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$dir/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::Retries=2 "$@"
}

suite_line () {
    local from keyring=/usr/share/keyrings/debian-archive-keyring.gpg line
    from=$(suite_mirror)
    mkdir -p "$2/lists/partial" "$2/cache/archives/partial" || return 1
    if [ -r $keyring ]; then
        line="deb [signed-by=$keyring] $from $1 main"
        echo "$line" >"$2/sources.list"
        suite_apt "$2" apt-get update 2>"$2/said" && { echo "$line"; return; }
        grep -q NO_PUBKEY "$2/said" || { cat "$2/said" >&2; return 1; }
    fi
    echo "$1 is not verified: this machine lacks its key" >&2
    line="deb [trusted=yes] $from $1 main"
    echo "$line" >"$2/sources.list"
    suite_apt "$2" apt-get update >&2 && echo "$line"
}
