# man_pages.t - every man page is clean, and every option is in its page.
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
command -v mandoc >/dev/null || skip_all 'no mandoc: apt-get install mandoc'
doc=$MW_SRC/doc

for page in "$doc"/*.[1-8]; do
    is "$(basename "$page") is clean" "$(mandoc -Tlint -W warning "$page" 2>&1)" ''
done

# text PAGE: as it is read, without overstrikes, on one line
text () { mandoc -Tascii "$doc/$1" | col -b | tr -s ' \n' ' '; }

# missing PAGE WORD…: the words that are not in the page
missing () {
    local page w; page=$(text "$1"); shift
    for w; do grep -Fqw -- "$w" <<<"$page" || echo "$w"; done
}
flags () { grep -oE -- '--[a-z][a-z-]+' | sort -u; }

# the options as the code has them, not as somebody has listed them
options=$(sed -n 's/^ *{ "[a-z]*", "\([a-z-]*\)", _set_.*/\1/p' "$MW_SRC/handler/conf/option.c" | sort -u)
ok 'the options are found' [ "$(wc -w <<<"$options")" -ge 30 ]
# shellcheck disable=SC2086
is 'memwarden.conf(5) has every option' "$(missing memwarden.conf.5 $options)" ''
# shellcheck disable=SC2086
is 'so has the example file' "$(for o in $options; do
    grep -Eq "(^|[#[:space:]])$o +=" "$MW_SRC/etc/memwarden.conf" || echo "$o"; done)" ''

for program in memwardend memwarden-courier; do
    help=$("$MW_BUILD/handler/$program" --help 2>&1 | flags)
    ok "$program --help has flags" [ -n "$help" ]
    # shellcheck disable=SC2086
    is "$program(8) has every flag" "$(missing $program.8 $help)" ''
done
help=$("$MW_BUILD/handler/memwarden" --help 2>&1)
commands=$(sed -n 's/^  \([a-z]\{2,\}\)\b.*/\1/p' <<<"$help" | sort -u)
ok 'memwarden --help has commands' [ -n "$commands" ]
# shellcheck disable=SC2086
is 'memwarden(1) has every command' "$(missing memwarden.1 $commands)" ''
for c in $commands; do
    # shellcheck disable=SC2046
    is "memwarden(1) has every flag of $c" \
        "$(missing memwarden.1 $("$MW_BUILD/handler/memwarden" "$c" --help 2>&1 | flags))" ''
done

steps=$(sed -n 's/^ *\[MW_STEP_[A-Z]*\] = { *"\([a-z]*\)".*/\1/p; s/^ *{ *"\([a-z]*\)", MW_ARG_.*/\1/p' "$MW_SRC/lib/ladder.c")
ok 'the steps are found' [ "$(wc -w <<<"$steps")" -eq 10 ]
# shellcheck disable=SC2086
is 'memwarden-ladder(7) has every step' "$(missing memwarden-ladder.7 $steps)" ''
# shellcheck disable=SC2046
is 'spank_memwarden(8) has every flag and argument' "$(missing spank_memwarden.8 \
    --oom-priority --mem-burst --oom-reserve --on-oom max_priority max_burst required socket)" ''
done_testing
