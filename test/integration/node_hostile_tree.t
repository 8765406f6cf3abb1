# node_hostile_tree.t - a victim that makes cgroups of its own, and whose processes
# are called slurmd, slurmstepd, memwardend and worse, goes whole; nobody who is
# really one of those, or outside of the pool, is touched
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
. "$(dirname "$0")/../lib/pool.sh"

pool_make 200M
warden_start "pool = \"$POOL\"
node-ladder = \"kill\"
max-burst = \"x64\"
courier { start = false }" || exit 1

# where the user may read and run them
bin=$TMP/bin
mkdir "$bin"
weird=$'name )\n(R 1 \e[31m'
for name in slurmd slurmstepd memwardend "$weird"; do
    install -m 755 "$TOUCHMEM" "$bin/$name"
done
# the node's own: outside of the pool, of the same names, and larger than any of
# the job's; one is among those that the kernel would take first
outside=()
for name in slurmd slurmstepd memwardend "$weird"; do
    "$bin/$name" --size 24M --stop-file "$TMP/stop" >"$TMP/outside.$name.out" 2>&1 &
    outside+=($!)
    echo 1000 >/proc/$!/oom_score_adj
done

# The job: cgroups below its own, as deep as it likes, some of its processes in
# each, as an ordinary user; and those it does not get (pid 1, the warden, the
# outsiders) it tries to have as well.
cat >"$TMP/hostile" <<'END'
#!/bin/bash
# hostile BIN TMP WARDEN OUTSIDER…
bin=$1 tmp=$2; shift 2
own=$(sed -n 's/^[0-9]*:memory:\(.*\)/\/sys\/fs\/cgroup\/memory\1/p' /proc/self/cgroup)
[ -n "$own" ] || own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
deep=$own
for level in step_batch user slurm $'we ird\t;$(x)' step_0; do
    deep+=/$level
    mkdir "$deep" || exit 9
    chown nobody "$deep" "$deep/cgroup.procs"
done
chown nobody "$own/cgroup.procs" "$own"
export deep own bin tmp
exec setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups bash -c '
for pid in 1 "$@"; do
    echo $pid >"$deep/cgroup.procs"
done 2>/dev/null
for name in slurmd slurmstepd memwardend; do
    (echo $BASHPID >"$deep/cgroup.procs"; exec "$bin/$name" --size 10M --stop-file "$tmp/never")  &
    (echo $BASHPID >"$own/step_batch/cgroup.procs"; exec "$bin/$name" --size 4M --stop-file "$tmp/never")  &
done
for f in "$bin"/name*; do "$f" --size 4M --stop-file "$tmp/never" & done
sleep 0.2
for i in $(seq 40); do "$bin/slurmd" --size 1M --stop-file "$tmp/never" & done
"$bin/slurmstepd" --size 10M --stop-file "$tmp/ripe"
touch "$tmp/growing"
"$bin/slurmd" --size 400M --stop-file "$tmp/never"
' hostile "$@"
END
chmod 755 "$TMP/hostile"

run_job innocent --priority 100 --reservation 60M --limit 80M -- \
    "$TOUCHMEM" --size 40M --stop-file "$TMP/stop"
innocent=$!
ok 'the innocent has its memory' wait_for 30 grep -q touched "$TMP/innocent.out"
run_job hostile --priority 900 --reservation 8M --limit 500M -- \
    "$TMP/hostile" "$bin" "$TMP" "$WARDEN_PID" "${outside[@]}"
hostile=$!
memory () { last_state hostile memory; }
pids () { find "$(memory)" -name cgroup.procs -exec cat {} + | sort; }
nested () {
    [ "$(cat "$(memory)"/step_batch/user/slurm/*/step_0/cgroup.procs | wc -l)" -ge 3 ] &&
        [ "$(pids | wc -l)" -gt 46 ]
}
ok 'it has cgroups of its own, and some fifty processes' wait_for 30 nested
pids >"$TMP/pids"
ok 'nobody else has come there' test -z "$(printf '%s\n' 1 "$WARDEN_PID" "${outside[@]}" | sort | comm -12 - "$TMP/pids")"
none_alive () {         # a pid may be somebody else's by now
    local p
    while read -r p; do
        ! grep -qaF "$TMP" "/proc/$p/cmdline" 2>/dev/null || return 1
    done <"$TMP/pids"
}
is 'as long as it is there, that is seen' "$(none_alive; echo $?)" 1
touch "$TMP/ripe"
wait $hostile; is 'when the pool is full it is killed' $? 137
like 'for the node' "$(mw why hostile)" 'node is out of memory: chosen'
ok 'none of it is left' wait_for 10 none_alive
ok 'the warden lives' mw jobs
for pid in $innocent "${outside[@]}"; do
    ok "process $pid was not touched" kill -0 "$pid"
done
touch "$TMP/stop"
wait $innocent; is 'the innocent completes' $? 0
rcs=
for pid in "${outside[@]}"; do wait "$pid"; rcs+="$? "; done
is 'and those outside' "$rcs" '0 0 0 0 '
is 'one victim, nobody else' "$(jq -r 'select(.event == "detected") | .job' \
    "$WARDEN_STATE/journal.jsonl" | tr '\n' ' ')" 'hostile '
done_testing
