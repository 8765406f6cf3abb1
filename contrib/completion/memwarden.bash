# memwarden.bash - bash's completion of memwarden(1)
#
# Commands, options and what each takes are read from the program's own --help, so that
# they are those of the memwarden that is typed; jobs are those that it lists.
# shellcheck shell=bash

# _memwarden_value HELP OPTION: the word that stands for OPTION's value, "" = it has none
_memwarden_value () {
    sed -n "s/^  $2 \([A-Za-z]\{1,\}\) .*/\1/p" <<<"$1"
}

# _memwarden_jobs PROGRAM [OPTION]…: nothing where no warden answers at once
_memwarden_jobs () {
    local program=$1; shift
    timeout 2 "$program" jobs --json "$@" 2>/dev/null |
        grep -o '"key":"[^"\\]*"' | cut -d '"' -f 4
}

# _memwarden_offer HOW…: what compgen has that begins with $cur
_memwarden_offer () {
    mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}

# _memwarden_offer_words: those of stdin that begin with $cur.  Not by compgen -W, which
# would expand what is in them; a job's name is somebody else's.
_memwarden_offer_words () {
    local word
    while read -r word; do
        [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
    done
}

# _memwarden_offer_command INDEX: the words from there on are a command of their own
_memwarden_offer_command () {
    local complete
    for complete in _comp_command_offset _command_offset; do
        ! declare -F $complete >/dev/null || { $complete "$1"; return; }
    done
    compopt -o filenames
    if [ "$COMP_CWORD" -eq "$1" ]; then _memwarden_offer -c; else _memwarden_offer -f; fi
}

_memwarden () {
    local program=${1/#\~/$HOME} cur=$2
    local command='' help usage='' option='' value='' to=() arguments=0 i word
    COMPREPLY=()
    [ "$cur" != = ] || cur=''           # of --option=, which is two words
    help=$("$program" --help 2>/dev/null)
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$value" ]; then
            [ "$word" != = ] || continue
            case $option in --socket | --state-dir) to+=("$option" "$word") ;; esac
            value=''
            continue
        fi
        case $word in
            --) [[ $usage != *COMMAND* ]] || _memwarden_offer_command $((i + 1)); return ;;
            --*) option=$word value=$(_memwarden_value "$help" "$word") ;;
            -*) ;;
            *)
                if [[ -n $command && $usage == *COMMAND* ]]; then
                    _memwarden_offer_command "$i"
                    return
                elif [ -n "$command" ]; then
                    arguments=$((arguments + 1))
                else
                    command=$word
                    help=$("$program" "$command" --help 2>/dev/null)
                    # what it takes beside options, e.g. "JOB" or "[FILE|-]"
                    usage=$(sed -n '1{s/^Usage: memwarden [a-z]*//; s/\[--[^]]*\]//g; p}' <<<"$help")
                fi ;;
        esac
    done
    if [ -z "$value" ]; then
        case $cur in
            -*) value=OPTION ;;
            *) case $command:$arguments:$usage in
                :*) value=COMMAND ;;
                *:0:*JOB*) value=JOB ;;
                *:0:*FILE* | *:*FILE…*) value=FILE ;;
                *:0:*COMMAND*) _memwarden_offer_command "$COMP_CWORD"; return ;;
            esac ;;
        esac
        option=''
    fi
    case $option:$value in
        *:OPTION) _memwarden_offer_words < <(
            sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$help") ;;
        *:COMMAND) _memwarden_offer_words < <(sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p' <<<"$help") ;;
        *:JOB) _memwarden_offer_words < <(_memwarden_jobs "$program" "${to[@]}") ;;
        *:FILE | *:PATH) compopt -o filenames; _memwarden_offer -f ;;
        *:DIR) compopt -o filenames; _memwarden_offer -d ;;
        --user:NAME) _memwarden_offer -u ;;
    esac
}
complete -F _memwarden memwarden
