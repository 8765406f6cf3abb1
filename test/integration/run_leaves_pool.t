# run_leaves_pool.t - `memwarden run` removes what it made and nothing else: a pool
# that it found stays with its limit, one that it made goes with the last job unless
# it has got a limit; what the job has made in its own cgroup goes with it, however
# deep; the cgroup of somebody else is not taken
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

run () { "$MEMWARDEN" run --pool "$WARDEN_POOL" --reservation 32M --limit 64M "$@"; }
# a freezer of its own only on v1
dirs () { ls -d /sys/fs/cgroup/{memory/,freezer/,}"$WARDEN_POOL${1-}" 2>/dev/null; }
limit () { cat "$POOL/$POOL_LIMIT"; }

warden_start || exit 1
pool_make 200M
rmdir "$POOL/keep"
was=$(limit)
run -- true; is 'a job in a pool that was there completes' $? 0
is 'and its pool stays' "$(dirs)" "$POOL"
is 'with its limit' "$(limit)" "$was"
is 'the job'"'"'s own has gone' "$(find "$POOL" -mindepth 1 -type d)" ''

# nest.sh: a tree in each of its cgroups, processes in it, one of them stays
cat >"$TMP/nest.sh" <<'END'
for own in /sys/fs/cgroup/{memory,freezer,}/"$1"; do
    [ -d "$own" ] || continue
    cd "$own" && mkdir -p a b/c && cd b/c || exit 9
    for i in $(seq 60); do mkdir "d" && cd d || exit 9; done
    sleep 600 & echo $! >cgroup.procs || exit 9
    echo $! >>"$2"
done
[ ! -e freezer.state ] || echo FROZEN >freezer.state
END
run --name nest -- bash "$TMP/nest.sh" "$WARDEN_POOL/nest" "$TMP/pids" 2>"$TMP/nest.err"
is 'a job with cgroups of its own completes' $? 0
is 'nothing is said' "$(cat "$TMP/nest.err")" ''
is 'its tree has gone' "$(dirs /nest)" ''
alive () { grep -zqx 600 /proc/"$1"/cmdline 2>/dev/null; }
is 'nobody is left of it' "$(while read -r p; do ! alive "$p" || echo "$p"; done <"$TMP/pids")" ''
ok 'though there was' test -s "$TMP/pids"

# by hand: somebody else's
mkdir "$POOL/theirs"
out=$(run --name theirs -- true 2>&1); rc=$?
is 'a cgroup that is there is not taken' "$([ $rc -ne 0 ] && echo refused)" refused
like 'that is said' "$out" "cgroup $WARDEN_POOL/theirs already.*--name"
ok 'it is there still' rmdir "$POOL/theirs"

# two of one name
run_job twice --reservation 32M -- bash -c 'echo up; until [ -e "$0" ]; do sleep 0.05; done' "$TMP/go"
first=$!
ok 'a job runs' wait_for 20 grep -q up "$TMP/twice.out"
out=$(run --name twice -- true 2>&1); rc=$?
is 'another of its name does not' "$([ $rc -ne 0 ] && echo refused)" refused
ok 'the first lives' kill -0 $first
ok 'in its cgroup' test -d "$POOL/twice"
kill -9 $first      # this leaves its cgroup, and the command
touch "$TMP/go"
empty () { [ -z "$(cat "$POOL/twice/cgroup.procs")" ]; }
ok 'one that was killed has left its own' wait_for 10 empty
run --name twice -- true; is 'which the next of its name makes anew' $? 0
is 'and removes' "$(dirs /twice)" ''

# a pool that run makes
rmdir "$POOL"
is 'there is no pool' "$(dirs)" ''
run_job long --reservation 32M -- bash -c 'echo up; until [ -e "$0" ]; do sleep 0.05; done' "$TMP/go2"
first=$!
ok 'a job runs' wait_for 20 grep -q up "$TMP/long.out"
run -- true; is 'another one completes' $? 0
like 'the pool stays for the first' "$(dirs)" "$WARDEN_POOL"
run_job last --reservation 32M -- bash -c 'echo up; until [ -e "$0" ]; do sleep 0.05; done' "$TMP/go3"
last=$!
ok 'a third begins' wait_for 20 grep -q up "$TMP/last.out"
touch "$TMP/go2"; wait $first
touch "$TMP/go3"; wait $last
is 'and goes with the last, whoever made it' "$(dirs)" ''
run -- bash -c 'echo 300M >"$0"' "$POOL/$POOL_LIMIT"
is 'one that has got a limit stays' "$(dirs | grep -c "^$POOL\$")" 1
done_testing
