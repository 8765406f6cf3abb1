#!/usr/bin/env bash
# kinds_of_node.t - nodes that have no slurm.conf of their own: one that has its files from
# the controller (configless: slurmd --conf-server), and one of which slurm.conf says
# nothing at all (dynamic: slurmd -Z).  Jobs are placed, grown and requeued there as
# anywhere; warden, courier and doctor find the files where slurmd keeps them.
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"
[ ! -e /etc/slurm/slurm.conf ] || skip_all 'there is a slurm.conf here'
[ ! -d /run/systemd/system ] || skip_all 'slurmd is not in a unit of its own there'

cluster_start --plugins spank --configless --slurm-conf-line "$(first_job_id)" \
    --slurm-conf-line MaxNodeCount=4 --slurm-conf-line "SlurmdPort=$(_cluster_port)" 2>"$TMP/start" ||
    { fail 'a configless node comes up' "$(cat "$TMP/start")"; done_testing; exit; }
pass 'a configless node comes up'
install -m 755 "$TOUCHMEM" "$CLUSTER_DIR/out/touchmem"
slurmd_pid () { cat "$CLUSTER_DIR/run/slurmd-$CLUSTER_NODE.pid"; }

# ---- all of ours sees what slurmd sees, and is told of no slurm.conf ----
there=(env -u SLURM_CONF nsenter -m -t "$(slurmd_pid)" --)
ok 'slurmd has linked its files' "${there[@]}" test -e /run/slurm/conf/slurm.conf
for program in memwardend memwarden-courier; do
    printf '#!/bin/sh\nexec %s %s "$@"\n' "${there[*]}" "$MW_BUILD/handler/$program" >"$TMP/$program"
    chmod 755 "$TMP/$program"
done
# shellcheck disable=SC2034    # cluster_warden.sh
WARDEND=$TMP/memwardend MW_SBIN=$TMP
warden_start 'ladder = "kill"
max-burst = "x4"
controller-timeout = "60s"
courier { user = "root" }'
at_exit cluster_courier_stop
cluster_courier_start
is 'the courier finds the controller' $? 0
ok 'the warden has read of its node in there' wait_for 20 \
    grep -q 'slurm.conf: this node has RealMemory 2.0 GiB' "$WARDEN_LOG"
said=$("${there[@]}" "$MEMWARDEN" doctor --json)
about () { jq -r --arg i "$1" '.[] | select(.item == $i) | .verdict + "; " + .found + "; " + .fix' <<<"$said"; }
like 'doctor looks there' "$(about Slurm)" '^ok; /run/slurm/conf/slurm.conf;'
like '… finds the plugin' "$(about 'memwarden in Slurm')" '^ok; '
like '… and says where a line is to be written' "$(about AllowedRAMSpace)" \
    "; in /run/slurm/conf/cgroup.conf \(on the controller's host, which sends it\): AllowedRAMSpace=400"

# ---- a node that the controller has not heard of before ----
static=$CLUSTER_NODE dynamic=mw$$9
CLUSTER_NODES+=" $dynamic"
_cluster_slurmd "$dynamic" -Z --conf 'CPUs=8 RealMemory=2000'
up () { [ "$(node_state "$dynamic")" = idle ]; }
must 'a dynamic node comes up' wait_for 30 up
unlike 'slurm.conf knows nothing of it' "$(cat "$CLUSTER_DIR/slurm.conf")" "$dynamic"

# ---- the same jobs on both ----
jobs=()
for node in "$static" "$dynamic"; do
    grown=$(submit -w "$node" --mem=40 --on-oom=grow=100M@1m,kill --wrap './touchmem --size 70M')
    again=$(submit -w "$node" --mem=40 --requeue --on-oom=requeue=x3,kill --wrap './touchmem --size 70M')
    killed=$(submit -w "$node" --mem=40 --wrap './touchmem --size 70M')
    jobs+=("$grown $again $killed")
done
for node in static dynamic; do
    read -r grown again killed <<<"${jobs[0]}"
    jobs=("${jobs[@]:1}")
    ok "$node: grown: completes" wait_job "$grown" COMPLETED 60
    like "$node: as its ladder says" "$(journal_events "$grown")" '^registered detected:grow '
    ok "$node: requeued: completes" wait_job "$again" COMPLETED 90
    is "$node: once, with more" "$(job_field "$again" Restarts) $(job_field "$again" MinMemoryNode)" \
        '1 120M'
    ok "$node: killed: OUT_OF_MEMORY" wait_job "$killed" OUT_OF_MEMORY 60
    like "$node: its comment tells" "$(scontrol show job "$killed")" "Comment=memwarden: job $killed: .*killed"
done
is 'the kernel has killed nobody' "$(grep -c kernel-kill "$WARDEN_STATE/journal.jsonl")" 0
unlike 'no node is drained' "$(sinfo -h -o '%T')" 'drain|down'
done_testing
