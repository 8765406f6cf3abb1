# hidden_deep_v1.t - a user who nests his process 12, 100 directories below his job's
# does not hide it: it is shown, stopped and killed with the job, and "released" is
# said of a job when nothing of it is left, its memory and its directories included
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

bin=$TMP/bin
install -D -m 755 "$TOUCHMEM" "$bin/touchmem"
chmod 755 "$TMP" "$bin"
# hide.sh LEVELS OUT STOP SIZE: the job's directory becomes the user's, as Slurm's
# step_X and task_N are; as the user, 16M are used from the deepest one until STOP,
# then SIZE from the job's own
cat >"$bin/hide.sh" <<'END'
#!/bin/bash
cd "/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)" || exit 9
chown nobody . cgroup.procs
down='for (1..$ARGV[0]) { mkdir "d" and chdir "d" or exit 9 } shift; exec @ARGV'
exec setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups \
    perl -e "$down" "$1" bash -c '
    touchmem=${0%/*}/touchmem
    (echo $BASHPID >cgroup.procs && exec "$touchmem" --size 16M --stop-file "$3") >"$2" &
    until grep -q touched "$2"; do sleep 0.05; done
    "$touchmem" --size "$4" --stop-file "$3"' "$0" "$@"
END
chmod 755 "$bin/hide.sh"
install -d -m 777 "$TMP/out"
alive () { grep -zqxF "$TMP/never.$1" /proc/[0-9]*/cmdline 2>/dev/null; }
dead () { ! alive "$1"; }

count () { find "/sys/fs/cgroup/memory/$WARDEN_POOL" -mindepth 1 -type d | wc -l; }

warden_start || exit 1
mkdir "/sys/fs/cgroup/memory/$WARDEN_POOL"
for levels in 12 100 3000; do
    name=deep$levels
    # each directory is charged to the job, too
    limit=$((96 + levels / 20))M
    run_job $name --reservation $limit --limit $limit --on-oom 'hold@3s,kill' -- \
        "$bin/hide.sh" $levels "$TMP/out/$name" "$TMP/never.$levels" 400M
    job=$!
    ok "$levels below: its job runs into its limit and is held" wait_for 60 journal_has $name held
    ok 'it is there' alive $levels
    like 'and shown' "$(mw ps $name 2>&1)" "touchmem --size 16M .*$TMP/never.$levels"
    ok 'then killed' wait_for 20 journal_has $name step:kill
    ok 'whole' wait_for 60 dead $levels
    wait $job; is 'and the job ends' $? 137
    is 'its directories, too' "$(count)" 0
done

# it ends by itself, what it has hidden with it
run_job left --reservation 32M --limit 64M -- \
    "$bin/hide.sh" 12 "$TMP/out/left" "$TMP/never.left" 4M
job=$!
ok 'one whose command ends before what it has hidden' wait_for 20 grep -q touched "$TMP/left.out"
kill -9 "$(pgrep -P $job)"
wait $job
ok 'ends with it' dead left
is 'its directories, too' "$(count)" 0
done_testing
