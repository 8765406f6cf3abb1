# failsafe_pool.t - the warden is killed with the pool taken over: `memwarden
# failsafe` puts the pool back as it was, with the kernel's killer, also in
# cgroups that were made below it meanwhile; so does a warden that is stopped
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

root=/sys/fs/cgroup/memory files=memory.limit_in_bytes
[ -d $root ] || root=/sys/fs/cgroup files='memory.high memory.max'
pool=$root/$WARDEN_POOL
[ "$root" != /sys/fs/cgroup ] || echo +memory >$root/cgroup.subtree_control
mkdir "$pool" || exit 1
[ "$root" != /sys/fs/cgroup ] || echo +memory >"$pool/cgroup.subtree_control"
at_exit "rmdir $pool/made $pool"

limits () { local f; for f in $files; do cat "$pool/$f"; done | tr '\n' ' '; }
killers () {    # of all that is there: how many have it off
    find "$pool" -name memory.oom_control -exec grep -h oom_kill_disable {} + | grep -c 1
}
failsafe () { mw failsafe --state-dir "$WARDEN_STATE"; }
was=$(limits)
warden_start "pool = \"$pool\"
courier { start = false }" || exit 1
unlike 'the pool is limited' "$(limits)" "^$was\$"
mkdir "$pool/made"      # inherits from the pool, and nobody registers it
only_its_own () { [ "$(killers)" = 1 ]; }
[ "$root" = /sys/fs/cgroup ] || ok 'the killer is off in the pool alone' wait_for 10 only_its_own
warden_kill9
[ "$root" = /sys/fs/cgroup ] || echo 1 >"$pool/made/memory.oom_control"   # as if made now
unlike 'the warden is dead, the pool still limited' "$(limits)" "^$was\$"
like 'failsafe, with no job at all' "$(failsafe 2>&1)" '^0 jobs'
is 'the pool is as it was' "$(limits)" "$was"
is 'nobody is without a killer' "$(killers)" 0
like 'and it is in the journal' "$(grep '"failsafe"' "$WARDEN_STATE/ahead.jsonl")" "pool $pool: given back"
ok 'a second time does no harm' failsafe

# a restart between: what is put back is what was there before the first
warden_start; warden_kill9; warden_start
unlike 'the next warden takes it over again' "$(limits)" "^$was\$"
run_job job --reservation 16M --limit 32M -- "$TOUCHMEM" --size 8M --stop-file "$TMP/stop"
job=$!
ok 'a job runs' wait_for 30 grep -q touched "$TMP/job.out"
warden_stop
is 'a warden that is stopped puts it back, too' "$(limits)" "$was"
is 'and every killer' "$(killers)" 0
ok 'no record of it is left' test ! -e "$WARDEN_STATE/pool"
warden_start; warden_kill9
sed -i '/^pool/d' "$WARDEN_CONF"
warden_start
is 'one that has no pool any more gives it back, too' "$(limits)" "$was"
touch "$TMP/stop"
wait $job; is 'the job completes' $? 0
done_testing
