#!/usr/bin/env bash
# runs: v1 v2
# takes: 71 s
# kill -9 of the warden, of the courier, or of both, in the middle of hold, suspend,
# requeue and kill (one running, one suspended at Slurm) costs no node: each job ends
# as its ladder says, no slurmstepd is given up, nothing is drained.  The same where the
# courier hangs, and where nobody comes back and the failsafe (ExecStopPost=) gives the
# jobs to the kernel.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/drains.sh"

# shellcheck disable=SC2054    # the commas are a ladder's
declare -A ladder=(
    [hold]=hold@3s,kill
    [suspend]=suspend@3s,kill
    [requeue]=requeue,kill
    [kill]=kill
    [asleep]=suspend@4s,kill
)
declare -A id
slurmd_joins_late
cluster_warden_start 'controller-timeout = "5m"' --memory 8000 \
    --slurm-conf-line "UnkillableStepTimeout=$UNKILLABLE" ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
ctld=$(cat "$CLUSTER_DIR/run/slurmctld.pid")
at_exit 'kill -CONT $ctld $COURIER_PID'
out=$CLUSTER_DIR/out

# each waits for out/go, "asleep" for a sign of its own
begin () {
    local kind go
    rm -f "$out"/go*
    for kind in "${!ladder[@]}"; do
        go=$out/go
        [ "$kind" != asleep ] || go+=.asleep
        id[$kind]=$(submit --requeue --mem=60 --on-oom="${ladder[$kind]}" --wrap "
            [ -z \"\$SLURM_RESTART_COUNT\" ] || exit 0
            echo begun
            until [ -e $go ]; do sleep 0.1; done
            exec $CLUSTER_BIN/touchmem --size 100M")
    done
    for kind in "${!ladder[@]}"; do
        must "$1: $kind runs" wait_for 60 grep -qs begun "$out/${id[$kind]}.out"
        must 'the controller has told of it' wait_for 60 looked_up "${id[$kind]}"
    done
}
asked () { ls "$WARDEN_STATE/spool/req" | grep -q "^$1\..*\.$2"; }
# on a slow machine it may be over before the controller is stopped
dying () { asked "$1" complete-oom || grep -q "[ ]$1\..*complete-oom: " "$COURIER_LOG"; }
# All stand in the middle of their rungs: the controller does not answer
to_the_middle () {
    touch "$out/go.asleep"
    must "$1: one is suspended" wait_job "${id[asleep]}" SUSPENDED 60
    kill -STOP "$ctld"
    touch "$out/go"
    must "$1: hold" wait_for 60 journal_has "${id[hold]}" held
    must "$1: suspend" wait_for 60 asked "${id[suspend]}" suspend
    must "$1: requeue" wait_for 60 asked "${id[requeue]}" requeue
    must "$1: kill" wait_for 60 asked "${id[kill]}" complete-oom
    must "$1: kill of the suspended one" wait_for 60 dying "${id[asleep]}"
}
courier_kill9 () {
    kill -9 "$COURIER_PID"
    wait "$COURIER_PID"
    COURIER_PID=
} 2>/dev/null

as_said () {
    local kind want
    for kind in "${!ladder[@]}"; do
        want=OUT_OF_MEMORY
        [ "$kind" != requeue ] || want=COMPLETED
        ok "$1: $kind" wait_job "${id[$kind]}" "$want" 90
    done
    harmless "$1"
    echo "# $1: after $SECONDS s"
}

for who in warden courier both; do
    begin "$who"
    to_the_middle "$who"
    [ $who = courier ] || warden_kill9
    [ $who = warden ] || courier_kill9
    [ $who = courier ] || warden_start || fail "$who: the warden comes back"
    [ $who = warden ] || cluster_courier_start || fail "$who: the courier comes back"
    kill -CONT "$ctld"
    as_said "$who"
done

# A courier that hangs: all are killed behind Slurm's back
begin 'no answer'
sed -i 's/^controller-timeout.*/controller-timeout = "2s"/' "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
touch "$out/go.asleep"
must 'no answer: one is suspended' wait_job "${id[asleep]}" SUSPENDED 60
kill -STOP "$COURIER_PID"
touch "$out/go"
for kind in "${!ladder[@]}"; do
    ok "no answer: $kind" wait_job "${id[$kind]}" FAILED 60
done
kill -CONT "$COURIER_PID"
harmless 'no answer'
echo "# no answer: after $SECONDS s"

# Nobody comes back: what is left is the kernel's killer and Slurm
sed -i 's/^controller-timeout.*/controller-timeout = "5m"/' "$WARDEN_CONF"
kill -HUP "$WARDEN_PID"
begin nobody
to_the_middle nobody
warden_kill9
courier_kill9
ok 'nobody: the failsafe makes all safe' mw failsafe --state-dir "$WARDEN_STATE"
kill -CONT "$ctld"
is 'nobody: who is suspended at Slurm is still so' "$(job_state "${id[asleep]}")" SUSPENDED
ok 'nobody: and can be resumed' scontrol resume "${id[asleep]}"
for kind in "${!ladder[@]}"; do
    ok "nobody: $kind" wait_job "${id[$kind]}" 'OUT_OF_MEMORY|FAILED|COMPLETED' 90
done
harmless nobody
echo "# nobody: after $SECONDS s"
done_testing
