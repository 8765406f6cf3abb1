# runs: v1 v2
# `top` draws each job with its bar, goes through more of them than there is room for,
# fits a narrow terminal, ends at q, and refuses what is no terminal.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
command -v script >/dev/null || skip_all "script(1) is not here"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
run_job "t$$" --reservation 64M --limit 128M -- sleep 1000
at_exit "kill $!"
there () { mw jobs | grep -q "t$$"; }
wait_for 20 there
mkfifo "$TMP/keys"
TERM=xterm COLUMNS=100 LINES=24 script -qefc "stty cols 100 rows 24; $MEMWARDEN top" "$TMP/screen" <"$TMP/keys" >/dev/null 2>&1 &
pid=$!
exec 7>"$TMP/keys"
drawn () { grep -q "t$$" "$TMP/screen"; }
wait_for 20 drawn
is "the job is drawn" $? 0
like "with where its reservation ends" "$(cat "$TMP/screen")" '\[.*\|.*\]'
printf q >&7
wait $pid
is "q ends it with 0" $? 0
exec 7>&-

# more jobs than rows, on a terminal of 60 columns
for i in 1 2 3 4 5 6; do
    run_job "more$i.$$.with-a-name-that-is-longer-than-any-column" --reservation 16M -- sleep 1000
    at_exit "kill $!"
done
all () { [ "$(mw jobs --json | jq length)" = 7 ]; }
wait_for 20 all
TERM=xterm script -qefc "stty cols 60 rows 8; $MEMWARDEN top" "$TMP/small" <"$TMP/keys" >/dev/null 2>&1 &
pid=$!
exec 7>"$TMP/keys"
shows () { grep -q -- "$1" "$TMP/small"; }
ok 'what is shown is told' wait_for 20 shows '7 jobs, 1 to 5'
printf '\033OF' >&7
ok 'End: the last ones' wait_for 20 shows '3 to 7'
printf '\033[5~' >&7
ok 'Page Up: the first ones' wait_for 20 shows '1 to 5 .*3 to 7.*1 to 5\|1'
unlike 'a long name is cut' "$(cat "$TMP/small")" 'longer-than-any-column'
printf q >&7
wait $pid
is 'and q ends it' $? 0
exec 7>&-
out=$(mw top 2>&1 </dev/null); rc=$?
like "without a terminal: 2, and what to use" "$rc $out" '^2 .*jobs --json'
done_testing
