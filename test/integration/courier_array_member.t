#!/usr/bin/env bash
# runs: v1 native
# needs: cluster
# What is asked for one member of a job array happens to that member alone, also
# where its raw job id is the array's.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/courier.sh"

cluster_start || { fail 'a cluster'; done_testing; exit; }
courier_start
array=$(submit --array=0-3 --mem=50 --wrap 'sleep 1000')
_running () { [ "$(squeue -h -r -j "$array" -t R -o %i | wc -l)" = 4 ]; }
ok 'an array of four runs' wait_for 60 _running
raw_of () { squeue -h -r -j "$array" -o '%K %A' -t all | sed -n "s/^$1 //p"; }
state_of () { scontrol show job -o "${array}_$1" | tr ' ' '\n' | sed -n 's/^JobState=//p'; }
states () { for t in 0 1 2 3; do state_of $t; done | tr '\n' ' '; }
last=
for t in 0 1 2 3; do [ "$(raw_of $t)" != "$array" ] || last=$t; done
is 'one of them has the id of the array' "$([ -n "$last" ] && echo yes)" yes
first=$(((last + 1) % 4))
on () { local t=$1 op=$2; shift 2; ask "$op" "$(raw_of "$t")" "array=$array" "task=$t" "$@"; }

is 'suspend one' "$(on $first suspend)" 'ok 0 suspended'
is 'only that one' "$(states | tr ' ' '\n' | grep -c SUSPENDED) $(state_of $first)" '1 SUSPENDED'
is 'suspend the one with the id of the array' "$(on "$last" suspend)" 'ok 0 suspended'
is 'only that one, too' "$(states | tr ' ' '\n' | grep -c SUSPENDED) $(state_of "$last")" '2 SUSPENDED'
is 'resume it' "$(on "$last" resume)" 'ok 0 resumed'
is 'comment on it' "$(on "$last" comment text=mine)" 'ok 0 set'
is 'only on it' "$(scontrol show job "$array" | grep -c 'Comment=mine')" 1
is 'cancel it' "$(on "$last" cancel)" 'ok 0 cancelled'
_ended () { [[ $(state_of "$1") =~ $2 ]]; }
ok 'it is cancelled' wait_for 20 _ended "$last" CANCELLED
is 'the others are not' "$(states | tr ' ' '\n' | grep -c CANCELLED)" 1
other=$(((last + 2) % 4))
is 'complete another as out of memory' "$(on $other complete-oom)" \
    'ok 0 completed as OUT_OF_MEMORY'
ok 'it is' wait_for 20 _ended $other OUT_OF_MEMORY
third=$(((last + 3) % 4))
is 'requeue another with more memory' "$(on $third requeue mem=77)" \
    'ok 0 requeued with --mem=77M'
is 'the first one is still suspended' "$(state_of $first)" SUSPENDED
is 'and has its memory' "$(scontrol show job -o "${array}_$first" |
    grep -o 'MinMemoryNode=[^ ]*')" MinMemoryNode=50M
done_testing
