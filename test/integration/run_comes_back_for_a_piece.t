# run_comes_back_for_a_piece.t - a job that waits for memory to grow does not come
# back for a few MiB, at which it would only stop again: for resume-at it does.
# Its owner may have it back for less
# runs: v1 native
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 200M
warden_start "pool = \"$POOL\"
resume-at = \"40M\"
courier { start = false }" || exit 1
times () { [ "$(journal_count waits "$1")" -eq "$2" ]; }
neighbour () {  # NAME RESERVATION: until NAME.end is there
    run_job "$1" --reservation "$2" -- "$TOUCHMEM" --size 1M --stop-file "$TMP/$1.end"
    must "neighbour $1 is there" wait_for 30 journal_has "$1" registered
}
ends () { touch "$TMP/$1.end"; must "neighbour $1 ends" wait_for 30 journal_has "$1" released; }

neighbour large 60M
neighbour tiny 12M
neighbour small 12M
# 200 less 60, 12, 12, and its own 100: 16 are free
run_job waits --reservation 100M --limit 100M --on-oom 'grow=96M@10m,hold@10m,kill' -- \
    "$TOUCHMEM" --size 150M --stop-file "$TMP/stop"
job=$!
must 'without room it stands' wait_for 30 times held 1
ends tiny
run_job look --reservation 1M -- true
wait $!
must 'the warden has looked' wait_for 30 journal_has look released
is 'for 12M it does not come back' "$(journal_count waits thawed)" 0
ok 'its owner may say so' mw resume waits
must 'then it does, and stands again at its new limit' wait_for 30 times held 2
ends small
run_job look2 --reservation 1M -- true
wait $!
must 'the warden has looked again' wait_for 30 journal_has look2 released
is 'for 12M it does not, once more' "$(journal_count waits thawed)" 1
ends large
must 'for 72M it does' wait_for 30 times thawed 2
must 'and gets what it needs' wait_for 30 grep -q touched "$TMP/waits.out"
is 'without standing again' "$(journal_count waits held)" 2
touch "$TMP/stop"
wait $job
is 'it completes' $? 0
done_testing
