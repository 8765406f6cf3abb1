# runs: v1 v2
# `top` draws each job with its bar, ends at q, and refuses what is no terminal.
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
out=$(mw top 2>&1 </dev/null); rc=$?
like "without a terminal: 2, and what to use" "$rc $out" '^2 .*jobs --json'
done_testing
