# one_process_slurm.t - one rank of a Slurm job waits while the others go on, by its owner's
# hand, and goes on; root puts one of another job's into it, beside its first task, and both
# jobs end well.  The script of a job is neither held nor moved.  Nobody's parent takes a
# process that waits for one that has ended; scancel ends a job of which one waits.
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
out=$CLUSTER_DIR/out
stands () { [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == [Tt] ]]; }
goes () { [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) == [RSD] ]]; }
# places PID: what of its cgroups says where it is to memory and to the freezer
places () { sed -n 's/^[0-9]*:\(memory\|freezer\|\)://p' "/proc/$1/cgroup" | grep -o '/job_.*' | sort; }
# starts NAME TASKS: into $job; their pids are in $out/NAME.N
starts () {
    cat >"$CLUSTER_DIR/$1.sh" <<END
#!/bin/bash
srun -n$2 bash -c '
    echo \$\$ >$out/$1.\$SLURM_PROCID
    exec $CLUSTER_BIN/touchmem --size 8M --stop-file $out/go'
echo the step ended with \$?
END
    chmod 755 "$CLUSTER_DIR/$1.sh"
    job=$(submit -n"$2" --mem=60 "$CLUSTER_DIR/$1.sh")
    wait_for 60 test -s "$out/$1.$(($2 - 1))"
    wait_for 60 test -s "$out/$1.0"
}
touched () { [ "$(awk '/^RssAnon/ { print $2 }' "/proc/$1/status")" -ge 8000 ]; }
rank () { cat "$out/$1.$2"; }

starts ranks 2; ranks=$job
starts other 1; other=$job
zero=$(rank ranks 0) one=$(rank ranks 1) guest=$(rank other 0)
wait_for 30 touched "$one"; wait_for 30 touched "$guest"

is 'its owner has a rank wait' "$(as_user "$MEMWARDEN" hold "$ranks" --pid "$one" 2>&1)" ''
ok 'it stands' wait_for 20 stands "$one"
ok 'the other goes on' goes "$zero"
like 'why has its step and task' "$(mw why "$ranks")" \
    "held alone: process $one \(touchmem, step 0, task 1\)"
script=$(mw ps "$ranks" --json | jq 'map(select(.command | test("slurm_script"))) | .[0].pid')
like 'its script is not held alone' "$(as_user "$MEMWARDEN" hold "$ranks" --pid "$script" 2>&1)" \
    "process $script is the script of job $ranks"
is 'its owner lets it go on' "$(as_user "$MEMWARDEN" resume "$ranks" --pid "$one" 2>&1)" ''
ok 'it does' wait_for 20 goes "$one"

script=$(mw ps "$other" --json | jq 'map(select(.command | test("slurm_script"))) | .[0].pid')
like 'a script is not moved' "$(mw move "$other" --pid "$script" --to "$ranks" 2>&1)" \
    "process $script is the script of job $other"
like 'its owner moves nobody' "$(as_user "$MEMWARDEN" move "$other" --pid "$guest" --to "$ranks" 2>&1)" \
    'only root moves'
like 'root does' "$(mw move "$other" --pid "$guest" --to "$ranks" 2>&1)" "process $guest is in .*/job_$ranks/"
like 'beside a task of that job' "$(places "$guest")" "^/job_$ranks/step_"
is 'in all that it has' "$(places "$guest" | grep -c "/job_$other")" 0
is 'the job that it has come to holds it' "$(mw hold "$ranks" --pid "$guest" 2>&1)" ''
ok 'it stands there' wait_for 20 stands "$guest"
mw resume "$ranks"
wait_for 20 goes "$guest"
touch "$out/go"
ok 'its job completes' wait_job "$other" COMPLETED 60
ok 'so does the other' wait_job "$ranks" COMPLETED 60
is 'no step has failed' "$(grep -h ended "$out/$ranks.out" "$out/$other.out")" 'the step ended with 0
the step ended with 0'

rm "$out/go"
starts last 1
mw hold "$job" --pid "$(rank last 0)"
wait_for 20 stands "$(rank last 0)"
as_user scancel "$job"
ok 'a job of which one waits is cancelled' wait_job "$job" CANCELLED 60
ok 'which ends the hold' wait_for 30 journal_has "$job" released
is 'no node is drained' "$(sinfo -h -o %E | sort -u)" none
done_testing
