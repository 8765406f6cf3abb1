# runs: v1 v2
# A user sees, holds and resumes own jobs only; root all.  Exit codes are those
# of memwarden(1): 2 usage, 3 no such job, 4 not permitted, 5 no warden.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

as_nobody () { setpriv --reuid=nobody --regid=nogroup --clear-groups "$MEMWARDEN" "$@"; }
as_nobody --version >/dev/null 2>&1 || skip_all "an unprivileged user cannot reach $MEMWARDEN"
rc () { "$@" >"$TMP/out" 2>&1; echo $?; }

is "no warden: 5" "$(rc mw jobs)" 5
like "which names the socket" "$(cat "$TMP/out")" "$MEMWARDEN_SOCKET"
warden_start 'courier { start = false }' || { fail "the warden starts"; done_testing; exit; }
run_job "own$$" --user nobody --reservation 64M -- sleep 1000
own=$!
run_job "root$$" --reservation 64M -- sleep 1000
root=$!
at_exit "kill $own $root"
registered () { [ "$(mw jobs --json | jq length)" = 2 ]; }
wait_for 20 registered

is "root sees both" "$(mw jobs --json | jq length)" 2
is "the user sees only the own one" "$(as_nobody jobs --json | jq -r '.[].key')" "own$$"
is "another's job: 4" "$(rc as_nobody hold "root$$")" 4
is "a job that is not there: 3" "$(rc mw hold "gone$$")" 3
is "a bad priority: 2" "$(rc mw set "own$$" --priority 1001)" 2
like "with what is allowed" "$(cat "$TMP/out")" '0 to 1000'
is "no job: 2" "$(rc mw hold)" 2
is "an unknown command: 2" "$(rc mw explode)" 2
is "an unknown option: 2" "$(rc mw jobs --explode)" 2
is "the user holds the own job: 0" "$(rc as_nobody hold "own$$")" 0
held () { [ "$(mw jobs --json | jq -r ".[] | select(.key == \"own$$\") | .held")" = "$1" ]; }
wait_for 10 held true; is "and it is held" $? 0
is "and resumes it: 0" "$(rc as_nobody resume "own$$")" 0
wait_for 10 held false; is "and it goes on" $? 0
is "the user lowers the priority: 0" "$(rc as_nobody set "own$$" --priority 100)" 0
is "which jobs shows" "$(mw jobs --json | jq -r ".[] | select(.key == \"own$$\") | .priority")" 100
pid_of () { mw ps "$1" --json | jq '.[0].pid'; }
lives () { kill -0 "$1" 2>/dev/null; }
is "a process of another's job: 4" "$(rc as_nobody kill "root$$" --pid "$(pid_of "root$$")")" 4
is "one that is in another job: 3" "$(rc as_nobody kill "own$$" --pid "$(pid_of "root$$")")" 3
like "which is said" "$(cat "$TMP/out")" "there is no process [0-9]+ in job own$$"
is "no signal: 2" "$(rc mw signal "own$$")" 2
is "an unknown one: 2" "$(rc mw signal "own$$" EXPLODE --largest)" 2
is "two targets: 2" "$(rc mw kill "own$$" --largest --pid 1)" 2
is "no process's number: 2" "$(rc mw kill "own$$" --pid 0)" 2
is "no share: 2" "$(rc mw slow "own$$" --to 0)" 2
is "more than one step: 2" "$(rc mw enomem "own$$" --for 1m,kill)" 2
is "a signal that nobody catches: 3" "$(rc as_nobody signal "own$$" USR1 --largest)" 3
like "why" "$(cat "$TMP/out")" 'none of its processes catches the signal'
ok "neither was harmed" lives "$(pid_of "own$$")"
is "nor is there an incident" "$(journal_count "own$$" detected)" 1
like "ps lists its processes" "$(as_nobody ps "own$$")" 'nobody .*sleep 1000'
is "ps of another's job: 3, as if it were not there" "$(rc as_nobody ps "root$$")" 3
unlike "the user's events are of own jobs only" "$(as_nobody events)" "root$$"
like "root's are of all" "$(mw events)" "root$$"
is "why of another's job: 3" "$(rc as_nobody why "root$$")" 3
pid=$(pid_of "own$$")
is "the user kills a process of the own job: 0" "$(rc as_nobody kill "own$$" --pid "$pid")" 0
wait $own; is "which was its command" $? 137
like "and why says which, and who" "$(mw why "own$$")" "SIGKILL to process $pid \(sleep\)"
like "who has asked for it" "$(mw why "own$$")" "asked for by uid $(id -u nobody)"
done_testing
