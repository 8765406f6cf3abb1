#!/usr/bin/env bash
# held_job_ends.t - a job that is held in its OOM is still Slurm's: it stays held
# while slurmd is killed and started anew, and reconfigured, also suspended at Slurm (whose
# nodes are in an Include, and keep memory for themselves: MemSpecLimit), and ends for good
# when it is cancelled or its time is over, which is what `why` tells then; a signal
# is not lost.
# runs: v1 v2
# in-vm: newest-v2
# takes: 43 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

cluster_warden_start '' --slurm-conf-line "$(first_job_id)" --include \
    --node MemSpecLimit=100 ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
eat="exec $CLUSTER_BIN/touchmem --size 60M"
held () { journal_has "$1" held; }
not_woken () { held "$1" && ! journal_has "$1" thawed; }
begin () { submit --mem=40 "$@"; }

hold=$(begin --on-oom=hold@1h,kill --wrap "$eat")
susp=$(begin --on-oom=suspend@1h,kill --wrap "$eat")
time=$(begin --on-oom=hold@1h,kill --wrap "$eat")
gone=$(begin --on-oom=hold@1h,kill --wrap "$eat")
asleep=$(begin --on-oom=suspend@1h,requeue,kill --wrap "$eat")
# the script is held, too: it is told when it goes on
sig=$(begin --on-oom=hold@1h,kill --wrap "
    trap 'echo told; exit 3' USR1
    $CLUSTER_BIN/touchmem --size 60M --stay 0 & wait")
for j in $hold $time $gone $sig; do must 'one is held' wait_for 60 held "$j"; done
for j in $susp $asleep; do must 'one is suspended at Slurm' wait_job "$j" SUSPENDED 60; done
# looked at every 30 s; not now, which is over when a slow scontrol gets there
ok "one's time is to be over" scontrol update job="$time" EndTime=now+30

# ---- slurmd ----
slurmd_restart -9
is 'slurmd is killed and started anew' $? 0
up () { [[ $(node_state) =~ ^(mixed|allocated|idle)$ ]]; }
ok 'the node is up' wait_for 60 up
ok 'Slurm is reconfigured' scontrol reconfigure
ok 'the node is up then' wait_for 60 up
is 'its memory is less what it keeps' "$(sinfo -h -N -n "$CLUSTER_NODE" -o %m) $(
    scontrol show node "$CLUSTER_NODE" | grep -o 'MemSpecLimit=[0-9]*')" '2000 MemSpecLimit=100'
ok 'which the warden has read in the Include' grep -q \
    'slurm.conf: this node has RealMemory 2.0 GiB, MemSpecLimit 100 MiB' "$TMP/warden.log"
is 'for Slurm the held one runs, the suspended one is suspended' \
    "$(job_state "$hold") $(job_state "$susp")" 'RUNNING SUSPENDED'
ok 'here both are held: one' not_woken "$hold"
ok 'the other' not_woken "$susp"
ok 'the held one is given room' mw set "$hold" --limit 100M
ok 'and completes' wait_job "$hold" COMPLETED 60
ok 'so is the suspended one' mw set "$susp" --limit 100M
ok 'and completes' wait_job "$susp" COMPLETED 60

# ---- a signal for the script, scancel, the end of its time ----
scancel --signal=USR1 --batch "$sig"
ok 'the one with a signal is given room' mw set "$sig" --limit 100M
ok 'and its script hears the signal' wait_job "$sig" FAILED 60
is 'as it asked to' "$(grep -x told "$CLUSTER_DIR/out/$sig.out") $(
    job_field "$sig" ExitCode)" 'told 3:0'
scancel "$gone" "$asleep"
for j in $gone $asleep; do ok 'one is cancelled' wait_job "$j" CANCELLED 60; done
ok "one's time is over" wait_job "$time" TIMEOUT 120
_released () { [ "$(journal_count "$1" released)" = 1 ]; }
for j in $hold $susp $sig $gone $asleep $time; do
    ok 'nothing is left of it' wait_for 60 _released "$j"
done
# the comment is as it was: Slurm takes none for a job that it ends
for j in $gone $time; do
    like 'why tells that Slurm has ended it' "$(mw why "$j" | tr '\n' ' ')" \
        "reached its limit.*resolved *job $j: ended by Slurm"
done
for j in $gone $asleep $time; do
    unlike '… and nothing that is not so' \
        "$(mw why "$j"; scontrol show job "$j" | grep Comment=)" 'has room again'
done
unlike 'the node is not drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
