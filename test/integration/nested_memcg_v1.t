# nested_memcg_v1.t - a memory cgroup that a job makes inside its own is born with
# the killer off: at a limit of its own the kernel kills there and that is told, also
# where it was there before the job's OOM was taken over, or is 200 levels deep; it
# waits for nobody when the warden stops, or is killed and failsafe comes; the job's
# own OOM stays the warden's
# runs: v1
# alone
# takes: 30 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

root=/sys/fs/cgroup/memory
gone () { ! kill -0 "$1" 2>/dev/null; }
ends () { wait_for 20 gone "${1:-$job}" || { kill -9 "${1:-$job}"; false; }; }
# given_back FILE: is the killer on there?
given_back () { grep -qx 'oom_kill_disable 0' "$1/memory.oom_control"; }
waits () { grep -qx 'under_oom 1' "$1/memory.oom_control"; }

# nested.sh LEVELS GO: in a memcg so many levels below its own, limited to 16M,
# 64M; with GO only when that file is there
cat >"$TMP/nested.sh" <<'END'
cd "/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)" || exit 9
for i in $(seq "$1"); do mkdir d && cd d || exit 9; done
echo 16M >memory.limit_in_bytes
echo $$ >cgroup.procs
echo ready
until [ -z "$2" ] || [ -e "$2" ]; do sleep 0.05; done
exec "$TOUCHMEM" --size 64M
END
export TOUCHMEM
# job NAME LEVELS [GO]
job () {
    run_job "$1" --reservation 64M --limit 100M --on-oom 'hold@10m,kill' -- \
        bash "$TMP/nested.sh" "$2" "${3-}"
    job=$!
}
dir_of () { echo "$root/$WARDEN_POOL/$1"; }

warden_start || exit 1
mkdir "$root/$WARDEN_POOL" || exit 1    # it stays when a job goes
job plain 1
ok 'a nested one at its own limit ends' ends
wait $job; is 'by the kernel' $? 137
ok 'and the job hears of it' journal_has plain kernel-kill
like 'as what it was' "$(mw why plain)" 'limit below the job.s was reached.*plain/d'
job deep 200
ok 'so does one 200 levels deep' ends
wait $job; is 'by the kernel' $? 137

# its directory is the user's to nest in: what is below is born with the killer on
job late 2 "$TMP/late"
ok 'one that does not grow yet' wait_for 10 grep -q ready "$TMP/late.out"
ok 'has its killer' wait_for 10 given_back "$(dir_of late)/d"
ok 'and the one in it, too' wait_for 10 given_back "$(dir_of late)/d/d"
is 'while the job has none' "$(given_back "$(dir_of late)"; echo $?)" 1
# as somebody may set it again who expects to answer himself
echo 1 >"$(dir_of late)/d/d/memory.oom_control"
touch "$TMP/late"
ok 'who has it off by his own wish waits' wait_for 10 waits "$(dir_of late)/d/d"
warden_stop
ok 'until the warden is stopped' ends
wait $job; is 'then the kernel kills' $? 137

# dead NAME LEVELS: it waits at its own limit while the warden is dead
only () { [ "$(mw jobs --json | jq -r '.[].key')" = "$1" ]; }
dead () {
    local go=$TMP/$1.go
    warden_start
    job "$1" "$2" "$go"
    wait_for 20 grep -q ready "$TMP/$1.out"
    # the next warden takes note of those that have ended meanwhile
    wait_for 20 only "$1" || return
    warden_kill9
    # as if made while there was no warden
    find "$(dir_of "$1")" -name memory.oom_control -exec sh -c 'echo 1 >"$1"' - {} \;
    touch "$go"
    wait_for 10 waits "$(find "$(dir_of "$1")" -type d | tail -n 1)"
}
ok 'one waits, its warden is dead' dead orphan 1
out=$(mw failsafe --state-dir "$WARDEN_STATE" 2>&1)
is 'failsafe' "$out" '1 job given back to the kernel'
ok 'ends it' ends
wait $job; is 'by the kernel' $? 137
ok 'the same 100 levels deep' dead abyss 100
mw failsafe --state-dir "$WARDEN_STATE" >"$TMP/failsafe.out" 2>&1
ok 'it ends' ends
wait $job; is 'by the kernel' $? 137

ok 'one waits' dead adopted 3
warden_start
ok 'the next warden ends it' ends
wait $job; is 'by the kernel' $? 137
like 'and says so' "$(mw why adopted)" 'out of memory at a limit of its own .*adopted/d'

# the job's own OOM, in a nested memcg without a limit, is the warden's
run_job own --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- bash -c '
    cd "/sys/fs/cgroup/memory$(sed -n "s/^[0-9]*:memory://p" /proc/self/cgroup)"
    mkdir -p a/b && echo $$ >a/b/cgroup.procs && exec "$TOUCHMEM" --size 64M'
job=$!
ok 'at the limit of the job it is held' wait_for 20 journal_has own held
ok 'it lives' kill -0 $job
ok 'its nested ones have their killer' given_back "$(dir_of own)/a"
ok 'it goes on with more' mw set own --limit 200M
mw resume own >"$TMP/resume.out" 2>&1
wait $job; is 'and completes' $? 0
is 'nobody was killed' "$(journal_count own kernel-kill)" 0

# a pool that is taken over: who is not registered does not wait for ever either
warden_stop
warden_start "pool = \"$root/$WARDEN_POOL\"
courier { start = false }" || exit 1
run_job member --reservation 32M --limit 32M --on-oom 'hold@10m,kill' -- "$TOUCHMEM" --size 64M
member=$!
ok 'a job of the pool is held' wait_for 20 journal_has member held
mkdir "$root/$WARDEN_POOL/stray"
echo 16M >"$root/$WARDEN_POOL/stray/memory.limit_in_bytes"
bash -c 'echo $$ >"$0/cgroup.procs"; exec "$TOUCHMEM" --size 64M' "$root/$WARDEN_POOL/stray" &
stray=$!
ok 'a stranger in the pool ends at its own limit' ends $stray
wait $stray; is 'by the kernel' $? 137
ok 'the job is held still' kill -0 $member
warden_kill9
sed -i '/^pool/d' "$WARDEN_CONF"
warden_start
is 'and its OOM is not given away with the pool' "$(given_back "$(dir_of member)"; echo $?)" 1
ok 'it lives' kill -0 $member
mw set member --limit 200M; mw resume member >"$TMP/resume.out" 2>&1
wait $member; is 'and completes' $? 0
done_testing
