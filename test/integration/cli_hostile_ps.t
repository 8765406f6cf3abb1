# runs: v1 v2
# Control characters in a job's command line, C1 and those that turn the direction of
# text included, never reach the terminal of who looks at it.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
esc=$(printf '\033')
run_job "h$$" --reservation 64M -- bash -c 'exec -a "$0" sleep 1000' "$(printf '\033[2Jevil\nroot\t1\377')"
pid=$!
at_exit "kill $pid"
there () { mw ps "h$$" | grep -q evil; }
wait_for 20 there
is "the process is listed" $? 0
mw ps "h$$" >"$TMP/ps"
is "on one line" "$(wc -l <"$TMP/ps")" 2
is "without an escape" "$(grep -c "$esc" "$TMP/ps")" 0
mw ps --json "h$$" | jq -e 'length == 1' >"$TMP/jq" 2>&1
is "and as valid JSON" $? 0

# all of it UTF-8
run_job "u$$" --reservation 64M -- bash -c 'exec -a "$0" sleep 1000' "$(printf '\302\2332Jodd \342\200\256gpj.exe')"
pid2=$!
at_exit "kill $pid2"
there () { mw ps "u$$" | grep -q odd; }
wait_for 20 there
LC_ALL=C.UTF-8 mw ps "u$$" >"$TMP/ps"
is "no C1 character is shown" "$(LC_ALL=C grep -c $'\302\233' "$TMP/ps")" 0
is "and none that turns its direction" "$(LC_ALL=C grep -c $'\342\200\256' "$TMP/ps")" 0
is "nor in JSON" "$(mw ps --json "u$$" | LC_ALL=C grep -c $'[\x80-\xff]')" 0
done_testing
