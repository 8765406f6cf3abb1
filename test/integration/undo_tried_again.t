# undo_tried_again.t - a write that undoes something to a job fails (EIO), once or for
# a while: it is tried again until it is done, and not said to be done before
# runs: v1 v2 hybrid
# takes: 58 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

eio=$MW_BUILD/test/bin/.libs/eio.so
# failing FILE TEXT [TIMES]: a warden whose writes of that fail while $TMP/eio is there
failing () {
    MW_EIO_FILE=$1 MW_EIO_TEXT=$2 MW_EIO_TIMES=${3:-9999} MW_EIO_WHILE=$TMP/eio \
        LD_PRELOAD=$eio warden_start
}
tried () { [ "$(wc -l <"$TMP/eio")" -ge "$1" ]; }
begin () { : >"$TMP/eio"; }
# job NAME LADDER ARG…: uses memory as told when $TMP/NAME.go is there
job () {
    local name=$1 ladder=$2; shift 2
    # shellcheck disable=SC2016
    run_job "$name" --reservation 64M --limit 64M --on-oom "$ladder" -- bash -c '
        until [ -e "$0" ]; do sleep 0.05; done; exec "$@"' "$TMP/$name.go" "$TOUCHMEM" "$@"
    wait_for 10 journal_has "$name" registered
}
end () { touch "$TMP/$1.go" "$TMP/$1.stop"; wait_for 10 journal_has "$1" released; }

if [ -e /sys/fs/cgroup/freezer ]; then
    freezer=freezer.state thawed=THAWED limit=memory.limit_in_bytes
else
    freezer=cgroup.freeze thawed=0 limit=memory.high
fi

failing $freezer $thawed 1
job once hold,kill --size 8M --stop-file "$TMP/once.stop"
mw hold once
begin
ok 'one thaw that fails is no matter to who says resume' mw resume once
ok 'it has failed' tried 1
ok 'and it is thawed' not_frozen once
end once
warden_stop
rm "$TMP/eio"

failing $freezer $thawed
job held hold,kill --size 8M --stop-file "$TMP/held.stop"
mw hold held
begin
out=$(mw resume held 2>&1); rc=$?
is 'resume that does not thaw is no success' $((rc != 0)) 1
like 'and says why' "$out" 'does not go on yet'
ok 'it is tried again and again' wait_for 20 tried 6
ok 'it is still frozen' frozen held
is 'nobody has said that it goes on' "$(journal_count held thawed) $(journal_count held resolved)" '0 0'
rm "$TMP/eio"
ok 'until it is done' wait_for 10 journal_has held resolved
ok 'and it is thawed' not_frozen held
is 'which is said once' "$(journal_count held thawed)" 1
end held
warden_stop

failing $limit 67108864
job loan 'grow@10m,kill' --size 80M --free --stop-file "$TMP/loan.stop"
begin
touch "$TMP/loan.go"
ok 'a loan that is not taken back is tried again' wait_for 20 tried 6
is 'and said to be there' "$(journal_count loan returned) $(journal_count loan resolved)" '0 0'
rm "$TMP/eio"
ok 'until it is' wait_for 10 journal_has loan resolved
is 'the limit is its own again' "$(cat "$(last_state loan memory)/$limit")" 67108864
end loan
warden_stop

failing $freezer $thawed 4
job left hold,kill --size 8M --stop-file "$TMP/left.stop"
mw hold left
begin
warden_stop
ok 'at the end of the warden it has failed, too' tried 4
ok 'and yet it is thawed' not_frozen left
warden_start
end left
done_testing
