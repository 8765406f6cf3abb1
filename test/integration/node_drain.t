#!/usr/bin/env bash
# runs: v1
# After drain-after node OOMs the node is drained at the controller, with the reason
# and the evidence; by default it is not.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

pool=/sys/fs/cgroup/memory/$WARDEN_POOL
mkdir "$pool" "$pool/keep" && echo 128M >"$pool/memory.limit_in_bytes"
drained () { [[ $(node_state) == drain* ]]; }
# run NAME: a job that fills the pool, and is killed for it
run () {
    run_job "$1" --reservation 32M --limit 512M -- "$TOUCHMEM" --size 300M
    wait $!
}
ooms () { grep -c '"event":"node".*the node is out of memory (' "$WARDEN_STATE/journal.jsonl"; }

cluster_warden_start "pool = \"$pool\"
node-ladder = \"kill\"
max-burst = \"x16\"
drain-after = \"2\"
drain-window = \"1h\"" || { fail 'cluster, warden and courier'; done_testing; exit; }
run first$$; is 'a job that fills the pool is killed' $? 137
is 'that was a node OOM' "$(ooms)" 1
unlike 'one does not drain the node' "$(node_state)" drain
run second$$; is 'another one, too' $? 137
ok 'after the second the node is drained' wait_for 30 drained
like 'by memwarden, with the evidence' "$(scontrol show node "$CLUSTER_NODE")" \
    'Reason=memwarden: out of memory 2 times in [0-9]+ s'
like 'the log has the answer' "$(cat "$TMP/warden.log")" 'answer to node\..*: done'
done_testing
