# cli_options.t - the options of every command stand before it or behind it, and -h is
# --help; what is neither is refused with what is right
# runs: v1 native
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
says () { mw "$@" >"$TMP/out" 2>&1; echo $?; }
unset MEMWARDEN_SOCKET

is '-h: 0' "$(says -h)" 0
is 'is --help' "$(mw -h)" "$(mw --help)"
is 'so it is of a command' "$(mw jobs -h)" "$(mw jobs --help)"
is 'and of run, which has a command of its own' "$(mw run -h)" "$(mw run --help)"
is 'an option of none: 2' "$(says --explode jobs)" 2
mw --explode jobs >"$TMP/out" 2>&1
like 'it is named' "$(cat "$TMP/out")" 'unknown option "--explode"'
is 'no command: 2' "$(says --json)" 2
is 'no value: 2' "$(says --socket)" 2

for words in "--socket $TMP/a" "--socket=$TMP/a" "--json --socket $TMP/a" "--socket $TMP/a --json"; do
    # shellcheck disable=SC2086    # words
    is "$words before it: no warden, 5" "$(mw $words jobs >"$TMP/out" 2>&1; echo $?)" 5
    like 'where it was looked for' "$(cat "$TMP/out")" "there is no socket $TMP/a"
done
like '--json before it' "$(mw --json doctor --slurm="$TMP/none")" '^\[\{"item"'
is 'behind it, the same' "$(mw doctor --json --slurm="$TMP/none")" \
    "$(mw --json doctor --slurm="$TMP/none")"
done_testing
