#!/usr/bin/env bash
# terminals.t - where the admin wants that, a user whose job is held, at its limit or by
# somebody else, is told so at his terminals, those that utmp or systemd-logind have; not at
# another's, nor where he wants no messages; one that is stopped keeps nobody waiting.  No
# line of utmp leads elsewhere.  A user is told once in 30 s; of what he has done himself he
# is not, and by default nobody is of anything.
# runs: v1 v2
# takes: 20 s
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make cgroups'
install -m 755 "$TOUCHMEM" "$TMP/touchmem"
nobody=$(id -u nobody)
# this warden's /run is the test's own
mkdir -m 755 "$TMP/run"
warden_sees "$TMP/run" /run

# sessions NAME LOGIN…: terminals, of terminal_of.py; in the directory NAME
sessions () {
    local dir=$TMP/$1; shift
    mkdir -p "$dir"
    (cd "$dir" && exec python3 "$MW_SRC/test/lib/terminal_of.py" "$TMP/run/utmp" "$@" \
        >"$dir/said" 2>&1) &
    at_exit "kill $!"
    wait_for 20 grep -q ready "$dir/said" || fail 'there are terminals' "$(cat "$dir/said")"
}
held () { [ "$(job_shows "$1" '.held')" = true ]; }
as_nobody () { setpriv --reuid=nobody --regid=nogroup --clear-groups "$MEMWARDEN" "$@"; }
sleeper () {        # NAME: a job of nobody's that is not at its limit
    run_job "$1" --user nobody --reservation 16M -- sleep 1000
    at_exit "kill $!"
    shows () { [ "$(job_shows "$1" .key)" = "$1" ]; }
    ok "job $1 runs" wait_for 20 shows "$1"
}
at_limit () {       # NAME
    run_job "$1" --user nobody --reservation 40M --limit 40M --reserve 10M --on-oom 'hold@10m,kill' -- \
        "$TMP/touchmem" --size 100M
    ok "job $1 is held at its limit" wait_for 60 held "$1"
}
ends () { mw kill "$1"; wait "$2"; }

printf 'not to be written to\n' >"$TMP/victim"; chmod 666 "$TMP/victim"
chown nobody "$TMP/victim"
sessions of "$nobody:620:=../$TMP/victim" "$nobody:620:=kmsg" "$nobody:620:=pts/999999" \
    "$nobody:600:silent" "0:620:other" "$nobody:620!:stopped" "$nobody:620:told" \
    "$nobody:620:also" "$nobody:620:logind/elsewhere"

# ---- by default nobody is ----
warden_start 'courier { start = false }'
sleeper own
ok 'a job is held' mw hold own
ok 'and resumed' mw resume own
ok 'all of that is in the story' wait_for 20 journal_has own resolved
is 'by default nobody is told' "$(cat "$TMP/of/told" "$TMP/of/also")" ''

# ---- where the admin wants it ----
sed -i '1i tell-terminals = yes' "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
ok 'he wants it from now on' wait_for 20 grep -q 'configuration read again' "$TMP/warden.log"
at_limit limit
limit=$!
ok 'the user is told' wait_for 20 grep -q memwarden "$TMP/of/told"
like 'of what, and what to do' "$(cat "$TMP/of/told")" \
    'memwarden: job limit has reached its limit of 40.0 MiB and is held for 10m; to see more, and decide: memwarden look limit'
ok 'at each terminal of his' wait_for 20 grep -q memwarden "$TMP/of/also"
ok 'also where only logind knows it' wait_for 20 grep -q memwarden "$TMP/of/elsewhere"
is 'not where he wants no messages' "$(cat "$TMP/of/silent")" ''
is 'nor at one of another user' "$(cat "$TMP/of/other")" ''
is 'a stopped one does without' "$(cat "$TMP/of/stopped")" ''
is 'no line leads elsewhere' "$(cat "$TMP/victim")" 'not to be written to'
mw hold own
ok 'he is held once more' wait_for 20 held own
mw resume own
ok 'which is in the story' wait_for 20 test "$(journal_count own resolved)" = 2
is 'so soon he is not told again' "$(grep -c memwarden "$TMP/of/told")" 1
ends limit "$limit"

# ---- by whom ----
warden_restart      # who was told is not known any more
ok 'he holds his own job' as_nobody hold own
ok 'and resumes it' as_nobody resume own
ok 'root holds it' mw hold own
told_by () { grep -q 'job own is held by uid 0; to see more' "$TMP/of/told"; }
ok 'of which he is told' wait_for 20 told_by
is 'not of what he did himself' "$(grep -c memwarden "$TMP/of/told")" 2
like 'who it was is in why' "$(mw why own)" "hold asked for by uid $nobody"
mw resume own
done_testing
