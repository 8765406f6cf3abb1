#!/usr/bin/env bash
# runs: v1 v2
# takes: 60 s
# in-vm: newest-v2
# --mem-retry: a job that needs more than it has asked for is run again with its
# measured peak times the factor, as often as it, and its site, allow; each time is
# told and counted at the controller, and what was learnt is kept.  What is written
# wrongly is refused at submit.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'ladder = "kill"
max-mem-retry = "x4,tries=2"
class spares {
    match-partition = "spares"
    mem-retry = "x4"
    max-mem-retry = "x4,tries=1"
}' --slurm-conf-line 'PartitionName=spares Nodes=ALL State=UP MaxMemPerNode=100' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }

# ---- what is wrong is said at submit
refused () { submit --mem=60 --wrap true "$@" 2>&1 && echo 'it was taken'; }
like 'a factor below 1' "$(refused --mem-retry=x0.5)" '--mem-retry: x0.5 .*write x1 to x100'
like 'no factor' "$(refused --mem-retry=tries=2)" '--mem-retry: "tries=2" is not a factor'
like 'tries=-1' "$(refused --mem-retry=x2,tries=-1)" 'tries=-1 .*whole number from 1 to 100'
like 'a bound without a unit' "$(refused --mem-retry=x2,max=64)" '--mem-retry: max=.*64'
like 'one below --mem' "$(refused --mem-retry=x2,max=50M)" \
    '--mem-retry: max=50.0 MiB is below .*--mem of 60.0 MiB'
like 'and from the environment' "$(MEMWARDEN_MEM_RETRY=x0 refused)" \
    'MEMWARDEN_MEM_RETRY: --mem-retry: x0 '

# ---- what is right
take=$CLUSTER_BIN/touchmem
job_script () { { echo '#!/bin/bash'; cat; } >"$CLUSTER_DIR/$1" && chmod 755 "$CLUSTER_DIR/$1"; }
job_script twice <<END2
#SBATCH --mem-retry=x2,tries=9 --mem=60
exec $take --size 200M
END2
job_script only1 <<END2
[ "\$SLURM_ARRAY_TASK_ID" = 1 ] || exec $take --size 30M
exec $take --size 100M
END2
hostile=$'a"b\\;$(touch pwned)\x01é'
twice=$(submit -J "$hostile" "$CLUSTER_DIR/twice")
once=$(submit --mem=60 --mem-retry=x1.5,tries=1 --wrap "exec $take --size 200M")
maxed=$(submit --mem=60 --mem-retry=x3,max=80M --wrap "exec $take --size 200M")
never=$(submit --mem=60 --no-requeue --mem-retry=x3 --wrap "exec $take --size 80M")
off=$(submit -p spares --mem=60 --mem-retry=off --wrap "exec $take --size 80M")
spares=$(submit -p spares --mem=60 --wrap "
    until [ -e $CLUSTER_DIR/out/known ]; do sleep 0.2; done; exec $take --size 90M")
array=$(submit --mem=60 --array=0-1 --mem-retry=x3 "$CLUSTER_DIR/only1")
ok 'the controller has said which partition it is in' \
    wait_for 90 journal_has "$spares" class
touch "$CLUSTER_DIR/out/known"
answered () { mw why "$1" | grep 'answer to .*requeue'; }

ok 'twice: completes' wait_job "$twice" COMPLETED 200
is 'in its third run' "$(job_field "$twice" Restarts)" 2
is 'with its peak times two, twice' "$(job_field "$twice" MinMemoryNode)" 240M
like 'its admin_comment says so' "$(scontrol show job "$twice")" \
    'AdminComment=\[memwarden run=2 mem=240M try=2 peak=12[0-9]{7}\]'
like 'and so does its story' "$(mw why "$twice")" 'requeued with --mem=240M .*in 2 tries at most'
like 'with what came of it' "$(answered "$twice")" 'requeued with --mem=240M \(try 2 of 2\)'
like 'that the site lets it have 2 tries is told' "$(cat "$WARDEN_LOG")" \
    "job $twice: .*mem-retry of x2,tries=9 is cut to x2,tries=2"

ok 'once: is killed' wait_job "$once" OUT_OF_MEMORY 200
is 'in its second run' "$(job_field "$once" Restarts)" 1
like 'and why not again is in its story' "$(mw why "$once")" \
    'given more memory 1 times already.* no more than 1 tries'
ok 'maxed: is killed' wait_job "$maxed" OUT_OF_MEMORY 200
is 'in its second run, with max=' \
    "$(job_field "$maxed" Restarts) $(job_field "$maxed" MinMemoryNode)" '1 80M'
like 'and why not again is in its story' "$(mw why "$maxed")" 'has the most already'
ok 'with --no-requeue: is killed' wait_job "$never" OUT_OF_MEMORY 60
like 'and why is in its story' "$(mw why "$never")" '--no-requeue'
ok 'with "off": is killed, whatever the class says' wait_job "$off" OUT_OF_MEMORY 60
is 'in its first run' "$(job_field "$off" Restarts)" 0
ok "by its class's default: completes" wait_job "$spares" COMPLETED 200
is 'with what its partition lets it have' "$(job_field "$spares" MinMemoryNode)" 100M

# ---- one member of an array
member () { scontrol show job -o "${array}_$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
member_is () { [ "$(member "$1" JobState)" = "$2" ]; }
ok 'the member of an array that needed more completes' wait_for 200 member_is 1 COMPLETED
ok 'so does the other' wait_for 60 member_is 0 COMPLETED
is 'the one in its second run, the other in its first' \
    "$(member 1 Restarts) $(member 0 Restarts)" '1 0'
is 'the one has more, the other not' \
    "$(member 1 MinMemoryNode) $(member 0 MinMemoryNode)" '180M 60M'

# ---- what was learnt
learnt=$(cat "$WARDEN_STATE"/learnt/*)
is 'what was learnt of the first is kept' "$(jq -c --argjson uid "$(id -u nobody)" '
    select(.uid == $uid and (.runs | map(.mem_mb)) == [120, 240]) | .times' <<<"$learnt")" 2
is 'its name is no path, and no more than a name' "$(ls -A "$WARDEN_STATE/learnt" | grep -Evc '^[0-9a-f]{16}$')" 0
ok 'nothing came of its name' test ! -e "$CLUSTER_DIR/out/pwned"
done_testing
