#!/usr/bin/env bash
# runs: v1 native
# takes: 60 s
# What is recorded of Slurm's interface (test/data/slurm-api) is that of the Slurms that
# are at hand, and for those of which Debian has no package, 23.11, 25.05 and 25.11, the
# courier and both plugins are configured and compile without a warning by these facts
# alone; each finds the hooks of a task plugin that it looks for.
. "$(dirname "$0")/../lib/tap.sh"

# version PREFIX: "24.11"
version () {
    sed -n 's/^#define SLURM_VERSION_NUMBER *0x\(..\)\(..\)..$/\1 \2/p' \
        "$1/include/slurm/slurm_version.h" |
        { read -r major minor && printf '%d.%02d' $((16#$major)) $((16#$minor)); }
}
prefixes=(/usr)
if [ "$(. /etc/os-release; echo "${ID:-}")" = debian ]; then
    mapfile -t -O 1 prefixes < <("$MW_SRC/test/lib/slurm_dev" trixie forky 2>"$TMP/fetch")
    [ ${#prefixes[@]} -eq 3 ] ||
        fail "other releases' headers are there" "$(cat "$TMP/fetch")"
fi
for prefix in "${prefixes[@]}"; do
    release=$(version "$prefix")
    case " $("$MW_SRC/test/slurm-api" releases) " in
        *" $release "*) ok "$prefix is as recorded for $release" \
            "$MW_SRC/test/slurm-api" check "$release" "$prefix" ;;
        *) skip "$prefix is as recorded" "nothing is recorded of Slurm $release" ;;
    esac
done
said=$("$MW_SRC/test/slurm-api" check 26.05 /usr 2>&1)
like 'what differs is said' "$said" "slurm_load_job"

# What configure has found out of all but Slurm is not asked again
sed -n "s/^\(ac_cv_[a-z_A-Z0-9]*\|lt_cv_[a-z_A-Z0-9]*\|am_cv_[a-z_A-Z0-9]*\|pkg_cv_[a-z_A-Z0-9]*\)=/&/p" \
    "$MW_BUILD/config.log" | grep -vi 'slurm\|update_node\|ac_cv_env_' >"$TMP/cache"
build () {      # PREFIX, in the present directory
    cp "$TMP/cache" config.cache
    "$MW_SRC/configure" --cache-file=config.cache --enable-werror --with-slurm="$1" \
        CFLAGS='-O0' >configure.log 2>&1 || { tail -n 20 configure.log; return 1; }
    {
        make -C handler courier/memwarden_courier-{slurm,compat}.o &&
            make -C plugin spank_memwarden.lo task_memwarden.lo
    } >make.log 2>&1 || { grep error make.log || tail -n 20 make.log; return 1; }
}
for release in 23.11 25.05 25.11; do
    mkdir "$TMP/$release" && cd "$TMP/$release" || exit 1
    ok "$release: there are headers by the facts" \
        "$MW_SRC/test/slurm-api" stub "$release" "$TMP/$release/slurm"
    ok "$release: courier and plugins compile" build "$TMP/$release/slurm"
    is 'configure names that version' \
        "$(sed -n "s/^checking for Slurm's headers .*\.\.\. //p" configure.log)" "Slurm $release.0"
done
for release in $("$MW_SRC/test/slurm-api" releases); do
    ok "$release: task_memwarden.so has its hooks" \
        "$MW_SRC/test/slurm-api" hooks "$release" "$MW_BUILD/plugin/.libs/task_memwarden.so"
done
defines () { nm -D --defined-only "$1" | awk '{ print $3 }' | grep -E '^(plugin|spank_plugin)_' | paste -sd' '; }
is 'task_memwarden.so is what Slurm takes for one' \
    "$(defines "$MW_BUILD/plugin/.libs/task_memwarden.so")" 'plugin_name plugin_type plugin_version'
is 'so is spank_memwarden.so' "$(defines "$MW_BUILD/plugin/.libs/spank_memwarden.so")" \
    'plugin_name plugin_type plugin_version spank_plugin_version'
done_testing
