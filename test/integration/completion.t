# completion.t - bash completes every command, its options, the jobs that a warden has,
# and files; where no warden answers it offers no job and says nothing
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
completion=$MW_SRC/contrib/completion/memwarden.bash
mkdir "$TMP/bin"
ln -s "$MEMWARDEN" "$TMP/bin/memwarden"
PATH=$TMP/bin:$PATH
cd "$TMP" || exit 1

# offers WORD…: what TAB offers behind them, the last of which has been begun; parted as
# readline parts them, "=" by itself
# shellcheck disable=SC2016    # for the shell that completes
offers () {
    bash --norc -c '. "$1"; shift
        # there is no readline here, which alone can take it
        compopt () { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _memwarden "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        [ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' - "$completion" "$@" 2>&1 |
        sort | paste -sd ' '
}

# ---- as the program has them ------------------------------------------------------
commands=$(sed -n 's/^    { "\([a-z]*\)", .*/\1/p' "$MW_SRC/handler/cli/cli.c" | sort | paste -sd ' ')
ok 'the commands are found' [ "$(wc -w <<<"$commands")" -ge 13 ]
is 'every command' "$(offers memwarden '')" "$commands"
is 'one by its beginning' "$(offers memwarden repl)" replay
# what getopt_long takes, by the sources, but for the common ones
options () {
    awk -v want="$1" '
        /static const struct option/ { inside = 1 }
        inside { text = text $0 }
        /};/ { inside = 0 }
        END { while (match (text, /{ *"[a-z-]+"/)) {
            word = substr (text, RSTART, RLENGTH); text = substr (text, RSTART + RLENGTH)
            gsub (/[{ "]/, "", word); print "--" word } }' "$MW_SRC/handler/cli/$1.c" | sort -u
}
for c in run failsafe replay; do
    is "every option of $c" "$(offers memwarden $c --)" \
        "$({ options $c; printf -- '--%s\n' help json socket state-dir; } | sort -u | paste -sd ' ')"
done
for c in $commands; do
    like "$c has options" "$(offers memwarden "$c" --)" '(^| )--json( |$)'
done
is 'one by its beginning' "$(offers memwarden run --rese)" '--reservation --reserve'

# ---- files ------------------------------------------------------------------------
mkdir dir
touch 'kernel log' dir/kernel.log
is 'a log' "$(offers memwarden kmsg ker)" 'kernel log'
is 'and one more' "$(offers memwarden kmsg 'kernel log' dir/k)" dir/kernel.log
is 'a configuration' "$(offers memwarden replay --config di)" dir
is 'by = too' "$(offers memwarden replay --config = di)" dir
is 'a directory alone' "$(offers memwarden jobs --state-dir '')" 'bin dir'
is 'a user' "$(offers memwarden run --user roo)" root
like 'the command to run' "$(offers memwarden run --limit 64M -- touc)" '(^| )touch( |$)'
is 'and its files' "$(offers memwarden run --limit = 64M touch dir/)" dir/kernel.log
is 'nothing for what it cannot know' "$(offers memwarden run --reservation '')" ''

# ---- jobs -------------------------------------------------------------------------
is 'without a warden no job, and no word' "$(offers memwarden why '')" ''
warden_start
run_job one --reservation 32M --limit 32M -- sleep 300
at_exit "kill $!"
run_job two --reservation 32M --limit 32M -- sleep 300
at_exit "kill $!"
both () { [ "$(mw jobs --json | jq length)" = 2 ]; }
must 'a warden has two jobs' wait_for 20 both
jobs=$(mw jobs --json | jq -r '.[].key' | sort | paste -sd ' ')
for c in why hold resume set ps 'events --job'; do
    # shellcheck disable=SC2086    # with its option
    is "the jobs, for $c" "$(offers memwarden $c '')" "$jobs"
done
is 'one by its beginning' "$(offers memwarden hold tw)" two
is 'by = too' "$(offers memwarden events --job =)" "$jobs"
is 'one job is enough' "$(offers memwarden hold two '')" ''
is 'a warden that is named is asked' \
    "$(socket=$MEMWARDEN_SOCKET MEMWARDEN_SOCKET=/nowhere; export MEMWARDEN_SOCKET
        offers memwarden why --socket "$socket" t)" two

# ---- found by its name ------------------------------------------------------------
loader=/usr/share/bash-completion/bash_completion
if [ -e $loader ]; then
    mkdir -p "$TMP/share/completions"
    cp "$completion" "$TMP/share/completions/"
    # shellcheck disable=SC2016
    is 'bash-completion finds it, as it is installed' "$(BASH_COMPLETION_USER_DIR=$TMP/share \
        bash --norc -c '. "$1"; _completion_loader memwarden; complete -p memwarden' - $loader 2>&1)" \
        'complete -F _memwarden memwarden'
else
    skip 'bash-completion finds it, as it is installed' 'there is none (Debian: bash-completion)'
fi
done_testing
